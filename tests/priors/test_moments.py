import math

import cases
import numpy as np
import pytest
from helpers import assert_mean_close

from isthmus import priors
from isthmus.core import ValueOutOfRange, as_rng


@pytest.mark.parametrize("prior", cases.PRIORS, ids=repr)
class TestMoments:
    def test_samples_have_them(self, prior):
        # 200 000 draws: 0.3 % of a standard deviation each, 1 to 3 % of the fourth moment.
        x = prior.sample((400, 500), as_rng(1))
        assert x.shape == (400, 500)
        assert x.dtype == np.float64
        mean, variance, fourth = prior.moments
        assert mean == 0.0
        assert_mean_close(x.ravel(), 0.0)
        for values, expected in (
            (x**2, variance),
            (x**4, fourth),
            (np.abs(x), prior.mean_absolute),
        ):
            assert_mean_close(values.ravel(), expected, bias=1e-12)

    def test_unit_variance_unless_chosen(self, prior):
        if not isinstance(prior, priors.ScaleMixture):
            assert prior.variance == pytest.approx(1.0, rel=1e-14)
        kurtosis = prior.moments.fourth / prior.variance**2 - 3
        assert prior.excess_kurtosis == pytest.approx(kurtosis, abs=1e-12)

    def test_same_seed_same_draws(self, prior):
        np.testing.assert_array_equal(prior.sample(5, 3), prior.sample((5,), 3))

    @pytest.mark.parametrize("noise", [0.1, 0.3, 5.0])
    def test_mmse_is_measured(self, prior, noise):
        # 100 000 draws: about 0.5 % of the MMSE, 3 to 100 times less than to the linear
        # estimator's error for all priors but the Gaussian and the nearly Gaussian.
        rng = as_rng(5)
        x = prior.sample(100_000, rng)
        r = x + math.sqrt(noise) * rng.standard_normal(x.size)
        mean, variance = prior.posterior(r, noise)
        assert_mean_close((x - mean) ** 2, prior.mmse(noise))
        assert_mean_close(variance, prior.mmse(noise), bias=1e-12)

    @pytest.mark.parametrize("noise", [0.05, 0.3, 4.0])
    def test_mmse_is_the_variance_that_the_mean_leaves(self, prior, noise):
        # Trapezoids over r converge as fast as its density is smooth.
        step = math.sqrt(noise) / 8
        r = np.arange(-80, 80, step)
        density = np.exp(prior.log_density(r, noise))
        mean, _ = prior.posterior(r, noise)
        left = prior.variance - step * float(density @ mean**2)
        assert prior.mmse(noise) == pytest.approx(left, abs=1e-9 * min(noise, 1.0))

    def test_mmse_is_below_the_linear_estimator_and_rises_with_noise(self, prior):
        noise = np.geomspace(1e-8, 1e8, 17)
        error = prior.mmse(noise)
        linear = prior.variance * noise / (prior.variance + noise)
        assert np.all(error <= linear * (1 + 1e-9))
        assert np.all(np.diff(error) > 0) or error[0] == 0.0
        assert np.all(np.diff(error) >= 0)
        assert error[-1] == pytest.approx(prior.variance, rel=1e-6)
        assert type(prior.mmse(1.0)) is float


@pytest.mark.parametrize(
    ("prior", "absolute", "kurtosis"),
    [
        (priors.Gaussian(), math.sqrt(2 / math.pi), 0.0),
        (priors.GaussBernoulli(0.3), math.sqrt(0.6 / math.pi), 7.0),
        (priors.SparseRademacher(0.25), 0.5, 1.0),
        (priors.SparseRademacher(0.7), math.sqrt(0.7), 1 / 0.7 - 3),
        (priors.SparseLaplace(0.5), 0.5, 9.0),
        (priors.Uniform(), math.sqrt(3) / 2, -1.2),
    ],
    ids=repr,
)
def test_closed_forms(prior, absolute, kurtosis):
    assert prior.mean_absolute == pytest.approx(absolute, rel=1e-14)
    assert prior.excess_kurtosis == pytest.approx(kurtosis, abs=1e-12)


def test_gaussian_mmse():
    for noise in (1e-8, 0.3, 1e8):
        exact = noise / (1 + noise)
        assert priors.Gaussian().mmse(noise) == pytest.approx(exact, rel=1e-9)


@pytest.mark.parametrize(
    "make", [priors.GaussBernoulli, priors.SparseRademacher, priors.SparseLaplace]
)
@pytest.mark.parametrize("density", [0.0, -0.1, 1.1, math.nan])
def test_densities_outside_the_domain(make, density):
    with pytest.raises(ValueOutOfRange, match="share of coordinates that are not zero"):
        make(density)


@pytest.mark.parametrize(
    ("weights", "variances", "words"),
    [
        ([0.5, 0.4], [1.0, 2.0], "sum to 1"),
        ([1.0, 0.0], [1.0, 2.0], "positive"),
        ([0.5, 0.5], [1.0], "one length"),
        ([0.5, 0.5], [1.0, -1.0], "not negative"),
        ([1.0], [0.0], "one of them positive"),
        ([1.0], [math.inf], "finite"),
    ],
)
def test_mixtures_outside_the_domain(weights, variances, words):
    with pytest.raises(ValueOutOfRange, match=words):
        priors.ScaleMixture(weights, variances)


def test_mixtures_are_equal_whatever_the_order():
    one = priors.ScaleMixture([0.25, 0.75], [2.0, 1.0])
    assert one == priors.ScaleMixture(np.array([0.75, 0.25]), np.array([1.0, 2.0]))
    assert (one.weights, one.variances) == ((0.75, 0.25), (1.0, 2.0))


@pytest.mark.parametrize("prior", cases.PRIORS, ids=repr)
class TestTails:
    def test_samples_have_them(self, prior):
        # 200 000 draws: about 1 % of either moment at the last threshold.
        x = prior.sample(200_000, as_rng(8))
        for at in (0.0, 0.3, 1.1):
            share, first = prior.tail_moments(at)
            assert_mean_close(x > at, float(share), bias=1e-12)
            assert_mean_close(np.where(x > at, x, 0.0), float(first), bias=1e-12)

    def test_ends(self, prior):
        share, first = prior.tail_moments([0.0, np.inf])
        assert 2 * first[0] == pytest.approx(prior.mean_absolute, rel=1e-14)
        assert (share[1], first[1]) == (0.0, 0.0)
        assert prior.tail_moments(np.zeros((2, 3)))[0].shape == (2, 3)
        assert prior.tail_moments(1.0)[1].shape == ()

    def test_the_first_moment_is_the_integral_of_the_share(self, prior):
        # E[x; x > a] = a P(x > a) + int_a^inf P(x > b) db
        points = prior.breakpoints
        assert np.all(np.diff(points) > 0)
        assert points[0] == 0.0
        assert prior.tail_moments(points[-1])[0] < 1e-19
        nodes, weights = np.polynomial.legendre.leggauss(40)
        edges = np.unique(np.concatenate([np.linspace(0.5, points[-1], 60), points]))
        edges = edges[edges >= 0.5]
        half = 0.5 * np.diff(edges)[:, None]
        b = edges[:-1, None] + half * (1 + nodes)
        area = float((half * weights * prior.tail_moments(b)[0]).sum())
        share, first = prior.tail_moments(0.5)
        assert first == pytest.approx(0.5 * share + area, rel=1e-12)

    def test_negative_thresholds(self, prior):
        for at in (-1.0, math.nan):
            with pytest.raises(ValueOutOfRange, match="must not be negative"):
                prior.tail_moments(at)
