import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from isthmus.core import DataError, ValueOutOfRange
from isthmus.priors import Gaussian, SparseRademacher
from isthmus.training import itq
from isthmus.training.itq import polar_factor, row_magnitudes, sign_correlation

seeds = st.integers(0, 2**31)


def held_out_loss(weight, rows):
    """1 - r psi^2 on white rows, and its standard error."""
    found = row_magnitudes(weight, rows)
    rate = weight.shape[0] / weight.shape[1]
    error = found.std(ddof=1) / np.sqrt(found.size)
    return 1 - rate * found.mean() ** 2, 2 * rate * found.mean() * error


@given(seeds, st.integers(1, 6), st.integers(1, 6), st.booleans())
def test_psi_never_falls_and_rows_stay_orthonormal(seed, n_code, more, single):
    rng = np.random.default_rng(seed)
    rows = rng.standard_normal((30, n_code + more)) * rng.exponential(size=n_code + more)
    rows = rows.astype(np.float32) if single else rows
    found = itq(rows, n_code, rng=seed, max_steps=30)
    slack = (1e-5 if single else 1e-13) * found.psi
    assert np.all(np.diff(found.history) >= -slack)
    weight = found.encoder_weight
    np.testing.assert_allclose(weight @ weight.T, np.eye(n_code), atol=1e-12)
    assert found.psi == pytest.approx(row_magnitudes(weight, rows).mean(), rel=1e-5)
    assert found.history.shape == (found.n_iter + 1,)


def test_the_polar_factor_is_best_for_the_signs(rng):
    # No rotation of 200 has more of the trace: the step is the best one for its signs.
    matrix = rng.standard_normal((4, 6))
    best = polar_factor(matrix)
    assert np.vdot(best, matrix) == pytest.approx(
        np.linalg.svd(matrix, compute_uv=False).sum(), rel=1e-12
    )
    for _ in range(200):
        other = np.linalg.qr(rng.standard_normal((6, 4)))[0].T
        assert np.vdot(other, matrix) < np.vdot(best, matrix)


def test_the_loss_is_that_of_the_best_tied_decoder(rng):
    rows = SparseRademacher(0.6).sample((5000, 10), rng)
    rows = rows @ np.linalg.inv(np.linalg.cholesky(rows.T @ rows / 5000)).T  # white
    weight = itq(rows, 5, rng=0).encoder_weight
    guess = np.where(rows @ weight.T >= 0, 1.0, -1.0) @ weight
    scale = np.sum(guess * rows) / np.sum(guess * guess)
    loss = np.sum((rows - scale * guess) ** 2) / np.sum(rows**2)
    assert held_out_loss(weight, rows)[0] == pytest.approx(loss, rel=1e-12)


def test_zero_is_a_positive_sign():
    # np.sign would make the first two rows of the result zero, and minus zero negative.
    rows = np.array([[0.0, -0.0, 2.0], [-0.0, 0.0, -1.0]])
    expected = [[0.0, 0.0, 0.5], [0.0, 0.0, 0.5], [0.0, 0.0, 1.5]]
    np.testing.assert_array_equal(sign_correlation(np.eye(3), rows), expected)


@pytest.mark.parametrize(("density", "loss"), [(0.9, 0.0913), (0.7, 0.2322)])
def test_sparse_signs_fall_into_place_in_few_dimensions(density, loss):
    # Near the table of d = 64; a random rotation leaves 0.363 and the identity 1 - p. In
    # 16 dimensions and fewer some starts end at local maxima.
    rows = SparseRademacher(density).sample((52_000, 32), 3)
    found = itq(rows[:12_000], 32, rng=3)
    left, error = held_out_loss(found.encoder_weight, rows[12_000:])
    assert left < 1 - density - 5 * error
    assert abs(left - loss) < 5 * error + 0.005


def test_gaussian_rows_have_nothing_to_give():
    rows = Gaussian().sample((20_000, 8), 1)
    found = itq(rows[:12_000], 8, rng=1)
    left, error = held_out_loss(found.encoder_weight, rows[12_000:])
    assert abs(left - (1 - 2 / np.pi)) < 5 * error


@pytest.mark.slow
@pytest.mark.parametrize(
    ("density", "loss"), [(0.3, 0.3646), (0.5, 0.3444), (0.7, 0.2322), (0.9, 0.0913)]
)
def test_sparse_signs_of_the_table(density, loss):
    # 20 000 held-out rows: standard error 0.0005 to 0.0009, and as much of the table's
    # own draw. Haar leaves 0.3634 at all densities, the identity 1 - p.
    rows = SparseRademacher(density).sample((60_000, 64), 0).astype(np.float32)
    found = itq(rows[:40_000], 64, rng=0)
    left, error = held_out_loss(found.encoder_weight, rows[40_000:])
    assert abs(left - loss) < 5 * np.sqrt(2) * error


def test_a_seed_means_the_same_rotation_and_a_start_goes_on():
    rows = SparseRademacher(0.8).sample((2000, 6), 0)
    whole = itq(rows, 4, rng=0, max_steps=8, rtol=0)
    np.testing.assert_array_equal(
        whole.encoder_weight, itq(rows, 4, rng=0, max_steps=8, rtol=0).encoder_weight
    )
    half = itq(rows, 4, rng=0, max_steps=5, rtol=0)
    rest = itq(rows, 4, rng=None, start=3.0 * half.encoder_weight, max_steps=3, rtol=0)
    np.testing.assert_allclose(rest.history, whole.history[5:], rtol=1e-12)
    assert (whole.converged, whole.reason) == (False, "max_steps")


def test_units_do_not_matter():
    rows = SparseRademacher(0.8).sample((500, 5), 0)
    plain = itq(rows, 3, rng=0)
    for unit in (1e-140, 1e140):
        other = itq(unit * rows, 3, rng=0)
        np.testing.assert_allclose(other.encoder_weight, plain.encoder_weight, atol=1e-9)
    single = itq((1e33 * rows).astype(np.float32), 3, rng=0)
    np.testing.assert_allclose(single.encoder_weight, plain.encoder_weight, atol=1e-5)


def test_progress_is_told_every_step():
    told = []
    rows = SparseRademacher(0.8).sample((500, 5), 0)
    found = itq(rows, 3, rng=0, progress=lambda step, psi: told.append((step, psi)))
    assert [step for step, _ in told] == list(range(1, found.n_iter + 1))
    np.testing.assert_array_equal([psi for _, psi in told], found.history[1:])


ROWS = np.eye(4)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ((ROWS, 5), "at most the 4 columns"),
        ((ROWS, 0), "whole number"),
        ((ROWS, 2, {"start": np.eye(3)}), "shape"),
        ((ROWS, 2, {"start": np.ones((2, 4))}), "independent"),
        ((ROWS, 2, {"start": np.zeros((2, 4))}), "independent"),
        ((ROWS, 2, {"rtol": 1.0}), "rtol"),
        ((ROWS, 2, {"max_steps": -1}), "max_steps"),
    ],
)
def test_wrong_arguments_teach(arguments, words):
    *given_, last = (*arguments, {}) if len(arguments) == 2 else arguments
    with pytest.raises(ValueOutOfRange, match=words):
        itq(*given_, rng=0, **last)


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_rows_that_are_not_finite_are_named(bad):
    rows = np.eye(4)
    rows[2, 1] = bad
    with pytest.raises(DataError, match="row 2"):
        itq(rows, 2, rng=0)
    with pytest.raises(DataError, match="not zero"):
        itq(0 * ROWS, 2, rng=0)
