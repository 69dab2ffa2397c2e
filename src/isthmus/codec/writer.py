"""Writing archives: chunk by chunk, with memory for one, whole or not at all."""

from __future__ import annotations

import contextlib
import dataclasses
import os
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import Any, BinaryIO

import numpy as np
from jaxtyping import Float16, UInt8

from isthmus.codec.crc32c import crc32c
from isthmus.codec.format import (
    ENTRY,
    MAX_ENTRIES,
    MAX_PAYLOAD,
    UNIT,
    ChunkHead,
    Preamble,
    TableHead,
    entry_bytes,
    header_bytes,
    padded,
    table_bytes,
)
from isthmus.core.door import whole_number
from isthmus.core.errors import OutputError, ValueOutOfRange
from isthmus.core.files import flush_folder

_CHUNK_BYTES, _CHUNK_ROWS = 2**20, 2**14
"""Size of a chunk where the caller does not say: whichever is reached first."""


@dataclasses.dataclass(frozen=True)
class Start:
    """An open file, and what stands in it before the first row that is written.

    Attributes:
        path: The archive.
        file: Open and locked; under another name while the archive is new.
        preamble: Its first 64 bytes.
        header: Its JSON header.
        part: The name of a new archive until it is whole.
        old: What it will replace, locked.
        end: Where the last table ends; 0 if there is none.
        previous: Where it begins.
        n_chunks: Chunks so far.
        n_rows: Rows so far.
    """

    path: Path
    file: BinaryIO
    preamble: Preamble
    header: dict[str, Any]
    part: Path | None = None
    old: BinaryIO | None = None
    end: int = 0
    previous: int = 0
    n_chunks: int = 0
    n_rows: int = 0


