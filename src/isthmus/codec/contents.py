"""What an archive holds and where, every number of it checked before it is believed."""

from __future__ import annotations

import dataclasses
from typing import Any, BinaryIO

import numpy as np

from isthmus.codec.crc32c import crc32c
from isthmus.codec.format import (
    ENTRY,
    MAX_PAYLOAD,
    UNIT,
    ChunkHead,
    Preamble,
    TableHead,
    parse_table,
)
from isthmus.codec.front import last_table, read_front
from isthmus.codec.scanning import file_size, read_at, scan
from isthmus.core.errors import DataError

CHUNK = np.dtype([("index", "<u8"), *((name, ENTRY[name]) for name in ENTRY.names or ())])
"""A chunk: its number, and its entry of the table."""


@dataclasses.dataclass(frozen=True)
class Damage:
    """Something in an archive that is not as it was written.

    Attributes:
        part: ``"chunk 3"``, ``"table"``, ``"header"``, ``"model"`` or ``"end"``.
        reason: What is wrong with it.
        rows: First row and the one after the last that cannot be read; None if all can.
    """

    part: str
    reason: str
    rows: tuple[int, int] | None = None

    def __str__(self) -> str:
        """Part, rows and reason in one line."""
        rows = "" if self.rows is None else f" (rows {self.rows[0]}-{self.rows[1] - 1})"
        return f"{self.part}{rows}: {self.reason}"


