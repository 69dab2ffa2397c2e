import itertools

import numpy as np
import pytest
from helpers import unchecked

from isthmus.core.errors import DataError, ValueOutOfRange
from isthmus.geometry import slice_partition, slice_through, zaslavsky_bound

torch = pytest.importorskip("torch")
nn = torch.nn

from geometry.patterns import (  # noqa: E402
    answers,
    dense,
    distinct,
    pattern,
    pooled,
    randomly,
)

SQUARE = np.array([[-1.0, -1.0], [1.0, -1.0], [1.0, 1.0], [-1.0, 1.0]])
PLANE = {"origin": np.zeros(2), "basis": np.eye(2), "polygon": SQUARE}


def plane(n_input, seed, scale=1.0):
    rng = np.random.default_rng(seed)
    basis = scale * rng.standard_normal((2, n_input)) / np.sqrt(n_input)
    return {
        "origin": rng.standard_normal(n_input),
        "basis": basis,
        "polygon": [[-2.0, -1.0], [1.0, -2.0], [2.0, 1.0], [0.0, 2.0], [-1.5, 1.5]],
    }


def polygon_area(corners):
    x, y = np.asarray(corners).T
    return 0.5 * (x @ np.roll(y, -1) - y @ np.roll(x, -1))


def grid_inside(polygon, n):
    """Points of a grid inside a counter-clockwise convex polygon."""
    corners = np.asarray(polygon)
    low, high = corners.min(axis=0), corners.max(axis=0)
    axes = [np.linspace(low[i], high[i], n + 2)[1:-1] for i in (0, 1)]
    points = np.stack(np.meshgrid(*axes), axis=-1).reshape(-1, 2)
    edges = np.roll(corners, -1, axis=0) - corners
    apart = points[:, None] - corners
    return points[(edges[:, 0] * apart[..., 1] - edges[:, 1] * apart[..., 0] > 1e-9).all(1)]


def check_exact(network, given, n_grid, *, n_most=None):
    """Cells are the patterns; areas add up; the network is affine on each."""
    found = slice_partition(network, **given)
    corners = np.asarray(given["polygon"])
    area = polygon_area(corners)
    assert found.areas.min() > 0.0
    assert abs(found.areas.sum() / area - 1.0) <= 1e-12
    codes = distinct(pattern(network, found.inputs(found.centroids)))
    assert len(codes) == len(found)
    grid = found.inputs(grid_inside(corners, n_grid))
    assert distinct(pattern(network, grid)) <= codes
    slope, offset = found.affine()
    cell = found.polygons.spread(np.arange(len(found)))
    predicted = np.einsum("coa,ca->co", slope[cell], found.vertices[found.corners])
    values = found.values[found.corners]
    scale = np.abs(values).max() + np.abs(slope).max()
    assert np.abs(predicted + offset[cell] - values).max() <= 1e-12 * scale
    true = answers(network, found.inputs(found.vertices))
    np.testing.assert_allclose(found.values, true, atol=1e-12 * scale)
    return found


def crossings_inside(network, polygon):
    """1 + lines + crossings of one layer's lines inside a polygon, one pair at a time."""
    weight = network[0].weight.detach().numpy()
    bias = network[0].bias.detach().numpy()
    corners = np.asarray(polygon)
    sides = corners @ weight.T + bias
    lines = np.flatnonzero((sides.min(axis=0) < 0) & (sides.max(axis=0) > 0))
    edges = np.roll(corners, -1, axis=0) - corners
    count = 1 + len(lines)
    for i, j in itertools.combinations(lines, 2):
        point = np.linalg.solve(weight[[i, j]], -bias[[i, j]])
        apart = point - corners
        count += bool((edges[:, 0] * apart[:, 1] - edges[:, 1] * apart[:, 0] > 0).all())
    return count