class ArchiveWriter:
    """Rows of packed bits on their way into an .isth file.

    Made by :func:`~isthmus.codec.create_archive` or `append_archive`. Use it in a ``with``
    statement: what was written counts when the body ends, and is taken back if it raises.

    Args:
        start: The open file.
        front: Bytes that a new archive begins with.
        chunk_rows: Rows of a chunk; None for chunks of 1 MiB or 16 384 rows.

    Attributes:
        path: The archive.
        header: Its JSON header.

    Raises:
        OutputError: If the front cannot be written.
    """

    def __init__(self, start: Start, front: bytes = b"", *, chunk_rows: int | None = None):
        self.path, self.header = start.path, start.header
        self._file, self._start = start.file, start
        self._part = start.part
        self._place, self._previous = start.end, start.previous
        self._n_chunks, self._stored_rows = start.n_chunks, start.n_rows
        self._row_bytes = -(-int(start.header["n_bits"]) // 8)
        self._norm_bytes = 2 if start.header["norm"] == "float16" else 0
        self._entries: list[tuple[int, int, int, int]] = []
        self._waiting = 0
        with self._undone_on_error():
            size = _rows_of_chunk(self._row_bytes + self._norm_bytes, chunk_rows)
            self._bits = np.empty((size, self._row_bytes), np.uint8)
            self._norms = np.empty(size, "<f2")
            self._file.truncate(start.end)
            self._file.seek(start.end)
            self._put(front)

    def __enter__(self) -> ArchiveWriter:
        """The writer itself."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Finish, or take everything back if the body raised."""
        if error is None:
            self.close()
        else:
            self.abort()

    @property
    def n_rows(self) -> int:
        """Rows so far."""
        return self._stored_rows + self._waiting

    def write(
        self,
        packed: UInt8[np.ndarray, "row byte"],
        norms: Float16[np.ndarray, " row"] | None = None,
    ) -> None:
        """Add rows.

        Args:
            packed: Bits, as :func:`isthmus.core.bits.pack_signs` lays them out.
            norms: Lengths, where the archive has them.

        Raises:
            ValueOutOfRange: If they are not rows of this archive.
            OutputError: If they cannot be written; everything is taken back.
        """
        self._check_rows(packed, norms)
        done = 0
        while done < packed.shape[0]:
            free = self._bits.shape[0] - self._waiting
            count = min(free, packed.shape[0] - done)
            place = slice(self._waiting, self._waiting + count)
            self._bits[place] = packed[done : done + count]
            if norms is not None:
                self._norms[place] = norms[done : done + count]
            self._waiting += count
            done += count
            if self._waiting == self._bits.shape[0]:
                with self._undone_on_error():
                    self._write_chunk()

    def close(self) -> None:
        """Write the last chunk and the table, and flush both to the disk.

        Raises:
            OutputError: If that fails; everything is taken back.
        """
        if self._file.closed:
            return
        with self._undone_on_error():
            if self._waiting:
                self._write_chunk()
            if self._entries or not self._previous:
                self._commit()
            if self._part is not None:
                os.replace(self._part, self.path)
                self._part = None
                flush_folder(self.path.parent)
        self._file.close()
        _close(self._start.old)

    def abort(self) -> None:
        """Take back everything since `create` or `append`."""
        if self._file.closed:
            return
        try:
            if self._part is not None:
                self._part.unlink(missing_ok=True)
            elif self._start.end:
                self._file.truncate(self._start.end)
        except OSError:
            pass  # what is left has no table, and readers pass it over
        finally:
            self._file.close()
            _close(self._start.old)

    def _write_chunk(self) -> None:
        count, self._waiting = self._waiting, 0
        raw = self._bits[:count].tobytes()
        if self._norm_bytes:
            raw += self._norms[:count].tobytes()
        raw = raw.ljust(padded(len(raw)), b"\0")
        crc, first = crc32c(raw), self._stored_rows
        sizes = (count, self._row_bytes, self._norm_bytes)
        head = ChunkHead(self._start.preamble.uid, self._n_chunks, first, *sizes, crc)
        self._entries.append((self._place, first, count, crc))
        self._put(head.to_bytes())
        self._put(raw)
        self._n_chunks += 1
        self._stored_rows += count
        if len(self._entries) == MAX_ENTRIES:
            self._commit()

    def _commit(self) -> None:
        """Chunks to the disk, then the table that vouches for them, then that."""
        os.fsync(self._file.fileno())
        entries = np.array(self._entries, ENTRY)
        if not self._previous:
            raw = header_bytes(self.header)
            self._put(self._start.preamble.to_bytes() + raw)
        head = TableHead(
            uid=self._start.preamble.uid,
            offset=self._place,
            previous=self._previous,
            first_chunk=self._n_chunks - entries.size,
            n_rows=self._stored_rows,
            n_entries=entries.size,
            crc=crc32c(entry_bytes(entries)),
            front_units=self._start.preamble.front_size // UNIT,
        )
        self._put(table_bytes(head, entries))
        os.fsync(self._file.fileno())
        self._previous, self._entries = head.offset, []

    def _put(self, raw: bytes) -> None:
        """Write all of it: the system may take less at a time."""
        left = memoryview(raw)
        while left:
            left = left[self._file.write(left) :]
        self._place += len(raw)

    def _check_rows(self, packed: np.ndarray, norms: np.ndarray | None) -> None:
        if (
            packed.dtype != np.uint8
            or packed.ndim != 2
            or (packed.shape[1] != self._row_bytes)
        ):
            raise ValueOutOfRange(
                f"`ArchiveWriter.write(packed)` must be uint8 of shape (row, "
                f"{self._row_bytes}); got {packed.dtype} of shape {packed.shape}."
            )
        if (norms is not None) != bool(self._norm_bytes) or (
            norms is not None and norms.shape != packed.shape[:1]
        ):
            there = "one per row" if self._norm_bytes else "None: the archive has none"
            got = None if norms is None else f"shape {norms.shape}"
            raise ValueOutOfRange(
                f"`ArchiveWriter.write(norms)` must be {there}; got {got}."
            )
        spare = 8 * self._row_bytes - int(self.header["n_bits"])
        if spare and packed.size and int(packed[:, -1].max()) >> (8 - spare):
            raise ValueOutOfRange(
                f"`ArchiveWriter.write(packed)` must have zeros behind the "
                f"{self.header['n_bits']} bits of a row, as numpy.packbits with "
                "bitorder='little' makes them."
            )

    @contextlib.contextmanager
    def _undone_on_error(self) -> Iterator[None]:
        """Take everything back if the body raises, and name the file in system errors."""
        try:
            yield
        except BaseException as error:
            self.abort()
            if isinstance(error, OSError) and not isinstance(error, OutputError):
                raise OutputError(
                    f"`{self.path}` cannot be written: {error.strerror}. What was there "
                    "before is unchanged."
                ) from error
            raise


def _rows_of_chunk(row_size: int, asked: int | None) -> int:
    most = max(1, MAX_PAYLOAD // (row_size + 1))
    if asked is None:
        return max(1, min(_CHUNK_BYTES // row_size, _CHUNK_ROWS, most))
    call = "ArchiveWriter(chunk_rows=...)"
    return whole_number(call, asked, least=1, most=min(most, 2**31))


def _close(file: BinaryIO | None) -> None:
    if file is not None:
        file.close()
