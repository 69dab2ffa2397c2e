"""Columns of choice, text and gaps in streams: as load has them."""

import warnings

import numpy as np
import pytest

from isthmus.core import DataError, DataNotFound, DataWarning, as_rng
from isthmus.data import load, sample_stream, stream
from isthmus.data.builtin import MADE, NAMES
from isthmus.data.stream_text import HEAD_ROWS

ENDINGS = ("npy", "npz", "csv", "parquet")


def put_together(source):
    blocks = [block.copy() for block in source.blocks()]
    return np.concatenate(blocks)


def written(folder, kind, x):
    """Write rows whose columns are called column 0, column 1, ..."""
    path = folder / f"x.{kind}"
    names = [f"column {i}" for i in range(x.shape[1])]
    if kind == "npy":
        np.save(path, x)
    elif kind == "npz":
        np.savez_compressed(path, x=x)
    elif kind == "csv":
        cells = [["" if np.isnan(v) else repr(float(v)) for v in row] for row in x]
        path.write_text("\n".join(",".join(row) for row in [names, *cells]))
    else:
        pa = pytest.importorskip("pyarrow")
        pq = pytest.importorskip("pyarrow.parquet")
        columns = {
            n: pa.array(c, from_pandas=True) for n, c in zip(names, x.T, strict=True)
        }
        pq.write_table(pa.table(columns), path, row_group_size=7)
    return path


@pytest.fixture
def gappy(rng):
    x = rng.standard_normal((30, 4))
    x[2, 1] = x[7, 3] = x[19, :2] = np.nan
    x[21:24, 2] = np.nan
    return x


@pytest.mark.parametrize("kind", ENDINGS)
@pytest.mark.parametrize("chunk", [1, 3, 100])
@pytest.mark.parametrize(
    "choice",
    [
        {"columns": ["column 0"], "drop_missing": True},
        {"drop": ["column 1"], "drop_missing": True},
        {"columns": ["column 3", "column 0"], "drop_missing": True},
        {"drop_missing": True},
    ],
)
def test_rows_with_gaps_are_left_out_as_load_does(kind, chunk, choice, gappy, tmp_path):
    path = written(tmp_path, kind, gappy)
    source = stream(path, chunk, **choice)
    assert (source.n_rows, source.n_rows_dropped) == (None, None)
    with pytest.warns(DataWarning, match="left out") as told:
        whole = load(path, **choice)
    with pytest.warns(DataWarning, match="left out") as told_by_stream:
        got = put_together(source)
    assert [str(w.message) for w in told] == [str(w.message) for w in told_by_stream]
    np.testing.assert_array_equal(got, whole.values)
    assert (source.column_names, source.left_out) == (whole.column_names, whole.left_out)
    assert source.n_rows_dropped == whole.n_rows_dropped > 0
    np.testing.assert_array_equal(put_together(source), got)  # and tells it once
    wanted = [0, 3, 4, len(got) - 1]
    np.testing.assert_array_equal(source.rows(wanted), got[wanted])


@pytest.mark.parametrize("kind", ENDINGS)
def test_a_gap_that_is_not_left_out_is_named_as_load_does(kind, gappy, tmp_path):
    path = written(tmp_path, kind, gappy)
    for choice in ({}, {"drop": ["column 1"]}, {"columns": ["column 2", "column 3"]}):
        with pytest.raises(DataError, match="missing|nan") as by_load:
            load(path, **choice)
        with pytest.raises(DataError) as by_stream:
            put_together(stream(path, 4, **choice))
        assert str(by_load.value) == str(by_stream.value)


@pytest.mark.parametrize("kind", ENDINGS)
def test_columns_of_choice_without_gaps(kind, rng, tmp_path):
    x = rng.standard_normal((20, 6)).astype(np.float32)
    path = written(tmp_path, kind, x)
    for kept in ([0], [1, 2, 3], [0, 2, 5], list(range(6))):
        source = stream(path, 6, columns=[f"column {i}" for i in kept])
        np.testing.assert_array_equal(put_together(source), x[:, kept])
        np.testing.assert_array_equal(source.rows([3, 4, 17]), x[[3, 4, 17]][:, kept])
        assert source.n_rows == (None if kind == "csv" else 20)
        assert source.n_rows_dropped == 0
    for choice, words in [
        ({"drop": ["colum 1"]}, "no column 'colum 1'. Did you mean column 1"),
        ({"columns": "column 1"}, r"`stream\(columns=...\)` must be a list"),
        ({"drop": [f"column {i}" for i in range(6)]}, "must keep a column"),
    ]:
        with pytest.raises(DataError, match=words):
            stream(path, **choice)


def test_images_lose_their_shape_only_when_columns_go(tmp_path, rng):
    np.save(tmp_path / "x.npy", rng.standard_normal((20, 3, 2)))
    assert stream(tmp_path / "x.npy").sample_shape == (3, 2)
    assert stream(tmp_path / "x.npy", drop_missing=True).sample_shape == (3, 2)
    assert stream(tmp_path / "x.npy", drop=["column 0"]).sample_shape is None


def test_whole_numbers_have_no_gaps_to_leave_out(tmp_path):
    np.save(tmp_path / "x.npy", np.arange(40).reshape(20, 2))
    with pytest.warns(DataWarning, match="int64"):
        source = stream(tmp_path / "x.npy", drop_missing=True)
    assert (source.n_rows, source.n_rows_dropped) == (20, 0)


def test_a_block_shares_its_memory_when_rows_are_left_out(tmp_path, gappy):
    blocks = stream(written(tmp_path, "npy", gappy), 10, drop_missing=True).blocks()
    assert np.shares_memory(next(blocks), next(blocks))


