import numpy as np
import pytest

from isthmus.data.manifolds import NAMED
from isthmus.topology.layout import layout


def test_a_line_is_laid_out_by_its_length(rng):
    at = np.sort(rng.uniform(0, 5, 200))
    spiral = np.column_stack([at * np.cos(at), at * np.sin(at)])
    step = np.linalg.norm(np.diff(spiral, axis=0), axis=1)
    length = np.concatenate([[0], np.cumsum(step)])
    found = layout(spiral, 1)[:, 0]
    assert abs(np.corrcoef(found, length)[0, 1]) > 0.999
    assert np.mean(found**2) == pytest.approx(1)
    assert found.mean() == pytest.approx(0, abs=1e-12)


def test_linked_circles_do_not_cross():
    shape = NAMED["hopf-link"]
    rows = shape.sample(600, rng=0)
    first = np.abs(rows[:, 2]) < 1e-9
    found = layout(rows, 2)
    sides = sorted([found[first, 0], found[~first, 0]], key=np.mean)
    assert sides[0].max() < sides[1].min()
    # each is a circle: much the same radius all around
    for inside in (first, ~first):
        own = found[inside] - found[inside].mean(axis=0)
        radius = np.linalg.norm(own, axis=1)
        assert radius.max() < 1.3 * radius.min()


def test_more_coordinates_than_the_rows_have_are_zero(rng):
    found = layout(rng.normal(size=(12, 2)), 20)
    assert found.shape == (12, 20)
    assert np.all(found[:, 12:] == 0)
