import numpy as np
import pytest

from isthmus import priors
from isthmus.core import DataError, ValueOutOfRange

EACH = [
    priors.Gaussian(),
    priors.GaussBernoulli(0.05),
    priors.ScaleMixture([0.5, 0.3, 0.2], [0.0, 0.1, 4.0]),
    priors.ScaleMixture([0.6, 0.4], [1.0, 3.0]),
]


@pytest.fixture
def several():
    return priors.CoordinatePriors.of(EACH)


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("noise", [1e-6, 0.1, 30.0])
def test_posterior_is_that_of_each_coordinate(several, noise, dtype):
    rng = np.random.default_rng(0)
    r = np.concatenate([rng.normal(size=(30, 4)), 40 * rng.normal(size=(3, 4))])
    level = noise * rng.uniform(0.5, 2.0, size=(33, 1))
    mean, variance = several.posterior(r.astype(dtype), level.astype(dtype))
    assert mean.dtype == variance.dtype == dtype
    tolerance = 1e-11 if dtype == np.float64 else 1e-4
    for j, one in enumerate(EACH):
        expected = one.posterior(r[:, [j]].astype(dtype).astype(float), level)
        np.testing.assert_allclose(mean[:, [j]], expected[0], rtol=tolerance, atol=1e-30)
        np.testing.assert_allclose(
            variance[:, [j]], expected[1], rtol=tolerance, atol=1e-30
        )


@pytest.mark.parametrize("noise", [1e-6, 0.1, 30.0])
def test_mmse_and_variance_are_means(several, noise):
    expected = np.mean([one.mmse(noise) for one in EACH])
    assert several.mmse(noise) == pytest.approx(expected, rel=2e-3)
    assert several.variance == pytest.approx(np.mean([one.variance for one in EACH]))
    assert several.n_input == 4


def test_samples_have_their_columns_priors(several):
    drawn = several.sample(20_000, 0)
    share = np.mean(drawn != 0, axis=0)
    np.testing.assert_allclose(share, [1.0, 0.05, 0.5, 1.0], atol=5 * 0.5 / 140)


@pytest.mark.parametrize("several_of", [EACH[1], priors.CoordinatePriors.of(EACH)])
def test_tensors_equal_arrays(several_of):
    torch = pytest.importorskip("torch")
    r = np.random.default_rng(0).normal(size=(9, 4))
    level = np.linspace(0.1, 2.0, 9)[:, None]
    expected = several_of.posterior(r, level)
    found = several_of.posterior(torch.asarray(r), torch.asarray(level))
    for one, other in zip(found, expected, strict=True):
        np.testing.assert_allclose(one.numpy(), other, rtol=1e-12)


def test_tensors_of_priors_that_compute_on_the_host():
    torch = pytest.importorskip("torch")
    r = np.random.default_rng(0).normal(size=(9, 4))
    prior = priors.Uniform()
    mean, variance = prior.posterior(torch.asarray(r), torch.full((9, 1), 0.3))
    expected = prior.posterior(r, float(np.float32(0.3)))
    np.testing.assert_allclose(mean.numpy(), expected[0], rtol=1e-9)
    np.testing.assert_allclose(variance.numpy(), expected[1], rtol=1e-9)


def test_no_priors_at_all():
    with pytest.raises(ValueOutOfRange, match="per coordinate"):
        priors.CoordinatePriors.of([])


MOVED = priors.CoordinatePriors(
    np.array([[0.7, 0.2], [0.3, 0.8]]),
    np.array([[-0.3, 4.0], [0.7, -1.0]]),
    np.array([[0.0, 0.5], [0.2, 0.01]]),
)


@pytest.mark.parametrize("noise", [1e-4, 0.05, 3.0])
def test_components_with_means_by_integration(noise):
    x = np.linspace(-4, 8, 240_001)
    for j in range(2):
        r = np.array([-1.5, -0.3, 0.2, 2.0])
        for k, one in enumerate(r):
            mass = np.zeros_like(x)
            for w, m, v in zip(*(part[:, j] for part in _parts(MOVED)), strict=True):
                if v > 0:
                    mass += w * np.exp(-0.5 * (x - m) ** 2 / v) / np.sqrt(2 * np.pi * v)
                else:
                    mass[np.abs(x - m).argmin()] += w / (x[1] - x[0])
            weight = mass * np.exp(-0.5 * (one - x) ** 2 / noise)
            mean = np.sum(weight * x) / np.sum(weight)
            variance = np.sum(weight * (x - mean) ** 2) / np.sum(weight)
            found = MOVED.posterior(np.full((1, 2), one), noise)
            assert found[0][0, j] == pytest.approx(mean, rel=1e-3, abs=1e-4), k
            assert found[1][0, j] == pytest.approx(variance, rel=2e-3, abs=1e-9), k


