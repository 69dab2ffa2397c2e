import numpy as np
import pytest
from helpers import assert_mean_close

from isthmus.core.errors import ValueOutOfRange
from isthmus.core.random import as_rng, random_normal, random_signs, random_subset

GOLDEN_SIGNS = [1.0, 1.0, 1.0, 1.0, -1.0, 1.0, -1.0, 1.0]
GOLDEN_SUBSET = [0, 8, 9, 3, 7, 5, 1, 2, 6, 4]
GOLDEN_NORMAL = [-2.87376453664896, 1.38237180999765, 0.518960130928553]


def test_a_seed_means_the_same_draws_on_every_machine():
    # Golden values: they change only if saved models would change too.
    assert random_signs(as_rng(0), 8).tolist() == GOLDEN_SIGNS
    assert random_subset(as_rng(0), 10, 10).tolist() == GOLDEN_SUBSET
    np.testing.assert_allclose(random_normal(as_rng(0), 1, 3)[0], GOLDEN_NORMAL, rtol=1e-12)


def test_draws_have_the_right_moments(rng):
    assert_mean_close(random_signs(rng, 100_000), 0.0)
    z = random_normal(rng, 300, 333).ravel()
    assert_mean_close(z, 0.0)
    assert_mean_close(z**2, 1.0)
    assert_mean_close(z**4, 3.0)


def test_subsets_have_no_repeats(rng):
    chosen = random_subset(rng, 50, 20)
    assert np.unique(chosen).size == 20
    assert chosen.min() >= 0
    assert chosen.max() < 50


@pytest.mark.parametrize("seed", [-1, 1.5, "a", True])
def test_seeds_that_are_none(seed):
    with pytest.raises(ValueOutOfRange, match="non-negative integer"):
        as_rng(seed)


def test_generators_are_handed_through_and_legacy_ones_are_drawn_from():
    generator = np.random.default_rng(0)
    assert as_rng(generator) is generator
    legacy = np.random.RandomState(3)  # noqa: NPY002  scikit-learn hands these over
    assert isinstance(as_rng(legacy), np.random.Generator)
    assert isinstance(as_rng(None), np.random.Generator)
