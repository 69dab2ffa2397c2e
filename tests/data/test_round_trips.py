"""Write, read, compare: load and stream of every kind of file, at any chunk."""

import csv
import io
import warnings

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from isthmus.core import DataWarning, as_rng
from isthmus.data import load, stream

some = settings(
    suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=50
)
numbers = ["f2", "f4", "f8", "i1", "i2", "i4", "i8", "u1", "u2", "u4", "?"]
dtypes = st.builds(
    lambda order, kind: np.dtype(order + kind),
    st.sampled_from("<>"),
    st.sampled_from(numbers),
)
shapes = st.integers(2, 4).flatmap(
    lambda ndim: st.tuples(
        st.integers(10, 25), *[st.integers(1, 3) for _ in range(ndim - 1)]
    )
)


def elements(dtype):
    if dtype.kind == "f":
        return st.floats(-(2.0**11), 2.0**11, width=8 * dtype.itemsize)
    return None


arrays = dtypes.flatmap(lambda d: hnp.arrays(d, shapes, elements=elements(d)))


def agree(path, chunk, data, **choice):
    """Compare the blocks, shuffled blocks and rows of a stream with what load reads."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DataWarning)
        whole = load(path, **choice)
        source = stream(path, chunk, **choice)
        blocks = [block.copy() for block in source.blocks()]
        mixed = [(s, b.copy()) for s, b in source.shuffled_blocks(as_rng(chunk))]
        n = whole.values.shape[0]
        wanted = sorted(data.draw(st.sets(st.integers(0, n - 1)), label="rows"))
        rows = source.rows(np.array(wanted, dtype=int))
    in_order = [block for _, block in sorted(mixed, key=lambda pair: pair[0])]
    for found in (blocks, in_order):
        np.testing.assert_array_equal(np.concatenate(found), whole.values)
    np.testing.assert_array_equal(rows, whole.values[wanted])
    assert rows.dtype == source.dtype == whole.values.dtype
    assert source.sample_shape == whole.sample_shape
    assert source.column_names == whole.column_names
    assert source.left_out == whole.left_out
    assert source.n_rows_dropped == whole.n_rows_dropped
    assert all(block.shape[0] <= chunk for block in blocks)
    return whole


@some
@given(
    x=arrays, chunk=st.integers(1, 30), kind=st.sampled_from(["npy", "npz"]), data=st.data()
)
def test_arrays_of_every_type_and_byte_order(x, chunk, kind, data, tmp_path):
    path = tmp_path / f"x.{kind}"
    if kind == "npy":
        np.save(path, x)
    else:
        small = data.draw(st.booleans(), label="compressed")
        (np.savez_compressed if small else np.savez)(path, label=np.arange(3), x=x)
    whole = agree(path, chunk, data)
    np.testing.assert_array_equal(whole.values, x.reshape(len(x), -1).astype(float))
    assert whole.sample_shape == (x.shape[1:] if x.ndim > 2 else None)


@some
@given(x=arrays, kind=st.sampled_from(["npy", "npz"]))
def test_fortran_order_is_read_as_it_was(x, kind, tmp_path):
    path = tmp_path / f"x.{kind}"
    np.save(path, np.asfortranarray(x)) if kind == "npy" else np.savez(
        path, np.asfortranarray(x)
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DataWarning)
        values = load(path).values
    np.testing.assert_array_equal(values, x.reshape(len(x), -1).astype(float))
    assert values.flags.c_contiguous


words = st.text(st.sampled_from('ab, "\n\té_1'), min_size=1, max_size=6).map(
    lambda s: f"x{s}"
)
gaps = st.sampled_from(["", "NA", "nan", "null", "?", " "])


@st.composite
def tables(draw):
    """Text of a .csv file with columns of numbers and of text; which of them are which."""
    n_rows, width = draw(st.integers(10, 25)), draw(st.integers(1, 5))
    text = draw(st.lists(st.booleans(), min_size=width, max_size=width))
    text[draw(st.integers(0, width - 1))] = False
    values = draw(hnp.arrays(np.float64, (n_rows, width), elements=st.floats(-1e12, 1e12)))
    cells = [[repr(float(v)) for v in row] for row in values]
    for row in cells:
        for column in np.flatnonzero(text):
            row[column] = draw(words)
    header = [f'c {i}"{i}, ' if draw(st.booleans()) else f"c{i}" for i in range(width)]
    return values, cells, text, header


def as_text(cells, header, data):
    """Cells as comma-separated lines, in one of the ways that people write them."""
    ending = data.draw(st.sampled_from(["\n", "\r\n"]), label="line ending")
    quoting = data.draw(st.sampled_from([csv.QUOTE_MINIMAL, csv.QUOTE_ALL]), label="quotes")
    blank = data.draw(st.sampled_from([0, 1, 3]), label="blank lines")
    out = io.StringIO()
    writer = csv.writer(out, lineterminator=ending, quoting=quoting)
    for number, row in enumerate([*([header] if header else []), *cells]):
        writer.writerow(row)
        if blank and number % blank == 0:
            out.write(ending)
    bom = data.draw(st.sampled_from(["", "\ufeff"]), label="byte order mark")
    return bom + out.getvalue()


@some
@given(table=tables(), chunk=st.integers(1, 30), data=st.data())
def test_tables_with_text_columns_and_quotes(table, chunk, data, tmp_path):
    values, cells, text, header = table
    if data.draw(st.booleans(), label="no header"):
        header = None
    path = tmp_path / "x.csv"
    path.write_text(as_text(cells, header, data), encoding="utf-8", newline="")
    whole = agree(path, chunk, data)
    np.testing.assert_array_equal(whole.values, values[:, ~np.array(text)])
    names = (
        [h.strip() for h in header] if header else [f"column {i}" for i in range(len(text))]
    )
    assert whole.column_names == tuple(n for n, t in zip(names, text, strict=True) if not t)
    assert len(whole.left_out) == sum(text)


@some
@given(table=tables(), chunk=st.integers(1, 40), data=st.data())
def test_tables_with_gaps(table, chunk, data, tmp_path):
    values, cells, text, header = table
    # Ten whole rows, then the ones with gaps and whole ones in any order.
    holes = data.draw(st.sets(st.integers(0, len(cells) - 1), max_size=8), label="holes")
    cells = cells[:10] + cells
    column = text.index(False)
    for row in holes:
        cells[10 + row] = [*cells[10 + row]]
        cells[10 + row][column] = data.draw(gaps)
    path = tmp_path / "x.csv"
    header = [f"{name}{i}" for i, name in enumerate(header)]
    path.write_text(as_text(cells, header, data), encoding="utf-8", newline="")
    # A line of one empty cell is blank, not a row with a gap.
    blank = sum(len(c) == 1 and not c[0].strip() for c in cells)
    whole = agree(path, chunk, data, drop_missing=True)
    kept = [i for i in range(len(values)) if i not in holes]
    wanted = np.concatenate([values[:10], values[kept]])
    np.testing.assert_array_equal(whole.values, wanted[:, ~np.array(text)])
    assert whole.n_rows_dropped == len(holes) - blank


@some
@given(
    x=hnp.arrays(
        st.sampled_from([np.float32, np.float64]),
        st.tuples(st.integers(10, 30), st.integers(1, 4)),
        elements=st.floats(-(2.0**20), 2.0**20, width=32),
    ),
    holes=st.sets(st.tuples(st.integers(10, 29), st.integers(0, 3))),
    chunk=st.integers(1, 40),
    group=st.integers(1, 40),
    data=st.data(),
)
def test_parquet_with_text_and_gaps(x, holes, chunk, group, data, tmp_path):
    pa = pytest.importorskip("pyarrow")
    pq = pytest.importorskip("pyarrow.parquet")
    for row, column in holes:
        if row < x.shape[0] and column < x.shape[1]:
            x[row, column] = np.nan
    nulls = data.draw(st.booleans(), label="nulls")
    columns = {f"c.{i}": pa.array(c, from_pandas=nulls) for i, c in enumerate(x.T)}
    columns["text"] = ["word"] * len(x)
    columns["count"] = pa.array(np.arange(len(x)), pa.int16())
    columns["empty"] = pa.array([None] * len(x), pa.float32())
    statistics = data.draw(st.booleans(), label="statistics")
    path = tmp_path / "x.parquet"
    pq.write_table(
        pa.table(columns), path, row_group_size=group, write_statistics=statistics
    )
    drop = data.draw(st.sampled_from([[], ["count"]]), label="drop")
    whole = agree(path, chunk, data, drop=drop, drop_missing=True)
    kept = ~np.isnan(x).any(axis=1)
    np.testing.assert_array_equal(whole.values[:, : x.shape[1]], x[kept])
    assert whole.values.dtype == (x.dtype if drop else np.float64)


def test_a_row_group_of_any_size_is_read_in_pieces(tmp_path, rng):
    pa = pytest.importorskip("pyarrow")
    pq = pytest.importorskip("pyarrow.parquet")
    x = rng.standard_normal((8, 200_000))  # 13 MB in one row group
    table = pa.table({f"c{i}": column for i, column in enumerate(x)})
    pq.write_table(table, tmp_path / "x.parquet", use_dictionary=False)
    del table
    source = stream(tmp_path / "x.parquet", 1000)
    before = pa.total_allocated_bytes()
    most = max(pa.total_allocated_bytes() for _ in source.blocks())
    assert most - before < 6e6
