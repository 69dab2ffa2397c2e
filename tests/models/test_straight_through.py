import numpy as np
import pytest
import torch

from isthmus.core import Activation, ValueOutOfRange
from isthmus.limits import lloyd_max_quantiser
from isthmus.models.straight_through import code_layer, straight_through


def ternary(u):
    return np.sign(u) * (np.abs(u) > 0.612)


def lloyd_max(bits):
    levels, thresholds = lloyd_max_quantiser(bits)
    return lambda u: levels[np.searchsorted(thresholds, u, side="right")]


QUANTISERS = {"ternary": ternary, "two bits": lloyd_max(2), "four bits": lloyd_max(4)}
SMOOTH = {
    "tanh": np.tanh,
    "cube": lambda u: u**3,
    "clip": lambda u: np.clip(u, -1, 1),
    "soft": lambda u: np.sign(u) * np.maximum(np.abs(u) - 1, 0),
    "hard": lambda u: u * (np.abs(u) > 1),
}


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_sign_has_two_values_and_keeps_the_type(dtype):
    u = torch.tensor([-2.0, -0.0, 0.0, 1e-30, 5.0], dtype=dtype)
    y = straight_through(u)
    assert y.dtype == dtype
    assert y.tolist() == [-1.0, 1.0, 1.0, 1.0, 1.0]


@pytest.mark.parametrize("name", QUANTISERS)
def test_a_quantiser_is_found_by_its_jumps(name, rng):
    function = QUANTISERS[name]
    u = 3 * rng.standard_normal(20_000)
    y = straight_through(torch.from_numpy(u), function)
    np.testing.assert_array_equal(y.numpy(), function(u))


@pytest.mark.parametrize("name", SMOOTH)
def test_what_is_no_quantiser_is_computed_as_given(name, rng):
    function = SMOOTH[name]
    layer = code_layer(function)
    assert layer.thresholds is None
    u = rng.standard_normal(1000)
    assert np.array_equal(layer.forward(torch.from_numpy(u)).numpy(), function(u))


@pytest.mark.parametrize("activation", ["sign", *QUANTISERS])
@pytest.mark.parametrize("temperature", [0.1, 1.0, 3.0])
def test_gradient_is_that_of_the_surrogate(activation, temperature, rng):
    # Central differences of tanh(u / tau): error h^2 f''' / 6 below 2e-5 at tau = 0.1.
    u = torch.from_numpy(rng.standard_normal(200)).requires_grad_()
    weight = torch.from_numpy(rng.standard_normal(200))
    function = QUANTISERS.get(activation, activation)
    (straight_through(u, function, temperature=temperature) @ weight).backward()
    h = 1e-4 * temperature
    at = u.detach().numpy()
    rise = np.tanh((at + h) / temperature) - np.tanh((at - h) / temperature)
    expected = weight.numpy() * rise / (2 * h)
    np.testing.assert_allclose(u.grad, expected, rtol=1e-6, atol=1e-8 / temperature)


@pytest.mark.parametrize("function", [np.tanh, lambda u: u**3, np.arctan])
def test_smooth_activations_keep_their_own_gradient(function, rng):
    u = torch.from_numpy(rng.standard_normal(30)).requires_grad_()
    assert torch.autograd.gradcheck(lambda v: straight_through(v, function), u)


def test_identity_does_not_share_memory():
    u = torch.zeros(3)
    straight_through(u, "identity").add_(1)
    assert u.tolist() == [0, 0, 0]


def test_an_activation_without_the_name_is_recognised():
    other = Activation("mine", lambda u: np.where(u >= 0, 2.0, -2.0), 1.6, 4.0)
    layer = code_layer(other)
    assert layer.thresholds == (0.0,)
    assert layer.levels == (-2.0, 2.0)


@pytest.mark.parametrize("temperature", [0.0, -1.0, np.nan, np.inf])
def test_temperature_must_be_positive(temperature):
    with pytest.raises(ValueOutOfRange, match="positive and finite"):
        straight_through(torch.zeros(1), temperature=temperature)


def test_even_activations_are_refused():
    with pytest.raises(ValueOutOfRange, match="even part"):
        straight_through(torch.zeros(1), "relu")
    with pytest.raises(ValueOutOfRange, match="must be odd"):
        straight_through(torch.zeros(1), np.cos)
