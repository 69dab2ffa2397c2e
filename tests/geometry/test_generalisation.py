import numpy as np
import pytest
import torch
from geometry.nets import distance_from_path, linear, path, perceptron
from torch.nn import Dropout

from isthmus.core.errors import DataError, ValueOutOfRange
from isthmus.core.protocol import measure_errors
from isthmus.geometry import generalisation
from isthmus.geometry.nearest_code import nearest_codes


def polygon(n):
    angle = 2.0 * np.pi * np.arange(n + 1) / n
    return np.column_stack([np.cos(angle), np.sin(angle)])


def test_linear_decoder_misses_what_its_plane_does(rng):
    x = rng.normal(size=(300, 6)) * np.arange(6.0, 0.0, -1.0) + 1.0
    train, test = x[:200], x[200:]
    mean = train.mean(axis=0)
    axes = np.linalg.svd(train - mean, full_matrices=False)[2][:2]
    residual = (test - mean) - (test - mean) @ axes.T @ axes
    mixed = axes.T @ np.array([[2.0, 1.0], [0.0, 0.5]])  # any basis of that plane
    found = generalisation(perceptron(6, 9, 2), linear(mixed, mean), train, test)
    np.testing.assert_allclose(
        found.row_manifold_gap, (residual**2).sum(axis=1), rtol=1e-10
    )
    spread = ((test - mean) ** 2).sum()
    assert found.manifold_gap.value == pytest.approx(
        (residual**2).sum() / spread, rel=1e-10
    )
    assert found.encoder_gap.value > 0.01


def test_best_encoder_of_a_linear_decoder_has_no_gap(rng):
    x, decoder = rng.normal(size=(120, 5)), rng.normal(size=(5, 2))
    offset = rng.normal(size=5)
    inverse = np.linalg.pinv(decoder)
    best = linear(inverse, -inverse @ offset)
    found = generalisation(best, linear(decoder, offset), x[:60], x[60:])
    assert found.encoder_gap.value == pytest.approx(0.0, abs=1e-12)
    assert found.encoder_gap.standard_error < 1e-12
    assert found.manifold_gap.value == pytest.approx(found.test_error.value)


@pytest.mark.parametrize("n", [5, 24])
def test_distance_from_a_polygon_is_exact(rng, n):
    corners = polygon(n)
    angle = rng.uniform(0.0, 2.0 * np.pi, 400)
    radius = rng.uniform(0.3, 1.7, 400)[:, None]
    x = radius * np.column_stack([np.cos(angle), np.sin(angle)])
    train = 0.5 * (corners[:-1] + corners[1:])
    found = generalisation(AngleOf(n), path(corners), train, x, n_starts=2)
    # Straight ends of the decoder reach beyond the polygon, where no start is near.
    least, polygonal = (distance_from_path(corners, x, ends=ends) for ends in (True, False))
    assert (found.row_manifold_gap >= least**2 - 1e-12).all()
    assert (np.sqrt(found.row_manifold_gap) <= polygonal + 1e-4).all()
    assert found.encoder_gap.value > 0.001


class AngleOf(torch.nn.Module):
    """The angle of a point of the plane, over that of one side, and a bit more."""

    def __init__(self, n):
        super().__init__()
        self.n = n

    def forward(self, x):
        turns = torch.atan2(x[:, 1:], x[:, :1]) / (2.0 * torch.pi)
        return turns % 1.0 * self.n + 0.3


