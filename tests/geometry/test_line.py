import numpy as np
import pytest
from helpers import unchecked
from scipy.integrate import quad

from isthmus.core.errors import DataError, ValueOutOfRange
from isthmus.geometry import line_partition

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

NETWORKS = {
    "relu": randomly(dense([6, 30, 30, 6], 0), 0),
    "leaky": randomly(dense([6, 30, 30, 6], 1, activation=nn.LeakyReLU), 1),
    "prelu": randomly(dense([6, 30, 6], 2, activation=nn.PReLU), 2),
    "hardtanh": randomly(dense([6, 30, 30, 6], 3, activation=nn.Hardtanh), 3),
    "relu6": randomly(dense([6, 30, 6], 4, activation=nn.ReLU6), 4),
    "no biases": randomly(dense([6, 30, 30, 6], 5, bias=False), 5),
    "max-pool": randomly(pooled(0), 0),
    "max-pool of nine": randomly(pooled(1, kernel=3), 1),
}


def ends(network, seed=0):
    n_input = network[-1].out_features
    return np.random.default_rng(seed).standard_normal((2, n_input)) * 3.0


@pytest.mark.parametrize("name", NETWORKS)
def test_pieces_are_the_patterns_of_dense_sampling(name):
    network = NETWORKS[name]
    start, end = ends(network)
    found = line_partition(network, start, end)
    middle = (found.breakpoints[1:] + found.breakpoints[:-1]) / 2
    codes = pattern(network, start + middle[:, None] * (end - start))
    assert len(distinct(codes)) == found.n_regions > 10
    assert (codes[1:] != codes[:-1]).any(axis=1).all()
    t = np.linspace(0.0, 1.0, 20_001)[1:-1, None]
    assert distinct(pattern(network, start + t * (end - start))) <= distinct(codes)


@pytest.mark.parametrize("name", NETWORKS)
def test_every_breakpoint_is_where_the_pattern_changes(name):
    network = NETWORKS[name]
    start, end = ends(network, 1)
    t = line_partition(network, start, end).breakpoints
    gap = 0.5 * np.minimum(np.diff(t)[1:], np.diff(t)[:-1]).clip(max=1e-10)
    before = pattern(network, start + (t[1:-1] - gap)[:, None] * (end - start))
    after = pattern(network, start + (t[1:-1] + gap)[:, None] * (end - start))
    assert (before != after).any(axis=1).all()


@pytest.mark.parametrize("name", NETWORKS)
def test_the_network_is_affine_between_breakpoints(name):
    network = NETWORKS[name]
    start, end = ends(network)
    found = line_partition(network, start, end)
    np.testing.assert_allclose(
        found.values, answers(network, found.inputs), rtol=0, atol=1e-12
    )
    t = np.random.default_rng(0).random(500)
    expected = np.stack(
        [np.interp(t, found.breakpoints, column) for column in found.values.T], axis=1
    )
    true = answers(network, start + t[:, None] * (end - start))
    np.testing.assert_allclose(true, expected, atol=1e-12 * np.abs(true).max())


def test_integrals_agree_with_quadrature():
    network = NETWORKS["relu"]
    start, end = ends(network)
    found = line_partition(network, start, end)

    def point(t):
        return start + t * (end - start)

    def speed(t):
        slope = torch.autograd.functional.jacobian(network, torch.from_numpy(point(t)))
        return float(np.linalg.norm(slope.numpy() @ (end - start)))

    def square(t):
        return float(np.square(answers(network, point(t)[None])[0] - point(t)).sum())

    pieces = list(zip(found.breakpoints[:-1], found.breakpoints[1:], strict=True))
    length = sum(quad(speed, a, b, epsabs=1e-13)[0] for a, b in pieces)
    mean = sum(quad(square, a, b, epsabs=1e-13)[0] for a, b in pieces)
    assert found.arc_length == pytest.approx(length, rel=1e-10)
    assert found.mean_square_error == pytest.approx(mean, rel=1e-10)
    assert found.max_error == pytest.approx(np.sqrt(square(found.worst)), rel=1e-12)
    sampled = max(square(t) for t in np.linspace(0.0, 1.0, 2001))
    assert sampled <= found.max_error**2 * (1 + 1e-12)
    assert found.length == pytest.approx(np.linalg.norm(end - start))


