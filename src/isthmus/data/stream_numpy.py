"""Blocks of .npy files and of members of .npz archives; never unpickled, never mapped.

Pages of a memory map count as resident memory, so that a map of a large file looks like,
and is limited like, the whole file in memory. Here one buffer is read into again and again.
"""

from __future__ import annotations

import dataclasses
import math
import zipfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, final

import numpy as np
from jaxtyping import Float

from isthmus.core.errors import DataError
from isthmus.core.memory import check_memory
from isthmus.data.npy import BROKEN, array_shapes, broken_message, one_key, unknown_key
from isthmus.data.stream_base import (
    AbstractStream,
    block_rows,
    checked_header,
    checked_indices,
    refuse_not_finite,
    rows_by_passing,
)


@dataclasses.dataclass(frozen=True, eq=False)
class _Header:
    """Where the numbers of an array start, and what they are."""

    shape: tuple[int, ...]
    dtype: np.dtype
    start: int


class _NumpyStream(AbstractStream):
    """What a header tells."""

    def __init__(self, path: Path, name: str, header: _Header, chunk: int | None):
        self.path = path
        self.name = name
        n_rows, self.n_columns, self.sample_shape, self.dtype = checked_header(
            name, header.shape, header.dtype
        )
        self.n_rows: int = n_rows
        self.stored_dtype: np.dtype = header.dtype
        self.chunk = block_rows(self.n_columns * self.dtype.itemsize, n_rows, chunk)
        buffers = (
            self.chunk * self.n_columns * (header.dtype.itemsize + self.dtype.itemsize)
        )
        check_memory("stream(chunk=...)", self.chunk, buffers, "Take fewer rows.")
        self.column_names = tuple(f"column {i}" for i in range(self.n_columns))
        self.row_bytes = self.n_columns * header.dtype.itemsize
        self.n_bytes = self.n_rows * self.row_bytes
        self.start = header.start


@final
class NpyStream(_NumpyStream):
    """A .npy file in C order."""

    def blocks(self) -> Iterator[Float[np.ndarray, "row column"]]:
        """Read blocks of rows; see :meth:`AbstractStream.blocks`."""
        with self.path.open("rb", buffering=0) as file:
            file.seek(self.start)
            yield from _read_blocks(self, file)

    def rows(self, indices: Sequence | np.ndarray) -> Float[np.ndarray, "row column"]:
        """Read some rows and nothing between; see :meth:`AbstractStream.rows`."""
        wanted = checked_indices(self.name, indices, self.n_rows)
        raw = np.empty((wanted.size, self.n_columns), self.stored_dtype)
        ends = np.flatnonzero(np.diff(wanted) != 1) + 1
        with self.path.open("rb", buffering=0) as file:
            done = 0
            for run in np.split(wanted, ends) if wanted.size else ():
                file.seek(self.start + int(run[0]) * self.row_bytes)
                _fill(self.name, file, raw[done : done + run.size])
                done += run.size
        out = raw.astype(self.dtype, copy=False)
        for i in range(out.shape[0]):
            refuse_not_finite(self.name, out[i : i + 1], int(wanted[i]), self.column_names)
        return out


@final
class NpzStream(_NumpyStream):
    """One array, in C order, of an archive that is compressed or not."""

    def __init__(
        self, path: Path, member: str, name: str, header: _Header, chunk: int | None
    ):
        super().__init__(path, name, header, chunk)
        self.member = member

    def blocks(self) -> Iterator[Float[np.ndarray, "row column"]]:
        """Read blocks of rows; see :meth:`AbstractStream.blocks`."""
        with self.path.open("rb") as raw:
            try:
                with zipfile.ZipFile(raw) as archive, archive.open(self.member) as file:
                    file.read(self.start)
                    yield from _read_blocks(self, file)
            except DataError:
                raise
            except BROKEN as error:
                raise DataError(broken_message(self.path.name, error)) from error

    def rows(self, indices: Sequence | np.ndarray) -> Float[np.ndarray, "row column"]:
        """Pass over the archive and keep some rows; see :meth:`AbstractStream.rows`."""
        return rows_by_passing(self, indices)


