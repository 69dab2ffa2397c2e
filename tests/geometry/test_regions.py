"""Codes, slopes, boundaries and exits on all networks: independent routes agree."""

import copy

import numpy as np
import pytest
import torch
from cases import NETWORKS
from torch import nn

from isthmus import geometry
from isthmus.geometry import rows
from isthmus.geometry.switching import switching

HAS_POOL = {"sequences", "images", "overlapping windows"}


@pytest.fixture(params=NETWORKS, scope="module")
def case(request):
    net, shape = NETWORKS[request.param]
    x = torch.randn(40, *shape, generator=torch.Generator().manual_seed(5)).double()
    return request.param, geometry.as_layers(net), x


def values(net, x):
    return nn.Sequential(*net)(x).flatten(1)


def test_slopes_are_those_of_autograd(case):
    name, net, x = case
    slope, offset = geometry.affine_map(net, x)
    plain = copy.deepcopy(NETWORKS[name][0]).double()
    for e, found in zip(x[:8], slope[:8], strict=True):
        one = torch.autograd.functional.jacobian(plain, e[None].clone())
        expected = one.reshape(slope.shape[1:])
        torch.testing.assert_close(found, expected, rtol=1e-12, atol=1e-12)
    inside = (slope @ x.flatten(1)[..., None])[..., 0] + offset
    torch.testing.assert_close(inside, values(net, x), rtol=1e-12, atol=1e-12)


def test_slopes_are_products_of_weights_and_states(rng):
    net, _ = NETWORKS["dense"]
    x = rng.standard_normal((20, 5))
    w = [m.weight.detach().double().numpy() for m in net if isinstance(m, nn.Linear)]
    b = [m.bias.detach().double().numpy() for m in net if isinstance(m, nn.Linear)]
    found = geometry.affine_map(net, x)
    code = geometry.region_code(net, x)
    assert isinstance(found.slope, np.ndarray)
    assert isinstance(code, np.ndarray)
    for row in range(20):
        q1, q2 = np.diag(1.0 * code[row, :12]), np.diag(1.0 * code[row, 12:])
        np.testing.assert_allclose(
            found.slope[row], w[2] @ q2 @ w[1] @ q1 @ w[0], atol=1e-14
        )
        offset = b[2] + w[2] @ q2 @ b[1] + w[2] @ q2 @ w[1] @ q1 @ b[0]
        np.testing.assert_allclose(found.offset[row], offset, atol=1e-14)


def test_factors_and_streams_are_the_same_maps(case):
    _, net, x = case
    whole = geometry.affine_map(net, x)
    factors = geometry.affine_factors(net, x)
    torch.testing.assert_close(
        factors.left @ factors.right, whole.slope, rtol=0, atol=1e-13
    )
    assert torch.equal(factors.offset, whole.offset)
    for chunk in (None, 7):
        parts = list(geometry.affine_maps(net, x, chunk=chunk))
        slope = torch.cat([p.slope for p in parts])
        torch.testing.assert_close(slope, whole.slope, rtol=0, atol=1e-13)
        assert len(torch.cat([p.offset for p in parts])) == 40


def test_chunks_change_nothing(case, monkeypatch):
    _, net, x = case
    x = x[:3]
    calls = (
        geometry.region_code,
        lambda *a: geometry.boundary_distance(*a).distance,
        lambda *a: geometry.affine_map(*a).slope,
        lambda *a: geometry.exit_time(*a, torch.ones(x.shape[1:])).time,
    )
    large = [call(net, x) for call in calls]
    monkeypatch.setattr(rows, "BUDGET", 20_000)
    monkeypatch.setattr("isthmus.geometry.steepness.BUDGET", 20_000)
    for call, expected in zip(calls, large, strict=True):
        torch.testing.assert_close(call(net, x), expected, rtol=1e-12, atol=1e-12)


