import numpy as np
import pytest
from scipy.stats import friedmanchisquare

from isthmus.core.errors import DataError, ValueOutOfRange
from isthmus.experiments.ranks import critical_difference, friedman


def test_by_hand():
    errors = np.array([[1.0, 2.0, 3.0], [1.0, 3.0, 2.0], [2.0, 1.0, 3.0], [1.0, 2.0, 3.0]])
    found = friedman(errors)
    # sums of ranks 5, 8, 11: 12 / (4 * 3 * 4) (25 + 64 + 121) - 3 * 4 * 4 = 4.5
    assert found.mean == pytest.approx([1.25, 2.0, 2.75])
    assert found.statistic == pytest.approx(4.5)
    assert found.p_value == pytest.approx(np.exp(-2.25))
    # q = 2.343 of three methods: 2.343 sqrt(3 * 4 / (6 * 4))
    assert found.critical == pytest.approx(2.343 * np.sqrt(0.5), abs=1e-3)
    assert found.n_sets == 4


@pytest.mark.parametrize("ties", [False, True])
def test_as_scipy_has_it(rng, ties):
    errors = rng.normal(size=(12, 10)) + np.linspace(0, 1, 10)
    if ties:
        errors = np.round(errors)
    found, other = friedman(errors), friedmanchisquare(*errors.T)
    assert found.statistic == pytest.approx(other.statistic, rel=1e-12)
    assert found.p_value == pytest.approx(other.pvalue, rel=1e-12)
    assert found.mean.sum() == pytest.approx(55.0)


def test_critical_differences_of_the_published_table():
    published = [1.960, 2.343, 2.569, 2.728, 2.850, 2.949, 3.031, 3.102, 3.164]
    for k, q in enumerate(published, start=2):
        expected = q * np.sqrt(k * (k + 1) / (6 * 14))
        assert critical_difference(k, 14) == pytest.approx(expected, abs=1e-3)
    assert critical_difference(5, 14, 0.1) < critical_difference(5, 14)


def test_like_methods_are_told_apart_as_seldom_as_the_level_says(rng):
    n_trials = 4000
    errors = rng.normal(size=(n_trials, 14, 4))
    mean = errors.argsort(axis=2).argsort(axis=2).mean(axis=1) + 1.0
    assert mean[0] == pytest.approx(friedman(errors[0]).mean)
    share = np.mean(np.ptp(mean, axis=1) > critical_difference(4, 14))
    # the level holds for many sets; of 14 the range is a little narrower, 0.045 or so
    error = np.sqrt(0.05 / n_trials)
    assert 0.03 < share < 0.05 + 5 * error


def test_all_in_a_tie_differ_by_nothing():
    found = friedman(np.ones((3, 4)))
    assert (found.statistic, found.p_value) == (0.0, 1.0)
    assert found.mean.tolist() == [2.5] * 4


@pytest.mark.parametrize(
    "errors", [np.ones((1, 3)), np.ones((3, 1)), np.array([[1.0, 2.0], [np.nan, 1.0]])]
)
def test_what_cannot_be_ranked_is_refused(errors):
    with pytest.raises(DataError, match="at least two methods"):
        friedman(errors)


@pytest.mark.parametrize("level", [0.0, 1.0, 2.0])
def test_levels_outside_their_domain(level):
    with pytest.raises(ValueOutOfRange, match="between 0 and 1"):
        critical_difference(3, 10, level)
