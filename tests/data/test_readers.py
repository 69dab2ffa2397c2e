import io
import pickle

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from isthmus.core import DataError, DataNotFound, DataWarning
from isthmus.data import load, read_spectrum, without_constant_columns
from isthmus.data.builtin import find_builtin

shapes = st.tuples(st.integers(10, 30), st.integers(1, 6))
finite = st.floats(-1e6, 1e6, width=32)
anywhere = settings(suppress_health_check=[HealthCheck.function_scoped_fixture])


@anywhere
@given(
    x=hnp.arrays(np.float32, shapes, elements=finite), kind=st.sampled_from(["npy", "npz"])
)
def test_numpy_files_come_back_bit_by_bit(x, kind, tmp_path):
    path = tmp_path / f"x.{kind}"
    np.save(path, x) if kind == "npy" else np.savez(path, rows=x)
    back = load(path)
    np.testing.assert_array_equal(back.values, x)
    assert back.values.dtype == x.dtype


@anywhere
@given(
    x=hnp.arrays(np.float64, shapes, elements=st.floats(-1e12, 1e12)), header=st.booleans()
)
def test_csv_comes_back_bit_by_bit(x, header, tmp_path):
    lines = [",".join(repr(float(v)) for v in row) for row in x]
    names = [f"a {i}" for i in range(x.shape[1])]
    path = tmp_path / "x.csv"
    path.write_text("\n".join([",".join(names)] * header + lines) + "\n")
    back = load(path)
    np.testing.assert_array_equal(back.values, x)
    if header:
        assert back.column_names == tuple(names)


def test_images_are_flattened_and_remembered(tmp_path):
    np.save(tmp_path / "x.npy", np.zeros((12, 3, 5), np.float32))
    back = load(tmp_path / "x.npy")
    assert back.values.shape == (12, 15)
    assert back.sample_shape == (3, 5)


def test_npz_with_a_key_and_without(tmp_path):
    path = tmp_path / "two.npz"
    np.savez(path, a=np.zeros((12, 2)), b=np.ones((12, 3)))
    assert load(f"{path}:b").values.shape == (12, 3)
    with pytest.raises(DataError, match=r"several arrays.*a \(12, 2\), b \(12, 3\)"):
        load(path)
    with pytest.raises(DataError, match=r"no array 'c'; it has a \(12, 2\), b"):
        load(f"{path}:c")


def csv_file(folder, text):
    path = folder / "x.csv"
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    return path


def numbered(n=12):
    return "".join(f"{i},{i * i}\n" for i in range(n))


def test_csv_text_columns_are_left_out_and_named(tmp_path):
    text = "id,kind,size\n" + "".join(f"{i},{'ab'[i % 2]},{i / 2}\n" for i in range(12))
    back = load(csv_file(tmp_path, "\ufeff" + text.replace("\n", "\r\n") + "\r\n"))
    assert back.column_names == ("id", "size")
    assert back.left_out == ("kind (not numbers)",)
    assert back.values[3].tolist() == [3.0, 1.5]


def test_csv_quotes_and_blank_lines(tmp_path):
    back = load(csv_file(tmp_path, '"a, b","c"\n\n' + numbered() + "\n\n"))
    assert back.column_names == ("a, b", "c")
    assert back.values.shape == (12, 2)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("a,b\n" + numbered() + "5,\n", "line 14, column 'b' is ''"),
        ("a,b\n" + numbered() + "nan,4\n", "line 14, column 'a' is 'nan'"),
        (numbered() + "1,2,3\n", "line 13 has 3"),
        ("", "must not be empty"),
        ("a,b\n", "header only"),
        ("a,b\n" + "x,y\n" * 12, "column of numbers"),
        (numbered(5), "at least 10 rows; got 5"),
        (b"\xff\xfe\x00" * 20, "UTF-8"),
        ("a,b\n" + numbered() + "inf,1\n", "line 14, column 'a' is 'inf'"),
    ],
)
def test_csv_that_cannot_be_used(text, words, tmp_path):
    with pytest.raises(DataError, match=words):
        load(csv_file(tmp_path, text))


class Bomb:
    def __reduce__(self):
        return (pytest.fail, ("it was unpickled",))


