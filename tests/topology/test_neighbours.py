import numpy as np
import pytest
from helpers import unchecked
from scipy.spatial import cKDTree

from isthmus.core import DataError, ValueOutOfRange
from isthmus.data import manifolds
from isthmus.topology import blocked, nearest_neighbours
from isthmus.topology.neighbours import TREE_COLUMNS


def padded(points, n_columns):
    return np.hstack([points, np.zeros((len(points), n_columns - points.shape[1]))])


def assert_exact(found, k):
    tree = cKDTree(found.points)
    distances, indices = tree.query(found.points, k + 1)
    np.testing.assert_allclose(found.distances, distances[:, 1:], rtol=1e-12)
    np.testing.assert_array_equal(found.indices, indices[:, 1:])


@pytest.mark.parametrize(("n", "n_columns"), [(10, 2), (500, 3), (600, 40), (6000, 7)])
@pytest.mark.parametrize("offset", [0.0, 1e3])
def test_both_ways_find_what_a_tree_finds(n, n_columns, offset, rng):
    k = min(40, n - 1)
    found = nearest_neighbours(rng.standard_normal((n, n_columns)) + offset, k)
    assert found.distances.shape == found.indices.shape == (n, k)
    assert_exact(found, k)


def test_neighbours_closer_than_float32_can_tell(rng):
    # A curve of 5000 points beside one far point: distances of 1e-6 of the largest.
    curve = padded(manifolds.circle(1e-3).sample(5000, rng), 9)
    curve[0] = 1.0
    found = nearest_neighbours(curve, 12)
    single = blocked._table(found.points, np.float32)
    sure = blocked._search(found.points, np.arange(200), 12, single)[2]
    assert sure.mean() < 0.5
    assert_exact(found, 12)


def test_a_few_unsure_rows_are_searched_again(rng):
    x = rng.standard_normal((5000, 8))
    x[::40] = x[0] + 1e-5 * rng.standard_normal((125, 8))
    found = nearest_neighbours(x, 10)
    single = blocked._table(found.points, np.float32)
    sure = blocked._search(found.points, np.arange(1000), 10, single)[2]
    assert 0.5 < sure.mean() < 1.0
    assert_exact(found, 10)


def test_sorted_rows_do_no_harm(rng):
    # The first bound comes from points in random order, whatever the order of the rows.
    x = np.sort(rng.standard_normal((9000, 6)), axis=0)
    assert_exact(nearest_neighbours(x, 5), 5)


@pytest.mark.parametrize("n_columns", [TREE_COLUMNS, TREE_COLUMNS + 1])
def test_duplicates_are_left_out_and_counted(n_columns, rng):
    x = rng.integers(0, 3, (400, n_columns)).astype(float)
    x[x == 0] *= rng.choice([-1.0, 1.0], np.count_nonzero(x == 0))  # -0.0 is 0.0
    found = nearest_neighbours(x, 4)
    different = np.unique(x, axis=0)
    assert found.n_points == len(different)
    assert found.n_duplicates == 400 - len(different)
    assert found.distances.min() * found.scale == 1.0
    first = x[: found.n_points // 4]
    start = found.scale * (found.points[0] - found.points)
    _, once = np.unique(first, axis=0, return_index=True)
    for row in np.sort(once):
        assert np.any(np.all(start == x[0] - x[row], axis=1))


@pytest.mark.parametrize("scale", [1e-300, 1e-9, 1e150, 1e298])
@pytest.mark.parametrize("n_columns", [2, 9])
def test_units_do_not_matter(scale, n_columns, rng):
    x = rng.standard_normal((60, n_columns))
    one, other = nearest_neighbours(x, 5), nearest_neighbours(scale * x, 5)
    np.testing.assert_array_equal(one.indices, other.indices)
    np.testing.assert_allclose(
        one.distances * one.scale, other.distances * (other.scale / scale), rtol=1e-9
    )


def test_rows_that_differ_less_than_rounding_of_their_mean():
    x = np.full((20, 6), 1.0)
    x[:, 0] = 1e-20 * np.arange(20)
    assert nearest_neighbours(x, 3).distances.min() > 0
    x = 1.0 + np.spacing(1.0) * np.arange(20.0)[:, None] * np.ones(6)
    found = nearest_neighbours(x, 2)
    assert np.all(found.distances > 0)
    np.testing.assert_array_equal(np.sort(found.indices[5]), [4, 6])


@pytest.mark.parametrize(
    ("x", "words"),
    [
        (np.ones((30, 2)), "got 1, and 29 that repeat them"),
        (np.eye(9), "at least 10 different rows; got 9, and 0"),
        (np.zeros((30, 0)), "must have rows and columns"),
        (np.zeros((10, 8, 8)), "Flatten images"),
        (np.full((30, 2), np.nan), "must be finite"),
        (np.linspace(-1, 1, 40).reshape(20, 2) * 1.79e308, "small enough to subtract"),
    ],
)
def test_what_is_refused(x, words):
    with pytest.raises(DataError, match=words):
        nearest_neighbours(x, 2)


def test_how_many():
    x = np.random.default_rng(0).random((30, 2))
    assert nearest_neighbours(x, 500).distances.shape == (30, 29)
    assert unchecked(nearest_neighbours)(x, 2.0).distances.shape == (30, 2)
    with pytest.raises(ValueOutOfRange, match="at least 1; got 0"):
        nearest_neighbours(x, 0)
