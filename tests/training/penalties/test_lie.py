"""Closed forms, sampling and neighbours of the symmetry penalties."""

import math

import numpy as np
import pytest
import torch
from helpers import unchecked
from torch import nn

from isthmus.core import DataError, ValueOutOfRange
from isthmus.geometry import affine_map, exit_time, region_code
from isthmus.models import ConvolutionalAutoencoder, DenseAutoencoder
from isthmus.training.penalties import (
    Generators,
    Lie1,
    Lie2,
    OrbitAugmentation,
    PenaltySum,
    lie_second,
    principal_angles,
    sparsity,
)
from isthmus.training.penalties.amounts import explained
from isthmus.training.penalties.chains import along, chain_of
from isthmus.training.penalties.generators import training_memory
from isthmus.training.penalties.neighbours import across, bisected, pattern
from isthmus.training.penalties.products import gram, quadratic_form, row_norms
from isthmus.training.penalties.sampling import mixed_codes, nearby
from isthmus.training.penalties.slopes import push, unit_columns

TURN = np.array([[[0.0, -1.0], [1.0, 0.0]]])
KINDS = ("full", "skew", "low-rank", "skew-low-rank")


def drawn(*shape, seed=0):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed)).double()


def generators(kind, d=6, k=3, **options):
    return Generators(d, k, kind=kind, rank=2, rng=1, **options).double()


@pytest.mark.parametrize("kind", KINDS)
def test_generators_do_what_their_matrices_say(kind):
    group, v, a = generators(kind), drawn(5, 6), drawn(5, 3, seed=1)
    matrices = group.matrices()
    assert matrices.shape == (3, 6, 6)
    fields = torch.einsum("kij,bj->bki", matrices, v)
    torch.testing.assert_close(group.apply(v), fields)
    torch.testing.assert_close(group.combined(v, a), torch.einsum("bki,bk->bi", fields, a))
    torch.testing.assert_close(group.norms(), matrices.flatten(1).norm(dim=1))
    if "skew" in kind:
        torch.testing.assert_close(matrices, -matrices.transpose(1, 2))
    if "rank" in kind:
        most = 4 if "skew" in kind else 2
        assert torch.linalg.matrix_rank(matrices[0].detach()) == most
    assert {id(p) for p in group.parameters()} == {
        id(p) for p in group.float().parameters()
    }


@pytest.mark.parametrize("kind", KINDS)
def test_generators_start_small_and_from_their_seed(kind):
    d = 40
    group = Generators(d, 30, kind=kind, rank=10, rng=3)
    entries = group.matrices().detach()
    off = entries[:, ~torch.eye(d, dtype=torch.bool)]
    # 30 * 1560 entries; those of a product of two normals vary most: 5 standard errors.
    assert float(off.square().mean()) == pytest.approx(0.01 / d, rel=0.1)
    same, other = (Generators(d, 30, kind=kind, rank=10, rng=seed) for seed in (3, 4))
    assert torch.equal(same.matrices(), group.matrices())
    assert not torch.equal(other.matrices(), group.matrices())


def test_transport_approaches_the_exponential():
    turn = Generators(2, 1, matrices=TURN).double()
    x, angle = drawn(4, 2), torch.full((4, 1), 0.7, dtype=torch.float64)
    exact = x @ torch.linalg.matrix_exp(0.7 * torch.tensor(TURN[0])).T
    errors = [
        float((turn.transport(x, angle, n_steps=n) - exact).norm()) for n in (50, 100)
    ]
    assert errors[1] == pytest.approx(errors[0] / 2, rel=0.02)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("columns", [1, 4])
