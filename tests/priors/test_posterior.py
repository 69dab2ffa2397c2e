import cases
import numpy as np
import pytest

from isthmus import priors
from isthmus.core import ValueOutOfRange

NOISE = [1e-8, 1e-4, 1e-2, 0.3, 1.0, 20.0, 1e4, 1e8]
# In noise standard deviations.
SEEN = np.array([1e-6, 1e-3, 0.1, 0.7, 1.5, 3.0, 6.0, 20.0, 99.0, 1e3])


def pieces(prior, r, s):
    """Continuous parts for x > 0: log density (one-sided), mode and scale, end."""
    sigma = np.sqrt(s)
    if isinstance(prior, priors.SparseLaplace):
        p = prior.density
        b = 1 / np.sqrt(2 * p)

        def laplace(x):
            return np.log(p / (2 * b)) - x / b

        return [(laplace, max(r - s / b, 0.0), sigma, np.inf)]
    if isinstance(prior, priors.Uniform):
        end = np.sqrt(3)
        return [(lambda x: 0 * x - np.log(2 * end), min(r, end), min(sigma, end), end)]
    if isinstance(prior, priors.SparseRademacher):
        return []
    weights, variances = known_mixture(prior)
    found = []
    for w, v in zip(weights, variances, strict=True):
        if v > 0:

            def gaussian(x, w=w, v=v):
                return np.log(w) - 0.5 * np.log(2 * np.pi * v) - 0.5 * x * x / v

            found.append((gaussian, r * v / (v + s), np.sqrt(v * s / (v + s)), np.inf))
    return found


def known_mixture(prior):
    if isinstance(prior, priors.Gaussian):
        return [1.0], [1.0]
    if isinstance(prior, priors.GaussBernoulli):
        p = prior.density
        return [1 - p, p], [0.0, 1 / p]
    return prior.weights, prior.variances


def atoms(prior):
    """Mass at zero, and positive atoms with their one-sided masses."""
    if isinstance(prior, priors.SparseRademacher):
        p = prior.density
        return 1 - p, [(1 / np.sqrt(p), p / 2)]
    if isinstance(prior, priors.SparseLaplace):
        return 1 - prior.density, []
    if isinstance(prior, priors.Uniform):
        return 0.0, []
    return sum(w for w, v in zip(*known_mixture(prior), strict=True) if v == 0), []


def brute_force(prior, r, s):
    """Posterior of x given r > 0 by composite quadrature over x > 0, both signs paired."""
    nodes, weights = np.polynomial.legendre.leggauss(20)
    steps = np.concatenate([[0.0], np.geomspace(1e-9, 60.0, 70)])
    xs, logs = [], []
    for log_q, mode, scale, end in pieces(prior, r, s):
        edges = np.unique(np.concatenate([mode - scale * steps, mode + scale * steps]))
        edges = np.unique(np.clip(edges, 0.0, end))
        half = 0.5 * np.diff(edges)[:, None]
        x = (half * nodes + 0.5 * (edges[1:] + edges[:-1])[:, None]).ravel()
        xs.append(x)
        logs.append(np.log((half * weights).ravel()) + log_q(x))
    zero, positive = atoms(prior)
    xs += [np.array([x]) for x, _ in positive]
    logs += [np.log([mass]) for _, mass in positive]
    x = np.concatenate([np.zeros(1), *xs])
    with np.errstate(divide="ignore"):
        log = np.concatenate([np.log([zero / 2]), *logs]) + x * (r - 0.5 * x) / s
    plus = np.exp(log - log.max())
    minus = plus * np.exp(-2 * r * x / s)
    total = np.sum(plus + minus)
    mean = np.sum(-plus * x * np.expm1(-2 * r * x / s)) / total
    variance = np.sum(plus * (x - mean) ** 2 + minus * (x + mean) ** 2) / total
    return mean, variance


def test_every_prior_has_a_case():
    public = {
        thing
        for name in priors.__all__
        if isinstance(thing := getattr(priors, name), type)
        and issubclass(thing, priors.AbstractPrior)
        and not name.startswith("Abstract")
    }
    assert public == {type(prior) for prior in cases.PRIORS}


@pytest.mark.parametrize("noise", NOISE)
@pytest.mark.parametrize("prior", cases.PRIORS, ids=repr)
class TestPosterior:
    def test_equals_brute_force(self, prior, noise):
        r = SEEN * np.sqrt(noise)
        expected = np.array([brute_force(prior, one, noise) for one in r]).T
        mean, variance = prior.posterior(r, noise)
        np.testing.assert_allclose(mean, expected[0], rtol=1e-9, atol=1e-200)
        np.testing.assert_allclose(variance, expected[1], rtol=1e-9, atol=1e-200)

    def test_single_precision(self, prior, noise):
        r = (SEEN * np.sqrt(noise)).astype(np.float32)
        s = float(np.float32(noise))
        mean, variance = prior.posterior(r, s)
        assert mean.dtype == variance.dtype == np.float32
        exact = prior.posterior(r.astype(np.float64), s)
        np.testing.assert_allclose(mean, exact[0], rtol=1e-4, atol=1e-30)
        np.testing.assert_allclose(variance, exact[1], rtol=1e-4, atol=1e-30)

    def test_odd_mean_even_variance_no_trouble_anywhere(self, prior, noise):
        r = np.sqrt(noise) * np.append(0.0, np.geomspace(1e-12, 1e3, 200))
        for dtype in (np.float64, np.float32):
            with np.errstate(over="raise", divide="raise", invalid="raise"):
                mean, variance = prior.posterior(r.astype(dtype), noise)
                other, same = prior.posterior(-r.astype(dtype), noise)
            assert mean[0] == 0.0
            np.testing.assert_array_equal(mean, -other)
            np.testing.assert_array_equal(variance, same)
            assert np.all(np.isfinite(mean))
            assert np.all(np.isfinite(variance))
            assert np.all(variance >= 0)


