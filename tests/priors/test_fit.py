import numpy as np
import pytest
from helpers import assert_mean_close

from isthmus import priors
from isthmus.core import DataError, ValueOutOfRange
from isthmus.priors import fit

TRUTH = priors.ScaleMixture([0.7, 0.3], [0.2, 3.0])


def likelihood(prior, x):
    """Mean log density without noise, written out."""
    square = np.square(x.ravel())[:, None]
    w, v = np.array(prior.weights), np.array(prior.variances)
    return np.log((w / np.sqrt(2 * np.pi * v) * np.exp(-0.5 * square / v)).sum(axis=1))


def test_a_known_mixture_is_recovered():
    # Twenty fits of 4000 values: standard errors of the means about 0.004, 0.003 and 0.04.
    fits = [fit_two(TRUTH.sample(4000, seed)) for seed in range(20)]
    assert_mean_close([f.weights[1] for f in fits], 0.3, bias=0.002)
    assert_mean_close([f.variances[0] for f in fits], 0.2, bias=0.002)
    assert_mean_close([f.variances[1] for f in fits], 3.0, bias=0.02)


def fit_two(x):
    return priors.fit_scale_mixture(x, n_components=2)


def test_held_out_likelihood_is_near_the_truths():
    x, fresh = TRUTH.sample((2000, 5), 1), TRUTH.sample(50_000, 2)
    fitted = priors.fit_scale_mixture(x, rng=0)
    assert len(fitted.weights) == 2
    found, best = likelihood(fitted, fresh), likelihood(TRUTH, fresh)
    assert abs(found.mean() / best.mean() - 1) < 0.01
    one = priors.fit_scale_mixture(x, n_components=1)
    assert likelihood(one, fresh).mean() < 1.05 * best.mean()  # one Gaussian would not do


@pytest.mark.parametrize("count", [1, 2, 3, 4])
@pytest.mark.parametrize("sparse", [False, True])
def test_likelihood_never_falls(count, sparse):
    x = (priors.SparseLaplace(0.3) if sparse else TRUTH).sample(3000, 4)
    data = fit.squares(x)
    found = fit.maximise(data, count)
    rounding = 1e-13 * np.abs(found.history).max()
    assert np.diff(found.history).min(initial=0.0) >= -rounding
    assert found.weights.sum() == pytest.approx(1.0, rel=1e-12)
    total = found.weights @ found.variances
    assert total == pytest.approx(np.mean(x**2), rel=1e-9)
    assert data.mean_square == pytest.approx(np.mean(x**2), rel=1e-12)


def test_binning_costs_no_likelihood():
    x = TRUTH.sample(40_000, 5)
    assert fit.squares(x).square.size <= 1025
    fitted = fit_two(x)
    w, v = np.array(fitted.weights), np.array(fitted.variances)
    for _ in range(50):  # expectation maximisation on the values themselves
        density = w / np.sqrt(2 * np.pi * v) * np.exp(-0.5 * np.square(x)[:, None] / v)
        share = density / density.sum(axis=1, keepdims=True)
        w, v = share.mean(axis=0), (share * np.square(x)[:, None]).sum(0) / share.sum(0)
    exact = priors.ScaleMixture(w, v)
    assert likelihood(fitted, x).mean() == pytest.approx(
        likelihood(exact, x).mean(), abs=1e-6
    )


def test_exact_zeros_get_a_spike():
    x = priors.GaussBernoulli(0.2).sample((4000, 2), 6)
    fitted = priors.fit_scale_mixture(x, rng=1)
    assert len(fitted.weights) == 2
    assert fitted.variances[0] == pytest.approx(1e-12 * np.mean(x**2), rel=1e-9)
    assert fitted.weights[0] == pytest.approx(np.mean(x == 0), abs=1e-4)
    assert fitted.variance == pytest.approx(np.mean(x**2), rel=1e-9)
    known = priors.GaussBernoulli(0.2)
    assert fitted.mmse(0.5) == pytest.approx(known.mmse(0.5), rel=0.1)


@pytest.mark.parametrize("count", [2, 3, 4])
def test_nothing_collapses_without_zeros(count):
    rng = np.random.default_rng(0)
    x = rng.standard_normal(500)
    x[:100] = 1e-12 * rng.standard_normal(100)  # a spike in all but name
    fitted = priors.fit_scale_mixture(x, n_components=count)
    assert min(fitted.variances) >= 0.999e-10 * np.mean(x**2)
    equal = priors.fit_scale_mixture(np.tile([1.0, -1.0], 50), n_components=count)
    np.testing.assert_allclose(equal.variances, 1.0, rtol=1e-9)


def test_a_gaussian_needs_one_component():
    chosen = [
        len(priors.fit_scale_mixture(priors.Gaussian().sample(2000, s), rng=s).weights)
        for s in range(10)
    ]
    assert chosen.count(1) >= 8


def test_one_prior_per_column():
    x = np.column_stack([TRUTH.sample(3000, 1), 5.0 * priors.Gaussian().sample(3000, 2)])
    both = priors.fit_scale_mixture(x, shared=False, rng=0)
    assert [len(one.weights) for one in both] == [2, 1]
    assert both[1].variance == pytest.approx(np.mean(x[:, 1] ** 2), rel=1e-9)
    alone = priors.fit_scale_mixture(x[:, 0], n_components=2)
    np.testing.assert_allclose(both[0].variances, alone.variances, rtol=1e-6)


def test_scale_goes_through():
    x = TRUTH.sample(1000, 3)
    small, large = fit_two(x), fit_two(1e6 * x)
    np.testing.assert_allclose(large.variances, 1e12 * np.array(small.variances), rtol=1e-5)
    np.testing.assert_allclose(large.weights, small.weights, rtol=1e-5)


def test_data_that_cannot_be_fitted():
    for bad in (np.zeros((5, 2)), np.array([1.0, np.nan]), np.ones((0, 3))):
        with pytest.raises(DataError, match="fit_scale_mixture"):
            priors.fit_scale_mixture(bad)
    with pytest.raises(DataError, match="column"):
        priors.fit_scale_mixture(np.eye(4)[:, :3] * [1, 1, 0], shared=False)
    with pytest.raises(ValueOutOfRange, match="n_components"):
        priors.fit_scale_mixture(np.ones(4), n_components=5)
