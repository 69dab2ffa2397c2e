import itertools

import pytest
from helpers import unchecked

from isthmus.core.errors import ValueOutOfRange
from isthmus.geometry import montufar_bound, zaslavsky_bound


def test_zaslavsky_obeys_the_recursion_of_one_more_hyperplane():
    for n, dim in itertools.product(range(30), range(1, 8)):
        parts = zaslavsky_bound(n, dim) + zaslavsky_bound(n, dim - 1)
        assert zaslavsky_bound(n + 1, dim) == parts
        if n <= dim:
            assert zaslavsky_bound(n, dim) == 2**n


def test_one_layer_of_montufar_is_zaslavskys_and_numbers_stay_exact():
    assert montufar_bound([9], 3) == zaslavsky_bound(9, 3)
    assert montufar_bound([5, 4], 1) == 5 * 5
    assert montufar_bound([64] * 11, 2) == 32**20 * (1 + 64 + 64 * 63 // 2)


@pytest.mark.parametrize("widths", [[], [3, 1], [2.5], 7, "wide", [True, 4]])
def test_widths_that_are_none_are_refused(widths):
    with pytest.raises(ValueOutOfRange, match="widths"):
        unchecked(montufar_bound)(widths, 2)


@pytest.mark.parametrize(("n_units", "dim"), [(-1, 2), (3, -1), (3, 0.5), (None, 2)])
def test_negative_numbers_and_fractions_are_refused(n_units, dim):
    with pytest.raises(ValueOutOfRange, match="whole number"):
        unchecked(zaslavsky_bound)(n_units, dim)