@pytest.mark.parametrize("n_units", [1, 7, 40])
def test_one_layer_has_as_many_cells_as_its_lines_make(n_units):
    for seed in range(5):
        network = randomly(dense([2, n_units, 3], seed), seed)
        polygon = plane(2, 0)["polygon"]
        found = slice_partition(
            network, origin=np.zeros(2), basis=np.eye(2), polygon=polygon
        )
        assert len(found) == crossings_inside(network, polygon)


def test_lines_in_general_position_attain_the_bound():
    network = randomly(dense([2, 12, 1], 0), 0)
    found = slice_partition(network, **{**PLANE, "polygon": 1e4 * SQUARE})
    assert len(found) == zaslavsky_bound(12, 2)


@pytest.mark.parametrize(
    ("widths", "activation"),
    [
        ([2, 16, 16, 3], nn.ReLU),
        ([7, 12, 12, 12, 7], nn.ReLU),
        ([5, 10, 10, 2], lambda: nn.LeakyReLU(0.2)),
        ([5, 10, 10, 2], nn.PReLU),
        ([3, 10, 8, 2], nn.Hardtanh),
        ([3, 10, 8, 2], nn.ReLU6),
    ],
)
def test_deep_networks_have_one_cell_per_pattern(widths, activation):
    network = randomly(dense(widths, 1, activation=activation), 1)
    found = check_exact(network, plane(widths[0], 1, 2.0), 300)
    assert len(found) > 20


@pytest.mark.parametrize("kernel", [2, 3])
def test_convolution_and_max_pool_have_one_cell_per_pattern(kernel):
    network = randomly(pooled(0, kernel=kernel), 0)
    found = check_exact(network, plane(36, 0), 300)
    assert len(found) > 150


def test_a_max_pool_alone_is_a_power_diagram():
    torch.manual_seed(0)
    network = nn.Sequential(nn.Linear(2, 9), nn.Unflatten(1, (1, 3, 3)), nn.MaxPool2d(3))
    network = randomly(network.double().eval(), 3)
    found = check_exact(network, PLANE, 300)
    assert len(found) == len(
        distinct(pattern(network, found.inputs(grid_inside(SQUARE, 300))))
    )


def test_a_candidate_that_leads_only_inside_is_found():
    network = nn.Sequential(nn.Linear(2, 4), nn.Unflatten(1, (1, 2, 2)), nn.MaxPool2d(2))
    network = network.double().eval()
    with torch.no_grad():
        network[0].weight.copy_(
            torch.tensor([[1.0, 0.0], [-1.0, 1.0], [-1.0, -1.0], [0.0, 0.0]])
        )
        network[0].bias.copy_(torch.tensor([0.0, 0.0, 0.0, 0.25]))
    found = check_exact(network, PLANE, 200)
    assert len(found) == 4
    inside = np.abs(found.centroids).max(axis=1).argmin()
    # a triangle with the corners (1, 2) / 4, (1, -2) / 4 and (-1, 0) / 4
    assert found.areas[inside] == pytest.approx(0.25, abs=1e-14)


@pytest.mark.slow
@pytest.mark.parametrize(
    "network",
    [
        randomly(dense([6, 40, 40, 40, 6], 2), 2),
        randomly(pooled(1, kernel=2, side=10), 1),
        randomly(pooled(2, kernel=3, side=9), 2),
    ],
)
def test_large_networks_have_every_pattern_of_a_dense_grid(network):
    n_input = network[-1].out_features
    found = check_exact(network, plane(n_input, 2, 2.0), 700)
    assert len(found) > 500


def test_neighbours_are_apart_in_pattern_and_meet_in_an_edge():
    network = randomly(pooled(0), 0)
    found = slice_partition(network, **plane(36, 0))
    pairs, edges = found.neighbours()
    codes = pattern(network, found.inputs(found.centroids))
    assert (codes[pairs[:, 0]] != codes[pairs[:, 1]]).any(axis=1).all()
    perimeter = np.linalg.norm(np.diff(found.vertices[edges], axis=1), axis=2).sum()
    polygon = np.asarray(plane(36, 0)["polygon"])
    outside = np.linalg.norm(np.roll(polygon, -1, axis=0) - polygon, axis=1).sum()
    at = found.vertices[found.corners]
    edge = at - found.vertices[found.corners[found.polygons.after()]]
    assert np.linalg.norm(edge, axis=1).sum() == pytest.approx(
        2 * perimeter + outside, rel=1e-9
    )


