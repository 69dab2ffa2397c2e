"""Every byte of an archive checked."""

from __future__ import annotations

from typing import BinaryIO

from isthmus.codec.contents import Contents, Damage
from isthmus.codec.format import UNIT, TableHead, payload_size
from isthmus.codec.front import copy_place, read_front_at
from isthmus.codec.reader import ArchiveReader
from isthmus.codec.scanning import read_at
from isthmus.core.errors import DataError
from isthmus.core.progress import Progress


def all_damages(
    archive: ArchiveReader, progress: Progress | None = None
) -> tuple[list[Damage], int]:
    """Everything in an archive that is not as it was written.

    Args:
        archive: Open.
        progress: Told how many chunks were read.

    Returns:
        The damages, and how many rows are in whole chunks.
    """
    found = list(archive.contents.damages)
    found += _of_model(archive) + of_tables(archive.file, archive.contents)
    n_good = 0
    for place in range(archive.chunks.size):
        piece = archive.piece(place)
        head = archive.head_damage(place)
        if piece.damage is not None:
            found.append(piece.damage)
        else:
            n_good += piece.n_rows
            found += [] if head is None else [head]
        if progress is not None:
            progress("verifying", place + 1, archive.chunks.size)
    return found + _unaccounted(archive), n_good


def of_tables(file: BinaryIO, contents: Contents) -> list[Damage]:
    """Heads of tables of which only one copy is right, and the copy of the front."""
    found = []
    for table in contents.tables:
        first = read_at(file, table.offset, UNIT)
        last = read_at(file, table.end - UNIT, UNIT)
        if not first == last == table.to_bytes():
            reason = f"one of the two heads of the one at byte {table.offset} is damaged"
            found.append(Damage("table", reason))
        if UNIT * table.front_units != contents.preamble.front_size:
            reason = f"the one at byte {table.offset} tells another length of the header"
            found.append(Damage("table", reason))
    if contents.tables:
        place = copy_place(file, contents.tables[-1])
        try:
            copy = read_front_at(file, place, contents.size)
        except DataError as error:
            return [*found, Damage("header", f"its copy is damaged: {error}")]
        if copy != (contents.preamble, contents.header):
            found.append(Damage("header", "its copy is another"))
    return found


def _of_model(archive: ArchiveReader) -> list[Damage]:
    try:
        archive.spec()
    except DataError as error:
        return [Damage("model", str(error))]
    return []


def _unaccounted(archive: ArchiveReader) -> list[Damage]:
    """Bytes before the last table that belong to nothing, where all else is found."""
    contents = archive.contents
    if contents.damages or not contents.tables:
        return []
    sizes = (contents.row_bytes, contents.norm_bytes)
    chunks = sum(UNIT + payload_size(int(n), *sizes) for n in contents.chunks["n_rows"])
    tables = sum(_table_size(table) for table in contents.tables)
    known = contents.preamble.chunks_start + contents.preamble.front_size + chunks + tables
    if known == contents.end:
        return []
    return [Damage("end", f"{contents.end - known} bytes belong to nothing")]


def _table_size(table: TableHead) -> int:
    return table.end - table.offset
