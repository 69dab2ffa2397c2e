import dataclasses

import numpy as np
import pytest
from helpers import unchecked

from isthmus.core.errors import DataError, SearchWarning, ValueOutOfRange
from isthmus.data.manifolds import named_manifold
from isthmus.topology import certificate
from isthmus.topology.fold_measures import (
    bad_components,
    collision_bound,
    error_curve,
    required_lipschitz,
)
from isthmus.topology.folds import fold_report

torch = pytest.importorskip("torch")

from topology.networks import autoencoder, lipschitz, trained  # noqa: E402


def circle(n, rng):
    angle = rng.uniform(0, 2 * np.pi, n)
    return np.column_stack([np.cos(angle), np.sin(angle)])


def chart(width):
    """The chart autoencoder of the circle: exact but within `width` of the angle pi."""

    def encode(x):
        angle = np.arctan2(x[:, 1], x[:, 0])
        return (np.clip((np.pi - np.abs(angle)) / width, 0, 1) * angle)[:, None]

    def decode(z):
        return np.column_stack([np.cos(z[:, 0]), np.sin(z[:, 0])])

    return encode, decode


@dataclasses.dataclass
class Bound:
    bound: float
    n_code: int = 1
    birth: float = 0.0
    kind: str = "alpha"


@pytest.fixture(scope="module")
def net():
    x = circle(500, np.random.default_rng(0))
    return x, trained(x, 1)


def test_the_tear_of_a_chart_is_found(rng):
    # The collar is a thirtieth of the mean distance of samples: training would miss it.
    x = circle(400, rng)
    width = 0.0005
    x = x[np.abs(np.arctan2(x[:, 1], x[:, 0])) < np.pi - width]
    report = fold_report(chart(width), x)
    # On the chord the point is not quite on the circle.
    assert report.max_error == pytest.approx(2.0, abs=1e-3)
    assert report.max_at_samples < 1e-12
    np.testing.assert_allclose(report.location, [-1.0, 0.0], atol=0.03)
    assert len(report.components) == 1
    # The image runs once around within the two collars.
    assert report.lipschitz > 100
    assert report.weights @ x[list(report.vertices)] == pytest.approx(report.location)


@pytest.mark.slow
def test_trained_network_is_caught_where_its_loss_is_small(net):
    x, pair = net
    report = fold_report(pair, x)
    assert report.median < 0.05
    assert report.max_error > 1.0
    fine = np.linspace(0, 2 * np.pi, 200_001)
    grid = np.column_stack([np.cos(fine), np.sin(fine)])
    back = pair[1](pair[0](torch.as_tensor(grid, dtype=torch.float32))).detach().numpy()
    # Chords of a sample of 500 lie up to (2 pi ln(500) / 500)^2 / 8 within the circle.
    there = np.linalg.norm(back - grid, axis=1).max()
    assert report.max_error > there - 0.02
    assert report.lipschitz <= report.lipschitz_bound
    assert report.lipschitz_bound == pytest.approx(lipschitz(pair), rel=1e-6)


@pytest.mark.slow
def test_forms_of_one_autoencoder_agree(rng):
    x, (encoder, decoder) = circle(40, rng), autoencoder(2, 1, width=8)
    whole = torch.nn.Sequential(encoder, decoder)

    def plain(rows):
        return whole(torch.as_tensor(rows, dtype=torch.float32)).detach().numpy()

    class Estimator:
        def transform(self, rows):
            return encoder(torch.as_tensor(rows, dtype=torch.float32)).detach().numpy()

        def inverse_transform(self, codes):
            return decoder(torch.as_tensor(codes)).detach().numpy()

    first = fold_report((encoder, decoder), x)
    for other in (Estimator(), whole, plain):
        report = fold_report(other, x)
        assert report.max_error == pytest.approx(first.max_error, rel=0.01)
    assert fold_report(whole, x, encode=encoder).max_error == first.max_error


def test_below_a_certificate_is_told(rng):
    x = circle(100, rng)
    with pytest.warns(SearchWarning, match="below 0.9"):
        report = fold_report(lambda rows: rows, x, certificate=Bound(0.9))
    assert report.found is False
    report = fold_report(chart(0.3), x, certificate=Bound(0.9))
    assert report.found is True
    assert report.epsilon == 0.45


def test_curve_and_its_bound_hold(rng):
    error = rng.exponential(size=200)
    curve = error_curve(error)
    assert curve.epsilon[-1] == error.max()
    assert curve.share[-1] == 0
    assert curve.upper[-1] == pytest.approx(1 - 0.05 ** (1 / 200), rel=1e-12)
    assert np.all(np.diff(curve.share) <= 0)
    # Coverage at one threshold: 400 draws of 50 rows, at least 95 % less 3 errors.
    inside = 0
    for _ in range(400):
        above = rng.random(50) < 0.1
        drawn = np.where(above, 2.0, 0.5)
        curve = error_curve(drawn)
        at = np.searchsorted(curve.epsilon, min(0.5 + 1e-12, drawn.max()))
        inside += curve.upper[at] >= 0.1
    assert inside / 400 > 0.95 - 3 * np.sqrt(0.05 * 0.95 / 400)
    nothing = error_curve(np.zeros(20))
    assert nothing.share.tolist() == [0.0]
    assert nothing.upper[0] == pytest.approx(1 - 0.05 ** (1 / 20))


