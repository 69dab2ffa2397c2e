"""Files read block by block: the same rows as load, and the same refusals."""

import io
import zipfile

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from isthmus.core import DataError, DataNotFound, DataWarning, ValueOutOfRange
from isthmus.data import load, stream

anywhere = settings(suppress_health_check=[HealthCheck.function_scoped_fixture])


def put_together(source):
    return np.concatenate([block.copy() for block in source.blocks()])


def written(folder, kind, x):
    path = folder / f"x.{kind.split('-')[0]}"
    if kind == "npy":
        np.save(path, x)
    elif kind == "csv":
        lines = [",".join(repr(float(v)) for v in row) for row in x]
        path.write_text("\n".join(lines))
    else:
        (np.savez_compressed if kind.endswith("small") else np.savez)(path, x=x)
    return path


@anywhere
@given(
    seed=st.integers(0, 2**31),
    n_rows=st.integers(10, 40),
    chunk=st.integers(1, 50),
    kind=st.sampled_from(["npy", "npz", "npz-small", "csv"]),
)
def test_blocks_are_the_rows_that_load_reads(seed, n_rows, chunk, kind, tmp_path):
    x = np.random.default_rng(seed).standard_normal((n_rows, 3))
    source = stream(written(tmp_path, kind, x), chunk)
    sizes = [block.shape[0] for block in source.blocks()]
    assert sizes == [chunk] * (n_rows // chunk) + [n_rows % chunk] * (n_rows % chunk > 0)
    for _ in range(2):  # as often as one likes
        np.testing.assert_array_equal(put_together(source), x)
    assert source.n_rows == (None if kind == "csv" else n_rows)
    assert source.column_names == load(source.path).column_names


@pytest.mark.parametrize("kind", ["npy", "npz", "npz-small"])
@pytest.mark.parametrize("dtype", [">f4", "<f4", ">f8", "f2", "u1", ">i2", "i8", "?"])
def test_types_become_what_load_makes_of_them(dtype, kind, tmp_path, rng):
    x = rng.integers(0, 2 if dtype == "?" else 99, (13, 2, 3)).astype(dtype)
    path = written(tmp_path, kind, x)
    floats = np.dtype(dtype).kind == "f" and np.dtype(dtype).itemsize > 2
    if floats:
        source, whole = stream(path, 5), load(path)
    else:
        with pytest.warns(DataWarning, match="converted to float") as told:
            source = stream(path, 5)
        with pytest.warns(DataWarning) as told_by_load:
            whole = load(path)
        assert (
            str(told[0].message).split("holds")[1]
            == (str(told_by_load[0].message).split("holds")[1])
        )
    got = put_together(source)
    np.testing.assert_array_equal(got, whole.values)
    assert got.dtype == whole.values.dtype == source.dtype
    assert got.dtype.isnative
    assert (source.sample_shape, source.n_columns) == (whole.sample_shape, 6) == ((2, 3), 6)


@pytest.mark.parametrize("kind", ["npy", "npz", "npz-small", "csv"])
def test_some_rows_only(kind, tmp_path, rng):
    x = rng.standard_normal((30, 4))
    source = stream(written(tmp_path, kind, x), 7)
    for wanted in ([], [0], [29], [0, 1, 2, 6, 7, 20, 21], list(range(30))):
        np.testing.assert_array_equal(source.rows(np.array(wanted, dtype=int)), x[wanted])
    for wrong in ([3, 3], [4, 2], [0.5], [[1]], [-1, 2], [5, 30]):
        with pytest.raises(ValueOutOfRange, match="ascending|must be"):
            source.rows(wrong)


def test_rows_of_a_file_are_read_nowhere_else(tmp_path, rng):
    x = rng.standard_normal((30, 4)).astype(">f4")
    x[11, 2] = np.nan
    np.save(tmp_path / "x.npy", x)
    source = stream(tmp_path / "x.npy", 4)
    np.testing.assert_array_equal(source.rows([3, 4, 12]), x[[3, 4, 12]])
    with pytest.raises(DataError, match=r"row 11, 'column 2' is nan"):
        source.rows([3, 11])
    with pytest.raises(DataError, match=r"row 11, 'column 2' is nan"):
        put_together(source)


def test_a_block_shares_its_memory_with_the_next(tmp_path):
    np.save(tmp_path / "x.npy", np.arange(60.0).reshape(20, 3))
    blocks = stream(tmp_path / "x.npy", 10).blocks()
    assert np.shares_memory(next(blocks), next(blocks))


@pytest.mark.parametrize(
    ("array", "words"),
    [
        (np.zeros((0, 3)), "must not be empty"),
        (np.zeros((12, 0)), "must not be empty"),
        (np.zeros((9, 3)), "at least 10 rows; got 9"),
        (np.zeros(30), "Reshape a single column"),
        (np.float64(3), "rows and columns"),
        (np.full((12, 2), "a"), "text"),
        (np.zeros((12, 2), complex), "complex"),
        (np.full((12, 2), None), "never unpickled"),
        (np.zeros((12, 2), "M8[s]"), "dates"),
        (np.zeros(12, [("a", "f4")]), "records"),
    ],
)
@pytest.mark.parametrize("kind", ["npy", "npz", "npz-small"])
def test_the_header_is_refused_as_load_refuses_the_array(kind, array, words, tmp_path):
    path = written(tmp_path, kind, array)
    with pytest.raises(DataError, match=words):
        stream(path)
    with pytest.raises(DataError, match=words):
        load(path)


def test_a_file_in_fortran_order_says_what_to_do(tmp_path, rng):
    x = rng.standard_normal((12, 3))
    np.save(tmp_path / "x.npy", np.asfortranarray(x))
    np.savez(tmp_path / "y.npz", x=np.asfortranarray(x))
    for name in ("x.npy", "y.npz"):
        with pytest.raises(DataError, match=r"Fortran order. Save np.ascontiguousarray"):
            stream(tmp_path / name)
    np.save(tmp_path / "z.npy", x[:, :1])
    raw = (tmp_path / "z.npy").read_bytes()
    (tmp_path / "z.npy").write_bytes(raw.replace(b"order': False", b"order': True "))
    np.testing.assert_array_equal(put_together(stream(tmp_path / "z.npy")), x[:, :1])


@pytest.mark.parametrize("keep", [0, 5, 40, 300])
@pytest.mark.parametrize("save", [np.save, np.savez, np.savez_compressed])
def test_truncated_files(keep, save, tmp_path):
    buffer = io.BytesIO()
    save(buffer, np.random.default_rng(0).random((30, 30)))
    path = tmp_path / ("x.npy" if save is np.save else "x.npz")
    path.write_bytes(buffer.getvalue()[:keep])
    with pytest.raises(DataError, match="empty|cut short"):
        stream(path)


def test_a_file_that_shrinks_after_it_was_opened(tmp_path, rng):
    np.save(tmp_path / "x.npy", rng.random((30, 5)))
    source = stream(tmp_path / "x.npy", 10)
    raw = (tmp_path / "x.npy").read_bytes()
    (tmp_path / "x.npy").write_bytes(raw[:-100])
    with pytest.raises(DataError, match="cut short"):
        put_together(source)
    with pytest.raises(DataError, match="cut short"):
        source.rows([0, 29])


@pytest.mark.parametrize("save", [np.save, np.savez, np.savez_compressed])
@pytest.mark.filterwarnings("ignore")
def test_flipped_bytes_never_end_in_a_traceback(save, tmp_path, rng):
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
            put_together(stream(path, 8))
        except DataError as error:
            refused.append(str(error))
    assert len(refused) > 50
    assert not any("\n" in message for message in refused)


@pytest.mark.parametrize(
    "shape", [(10**12, 10), (10**22, 10), (12, 10**12), (-12, 3), (12, -3)]
)
def test_headers_that_promise_what_is_not_there(shape, tmp_path):
    header = f"{{'descr': '<f8', 'fortran_order': False, 'shape': {shape}, }}\n"
    raw = b"\x93NUMPY\x01\x00" + len(header).to_bytes(2, "little") + header.encode()
    (tmp_path / "x.npy").write_bytes(raw)
    with pytest.raises(DataError, match="damaged"):
        stream(tmp_path / "x.npy")
    with zipfile.ZipFile(tmp_path / "x.npz", "w") as archive:
        archive.writestr("x.npy", raw)
    with pytest.raises(DataError, match="damaged"):
        stream(tmp_path / "x.npz")


def test_blocks_that_cannot_fit_are_refused_before_they_are_made(tmp_path):
    header = "{'descr': '<f8', 'fortran_order': False, 'shape': (1000000, 1000000), }\n"
    raw = b"\x93NUMPY\x01\x00" + len(header).to_bytes(2, "little") + header.encode()
    with (tmp_path / "x.npy").open("wb") as file:
        file.write(raw)
        file.truncate(len(raw) + 8 * 10**12)  # a hole
    assert stream(tmp_path / "x.npy").chunk == 2
    with pytest.raises(ValueOutOfRange, match=r"chunk=...\)` must fit into memory"):
        stream(tmp_path / "x.npy", 10**6)


def test_which_array_of_an_archive(tmp_path):
    np.savez(tmp_path / "x.npz", a=np.zeros((12, 2)), b=np.ones((12, 3)))
    assert stream(f"{tmp_path}/x.npz:b").name == "x.npz:b"
    with pytest.raises(DataError, match="several arrays"):
        stream(tmp_path / "x.npz")
    with pytest.raises(DataError, match="no array 'c'"):
        stream(f"{tmp_path}/x.npz:c")


def numbered(n=12):
    return "".join(f"{i},{i * i}\n" for i in range(n))


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "must not be empty"),
        ("a,b\n", "header only"),
        ("a,b\n" + numbered(9), "at least 10 rows; got 9"),
        ("a,b\n" + numbered(30) + "1,2,3\n", "line 32 has 3"),
        ("a,b\n" + numbered(30) + "1\n", "line 32 has 1"),
        ("a,b\n" + numbered(30) + "5,\n", "line 32, column 'b' is ''"),
        ("a,b\n\n" + numbered(1000) + "word,4\n", "line 1003, column 'a' is 'word'"),
        ("a,b\n" + numbered(1000) + '"wo\nrd",4\n', r"line 1003, .* 'wo\\nrd'"),
        (numbered(30) + "4,inf\n", "line 31, column 'column 1' is 'inf'"),
        (numbered(30) + '4,"2\n', "line 31"),
        (numbered(30) + "4,1e300\n", "small enough to square"),
        (numbered(30).encode() + b"4,\xff\n", "UTF-8"),
    ],
)
@pytest.mark.parametrize("chunk", [1, 8, 1000])
def test_csv_that_cannot_be_used(text, words, chunk, tmp_path):
    path = tmp_path / "x.csv"
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    with pytest.raises(DataError, match=words):
        put_together(stream(path, chunk))


