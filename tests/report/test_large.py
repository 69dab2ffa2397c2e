"""Sources read in blocks say what the same rows say in memory."""

import warnings

import numpy as np
import pytest

import isthmus
from isthmus.core import DataError, DataWarning
from isthmus.data import Moments
from isthmus.report import large
from isthmus.report.read import read_rows
from isthmus.report.rows import Reading


@pytest.fixture
def small(monkeypatch):
    """Everything above an eighth of a megabyte is large, and 800 rows are enough."""
    monkeypatch.setattr(large, "LARGE", 2**17)
    monkeypatch.setattr(large, "_WORTH_LOOKING", 0)
    monkeypatch.setattr(large, "FIT_ROWS", 800)
    monkeypatch.setattr(large, "_TEST_ROWS", 400)


def table(rng, n=20_000, dtype=np.float32):
    x = 3.0 + rng.standard_normal((n, 8)) @ rng.standard_normal((8, 8))
    x[:, 5] = 7.0
    return x.astype(dtype)


def test_a_built_in_name_is_no_folder_and_no_file(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "digits").mkdir()
    (tmp_path / "gaussian").write_text("no table")
    assert read_rows("digits", constant=True).train.shape == (1438, 64)
    assert read_rows("gaussian").train.shape == (16_000, 64)


@pytest.mark.parametrize("scale", ["none", "standard", "log1p"])
def test_moments_are_those_of_all_training_rows(small, tmp_path, rng, scale):
    x = np.abs(table(rng))
    np.save(tmp_path / "x.npy", x)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        rows = read_rows(tmp_path / "x.npy", reading=Reading(scale=scale))
    told = [str(warning.message) for warning in caught]
    assert any("is constant" in text for text in told)
    assert len(told) == 1 + (scale != "none")
    kept = np.delete(x, 5, axis=1).astype(float)
    scaled = np.log1p(kept) if scale == "log1p" else kept
    assert rows.train.shape == (800, 7)
    assert rows.test.shape == (400, 7)
    assert (rows.n_rows, rows.n_train) == (20_000, 19_600)
    back = rows.original(rows.test)
    assert back.shape == (400, 8)
    found = [np.flatnonzero((np.abs(x - row) < 1e-5).all(axis=1)) for row in back]
    assert all(len(index) == 1 for index in found)
    train = np.delete(scaled, np.concatenate(found), axis=0)
    if scale == "standard":
        train = train / train.std(axis=0)
    exact = Moments.from_rows(train)
    principal = rows.principal()
    np.testing.assert_allclose(principal.mean, exact.mean, rtol=1e-5)
    largest = np.linalg.eigvalsh(exact.covariance())[-1]
    assert principal.n_rows == 19_600
    dense = (principal.basis * principal.eigenvalues) @ principal.basis.T
    np.testing.assert_allclose(dense, exact.covariance(), atol=1e-5 * largest)


def test_a_report_of_blocks_agrees_with_one_of_rows(tmp_path, rng, monkeypatch):
    x = table(rng, dtype=np.float64)
    np.save(tmp_path / "x.npy", x)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        whole = isthmus.analyse(tmp_path / "x.npy", rates=[1])
        monkeypatch.setattr(large, "LARGE", 2**19)
        monkeypatch.setattr(large, "KEPT", 2**19)
        monkeypatch.setattr(large, "_WORTH_LOOKING", 0)
        blocks = isthmus.analyse(tmp_path / "x.npy", rates=[1])
    assert blocks.data.n_moment_rows > blocks.data.n_fit_rows
    assert whole.data.n_moment_rows == whole.data.n_fit_rows == 16_000
    np.testing.assert_allclose(blocks.data.eigenvalues, whole.data.eigenvalues, rtol=0.05)
    for one, other in zip(blocks.reached, whole.reached, strict=True):
        assert one.encoder == other.encoder
        error = np.hypot(one.standard_error, other.standard_error)
        assert abs(one.nmse - other.nmse) < 5 * error + 0.01
    assert blocks.examples is not None
    assert blocks.examples.worst.shape[1] == 8


def test_last_rows_of_a_series_are_held_out(small, tmp_path, rng):
    x = table(rng)[:, :5]
    np.save(tmp_path / "x.npy", x)
    rows = read_rows(tmp_path / "x.npy", split="last")
    np.testing.assert_array_equal(rows.test, x[16_000:])
    assert rows.n_train == 16_000
    exact = Moments.from_rows(x[:16_000]).covariance()
    np.testing.assert_allclose(rows.moments.covariance(), exact, rtol=1e-4, atol=1e-4)


