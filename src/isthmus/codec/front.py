"""The front of an archive, preamble and JSON header, or its copy before the first table."""

from __future__ import annotations

from typing import Any, BinaryIO

from isthmus.codec.format import (
    UNIT,
    Preamble,
    TableHead,
    parse_header,
    parse_preamble,
    parse_table,
)
from isthmus.codec.scanning import read_at, scan
from isthmus.core.errors import DataError


def last_table(file: BinaryIO, size: int) -> TableHead | None:
    """The table that the file ends with."""
    try:
        head = parse_table(read_at(file, max(size - UNIT, 0), UNIT))
    except DataError:
        return None
    return head if head.end == size else None


def read_front(
    file: BinaryIO, size: int, last: TableHead | None
) -> tuple[Preamble, dict[str, Any], str | None]:
    """Preamble and header, or their copy.

    Args:
        file: Open for reading.
        size: Its length.
        last: The table that it ends with, if there is one.

    Returns:
        Both, and why the copy was taken; None if it was not.

    Raises:
        DataError: If neither can be read; the message is the reason alone.
    """
    try:
        return *read_front_at(file, 0, size), None
    except DataError as error:
        reason = error
    places = _copies(file, size) if last is None else [copy_place(file, last)]
    for place in places:
        try:
            return *read_front_at(file, place, size), str(reason)
        except DataError:
            continue
    raise reason


def _copies(file: BinaryIO, size: int) -> list[int]:
    """Places of whole preambles behind the first; only an archive is searched."""
    if b"ISTH" not in read_at(file, 0, 8):
        return []
    found = scan(file, UNIT, size, None)
    return [place for place, part in found if isinstance(part, Preamble)]


def copy_place(file: BinaryIO, last: TableHead) -> int:
    """Where the copy begins; negative if the tables do not lead to it."""
    head = last
    while head.previous:
        try:
            before = parse_table(read_at(file, head.previous, UNIT))
        except DataError:
            return -1
        if before.offset != head.previous:
            return -1
        head = before
    return head.offset - UNIT * head.front_units


def read_front_at(file: BinaryIO, place: int, size: int) -> tuple[Preamble, dict[str, Any]]:
    """Preamble and header at one place.

    Raises:
        DataError: If they are damaged or reach beyond the file.
    """
    if place < 0:
        raise DataError("it has no copy of its header")
    raw = read_at(file, place, UNIT)
    if len(raw) < UNIT:
        raise DataError(f"it is cut short: {size} bytes are no archive")
    preamble = parse_preamble(raw)
    if preamble.chunks_start > size or place + preamble.front_size > size:
        raise DataError(
            f"it is cut short: header and model take {preamble.chunks_start} bytes, and "
            f"{size} are there"
        )
    raw = read_at(file, place + UNIT, preamble.header_size)
    return preamble, parse_header(raw, preamble.header_crc)