@pytest.mark.parametrize(("n_code", "n_input"), [(1, 3), (2, 6)])
def test_a_dense_grid_finds_hardly_better_codes(rng, n_code, n_input):
    decoder = perceptron(n_code, 16, 16, n_input, seed=3)
    line = np.linspace(-4.0, 4.0, 8001 if n_code == 1 else 401)
    grid = np.stack(np.meshgrid(*[line] * n_code), axis=-1).reshape(-1, n_code)
    true = torch.from_numpy(rng.uniform(-2.0, 2.0, (60, n_code)))
    starts = torch.from_numpy(rng.uniform(-3.0, 3.0, (8, 60, n_code)))
    with torch.no_grad():
        x = decoder(true)
        x = x + 0.2 * x.std() * torch.from_numpy(rng.normal(size=(60, n_input)))
        surface = decoder(torch.from_numpy(grid))
        least = torch.cdist(x, surface).amin(dim=1) ** 2
        _, found = nearest_codes(tuple(decoder), x, starts, 30)
    # The search is off the grid and may win; a valley where no start lies is overlooked.
    assert (found <= 1.001 * least + 1e-6).double().mean() > 0.8
    assert found.mean() < 1.1 * least.mean()
    assert (found >= 0.99 * least - 1e-3).all()


@pytest.mark.parametrize("activation", [torch.nn.ReLU, torch.nn.Tanh])
def test_parts_add_up_and_are_never_negative(rng, activation):
    x = rng.normal(size=(150, 4))
    pair = (
        perceptron(4, 12, 2, seed=1, activation=activation),
        perceptron(2, 12, 4, seed=2, activation=activation),
    )
    found = generalisation(*pair, x[:100], x[100:])
    with torch.no_grad():
        rows = torch.from_numpy(x)
        error = (pair[1](pair[0](rows)) - rows).square().sum(dim=1).numpy()
        every = torch.cdist(rows[100:], pair[1](pair[0](rows[:100]))).square()
        reached = (pair[1](torch.from_numpy(found.codes)) - rows[100:]).square().sum(dim=1)
    np.testing.assert_allclose(found.row_error, error[100:])
    np.testing.assert_allclose(reached.numpy(), found.row_manifold_gap, rtol=1e-9)
    assert (found.row_manifold_gap <= found.row_error).all()
    assert (found.row_manifold_gap <= every.amin(dim=1).numpy() + 1e-9).all()
    assert found.encoder_gap.value > 0.01
    assert found.test_error.value == pytest.approx(
        found.manifold_gap.value + found.encoder_gap.value
    )
    energy = ((x - x[:100].mean(axis=0)) ** 2).sum(axis=1)
    for part, rows, kept in (
        ("train_error", error, slice(100)),
        ("test_error", error, slice(100, None)),
    ):
        expected = measure_errors(rows[kept], energy[kept])
        assert getattr(found, part).value == pytest.approx(expected.value)
        assert getattr(found, part).standard_error == pytest.approx(expected.standard_error)
    assert (found.regions is None) == (activation is torch.nn.Tanh)
    assert (found.no_regions is None) == (activation is torch.nn.ReLU)


def test_smooth_decoder_of_a_circle():
    class Circle(torch.nn.Module):
        def forward(self, z):
            return torch.cat([torch.cos(z), torch.sin(z)], dim=1)

    angle = np.linspace(0.0, 6.0, 40)
    train = np.column_stack([np.cos(angle), np.sin(angle)])
    radius = np.linspace(0.5, 1.5, 30)
    test = radius[:, None] * np.column_stack([np.cos(angle[:30]), np.sin(angle[:30])])
    found = generalisation(linear([[1.0, 0.5]]), Circle(), train, test)
    np.testing.assert_allclose(found.row_manifold_gap, (radius - 1.0) ** 2, atol=1e-6)
    assert found.regions is None
    assert "generalisation" in found.no_regions