def test_objects_are_never_unpickled(tmp_path):
    np.save(tmp_path / "x.npy", np.array([[Bomb()]] * 12), allow_pickle=True)
    np.savez(tmp_path / "y.npz", x=np.array([[Bomb()]] * 12))
    (tmp_path / "z.npy").write_bytes(pickle.dumps([Bomb()]))
    for name in ("x.npy", "y.npz", "z.npy"):
        with pytest.raises(DataError, match="never unpickled"):
            load(tmp_path / name)


@pytest.mark.parametrize("keep", [0, 5, 40, 300])
@pytest.mark.parametrize("kind", ["npy", "npz"])
def test_truncated_files(keep, kind, tmp_path):
    buffer = io.BytesIO()
    (np.save if kind == "npy" else np.savez)(
        buffer, np.random.default_rng(0).random((30, 30))
    )
    path = tmp_path / f"x.{kind}"
    path.write_bytes(buffer.getvalue()[:keep])
    with pytest.raises(DataError, match="empty|cut short|never unpickled"):
        load(path)


def test_a_flipped_byte_in_an_archive(tmp_path):
    path = tmp_path / "x.npz"
    np.savez(path, x=np.random.default_rng(0).random((30, 30)))
    raw = bytearray(path.read_bytes())
    raw[len(raw) // 2] ^= 0xFF
    path.write_bytes(bytes(raw))
    with pytest.raises(DataError, match="damaged"):
        load(path)


@pytest.mark.parametrize(
    ("array", "words"),
    [
        (np.zeros((0, 3)), "must not be empty"),
        (np.zeros((12, 0)), "must not be empty"),
        (np.zeros((9, 3)), "at least 10 rows; got 9"),
        (np.zeros(30), "Reshape a single column"),
        (np.float64(3), "rows and columns"),
        (np.full((12, 2), "a"), "text"),
        (np.full((12, 2), b"a"), "text"),
        (np.zeros((12, 2), complex), "complex"),
        (np.full((12, 2), None), "Python objects"),
        (np.zeros((12, 2), "M8[s]"), "dates"),
        (np.zeros(12, [("a", float), ("b", float)]), "records"),
        (np.full((12, 2), 1e200), "small enough to square"),
        (np.full((12, 2), np.nan), "row 0, 'column 0' is nan"),
    ],
)
def test_arrays_that_cannot_be_used(array, words):
    with pytest.raises(DataError, match=words):
        load(array)


def test_a_bad_entry_is_named():
    x = np.zeros((5000, 4))
    x[4321, 2] = -np.inf
    with pytest.raises(DataError, match="row 4321, 'column 2' is -inf"):
        load(x)


@pytest.mark.parametrize(
    ("dtype", "target"),
    [
        ("uint8", "float32"),
        ("int64", "float64"),
        ("float16", "float32"),
        ("bool", "float32"),
    ],
)
def test_integers_and_half_precision_are_converted(dtype, target):
    with pytest.warns(DataWarning, match=f"{dtype}; converted to {target}"):
        assert load(np.eye(12).astype(dtype)).values.dtype == target


def test_big_endian_is_read():
    assert load(np.eye(12).astype(">f8")).values.dtype == np.float64


def test_constant_columns_are_left_out_and_named():
    x = np.random.default_rng(0).random((20, 9))
    x[:, 1:8] = 3.0
    with pytest.warns(
        DataWarning, match="7 of 9 columns are constant.*column 5 and 2 more"
    ):
        small = without_constant_columns(load(x))
    assert small.column_names == ("column 0", "column 8")
    assert small.left_out[0] == "column 1 (constant)"
    np.testing.assert_array_equal(small.full_rows(small.values), x)


def test_all_constant():
    with pytest.raises(DataError, match="every one of its 3 columns is constant"):
        without_constant_columns(load(np.ones((12, 3))))


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("digit", "Did you mean digits"),
        ("gausian", "Did you mean gaussian"),
        ("nonsense", "Built-in: annulus, cifar10, circle, clifford-torus, coil20"),
        ("no/such/file.npy", "no such file"),
        ("nothing.csv", "no such file"),
    ],
)
def test_names_that_are_not_there(name, words):
    with pytest.raises(DataNotFound, match=words):
        load(name)


def test_a_near_file_is_suggested(tmp_path):
    csv_file(tmp_path, numbered())
    with pytest.raises(DataNotFound, match="Did you mean x.csv"):
        load(tmp_path / "y.csv")


def test_folders_and_unknown_endings(tmp_path):
    with pytest.raises(DataError, match="is a folder"):
        load(tmp_path)
    (tmp_path / "x.xlsx").write_bytes(b"1")
    with pytest.raises(DataError, match="must end in .csv, .npy, .npz"):
        load(tmp_path / "x.xlsx")


