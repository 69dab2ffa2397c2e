import numpy as np
import pytest
from scipy.sparse.csgraph import minimum_spanning_tree
from scipy.spatial.distance import cdist

from isthmus.topology.alpha import alpha_complex
from isthmus.topology.components import connected_components, longest_gap
from isthmus.topology.cost import covering_radius
from isthmus.topology.persistence import alpha_intervals


def test_delaunay_edges_hold_the_spanning_tree_of_all_pairs(rng):
    points = rng.standard_normal((120, 3))
    alpha = alpha_complex(points)
    everything = minimum_spanning_tree(cdist(points, points)).data.max()
    assert longest_gap(points) == pytest.approx(everything)
    assert longest_gap(points, alpha.edges()[0]) == pytest.approx(everything)


def test_last_component_dies_at_half_the_longest_gap(rng):
    pytest.importorskip("gudhi")
    alpha = alpha_complex(rng.standard_normal((80, 2)))
    deaths = alpha_intervals(alpha)[2][0][:, 1]
    assert deaths[np.isfinite(deaths)].max() == pytest.approx(longest_gap(alpha.points) / 2)


def test_a_gap_is_cut_where_it_is_three_times_the_next(rng):
    """Evenly spaced runs: the ratio is the gap itself."""
    run = np.arange(30.0)
    for gap, count in ((2.9, 1), (3.1, 2)):
        line = np.concatenate([run, run + 29.0 + gap])[:, None]
        found = connected_components(line)
        assert found.count == count
        assert found.gap == (np.inf if count == 1 else pytest.approx(gap))


def test_small_parts_are_no_components():
    run = np.arange(30.0)
    line = np.concatenate([run, run[:19] + 1000.0])[:, None]
    assert connected_components(line).count == 1
    assert (
        connected_components(np.concatenate([run, run[:20] + 1000.0])[:, None]).count == 2
    )


@pytest.mark.parametrize("dim", [2, 12])
def test_covering_radius_by_tree_and_by_products(rng, dim):
    points = rng.standard_normal((700, dim))
    rows = np.arange(0, 700, 9)
    expected = cdist(points, points[rows]).min(axis=1).max()
    assert covering_radius(points, rows) == pytest.approx(expected)
