"""Random frames against the limit, and on data that are not Gaussian."""

import numpy as np
import pytest
from helpers import assert_mean_close
from scipy.linalg import hadamard as sylvester

from isthmus import frames, limits
from isthmus.core import DataWarning

D = 512
C1 = np.sqrt(2 / np.pi)
# Ratio to the limit, white data, best decoder, d = 512; one draw each, four decimals.
RATIOS = [
    ("haar", 1.5, 1.0007),
    ("haar", 2, 1.0013),
    ("haar", 4, 1.0039),
    ("dct", 1.5, 1.0003),
    ("dct", 2, 1.0008),
    ("dct", 4, 1.0034),
    ("hadamard", 2, 1.0008),
    ("hadamard", 4, 1.0033),
    ("gauss", 1.5, 1.415),
    ("gauss", 2, 1.372),
    ("gauss", 4, 1.231),
]


def encoder(kind, rate, seed):
    n_code = round(rate * D)
    if kind == "gauss":
        return np.random.default_rng(seed).standard_normal((n_code, D))
    return getattr(frames, kind)(n_code, D, rng=seed).to_dense()


def ratio(b, rate):
    d = b.shape[1]
    risk = limits.population_risk(b, limits.optimal_decoder(b, np.eye(d)), np.eye(d))
    return risk / limits.isotropic_limit(rate)


@pytest.mark.slow
@pytest.mark.parametrize(("kind", "rate", "measured"), RATIOS)
def test_frames_come_as_close_to_the_limit_as_measured(kind, rate, measured):
    # The figure is one draw: its own spread counts beside that of the mean, and half a
    # unit of its last digit. The excesses differ by fifty such errors between kinds.
    draws = np.array([ratio(encoder(kind, rate, seed), rate) for seed in range(6)])
    spread = draws.std(ddof=1)
    rounding = 5e-4 if kind == "gauss" else 5e-5
    assert abs(draws.mean() - measured) <= rounding + 5 * spread * np.sqrt(1 + 1 / 6)
    assert draws.min() > 1.0


@pytest.mark.slow
def test_first_columns_of_hadamard_stay_at_rate_one():
    b = sylvester(2 * D)[:, :D].astype(float)
    with pytest.warns(DataWarning, match="repeat each other"):
        value = ratio(b, 2)
    assert value == pytest.approx((1 - 2 / np.pi) / limits.isotropic_limit(2), rel=1e-9)
    assert value == pytest.approx(1.64, abs=0.005)


def laplace(rng, shape):
    return rng.laplace(size=shape) / np.sqrt(2)


def uniform(rng, shape):
    return rng.uniform(-np.sqrt(3), np.sqrt(3), shape)


def sparse_gauss(rng, shape, density=0.1):
    return rng.standard_normal(shape) * (rng.random(shape) < density) / np.sqrt(density)


def sparse_signs(density):
    def draw(rng, shape):
        signs = rng.choice([-1.0, 1.0], shape)
        return signs * (rng.random(shape) < density) / np.sqrt(density)

    return draw


def tied_nmse(x, weight):
    """Per-row error and energy with one best scale for all rows."""
    y = np.where(x @ weight.T >= 0, 1.0, -1.0) @ weight
    scale = np.sum(x * y) / np.sum(y * y)
    return np.sum((x - scale * y) ** 2, axis=1), np.sum(x * x, axis=1)


# name, law, then (E|x|)^2 at unit variance, and the NMSE measured of identity, Haar and
# Hadamard
UNIVERSALITY = [
    ("laplace", laplace, 1 / 2, (0.500, 0.365, 0.364)),
    ("uniform", uniform, 3 / 4, (0.250, 0.363, 0.363)),
    ("sparse gauss", sparse_gauss, 0.1 * 2 / np.pi, (0.936, 0.380, 0.369)),
    ("sparse signs .8", sparse_signs(0.8), 0.8, (0.200, 0.362, 0.363)),
    ("sparse signs .5", sparse_signs(0.5), 0.5, (0.499, 0.363, 0.364)),
]


@pytest.mark.parametrize(
    ("law", "identity", "measured"), [row[1:] for row in UNIVERSALITY], ids=lambda v: ""
)
def test_rotations_force_the_gaussian_value(law, identity, measured, rng):
    # d = 256, rate 1. Ratios of means over rows, so that deviations from a ratio are
    # deviations of error - nmse * energy. Identity differs from the rotations by a
    # hundred standard errors.
    d = 256
    x = law(rng, (4000, d))
    mixers = (
        np.eye(d),
        frames.haar(d, d, rng=0).to_dense(),
        frames.hadamard(d, d, rng=0).to_dense(),
    )
    for weight, figure in zip(mixers, measured, strict=True):
        error, energy = tied_nmse(x, weight)
        # the figures themselves come from samples as large: .002 for theirs
        assert_mean_close(error / energy.mean(), figure, bias=0.0025)
    error, energy = tied_nmse(x, mixers[0])
    assert_mean_close((error - (1 - identity) * energy) / energy.mean(), 0.0, bias=1e-3)
    # The norm-spread law: a rotated row keeps its norm, which one scale cannot follow.
    # For the sparse Gaussian this is .382 against .363; up to 1/d for the finite size.
    predicted = 1 - 2 / np.pi * np.sqrt(energy).mean() ** 2 / energy.mean()
    error, energy = tied_nmse(x, mixers[1])
    assert_mean_close((error - predicted * energy) / energy.mean(), 0.0, bias=1 / d)


def risk_of_units(frame, vectors):
    """NMSE at the Gaussian decoder of vectors scaled to norm sqrt(d)."""
    x = vectors * np.sqrt(frame.n_input) / np.linalg.norm(vectors, axis=1)[:, None]
    y = np.where(frame.forward(x) >= 0, 1.0, -1.0)
    return np.mean((x - C1 * frame.adjoint(y)) ** 2, axis=1)


def test_one_hot_vectors_come_out_of_one_hadamard_round_at_constant_size():
    frame = frames.hadamard(256, 256, rng=0)
    np.testing.assert_allclose(np.abs(frame.forward(np.eye(256))), 1 / 16, rtol=1e-12)
    # so that the direction is exact and only the Gaussian scale is wrong
    np.testing.assert_allclose(risk_of_units(frame, np.eye(256)), (1 - C1) ** 2, rtol=1e-9)


@pytest.mark.parametrize("make", [frames.dct, frames.hadamard])
def test_two_rounds_treat_vectors_of_few_entries_like_gaussian_ones(make, rng):
    # Pairs of equal entries: one Hadamard round leaves half of the outputs at zero, and
    # 1 + c1^2 - 2 c1 / sqrt(2) = .508; after two rounds all vectors are alike.
    d = 512
    pairs = np.zeros((2000, d))
    for row in pairs:
        row[rng.choice(d, 2, replace=False)] = 1.0
    seeds = range(20)
    two = [np.mean(risk_of_units(make(d, d, rng=s, rounds=2), pairs)) for s in seeds]
    assert_mean_close(two, 1 - C1**2, bias=2 / d)
    if make is frames.hadamard:
        one = risk_of_units(make(d, d, rng=0), pairs)
        np.testing.assert_allclose(one, 1 + C1**2 - np.sqrt(2) * C1, atol=1e-9)