def test_csv_with_a_header_quotes_and_blank_lines(tmp_path):
    path = tmp_path / "x.csv"
    path.write_text('\ufeff"a, b","c"\r\n\r\n' + numbered(10) + '\n \n"7",8\n\n', "utf-8")
    source = stream(path, 4)
    assert source.column_names == ("a, b", "c")
    got = put_together(source)
    assert got[-1].tolist() == [7.0, 8.0]
    np.testing.assert_array_equal(got, load(path).values)
    with pytest.raises(ValueOutOfRange, match="below its 11 rows; got 11"):
        source.rows([0, 11])


def test_sources_that_are_no_files_to_stream(tmp_path, monkeypatch, rng):
    monkeypatch.setenv("ISTHMUS_DATA", str(tmp_path))
    with pytest.raises(
        DataNotFound, match=r"mnist.npz \(array 'x_train'\); .* no such file"
    ):
        stream("mnist")
    np.savez(tmp_path / "mnist.npz", x_train=rng.random((20, 4, 4)))
    assert stream("mnist").sample_shape == (4, 4)
    with pytest.raises(DataError, match="`digits` is no array of rows in a file; use load"):
        stream("digits")
    with pytest.raises(DataNotFound, match="no such file"):
        stream(tmp_path / "no.npy")
    (tmp_path / "x.txt").write_text("1")
    with pytest.raises(DataError, match="must end in"):
        stream(tmp_path / "x.txt")
    np.save(tmp_path / "x.npy", np.eye(12))
    with pytest.raises(ValueOutOfRange, match=r"chunk=...\)` must be at least 1"):
        stream(tmp_path / "x.npy", 0)
    for name in ("x.npy", "c.csv"):
        (tmp_path / "c.csv").write_text(numbered())
        with pytest.raises(DataError, match="has no parts"):
            stream(f"{tmp_path}/{name}:a")
