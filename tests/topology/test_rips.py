import numpy as np
import pytest
from topology.clouds import circle, drawn, sphere

from isthmus.core import ValueOutOfRange
from isthmus.topology.landmarks import farthest_points
from isthmus.topology.rips import clique_counts, rips_bound, rips_diagram

gudhi = pytest.importorskip("gudhi")


def test_collapsed_and_cut_complex_has_the_intervals_of_the_full_one(rng):
    points = sphere(rng, 40)
    ours = rips_diagram(points, 2, (2, 3))
    tree = gudhi.RipsComplex(points=points[ours.landmarks]).create_simplex_tree(3)
    for field in (2, 3):
        tree.compute_persistence(homology_coeff_field=field)
        for degree in (1, 2):
            expected = tree.persistence_intervals_in_dimension(degree).reshape(-1, 2)
            found = ours.intervals[field][degree]
            np.testing.assert_allclose(np.sort(found, 0), np.sort(expected, 0), rtol=1e-12)
    assert len(ours.intervals[2][2])


def test_landmarks_are_dropped_until_the_complex_fits(rng, monkeypatch):
    monkeypatch.setattr("isthmus.topology.rips.MOST_SIMPLICES", 500)
    points = rng.standard_normal((60, 6))
    found = rips_diagram(points, 2)
    assert 8 <= found.landmarks.size < 60
    away = np.linalg.norm(points[:, None] - points[found.landmarks], axis=2).min(axis=1)
    assert found.covering_radius == pytest.approx(away.max())
    monkeypatch.setattr("isthmus.topology.rips.MOST_SIMPLICES", 5)
    with pytest.raises(ValueOutOfRange, match="lower degree"):
        rips_diagram(points, 2)


def test_cliques_are_counted(rng):
    adjacency = np.triu(rng.random((20, 20)) < 0.6, 1)
    adjacency |= adjacency.T
    from itertools import combinations

    for size, count in enumerate(clique_counts(adjacency, 5, 10**9), start=1):
        cliques = (
            all(adjacency[i, j] for i, j in combinations(c, 2))
            for c in combinations(range(20), size)
        )
        assert count == sum(cliques)


def test_every_landmark_is_the_farthest_from_those_before(rng):
    points = rng.standard_normal((50, 3))
    found = farthest_points(points, 12)
    for i in range(1, 12):
        away = np.linalg.norm(points[:, None] - points[found.indices[:i]], axis=2).min(
            axis=1
        )
        assert away[found.indices[i]] == pytest.approx(away.max())
        assert found.covering[i - 1] == pytest.approx(away.max())
    assert farthest_points(points.repeat(2, axis=0), 80).indices.size == 50


def test_rips_bound_of_a_circle_is_below_its_radius():
    """The circle's own best bound is 1; landmarks can only lose."""
    points = drawn(circle, np.random.default_rng(0), 400)
    intervals = rips_diagram(points, 1, max_landmarks=60).intervals[2][1]
    bound = rips_bound(intervals[:, 0], intervals[:, 1], 1).max()
    assert 0.75 < bound < np.sqrt(3) / 2


@pytest.mark.parametrize("degree", [1, 2, 3])
def test_jung_is_attained_by_the_regular_simplex(degree):
    """A regular simplex of edge 1 has its centre as far from the vertices as Jung says."""
    vertices = np.eye(degree + 1) / np.sqrt(2)
    radius = np.linalg.norm(vertices[0] - vertices.mean(axis=0))
    assert -rips_bound(np.array([1.0]), np.array([0.0]), degree)[0] == pytest.approx(radius)
