import numpy as np
import pytest
import torch
from cases import NETWORKS
from torch import nn

from isthmus import geometry
from isthmus.core import DataError, ValueOutOfRange


def setting(n=60):
    net, _ = NETWORKS["autoencoder"]
    rng = np.random.default_rng(3)
    x = rng.standard_normal((n, 6))
    tangents = np.linalg.qr(rng.standard_normal((n, 6, 2))).Q
    return net, x, tangents, rng


def errors(net, x):
    with torch.no_grad():
        y = nn.Sequential(*geometry.as_layers(net))(torch.from_numpy(x)).numpy()
    return np.linalg.norm(y - x, axis=1)


def test_parts_are_what_the_affine_map_says():
    net, x, t, _ = setting()
    found = geometry.local_generalisation_radius(net, x, t, tolerance=3.0)
    slope = geometry.affine_map(net, x).slope
    gap = np.linalg.norm((slope - np.eye(6)) @ t, ord=2, axis=(1, 2))
    np.testing.assert_allclose(found.slope_gap, gap, rtol=1e-12)
    np.testing.assert_allclose(found.error, errors(net, x), rtol=1e-12)
    whole = geometry.boundary_distance(net, x).distance
    assert (found.boundary >= whole * (1 - 1e-12)).all()
    expected = np.minimum(found.boundary, (3.0 - found.error) / gap)
    np.testing.assert_allclose(found.radius, np.maximum(expected, 0), rtol=1e-12)


def test_no_tangent_move_within_the_radius_misses_the_tolerance():
    net, x, t, rng = setting()
    tolerance = float(np.median(errors(net, x))) * 1.1
    found = geometry.local_generalisation_radius(net, x, t, tolerance=tolerance)
    reached = found.radius > 0
    assert 0.3 < reached.mean() < 1.0
    assert (found.error[~reached] > tolerance).all()
    for _ in range(50):
        u = rng.standard_normal((len(x), 2))
        u /= np.linalg.norm(u, axis=1, keepdims=True)
        moved = x + found.radius[:, None] * np.einsum("nit,nt->ni", t, u)
        assert (errors(net, moved)[reached] <= tolerance * (1 + 1e-12)).all()


def test_the_whole_space_as_tangents_gives_the_distance_to_the_boundary():
    net, x, _, _ = setting(5)
    found = geometry.local_generalisation_radius(net, x, np.eye(6), tolerance=1e9)
    whole = geometry.boundary_distance(net, x).distance
    np.testing.assert_allclose(found.radius, whole, rtol=1e-12)


def test_perfect_slopes_reach_to_the_boundary():
    net = nn.Sequential(nn.Hardtanh())
    t = torch.eye(2)[:, :1]
    found = geometry.local_generalisation_radius(
        net, torch.tensor([[0.5, 0.9], [0.5, 3.0]]), t, tolerance=1.0
    )
    assert found.radius.tolist() == [0.5, 0.0]
    assert found.slope_gap.tolist() == [0.0, 0.0]


def test_bad_input_says_what_to_do():
    net, x, t, _ = setting(3)
    call = geometry.local_generalisation_radius
    with pytest.raises(ValueOutOfRange, match=r"tolerance=.*positive"):
        call(net, x, t, tolerance=0.0)
    with pytest.raises(ValueOutOfRange, match="orthonormal.*qr"):
        call(net, x, 2 * t, tolerance=1.0)
    with pytest.raises(ValueOutOfRange, match=r"tangents=.*Transpose"):
        call(net, x, np.eye(6)[:2], tolerance=1.0)
    with pytest.raises(ValueOutOfRange, match="autoencoder"):
        call(net[0], x, t, tolerance=1.0)


@pytest.mark.parametrize(
    "call",
    [
        geometry.region_code,
        geometry.affine_map,
        geometry.affine_factors,
        geometry.boundary_distance,
        geometry.count_regions,
        lambda net, x: geometry.exit_time(net, x, np.ones(6)),
        lambda net, x: next(geometry.affine_maps(net, x)),
    ],
)
def test_rows_are_checked(call):
    net, x, _, _ = setting(3)
    with pytest.raises(ValueOutOfRange, match=r"x=.*got \(5,\) per row, and layer 0"):
        call(net, x[:, :5])
    with pytest.raises(DataError, match=r"at least one row.*\(0, 6\)"):
        call(net, x[:0])
    with pytest.raises(DataError, match=r"x\[None\]"):
        call(net, x[0])
    x[1, 2] = np.nan
    with pytest.raises(DataError, match="row 1 holds NaN"):
        call(net, x)
    with pytest.raises(ValueOutOfRange, match="real numbers"):
        call(net, np.array([["a"]]))


def test_directions_are_checked():
    net, x, _, _ = setting(3)
    with pytest.raises(ValueOutOfRange, match=r"direction=.*shape of x, \(3, 6\)"):
        geometry.exit_time(net, x, np.ones(5))
    with pytest.raises(ValueOutOfRange, match="not be zero; got zeros for row 1"):
        geometry.exit_time(net, x, np.array([[1.0], [0.0], [1.0]]) * np.ones(6))
    with pytest.raises(DataError, match=r"direction=.*finite"):
        geometry.exit_time(net, x, np.full(6, np.inf))


def test_images_without_a_channel_are_refused():
    net, _ = NETWORKS["images"]
    with pytest.raises(ValueOutOfRange, match="4 dimensions wanted, sample first"):
        geometry.region_code(net, np.zeros((1, 6, 6)))


def test_slopes_that_do_not_fit_into_memory_are_refused(monkeypatch):
    monkeypatch.setattr("isthmus.core.memory.available_memory", lambda: 1000)
    net, x, _, _ = setting(30)
    with pytest.raises(ValueOutOfRange, match="affine_maps"):
        geometry.affine_map(net, x)
