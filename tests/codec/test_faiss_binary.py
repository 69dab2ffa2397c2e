import numpy as np
import pytest
from codec.faiss_cases import rows_about
from helpers import unchecked
from hypothesis import given, settings
from hypothesis import strategies as st

from isthmus.codec import encode_bits
from isthmus.codec.faiss import sign_codes, to_binary_index, train_index
from isthmus.core import ValueOutOfRange
from isthmus.core.bits import pack_signs
from isthmus.frames import hadamard

faiss = pytest.importorskip("faiss", reason="the extra faiss is not installed")


def nearest(codes, queries, k):
    """Hamming distances of the k nearest, counted sign by sign."""
    return np.sort((queries[:, None] != codes).sum(axis=2), axis=1)[:, :k]


@given(st.integers(1, 40), st.integers(1, 70), st.integers(0, 2**32 - 1))
@settings(max_examples=40)
def test_distances_are_hamming_distances(n_rows, n_code, seed):
    codes = np.random.default_rng(seed).choice([-1.0, 1.0], size=(n_rows, n_code))
    index = to_binary_index(codes)
    assert (index.ntotal, index.d) == (n_rows, 8 * -(-n_code // 8))
    distances, rows = index.search(pack_signs(codes), n_rows)
    np.testing.assert_array_equal(distances, nearest(codes, codes, n_rows))
    counted = (codes[:, None] != codes[rows]).sum(axis=2)
    np.testing.assert_array_equal(counted, distances)


def test_packed_codes_of_the_kernel():
    frame, rows = hadamard(64, 27, rng=0), rows_about(0.0)
    packed = encode_bits(frame, rows)
    signs = np.where(rows @ frame.to_dense().T >= 0, 1, -1)
    distances, _ = to_binary_index(packed).search(packed[:9], 20)
    both = to_binary_index(signs).search(packed[:9], 20)[0]
    np.testing.assert_array_equal(distances, both)
    np.testing.assert_array_equal(distances, nearest(signs, signs[:9], 20))


def test_bits_lie_as_in_lsh():
    rows = rows_about(0.0)
    index = train_index("LSHr", rows)
    index.add(rows)
    ours = to_binary_index(sign_codes(index).codes)
    queries = rows_about(0.0, 20, seed=3)
    distances, _ = ours.search(index.sa_encode(queries), 10)
    np.testing.assert_array_equal(distances, index.search(queries, 10)[0])


def test_files_of_faiss(tmp_path):
    codes = np.random.default_rng(0).choice([-1, 1], size=(30, 12))
    faiss.write_index_binary(to_binary_index(codes), str(tmp_path / "x"))
    again = faiss.read_index_binary(str(tmp_path / "x"))
    distances, _ = again.search(pack_signs(codes.astype(float)), 5)
    np.testing.assert_array_equal(distances, nearest(codes, codes, 5))


@pytest.mark.parametrize(
    ("codes", "told"),
    [
        (np.array([[0.0, 1.0]]), r"got float64 of shape \(1, 2\)\. Zeros and ones become"),
        (np.array([[np.nan, 1.0]]), "got float64"),
        (np.array([[True, False]]), "got bool"),
        (np.ones(8), r"of shape \(8,\)"),
        (np.ones((0, 8)), r"of shape \(0, 8\)"),
        (np.zeros((3, 0), np.uint8), r"of shape \(3, 0\)"),
        ([[1, -1]], r"got \[\[1, -1\]\]"),
    ],
)
def test_what_is_no_code(codes, told):
    with pytest.raises(ValueOutOfRange, match=told):
        unchecked(to_binary_index)(codes)
