"""Files and arrays that are broken in ways NumPy answers with a raw exception."""

import io
import warnings
import zipfile

import numpy as np
import pytest

from isthmus.core import DataError, DataWarning
from isthmus.data import load
from isthmus.data.text import only_numbers


@pytest.mark.parametrize("save", [np.save, np.savez, np.savez_compressed])
def test_flipped_bytes_never_end_in_a_traceback(save, tmp_path, rng):
    # One byte in 300 places each, half of them in the headers at both ends.
    buffer = io.BytesIO()
    save(buffer, rng.random((30, 5)))
    path = tmp_path / ("x.npy" if save is np.save else "x.npz")
    size, refused = len(buffer.getvalue()), []
    places = np.concatenate([rng.integers(0, 140, 100), rng.integers(0, size, 200)])
    places[:50] = size - 1 - places[:50]
    for place in places:
        raw = bytearray(buffer.getvalue())
        raw[place] = rng.integers(256)
        path.write_bytes(raw)
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                load(path)
        except DataError as error:
            refused.append(str(error))
    assert len(refused) > 50
    assert not any("\n" in message for message in refused)


@pytest.mark.parametrize("rows", [10**12, 10**22])
def test_a_header_that_promises_too_much(rows, tmp_path):
    header = f"{{'descr': '<f8', 'fortran_order': False, 'shape': ({rows}, 1000), }}\n"
    raw = b"\x93NUMPY\x01\x00" + len(header).to_bytes(2, "little") + header.encode()
    (tmp_path / "x.npy").write_bytes(raw)
    with pytest.raises(DataError, match="fit in memory|damaged"):
        load(tmp_path / "x.npy")


def test_archives_that_hold_no_array_or_are_none(tmp_path):
    with zipfile.ZipFile(tmp_path / "x.npz", "w") as archive:
        archive.writestr("readme.txt", "hello")
    with pytest.raises(DataError, match="holds none"):
        load(tmp_path / "x.npz")
    np.save(tmp_path / "y.npy", np.eye(12))
    (tmp_path / "y.npy").rename(tmp_path / "y.npz")
    with pytest.raises(DataError, match="damaged"):
        load(tmp_path / "y.npz")


def test_the_only_array_with_rows_needs_no_name(tmp_path):
    np.savez(tmp_path / "x.npz", label=np.arange(12), x=np.eye(12))
    assert load(tmp_path / "x.npz").values.shape == (12, 12)


class Sparse:
    def toarray(self):
        return np.eye(12)


@pytest.mark.parametrize(
    ("source", "words"),
    [
        ([[1.0], [1.0, 2.0]] * 6, "rows of equal length"),
        (np.ma.masked_equal(np.eye(12), 1.0), "12 entries are masked"),
        (Sparse(), "Pass x.toarray"),
        ("x" * 5000 + ".npy", "cannot be read: File name too long"),
    ],
)
def test_sources_that_numpy_would_not_refuse_politely(source, words):
    with pytest.raises(DataError, match=words) as caught:
        load(source)
    assert len(str(caught.value)) < 400


def test_a_masked_array_without_a_gap_is_read():
    assert load(np.ma.masked_array(np.eye(12))).values.shape == (12, 12)


@pytest.mark.parametrize("cell", ["1_0", "#N/A", '"3"', "0x10", "-nan", "inf", "1#2"])
def test_the_fast_parser_leaves_odd_cells_to_the_careful_one(cell, tmp_path):
    path = tmp_path / "x.csv"
    path.write_text("1,2\n" * 11 + f"{cell},2\n")
    assert only_numbers(path, 0) is None
    if cell == '"3"':
        assert load(path).values[11].tolist() == [3.0, 2.0]
    elif cell in ("#N/A", "-nan", "inf"):
        with pytest.raises(DataError, match="line 12, column 'column 0'"):
            load(path)
    else:
        assert load(path).left_out == ("column 0 (not numbers)",)


def test_the_first_gap_by_row_is_named(tmp_path):
    path = tmp_path / "x.csv"
    path.write_text("a,b\n" + "1,2\n" * 5 + "1,\n" + ",2\n" + "1,2\n" * 5)
    with pytest.raises(DataError, match="line 7, column 'b'"):
        load(path)


def test_fast_and_careful_agree_bit_by_bit(tmp_path, rng):
    x = rng.standard_normal((50, 4)) * 10.0 ** rng.integers(-300, 100, (50, 4))
    lines = [",".join(repr(float(v)) for v in row) for row in x]
    path = tmp_path / "x.csv"
    path.write_text("\ufeff\n" + "\r\n".join(lines), encoding="utf-8", newline="")
    fast = load(path)
    path.write_text("\n".join(f"{line},word" for line in lines), encoding="utf-8")
    np.testing.assert_array_equal(load(path).values, fast.values)
    np.testing.assert_array_equal(fast.values, x)


def test_integers_from_an_archive_still_warn(tmp_path):
    np.savez(tmp_path / "x.npz", x=np.eye(12, dtype=np.int64))
    with pytest.warns(DataWarning, match="int64; converted to float64"):
        load(tmp_path / "x.npz")
