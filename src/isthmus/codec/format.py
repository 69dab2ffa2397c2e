"""The parts of an archive as bytes and back; docs/reference/format.md is their definition.

Nothing here opens a file. Every number is little-endian, every part begins at a multiple
of 64 bytes and ends with, or is followed by, a CRC-32C.
"""

from __future__ import annotations

import dataclasses
import json
import struct
from typing import Any

import numpy as np

from isthmus.codec.crc32c import crc32c
from isthmus.core.errors import DataError

VERSION = 1
UNIT = 64
"""Everything begins and ends at a multiple of it."""
MAX_HEADER = 2**24
"""Bytes of the JSON header."""
MAX_MODEL = 2**33
"""Bytes of the stored code."""
MAX_PAYLOAD = 2**28
"""Bytes of a chunk without its head."""
MAX_ENTRIES = 2**20
"""Chunks in one table."""
MAX_BITS = 2**24
"""Bits of a row."""
_MOST_ROWS = 2**60  # so that no sum of two can overflow

MAGIC = b"\x89ISTH\r\n\x1a"
CHUNK_MAGIC = b"ISTHCHNK"
TABLE_MAGIC = b"ISTHTABL"
_PREAMBLE = struct.Struct("<8sHHIQQII20s")
_CHUNK = struct.Struct("<8sQQQIIII12s")
_TABLE = struct.Struct("<8sQQQQQIII")
ENTRY = np.dtype([("offset", "<u8"), ("first", "<u8"), ("n_rows", "<u4"), ("crc", "<u4")])
"""A row of the chunk table."""


@dataclasses.dataclass(frozen=True)
class Preamble:
    """The first 64 bytes.

    Attributes:
        header_size: Bytes of JSON behind it.
        header_crc: Of them.
        model_size: Bytes of the model behind that, padded; 0 if there is none.
        model_crc: Of them.
        uid: Number that every part of this archive bears.
    """

    header_size: int
    header_crc: int
    model_size: int
    model_crc: int
    uid: int

    @property
    def front_size(self) -> int:
        """Bytes of preamble and header."""
        return UNIT + self.header_size

    @property
    def chunks_start(self) -> int:
        """Where the first chunk begins."""
        return self.front_size + self.model_size

    def to_bytes(self) -> bytes:
        """As they stand in a file."""
        sizes = (VERSION, 0, self.header_size, self.model_size, self.uid)
        head = _PREAMBLE.pack(MAGIC, *sizes, self.header_crc, self.model_crc, bytes(20))
        return _sealed(head)


@dataclasses.dataclass(frozen=True)
class ChunkHead:
    """The 64 bytes before the payload of a chunk."""

    uid: int
    index: int
    first: int
    n_rows: int
    row_bytes: int
    norm_bytes: int
    crc: int

    @property
    def payload_size(self) -> int:
        """Bytes behind it, padded."""
        return payload_size(self.n_rows, self.row_bytes, self.norm_bytes)

    def to_bytes(self) -> bytes:
        """As they stand in a file."""
        return _sealed(_CHUNK.pack(CHUNK_MAGIC, *dataclasses.astuple(self), bytes(12)))


@dataclasses.dataclass(frozen=True)
class TableHead:
    """The 64 bytes before the entries of a table, and again behind them.

    Attributes:
        uid: Of the archive.
        offset: Where this head stands in the file, the one before the entries.
        previous: Offset of the table before, 0 if there is none.
        first_chunk: Number of the chunk of its first entry.
        n_rows: Of the archive up to here.
        n_entries: Chunks written since the table before.
        crc: Of the entries, padded.
        front_units: Length of preamble and header in units of 64 bytes; their copy stands
            before the first table.
    """

    uid: int
    offset: int
    previous: int
    first_chunk: int
    n_rows: int
    n_entries: int
    crc: int
    front_units: int

    @property
    def entries_size(self) -> int:
        """Bytes of the entries, padded."""
        return padded(self.n_entries * ENTRY.itemsize)

    @property
    def end(self) -> int:
        """Where the file ended when this table was written."""
        return self.offset + 2 * UNIT + self.entries_size

    def to_bytes(self) -> bytes:
        """As they stand in a file, twice."""
        return _sealed(_TABLE.pack(TABLE_MAGIC, *dataclasses.astuple(self)))


