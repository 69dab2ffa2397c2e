"""The format read a second time, from docs/reference/format.md alone."""

import json
import struct

import numpy as np
import pytest
from codec.made import dense_coder, fast_coder, some_rows

from isthmus.codec import crc32c, encode_archive
from isthmus.codec.format import MAX_HEADER, header_bytes, parse_header
from isthmus.core import DataError


def sealed(raw):
    assert struct.unpack("<I", raw[60:64])[0] == crc32c(raw[:60])
    return raw


def read_by_the_page(raw):
    """Header, model, bits and norms of a whole archive, every part where the page says."""
    magic, version, zero, h, m, uid, header_crc, model_crc = struct.unpack(
        "<8sHHIQQII", sealed(raw[:64])[:40]
    )
    assert magic == bytes.fromhex("89495354480D0A1A")
    assert (version, zero, h % 64, m % 64, raw[40:60]) == (1, 0, 0, 0, bytes(20))
    assert crc32c(raw[64 : 64 + h]) == header_crc
    header = json.loads(raw[64 : 64 + h])
    model = raw[64 + h : 64 + h + m]
    assert crc32c(model) == model_crc
    tables, place = [], len(raw) - 64
    while True:
        head = struct.unpack("<8sQQQQQIII", sealed(raw[place : place + 64])[:60])
        assert head[:2] == (b"ISTHTABL", uid)
        assert raw[head[2] : head[2] + 64] == raw[place : place + 64]
        tables.append(head)
        if not head[3]:
            break
        place = head[3]
    first = tables[-1][2]
    assert raw[first - 64 - h : first] == raw[: 64 + h]
    bits, norms, n_chunks, n_rows = [], [], 0, 0
    for head in reversed(tables):
        assert head[4] == n_chunks
        assert head[8] * 64 == 64 + h
        size = -(-24 * head[6] // 64) * 64
        entries = raw[head[2] + 64 : head[2] + 64 + size]
        assert crc32c(entries) == head[7]
        assert raw[head[2] + 64 + size : head[2] + 128 + size] == raw[head[2] :][:64]
        for offset, row, count, crc in struct.iter_unpack("<QQII", entries[: 24 * head[6]]):
            chunk = struct.unpack("<8sQQQIIII", sealed(raw[offset : offset + 64])[:48])
            assert chunk[:5] == (b"ISTHCHNK", uid, n_chunks, n_rows, count)
            assert chunk[7] == crc
            assert row == n_rows
            width, norm = chunk[5:7]
            payload = raw[offset + 64 :][: -(-count * (width + norm) // 64) * 64]
            assert crc32c(payload) == crc
            assert not any(payload[count * (width + norm) :])
            bits.append(np.frombuffer(payload, np.uint8, count * width).reshape(-1, width))
            norms.append(np.frombuffer(payload, "<f2", count * norm // 2, count * width))
            n_chunks, n_rows = n_chunks + 1, n_rows + count
        assert head[5] == n_rows
    return header, model, np.concatenate(bits), np.concatenate(norms)


@pytest.mark.parametrize("coder", [dense_coder(), dense_coder(norm=False), fast_coder()])
@pytest.mark.parametrize("appends", [0, 2])
def test_the_page_reads_what_is_written(coder, appends, tmp_path):
    path = tmp_path / "x.isth"
    rows = some_rows(90 + 40 * appends)
    encode_archive(rows[:90], coder, path, chunk_rows=40)
    for part in range(appends):
        first = 90 + 40 * part
        encode_archive(rows[first : first + 40], coder, path, append=True, chunk_rows=33)
    header, model, bits, norms = read_by_the_page(path.read_bytes())
    packed, lengths = coder.encode(rows)
    np.testing.assert_array_equal(bits, packed)
    assert header["n_bits"] == coder.n_bits
    assert header["model"]["digest"] == coder.spec.digest
    if lengths is None:
        assert norms.size == 0
    else:
        np.testing.assert_array_equal(norms, lengths)
    meta = json.loads(model[8 : 8 + struct.unpack("<Q", model[:8])[0]])["__metadata__"]
    assert json.loads(meta["isthmus"])["n_code"] == coder.n_bits


def test_bits_are_signs_and_rows_are_decoded_as_the_page_says(tmp_path):
    coder, rows = dense_coder(), some_rows(70).astype(np.float64)
    encode_archive(rows, coder, tmp_path / "x.isth")
    _, _, bits, norms = read_by_the_page((tmp_path / "x.isth").read_bytes())
    spec = coder.spec
    one = np.array([[row[j // 8] >> (j % 8) & 1 for j in range(20)] for row in bits])
    centred = rows - spec.mean
    np.testing.assert_array_equal(one, centred @ spec.encoder_weight.T >= 0)
    lengths = np.linalg.norm(centred, axis=1) / 2.0
    np.testing.assert_array_equal(norms, lengths.astype(np.float16))
    decoded = spec.mean + norms[:, None] * ((2.0 * one - 1.0) @ spec.decoder_weight.T)
    found = coder.decode(bits, norms, dtype=np.float64)
    np.testing.assert_allclose(found, decoded, rtol=1e-14)


def test_a_header_that_is_too_long_is_refused_when_it_is_written():
    with pytest.raises(DataError, match="less than 16777216 bytes"):
        header_bytes({"column_names": ["x" * MAX_HEADER]})


GOOD = {
    "format": "isthmus-archive",
    "n_bits": 8,
    "norm": "none",
    "model": {"digest": "x", "bytes": 0},
}


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"format": "other"}, "something else"),
        ({"requires": ["holograms"]}, "it needs .*holograms.*Update isthmus"),
        ({"n_bits": 0}, "lacks"),
        ({"n_bits": True}, "lacks"),
        ({"n_bits": 8.0}, "lacks"),
        ({"n_bits": 10**12}, "lacks"),
        ({"norm": "float64"}, "lacks"),
        ({"model": None}, "lacks"),
        ({"model": {"digest": 3, "bytes": 0}}, "lacks"),
        ({"model": {"digest": "x", "bytes": -1}}, "lacks"),
    ],
)
def test_headers_that_say_something_else(change, words):
    raw = header_bytes({**GOOD, **change})
    with pytest.raises(DataError, match=words):
        parse_header(raw, crc32c(raw))
    raw = header_bytes(GOOD)
    assert parse_header(raw, crc32c(raw)) == GOOD


@pytest.mark.parametrize("raw", [b"[" * 10**6, b"[1]", b"\xff", b"{", b"1" * 10**5])
def test_headers_that_are_no_object(raw):
    with pytest.raises(DataError):
        parse_header(raw, crc32c(raw))