def test_amounts_are_those_of_least_squares(kind, columns):
    group = generators(kind)
    sides = drawn(10, columns, 6)
    found = explained(group, sides)
    first, point = sides.chunk(2)
    for b in range(5):
        fields = torch.einsum("kij,cj->kci", group.matrices(), point[b]).flatten(1).T
        step = (first[b] - point[b]).flatten()
        plain = torch.linalg.lstsq(fields, step[:, None]).solution[:, 0]
        least = (step - fields @ plain).square().sum()
        delta = 1e-6 * fields.square().sum() / 3 + 1e-12
        ridge = torch.cat([fields, delta.sqrt() * torch.eye(3, dtype=fields.dtype)])
        wanted = torch.cat([step, step.new_zeros(3)])[:, None]
        amounts = torch.linalg.lstsq(ridge, wanted).solution[:, 0]
        torch.testing.assert_close(found.amounts[b], amounts, rtol=1e-6, atol=1e-9)
        excess = found.residual[b] - least
        assert -1e-9 * least <= excess <= delta * plain.square().sum()
        torch.testing.assert_close(
            found.ridge[b], (delta * amounts.square().sum()).detach()
        )
        torch.testing.assert_close(found.squared[b], step.square().sum())


@pytest.mark.parametrize("kind", KINDS)
def test_detached_amounts_leave_the_gradient_as_it_is(kind):
    group, sides = generators(kind), drawn(10, 2, 6).requires_grad_()
    parameters = [sides, *group.parameters()]
    found = explained(group, sides)
    got = torch.autograd.grad(found.residual.sum(), parameters)
    first, point = sides.chunk(2)
    fields = torch.einsum("kij,bcj->bkci", group.matrices(), point).flatten(2)
    step = (first - point).flatten(1)
    normal = fields @ fields.transpose(1, 2)
    trace = normal.diagonal(dim1=1, dim2=2).sum(dim=1)
    delta = (1e-6 * trace / 3 + 1e-12).detach()
    whole = normal + delta[:, None, None] * torch.eye(3, dtype=torch.float64)
    amounts = torch.linalg.solve(whole, (fields @ step[..., None]))[..., 0]
    left = step - (amounts[:, None] @ fields)[:, 0]
    objective = left.square().sum(dim=1) + delta * amounts.square().sum(dim=1)
    through_the_solve = torch.autograd.grad(objective.sum(), parameters)
    for a, b in zip(got, through_the_solve, strict=True):
        torch.testing.assert_close(a, b, rtol=1e-9, atol=1e-10)


def test_relative_terms_hold_the_denominator():
    group, sides = generators("full"), drawn(8, 1, 6).requires_grad_()
    found = explained(group, sides)
    got = torch.autograd.grad(found.term(relative=True, size=6), sides)[0]
    again = explained(group, sides)
    by_hand = (again.residual / again.squared).mean()
    torch.testing.assert_close(got, torch.autograd.grad(by_hand, sides)[0])
    still = torch.cat([drawn(4, 1, 6)] * 2).requires_grad_()
    term = explained(group, still).term(relative=True, size=6)
    assert term.item() == 0.0
    assert bool(torch.autograd.grad(term, still)[0].isfinite().all())


def test_dependent_generators_have_finite_amounts():
    twice = np.stack([TURN[0], 2.0 * TURN[0], np.zeros((2, 2))])
    for group in (Generators(2, 3, matrices=twice), Generators(2, 3, matrices=0 * twice)):
        sides = drawn(8, 1, 2).float()
        found = explained(group, sides)
        assert bool(found.amounts.isfinite().all())
        assert bool((found.residual <= found.squared * (1 + 1e-5)).all())


class Orbit(nn.Module):
    """Angles to a circle through x0: the decoder that a rotation explains."""

    def forward(self, z):
        return torch.cat([z.cos() - 2.0 * z.sin(), z.sin() + 2.0 * z.cos()], dim=1)


@pytest.mark.parametrize("angle", [0.05, 0.1, 0.3])
def test_an_orbit_keeps_a_quarter_of_the_squared_angle(angle):
    z = torch.linspace(0.0, 6.0, 9, dtype=torch.float64)[:, None]
    sides = Orbit()(torch.cat([z + angle, z]))[:, None]
    found = explained(Generators(2, 1, matrices=TURN).double(), sides)
    share = found.residual / found.squared
    exact = torch.full_like(share, (1.0 - math.cos(angle)) / 2.0)
    torch.testing.assert_close(share, exact, rtol=1e-6, atol=1e-9)
    assert float(share[0]) == pytest.approx(angle**2 / 4, rel=0.01)
    torch.testing.assert_close(
        found.amounts[:, 0], torch.full_like(share, math.sin(angle)), rtol=1e-5, atol=0.0
    )


