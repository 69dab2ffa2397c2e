import decimal
import sys

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from isthmus.core import DataError, DataWarning, MissingDependency
from isthmus.data import load


@pytest.fixture
def write(tmp_path):
    """Write columns as x.parquet and return its path; needs pyarrow."""
    pa = pytest.importorskip("pyarrow")
    pq = pytest.importorskip("pyarrow.parquet")

    def written(columns, **options):
        path = tmp_path / "x.parquet"
        pq.write_table(pa.table(columns), path, **options)
        return path

    return written


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data(), kind=st.sampled_from([np.float32, np.float64]))
def test_parquet_comes_back_bit_by_bit(data, kind, write):
    width = 8 * np.dtype(kind).itemsize
    shape = st.tuples(st.integers(10, 30), st.integers(1, 6))
    elements = st.floats(-(2.0**40), 2.0**40, width=width)
    x = data.draw(hnp.arrays(kind, shape, elements=elements))
    names = [f"a.{i}" if i % 2 else f"a {i}" for i in range(x.shape[1])]
    path = write(dict(zip(names, x.T.copy(), strict=True)), row_group_size=7)
    back = load(path)
    np.testing.assert_array_equal(back.values, x)
    assert back.values.dtype == kind
    assert back.column_names == tuple(names)


def test_every_kind_of_number(write):
    pa = pytest.importorskip("pyarrow")
    n = 12
    i = np.arange(n)
    cents = [decimal.Decimal(k) / 4 for k in range(n)]
    path = write(
        {
            "int8": pa.array(i, pa.int8()),
            "uint64": pa.array(i, pa.uint64()),
            "bool": pa.array(i % 2 == 0),
            "half": pa.array(i.astype(np.float16)),
            "money": pa.array(cents, pa.decimal128(9, 2)),
        }
    )
    back = load(path)
    want = np.stack([i, i, i % 2 == 0, i, i / 4], axis=1)
    np.testing.assert_array_equal(back.values, want)
    assert back.values.dtype == np.float64


def test_what_is_not_numbers_is_left_out_and_named(write):
    pa = pytest.importorskip("pyarrow")
    n = 12
    path = write(
        {
            "id": [f"r{i}" for i in range(n)],
            "size": np.arange(n) / 2,
            "pair": [[1.0, 2.0]] * n,
            "point": [{"x": 1.0}] * n,
            "when": pa.array([0] * n, pa.timestamp("s")),
            "kind": pa.array(["a", "b"] * 6).dictionary_encode(),
            "none": pa.nulls(n),
            "empty": pa.array([None] * n, pa.float64()),
            "skip": np.arange(n) / 4,
        }
    )
    back = load(path, drop=["skip"])
    assert back.column_names == ("size",)
    assert back.left_out == (
        "skip (dropped)",
        "id (not numbers)",
        "pair (nested)",
        "point (nested)",
        "when (not numbers)",
        "kind (not numbers)",
        "none (not numbers)",
        "empty (not numbers)",
    )
    with pytest.raises(DataError, match=r"column of numbers; left out:.*pair \(nested\)"):
        load(path, drop=["size", "skip"])
    with pytest.raises(DataError, match="no column 'sise'. Did you mean size"):
        load(path, columns=["sise"])


@pytest.mark.parametrize("kind", ["int64", "float32", "bool_", "float64"])
def test_the_first_null_is_named_or_its_row_left_out(kind, write):
    pa = pytest.importorskip("pyarrow")
    gappy = [i % 2 for i in range(12)]
    gappy[3] = gappy[8] = None
    path = write(
        {
            "a": np.arange(12) / 2,
            "b": pa.array(gappy, pa.int64()).cast(getattr(pa, kind)()),
        }
    )
    with pytest.raises(DataError, match="row 3, 'b' is nan.*--drop-missing"):
        load(path)
    with pytest.warns(DataWarning, match="2 of 12 rows have missing values"):
        back = load(path, drop_missing=True)
    np.testing.assert_array_equal(back.values[:, 0], np.delete(np.arange(12), [3, 8]) / 2)
    assert back.n_rows_dropped == 2


def test_two_columns_of_one_name(tmp_path):
    pa = pytest.importorskip("pyarrow")
    pq = pytest.importorskip("pyarrow.parquet")
    path = tmp_path / "x.parquet"
    pq.write_table(pa.Table.from_arrays([pa.array(range(12))] * 2, names=["a", "a"]), path)
    with pytest.raises(DataError, match="different column names; 'a' comes twice"):
        load(path)


def test_damage_inside(write):
    path = write({"a": np.arange(1000.0)})
    raw = path.read_bytes()
    path.write_bytes(raw[: len(raw) - 200] + b"\xff" * 150 + raw[-50:])
    with pytest.raises(DataError, match="cut short or damaged"):
        load(path)
    path.write_bytes(raw)
    with pytest.raises(DataError, match="no parts; leave out ':a'"):
        load(f"{path}:a")


@pytest.mark.parametrize(
    ("raw", "words"),
    [
        (b"", r"empty \(0 bytes\)"),
        (b"PA", "begins with b'PA'"),
        (b"a,b\n1,2\n", "must be a Parquet file; it begins with b'a,b"),
        (b"PAR1 and then the disk was full", "cut short.*its end is missing"),
        (b"PAR1....PARE", "encrypted"),
    ],
)
def test_files_that_are_no_parquet_need_no_pyarrow(raw, words, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    (tmp_path / "x.parquet").write_bytes(raw)
    with pytest.raises(DataError, match=words):
        load(tmp_path / "x.parquet")


def test_without_pyarrow_the_extra_is_named(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    (tmp_path / "x.parquet").write_bytes(b"PAR1....PAR1")
    with pytest.raises(MissingDependency, match=r"pip install 'isthmus\[parquet\]'"):
        load(tmp_path / "x.parquet")
