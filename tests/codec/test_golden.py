"""Archives and a model that an earlier version wrote: they must mean the same for ever."""

from fractions import Fraction

import numpy as np
import pytest
from codec.make_golden import FOLDER, curved_spec, fast_spec, rows, searched_spec

import isthmus
from isthmus.codec import (
    ArchiveReader,
    SignCoder,
    coder_of,
    decode_archive,
    encode_archive,
    inspect_archive,
    verify_archive,
)
from isthmus.estimators import codec_spec


@pytest.mark.parametrize("name", ["dense", "fast", "quantised", "search", "columns"])
def test_the_same_floats(name):
    path = FOLDER / f"{name}.isth"
    told = verify_archive(path)
    assert told.ok
    assert told.n_rows == 60
    found = decode_archive(path)
    assert found.dtype == np.float32
    np.testing.assert_array_equal(found, np.load(FOLDER / f"{name}.npy"))
    np.testing.assert_array_equal(found, decode_archive(path, dtype=np.float64))


def test_the_model_still_makes_and_reads_the_same_bits(tmp_path):
    coder = coder_of(codec_spec(isthmus.load(FOLDER / "model.safetensors")))
    assert coder.spec.digest == inspect_archive(FOLDER / "dense.isth").model_digest
    np.testing.assert_array_equal(
        decode_archive(FOLDER / "dense.isth", coder=coder), np.load(FOLDER / "dense.npy")
    )
    packed, norms = coder.encode(rows())
    with ArchiveReader(FOLDER / "dense.isth") as archive:
        np.testing.assert_array_equal(archive.packed_rows()[0], packed)
        np.testing.assert_array_equal(archive.packed_rows()[1], norms)
    # An archive of today differs from the old one in the name of its writer at most.
    path = tmp_path / "x.isth"
    encode_archive(rows()[:40], coder, path, chunk_rows=16, uid=1)
    encode_archive(rows()[40:], coder, path, append=True, chunk_rows=9)
    old, new = (FOLDER / "dense.isth").read_bytes(), path.read_bytes()
    if inspect_archive(path).writer == inspect_archive(FOLDER / "dense.isth").writer:
        assert old == new


@pytest.mark.parametrize("name", ["quantised", "search"])
def test_bits_that_are_more_than_signs_are_still_found(name, monkeypatch):
    for kernel in ("", "numpy"):
        monkeypatch.setenv("ISTHMUS_KERNEL", kernel)
        coder = SignCoder(searched_spec(name))
        told = inspect_archive(FOLDER / f"{name}.isth")
        assert coder.spec.digest == told.model_digest
        with ArchiveReader(FOLDER / f"{name}.isth") as archive:
            assert archive.spec().encoder == name
            np.testing.assert_array_equal(archive.packed_rows()[0], coder.encode(rows())[0])


def test_curves_are_read_as_they_are_specified():
    # The words of docs/reference/format.md, in fractions.
    assert SignCoder(curved_spec()).spec.digest == (
        inspect_archive(FOLDER / "columns.isth").model_digest
    )
    with ArchiveReader(FOLDER / "columns.isth") as archive:
        spec = archive.spec()
        packed, norms = archive.packed_rows()
    signs = np.unpackbits(packed, axis=1, bitorder="little")[:, :20].astype(int) * 2 - 1
    sums = norms[:, None].astype(float) * (signs @ spec.decoder_weight.T)
    golden, sides = np.load(FOLDER / "columns.npy"), set()
    for row, column in np.ndindex(*sums.shape):
        step = Fraction(float(spec.curves.inverse_step[column]))
        place = Fraction(sums[row, column]) - Fraction(float(spec.curves.start[column]))
        place *= step
        cell = min(max(int(place // 1), 0), 64)
        values = [Fraction(float(v)) for v in spec.curves.values[:, column]]
        rise = values[min(cell, 63) + 1] - values[min(cell, 63)]
        side = -1 if place < 0 else int(place >= 64)
        sides.add(side)
        if side:
            most = 1 / step if step else Fraction(0)
            rise = min(max(rise, Fraction(0)), most)
        exact = Fraction(float(spec.mean[column])) + values[cell] + (place - cell) * rise
        assert Fraction(float(golden[row, column])) == exact
    assert sides == {-1, 0, 1}


def test_a_model_with_a_search_is_still_read():
    model = isthmus.load(FOLDER / "search.safetensors")
    assert model.encoder_used_ == "search"
    assert model.score(rows()) > 0.3


def test_a_frame_from_a_seed_is_still_the_same():
    coder = SignCoder(fast_spec())
    assert coder.spec.digest == inspect_archive(FOLDER / "fast.isth").model_digest
    wide = np.column_stack([rows(), rows()[::-1, :4]])
    with ArchiveReader(FOLDER / "fast.isth") as archive:
        np.testing.assert_array_equal(archive.packed_rows()[0], coder.encode(wide)[0])


def test_the_floats_are_exact():
    # In fractions, which do not round: what was stored is the sum itself.
    with ArchiveReader(FOLDER / "dense.isth") as archive:
        spec = archive.spec()
        packed, norms = archive.packed_rows()
    golden = np.load(FOLDER / "dense.npy")
    for row in (0, 17, 59):
        for column in (0, 11):
            total = Fraction(0)
            for j in range(20):
                bit = packed[row, j // 8] >> (j % 8) & 1
                weight = Fraction(float(spec.decoder_weight[column, j]))
                total += weight if bit else -weight
            mean = Fraction(float(spec.mean[column]))
            exact = mean + Fraction(float(norms[row])) * total
            assert Fraction(float(golden[row, column])) == exact