def test_built_ins(tmp_path, monkeypatch):
    assert load("digits").values.shape == (1797, 64)
    gaussian = load("gaussian").values
    assert gaussian.shape == (20_000, 64)
    assert abs(gaussian.var() - 1) < 0.01
    # 1.28 million values: standard errors of the shares 3e-4 and 4e-4, of the mean square
    # 0.5 % (sparse Gaussians) and 0.06 % (sparse signs).
    for name, density, tolerance in (
        ("sparse-gaussian", 0.1, 0.025),
        ("sparse-rademacher", 0.7, 0.003),
    ):
        sparse = load(name).values
        assert sparse.shape == (5000, 256)
        np.testing.assert_array_equal(sparse, load(name).values)
        assert abs(np.mean(sparse != 0) - density) < 0.002
        assert abs(np.mean(sparse**2) - 1) < tolerance
    assert np.unique(np.abs(sparse)).size == 2
    monkeypatch.delenv("ISTHMUS_DATA", raising=False)
    with pytest.raises(DataNotFound, match="ISTHMUS_DATA/mnist.npz"):
        load("mnist")
    np.savez(tmp_path / "mnist.npz", x_train=np.zeros((12, 28, 28), np.uint8))
    monkeypatch.setenv("ISTHMUS_DATA", str(tmp_path))
    with pytest.warns(DataWarning, match="uint8"):
        assert load("mnist").sample_shape == (28, 28)
    with pytest.raises(DataNotFound, match="no such file"):
        load("fashion-mnist")


def test_objects_seen_from_many_sides_become_rows(tmp_path, monkeypatch):
    monkeypatch.setenv("ISTHMUS_DATA", str(tmp_path))
    images = np.arange(3 * 4 * 5 * 6, dtype=np.float32).reshape(3, 4, 5, 6)
    np.savez(tmp_path / "coil20.npz", images=images)
    back = load("coil20")
    assert (back.name, back.sample_shape) == ("coil20", (5, 6))
    np.testing.assert_array_equal(back.values, images.reshape(12, 30))


def test_sets_of_the_ucr_archive(tmp_path, monkeypatch):
    monkeypatch.setenv("ISTHMUS_DATA", str(tmp_path))
    assert find_builtin("ucr/x.csv") is None
    with pytest.raises(DataNotFound, match="ucr_subset.npz.*originals: https://www.cs.ucr"):
        load("ucr/Trace")
    sets = [f"Set{i}" for i in range(8)] + ["ECG200"]
    arrays = {f"{s}/x_train": np.full((12, 4), i / 2) for i, s in enumerate(sets)}
    arrays["Trace/x_test"] = np.zeros((12, 4))
    arrays["Set3/x_train"][5, 2] = np.nan
    np.savez(tmp_path / "ucr_subset.npz", **arrays)
    back = load("ucr/Set2")
    assert (back.name, back.values[0, 0]) == ("ucr/Set2", 1.0)
    with pytest.warns(DataWarning, match="1 of 12 rows has missing"):
        assert load("ucr/Set3", drop_missing=True).n_rows_dropped == 1
    with pytest.raises(DataNotFound, match="no set 'ecg20'. Did you mean ucr/ECG200"):
        load("ucr/ecg20")
    for name in ("ucr/Trace", "ucr/", "ucr"):
        with pytest.raises(DataNotFound, match="It has Set0, Set1.* and 3 more"):
            load(name)
    (tmp_path / "ucr_subset.npz").write_bytes(b"PK")
    with pytest.raises(DataError, match="damaged"):
        load("ucr/Set2")


def test_spectrum_files(tmp_path):
    np.save(tmp_path / "a.npy", np.arange(3.0))
    (tmp_path / "b.txt").write_text("3\n2\n1\n")
    assert read_spectrum(tmp_path / "a.npy").tolist() == [0.0, 1.0, 2.0]
    assert read_spectrum(tmp_path / "b.txt").tolist() == [3.0, 2.0, 1.0]
    (tmp_path / "c.txt").write_text("three\n")
    (tmp_path / "d.txt").write_text("")
    for name in ("c.txt", "d.txt"):
        with pytest.raises(DataError, match="must hold eigenvalues"):
            read_spectrum(tmp_path / name)
    with pytest.raises(DataNotFound, match="no such file"):
        read_spectrum(tmp_path / "e.txt")