def test_networks_without_biases_cut_along_rays():
    network = randomly(dense([2, 20, 20, 2], 4, bias=False), 4)
    found = check_exact(network, PLANE, 200)
    at = found.vertices[np.abs(found.vertices).max(axis=1) < 1.0 - 1e-12]
    assert len(at) == 1  # only the origin lies inside
    assert np.abs(at).max() <= 1e-15


def test_pools_of_zeros_and_no_biases_are_decided_by_the_first():
    network = randomly(pooled(3, bias=False), 3)
    check_exact(network, {**plane(36, 3), "origin": np.zeros(36)}, 150)


def test_equal_dead_and_cancelling_units_cut_nothing_twice():
    network = randomly(dense([2, 12, 8, 2], 5), 5)
    once = slice_partition(network, **PLANE)
    wide = dense([2, 36, 8, 2], 5)
    with torch.no_grad():
        for module in wide:
            for parameter in module.parameters():
                parameter.zero_()
        wide[0].weight[:12] = network[0].weight
        wide[0].bias[:12] = network[0].bias
        wide[0].weight[12:24] = -3.0 * network[0].weight
        wide[0].bias[12:24] = -3.0 * network[0].bias
        wide[0].bias[24:] = torch.linspace(-1.0, 1.0, 12)  # constants, on, off and zero
        wide[2].weight[:, :12] = network[2].weight
        wide[2].weight[:, 24:30] = 0.1
        wide[2].weight[:, 30:] = 0.1 / 3
        wide[2].bias[:] = network[2].bias
        excess = wide[2].weight[0, 24:] @ wide[0].bias[24:].clamp_min(0.0)
        wide[2].bias[:] -= excess
        wide[4].weight[:] = network[4].weight
        wide[4].bias[:] = network[4].bias
    twice = slice_partition(wide, **PLANE)
    assert len(twice) == len(once)
    np.testing.assert_allclose(np.sort(twice.areas), np.sort(once.areas), atol=1e-12)


def test_kinks_through_corners_and_along_edges_make_no_slivers():
    network = nn.Sequential(nn.Linear(2, 5), nn.ReLU(), nn.Linear(5, 2)).double().eval()
    lines = [[1.0, -1.0], [1.0, 1.0], [1.0, 0.0], [0.0, 1.0], [2.0, -2.0]]
    with torch.no_grad():
        network[0].weight.copy_(torch.tensor(lines))
        network[0].bias.copy_(torch.tensor([0.0, 0.0, 1.0, -1.0, 0.0]))
    found = slice_partition(network, **PLANE)
    np.testing.assert_array_equal(found.areas, 4 * [1.0])
    moved = network[0].bias.data.clone()
    network[0].bias.data = moved + 1e-15 * torch.randn(5).double()
    assert len(slice_partition(network, **PLANE)) == 4


def test_an_affine_network_has_one_cell():
    network = nn.Sequential(nn.Linear(3, 4), nn.Linear(4, 2)).double().eval()
    found = check_exact_affine(network)
    assert len(found) == 1


def check_exact_affine(network):
    found = slice_partition(network, **plane(3, 0))
    slope, offset = found.affine()
    at = found.vertices
    np.testing.assert_allclose(
        at @ slope[0].T + offset[0],
        answers(network, found.inputs(at)),
        atol=1e-13,
    )
    return found


