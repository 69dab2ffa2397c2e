"""Sparse matrices in .npz archives."""

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from scipy import sparse

from isthmus.core import DataError, DataNotFound, DataWarning
from isthmus.data import load, stream
from isthmus.data import sparse as reader


def counts(rng, shape=(30, 8), dtype=np.int64):
    x = rng.poisson(0.3, shape).astype(dtype)
    x[0] = 0
    return x


def save_parts(path, matrix, **changed):
    parts = {
        "data": matrix.data,
        "indices": matrix.indices,
        "indptr": matrix.indptr,
        "shape": np.array(matrix.shape),
    }
    np.savez(path, **{**parts, **changed})
    return path


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60)
@given(
    seed=st.integers(0, 2**31),
    dtype=st.sampled_from(["u1", "i2", "u2", "i8", "f4", "f8", "?"]),
    make=st.sampled_from(["bare", "csr_array", "csr_matrix", "csc_array", "csc_matrix"]),
)
def test_what_was_saved_comes_back(seed, dtype, make, tmp_path):
    x = counts(np.random.default_rng(seed), dtype=dtype)
    path = tmp_path / "x.npz"
    if make == "bare":
        save_parts(path, sparse.csr_array(x))
    else:
        sparse.save_npz(path, getattr(sparse, make)(x))
    found = f"{np.count_nonzero(x)} of 30 x 8 entries .* as float32"
    with pytest.warns(DataWarning, match=found):
        back = load(path)
    np.testing.assert_array_equal(back.values, x)
    assert back.values.dtype == np.float32
    with pytest.warns(DataWarning, match="30 x 2 entries"):
        few = load(path, columns=["column 5", "column 1"])
    np.testing.assert_array_equal(few.values, x[:, [1, 5]])
    assert few.left_out[0] == "column 0 (not asked for)"


def test_numbers_that_float32_would_change_stay_double(tmp_path, rng):
    x = np.where(rng.random((20, 5)) < 0.5, rng.standard_normal((20, 5)), 0.0)
    path = save_parts(tmp_path / "x.npz", sparse.csr_array(x))
    with pytest.warns(DataWarning, match="as float64"):
        np.testing.assert_array_equal(load(path).values, x)
    large = np.full((20, 2), 2**24 + 1)
    with pytest.warns(DataWarning, match="as float64"):
        assert load(save_parts(path, sparse.csr_array(large))).values.max() == 2**24 + 1


def test_entries_that_come_twice_add_up(tmp_path):
    path = tmp_path / "x.npz"
    two = np.full(24, 200, np.uint8)
    np.savez(
        path,
        data=two,
        indices=np.repeat(np.arange(12) % 3, 2),
        indptr=np.arange(0, 25, 2),
        shape=[12, 3],
    )
    with pytest.warns(DataWarning, match="12 of 12 x 3"):
        values = load(path).values
    np.testing.assert_array_equal(values, 400 * np.eye(3)[np.arange(12) % 3])