def test_relative_residual_of_an_orbit_and_of_no_orbit():
    net = nn.Module()
    net.encoder, net.decoder = nn.Identity(), Orbit()
    codes = torch.linspace(0.0, 4.0, 400, dtype=torch.float64)[:, None]
    known = Lie1(1.0, Generators(2, 1, matrices=TURN).double(), radius=0.02)
    torch.manual_seed(0)
    found = known.relative_residual(net, codes)
    # Angles a are Gaussian of deviation 0.02 * 4; sums of (1 - cos a)^2 over 2 (1 - cos a).
    expected = 3.0 * 0.08**2 / 4.0
    assert found == pytest.approx(expected, rel=0.35)
    scaling = Lie1(1.0, Generators(2, 1, matrices=np.eye(2)[None]).double(), radius=0.02)
    assert scaling.relative_residual(net, codes) > 0.99


def test_mixed_codes_lie_between_neighbours_and_a_tenth_beyond():
    codes = torch.tensor([[0.0], [1.0], [2.0], [10.0], [11.0], [12.0], [13.0]]).double()
    torch.manual_seed(0)
    z = mixed_codes(codes, 4000)
    assert -1.0 <= z.min() < -0.2  # 0 has neighbours 1, 2 and 10
    assert 13.2 < z.max() <= 13.3
    gap = ((z > 2.2) & (z < 9.0)).double().mean()
    # Three of seven codes have one of three neighbours across: 1/7 of 0.5 to 0.8.
    assert 0.0 < gap < 0.15
    assert mixed_codes(codes).shape == codes.shape
    assert torch.equal(mixed_codes(codes[:1], 3), codes[:1].expand(3, 1))
    spread = nearby(torch.zeros(20000, 1).double(), codes, 0.1).std()
    assert float(spread) == pytest.approx(1.3, rel=5 / math.sqrt(2 * 20000))


DECODERS = {
    name: DenseAutoencoder(5, 3, hidden_layer_sizes=(9, 8), activation=name, rng=2)
    .double()
    .decoder
    for name in ("relu", "leaky-relu", "prelu", "hardtanh")
}
DECODERS["tied"] = (
    DenseAutoencoder(5, 3, hidden_layer_sizes=(9, 8), tied=True, rng=2).double().decoder
)
DECODERS["images"] = (
    ConvolutionalAutoencoder((4, 4), 3, channels=(3, 3), rng=2).double().decoder
)


def slopes_of(sides, z):
    flat = push(sides, unit_columns((3,), z)).flatten(2).transpose(1, 2)
    return flat.detach().chunk(2)


@pytest.mark.parametrize("name", sorted(DECODERS))
def test_exact_neighbours_are_the_regions_that_geometry_finds(name):
    decoder = DECODERS[name]
    layers, z, u = chain_of(decoder), drawn(30, 3), drawn(30, 3, seed=1)
    here, beyond = slopes_of(across(layers, z, u), z)
    plain = nn.Sequential(*[getattr(m, "plain", lambda m=m: m)() for m in decoder])
    ahead = exit_time(plain, z, u)
    back = exit_time(plain, z, -u)
    met = torch.isfinite(ahead.time)
    expected = torch.where(met[:, None], ahead.neighbour, back.neighbour)
    some = met | torch.isfinite(back.time)
    assert some.double().mean() > 0.9
    torch.testing.assert_close(here, affine_map(plain, z).slope, rtol=0, atol=1e-10)
    slope = affine_map(plain, expected[some]).slope
    torch.testing.assert_close(beyond[some], slope, rtol=0, atol=1e-10)
    flips = region_code(plain, z[some]) != region_code(plain, expected[some])
    assert bool((flips.sum(dim=1) == 1).all())
    values = torch.linalg.svdvals(here - beyond)
    scale = torch.linalg.matrix_norm(here)
    assert bool((values[:, 1] <= 1e-10 * torch.maximum(values[:, 0], scale)).all())
    assert float(values[:, 0].max()) > 1e-3


