import math

import numpy as np
import pytest
from helpers import unchecked

from isthmus import frames, limits, priors
from isthmus.core import DataError, ValueOutOfRange
from isthmus.decoders import (
    DenoisingDecoder,
    LinearDecoder,
    MessagePassingDecoder,
    checked_codes,
)

SPARSE = priors.GaussBernoulli(0.1)


def signs(frame, x):
    return np.where(frame.forward(x) >= 0, 1.0, -1.0).astype(x.dtype)


def on_sphere(prior, shape, rng):
    x = prior.sample(shape, rng)
    norms = np.linalg.norm(x, axis=1, keepdims=True)
    return x * math.sqrt(prior.variance * shape[1]) / np.where(norms > 0, norms, 1.0)


@pytest.mark.parametrize("rate", [0.5, 1.0, 2.0])
def test_one_step_is_the_denoiser_of_the_channel(rate):
    frame = frames.haar(int(64 * rate), 64, rng=0)
    y = signs(frame, SPARSE.sample((20, 64), 1))
    u = math.sqrt(max(rate, 1.0)) * frame.adjoint(y)
    mean = rate * math.sqrt(2 / math.pi)
    noise = rate * (1 - 2 / math.pi * min(rate, 1.0))
    expected, _ = SPARSE.posterior(u / mean, noise / mean**2)
    for decoder in (
        DenoisingDecoder(frame, SPARSE),
        MessagePassingDecoder(frame, SPARSE, n_iter=1),
    ):
        np.testing.assert_allclose(decoder.decode(y), expected, rtol=1e-10, atol=1e-14)


@pytest.mark.parametrize("rate", [0.25, 0.5, 1.0])
def test_gaussian_prior_is_the_linear_decoder_up_to_rate_one(rate):
    frame = frames.haar(int(64 * rate), 64, rng=0)
    y = signs(frame, np.random.default_rng(0).normal(size=(20, 64)))
    norms = np.linspace(1, 9, 20)
    np.testing.assert_allclose(
        MessagePassingDecoder(frame, priors.Gaussian()).decode(y, norms),
        LinearDecoder(frame).decode(y, norms),
        rtol=1e-9,
        atol=1e-12,
    )


@pytest.mark.parametrize("size", [500, 1000])
@pytest.mark.parametrize(
    ("density", "rate"), [(0.1, 0.5), (0.1, 1.0), (0.3, 1.0), (0.1, 2.0), (1.0, 2.0)]
)
def test_every_step_follows_state_evolution(density, rate, size):
    # Undamped. Standard errors of a step are 1 to 4 % of it; a wrong constant in one of
    # the two precisions moves the second step by more than 10 %.
    prior = priors.GaussBernoulli(density)
    frame = frames.haar(int(size * rate), size, rng=0)
    x = on_sphere(prior, (32, size), 1)
    y = signs(frame, x)
    expected = limits.state_evolution(prior, rate, n_iter=5).mse
    for step, value in enumerate(expected, start=1):
        decoder = MessagePassingDecoder(frame, prior, n_iter=step, damping=1.0)
        each = np.sum((decoder.decode(y) - x) ** 2, axis=1) / size
        allowed = 5 * each.std(ddof=1) / math.sqrt(32) + 20 / size * value
        assert abs(each.mean() - value) <= allowed, (step, each.mean(), value)


@pytest.mark.parametrize("flip", [0.05, 0.2])
def test_flipped_bits_follow_state_evolution(flip):
    frame = frames.dct(1500, 1500, rng=0, rounds=2)
    x = on_sphere(SPARSE, (32, 1500), 1)
    flips = np.where(np.random.default_rng(2).random(x.shape) < flip, -1.0, 1.0)
    y = signs(frame, x) * flips
    path = limits.state_evolution(SPARSE, 1.0, n_iter=200, flip_probability=flip)
    told = MessagePassingDecoder(frame, SPARSE, flip_probability=flip)
    each = np.sum((told.decode(y) - x) ** 2, axis=1) / 1500
    error = each.std(ddof=1) / math.sqrt(32)
    assert abs(each.mean() - path.mse[-1]) <= 5 * error + 20 / 1500 * path.mse[-1]
    untold = MessagePassingDecoder(frame, SPARSE).decode(y)
    assert np.sum((untold - x) ** 2) / x.size > each.mean() + 5 * error


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("density", [0.02, 0.1, 1.0])
@pytest.mark.parametrize("rate", [0.25, 1.0, 4.0])
def test_short_rows_are_no_worse_than_linear(density, rate, dtype):
    prior = priors.GaussBernoulli(density)
    frame = frames.haar(int(200 * rate), 200, rng=0)
    x = prior.sample((64, 200), 1).astype(dtype)
    x[0] = 0.0
    y, norms = signs(frame, x), np.linalg.norm(x, axis=1)
    found = MessagePassingDecoder(frame, prior).decode(y, norms)
    assert found.dtype == dtype
    assert np.isfinite(found).all()
    assert not found[0].any()
    linear = LinearDecoder(frame).decode(y, norms)
    assert np.sum((found - x) ** 2) <= 1.01 * np.sum((linear - x) ** 2)


def test_rows_do_not_meet():
    frame = frames.dct(300, 300, rng=0)
    x = SPARSE.sample((500, 300), 1)
    y = signs(frame, x)
    decoder = MessagePassingDecoder(frame, SPARSE)
    whole = decoder.decode(y)
    few = decoder.decode(y[237:240])
    np.testing.assert_allclose(whole[237:240], few, atol=2e-3)
    assert decoder.decode(y[:0]).shape == (0, 300)


