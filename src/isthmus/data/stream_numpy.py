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
from jaxtyping import Float, Int

from isthmus.core.errors import DataError
from isthmus.core.memory import check_memory
from isthmus.data.columns import ALL, Choice
from isthmus.data.npy import (
    BROKEN,
    array_shapes,
    broken_message,
    one_key,
    refuse_empty,
    unknown_key,
)
from isthmus.data.sparse import is_sparse
from isthmus.data.stream_base import AbstractStream, block_rows, rows_by_passing
from isthmus.data.stream_checks import checked_header, checked_indices, refuse_not_finite
from isthmus.data.stream_header import Header, check_there, member_offset, read_header


class _NumpyStream(AbstractStream):
    """What a header tells."""

    def __init__(
        self, path: Path, name: str, header: Header, chunk: int | None, choice: Choice
    ):
        self.path = path
        self.name = name
        n_rows, width, self.sample_shape, self.dtype = checked_header(
            name, header.shape, header.dtype, choice.min_rows
        )
        self.stored_rows: int = n_rows
        self.stored_dtype: np.dtype = header.dtype
        self.drop_missing = choice.drop_missing and header.dtype.kind == "f"
        self.n_rows = None if self.drop_missing else n_rows
        self.n_rows_dropped = None if self.drop_missing else 0
        names = tuple(f"column {i}" for i in range(width))
        kept, self.left_out = choice.split(name, names)
        self.kept = _as_slice(kept) if self.left_out else None
        if self.left_out:
            names, self.sample_shape = tuple(names[i] for i in kept), None
        self.column_names = names
        self.n_columns = len(names)
        self.stored_width = width
        self.row_bytes = width * header.dtype.itemsize
        self.n_bytes = n_rows * self.row_bytes
        self.start = header.start
        self.chunk = block_rows(width * self.dtype.itemsize, n_rows, chunk)
        self.n_parts = -(-n_rows // self.chunk)
        needed = self.chunk * (self.row_bytes + self.n_columns * self.dtype.itemsize)
        check_memory("stream(chunk=...)", self.chunk, needed, "Take fewer rows.")


@final
class NpyStream(_NumpyStream):
    """A .npy file in C order."""

    seekable = True

    def parts(
        self, order: Int[np.ndarray, " part"] | None = None
    ) -> Iterator[tuple[int, Float[np.ndarray, "row column"]]]:
        """Read blocks of rows; see :meth:`AbstractStream.parts`."""
        with self.path.open("rb", buffering=0) as file:
            file.seek(self.start)
            yield from _read_parts(self, file, order, self.start)

    def rows(self, indices: Sequence | np.ndarray) -> Float[np.ndarray, "row column"]:
        """Read some rows and nothing between; see :meth:`AbstractStream.rows`."""
        if self.drop_missing:
            return rows_by_passing(self, indices)
        with self.path.open("rb", buffering=0) as file:
            return _pick_rows(self, file, self.start, indices)


@final
class NpzStream(_NumpyStream):
    """One array, in C order, of an archive; one that is not compressed can be jumped in."""

    def __init__(
        self,
        path: Path,
        member: str,
        name: str,
        header: Header,
        chunk: int | None,
        choice: Choice,
        offset: int | None,
    ):
        super().__init__(path, name, header, chunk, choice)
        self.member = member
        self.offset = offset
        self.seekable = offset is not None

    def parts(
        self, order: Int[np.ndarray, " part"] | None = None
    ) -> Iterator[tuple[int, Float[np.ndarray, "row column"]]]:
        """Read blocks of rows; see :meth:`AbstractStream.parts`."""
        if order is not None and self.offset is not None:
            with self.path.open("rb", buffering=0) as file:
                yield from _read_parts(self, file, order, self.offset + self.start)
            return
        with self.path.open("rb") as raw:
            try:
                with zipfile.ZipFile(raw) as archive, archive.open(self.member) as member:
                    member.read(self.start)
                    yield from _read_parts(self, member, None, 0)
            except DataError:
                raise
            except BROKEN as error:
                raise DataError(broken_message(self.path.name, error)) from error

    def rows(self, indices: Sequence | np.ndarray) -> Float[np.ndarray, "row column"]:
        """Read some rows, or pass over all; see :meth:`AbstractStream.rows`."""
        if self.drop_missing or self.offset is None:
            return rows_by_passing(self, indices)
        with self.path.open("rb", buffering=0) as file:
            return _pick_rows(self, file, self.offset + self.start, indices)


def open_npy(
    path: Path, key: str | None, chunk: int | None, choice: Choice = ALL
) -> AbstractStream:
    """Open a .npy file.

    Args:
        path: The file.
        key: Must be None: such a file has no parts.
        chunk: Rows of a block, or None.
        choice: Which columns, and whether rows with gaps are left out.

    Returns:
        The stream.

    Raises:
        DataError: If the file is empty, cut short, in Fortran order, or holds no rows of
            numbers.
    """
    if key is not None:
        raise DataError(f"`{path.name}` has no parts; leave out ':{key}'.")
    refuse_empty(path)
    with path.open("rb") as file:
        try:
            header = read_header(path.name, file)
        except DataError:
            raise
        except BROKEN as error:
            raise DataError(broken_message(path.name, error)) from error
    check_there(path.name, header, path.stat().st_size - header.start)
    return NpyStream(path, path.name, header, chunk, choice)


def open_npz(
    path: Path,
    key: str | None,
    chunk: int | None,
    choice: Choice = ALL,
    *,
    name: str | None = None,
    sample_ndim: int | None = None,
) -> AbstractStream:
    """Open one array of an archive.

    Args:
        path: The archive.
        key: Which array; may be None if only one has rows and columns.
        chunk: Rows of a block, or None.
        choice: Which columns, and whether rows with gaps are left out.
        name: What to call it; None for file and key.
        sample_ndim: Dimensions of one sample, those before are rows; None: one before.

    Returns:
        The stream.

    Raises:
        DataError: If the archive is broken, `key` is not there, or as for :func:`open_npy`.
    """
    refuse_empty(path)
    with path.open("rb") as raw:
        try:
            with zipfile.ZipFile(raw) as archive:
                shapes = array_shapes(archive)
                if key is None and is_sparse(shapes):
                    raise DataError(_sparse(path.name))
                key = one_key(path.name, shapes) if key is None else key
                if key not in shapes:
                    raise DataError(unknown_key(path.name, key, shapes))
                info = archive.getinfo(f"{key}.npy")
                name = name or f"{path.name}:{key}"
                with archive.open(info) as file:
                    header = read_header(name, file)
            offset = member_offset(raw, info)
        except DataError:
            raise
        except BROKEN as error:
            raise DataError(broken_message(path.name, error)) from error
    check_there(name, header, info.file_size - header.start)
    if sample_ndim is not None and len(header.shape) > sample_ndim:
        split = len(header.shape) - sample_ndim
        shape = (math.prod(header.shape[:split]), *header.shape[split:])
        header = dataclasses.replace(header, shape=shape)
    return NpzStream(path, info.filename, name, header, chunk, choice, offset)


def _sparse(name: str) -> str:
    return (
        f"`{name}` is a sparse matrix, which is not read in blocks; use load if it fits "
        "into memory with its zeros, or save x.toarray() as .npy."
    )


def _as_slice(kept: list[int]) -> slice | np.ndarray:
    """Columns that lie side by side as a slice, which copies nothing."""
    if kept[-1] - kept[0] + 1 == len(kept):
        return slice(kept[0], kept[-1] + 1)
    return np.array(kept)


def _read_parts(
    source: _NumpyStream, file: Any, order: np.ndarray | None, start: int
) -> Iterator[tuple[int, np.ndarray]]:
    """Read into one buffer, turned into native floats in place or in a second one."""
    buffer = np.empty((source.chunk, source.stored_width), source.stored_dtype)
    as_stored = source.stored_dtype == source.dtype and source.kept is None
    shape = (source.chunk, source.n_columns)
    floats = buffer if as_stored else np.empty(shape, source.dtype)
    for part in range(source.n_parts) if order is None else order:
        first = int(part) * source.chunk
        n_rows = min(source.chunk, source.stored_rows - first)
        if order is not None:
            file.seek(start + first * source.row_bytes)
        _fill(source.name, file, buffer[:n_rows])
        block = floats[:n_rows]
        if not as_stored:
            rows = buffer[:n_rows]
            block[...] = rows if source.kept is None else rows[:, source.kept]
        yield first, block


def _pick_rows(
    source: _NumpyStream, file: Any, start: int, indices: Sequence | np.ndarray
) -> np.ndarray:
    """Read some rows, those that follow each other at once."""
    wanted = checked_indices(source.name, indices, source.stored_rows)
    raw = np.empty((wanted.size, source.stored_width), source.stored_dtype)
    ends = np.flatnonzero(np.diff(wanted) != 1) + 1
    done = 0
    for run in np.split(wanted, ends) if wanted.size else ():
        file.seek(start + int(run[0]) * source.row_bytes)
        _fill(source.name, file, raw[done : done + run.size])
        done += run.size
    chosen = raw if source.kept is None else raw[:, source.kept]
    out = np.ascontiguousarray(chosen, dtype=source.dtype)
    refuse_not_finite(source.name, out, wanted, source.column_names)
    return out


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