@pytest.mark.parametrize("name", ["relu", "hardtanh"])
def test_halving_ends_next_door(name):
    decoder = DECODERS[name]
    layers, z, u = chain_of(decoder), drawn(30, 3), drawn(30, 3, seed=1)
    here, beyond = slopes_of(bisected(layers, z, 0.05 * u), z)
    jump = torch.linalg.svdvals(here - beyond)
    assert bool((jump[:, 1] <= 1e-10 * torch.linalg.matrix_norm(here)).all())
    assert float((jump[:, 0] > 1e-6).double().mean()) > 0.5
    if name == "relu":
        torch.testing.assert_close(pattern(layers, z), region_code(decoder, z))


def test_affine_decoders_have_no_neighbours_and_no_penalty():
    net = DenseAutoencoder(4, 2, hidden_layer_sizes=(), rng=0).double()
    x = drawn(8, 4)
    codes = net.encoder(x)
    for neighbours in ("far", "exact", "dichotomic"):
        lie = Lie2(1.0, generators("full", 4, 2), neighbours=neighbours)
        term = lie(net, x, codes, net(x))
        assert term.item() == 0.0
        assert lie.relative_residual(net, codes) == 0.0


@pytest.mark.parametrize("neighbours", ["far", "exact"])
@pytest.mark.parametrize("relative", [False, True])
def test_products_of_the_last_layer_stand_for_slopes(monkeypatch, neighbours, relative):
    net = DenseAutoencoder(40, 3, hidden_layer_sizes=(9, 8), rng=0).double()
    lie = Lie2(1.0, generators("low-rank", 40), neighbours=neighbours, relative=relative)
    parameters = [*net.decoder.parameters(), *lie.parameters()]
    x = drawn(64, 40)
    codes, answers = net.encoder(x), []
    for cheaper in (True, False):
        monkeypatch.setattr(lie_second, "_products_are_cheaper", lambda *_, c=cheaper: c)
        torch.manual_seed(0)
        term = lie(net, x, codes, net(x))
        grads = torch.autograd.grad(term, parameters, allow_unused=True)
        answers.append([term, *(g for g in grads if g is not None)])
    for a, b in zip(*answers, strict=True):
        torch.testing.assert_close(a, b, rtol=1e-8, atol=1e-13)


def test_products_are_what_they_stand_for():
    w, r = drawn(3, 50).requires_grad_(), drawn(40, 2, 3).requires_grad_()
    plain = (r @ w).square().sum(dim=2)
    got, wanted = row_norms(r, w), torch.autograd.grad(plain.sum(), [w, r])
    assert 3 * 80 * 50 > 2 * 3 * 130  # the cheaper way is the form
    torch.testing.assert_close(got, plain)
    found = torch.autograd.grad(got.sum(), [w, r])
    for a, b in zip(found, wanted, strict=True):
        torch.testing.assert_close(a, b)
    assert torch.autograd.gradcheck(gram, w)
    square = drawn(3, 3)
    square = (square + square.T).requires_grad_()
    assert torch.autograd.gradcheck(
        lambda r, s: quadratic_form(r, 0.5 * (s + s.T)), (r.flatten(0, 1), square)
    )


def test_decoders_of_other_layers_have_far_neighbours_only():
    net = DenseAutoencoder(4, 2, hidden_layer_sizes=(6,), activation="tanh", rng=0)
    x = drawn(8, 4).float()
    given = net, x, net.encoder(x), net(x)
    assert Lie2(1.0, Generators(4, 2, rng=0))(*given) > 0
    with pytest.raises(ValueOutOfRange, match="'exact' and Tanh"):
        Lie2(1.0, Generators(4, 2, rng=0), neighbours="exact")(*given)


def test_known_generators_are_found_by_angle():
    rng = np.random.default_rng(0)
    known = np.zeros((1, 6, 6))
    known[0, :2, :2] = TURN[0]
    rows = np.concatenate([rng.standard_normal((20, 2)), np.zeros((20, 4))], axis=1)
    elsewhere = rng.standard_normal((6, 6))
    elsewhere[:2, :2] = 0.0
    found = 3.0 * known + elsewhere
    assert principal_angles(found, known, data=rows) == pytest.approx(0.0, abs=1e-9)
    assert principal_angles(found, known)[0] > 0.5
    mixed = np.stack([known[0] + 0.2 * np.eye(6), known[0] - np.eye(6)])
    assert principal_angles(mixed, known) == pytest.approx(0.0, abs=1e-9)
    tilt = np.cos(0.3) * known / np.sqrt(2) + np.sin(0.3) * np.eye(6) / np.sqrt(6)
    assert principal_angles(tilt, known) == pytest.approx(0.3)
    group = Generators(6, 1, matrices=known)
    assert principal_angles(group, torch.tensor(known)) == pytest.approx(0.0, abs=1e-9)


