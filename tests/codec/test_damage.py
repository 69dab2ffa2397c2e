"""Archives that are cut, flipped, lied in, shuffled or from the future."""

import contextlib
import struct
import tracemalloc
import warnings

import numpy as np
import pytest
from codec.made import dense_coder, some_rows

from isthmus.codec import (
    ArchiveReader,
    crc32c,
    create_archive,
    decode_archive,
    encode_archive,
    inspect_archive,
    verify_archive,
)
from isthmus.codec.stored_spec import spec_to_bytes
from isthmus.core import DataError, DataWarning
from isthmus.core.errors import IsthmusError
from isthmus.core.files import packed
from isthmus.decoders import CodecSpec

CODER = dense_coder()


class Made:
    """A whole archive of two parts, its rows, and where its parts are."""

    def __init__(self, folder):
        path = folder / "whole.isth"
        rows = some_rows(520)
        encode_archive(rows[:400], CODER, path, chunk_rows=100, uid=7)
        self.first_end = path.stat().st_size
        encode_archive(rows[400:], CODER, path, append=True, chunk_rows=60)
        self.raw = path.read_bytes()
        self.decoded = decode_archive(path)
        with ArchiveReader(path) as archive:
            contents = archive.contents
            self.chunks = [
                (int(c["offset"]), int(c["first"]), int(c["n_rows"]))
                for c in archive.chunks
            ]
            self.tables = contents.tables
            self.front = contents.preamble.front_size
            self.start = contents.preamble.chunks_start

    def span(self, number):
        """Bytes of a chunk."""
        offset, _, n_rows = self.chunks[number]
        return offset, offset + 64 + -(-n_rows * 5 // 64) * 64


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    return Made(tmp_path_factory.mktemp("made"))


@pytest.fixture
def changed(made, tmp_path):
    """Write a changed copy and return its path."""

    def write(raw):
        path = tmp_path / "x.isth"
        path.write_bytes(raw)
        return path

    return write


def sealed(head):
    """64 bytes with the checksum that belongs to them."""
    return head[:60] + struct.pack("<I", crc32c(head[:60]))


def patched(raw, place, form, *values):
    """Numbers overwritten."""
    out = bytearray(raw)
    struct.pack_into(form, out, place, *values)
    return bytes(out)


def good_rows(path, **options):
    """Rows that can be read, NaN elsewhere."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DataWarning)
        return decode_archive(path, coder=CODER, damaged="nan", **options)


def check_no_wrong_row(made, found):
    """Every row that is not NaN is the row that was encoded."""
    there = ~np.isnan(found).any(axis=1)
    np.testing.assert_array_equal(found[there], made.decoded[: len(found)][there])
    return there


def check_cut(made, path, size):
    """What is left of a cut archive is right, all of it is found, and nothing is hidden."""
    whole = [c for n, c in enumerate(made.chunks) if made.span(n)[1] <= size]
    if size < made.start:
        with pytest.raises(DataError, match=r"^`x.isth` cannot be read: it ") as caught:
            decode_archive(path)
        assert "\n" not in str(caught.value)
        with pytest.raises(DataError):
            inspect_archive(path)
        return
    assert not verify_archive(path).ok
    there = check_no_wrong_row(made, good_rows(path, recover=True))
    assert there.sum() == sum(n_rows for _, _, n_rows in whole)
    if size < made.first_end:
        with pytest.raises(DataError, match=f"{len(whole)} chunks with .* --recover"):
            decode_archive(path)
    else:
        with pytest.warns(DataWarning, match="behind the last table"):
            assert len(decode_archive(path)) == 400


def test_cut_at_every_byte_of_the_front(made, changed):
    path = changed(made.raw)
    places = [*range(made.front), *range(made.front, made.start, 97)]
    for size in reversed(places):
        with path.open("r+b") as file:
            file.truncate(size)
        check_cut(made, path, size)


@pytest.mark.parametrize(
    "count", [60, pytest.param(1000, marks=pytest.mark.slow)], ids=["some", "many"]
)
def test_cut_anywhere(count, made, changed, rng):
    places = {made.first_end - 1, made.first_end + 1, made.first_end - 64}
    places |= set(rng.integers(made.start, len(made.raw), count).tolist())
    for size in sorted(places - {made.first_end}):
        check_cut(made, changed(made.raw[:size]), size)


def test_cut_where_an_append_began_is_the_archive_before(made, changed):
    path = changed(made.raw[: made.first_end])
    assert verify_archive(path).ok
    assert len(decode_archive(path)) == 400


@pytest.mark.parametrize(
    "count", [80, pytest.param(10_000, marks=pytest.mark.slow)], ids=["some", "many"]
)
def test_one_flipped_bit_anywhere(count, made, changed, rng):
    # Half of them outside the model, where few bytes are.
    places = rng.integers(0, len(made.raw), count)
    places[::2] = rng.integers(made.start, len(made.raw), places[::2].size)
    places[::8] = rng.integers(0, made.front, places[::8].size)
    for place, bit in zip(places, rng.integers(0, 8, count), strict=True):
        raw = bytearray(made.raw)
        raw[place] ^= 1 << bit
        path = changed(raw)
        told = verify_archive(path)
        assert not told.ok
        there = check_no_wrong_row(made, good_rows(path))
        hit = [
            n for n in range(len(made.chunks)) if made.span(n)[0] <= place < made.span(n)[1]
        ]
        payload = hit and place >= made.span(hit[0])[0] + 64
        assert (~there).sum() == (made.chunks[hit[0]][2] if payload else 0)
        if payload:
            with pytest.raises(DataError, match=f"chunk {hit[0]} \\(rows"):
                decode_archive(path)
        if hit:
            assert told.damages[0].part == f"chunk {hit[0]}"


def test_a_damaged_chunk_is_named_and_the_others_are_read(made, changed):
    place = made.span(2)[0] + 70
    path = changed(patched(made.raw, place, "<B", made.raw[place] ^ 255))
    with pytest.raises(
        DataError, match=r"chunk 2 \(rows 200-299\): its checksum is another"
    ):
        decode_archive(path)
    for span in ((0, 200), (300, 520)):
        part = decode_archive(path, rows=span)
        np.testing.assert_array_equal(part, made.decoded[slice(*span)])
    told = verify_archive(path)
    assert [str(one) for one in told.damages] == [
        "chunk 2 (rows 200-299): its checksum is another"
    ]
    assert told.n_good_rows == 420


def test_rows_are_not_added_to_a_damaged_archive(made, changed):
    for table in made.tables:
        for place in (table.offset + 9, table.end - 60):
            path = changed(patched(made.raw, place, "<B", made.raw[place] ^ 1))
            with pytest.raises(DataError, match="only added to whole archives: table"):
                encode_archive(some_rows(5), CODER, path, append=True)


def test_a_damaged_header_is_read_from_its_copy(made, changed):
    for place in (0, 10, 25, 63, 64, 100):
        path = changed(patched(made.raw, place, "<B", made.raw[place] ^ 1))
        np.testing.assert_array_equal(decode_archive(path), made.decoded)
        assert verify_archive(path).damages[0].part == "header"
        with pytest.raises(DataError, match="header"):
            encode_archive(some_rows(5), CODER, path, append=True)


def test_a_damaged_header_without_a_table_is_read_from_its_copy(made, changed):
    raw = patched(made.raw, 30, "<B", made.raw[30] ^ 1)[:-200]
    np.testing.assert_array_equal(good_rows(changed(raw))[:400], made.decoded[:400])


def test_a_damaged_model_leaves_the_bits(made, changed):
    place = made.front + 1000
    path = changed(patched(made.raw, place, "<B", made.raw[place] ^ 1))
    with pytest.raises(DataError, match="its model is damaged. Give the model"):
        decode_archive(path)
    np.testing.assert_array_equal(decode_archive(path, coder=CODER), made.decoded)
    assert [one.part for one in verify_archive(path).damages] == ["model"]


@pytest.mark.parametrize("version", [0, 2, 65535])
def test_versions_from_the_future(version, made, changed):
    raw = bytearray(made.raw)
    front = bytes(raw[: made.front])
    new = sealed(patched(front[:64], 8, "<H", version))
    copy = made.tables[0].offset - made.front
    raw[:64] = raw[copy : copy + 64] = new
    path = changed(raw)
    for call in (decode_archive, inspect_archive, verify_archive):
        with pytest.raises(DataError, match=f"version {version} .* Update isthmus"):
            call(path)


def test_files_that_are_no_archives(changed):
    for raw in (b"", b"\x89PNG\r\n\x1a\n" + bytes(500), b"x" * 10_000):
        with pytest.raises(DataError, match="does not begin as|cut short"):
            inspect_archive(changed(raw))


LIES = [
    # place in the preamble, form, value
    *[("preamble", 12, "<I", v) for v in (0, 1, 64, 2**24, 2**24 + 64, 2**32 - 64)],
    *[("preamble", 16, "<Q", v) for v in (0, 64, 63, 2**33, 2**40, 2**64 - 64)],
    ("preamble", 10, "<H", 1),
    ("preamble", 24, "<Q", 8),
    *[("chunk", 16, "<Q", v) for v in (0, 3, 2**64 - 1)],
    *[("chunk", 24, "<Q", v) for v in (0, 300, 2**64 - 1)],
    *[("chunk", 32, "<I", v) for v in (0, 1, 99, 101, 2**32 - 1)],
    *[("chunk", 36, "<I", v) for v in (0, 2, 4, 2**32 - 1)],
    *[("chunk", 40, "<I", v) for v in (0, 1, 4, 2**32 - 1)],
    *[("table", 16, "<Q", v) for v in (0, 64, 2**63, 2**64 - 64)],
    *[("table", 24, "<Q", v) for v in (0, 64, 2**63, 2**64 - 64)],
    *[("table", 32, "<Q", v) for v in (0, 5, 2**64 - 1)],
    *[("table", 40, "<Q", v) for v in (0, 519, 521, 2**60, 2**64 - 1)],
    *[("table", 48, "<I", v) for v in (0, 1, 3, 2**20, 2**32 - 1)],
    *[("table", 56, "<I", v) for v in (0, 1, 2**32 - 1)],
    *[("entry", 0, "<Q", v) for v in (0, 64, 65, 2**63, 2**64 - 64)],
    *[("entry", 8, "<Q", v) for v in (0, 399, 401, 2**63, 2**64 - 1)],
    *[("entry", 16, "<I", v) for v in (0, 59, 61, 2**32 - 1)],
    *[("entry", 20, "<I", v) for v in (0, 2**32 - 1)],
]


def with_lie(made, part, place, form, value):
    """The archive with one number changed and every checksum made to fit."""
    raw = bytearray(made.raw)
    table = made.tables[-1]
    entries = slice(table.offset + 64, table.offset + 64 + table.entries_size)
    if part == "preamble":
        raw[:64] = sealed(patched(raw[:64], place, form, value))
    elif part == "chunk":
        at = made.chunks[2][0]
        raw[at : at + 64] = sealed(patched(raw[at : at + 64], place, form, value))
    elif part == "entry":
        struct.pack_into(form, raw, entries.start + place, value)
    if part in ("table", "entry"):
        head = patched(
            raw[table.offset : table.offset + 64], 52, "<I", crc32c(raw[entries])
        )
        if part == "table":
            head = patched(head, place, form, value)
        raw[table.offset : table.offset + 64] = raw[-64:] = sealed(head)
    return bytes(raw)


@pytest.mark.parametrize(("part", "place", "form", "value"), LIES)
def test_lying_numbers_with_right_checksums(part, place, form, value, made, changed):
    raw = with_lie(made, part, place, form, value)
    path = changed(raw)
    if raw == made.raw:
        return
    tracemalloc.start()
    with contextlib.suppress(IsthmusError):
        assert not verify_archive(path).ok
        for recover in (False, True):
            check_no_wrong_row(made, good_rows(path, recover=recover)[:520])
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 2**26


def moved(made, order):
    """Chunks 1 to 3, which are equally long, in another order."""
    raw = bytearray(made.raw)
    for place, source in zip((1, 2, 3), order, strict=True):
        raw[slice(*made.span(place))] = made.raw[slice(*made.span(source))]
    return bytes(raw)


@pytest.mark.parametrize(
    ("order", "bad"), [((2, 1, 3), {1, 2}), ((1, 1, 3), {2}), ((3, 1, 2), {1, 2, 3})]
)
def test_chunks_in_another_order_or_twice(order, bad, made, changed):
    path = changed(moved(made, order))
    told = verify_archive(path)
    assert {one.part for one in told.damages if one.rows} == {f"chunk {n}" for n in bad}
    there = check_no_wrong_row(made, good_rows(path))
    assert (~there).sum() == 100 * len(bad)
    with pytest.raises(DataError, match=f"chunk {min(bad)} "):
        decode_archive(path)


@pytest.mark.parametrize("order", [(2, 1, 3), (1, 1, 3), (3, 1, 2)])
def test_without_a_table_chunks_in_another_order_are_told_by_their_heads(
    order, made, changed
):
    raw = moved(made, order)[: made.first_end - 250]
    found = good_rows(changed(raw), recover=True)
    there = check_no_wrong_row(made, found)
    assert there.sum() == 100 * len({0, *order})
    assert not verify_archive(changed(raw)).ok


def test_a_chunk_of_another_archive(made, changed, tmp_path):
    encode_archive(
        some_rows(400, seed=5), CODER, tmp_path / "y.isth", chunk_rows=100, uid=8
    )
    other = (tmp_path / "y.isth").read_bytes()
    raw = bytearray(made.raw)
    raw[slice(*made.span(2))] = other[slice(*made.span(2))]
    path = changed(raw)
    assert verify_archive(path).damages[0].rows == (200, 300)
    assert (~check_no_wrong_row(made, good_rows(path))).sum() == 100
    cut = good_rows(changed(raw[: made.first_end - 250]), recover=True)
    assert check_no_wrong_row(made, cut).sum() == 300


def test_a_damaged_table_is_replaced_by_the_heads_of_its_chunks(made, changed):
    for table in made.tables:
        place = table.offset + 70
        path = changed(patched(made.raw, place, "<B", made.raw[place] ^ 1))
        np.testing.assert_array_equal(decode_archive(path), made.decoded)
        assert verify_archive(path).damages[0].part == "table"
        # With the head of a chunk gone as well, its rows are missing and no others.
        chunk = made.chunks[0 if table is made.tables[0] else 4]
        raw = patched(path.read_bytes(), chunk[0] + 60, "<I", 0)
        there = check_no_wrong_row(made, good_rows(changed(raw)))
        assert set(np.flatnonzero(~there)) == set(range(chunk[1], chunk[1] + chunk[2]))
        with pytest.raises(DataError, match=f"rows {chunk[1]}-{chunk[1] + chunk[2] - 1}"):
            decode_archive(changed(raw))


def test_an_archive_inside_the_bits_of_another_is_not_taken_for_its_parts(tmp_path, made):
    # Bits may be anything: here they are a chunk with the head of this very archive.
    path = tmp_path / "x.isth"
    inner = np.frombuffer(made.raw[made.start : made.start + 640], np.uint8).reshape(-1, 64)
    header = {"n_bits": 512, "norm": "none", "model": {"digest": "x", "bytes": 0}}
    with create_archive(path, header, uid=7, chunk_rows=4) as writer:
        writer.write(inner)
    with ArchiveReader(path) as archive:
        np.testing.assert_array_equal(archive.packed_rows()[0], inner)
        places = archive.chunks["offset"].tolist()
    # cut after two chunks: scanning goes from head to head and does not look inside
    with path.open("r+b") as file:
        file.truncate(places[2])
    with ArchiveReader(path, recover=True) as archive:
        np.testing.assert_array_equal(archive.packed_rows()[0], inner[:8])


@pytest.mark.parametrize("zeros", [False, True], ids=["cut", "zeros"])
def test_rows_are_added_after_an_append_that_was_stopped_anywhere(zeros, made, changed):
    # A system that stops may leave a file of full length whose last pages are zeros.
    begin, size = made.first_end, len(made.raw)
    table = made.tables[-1].offset
    places = {begin + 1, begin + 63, begin + 64, begin + 65, begin + 200, table, table + 64}
    places |= {table + 1, table + 65, table + 100, size - 64, size - 63, size - 1}
    more = some_rows(30, seed=8)
    due = np.concatenate([made.decoded[:400], CODER.decode(*CODER.encode(more))])
    for place in sorted(places):
        raw = made.raw[:place] + (bytes(size - place) if zeros else b"")
        path = changed(raw)
        if place >= size - 64 and zeros:  # the first head and all entries are there
            assert inspect_archive(path).n_rows == 520
            continue
        assert inspect_archive(path).n_rows == 400
        with pytest.warns(DataWarning, match="interrupted; they are dropped"):
            encode_archive(more, CODER, path, append=True)
        assert verify_archive(path).ok
        np.testing.assert_array_equal(decode_archive(path), due)


def held(path, model, digest, n_bits=20):
    """An archive of one row with any bytes for a model."""
    stored = {"digest": digest, "bytes": len(model)}
    header = {"n_bits": n_bits, "norm": "none", "model": stored, "n_input": 12}
    with create_archive(path, header, model=model, force=True) as writer:
        writer.write(np.zeros((1, -(-n_bits // 8)), np.uint8))
    return path


def test_models_that_are_none(tmp_path):
    path = tmp_path / "x.isth"
    spec = dense_coder(norm=False).spec
    good = spec_to_bytes(spec)
    assert decode_archive(held(path, good, spec.digest)).shape == (1, 12)
    plain, arrays = spec.parts()
    kind = {"format": "isthmus-codec", "version": 1}
    fewer = {name: array for name, array in arrays.items() if name != "mean"}
    with_hole = {**arrays, "mean": np.full(12, np.nan)}
    cases = [
        (b"", "holds no model"),
        (b"x" * 500, "cannot be read as a code"),
        (struct.pack("<Q", 2**60) + good[8:], "cannot be read as a code"),
        (packed(arrays, {**kind, **plain, "version": 99}), "version 99 of the code format"),
        (packed(arrays, {**kind, **plain, "format": "x"}), "no isthmus code"),
        (packed(arrays, kind), "lacks a part"),
        (packed(fewer, {**kind, **plain}), "lacks a part"),
        (packed(with_hole, {**kind, **plain}), "must be finite"),
        (packed(arrays, {**kind, **plain, "n_code": "20"}), "whole number"),
        (packed(arrays, {**kind, **plain, "norm_mean": "x"}), "wrong one"),
        (packed(arrays, {**kind, **plain, "decoder": "mlp"}), "update isthmus"),
        (spec_to_bytes(dense_coder(n_code=21, norm=False).spec), "another one"),
        (spec_to_bytes(dense_coder(norm=False, seed=4).spec), "another one"),
    ]
    for model, words in cases:
        with pytest.raises(DataError, match=words) as caught:
            decode_archive(held(path, model, spec.digest))
        assert "\n" not in str(caught.value)
        if model:
            assert [one.part for one in verify_archive(path).damages] == ["model"]
        with ArchiveReader(path) as archive:
            assert archive.packed_rows()[0].shape == (1, 3)


@pytest.mark.parametrize(
    ("frame", "n_code", "n_input", "rounds"),
    [("haar", 2**24, 2**16, 1), ("hadamard", 12, 12, 1), ("dct", 8, 8, 9)],
)
def test_codes_that_cannot_be_made_are_refused(frame, n_code, n_input, rounds, tmp_path):
    mean = np.zeros(n_input)
    spec = CodecSpec(mean=mean, n_code=n_code, frame=frame, rounds=rounds)
    path = held(tmp_path / "x.isth", spec_to_bytes(spec), spec.digest, n_code)
    with pytest.raises(IsthmusError) as caught:
        decode_archive(path)
    assert "\n" not in str(caught.value)
