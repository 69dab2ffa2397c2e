import numpy as np
import pytest

from isthmus import priors
from isthmus.core import ValueOutOfRange

EACH = [
    priors.Gaussian(),
    priors.GaussBernoulli(0.05),
    priors.ScaleMixture([0.5, 0.3, 0.2], [0.0, 0.1, 4.0]),
    priors.ScaleMixture([0.6, 0.4], [1.0, 3.0]),
]


@pytest.fixture
def several():
    return priors.CoordinatePriors(EACH)


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
    assert several.mmse(noise) == pytest.approx(expected, rel=1e-11)
    assert several.variance == pytest.approx(np.mean([one.variance for one in EACH]))
    assert several.n_input == 4


def test_samples_have_their_columns_priors(several):
    drawn = several.sample(20_000, 0)
    share = np.mean(drawn != 0, axis=0)
    np.testing.assert_allclose(share, [1.0, 0.05, 0.5, 1.0], atol=5 * 0.5 / 140)


@pytest.mark.parametrize("several_of", [EACH[1], priors.CoordinatePriors(EACH)])
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
        priors.CoordinatePriors([])
