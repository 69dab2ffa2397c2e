"""Message passing whose variances are averaged beforehand."""

import numpy as np
import pytest

from isthmus.decoders import mixing
from isthmus.decoders.covariance_passing import (
    CovariancePassing,
    GaussianRows,
    condition,
    fit_covariance_passing,
)
from isthmus.decoders.mixture_passing import MixturePassing, fit_mixture_passing
from isthmus.frames import dct, haar
from isthmus.limits import state_evolution
from isthmus.limits.population import optimal_decoder, population_risk
from isthmus.priors import CoordinatePriors, GaussBernoulli, Gaussian


def coded(x, weight):
    return np.where(x @ weight.T >= 0, 1.0, -1.0).astype(np.float32)


def test_orthonormal_rows_on_white_data_end_at_the_linear_decoder():
    turn = haar(12, 30, rng=0).to_dense()
    found, left = fit_covariance_passing(GaussianRows(np.zeros(30), np.eye(30), turn))
    linear = optimal_decoder(turn, np.eye(30))
    codes = coded(np.random.default_rng(0).normal(size=(20, 30)), turn)
    # Variances are averages over 2000 drawn codes, and pre-activations have jitter.
    np.testing.assert_allclose(found.decode(codes), codes @ linear.T, atol=2e-3)
    assert left == pytest.approx(30 * population_risk(turn, linear, np.eye(30)), rel=1e-3)


def test_one_bit_of_a_shifted_gaussian_is_its_exact_posterior():
    from scipy.stats import norm

    rows = GaussianRows(np.array([0.7]), np.array([[2.0]]), np.ones((1, 1)))
    found, _ = fit_covariance_passing(rows, n_steps=1)
    scale = np.sqrt(2.0 * (1 + 1e-6))
    u = 0.7 / scale
    up, down = norm.pdf(u) / norm.cdf(u), norm.pdf(u) / norm.cdf(-u)
    exact = np.array([[0.7 + scale * up], [0.7 - scale * down]])
    # Its variance is an average of two values, so that only the mean of both is exact.
    got = found.decode(np.array([[1.0], [-1.0]]))
    weights = np.array([norm.cdf(u), norm.cdf(-u)])
    assert weights @ got[:, 0] == pytest.approx(0.7, abs=0.02)
    np.testing.assert_allclose(got, exact, atol=0.35)


def test_it_beats_the_linear_decoder_above_rate_one():
    frame = dct(256, 128, rng=0).to_dense()
    rng = np.random.default_rng(1)
    x = rng.normal(size=(600, 128))
    codes = coded(x, frame)
    found, _ = fit_covariance_passing(GaussianRows(np.zeros(128), np.eye(128), frame))
    error = np.mean((found.decode(codes) - x) ** 2)
    linear = np.mean((codes @ optimal_decoder(frame, np.eye(128)).T - x) ** 2)
    # State evolution: 0.1997 against 0.2220; standard errors are 2e-3.
    assert error < 0.95 * linear
    assert error == pytest.approx(state_evolution(Gaussian(), 2.0).mse[-1], abs=0.012)


def test_a_row_decodes_to_the_same_beside_any_others():
    rng = np.random.default_rng(2)
    cov = np.diag(np.arange(1, 21) ** -1.0)
    turn = haar(20, 20, rng=0).to_dense()
    x = rng.normal(size=(900, 20)) @ np.sqrt(cov)
    codes = coded(x, turn)
    found, _ = fit_covariance_passing(GaussianRows(np.zeros(20), cov, turn), codes, x)
    np.testing.assert_allclose(found.decode(codes)[:3], found.decode(codes[:3]), atol=1e-5)
    prior = CoordinatePriors(np.ones((1, 20)), np.zeros((1, 20)), np.diag(cov)[None])
    mixed, _ = fit_mixture_passing(turn, prior, codes, x)
    np.testing.assert_allclose(mixed.decode(codes)[:3], mixed.decode(codes[:3]), atol=1e-5)