def test_the_ball_to_the_boundary_is_the_largest_with_one_code(case):
    name, net, x = case
    found = geometry.boundary_distance(net, x)
    code = geometry.region_code(net, x)
    assert torch.isfinite(found.distance).all()
    assert (found.distance > 0).all()
    step = found.foot - x
    torch.testing.assert_close(
        step.flatten(1).norm(dim=1), found.distance, rtol=1e-12, atol=1e-15
    )
    assert torch.equal(geometry.region_code(net, x + 0.999 * step), code)
    slope, offset = geometry.affine_map(net, x)
    generator = torch.Generator().manual_seed(6)
    for _ in range(5):
        u = torch.randn(x.shape, generator=generator).double()
        u /= u.flatten(1).norm(dim=1).reshape(-1, *[1] * (x.ndim - 1))
        at = x + 0.999 * found.distance.reshape(-1, *[1] * (x.ndim - 1)) * u
        assert torch.equal(geometry.region_code(net, at), code)
        there = (slope @ at.flatten(1)[..., None])[..., 0] + offset
        torch.testing.assert_close(values(net, at), there, rtol=1e-11, atol=1e-12)
    flips = geometry.region_code(net, x + 1.001 * step) ^ code
    assert (flips.sum(dim=1) >= 1).all()
    rows_ = torch.arange(len(x))
    assert flips[rows_, found.unit].all()
    if name not in HAS_POOL:
        assert (flips.sum(dim=1) == 1).float().mean() >= 0.95


def test_distance_is_the_least_over_all_gradients(case):
    _, net, x = case
    x = x[:2]

    def functions(e):
        u, found = e[None], []
        for layer in net:
            s = switching(layer, u)
            found += [] if s is None else [s[0]]
            u = layer(u)
        return torch.cat(found)

    found = geometry.boundary_distance(net, x)
    for row, e in enumerate(x):
        s = functions(e)
        g = torch.autograd.functional.jacobian(functions, e).flatten(1).norm(dim=1)
        each = torch.where((g > 1e-12) & s.isfinite(), s.abs() / g, torch.inf)
        for expected in (each.min(), each[found.unit[row]]):
            torch.testing.assert_close(
                found.distance[row], expected, rtol=1e-12, atol=1e-14
            )


def test_lines_leave_where_they_say(case):
    _, net, x = case
    u = torch.randn(x.shape, generator=torch.Generator().manual_seed(7)).double()
    found = geometry.exit_time(net, x, u)
    code = geometry.region_code(net, x)
    assert torch.isfinite(found.time).float().mean() > 0.9
    assert (
        found.time
        >= geometry.boundary_distance(net, x).distance
        / u.flatten(1).norm(dim=1)
        * (1 - 1e-9)
    )[found.time.isfinite()].all()

    def at(t):
        return x + t.reshape(-1, *[1] * (x.ndim - 1)) * u

    crossed = torch.isfinite(found.time)
    inside = torch.where(crossed, found.time * (1 - 1e-6), 1e3)
    for share in (0.1, 0.5, 1.0):
        assert torch.equal(geometry.region_code(net, at(share * inside)), code)
    beyond = geometry.region_code(net, found.neighbour[crossed])
    flips = beyond ^ code[crossed]
    assert (flips.sum(dim=1) >= 1).all()
    assert flips[torch.arange(len(flips)), found.unit[crossed]].all()
    assert (found.next_time > found.time)[crossed].all()
    ends = crossed & torch.isfinite(found.next_time)
    for share in (1e-6, 0.3, 1 - 1e-6):
        t = found.time + share * (found.next_time - found.time)
        t = torch.where(ends, t, 0.0)
        same = (
            geometry.region_code(net, at(t))
            == torch.where(
                ends[:, None],
                geometry.region_code(
                    net,
                    torch.where(ends.reshape(-1, *[1] * (x.ndim - 1)), found.neighbour, x),
                ),
                code,
            )
        ).all(dim=1)
        assert same.all()