def test_norms_scale_rows_and_a_prior_s_scale_is_the_rows():
    frame = frames.haar(128, 128, rng=0)
    x = SPARSE.sample((10, 128), 1)
    y, norms = signs(frame, x), np.linalg.norm(x, axis=1)
    decoder = MessagePassingDecoder(frame, SPARSE)
    np.testing.assert_allclose(decoder.decode(y, 7 * norms), 7 * decoder.decode(y, norms))
    wide = MessagePassingDecoder(frame, priors.ScaleMixture([0.9, 0.1], [0.0, 490.0]))
    np.testing.assert_allclose(wide.decode(y), 7 * decoder.decode(y), rtol=1e-6, atol=1e-9)
    np.testing.assert_allclose(
        wide.decode(y, norms), decoder.decode(y, norms), rtol=1e-6, atol=1e-9
    )


def test_report_of_a_run():
    frame = frames.dct(800, 800, rng=0)
    x = on_sphere(SPARSE, (40, 800), 1)
    found = MessagePassingDecoder(frame, SPARSE).run(signs(frame, x))
    measured = np.sum((found.reconstruction - x) ** 2) / x.size
    assert found.predicted_nmse.shape == (20,)
    assert found.predicted_nmse.min() == pytest.approx(measured, rel=0.2)
    assert found.predicted_nmse[0] > 1.5 * found.predicted_nmse[-1]
    assert found.best_step.shape == (40,)
    assert found.best_step.min() >= 1
    assert not found.diverged.any()


def test_divergence_is_told_and_the_best_estimate_returned():
    # A wrong prior, undamped, on short rows.
    frame = frames.haar(400, 200, rng=0)
    x = priors.GaussBernoulli(0.5).sample((200, 200), 1)
    wrong = priors.GaussBernoulli(0.02)
    found = MessagePassingDecoder(frame, wrong, damping=1.0, n_iter=60).run(signs(frame, x))
    assert np.isfinite(found.reconstruction).all()
    first = MessagePassingDecoder(frame, wrong, n_iter=1).run(signs(frame, x))
    worse = found.best_step == 0
    np.testing.assert_allclose(
        found.reconstruction[worse], first.reconstruction[worse], atol=1e-9
    )


@pytest.mark.parametrize("rate", [0.5, 1.0, 2.0])
def test_tensors_equal_arrays(rate):
    torch = pytest.importorskip("torch")
    frame = frames.dct(int(128 * rate), 128, rng=0)
    x = SPARSE.sample((16, 128), 1)
    y, norms = signs(frame, x), np.linalg.norm(x, axis=1)
    decoder = MessagePassingDecoder(frame, SPARSE)
    found = decoder.run(torch.asarray(y), torch.asarray(norms))
    assert isinstance(found.reconstruction, torch.Tensor)
    # Two different formulas of the hazard, 5e-6 apart, through twenty steps.
    np.testing.assert_allclose(
        found.reconstruction.numpy(), decoder.decode(y, norms), atol=0.02
    )


def test_one_prior_per_coordinate():
    frame = frames.haar(256, 256, rng=0)
    each = [priors.GaussBernoulli(0.05)] * 128 + [
        priors.ScaleMixture([0.5, 0.5], [0.1, 0.3])
    ] * 128
    prior = priors.CoordinatePriors.of(each)
    x = prior.sample(100, 1)
    y, norms = signs(frame, x), np.linalg.norm(x, axis=1)
    told = MessagePassingDecoder(frame, prior).decode(y, norms)
    pooled = priors.fit_scale_mixture(prior.sample(2000, 2), rng=0)
    untold = MessagePassingDecoder(frame, pooled).decode(y, norms)
    assert np.sum((told - x) ** 2) < 0.9 * np.sum((untold - x) ** 2)


@pytest.mark.parametrize(
    ("codes", "words"),
    [
        (np.zeros((3, 8)), "±1"),
        (np.ones((3, 7)), "8 columns"),
        (np.ones(8), "8 columns"),
        (np.full((3, 8), np.nan), "±1"),
        ([["a"] * 8], "real numbers"),
    ],
)
def test_codes_that_are_none(codes, words):
    with pytest.raises(ValueOutOfRange, match=words):
        unchecked(checked_codes)("decode", codes, 8)


@pytest.mark.parametrize("norms", [np.ones(2), -np.ones(3), np.full(3, np.nan)])
def test_norms_that_are_none(norms):
    frame = frames.haar(8, 8, rng=0)
    with pytest.raises((ValueOutOfRange, DataError), match="norms"):
        MessagePassingDecoder(frame, SPARSE).decode(np.ones((3, 8)), norms)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"n_iter": 0}, "n_iter"),
        ({"damping": 0.0}, "damping"),
        ({"damping": 1.5}, "damping"),
        ({"flip_probability": 0.5}, "flip_probability"),
        ({"prior": "sparse"}, "must be a prior"),
        ({"prior": priors.CoordinatePriors.of([SPARSE] * 7)}, "per input coordinate"),
        ({"frame": np.eye(8)}, "polar"),
    ],
)
def test_bad_arguments(changes, words):
    arguments = {"frame": frames.haar(8, 8, rng=0), "prior": SPARSE} | changes
    decoder = object.__new__(MessagePassingDecoder)
    with pytest.raises(ValueOutOfRange, match=words):
        unchecked(MessagePassingDecoder.__init__)(decoder, **arguments)
