import numpy as np
import pytest
import torch
from geometry.nets import linear, perceptron

from isthmus.core.errors import DataError, ValueOutOfRange
from isthmus.geometry import biorthogonality, local_tangents, region_code


def along(n, *columns):
    """The same orthonormal tangents at n rows."""
    return np.tile(np.column_stack(columns), (n, 1, 1))


def test_a_pair_that_is_exact_on_a_line_passes_only_the_rank_aware_check():
    encoder, decoder = linear(np.eye(2)), linear(np.diag([1.0, 0.5]))
    x = np.column_stack([np.linspace(-1.0, 1.0, 9), np.zeros(9)])
    found = biorthogonality(encoder, decoder, x, tangents=along(9, [1.0, 0.0]))
    np.testing.assert_allclose(found.error, 0.0)
    np.testing.assert_allclose(found.deviation, 0.5)  # the false alarm
    for passed in (found.restricted, found.tangent_deviation, found.angles):
        np.testing.assert_array_equal(passed, np.zeros_like(passed))
    np.testing.assert_allclose(found.spectrum, np.tile([1.0, 0.5], (9, 1)))
    assert np.isinf(found.chord).all()
    across = biorthogonality(encoder, decoder, x, tangents=along(9, [0.0, 1.0]))
    np.testing.assert_allclose(across.restricted, 0.5)
    np.testing.assert_allclose(across.tangent_deviation, 0.5)


def test_oblique_projectors_pass_and_need_no_pseudo_inverse(rng):
    basis = np.linalg.qr(rng.normal(size=(5, 2)))[0]
    up = basis @ rng.normal(size=(2, 2))
    null = np.linalg.qr(np.column_stack([basis, rng.normal(size=(5, 3))]))[0][:, 2:]
    down = np.linalg.inv(basis.T @ up) @ (basis.T + rng.normal(size=(2, 3)) @ null.T)
    assert np.abs(down - np.linalg.pinv(up)).max() > 0.1
    found = biorthogonality(
        linear(down), linear(up), rng.normal(size=(4, 5)), tangents=along(4, *basis.T)
    )
    np.testing.assert_allclose(found.deviation, 0.0, atol=1e-12)
    np.testing.assert_allclose(found.tangent_deviation, 0.0, atol=1e-12)
    np.testing.assert_allclose(found.angles, 0.0, atol=1e-12)
    assert found.error.min() > 0.1  # rows are off the plane


def test_ranks_and_angles_where_the_decoder_lacks_a_direction():
    encoder = linear([[1.0, 0.0, 0.0], [2.0, 0.0, 0.0]])
    decoder = linear([[np.cos(0.3), 0.0], [np.sin(0.3), 0.0], [0.0, 0.0]])
    tangents = along(1, [1.0, 0.0, 0.0], [0.0, 0.0, 1.0])
    found = biorthogonality(encoder, decoder, np.ones((1, 3)), tangents=tangents)
    assert (found.encoder_rank[0], found.decoder_rank[0]) == (1, 1)
    np.testing.assert_allclose(found.angles, [[np.pi / 2, 0.3]], atol=1e-14)
    assert found.tangent_deviation[0] == pytest.approx(1.0)


def test_an_encoder_that_sees_no_tangent_does_not_pass():
    blind, decoder = linear([[0.0, 1.0]]), linear([[1.0], [0.0]])
    found = biorthogonality(blind, decoder, np.ones((1, 2)), tangents=along(1, [1.0, 0.0]))
    assert found.restricted[0] == 1.0
    assert found.tangent_deviation[0] == 1.0