def test_slopes_jump_by_rank_one_across_a_facet(case):
    _, net, x = case
    u = torch.randn(x.shape, generator=torch.Generator().manual_seed(8)).double()
    found = geometry.exit_time(net, x, u)
    crossed = torch.isfinite(found.time)
    here = geometry.affine_map(net, x[crossed]).slope
    there = geometry.affine_map(net, found.neighbour[crossed]).slope
    jumps = torch.linalg.svdvals(there - here)
    size = torch.linalg.matrix_norm(here)
    second = jumps[:, 1] if jumps.shape[1] > 1 else torch.zeros(len(jumps))
    assert (second <= 1e-10 * torch.maximum(jumps[:, 0], size)).all()
    assert (jumps[:, 0] > 1e-6 * size).float().mean() > 0.3


def test_codes_of_hardtanh_and_pools_are_as_defined():
    net = nn.Sequential(nn.Hardtanh(-1, 2))
    code = geometry.region_code(net, np.array([[-1.0, 0.0], [3.0, 2.0]]))
    assert code.tolist() == [[False, False, True, False], [True, True, True, False]]
    pool = nn.Sequential(nn.MaxPool1d(2, padding=1))
    code = geometry.region_code(pool, torch.tensor([[[1.0, 5.0, 5.0]]]))
    assert code.tolist() == [[False, True, True, False]]


def test_ties_after_relu_are_no_boundary():
    net = nn.Sequential(
        nn.Linear(2, 4), nn.Unflatten(1, (1, 4)), nn.ReLU(), nn.MaxPool1d(2)
    )
    net[0].weight.data = torch.tensor([[1.0, 0.0], [0.0, 1.0], [-1.0, 0.0], [0.0, -1.0]])
    net[0].bias.data = torch.tensor([-2.0, -3.0, -4.0, -5.0])
    found = geometry.boundary_distance(net, np.zeros((1, 2)))
    assert found.distance.item() == 2.0
    assert found.unit.item() == 0
    assert found.foot.tolist() == [[2.0, 0.0]]


def test_networks_without_kinks_have_one_region(rng):
    x = rng.standard_normal((3, 4))
    for net in (nn.Linear(4, 2), nn.Identity()):
        assert geometry.region_code(net, x).shape == (3, 0)
        assert geometry.count_regions(net, x) == 1
        found = geometry.boundary_distance(net, x)
        assert np.isinf(found.distance).all()
        assert (found.unit == -1).all()
        assert np.isnan(found.foot).all()
        gone = geometry.exit_time(net, x, np.ones(4))
        assert np.isinf(gone.time).all()
        assert np.isnan(gone.neighbour).all()
    np.testing.assert_array_equal(geometry.affine_map(nn.Identity(), x).slope[0], np.eye(4))


def test_rows_on_a_boundary_cross_it_at_once():
    net = nn.Sequential(nn.ReLU())
    x = torch.zeros(2, 1)
    found = geometry.exit_time(net, x, torch.tensor([[1.0], [-1.0]]))
    assert found.time.tolist() == [0.0, torch.inf]
    assert found.neighbour[0] > 0
    assert geometry.boundary_distance(net, x).distance.tolist() == [0.0, 0.0]


def test_counts_are_numbers_of_codes(case):
    _, net, x = case
    x = torch.cat([x, x[:7]])
    distinct = len(torch.unique(geometry.region_code(net, x), dim=0))
    assert geometry.count_regions(net, x) == distinct
    hashes = geometry.hash_code(net, x)
    assert hashes.dtype == torch.int64
    assert torch.equal(hashes[:7], hashes[40:])
    assert len(torch.unique(hashes, dim=0)) == distinct


def test_kinds_and_types_travel(rng):
    net, _ = NETWORKS["dense"]
    x = rng.standard_normal((3, 5)).astype(np.float32)
    tensor = torch.from_numpy(x).requires_grad_()
    for call in (geometry.affine_map, geometry.affine_factors, geometry.boundary_distance):
        ours, theirs = vars(call(net, x)), vars(call(net, tensor))
        for key, value in ours.items():
            assert isinstance(value, np.ndarray)
            assert isinstance(theirs[key], torch.Tensor)
            assert not theirs[key].requires_grad
            np.testing.assert_array_equal(value, theirs[key])
    assert geometry.affine_map(net, x).slope.dtype == np.float64