def open_npy(path: Path, key: str | None, chunk: int | None) -> AbstractStream:
    """Open a .npy file.

    Args:
        path: The file.
        key: Must be None: such a file has no parts.
        chunk: Rows of a block, or None.

    Returns:
        The stream.

    Raises:
        DataError: If the file is empty, cut short, in Fortran order, or holds no rows of
            numbers.
    """
    if key is not None:
        raise DataError(f"`{path.name}` has no parts; leave out ':{key}'.")
    size = path.stat().st_size
    if size == 0:
        raise DataError(f"`{path.name}` must be a .npy file; it is empty (0 bytes).")
    with path.open("rb") as file:
        try:
            header = _read_header(path.name, file)
        except DataError:
            raise
        except BROKEN as error:
            raise DataError(broken_message(path.name, error)) from error
    _check_there(path.name, header, size - header.start)
    return NpyStream(path, path.name, header, chunk)


def open_npz(path: Path, key: str | None, chunk: int | None) -> AbstractStream:
    """Open one array of an archive.

    Args:
        path: The archive.
        key: Which array; may be None if only one has rows and columns.
        chunk: Rows of a block, or None.

    Returns:
        The stream.

    Raises:
        DataError: If the archive is broken, `key` is not there, or as for :func:`open_npy`.
    """
    with path.open("rb") as raw:
        try:
            with zipfile.ZipFile(raw) as archive:
                shapes = array_shapes(archive)
                key = one_key(path.name, shapes) if key is None else key
                if key not in shapes:
                    raise DataError(unknown_key(path.name, key, shapes))
                member = f"{key}.npy"
                name = f"{path.name}:{key}"
                with archive.open(member) as file:
                    header = _read_header(name, file)
                there = archive.getinfo(member).file_size - header.start
        except DataError:
            raise
        except BROKEN as error:
            raise DataError(broken_message(path.name, error)) from error
    _check_there(name, header, there)
    return NpzStream(path, member, name, header, chunk)


def _check_there(name: str, header: _Header, there: int) -> None:
    """Refuse a header that promises more than the file holds, before its names are made."""
    promised = math.prod(header.shape) * header.dtype.itemsize
    if promised > there and not header.dtype.hasobject:
        cause = ValueError(f"{promised} bytes of rows promised, {there} there")
        raise DataError(broken_message(name, cause))


def _read_header(name: str, file: Any) -> _Header:
    old = np.lib.format.read_magic(file) == (1, 0)
    read = np.lib.format
    shape, fortran, dtype = (
        read.read_array_header_1_0 if old else read.read_array_header_2_0
    )(file)
    if any(size < 0 for size in shape) or dtype.subdtype is not None:
        raise ValueError(f"shape {shape} of {dtype}")
    # An array of one column is the same in both orders.
    if fortran and len(shape) > 1 and np.count_nonzero(np.array(shape, object) != 1) > 1:
        raise DataError(
            f"`{name}` must be in C order, row after row, to be read in blocks; it is in "
            "Fortran order. Save np.ascontiguousarray(x) instead, or use load if it fits "
            "into memory."
        )
    return _Header(shape, dtype, file.tell())


def _read_blocks(source: _NumpyStream, file: Any) -> Iterator[np.ndarray]:
    """Read into one buffer, turned into native floats in place or in a second one."""
    shape = (source.chunk, source.n_columns)
    buffer = np.empty(shape, source.stored_dtype)
    native = source.stored_dtype == source.dtype
    floats = buffer if native else np.empty(shape, source.dtype)
    for first in range(0, source.n_rows, source.chunk):
        n_rows = min(source.chunk, source.n_rows - first)
        _fill(source.name, file, buffer[:n_rows])
        block = floats[:n_rows]
        if not native:
            block[...] = buffer[:n_rows]
        refuse_not_finite(source.name, block, first, source.column_names)
        yield block


def _fill(name: str, file: Any, rows: np.ndarray) -> None:
    """Fill an array from a file; one read may bring less than was asked for."""
    left = memoryview(rows.reshape(-1).view(np.uint8).data)
    while left:
        read = file.readinto(left)
        if not read:
            raise DataError(
                broken_message(name, ValueError(f"{len(left)} bytes are missing"))
            )
        left = left[read:]