def test_sparsity_counts_amounts_in_the_generators_own_size():
    group = Generators(2, 2, matrices=np.stack([TURN[0], 100.0 * TURN[0]]))
    assert sparsity(torch.tensor([[1.0, 0.01]]), group) == 0.0
    assert sparsity(torch.tensor([[1.0, 1.0]]), group) == 0.5


def test_memory_of_generators_is_told_and_refused(monkeypatch):
    assert training_memory(784, 10, kind="full") == 5 * 4 * 10 * 784**2
    assert Generators(600, 2).kind == "low-rank"
    assert Generators(511, 1).kind == "full"
    monkeypatch.setattr("isthmus.core.memory.available_memory", lambda: 10**6)
    with pytest.raises(ValueOutOfRange, match="0.1 GB.*kind='low-rank'"):
        Generators(784, 10, kind="full")
    Generators(784, 2, rank=2)


NET = DenseAutoencoder(6, 2, hidden_layer_sizes=(4,), rng=0)
GROUP = Generators(6, 1, rng=0)


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: Lie1(-1.0, GROUP), "zero or positive"),
        (lambda: Lie1(float("nan"), GROUP), "zero or positive"),
        (lambda: Lie2(1.0, GROUP, radius=0.0), "radius=...\\)` must be positive"),
        (lambda: Lie2(1.0, GROUP, neighbours="near"), "far, exact, dichotomic"),
        (lambda: Lie1(1.0, GROUP, n_pairs=0), "n_pairs"),
        (lambda: OrbitAugmentation(1.0, GROUP, amount=-1.0), "amount"),
        (lambda: unchecked(Lie1.__init__)(Lie1.__new__(Lie1), 1.0, None), "Generators"),
        (lambda: PenaltySum(), "at least one"),
        (lambda: Generators(6, 0), "n_generators"),
        (lambda: Generators(6, 1, kind="diagonal"), "auto, full, skew, low-rank"),
        (lambda: Generators(6, 1, rank=0), "rank"),
        (lambda: Generators(2, 2, matrices=TURN), "got \\(1, 2, 2\\)"),
        (lambda: Generators(2, 1, matrices=TURN[0]), "G\\[None\\]"),
        (lambda: principal_angles(TURN, np.eye(3)[None]), "2; got 3"),
        (lambda: principal_angles(TURN[0], TURN), "G\\[None\\]"),
        (lambda: principal_angles(TURN, TURN, data=np.ones((3, 3))), "2 columns"),
        (lambda: sparsity([[1.0, 2.0]], GROUP), "\\(pair, 1\\)"),
    ],
)
def test_arguments_outside_their_domain(make, words):
    with pytest.raises(ValueOutOfRange, match=words):
        make()


def test_numbers_that_are_not_finite():
    with pytest.raises(DataError, match="NaN or infinity"):
        Generators(2, 1, matrices=TURN * np.nan)
    with pytest.raises(DataError, match="NaN or infinity"):
        principal_angles(np.full((1, 2, 2), np.inf), TURN)
    with pytest.raises(DataError, match="vanish"):
        principal_angles(0.0 * TURN, TURN)


@pytest.mark.parametrize("make", [Lie1, Lie2, OrbitAugmentation])
def test_generators_of_another_width_are_refused_before_anything_is_done(make):
    x = drawn(8, 6).float()
    with pytest.raises(
        ValueOutOfRange, match="generators of 5 met rows of shape \\(8, 6\\)"
    ):
        make(1.0, Generators(5, 2, rng=0))(NET, x, NET.encoder(x), NET(x))


def test_along_takes_a_chain_without_kinks():
    layers = chain_of(nn.Sequential(nn.Linear(2, 3)))
    assert along(layers, drawn(4, 2).float()).slopes == (None,)