def test_shares_of_regions_of_a_network_made_by_hand():
    # One unit of the encoder is on right of 0, one of the decoder where its code is above 2
    encoder = torch.nn.Sequential(linear([[1.0]]), torch.nn.LeakyReLU(0.5)).eval()
    decoder = torch.nn.Sequential(linear([[1.0]], [-2.0]), torch.nn.LeakyReLU(0.5)).eval()
    train = np.array([[-2.0], [-1.0], [3.0], [3.0]])  # equal rows are one
    test = np.array([[-5.0], [1.0], [1.5], [9.0], [4.0], [-0.1], [0.5], [2.5]])
    shares = generalisation(encoder, decoder, train, test).regions
    assert {name: share.test.value for name, share in shares.items()} == {
        "encoder": 1.0,
        "decoder": 1.0,
        "autoencoder": 5 / 8,  # not 1, 1.5 and 0.5: between both kinks
    }
    assert shares["autoencoder"].train.value == pytest.approx(2 / 3)
    assert shares["autoencoder"].train.n_rows == 3
    assert shares["autoencoder"].n_regions == 2
    assert [shares[name].n_units for name in ("encoder", "decoder", "autoencoder")] == [
        1,
        1,
        2,
    ]
    expected = np.sqrt(5 / 8 * 3 / 8 / 7)  # of a share, n - 1 in the variance
    assert shares["autoencoder"].test.standard_error == pytest.approx(expected)


def test_images_and_flat_rows_give_the_same(rng):
    encoder = torch.nn.Sequential(
        torch.nn.Conv2d(1, 2, 3, padding=1),
        torch.nn.ReLU(),
        torch.nn.Flatten(),
        torch.nn.Linear(32, 3),
    ).eval()
    decoder = torch.nn.Sequential(
        torch.nn.Linear(3, 32),
        torch.nn.ReLU(),
        torch.nn.Linear(32, 16),
        torch.nn.Unflatten(1, (1, 4, 4)),
    ).eval()
    x = rng.normal(size=(40, 1, 4, 4))
    found = generalisation(encoder, decoder, x[:20], torch.from_numpy(x[20:]))
    flat = torch.nn.Sequential(torch.nn.Unflatten(1, (1, 4, 4)), *encoder).eval()
    again = generalisation(
        flat, decoder[:3], x[:20].reshape(20, -1), x[20:].reshape(20, -1)
    )
    np.testing.assert_allclose(found.row_manifold_gap, again.row_manifold_gap, rtol=1e-9)
    np.testing.assert_allclose(found.row_error, again.row_error)
    assert found.regions == again.regions
    assert next(encoder.parameters()).dtype == torch.float32  # theirs stay as they were
    assert next(encoder.parameters()).requires_grad


NET = perceptron(3, 4, 1), perceptron(1, 4, 3)
WIDE = perceptron(1, 4)
MIXING = torch.nn.BatchNorm1d(1, track_running_stats=False).eval()
ROWS = np.arange(30.0).reshape(10, 3)


@pytest.mark.parametrize(
    ("call", "kind", "said"),
    [
        (lambda: generalisation(*NET, ROWS * np.nan, ROWS), DataError, "NaN"),
        (lambda: generalisation(*NET, ROWS, ROWS[:, :2]), DataError, "shape"),
        (lambda: generalisation(*NET, ROWS[:0], ROWS), DataError, "rows and columns"),
        (lambda: generalisation(*NET, ROWS[:, :2], ROWS), ValueOutOfRange, "encoder"),
        (lambda: generalisation(NET[0], NET[0], ROWS, ROWS), ValueOutOfRange, "decoder"),
        (lambda: generalisation(NET[0], WIDE, ROWS, ROWS), ValueOutOfRange, "as they take"),
        (lambda: generalisation(len, NET[1], ROWS, ROWS), ValueOutOfRange, "Module"),
        (lambda: generalisation(*NET, ROWS, ROWS, n_starts=-1), ValueOutOfRange, "starts"),
        (
            lambda: generalisation(
                torch.nn.Sequential(*NET[0], Dropout()), NET[1], ROWS, ROWS
            ),
            ValueOutOfRange,
            "eval",
        ),
        (
            lambda: generalisation(
                torch.nn.Sequential(*NET[0], MIXING), NET[1], ROWS, ROWS
            ),
            ValueOutOfRange,
            "without running statistics",
        ),
        (lambda: generalisation(*NET, ROWS, 1e160 * ROWS), DataError, "divide"),
    ],
)
def test_bad_input_is_refused(call, kind, said):
    with pytest.raises(kind, match=said):
        call()