@pytest.mark.parametrize("kind", ENDINGS)
def test_too_few_complete_rows(kind, gappy, tmp_path):
    gappy[:25, 2] = np.nan
    source = stream(written(tmp_path, kind, gappy), 4, drop_missing=True)
    with pytest.raises(DataError, match="25 of 30 have missing.*25 of them in 'column 2'"):
        put_together(source)


def test_infinity_is_no_gap(gappy, tmp_path):
    gappy[11, 2] = np.inf
    with pytest.raises(DataError, match="row 11, 'column 2' is inf"):
        put_together(stream(written(tmp_path, "npy", gappy), 5, drop_missing=True))


def text_table(n_rows):
    lines = [f'{i},"a, {i}",{i / 4},word\n' for i in range(n_rows)]
    return "id,kind,size,note\n" + "".join(lines)


@pytest.mark.parametrize("chunk", [1, 7, 2000])
def test_text_columns_are_left_out_and_named(chunk, tmp_path):
    path = tmp_path / "x.csv"
    path.write_text(text_table(40))
    source, whole = stream(path, chunk), load(path)
    assert source.left_out == whole.left_out == ("kind (not numbers)", "note (not numbers)")
    np.testing.assert_array_equal(put_together(source), whole.values)
    only = stream(path, chunk, columns=["size"])
    assert only.left_out == load(path, columns=["size"]).left_out
    np.testing.assert_array_equal(only.rows([0, 39]), [[0.0], [39 / 4]])


def test_quotes_over_several_lines_fill_whole_blocks(tmp_path):
    path = tmp_path / "x.csv"
    path.write_text(
        "a,note,b\n" + "".join(f'{i},"one\n\ntwo",{-i}\n' for i in range(25)) + "\n"
    )
    source = stream(path, 10)
    assert [block.shape[0] for block in source.blocks()] == [10, 10, 5]
    np.testing.assert_array_equal(put_together(source), load(path).values)


@pytest.mark.parametrize("line", ["1,word\n", "1,word,2,3\n"])
def test_ragged_lines_are_seen_beside_text_that_is_not_read(line, tmp_path):
    path = tmp_path / "x.csv"
    path.write_text("a,b,c\n" + "1,word,2\n" * HEAD_ROWS + "3,word,4\n" * 20 + line)
    with pytest.raises(DataError, match=f"line {HEAD_ROWS + 22} has {line.count(',') + 1}"):
        put_together(stream(path, 8))


def test_the_first_rows_tell_what_is_text(tmp_path):
    path = tmp_path / "x.csv"
    path.write_text("a,b,c\n" + "1,,2\n" * HEAD_ROWS + "1,3,2\n")
    assert stream(path).left_out == ("b (no number in the first 1000 rows)",)
    path.write_text("a,b\n" + "1,2\n" * HEAD_ROWS + "1,late\n")
    message = (
        r"line 1002, column 'b' is 'late'. Leave the column out \(--drop, drop=\['b'\]"
    )
    with pytest.raises(DataError, match=message):
        put_together(stream(path))
    assert put_together(stream(path, drop=["b"])).shape == (HEAD_ROWS + 1, 1)
    path.write_text("a,b\n" + "x,y\n" * 20)
    with pytest.raises(DataError, match="column of numbers; all are text"):
        stream(path)


def test_samples_of_a_table_with_gaps(gappy, tmp_path):
    source = stream(written(tmp_path, "csv", gappy), 4, drop_missing=True)
    with pytest.warns(DataWarning, match="6 of 30 rows have missing values"):
        train, test = sample_stream(source, rng=as_rng(0))
    both = np.concatenate([train, test])
    whole = gappy[~np.isnan(gappy).any(axis=1)]
    np.testing.assert_array_equal(both[np.lexsort(both.T)], whole[np.lexsort(whole.T)])


def test_built_ins_that_are_files(tmp_path, monkeypatch, rng):
    monkeypatch.setenv("ISTHMUS_DATA", str(tmp_path))
    images = rng.random((3, 5, 4, 2))
    np.savez_compressed(tmp_path / "coil20.npz", images=images)
    np.savez(tmp_path / "ucr_subset.npz", **{"CBF/x_train": images[0].reshape(5, 8)[:, :4]})
    source = stream("coil20", 4)
    assert (source.name, source.sample_shape, source.n_rows) == ("coil20", (4, 2), 15)
    np.testing.assert_array_equal(put_together(source), load("coil20").values)
    with pytest.raises(DataError, match="`ucr/CBF` must have at least 10 rows; got 5"):
        stream("ucr/CBF")
    np.savez(tmp_path / "ucr_subset.npz", **{"CBF/x_train": rng.random((12, 4))})
    np.testing.assert_array_equal(put_together(stream("ucr/CBF")), load("ucr/CBF").values)
    for name in ("ucr/CFB", "ucr"):
        with pytest.raises(DataNotFound, match="has no set"):
            stream(name)
    for name in NAMES:
        if name in (*MADE, "gene-counts"):
            with pytest.raises(DataError, match="use load, it fits"):
                stream(name)
        elif name not in ("coil20", "ucr/<Name>"):
            with pytest.raises(DataNotFound, match="no such file"):
                stream(name)


def test_warnings_of_a_pass_that_ends_early_are_not_told(gappy, tmp_path):
    source = stream(written(tmp_path, "npy", gappy), 10, drop_missing=True)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        next(source.blocks())
    assert source.n_rows_dropped is None