@pytest.mark.parametrize("density", [0.1, 0.3, 0.7])
def test_single_precision_between_atoms(density):
    # Hundreds of noise deviations from both atoms the last digit of r decides.
    noise = float(np.float32(1e-5))
    prior, atom = priors.SparseRademacher(density), 1 / np.sqrt(density)
    r = (0.5 * atom + np.linspace(-5, 5, 41) * noise / atom).astype(np.float32)
    mean, variance = prior.posterior(r, noise)
    exact = prior.posterior(r.astype(np.float64), noise)
    np.testing.assert_allclose(mean, exact[0], rtol=1e-4)
    np.testing.assert_allclose(variance, exact[1], rtol=1e-4)


def slope(f, r, h):
    return (8 * (f(r + h) - f(r - h)) - (f(r + 2 * h) - f(r - 2 * h))) / (12 * h)


@pytest.mark.parametrize("noise", [0.1, 1.0, 10.0])
@pytest.mark.parametrize("prior", cases.PRIORS, ids=repr)
def test_tweedie(prior, noise):
    sigma = np.sqrt(noise)
    r = sigma * np.linspace(-6, 6, 25)
    h = 5e-4 * sigma
    mean, variance = prior.posterior(r, noise)
    by_density = r + noise * slope(lambda at: prior.log_density(at, noise), r, h)
    np.testing.assert_allclose(mean, by_density, atol=1e-8 * sigma)
    by_mean = noise * slope(lambda at: prior.posterior(at, noise)[0], r, h)
    np.testing.assert_allclose(variance, by_mean, atol=1e-8 * noise)


@pytest.mark.parametrize("prior", cases.PRIORS, ids=repr)
def test_noise_broadcasts_and_blocks_change_nothing(prior, rng):
    r = rng.standard_normal((300, 400))  # in two blocks
    noise = rng.uniform(0.1, 2.0, (300, 1))
    mean, variance = prior.posterior(r, noise)
    for i in (0, 150, 299):
        one = prior.posterior(r[i], float(noise[i, 0]))
        np.testing.assert_allclose(mean[i], one[0], rtol=1e-13)
        np.testing.assert_allclose(variance[i], one[1], rtol=1e-13)
    columns = rng.uniform(0.1, 2.0, 400)
    mean, _ = prior.posterior(r, columns)
    np.testing.assert_allclose(
        mean[:, 7], prior.posterior(r[:, 7], columns[7])[0], rtol=1e-13
    )
    alone, spread = prior.posterior(0.3, 0.5)
    assert alone.shape == spread.shape == ()
    assert prior.posterior(0.3, columns)[0].shape == (400,)
    assert prior.log_density(0.3, columns).shape == (400,)
    assert prior.posterior(np.ones((0, 3)), 0.5)[0].shape == (0, 3)


@pytest.mark.parametrize("noise", [1e-3, 0.3, 20.0])
@pytest.mark.parametrize("prior", cases.PRIORS, ids=repr)
def test_densities_sum_to_one(prior, noise):
    step = 0.2 * np.sqrt(noise)
    r = np.arange(-45, 45 + 9 * np.sqrt(noise), step) - 4.5 * np.sqrt(noise)
    total = step * np.exp(prior.log_density(r, noise)).sum()
    assert total == pytest.approx(1.0, abs=1e-6 if noise > 1 else 1e-11)


def test_limits_between_families():
    r = np.linspace(-4, 4, 9)
    gaussian = priors.Gaussian().posterior(r, 0.7)
    dense = priors.GaussBernoulli(1.0).posterior(r, 0.7)
    mixed = priors.ScaleMixture([0.5, 0.5], [1.0, 1.0]).posterior(r, 0.7)
    np.testing.assert_allclose(gaussian[0], r / 1.7, rtol=1e-14)
    for other in (dense, mixed):
        np.testing.assert_allclose(other, gaussian, rtol=1e-13)
    pair = priors.ScaleMixture([0.8, 0.2], [0.0, 5.0]).posterior(r, 0.7)
    np.testing.assert_allclose(
        pair, priors.GaussBernoulli(0.2).posterior(r, 0.7), rtol=1e-13
    )
    sign = priors.SparseRademacher(1.0).posterior(r, 0.7)[0]
    np.testing.assert_allclose(sign, np.tanh(r / 0.7), rtol=1e-13)


@pytest.mark.parametrize("noise", [0.0, -1.0, np.nan, np.inf, [1.0, 0.0]])
def test_noise_must_be_positive(noise):
    for call in (priors.Gaussian().posterior, priors.Uniform().log_density):
        with pytest.raises(ValueOutOfRange, match="noise_variance.*positive and finite"):
            call([1.0, 2.0], noise)
    with pytest.raises(ValueOutOfRange, match="positive and finite"):
        priors.Gaussian().mmse(noise)


def test_shapes_must_broadcast():
    with pytest.raises(ValueOutOfRange, match="must broadcast"):
        priors.Gaussian().posterior(np.ones((2, 3)), np.ones(2))
