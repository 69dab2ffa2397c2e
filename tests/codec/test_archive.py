import dataclasses
import tempfile
from pathlib import Path

import numpy as np
import pytest
from codec.made import dense_coder, fast_coder, some_rows
from helpers import unchecked
from hypothesis import given, settings
from hypothesis import strategies as st

from isthmus.codec import (
    ArchiveReader,
    SignCoder,
    append_archive,
    create_archive,
    decode_archive,
    decode_to_file,
    encode_archive,
    inspect_archive,
    verify_archive,
)
from isthmus.core import DataError, DataNotFound, OutputError, ValueOutOfRange
from isthmus.data import load
from isthmus.data.streams import stream

HEADER = {"norm": "none", "model": {"digest": "x", "bytes": 0}}


@given(
    n_bits=st.integers(1, 70),
    with_norms=st.booleans(),
    parts=st.lists(st.lists(st.integers(0, 40), max_size=4), min_size=1, max_size=4),
    chunk_rows=st.integers(1, 50),
    seed=st.integers(0, 2**32 - 1),
    data=st.data(),
)
@settings(max_examples=30)
def test_any_bits_in_any_parts_come_back(n_bits, with_norms, parts, chunk_rows, seed, data):
    rng = np.random.default_rng(seed)
    header = {**HEADER, "n_bits": n_bits, "norm": "float16" if with_norms else "none"}
    bits, norms = [], []
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "x.isth"
        for number, sizes in enumerate(parts):
            writer = (
                append_archive(path, chunk_rows=chunk_rows)
                if number
                else create_archive(path, header, chunk_rows=chunk_rows)
            )
            with writer:
                for size in sizes:
                    every = rng.integers(0, 2, (size, n_bits), dtype=np.uint8)
                    bits.append(np.packbits(every, axis=1, bitorder="little"))
                    norms.append(rng.random(size).astype(np.float16))
                    writer.write(bits[-1], norms[-1] if with_norms else None)
        width = -(-n_bits // 8)
        bits = np.concatenate([np.empty((0, width), np.uint8), *bits])
        norms = np.concatenate([np.empty(0, np.float16), *norms])
        with ArchiveReader(path) as archive:
            assert archive.n_rows == len(bits)
            assert archive.contents.damages == ()
            stop = data.draw(st.integers(0, len(bits)))
            start = data.draw(st.integers(0, stop))
            for first, last in ((0, len(bits)), (start, stop)):
                found, lengths = archive.packed_rows(first, last)
                np.testing.assert_array_equal(found, bits[first:last])
                if with_norms:
                    np.testing.assert_array_equal(lengths, norms[first:last])
                else:
                    assert lengths is None
        told = verify_archive(path)
        expected = [one for one in told.damages if one.part != "model"]
        assert expected == []
        assert told.n_good_rows == len(bits)


@pytest.mark.parametrize("coder", [dense_coder(), dense_coder(norm=False), fast_coder()])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_a_row_is_decoded_the_same_beside_any_others(coder, dtype, tmp_path):
    rows = some_rows(1500).astype(dtype)
    path = tmp_path / "x.isth"
    encode_archive(rows, coder, path, chunk_rows=700)
    whole = decode_archive(path, dtype=dtype)
    assert whole.dtype == dtype
    for span in ((0, 1), (255, 257), (699, 701), (700, 1500), (1333, 1334), (9, 9)):
        part = decode_archive(path, rows=span, dtype=dtype)
        np.testing.assert_array_equal(part, whole[slice(*span)])


def test_blocks_arrays_and_streams_give_the_same_archive(tmp_path):
    coder, rows = dense_coder(), some_rows(200)
    np.save(tmp_path / "x.npy", rows)
    sources = [rows, iter([rows[:1], rows[1:150], rows[150:]])]
    sources.append(stream(tmp_path / "x.npy", chunk=64))
    made = []
    for number, source in enumerate(sources):
        path = tmp_path / f"{number}.isth"
        encode_archive(source, coder, path, uid=3, chunk_rows=90)
        made.append(path.read_bytes())
    assert made[0] == made[1] == made[2]


def test_files_and_arrays_get_the_same_rows(tmp_path):
    coder, rows = dense_coder(), some_rows(300)
    path = tmp_path / "x.isth"
    encode_archive(rows, coder, path, chunk_rows=128)
    whole = decode_archive(path)
    pytest.importorskip("pyarrow")
    for ending in (".npy", ".csv", ".parquet"):
        out = tmp_path / f"out{ending}"
        assert decode_to_file(path, out, rows=(100, 250)) == (150, 12)
        values = load(out).values
        np.testing.assert_array_equal(values.astype(np.float32), whole[100:250])
        with pytest.raises(OutputError, match="exists already"):
            decode_to_file(path, out)
    with pytest.raises(ValueOutOfRange, match=r"must end in .npy, .csv, .parquet"):
        decode_to_file(path, tmp_path / "out.txt")


def test_names_of_columns_go_through(tmp_path):
    header = ",".join(f'"size, {i}"' for i in range(12))
    text = "\n".join(",".join(f"{x:.9g}" for x in row) for row in some_rows(20))
    (tmp_path / "x.csv").write_text(f"{header}\n{text}\n")
    encode_archive(stream(tmp_path / "x.csv"), dense_coder(), tmp_path / "x.isth")
    told = inspect_archive(tmp_path / "x.isth")
    assert told.column_names == tuple(f"size, {i}" for i in range(12))
    decode_to_file(tmp_path / "x.isth", tmp_path / "y.csv")
    assert load(tmp_path / "y.csv").column_names == told.column_names


def test_an_archive_without_its_model_wants_that_model(tmp_path):
    coder, path = dense_coder(), tmp_path / "x.isth"
    encode_archive(some_rows(50), coder, path, embed=False)
    assert inspect_archive(path).model_bytes == 0
    assert decode_archive(path, coder=coder).shape == (50, 12)
    assert verify_archive(path, coder=coder).ok
    with pytest.raises(DataError, match="holds no model, only its digest"):
        decode_archive(path)
    other = dense_coder(seed=9)
    for call in (
        lambda: decode_archive(path, coder=other),
        lambda: verify_archive(path, coder=other),
        lambda: encode_archive(some_rows(5), other, path, append=True),
    ):
        with pytest.raises(DataError, match="made with another model"):
            call()
    assert inspect_archive(path).n_rows == 50


def test_what_inspect_tells(tmp_path):
    coder, path = dense_coder(), tmp_path / "x.isth"
    encode_archive(some_rows(50), coder, path, chunk_rows=20)
    told = encode_archive(some_rows(7), coder, path, append=True)
    assert (told.n_rows, told.n_chunks, told.n_commits) == (57, 4, 2)
    assert (told.n_bits, told.norm, told.bits_per_vector) == (20, "float16", 36)
    assert told.n_bytes == path.stat().st_size
    assert told.coder == {"encoder": "sign", "frame": "dense", "decoder": "linear"}
    assert told.to_dict()["damages"] == []


def test_an_archive_of_no_rows_can_be_added_to(tmp_path):
    coder, path = dense_coder(), tmp_path / "x.isth"
    assert encode_archive(iter([]), coder, path).n_rows == 0
    assert decode_archive(path).shape == (0, 12)
    assert verify_archive(path).ok
    assert encode_archive(some_rows(5), coder, path, append=True).n_rows == 5
    with pytest.raises(DataError, match="no rows to append"):
        encode_archive(iter([]), coder, path, append=True)
    assert verify_archive(path).ok


@pytest.mark.parametrize("rows", [(5, 4), (-1, 3), (0, 51), (0.5, 2), ("a", 2)])
def test_rows_that_are_not_there(rows, tmp_path):
    encode_archive(some_rows(50), dense_coder(), tmp_path / "x.isth")
    with pytest.raises(ValueOutOfRange):
        unchecked(decode_archive)(tmp_path / "x.isth", rows=rows)


def test_rows_that_cannot_be_encoded(tmp_path):
    coder, path = dense_coder(), tmp_path / "x.isth"
    bad = some_rows(50)
    bad[30, 4] = np.nan
    with pytest.raises(DataError, match="row 30, column 4 is nan"):
        encode_archive(bad, coder, path)
    with pytest.raises(ValueOutOfRange, match="columns that the model was fitted on"):
        encode_archive(some_rows(50, 11), coder, path)
    with pytest.raises(ValueOutOfRange, match="float32 or float64"):
        unchecked(SignCoder.encode)(coder, np.ones((3, 12), int))
    assert list(tmp_path.iterdir()) == []


def test_a_file_that_is_there_stays_unless_told_otherwise(tmp_path):
    coder, path = dense_coder(), tmp_path / "x.isth"
    encode_archive(some_rows(50), coder, path)
    with pytest.raises(OutputError, match="exists already"):
        encode_archive(some_rows(9), coder, path)
    assert encode_archive(some_rows(9), coder, path, force=True).n_rows == 9
    with pytest.raises(DataNotFound, match="no such"):
        encode_archive(some_rows(9), coder, tmp_path / "y.isth", append=True)
    assert [p.name for p in tmp_path.iterdir()] == ["x.isth"]


def test_packed_rows_that_are_not_of_the_archive(tmp_path):
    header = {**HEADER, "n_bits": 12}
    with create_archive(tmp_path / "x.isth", header) as writer:
        write = unchecked(type(writer).write)
        for packed, norms, words in (
            (np.zeros((2, 3), np.uint8), None, "shape"),
            (np.zeros((2, 2), np.int8), None, "uint8"),
            (np.zeros((2, 2), np.uint8), np.zeros(2, np.float16), "has none"),
            (np.full((2, 2), 255, np.uint8), None, "zeros behind the 12 bits"),
        ):
            with pytest.raises(ValueOutOfRange, match=words):
                write(writer, packed, norms)
        assert writer.n_rows == 0


def test_lengths_and_bits_must_fit_the_code():
    coder = dense_coder()
    packed, norms = coder.encode(some_rows(5))
    for lengths in (None, norms[:3]):
        with pytest.raises(ValueOutOfRange, match="one length per row"):
            unchecked(SignCoder.decode)(coder, packed, lengths)
    with pytest.raises(ValueOutOfRange, match="None: the code has none"):
        dense_coder(norm=False).decode(packed, norms)


def test_a_row_of_the_mean_has_no_length():
    coder = dense_coder()
    packed, norms = coder.encode(np.tile(coder.spec.mean, (3, 1)))
    assert norms.tolist() == [0, 0, 0]
    np.testing.assert_array_equal(
        coder.decode(packed, norms, dtype=np.float64), np.tile(coder.spec.mean, (3, 1))
    )


@pytest.mark.parametrize("frame", ["hadamard", "dct", "haar"])
def test_a_frame_from_a_seed_is_the_same_as_its_matrix(frame, rng):
    fast = fast_coder(12, 16, frame=frame)
    matrix = fast._frame.to_dense()
    spec = dataclasses.replace(
        fast.spec,
        frame="dense",
        encoder_weight=matrix * fast.spec.gains,
        decoder_weight=fast.spec.decoder_gains[:, None] * matrix.T,
        gains=None,
        decoder_gains=None,
    )
    rows = rng.normal(size=(100, 12))
    packed, _ = fast.encode(rows)
    np.testing.assert_array_equal(packed, SignCoder(spec).encode(rows)[0])
    np.testing.assert_allclose(
        fast.decode(packed, dtype=np.float64),
        SignCoder(spec).decode(packed, dtype=np.float64),
        atol=1e-14,
    )
