import copy

import numpy as np
import pytest
import torch

from isthmus.core import ValueOutOfRange
from isthmus.models import TwoLayerAutoencoder
from isthmus.models.straight_through import code_layer, straight_through
from isthmus.models.two_layer_step import TwoLayerStep


def ternary(u):
    return np.sign(u) * (np.abs(u) > 0.612)


def parts(rng, n_code=6, n_input=4, n_rows=10):
    rows = rng.standard_normal((n_code, n_input))
    rows /= np.linalg.norm(rows, axis=1, keepdims=True)
    decoder = rng.standard_normal((n_input, n_code))
    root = rng.standard_normal((n_input, n_input))
    x, white = rng.standard_normal((n_rows, n_input)), root + root.T
    return [torch.from_numpy(a) for a in (rows, decoder, white, x)]


@pytest.mark.parametrize("tied", [False, True])
@pytest.mark.parametrize("white", [False, True])
def test_forward_is_the_formula(tied, white, rng):
    rows, decoder, whitening, x = parts(rng)
    second = torch.tensor(0.7, dtype=torch.float64) if tied else decoder
    model = TwoLayerAutoencoder(3 * rows, second, whitening=whitening if white else None)
    b = (rows @ whitening).numpy() if white else rows.numpy()
    a = 0.7 * rows.numpy().T if tied else decoder.numpy()
    code = np.where(x.numpy() @ b.T >= 0, 1.0, -1.0)
    np.testing.assert_allclose(model.encoder_weight.detach(), b, rtol=1e-12)
    np.testing.assert_array_equal(model.encode(x).detach(), code)
    np.testing.assert_allclose(model(x).detach(), code @ a.T, rtol=1e-12)
    assert model.tied == tied


def test_gradients_do_not_change_the_norm_of_a_row(rng):
    rows, decoder, whitening, x = parts(rng)
    model = TwoLayerAutoencoder(rows, decoder, whitening=whitening)
    (model(x) - x).square().sum().backward()
    radial = (model.directions.grad * model.directions.detach()).sum(dim=1)
    assert model.directions.grad.abs().max() > 0.1
    np.testing.assert_allclose(radial, 0.0, atol=1e-12)


def test_type_and_state_travel(rng):
    rows, decoder, whitening, x = parts(rng)
    model = TwoLayerAutoencoder(rows, decoder, whitening=whitening).to(torch.float32)
    assert model(x.float()).dtype == torch.float32
    assert model.encode(x.float()).device == x.device
    twin = TwoLayerAutoencoder(rows + 1, decoder - 1, whitening=0 * whitening)
    twin.load_state_dict(copy.deepcopy(model.state_dict()))
    np.testing.assert_allclose(twin(x).detach(), model(x.float()).detach(), atol=1e-6)


def test_shapes_are_checked(rng):
    rows, decoder, whitening, _ = parts(rng)
    with pytest.raises(ValueOutOfRange, match=r"directions=.*\(code, input\)"):
        TwoLayerAutoencoder(rows[0], decoder)
    with pytest.raises(ValueOutOfRange, match=r"decoder=.*\(4, 6\)"):
        TwoLayerAutoencoder(rows, decoder.T)
    with pytest.raises(ValueOutOfRange, match="whitening"):
        TwoLayerAutoencoder(rows, decoder, whitening=whitening[:2])
    rows[3] = 0
    with pytest.raises(ValueOutOfRange, match="row 3 is not"):
        TwoLayerAutoencoder(rows, decoder)


@pytest.mark.parametrize("activation", ["sign", ternary, np.tanh])
@pytest.mark.parametrize("temperature", [0.5, 1.0])
@pytest.mark.parametrize("tied", [False, True])
def test_the_step_is_the_gradient_of_autograd(activation, temperature, tied, rng):
    rows, decoder, whitening, x = parts(rng)
    z = x @ whitening
    first, second = rows.clone().requires_grad_(), decoder.clone().requires_grad_()
    if tied:
        second = torch.tensor(0.3, dtype=torch.float64, requires_grad=True)
    y = straight_through(z @ first.T, activation, temperature=temperature)
    guess = y @ (second * first if tied else second.T)
    loss = (guess - x).square().sum() / x.shape[0]
    loss.backward()
    layer = code_layer(activation, temperature=temperature)
    moved, other = rows.clone(), second.detach().clone()
    energy = torch.zeros((), dtype=torch.float64)
    with torch.inference_mode():
        TwoLayerStep(moved, other, layer, x.shape[0])(x, z, 0.01, 0.02, energy)
    expected = torch.nn.functional.normalize(rows - 0.01 * first.grad, dim=1)
    np.testing.assert_allclose(moved, expected.detach(), rtol=1e-8, atol=1e-9)
    unit_guess = (guess / second).detach() if tied else guess
    curvature = 2 * unit_guess.square().sum() / x.shape[0] if tied else 1.0
    expected = second - 0.02 * second.grad / curvature
    np.testing.assert_allclose(other, expected.detach(), rtol=1e-10)
    assert float(energy) == pytest.approx(loss.item() * x.shape[0], rel=1e-12)


def test_curvature_is_the_largest_second_moment_of_the_code(rng):
    rows, decoder, _, x = parts(rng, 8, 5, 4000)
    step = TwoLayerStep(rows, decoder, code_layer("sign"), x.shape[0])
    y = np.sign((x @ rows.T).numpy())
    largest = np.linalg.eigvalsh(y.T @ y / x.shape[0])[-1]
    got = step.decoder_curvature(x)
    # Power iteration comes from below; eight rounds leave a few per cent at most.
    assert 0.9 * largest < got <= largest * (1 + 1e-12)


def test_zero_rows_of_data_encode_as_plus_one(rng):
    # What the step's sign does at -0.0: adding 0 first makes the product +1.
    rows, decoder, _, _ = parts(rng)
    step = TwoLayerStep(-rows.abs(), decoder, code_layer("sign"), 2)
    step._code(torch.zeros(2, 4, dtype=torch.float64))
    assert torch.all(step._y == 1)
    step._u.fill_(-0.0)
    assert torch.copysign(step._one, step._u.add_(0.0)).min() == 1