def test_parts_of_the_bad_set():
    ring = np.array([(i, (i + 1) % 10) for i in range(10)])
    ring.sort(axis=1)
    bad = np.zeros(10, dtype=bool)
    assert bad_components(ring, bad, 10) == ()
    bad[[0, 1, 5]] = True
    assert bad_components(ring, bad, 10) == (3, 2)


def test_required_lipschitz_is_obeyed_by_charts():
    # A chart's error is above eps on a share of the circle that grows with its width;
    # none may be flatter than what its own share requires.
    angle = np.arange(2000) * (np.pi / 1000) + 1e-4
    x = np.column_stack([np.cos(angle), np.sin(angle)])
    half = np.pi / 2000
    for width in (0.02, 0.05, 0.2, 0.4):
        encode, decode = chart(width)
        error = np.linalg.norm(decode(encode(x)) - x, axis=1)
        steep = np.pi / width + 1  # slope of angle * clip(...) at pi, as an arc
        for row in required_lipschitz(x, 1.0 - half, half):
            if np.mean(error > row.epsilon) <= row.delta:
                assert row.lipschitz <= steep
    # 20 rows on either side: 2 (B - eps) / (delta 2 pi) - 1 in the limit.
    row = required_lipschitz(x, 1.0, 0.0)[0]
    assert row.delta == 0.05
    assert row.lipschitz == pytest.approx(2 * 0.5 / (0.05 * 2 * np.pi) - 1, rel=0.01)
    assert required_lipschitz(x, 0.0, 0.0) == ()


def test_collisions_force_errors(rng):
    # A decoder z -> z e_1 is 1-Lipschitz; the error of one of the pair is at least that.
    x = circle(300, rng)
    bound, (i, j) = collision_bound(x, x[:, :1], 1.0)
    error = np.abs(x[:, 1])
    assert 0.9 < bound <= max(error[i], error[j])
    assert collision_bound(x, 10 * x, 1.0)[0] == 0.0
    report = fold_report((lambda r: r[:, :1], lambda z: np.hstack([z, 0 * z])), x)
    assert report.collision_bound is None
    report = fold_report(
        (lambda r: r[:, :1], lambda z: np.hstack([z, 0 * z])), x, decoder_lipschitz=1.0
    )
    assert report.collision_bound == pytest.approx(bound)


@pytest.mark.parametrize(
    ("autoencode", "words"),
    [
        (lambda x: x[:, :1], "rows of the shape"),
        (lambda x: np.full_like(x, np.nan), "finite numbers"),
        (3, "must be a callable"),
        ((1, 2), "must be a callable"),
    ],
)
def test_what_is_no_autoencoder(autoencode, words, rng):
    with pytest.raises(ValueOutOfRange, match=words):
        fold_report(autoencode, circle(20, rng))


def halved_in_place(x):
    x *= 0.5
    return x


def test_what_it_does_to_its_input_does_no_harm(rng):
    x = circle(40, rng)
    kept = x.copy()
    expected = fold_report(lambda rows: 0.5 * rows, x)
    assert expected.max_error == pytest.approx(0.5, rel=1e-12)
    for each in (halved_in_place, (halved_in_place, lambda codes: codes)):
        report = fold_report(each, x)
        assert (report.max_error, report.median) == (expected.max_error, expected.median)
    np.testing.assert_array_equal(x, kept)
    # A double tensor shares its memory with the rows that it was made of.
    layers = torch.nn.ReLU(inplace=True), torch.nn.Linear(2, 2).double()
    first = fold_report(torch.nn.Sequential(*layers), x)
    second = fold_report(torch.nn.Sequential(torch.nn.ReLU(), layers[1]), x)
    assert first.max_error == second.max_error


def test_modes_of_layers_are_put_back(rng):
    network = torch.nn.Sequential(
        torch.nn.Linear(2, 8),
        torch.nn.BatchNorm1d(8),
        torch.nn.Dropout(0.5),
        torch.nn.Linear(8, 2),
    ).train()
    network[1].eval()
    average = network[1].running_mean.clone()
    x = circle(30, rng)
    report = fold_report(network, x)
    assert [part.training for part in network] == [True, False, True, True]
    assert network.training
    assert torch.equal(network[1].running_mean, average)
    assert report.max_error == fold_report(network.eval(), x).max_error


class TwoAnswers(torch.nn.Module):
    def forward(self, x):
        return x, x