def padded(size: int) -> int:
    """Size rounded up to a multiple of 64.

    Examples:
        >>> padded(0), padded(1), padded(64)
        (0, 64, 64)
    """
    return -(-size // UNIT) * UNIT


def payload_size(n_rows: int, row_bytes: int, norm_bytes: int) -> int:
    """Bytes of a chunk behind its head: bits of all rows, their norms, zeros.

    Examples:
        >>> payload_size(10, 16, 2)
        192
    """
    return padded(n_rows * (row_bytes + norm_bytes))


def parse_preamble(raw: bytes) -> Preamble:
    """Check and read the first 64 bytes.

    Raises:
        DataError: If they are no preamble, damaged, of a newer version or impossible;
            the message is the reason alone.
    """
    if raw[: len(MAGIC)] != MAGIC:
        raise DataError("it does not begin as an isthmus archive")
    _check_seal(raw, "the first 64 bytes are")
    _, version, zero, header, model, uid, header_crc, model_crc, _ = _PREAMBLE.unpack(
        raw[:60]
    )
    if version != VERSION:
        raise DataError(
            f"it has version {version} of the archive format, and this isthmus reads "
            f"version {VERSION}. Update isthmus"
        )
    good = not zero and 0 < header <= MAX_HEADER and model <= MAX_MODEL
    good = good and not (header | model) % UNIT
    if not good:
        raise DataError("the sizes in its first 64 bytes are impossible")
    return Preamble(header, header_crc, model, model_crc, uid)


def parse_chunk(raw: bytes) -> ChunkHead:
    """Check and read the head of a chunk.

    Raises:
        DataError: If it is none, damaged or impossible.
    """
    if raw[:8] != CHUNK_MAGIC:
        raise DataError("no chunk begins there")
    _check_seal(raw, "its head is")
    head = ChunkHead(*_CHUNK.unpack(raw[:60])[1:-1])
    good = head.n_rows > 0 < head.row_bytes and head.norm_bytes in (0, 2)
    good = good and head.payload_size <= MAX_PAYLOAD
    if not good or max(head.index, head.first) >= _MOST_ROWS:
        raise DataError("the sizes in its head are impossible")
    return head


def parse_table(raw: bytes) -> TableHead:
    """Check and read the head of a table.

    Raises:
        DataError: If it is none, damaged or impossible.
    """
    if raw[:8] != TABLE_MAGIC:
        raise DataError("no table begins there")
    _check_seal(raw, "its head is")
    head = TableHead(*_TABLE.unpack(raw[:60])[1:])
    good = head.n_entries <= MAX_ENTRIES and not head.offset % UNIT
    good = good and head.previous < head.offset < _MOST_ROWS
    if not good or max(head.first_chunk, head.n_rows) >= _MOST_ROWS:
        raise DataError("the sizes in its head are impossible")
    return head


def header_bytes(header: dict[str, Any]) -> bytes:
    """JSON of plain values, padded with spaces.

    Raises:
        DataError: If it would be longer than a reader accepts.
    """
    text = json.dumps(header, allow_nan=False, sort_keys=True).encode()
    if len(text) > MAX_HEADER - UNIT:
        raise DataError(
            f"The header of an archive must have less than {MAX_HEADER} bytes; got "
            f"{len(text)}. Leave the column names out."
        )
    return text.ljust(padded(len(text)))


def parse_header(raw: bytes, crc: int) -> dict[str, Any]:
    """Check and read the JSON header.

    Raises:
        DataError: If it is damaged, or says something other than the format allows.
    """
    if crc32c(raw) != crc:
        raise DataError("its header does not have the checksum in the first 64 bytes")
    try:
        header = json.loads(raw)
    except (ValueError, RecursionError) as error:
        raise DataError(f"its header is no JSON ({error})") from error
    if not isinstance(header, dict) or header.get("format") != "isthmus-archive":
        raise DataError("its header is that of something else")
    unknown = header.get("requires", [])
    if unknown:
        raise DataError(f"it needs {unknown!r}, which this isthmus has not. Update isthmus")
    model = header.get("model")
    good = (
        _whole(header.get("n_bits"), 1, MAX_BITS)
        and header.get("norm") in ("none", "float16")
        and isinstance(model, dict)
        and isinstance(model.get("digest"), str)
        and _whole(model.get("bytes"), 0, 2**62)
    )
    if not good:
        raise DataError("its header lacks the bits of a row, the norm or the model")
    return header


def _whole(value: object, least: int, most: int) -> bool:
    return type(value) is int and least <= value <= most


def table_bytes(head: TableHead, entries: np.ndarray) -> bytes:
    """A whole table: head, entries, head."""
    return head.to_bytes() + entry_bytes(entries) + head.to_bytes()


def entry_bytes(entries: np.ndarray) -> bytes:
    """Entries, padded with zeros."""
    raw = entries.tobytes()
    return raw.ljust(padded(len(raw)), b"\0")


def _sealed(head: bytes) -> bytes:
    return head + struct.pack("<I", crc32c(head))


def _check_seal(raw: bytes, what: str) -> None:
    if len(raw) < UNIT or crc32c(raw[:60]) != struct.unpack("<I", raw[60:64])[0]:
        raise DataError(f"{what} damaged: the checksum is another")