def test_conditioning_is_that_of_the_joint_gaussian():
    rng = np.random.default_rng(0)
    root = rng.normal(size=(5, 5))
    prior, precision = root @ root.T, rng.uniform(0.5, 2.0, 5)
    gain, left, inverse = condition(prior, precision)
    after = np.linalg.inv(np.linalg.inv(prior) + np.diag(precision))
    np.testing.assert_allclose(left, np.diag(after), rtol=1e-9)
    np.testing.assert_allclose(gain, after * precision, rtol=1e-9)
    np.testing.assert_allclose(inverse, np.linalg.inv(prior + np.diag(1 / precision)))


@pytest.mark.parametrize("rate", [0.5, 1.0])
def test_sparse_rows_on_a_sphere_reach_state_evolution(rate):
    size = 512
    prior = GaussBernoulli(0.1)
    x = prior.sample((400, size), 1)
    x *= np.sqrt(size) / np.linalg.norm(x, axis=1, keepdims=True)
    weight = dct(int(rate * size), size, rng=0).to_dense()
    codes = coded(x, weight)
    each = CoordinatePriors.of([prior] * size)
    found, left = fit_mixture_passing(weight, each, codes, x, n_steps=12)
    error = np.mean((found.decode(codes) - x) ** 2)
    assert error == pytest.approx(left / size, rel=1e-3)
    # The linear decoders' are 0.363 and 0.682; the last steps are left out as not worth it.
    predicted = state_evolution(prior, rate, n_iter=40).mse[-1]
    assert 0.9 * predicted < error < 1.25 * predicted


def test_a_rotation_needs_no_other_matrices(monkeypatch):
    size = 96
    prior = CoordinatePriors.of([GaussBernoulli(0.2)] * size)
    x = prior.sample(800, 1)
    weight = haar(size, size, rng=0).to_dense()
    codes = coded(x, weight)
    short, error = fit_mixture_passing(weight, prior, codes, x)
    monkeypatch.setattr(mixing, "ORTHONORMAL", 0.0)
    whole, also = fit_mixture_passing(weight, prior, codes, x)
    assert short.bit_precisions.shape[1] == 1
    assert whole.bit_precisions.shape[1] == size
    assert error == pytest.approx(also, rel=0.03)
    found = short.decode(codes)
    assert np.mean((found - whole.decode(codes)) ** 2) < 0.1 * error / size


def test_gaussian_mixtures_of_one_component_are_the_covariance_decoder():
    size = 40
    variances = np.arange(1, size + 1) ** -0.5
    prior = CoordinatePriors(np.ones((1, size)), np.zeros((1, size)), variances[None])
    weight = haar(60, size, rng=0).to_dense()
    x = np.random.default_rng(0).normal(size=(2000, size)) * np.sqrt(variances)
    codes = coded(x, weight)
    mixed, _ = fit_mixture_passing(weight, prior, codes, n_steps=6)
    gauss, _ = fit_covariance_passing(
        GaussianRows(np.zeros(size), np.diag(variances), weight), codes, n_steps=6
    )
    apart = np.mean((mixed.decode(codes) - gauss.decode(codes)) ** 2)
    assert apart < 0.01 * np.mean((gauss.decode(codes) - x) ** 2)


def test_noise_of_the_bits_is_allowed_for():
    size = 200
    prior = CoordinatePriors.of([GaussBernoulli(0.1)] * size)
    x, rng = prior.sample(900, 1), np.random.default_rng(0)
    weight = haar(size, size, rng=0).to_dense()
    noisy = x @ weight.T + 0.5 * rng.normal(size=(900, size))
    codes = np.where(noisy >= 0, 1.0, -1.0)
    plain, _ = fit_mixture_passing(weight, prior, codes)
    known, _ = fit_mixture_passing(weight, prior, codes, noise=0.25)
    errors = [np.mean((one.decode(codes) - x) ** 2) for one in (known, plain)]
    assert errors[0] < 0.97 * errors[1]


def test_no_rows_decode_to_no_rows():
    turn = np.eye(3)
    found, _ = fit_covariance_passing(GaussianRows(np.zeros(3), np.eye(3), turn))
    assert isinstance(found, CovariancePassing)
    assert found.decode(np.zeros((0, 3), np.float32)).shape == (0, 3)
    prior = CoordinatePriors.of([Gaussian()] * 3)
    mixed, _ = fit_mixture_passing(turn, prior, coded(prior.sample(50, 0), turn))
    assert isinstance(mixed, MixturePassing)
    assert mixed.decode(np.zeros((0, 3), np.float32)).shape == (0, 3)
