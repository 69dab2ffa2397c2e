"""The parts of an archive found by their own heads, where its table is damaged."""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import BinaryIO

import numpy as np

from isthmus.codec.format import (
    CHUNK_MAGIC,
    MAGIC,
    TABLE_MAGIC,
    UNIT,
    ChunkHead,
    Preamble,
    TableHead,
    parse_chunk,
    parse_preamble,
    parse_table,
)
from isthmus.core.errors import DataError

_BLOCK = 2**20  # bytes searched at once
_MAGICS = tuple(
    np.frombuffer(magic, "<u8")[0] for magic in (MAGIC, CHUNK_MAGIC, TABLE_MAGIC)
)

Part = Preamble | ChunkHead | TableHead


def scan(
    file: BinaryIO, start: int, stop: int, uid: int | None
) -> Iterator[tuple[int, Part]]:
    """Go from head to head; search on where one is damaged.

    Args:
        file: Open for reading.
        start: Where a part begins; a multiple of 64.
        stop: Length of the file.
        uid: Number of the archive; parts of others are passed over. None for any.

    Yields:
        Offset of a head that is whole, and the head. A table may come twice, by its first
        head and its last.
    """
    place = start
    while place + UNIT <= stop:
        part = _part_at(file, place)
        if part is None or uid not in (None, part.uid):
            place = _next_magic(file, place + UNIT, stop)
            continue
        yield place, part
        place += _length(part, place)


def read_at(file: BinaryIO, offset: int, size: int) -> bytes:
    """Bytes from a place of a file; fewer where it ends before."""
    file.seek(offset)
    return file.read(size)


def file_size(file: BinaryIO) -> int:
    """Bytes of an open file."""
    return file.seek(0, os.SEEK_END)


def _part_at(file: BinaryIO, place: int) -> Part | None:
    raw = read_at(file, place, UNIT)
    for parse in (parse_chunk, parse_table, parse_preamble):
        try:
            return parse(raw)
        except DataError:
            continue
    return None


def _length(part: Part, place: int) -> int:
    """Bytes until the part after it."""
    if isinstance(part, ChunkHead):
        return UNIT + part.payload_size
    if isinstance(part, TableHead):
        return max(part.end - place, UNIT) if part.offset <= place else UNIT
    return part.front_size  # the copy before the first table: no model follows


def _next_magic(file: BinaryIO, place: int, stop: int) -> int:
    """Next place where a part may begin."""
    while place + UNIT <= stop:
        raw = read_at(file, place, min(_BLOCK, (stop - place) // UNIT * UNIT))
        raw = raw[: len(raw) // UNIT * UNIT]
        if not raw:
            break
        words = np.frombuffer(raw, "<u8")[:: UNIT // 8]
        found = np.flatnonzero(np.isin(words, _MAGICS))
        if found.size:
            return place + UNIT * int(found[0])
        place += len(raw)
    return stop