def test_gaps_are_named_or_left_out(tmp_path, rng):
    x = counts(rng, dtype=float)
    x[4, 3] = np.nan
    path = save_parts(tmp_path / "x.npz", sparse.csr_array(x))
    with (
        pytest.warns(DataWarning, match="sparse"),
        pytest.raises(DataError, match="row 4, 'column 3' is nan"),
    ):
        load(path)
    with pytest.warns(DataWarning, match="sparse|1 of 30 rows has missing"):
        back = load(path, drop_missing=True)
    np.testing.assert_array_equal(back.values, np.delete(x, 4, axis=0))


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"shape": np.array([-30, 8])}, r"`shape` must be two sizes; it is \[-30, 8\]"),
        ({"shape": np.array([30, 8, 1])}, "two sizes"),
        ({"shape": np.array([30.0, 8.0])}, "two sizes"),
        ({"shape": np.array([0, 8])}, r"not be empty; got shape \(0, 8\)"),
        ({"shape": np.array([31, 8])}, "`indptr` must have 32 numbers"),
        ({"shape": np.array([10**15, 8])}, "`indptr` must have 10+1 numbers"),
        ({"shape": np.array([30, 4])}, r"lie in 0 \.\.\. 3; got 0 \.\.\. 7"),
        ({"shape": np.array([30, 10**15])}, "into memory with its zeros; 30 x 10+ numbers"),
        ({"indptr": np.arange(31)[::-1]}, "`indptr` must ascend from 0"),
        ({"indptr": np.zeros(31, int)}, "`indptr` must ascend from 0"),
        ({"indptr": np.zeros(31)}, "must be whole numbers"),
        ({"data": np.ones(3)}, r"`data` has shape \(3,\)"),
        ({"data": np.array(["a"] * 3)}, "text"),
        ({"data": np.full(3, None)}, "never unpickled"),
        ({"format": np.array(b"coo")}, r"\(csr, csc\); got 'coo'. Save x.tocsr"),
        ({"format": np.array([1, 2])}, "got '"),
    ],
)
def test_parts_that_do_not_fit(changed, words, tmp_path, rng):
    path = save_parts(tmp_path / "x.npz", sparse.csr_array(counts(rng)), **changed)
    with pytest.raises(DataError, match=words) as caught:
        load(path)
    assert "\n" not in str(caught.value)


def test_an_index_out_of_range(tmp_path, rng):
    matrix = sparse.csr_array(counts(rng))
    for wrong in (-1, 8, 2**31 - 1):
        indices = matrix.indices.copy()
        indices[5] = wrong
        path = save_parts(tmp_path / "x.npz", matrix, indices=indices)
        with pytest.raises(DataError, match=r"`indices` must lie in 0 \.\.\. 7"):
            load(path)


@pytest.mark.parametrize("kind", ["coo_array", "dia_array", "bsr_array"])
def test_other_kinds_say_what_to_save(kind, tmp_path, rng):
    path = tmp_path / "x.npz"
    sparse.save_npz(path, getattr(sparse, kind)(counts(rng)))
    with pytest.raises(DataError, match=f"got '{kind[:3]}'. Save x.tocsr"):
        load(path)


def test_what_does_not_fit_into_memory_is_refused_with_numbers(tmp_path, rng, monkeypatch):
    path = save_parts(tmp_path / "x.npz", sparse.csr_array(counts(rng)))
    monkeypatch.setattr(reader, "available_memory", lambda: 30 * 8 * 4 - 1)
    with pytest.raises(DataError, match=r"30 x 8 numbers take .* GB are free. Keep fewer"):
        load(path)
    monkeypatch.setattr(reader, "available_memory", lambda: 30 * 7 * 4 + 100)
    with pytest.warns(DataWarning, match="30 x 7"):
        assert load(path, drop=["column 0"]).values.shape == (30, 7)


def test_streams_say_what_to_do_and_a_key_still_names_an_array(tmp_path, rng):
    path = save_parts(tmp_path / "x.npz", sparse.csr_array(counts(rng)), dense=np.eye(12))
    with pytest.raises(DataError, match="is a sparse matrix, which is not read in blocks"):
        stream(path)
    assert load(f"{path}:dense").values.shape == (12, 12)


def test_gene_counts_by_name(tmp_path, monkeypatch, rng):
    monkeypatch.setenv("ISTHMUS_DATA", str(tmp_path))
    with pytest.raises(DataNotFound, match=r"scrna_10k.npz \(sparse matrix\)"):
        load("gene-counts")
    x = counts(rng, dtype=np.uint16)
    save_parts(tmp_path / "scrna_10k.npz", sparse.csr_array(x), genes=np.full(8, "Rp1"))
    with pytest.warns(DataWarning, match="`gene-counts` is sparse"):
        back = load("gene-counts")
    assert back.name == "gene-counts"
    np.testing.assert_array_equal(back.values, x)
    np.savez(tmp_path / "ecg_mitbih100.npz", signal=np.eye(12), fs=360)
    assert (load("ecg").name, stream("ecg").name) == ("ecg", "ecg")
