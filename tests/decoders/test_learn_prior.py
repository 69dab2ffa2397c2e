import numpy as np
import pytest
from helpers import unchecked

from isthmus import frames, limits, priors
from isthmus.core import ValueOutOfRange
from isthmus.decoders import MessagePassingDecoder, learn_prior


def coded(prior, size, n_rows, seed=0):
    frame = frames.dct(size, size, rng=seed, rounds=2)
    x = prior.sample((n_rows, size), seed + 1)
    x *= np.sqrt(prior.variance * size) / np.linalg.norm(x, axis=1, keepdims=True)
    return frame, x, np.where(frame.forward(x) >= 0, 1.0, -1.0)


def test_a_wrong_density_is_corrected_from_codes_alone():
    true, wrong = priors.GaussBernoulli(0.1), priors.GaussBernoulli(0.5)
    frame, x, y = coded(true, 1000, 200)
    learned = learn_prior(frame, y[:100], wrong)
    assert learned.weights[1] == pytest.approx(0.1, abs=0.01)
    assert learned.variances[0] == 0.0
    assert learned.variance == pytest.approx(1.0, rel=1e-9)
    left = {
        prior: np.mean((MessagePassingDecoder(frame, prior).decode(y[100:]) - x[100:]) ** 2)
        for prior in (true, wrong, learned)
    }
    # Told the truth 0.062, told 0.5 wrongly 0.18.
    assert left[learned] < 1.03 * left[true] < 0.5 * left[wrong]


def test_two_broad_components_find_a_laplace_s_shape():
    true = priors.SparseLaplace(0.2)
    frame, x, y = coded(true, 1000, 200)
    start = priors.ScaleMixture([0.5, 0.3, 0.2], [0.0, 1.0, 3.5])
    learned = learn_prior(frame, y[:100], start)
    decoded = MessagePassingDecoder(frame, learned).decode(y[100:])
    best = limits.state_evolution(true, 1.0).mse[-1]
    assert np.mean((decoded - x[100:]) ** 2) < 1.15 * best


def test_a_gaussian_has_nothing_to_learn():
    frame, _, y = coded(priors.Gaussian(), 64, 20)
    learned = learn_prior(frame, y, priors.ScaleMixture([1.0], [4.0]))
    assert learned.variances == (4.0,)


@pytest.mark.parametrize(
    ("start", "words"), [(priors.Uniform(), "mixture of Gaussians"), (0.5, "mixture")]
)
def test_starts_that_are_no_mixture(start, words):
    frame = frames.haar(4, 4, rng=0)
    with pytest.raises(ValueOutOfRange, match=words):
        unchecked(learn_prior)(frame, np.ones((3, 4)), start)


def test_no_codes_at_all():
    frame = frames.haar(4, 4, rng=0)
    with pytest.raises(ValueOutOfRange, match="at least one row"):
        learn_prior(frame, np.ones((0, 4)), priors.GaussBernoulli(0.5))