@dataclasses.dataclass(frozen=True, eq=False)
class Contents:
    """What is in a file.

    Attributes:
        preamble: Its first 64 bytes, or their copy.
        header: Its JSON header, or the copy.
        chunks: Of the type `CHUNK`, by rows; those that a table vouches for.
        loose: Whole-looking chunks behind the last table.
        n_rows: Rows that a table vouches for.
        end: Where the last table ends; 0 if there is none.
        tables: Heads of all tables, the last one last.
        size: Bytes of the file.
        damages: What was wrong on the way.
    """

    preamble: Preamble
    header: dict[str, Any]
    chunks: np.ndarray
    loose: np.ndarray
    n_rows: int
    end: int
    tables: tuple[TableHead, ...]
    size: int
    damages: tuple[Damage, ...]

    @property
    def row_bytes(self) -> int:
        """Bytes that hold the bits of a row."""
        return -(-int(self.header["n_bits"]) // 8)

    @property
    def norm_bytes(self) -> int:
        """Bytes that hold the norm of a row."""
        return 2 if self.header["norm"] == "float16" else 0


def read_contents(file: BinaryIO) -> Contents:
    """Find header, tables and chunks; read no payload.

    Args:
        file: Open for reading.

    Returns:
        What is there, with everything that is damaged.

    Raises:
        DataError: If header and its copy cannot be read; the message is the reason alone.
    """
    size = file_size(file)
    last = last_table(file, size)
    preamble, header, reason = read_front(file, size, last)
    damages = [] if reason is None else [Damage("header", reason)]
    found = _Found(file, size, preamble, header)
    if last is None or not found.by_tables(last):
        found.by_scanning()
    return found.contents(damages)


class _Found:
    """Chunks and tables, gathered."""

    def __init__(
        self, file: BinaryIO, size: int, preamble: Preamble, header: dict[str, Any]
    ):
        self.file, self.size = file, size
        self.preamble, self.header = preamble, header
        self.tables: list[TableHead] = []
        self.parts: list[np.ndarray] = []
        self.heads: dict[int, np.ndarray] = {}
        self.damages: list[tuple[int, Damage]] = []  # and where

    def by_tables(self, last: TableHead) -> bool:
        """Follow the tables back from the last; False if one cannot be believed."""
        head, tables = last, [last]
        while head.previous:
            try:
                before = parse_table(read_at(self.file, head.previous, UNIT))
            except DataError:
                return False
            if before.offset != head.previous or before.end > head.offset:
                return False
            tables.append(before)
            head = before
        tables.reverse()
        parts = []
        n_rows = n_chunks = 0
        for head in tables:
            entries = self.entries(head)
            if entries is None or (n_rows, n_chunks) != _before(head, entries):
                return False
            parts.append(_numbered(entries, head.first_chunk))
            n_rows, n_chunks = head.n_rows, n_chunks + head.n_entries
        self.tables, self.parts = tables, parts
        return True

    def by_scanning(self) -> None:
        """Take every head that is whole, and the entries of every whole table."""
        start = self.preamble.chunks_start
        for place, part in scan(self.file, start, self.size, self.preamble.uid):
            if isinstance(part, ChunkHead):
                self._take(place, part)
            elif (
                isinstance(part, TableHead)
                and part.end <= self.size
                and place in (part.offset, part.end - UNIT)
                and part not in self.tables
            ):
                self._take_table(part)
        if not self.tables:
            reason = "it is missing: the file was cut or never finished"
            self.damages.append((0, Damage("table", reason)))

    def _take_table(self, head: TableHead) -> None:
        """Note a table, unless the system stopped while it was being written."""
        entries = self.entries(head)
        if entries is not None:
            self.parts.append(_numbered(entries, head.first_chunk))
        elif read_at(self.file, head.end - UNIT, UNIT) == head.to_bytes():
            damage = Damage("table", f"the one at byte {head.offset} is damaged")
            self.damages.append((head.offset, damage))
        else:
            return
        self.tables.append(head)

    def entries(self, head: TableHead) -> np.ndarray | None:
        """Entries of a table, or None if they are damaged or impossible."""
        smallest = 2 * UNIT  # of a chunk
        if head.uid != self.preamble.uid or head.n_entries * smallest > head.offset:
            return None
        raw = read_at(self.file, head.offset + UNIT, head.entries_size)
        if len(raw) != head.entries_size or crc32c(raw) != head.crc:
            return None
        entries = np.frombuffer(raw, ENTRY, head.n_entries)
        return entries if self._possible(head, entries) else None

    def _possible(self, head: TableHead, entries: np.ndarray) -> bool:
        """Whether entries lie one behind the other, before their table."""
        if not entries.size:
            return True
        width = self._row_size
        most = MAX_PAYLOAD // width
        small = (
            (entries["offset"] < head.offset).all()
            and (entries["first"] < head.n_rows).all()
            and ((entries["n_rows"] > 0) & (entries["n_rows"] <= most)).all()
        )
        if not small:  # from here on no sum can overflow
            return False
        offset, first, n_rows = (
            entries[name].astype(np.int64) for name in ("offset", "first", "n_rows")
        )
        ends = offset + UNIT + -(-n_rows * width // UNIT) * UNIT
        return bool(
            offset[0] >= self.preamble.chunks_start
            and ends[-1] <= head.offset
            and not np.any(offset % UNIT)
            and (ends[:-1] <= offset[1:]).all()
            and (first[:-1] + n_rows[:-1] == first[1:]).all()
            and first[-1] + n_rows[-1] == head.n_rows
        )

    @property
    def _row_size(self) -> int:
        bits = -(-int(self.header["n_bits"]) // 8)
        return bits + (2 if self.header["norm"] == "float16" else 0)

    def _take(self, place: int, head: ChunkHead) -> None:
        """Note a chunk by its head."""
        row = np.array([(head.index, place, head.first, head.n_rows, head.crc)], CHUNK)
        rows = (head.first, head.first + head.n_rows)
        name = f"chunk {head.index}"
        damage = None
        if head.row_bytes + head.norm_bytes != self._row_size:
            damage = Damage(name, "its rows are of another length", rows)
        elif place + UNIT + head.payload_size > self.size:
            damage = Damage(name, "the file ends in it", rows)
        elif head.index not in self.heads:
            self.heads[head.index] = row
        elif self.heads[head.index]["crc"][0] != head.crc:
            damage = Damage(name, f"it comes again at byte {place}")
        if damage is not None:
            self.damages.append((place, damage))

    def contents(self, damages: list[Damage]) -> Contents:
        """All that was found, by rows."""
        last = max(self.tables, key=lambda table: table.end, default=None)
        end = 0 if last is None else last.end
        n_rows = 0 if last is None else last.n_rows
        known = {int(i) for part in self.parts for i in part["index"]}
        heads = [row for index, row in self.heads.items() if index not in known]
        vouched = [row for row in heads if row["offset"][0] < end]
        chunks, doubts = _in_order(_joined([*self.parts, *vouched]), n_rows)
        loose = _joined([row for row in heads if row["offset"][0] >= end])
        found = [one for place, one in self.damages if place < end or not end]
        if end and end < self.size:
            reason = (
                f"{self.size - end} bytes behind the last table: rows are being appended, "
                "or were until the writer was stopped, or the file was cut"
            )
            found.append(Damage("end", reason))
        found = damages + found + doubts
        return Contents(
            self.preamble,
            self.header,
            chunks,
            loose,
            n_rows,
            end,
            tuple(sorted(self.tables, key=lambda table: table.end)),
            self.size,
            tuple(found),
        )


def _before(head: TableHead, entries: np.ndarray) -> tuple[int, int]:
    """Rows and chunks that a table says were there before it."""
    first = int(entries["first"][0]) if entries.size else head.n_rows
    return first, head.first_chunk


def _numbered(entries: np.ndarray, first: int) -> np.ndarray:
    chunks = np.empty(entries.size, CHUNK)
    chunks["index"] = first + np.arange(entries.size)
    for name in ENTRY.names or ():
        chunks[name] = entries[name]
    return chunks


def _joined(parts: list[np.ndarray]) -> np.ndarray:
    chunks = np.concatenate([np.empty(0, CHUNK), *parts])
    return chunks[np.argsort(chunks["first"], kind="stable")]


def _in_order(chunks: np.ndarray, n_rows: int) -> tuple[np.ndarray, list[Damage]]:
    """Chunks without those that claim rows of others, and rows that are in none."""
    found, kept, due = [], [], 0
    for place, chunk in enumerate(chunks):
        first = int(chunk["first"])
        if first < due:
            found.append(Damage(f"chunk {chunk['index']}", "it claims rows of another"))
            continue
        if first > due:
            found.append(Damage("table", "no chunk of these rows is left", (due, first)))
        kept.append(place)
        due = first + int(chunk["n_rows"])
    if due < n_rows:
        found.append(Damage("table", "no chunk of these rows is left", (due, n_rows)))
    return chunks[kept], found
