import math

import numpy as np
import pytest
from helpers import unchecked

from isthmus import frames, limits, priors
from isthmus.core import ValueOutOfRange
from isthmus.decoders import RIGAMP, DenoisingDecoder, LinearDecoder, MessagePassingDecoder
from isthmus.decoders.onsager import catalan_cumulants, memory_steps

SPARSE = priors.GaussBernoulli(0.1)


def on_sphere(prior, shape, rng):
    x = prior.sample(shape, rng)
    return x * math.sqrt(shape[1]) / np.linalg.norm(x, axis=1, keepdims=True)


def signs(frame, x):
    return np.where(frame.forward(x) >= 0, 1.0, -1.0)


def times(a, b):
    return np.convolve(a, b)[: len(a)]


def cumulants_of_moments(rate, moments):
    """From M(x) = sum_k kappa_2k (x (rate M + 1) (M + 1))^k, order by order."""
    count = len(moments)
    series = np.array([0.0, *moments])
    one = np.eye(count + 1)[0]
    step = times(times(rate * series + one, series + one), np.eye(count + 1)[1])
    powers = [step]
    while len(powers) < count:
        powers.append(times(powers[-1], step))
    kappa = []
    for k in range(1, count + 1):
        known = sum(c * p[k] for c, p in zip(kappa, powers, strict=False))
        kappa.append((series[k] - known) / powers[k - 1][k])
    return np.array(kappa)


@pytest.mark.parametrize("rate", [0.25, 0.5, 1.0, 2.0, 4.0])
def test_catalan_cumulants_are_those_of_equal_singular_values(rate):
    # Mean powers of B B': 1 for orthonormal rows; rate^(k-1) for a tight frame, whose n
    # eigenvalues are d times rate and else zero.
    orders = np.arange(1, 13)
    moments = np.maximum(rate, 1.0) ** (orders - 1.0)
    expected = cumulants_of_moments(rate, moments)
    np.testing.assert_allclose(catalan_cumulants(rate, 12), expected, rtol=1e-9)


@pytest.mark.parametrize("flip", [0.0, 0.1])
@pytest.mark.parametrize("rate", [0.25, 0.5, 1.0, 2.0, 4.0])
@pytest.mark.parametrize(
    "prior", [SPARSE, priors.GaussBernoulli(0.5), priors.Uniform()], ids=repr
)
def test_memory_terms_lead_where_precisions_lead(prior, rate, flip):
    # Two state evolutions that share the scalar channels only.
    found = [step.mse for step in memory_steps(prior, rate, 8, flip)]
    path = limits.state_evolution(prior, rate, n_iter=8, flip_probability=flip).mse
    both = min(len(found), len(path))
    assert both >= 2
    np.testing.assert_allclose(found[:both], path[:both], rtol=2e-6)
    assert found[-1] == pytest.approx(path[-1], rel=2e-6)


def assert_same_steps(density, frame, n_rows, rng=1):
    """Mean errors of both routes on the same codes differ by at most 0.002 at each step.

    A third cumulant of the wrong size shows by 0.015 to 0.06 at rates to 1. At rate 1/2
    undamped precisions of single rows wander late, the more the shorter the rows: up to
    0.0024 at 2 000 coordinates, 0.0003 at 8 000 and 0.0002 at 16 000.
    """
    prior = priors.GaussBernoulli(density)
    x = on_sphere(prior, (n_rows, frame.n_input), rng)
    y = signs(frame, x)
    for step in range(1, 9):
        other = MessagePassingDecoder(frame, prior, n_iter=step, damping=1.0)
        memory, precision = (
            np.mean((decoder.decode(y) - x) ** 2)
            for decoder in (RIGAMP(frame, prior, n_iter=step), other)
        )
        assert abs(memory - precision) <= 2e-3, (step, memory, precision)


@pytest.mark.slow
@pytest.mark.parametrize("rate", [1.0, 2.0])
def test_both_routes_agree_after_every_step(rate):
    frame = frames.haar(int(2000 * rate), 2000, rng=0)
    assert_same_steps(0.1, frame, 32)


@pytest.mark.slow
@pytest.mark.parametrize("rng", range(1, 6))
@pytest.mark.parametrize("density", [0.1, 0.3])
def test_both_routes_agree_at_half_a_bit_on_long_rows(density, rng):
    assert_same_steps(density, frames.dct(8000, 16_000, rng=0, rounds=2), 16, rng)


@pytest.mark.parametrize(("rate", "n_input"), [(0.5, 8000), (1.0, 2000), (2.0, 2000)])
def test_both_routes_agree_on_a_fast_frame(rate, n_input):
    frame = frames.dct(int(n_input * rate), n_input, rng=0, rounds=2)
    assert_same_steps(0.1, frame, 16)