def test_slopes_agree_with_finite_moves_inside_the_region(rng):
    encoder, decoder = perceptron(4, 12, 3, seed=1), perceptron(3, 12, 4, seed=2)
    x = rng.normal(size=(30, 4))
    tangents = np.linalg.qr(rng.normal(size=(30, 4, 2)))[0]
    found = biorthogonality(encoder, decoder, x, tangents=tangents)

    def back(rows):
        with torch.no_grad():
            return decoder(encoder(torch.from_numpy(rows))).numpy()

    step = 1e-7
    change = [
        (back(x + step * tangents[:, :, k]) - back(x)) / step - tangents[:, :, k]
        for k in range(2)
    ]
    largest = np.linalg.svd(np.stack(change, axis=2))[1][:, 0]
    np.testing.assert_allclose(found.tangent_deviation, largest, rtol=1e-5)
    mean = np.sqrt(np.square(change).sum(axis=(0, 2)) / 2.0)
    np.testing.assert_allclose(found.mean_deviation, mean, rtol=1e-5)
    np.testing.assert_allclose(found.error, np.linalg.norm(back(x) - x, axis=1))
    assert (found.encoder_rank <= 3).all()
    size = np.abs(found.spectrum)
    assert (np.diff(size, axis=1) <= 1e-12).all()


def test_the_error_changes_along_the_chord_by_the_deviation_times_its_length(rng):
    encoder, decoder = perceptron(3, 10, 1, seed=4), perceptron(1, 10, 3, seed=5)
    x = rng.normal(size=(40, 3))
    tangents = np.linalg.qr(rng.normal(size=(40, 3, 1)))[0]
    found = biorthogonality(encoder, decoder, x, tangents=tangents)
    step, middle = 0.004, 5000
    away = step * (np.arange(2 * middle + 1) - middle)
    lines = x[:, None] + away[:, None] * tangents[:, None, :, 0]
    both = torch.nn.Sequential(*encoder, *decoder)
    bounded = np.flatnonzero(found.chord < 10.0)
    assert bounded.size > 10
    for row in bounded:
        code = region_code(both, lines[row])
        other = np.flatnonzero((code != code[middle]).any(axis=1))
        left, right = other[other < middle].max() + 1, other[other > middle].min() - 1
        length = step * (right - left)
        assert length - 1e-9 <= found.chord[row] <= length + 2 * step + 1e-9
        with torch.no_grad():
            ends = torch.from_numpy(lines[row, [left, right]])
            off = (both(ends) - ends).numpy()
        rise = np.linalg.norm(off[1] - off[0])
        assert rise == pytest.approx(found.tangent_deviation[row] * length, abs=1e-9)
    np.testing.assert_allclose(found.explained, 2.0 * found.error / found.chord)


def test_tangents_default_to_those_of_the_rows(rng):
    encoder, decoder = perceptron(3, 6, 2, seed=1), perceptron(2, 6, 3, seed=2)
    angle = rng.uniform(0.0, 6.0, 200)
    x = np.column_stack([np.cos(angle), np.sin(angle), 0.0 * angle])
    found = biorthogonality(encoder, decoder, x)
    given = biorthogonality(
        encoder, decoder, torch.from_numpy(x), tangents=local_tangents(x)
    )
    assert found.angles.shape == (200, 1)
    np.testing.assert_array_equal(found.tangent_deviation, given.tangent_deviation)


NET = perceptron(3, 4, 1), perceptron(1, 4, 3)
ROWS = np.arange(30.0).reshape(10, 3)
SMOOTH = perceptron(3, 4, 1, activation=torch.nn.Tanh)


@pytest.mark.parametrize(
    ("call", "kind", "said"),
    [
        (lambda: biorthogonality(SMOOTH, NET[1], ROWS), ValueOutOfRange, "Tanh"),
        (lambda: biorthogonality(*NET, ROWS, tangents=np.eye(3)), ValueOutOfRange, "shape"),
        (
            lambda: biorthogonality(*NET, ROWS, tangents=np.ones((10, 3, 1))),
            ValueOutOfRange,
            "orthonormal",
        ),
        (lambda: biorthogonality(*NET, ROWS[:3]), DataError, "at least 10"),
    ],
)
def test_bad_input_is_refused(call, kind, said):
    with pytest.raises(kind, match=said):
        call()