def _parts(prior):
    return prior.weights, prior.means, prior.variances


@pytest.mark.parametrize("noise", [1e-3, 0.05, 3.0])
def test_mmse_of_components_with_means_is_measured(noise):
    # 200 000 draws: half a per cent.
    x = MOVED.sample(200_000, 0)
    r = x + np.sqrt(noise) * np.random.default_rng(1).standard_normal(x.shape)
    left = np.square(x - MOVED.posterior(r, noise)[0])
    error = left.std(axis=0) / np.sqrt(left.shape[0])
    assert np.all(np.abs(left.mean(axis=0) - MOVED.mmses(noise)) <= 5 * error)
    np.testing.assert_allclose(np.mean(x**2, axis=0), MOVED.powers, rtol=0.02)


@pytest.mark.parametrize(
    ("parts", "words"),
    [
        ((np.ones((1, 2)), np.zeros((1, 2)), np.ones((1, 3))), "one shape"),
        ((np.full((2, 1), 0.4), np.zeros((2, 1)), np.ones((2, 1))), "sum to 1"),
        ((np.ones((1, 1)), np.zeros((1, 1)), -np.ones((1, 1))), "not negative"),
        ((np.ones((1, 2)), np.zeros((1, 2)), np.array([[1.0, 0.0]])), "coordinate 1"),
    ],
)
def test_bad_parts(parts, words):
    with pytest.raises(ValueOutOfRange, match=words):
        priors.CoordinatePriors(*parts)


class TestFit:
    def test_finds_spikes_places_and_widths(self):
        rng = np.random.default_rng(0)
        zero = rng.random((6000, 2)) < [0.8, 0.0]
        x = np.where(zero, 0.0, rng.normal([3.0, 0.0], [0.5, 2.0], (6000, 2)))
        x -= x.mean(axis=0)
        fitted = priors.fit_coordinate_priors(x, n_gaussians=1)
        np.testing.assert_allclose(fitted.weights[0], [0.8, 0.0], atol=0.03)
        np.testing.assert_allclose(fitted.means[0, 0], x[:, 0].min(), rtol=1e-12)
        np.testing.assert_allclose(fitted.variances[1], [0.25, 4.0], rtol=0.15)
        np.testing.assert_allclose(fitted.powers, x.var(axis=0), rtol=1e-3)

    def test_chooses_as_many_as_it_needs(self):
        rng = np.random.default_rng(0)
        one = rng.normal(size=(3000, 4))
        two = np.where(rng.random((3000, 4)) < 0.5, -2.0, 2.0) + 0.3 * one
        assert priors.fit_coordinate_priors(one, rng=0).weights.shape[0] == 2
        assert priors.fit_coordinate_priors(two, rng=0).weights.shape[0] == 3

    def test_columns_that_do_not_vary_do_no_harm(self):
        x = np.random.default_rng(0).normal(size=(300, 3))
        x[:, 1] = 0.0
        fitted = priors.fit_coordinate_priors(x)
        mean, variance = fitted.posterior(np.full((1, 3), 5.0), 0.1)
        assert abs(mean[0, 1]) < 1e-4
        assert np.isfinite(variance).all()

    def test_bad_rows(self):
        with pytest.raises(DataError, match="equal"):
            priors.fit_coordinate_priors(np.ones((5, 2)))
        with pytest.raises(DataError, match="overflow"):
            priors.fit_coordinate_priors(1e200 * np.eye(3))
        with pytest.raises(DataError, match="finite"):
            priors.fit_coordinate_priors(np.array([[np.nan]]))
        with pytest.raises(ValueOutOfRange, match="n_gaussians"):
            priors.fit_coordinate_priors(np.eye(3), n_gaussians=4)