def test_far_origins_and_small_planes_keep_their_digits():
    network = randomly(dense([4, 10, 10, 2], 6), 6)
    given = plane(4, 6)
    near = slice_partition(network, **given)
    shifted = randomly(dense([4, 10, 10, 2], 6), 6)
    far = given["origin"] + 1e6
    with torch.no_grad():
        shifted[0].bias -= shifted[0].weight @ torch.full((4,), 1e6).double()
    found = slice_partition(shifted, **{**given, "origin": far})
    assert len(found) == len(near)
    small = {
        **given,
        "basis": 1e-6 * given["basis"],
        "polygon": 1e6 * np.array(given["polygon"]),
    }
    assert len(slice_partition(network, **small)) == len(near)


def test_memory_that_is_short_changes_nothing(monkeypatch):
    network = randomly(pooled(0), 0)
    whole = slice_partition(network, **plane(36, 0))
    monkeypatch.setattr("isthmus.geometry.switch_table.HELD", 4000)
    monkeypatch.setattr("isthmus.geometry.along._BLOCK", 2000)
    monkeypatch.setattr("isthmus.geometry.arrangement._WORDS", 50)
    monkeypatch.setattr("isthmus.geometry.envelope._WORDS", 50)
    parts = slice_partition(network, **plane(36, 0))
    assert len(parts) == len(whole)
    np.testing.assert_allclose(np.sort(parts.areas), np.sort(whole.areas), atol=1e-12)


def test_inputs_may_be_images_and_single_precision_stays_as_it_is():
    network = randomly(pooled(0), 0)[1:].float()
    before = [p.clone() for p in network.parameters()]
    rng = np.random.default_rng(0)
    points = rng.standard_normal((3, 1, 6, 6))
    through = slice_through(*points)
    found = slice_partition(network, **through._asdict())
    assert found.inputs(found.centroids).shape == (len(found), 1, 6, 6)
    assert all(torch.equal(a, b) for a, b in zip(before, network.parameters(), strict=True))
    at = np.einsum("axyz,pxyz->pa", through.basis, points - through.origin)
    np.testing.assert_allclose(found.inputs(at), points, atol=1e-12)
    low, high = through.polygon.min(axis=0), through.polygon.max(axis=0)
    assert ((at > low) & (at < high)).all()
    flat = through.basis.reshape(2, -1)
    np.testing.assert_allclose(flat @ flat.T, np.eye(2), atol=1e-12)


def test_cells_give_their_polygons_and_answers():
    network = randomly(dense([2, 8, 3], 0), 0)
    found = slice_partition(network, **PLANE)
    assert len(found.cells) == len(found)
    for cell, area in zip(found.cells, found.areas, strict=True):
        assert polygon_area(cell.polygon) == pytest.approx(area)
        np.testing.assert_allclose(cell.values, answers(network, cell.polygon), atol=1e-13)
    with pytest.raises(IndexError):
        found.cells[len(found)]


def test_colours_of_neighbours_differ():
    found = slice_partition(randomly(dense([2, 20, 20, 1], 0), 0), **PLANE)
    pairs, _ = found.neighbours()
    for n_colours in (4, 6):
        colour = found.groups(n_colours, rng=1)
        clashes = (colour[pairs[:, 0]] == colour[pairs[:, 1]]).mean()
        assert clashes <= (0.02 if n_colours == 4 else 0.0)
        assert set(colour) == set(range(n_colours))
    np.testing.assert_array_equal(found.groups(rng=3), found.groups(rng=3))


@pytest.mark.parametrize("polygon", [SQUARE[::-1], np.insert(SQUARE, 1, [0.0, -1.0], 0)])
def test_corners_may_run_either_way_and_lie_on_an_edge(polygon):
    network = randomly(dense([2, 8, 3], 0), 0)
    whole = slice_partition(network, **PLANE)
    found = slice_partition(network, **{**PLANE, "polygon": polygon})
    np.testing.assert_allclose(np.sort(found.areas), np.sort(whole.areas), atol=1e-13)


