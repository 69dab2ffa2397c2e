import numpy as np
import pytest

from isthmus.geometry import decoder_surface

torch = pytest.importorskip("torch")
nn = torch.nn

from geometry.patterns import answers, dense, randomly  # noqa: E402

SQUARE = [[-1.0, -1.0], [1.0, -1.0], [1.0, 1.0], [-1.0, 1.0]]


def roof(slope):
    """(u, v) -> (u, v, slope |u|), a roof with its ridge along v."""
    network = nn.Sequential(nn.Linear(2, 4), nn.LeakyReLU(0.0), nn.Linear(4, 3))
    network = network.double().eval()
    with torch.no_grad():
        network[0].weight.copy_(
            torch.tensor([[1.0, 0.0], [-1.0, 0.0], [0.0, 1.0], [0.0, 0.0]])
        )
        network[0].bias.copy_(torch.tensor([0.0, 0.0, 10.0, 0.0]))
        network[2].weight.copy_(
            torch.tensor([[1.0, -1.0, 0.0, 0], [0, 0, 1, 0], [slope, slope, 0, 0]])
        )
        network[2].bias.copy_(torch.tensor([0.0, -10.0, 0.0]))
    return network


@pytest.mark.parametrize("slope", [0.0, 0.5, -2.0])
def test_a_roof_bends_by_twice_its_slopes_angle(slope):
    surface = decoder_surface(roof(slope), polygon=SQUARE)
    assert surface.area == pytest.approx(4 * np.hypot(1.0, slope), rel=1e-14)
    np.testing.assert_allclose(surface.angles, [2 * abs(np.arctan(slope))], atol=1e-14)
    np.testing.assert_allclose(surface.jumps, [2 * abs(slope)], atol=1e-14)


def test_jumps_of_tangents_have_rank_one_and_vanish_along_the_edge():
    network = randomly(dense([2, 25, 25, 5], 0), 0)
    surface = decoder_surface(network, polygon=SQUARE)
    jump = np.diff(surface.tangents[surface.neighbours], axis=1)[:, 0]
    singular = np.linalg.svd(jump, compute_uv=False)
    scale = np.linalg.norm(surface.tangents, axis=(1, 2)).max()
    assert len(surface.jumps) > 100
    assert singular[:, 1].max() <= 1e-12 * scale
    np.testing.assert_allclose(singular[:, 0], surface.jumps, atol=1e-12 * scale)
    edge = np.diff(surface.partition.vertices[surface.edges], axis=1)[:, 0]
    assert np.abs(np.einsum("eoa,ea->eo", jump, edge)).max() <= 1e-12 * scale


def test_areas_are_those_of_the_mapped_triangles():
    network = randomly(dense([3, 12, 12, 4], 1), 1)
    origin, basis = np.ones(3), np.random.default_rng(0).standard_normal((2, 3))
    surface = decoder_surface(network, polygon=SQUARE, origin=origin, basis=basis)
    cells = surface.partition
    true = answers(network, cells.inputs(cells.vertices))
    np.testing.assert_allclose(surface.vertices, true, atol=1e-12)
    for i in range(len(cells)):
        at = true[cells.corners[cells.offsets[i] : cells.offsets[i + 1]]]
        first, second = at[1:-1] - at[0], at[2:] - at[0]
        gram = np.square(first).sum(1) * np.square(second).sum(1)
        gram -= np.square((first * second).sum(1))
        triangles = 0.5 * np.sqrt(gram.clip(0.0)).sum()
        assert surface.areas[i] == pytest.approx(triangles, rel=1e-5, abs=1e-9)


def test_facets_without_width_have_no_area_and_no_angle():
    surface = decoder_surface(nn.ReLU(), polygon=SQUARE)
    assert sorted(surface.areas) == [0.0, 0.0, 0.0, 1.0]
    assert np.isnan(surface.angles).all()
    assert surface.jumps.tolist() == [1.0, 1.0, 1.0, 1.0]


def test_a_fold_turns_back():
    network = nn.Sequential(nn.Linear(2, 2), nn.LeakyReLU(-1.0)).double().eval()
    with torch.no_grad():
        network[0].weight.copy_(torch.eye(2))
        network[0].bias.copy_(torch.tensor([0.0, 10.0]))
    surface = decoder_surface(network, polygon=SQUARE)
    np.testing.assert_allclose(surface.angles, [np.pi])
    assert surface.area == pytest.approx(4.0)