def test_given_rows_are_held_out(small, tmp_path, rng):
    x = table(rng)[:, :5]
    np.save(tmp_path / "x.npy", x)
    rows = read_rows(tmp_path / "x.npy", X_test=x[:60] + 1)
    assert (rows.n_rows, rows.n_train, rows.split) == (20_060, 20_000, "given")
    np.testing.assert_array_equal(rows.test, x[:60] + 1)


def test_time_that_does_not_suffice_is_said(small, tmp_path, rng, monkeypatch):
    monkeypatch.setattr("isthmus.data.stream_base.BLOCK_BYTES", 2**12)
    x = np.sort(table(rng)[:, :5], axis=0)
    np.save(tmp_path / "x.npy", x)
    with pytest.warns(
        DataWarning, match=r"time to read .* of 20,000 rows: in blocks drawn"
    ):
        rows = read_rows(tmp_path / "x.npy", seconds=0.0)
    assert rows.n_train < 2000
    assert rows.n_rows == 20_000
    # Sorted rows: the first blocks alone would be far below the mean.
    assert abs(rows.moments.mean[0] - x[:, 0].mean()) < x[:, 0].std()


def test_a_large_array_is_not_copied_whole(small, rng):
    x = table(rng)[:, :5]
    rows = read_rows(x)
    assert rows.train.shape == (800, 5)
    assert rows.dataset.name == "X"
    whole = table(rng)[:, :5]
    whole[77, 2] = np.nan
    with pytest.raises(DataError, match="row 77, 'column 2' is nan"):
        read_rows(whole)


def test_a_large_table_of_text_and_numbers(small, tmp_path, rng):
    x = table(rng)[:, :4]
    lines = [f"{a},{b},name {i},{c},{d}" for i, (a, b, c, d) in enumerate(x)]
    (tmp_path / "x.csv").write_text("a,b,who,c,d\n" + "\n".join(lines) + "\n")
    rows = read_rows(tmp_path / "x.csv", reading=Reading(drop=["b"]))
    assert rows.train.shape[1] == 3
    assert rows.n_rows == 20_000
    assert set(rows.dataset.left_out) == {"b (dropped)", "who (not numbers)"}


def test_the_last_rows_of_a_table_of_unknown_length(small, tmp_path, rng):
    np.savetxt(tmp_path / "x.csv", table(rng)[:, :4], delimiter=",")
    with pytest.raises(DataError, match="Save it as .npy"):
        read_rows(tmp_path / "x.csv", split="last")


def test_values_without_a_logarithm_are_named(small, tmp_path, rng):
    x = np.abs(table(rng)[:, :5])
    x[12_345, 3] = -2.0
    np.save(tmp_path / "x.npy", x)
    with pytest.raises(DataError, match="row 12345, 'column 3' is -2.0"):
        read_rows(tmp_path / "x.npy", reading=Reading(scale="log1p"))


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_a_column_that_only_a_held_out_row_moves_is_not_scaled(small, rng, dtype):
    x = table(rng, dtype=dtype)
    x[:, 3] = 0.1
    place = {"row": 0}
    for _ in range(200):  # until the row that moves is drawn to be held out
        x[:, 3] = x[0, 3] = np.float32(0.1)
        x[place["row"], 3] = 5.0
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            rows = read_rows(x, reading=Reading(scale="standard"))
        if np.ptp(rows.test[:, 3]) > 0:
            break
        place["row"] += 97
    assert np.ptp(rows.test[:, 3]) == pytest.approx(4.9, abs=1e-6)
    assert np.ptp(rows.train[:, 3]) == 0
    assert rows.moments.covariance()[3, 3] == 0


def test_given_rows_that_may_have_been_seen(small, tmp_path, rng):
    x = np.delete(table(rng), 5, axis=1)
    np.save(tmp_path / "x.npy", x)
    with pytest.warns(DataWarning, match="At least .* of 2000 rows"):
        read_rows(tmp_path / "x.npy", X_test=x[:2000], reading=Reading())


def test_rows_with_gaps_hide_which_rows_are_last(small, tmp_path, rng):
    x = table(rng)
    x[3, 3] = np.nan
    np.save(tmp_path / "x.npy", x)
    with pytest.raises(DataError, match="without the rows that have gaps"):
        read_rows(tmp_path / "x.npy", split="last", reading=Reading(drop_missing=True))