@pytest.mark.parametrize(
    ("autoencode", "encode", "words"),
    [
        (TwoAnswers(), None, "one tensor; got tuple"),
        (torch.nn.Linear, None, "must be a callable"),
        (lambda x: "a", None, "real numbers"),
        (lambda x: x + 1j, None, "real numbers"),
        (lambda x: x, lambda x: x[:5], "one code for each of 30 rows"),
        (lambda x: x, lambda x: np.nan * x, "finite numbers"),
        ((lambda x: x[:5], lambda z: np.zeros((30, 2))), None, "one code for each"),
    ],
)
def test_answers_that_cannot_be_used(autoencode, encode, words, rng):
    with pytest.raises(ValueOutOfRange, match=words):
        fold_report(autoencode, circle(30, rng), encode=encode)


def test_codes_and_answers_of_other_kinds(rng):
    x = circle(30, rng)
    flat = fold_report((lambda r: r[:, 0], lambda z: np.column_stack([z, 0 * z])), x)
    tall = fold_report((lambda r: r[:, :1], lambda z: np.hstack([z, 0 * z])), x)
    assert flat.max_error == tall.max_error
    layer = torch.nn.Linear(2, 2)
    graph = fold_report(lambda r: layer(torch.as_tensor(r, dtype=torch.float32)), x)
    assert graph.max_error == pytest.approx(fold_report(layer, x).max_error, rel=1e-6)
    assert fold_report(layer.bfloat16(), x).lipschitz_bound > 0.0


@pytest.mark.parametrize("kind", [torch.float64, torch.float32, torch.bfloat16])
@pytest.mark.parametrize("offset", [0.0, 30.0, 1e6])
def test_rounding_is_not_taken_for_steepness(kind, offset, rng):
    layer = torch.nn.Linear(2, 2).to(kind)
    with torch.no_grad():
        layer.weight.copy_(torch.eye(2))
        layer.bias.zero_()
    report = fold_report(layer, circle(60, rng) + offset)
    assert report.lipschitz <= 1.01 * report.lipschitz_bound
    if kind == torch.float64 and offset == 0.0:
        assert report.lipschitz == pytest.approx(1.0, rel=1e-3)


def test_a_namesake_of_a_layer_is_not_trusted(rng):
    class Softplus(torch.nn.Module):
        def forward(self, x):
            return 100.0 * x

    network = torch.nn.Sequential(Softplus(), torch.nn.Linear(2, 2))
    assert fold_report(network, circle(30, rng)).lipschitz_bound is None


def test_arguments_of_the_hunt(rng):
    x = circle(30, rng)
    for name in ("epsilon", "decoder_lipschitz"):
        for value in (-1.0, np.nan, np.inf):
            with pytest.raises(ValueOutOfRange, match=name):
                fold_report((lambda r: r, lambda z: z), x, **{name: value})
    with pytest.raises(ValueOutOfRange, match="what `certificate"):
        fold_report(lambda r: r, x, certificate=unchecked(float)(0.5))
    with pytest.raises(ValueOutOfRange, match="certificate\\(X, 2\\)"):
        fold_report((lambda r: r, lambda z: z), x, certificate=Bound(0.9))
    assert fold_report(lambda r: r, x, certificate=Bound(0.0)).found is None


def test_rows_that_say_nothing(rng):
    with pytest.raises(DataError, match="10 different rows"):
        fold_report(lambda x: x, np.repeat(circle(5, rng), 9, axis=0))
    with pytest.raises(DataError, match="NaN"):
        fold_report(lambda x: x, np.full((20, 2), np.nan))
    with pytest.raises(DataError, match="rows and columns"):
        fold_report(lambda x: x, np.ones(5))
    x = circle(20, rng)
    twice = fold_report(chart(0.2), np.vstack([x[:1], x, x]))
    assert max(twice.vertices) < 21


def test_whole_numbers_are_rows(rng):
    x = (100 * circle(60, rng)).astype(np.int16)
    assert fold_report(lambda rows: rows, x).max_error == 0.0


def test_each_trained_network_reaches_its_certificate(net):
    x, pair = net
    bound = certificate(x, 1)
    report = fold_report(pair, x, certificate=bound)
    assert bound.p_value < 0.05
    assert report.found
    assert report.max_error >= bound.bound > 0.8
    for row in report.required_lipschitz:
        # None is flatter than its own rarity allows: the theorem, on this network.
        share = np.mean(np.linalg.norm(_back(pair, x) - x, axis=1) > row.epsilon)
        assert share > row.delta or row.lipschitz <= report.lipschitz_bound


@pytest.mark.slow
@pytest.mark.parametrize("name", ["sphere", "torus"])
def test_trained_networks_reach_their_certificates(name):
    x = named_manifold(name).sample(1500, np.random.default_rng(0))
    bound = certificate(x, 2)
    assert bound.bound > 0.5
    report = fold_report(trained(x, 2, width=64, n_steps=3000), x, certificate=bound)
    assert report.median < 0.2
    assert report.found
    # Without its training loss knowing: most samples are answered well.
    assert np.interp(bound.bound, report.curve.epsilon, report.curve.share) < 0.1


def _back(pair, x):
    given = torch.as_tensor(x, dtype=torch.float32)
    return pair[1](pair[0](given)).detach().numpy()