@pytest.mark.parametrize("flip", [0.0, 0.1])
def test_prediction_is_met(flip):
    frame = frames.dct(1500, 1500, rng=0, rounds=2)
    x = on_sphere(SPARSE, (24, 1500), 1)
    y = signs(frame, x) * np.where(np.random.default_rng(2).random(x.shape) < flip, -1, 1)
    decoder = RIGAMP(frame, SPARSE, n_iter=6, flip_probability=flip)
    each = np.mean((decoder.decode(y) - x) ** 2, axis=1)
    value = decoder.predicted_nmse[-1]
    allowed = 5 * each.std(ddof=1) / math.sqrt(24) + 20 / 1500 * value
    assert abs(each.mean() - value) <= allowed


def test_one_step_is_the_denoiser():
    for rate in (0.5, 1.0, 2.0):
        frame = frames.haar(int(64 * rate), 64, rng=0)
        y = signs(frame, SPARSE.sample((20, 64), 1))
        np.testing.assert_allclose(
            RIGAMP(frame, SPARSE, n_iter=1).decode(y),
            DenoisingDecoder(frame, SPARSE).decode(y),
            rtol=1e-9,
            atol=1e-14,
        )


@pytest.mark.parametrize("rate", [0.25, 1.0])
def test_gaussian_inputs_need_one_step_up_to_rate_one(rate):
    frame = frames.haar(int(64 * rate), 64, rng=0)
    y = signs(frame, np.random.default_rng(0).normal(size=(20, 64)))
    norms = np.linspace(1, 9, 20)
    decoder = RIGAMP(frame, priors.Gaussian())
    np.testing.assert_allclose(
        decoder.decode(y, norms), LinearDecoder(frame).decode(y, norms), rtol=1e-9
    )
    np.testing.assert_allclose(decoder.predicted_nmse, limits.isotropic_limit(rate))
    assert decoder.predicted_nmse.shape == (8,)


def test_a_discrete_prior_once_known_ends_the_steps():
    prior = priors.SparseRademacher(1.0)
    frame = frames.dct(2048, 256, rng=0, rounds=2)
    x = prior.sample((16, 256), 1)
    found = RIGAMP(frame, prior).decode(signs(frame, x))
    np.testing.assert_allclose(found, x, atol=1e-6)


@pytest.mark.parametrize("density", [0.02, 0.1, 1.0])
@pytest.mark.parametrize("rate", [0.25, 1.0, 4.0])
def test_short_rows_are_no_worse_than_linear(density, rate):
    # Without a check-up of their messages some rows end at 1e16.
    prior = priors.GaussBernoulli(density)
    frame = frames.haar(int(64 * rate), 64, rng=0)
    x = prior.sample((64, 64), 1)
    x[0] = 0.0
    y, norms = signs(frame, x), np.linalg.norm(x, axis=1)
    found = RIGAMP(frame, prior).decode(y, norms)
    assert not found[0].any()
    linear = LinearDecoder(frame).decode(y, norms)
    assert np.sum((found - x) ** 2) <= 1.02 * np.sum((linear - x) ** 2)


def test_scale_type_and_blocks():
    frame = frames.dct(300, 300, rng=0)
    x = SPARSE.sample((400, 300), 1)
    y = signs(frame, x)
    decoder = RIGAMP(frame, SPARSE, n_iter=4)
    whole = decoder.decode(y)
    np.testing.assert_allclose(whole[217:220], decoder.decode(y[217:220]), rtol=1e-9)
    assert decoder.decode(y[:0]).shape == (0, 300)
    wide = RIGAMP(frame, priors.ScaleMixture([0.9, 0.1], [0.0, 490.0]), n_iter=4)
    np.testing.assert_allclose(wide.decode(y), 7 * whole, rtol=1e-6, atol=1e-9)
    small = decoder.decode(y.astype(np.float32))
    assert small.dtype == np.float32
    np.testing.assert_allclose(small, whole, rtol=1e-5, atol=1e-6)


def test_tensors_come_back_as_tensors():
    torch = pytest.importorskip("torch")
    frame = frames.haar(32, 32, rng=0)
    y = signs(frame, SPARSE.sample((4, 32), 1))
    decoder = RIGAMP(frame, SPARSE, n_iter=3)
    found = decoder.decode(torch.asarray(y, dtype=torch.float32))
    assert found.dtype == torch.float32
    np.testing.assert_allclose(found.numpy(), decoder.decode(y), atol=1e-6)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"n_iter": 0}, "n_iter"),
        ({"n_iter": 9}, "at most 8; got 9.*Catalan.*MessagePassingDecoder"),
        ({"flip_probability": 0.5}, "flip_probability"),
        ({"prior": "sparse"}, "must be a prior"),
        ({"frame": np.eye(8)}, "polar"),
    ],
)
def test_bad_arguments(changes, words):
    arguments = {"frame": frames.haar(8, 8, rng=0), "prior": SPARSE} | changes
    with pytest.raises(ValueOutOfRange, match=words):
        unchecked(RIGAMP.__init__)(object.__new__(RIGAMP), **arguments)