def test_absolute_value_and_both_kinks_of_a_clip():
    found = line_partition(nn.Hardtanh(-1.0, 2.0), [-3.0], [3.0])
    np.testing.assert_allclose(found.breakpoints, [0.0, 1 / 3, 5 / 6, 1.0], atol=1e-15)
    assert found.arc_length == pytest.approx(3.0)
    assert found.max_error == pytest.approx(2.0)
    absolute = line_partition(nn.LeakyReLU(-1.0), [-1.0, 4.0], [3.0, 4.0])
    np.testing.assert_array_equal(absolute.breakpoints, [0.0, 0.25, 1.0])
    assert absolute.arc_length == pytest.approx(4.0)
    assert absolute.mean_square_error == pytest.approx(1.0 / 3.0)


def test_the_envelope_of_a_window_has_all_its_kinks():
    network = nn.Sequential(nn.Linear(1, 5), nn.Unflatten(1, (1, 5)), nn.MaxPool1d(5))
    network = network.double().eval()
    slopes = torch.tensor([-2.0, -1.0, 0.0, 1.0, 2.0]).double()
    with torch.no_grad():
        network[0].weight.copy_(slopes[[3, 1, 4, 0, 2], None])
        network[0].bias.copy_(-slopes.square()[[3, 1, 4, 0, 2]] / 4)
    # tangents of x^2: they meet half-way between the points that they touch
    found = line_partition(network, [-2.0], [2.0])
    np.testing.assert_allclose(
        found.breakpoints, [0.0, 1.25 / 4, 1.75 / 4, 2.25 / 4, 2.75 / 4, 1.0], atol=1e-15
    )


def test_kinks_at_an_end_and_equal_units_count_once():
    network = nn.Sequential(nn.Linear(1, 4), nn.ReLU(), nn.Linear(4, 1)).double().eval()
    with torch.no_grad():
        network[0].weight.copy_(torch.tensor([[1.0], [1.0], [-2.0], [1.0]]))
        network[0].bias.copy_(torch.tensor([0.0, -0.5, 1.0, -1.0]))
    found = line_partition(network, [0.0], [1.0])
    np.testing.assert_array_equal(found.breakpoints, [0.0, 0.5, 1.0])


def test_ties_of_zeros_in_a_pool_are_no_kinks():
    network = nn.Sequential(
        nn.Unflatten(1, (1, 2, 2)), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten()
    ).eval()
    found = line_partition(network, [-3.0, -1.0, -1.0, -2.0], [-1.0, 1.0, -1.0, -2.0])
    np.testing.assert_array_equal(found.breakpoints, [0.0, 0.5, 1.0])


def test_blocks_of_a_long_line_change_nothing(monkeypatch):
    network = NETWORKS["max-pool"]
    whole = line_partition(network, *ends(network))
    monkeypatch.setattr("isthmus.geometry.switch_table.HELD", 2000)
    monkeypatch.setattr("isthmus.geometry.along._BLOCK", 500)
    parts = line_partition(network, *ends(network))
    np.testing.assert_allclose(parts.breakpoints, whole.breakpoints, atol=1e-13)


@pytest.mark.parametrize(
    ("start", "end", "error", "words"),
    [
        ([1.0, 2.0], [1.0, 2.0], ValueOutOfRange, "differ"),
        ([1.0, 2.0], [1.0], ValueOutOfRange, "shape"),
        ([1.0, 2.0, 3.0], [1.0, 0.0, 0.0], ValueOutOfRange, "shape"),
        ([1.0, np.nan], [1.0, 0.0], DataError, "finite"),
        ([1.0, 0.0], [np.inf, 0.0], DataError, "finite"),
        ("somewhere", [1.0, 0.0], ValueOutOfRange, "real numbers"),
        ([], [], ValueOutOfRange, "shape"),
    ],
)
def test_bad_segments_are_refused(start, end, error, words):
    with pytest.raises(error, match=words):
        unchecked(line_partition)(dense([2, 3, 2], 0), start, end)


def test_errors_need_answers_in_the_shape_of_inputs():
    found = line_partition(dense([2, 3, 1], 0), [0.0, 0.0], [1.0, 1.0])
    with pytest.raises(ValueOutOfRange, match="autoencoder"):
        _ = found.max_error