STAR = [[np.cos(4 * np.pi * i / 5), np.sin(4 * np.pi * i / 5)] for i in range(5)]


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"polygon": SQUARE[:2]}, "three corners"),
        ({"polygon": [[0.0, 0.0], [1.0, 1.0], [2.0, 2.0]]}, "area"),
        ({"polygon": [[0.0, 0.0], [1.0, 0.0], [1.0, 0.0], [0.0, 1.0]]}, "twice"),
        ({"polygon": [[0.0, 0.0], [2.0, 0.0], [0.2, 0.2], [0.0, 2.0]]}, "convex"),
        ({"polygon": SQUARE[[0, 2, 1, 3]]}, "area"),
        ({"polygon": STAR}, "convex"),
        ({"polygon": np.zeros((4, 3))}, "shape"),
        ({"basis": [[1.0, 2.0], [-2.0, -4.0]]}, "parallel"),
        ({"basis": np.zeros((2, 2))}, "parallel"),
        ({"basis": np.eye(3)[:2]}, "shape"),
        ({"origin": np.zeros(3), "basis": np.eye(3)[:2]}, "shape"),
        ({"origin": "here"}, "real numbers"),
        ({"max_cells": 0}, "whole number"),
        ({"max_cells": 20}, "smaller polygon"),
    ],
)
def test_bad_planes_are_refused(changed, words):
    network = randomly(dense([2, 20, 3], 0), 0)
    with pytest.raises(ValueOutOfRange, match=words):
        unchecked(slice_partition)(network, **{**PLANE, **changed})


@pytest.mark.parametrize("name", ["origin", "basis", "polygon"])
def test_numbers_that_are_not_finite_are_refused(name):
    value = np.array(PLANE[name])
    value.flat[0] = np.nan
    with pytest.raises(DataError, match=name):
        slice_partition(dense([2, 3, 1], 0), **{**PLANE, name: value})


def test_networks_that_overflow_or_are_smooth_are_refused():
    network = dense([2, 3, 1], 0)
    with torch.no_grad():
        network[2].weight.fill_(1e308)
        network[2].bias.fill_(1e308)
        network[0].bias.fill_(10.0)
    with pytest.raises(DataError, match="finite"):
        slice_partition(network, **PLANE)
    with pytest.raises(ValueOutOfRange, match="Tanh"):
        slice_partition(nn.Sequential(nn.Linear(2, 2), nn.Tanh()), **PLANE)


def test_cells_that_do_not_fit_into_memory_are_refused(monkeypatch):
    monkeypatch.setattr("isthmus.geometry.slice._SOME", 10)
    monkeypatch.setattr("isthmus.core.memory.available_memory", lambda: 1000)
    with pytest.raises(ValueOutOfRange, match="memory"):
        slice_partition(randomly(dense([2, 20, 3], 0), 0), **PLANE)


@pytest.mark.parametrize(
    ("points", "changed", "error", "words"),
    [
        ([[0.0, 0.0], [1.0, 1.0], [2.0, 2.0]], {}, ValueOutOfRange, "line"),
        ([[0.0, 0.0], [0.0, 0.0], [2.0, 1.0]], {}, ValueOutOfRange, "line"),
        ([[0.0], [1.0], [3.0]], {}, ValueOutOfRange, "line"),
        ([[0.0, 0.0], [1.0], [2.0, 1.0]], {}, ValueOutOfRange, "shape"),
        ([[0.0, 0.0], [np.inf, 0.0], [2.0, 1.0]], {}, DataError, "finite"),
        ([[0.0, 0.0], [1.0, 0.0], [2.0, 1.0]], {"margin": -1.0}, ValueOutOfRange, "margin"),
    ],
)
def test_three_points_that_span_no_plane_are_refused(points, changed, error, words):
    with pytest.raises(error, match=words):
        slice_through(*points, **changed)


def test_a_polygon_whose_area_is_no_number_is_refused():
    with pytest.raises(ValueOutOfRange, match="lie within 1e"):
        slice_partition(
            torch.nn.Linear(2, 1),
            origin=np.zeros(2),
            basis=np.eye(2),
            polygon=[(0, 0), (1e300, 0), (0, 1e300)],
        )
