"""Blocks of .parquet files, read by pyarrow (extra ``parquet``)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, final

import numpy as np
from jaxtyping import Float, Int

from isthmus.core.errors import DataError
from isthmus.core.memory import check_memory
from isthmus.data.columns import ALL, Choice
from isthmus.data.parquet import (
    no_numbers,
    number_columns,
    opened_parquet,
    refuse_parts,
)
from isthmus.data.stream_base import AbstractStream, block_rows, rows_by_passing
from isthmus.data.stream_checks import checked_header, checked_indices, refuse_not_finite

_BATCH = 2**13  # most rows that pyarrow decodes at once
_BUFFER = 2**16  # bytes of a column read at once: a row group may be the whole file


@final
class ParquetStream(AbstractStream):
    """The columns of a .parquet file that are numbers; the others are not read."""

    stored_dtype = None
    sample_shape = None

    def __init__(self, path: Path, chunk: int | None, choice: Choice):
        self.path = path
        self.name = path.name
        with opened_parquet(path, _BUFFER) as (file, pyarrow):
            names, self.left_out, self.dtype = number_columns(
                self.name, file.schema_arrow, pyarrow.types, choice
            )
            for column in [c for c in names if _is_empty(file, c)]:
                names.remove(column)
                self.left_out += (f"{column} (not numbers)",)
            groups = range(file.metadata.num_row_groups)
            sizes = [file.metadata.row_group(i).num_rows for i in groups]
        if not names:
            raise DataError(no_numbers(self.name, self.left_out))
        self.column_names = tuple(names)
        self.group_ends: Int[np.ndarray, " group"] = np.cumsum([0, *sizes])
        stored_rows = int(self.group_ends[-1])
        _, self.n_columns, _, _ = checked_header(
            self.name, (stored_rows, len(names)), self.dtype, choice.min_rows
        )
        self.drop_missing = choice.drop_missing
        self.n_rows = None if choice.drop_missing else stored_rows
        self.n_rows_dropped = None if choice.drop_missing else 0
        self.n_bytes = path.stat().st_size
        self.chunk = block_rows(self.n_columns * self.dtype.itemsize, stored_rows, chunk)
        needed = self.chunk * self.n_columns * self.dtype.itemsize
        check_memory("stream(chunk=...)", self.chunk, needed, "Take fewer rows.")
        self.n_parts = len(sizes)
        self.seekable = len(sizes) > 1

    def parts(
        self, order: Int[np.ndarray, " part"] | None = None
    ) -> Iterator[tuple[int, Float[np.ndarray, "row column"]]]:
        """Read blocks, of row groups in any order; see :meth:`AbstractStream.parts`."""
        buffer = np.empty((self.chunk, self.n_columns), self.dtype)
        with opened_parquet(self.path, _BUFFER) as (file, _):
            if order is None:
                yield from self._blocks(file, list(range(self.n_parts)), buffer)
                return
            for group in order:
                yield from self._blocks(file, [int(group)], buffer)

    def rows(self, indices: Sequence | np.ndarray) -> Float[np.ndarray, "row column"]:
        """Read some rows, from the row groups that have them; see `AbstractStream.rows`."""
        if self.drop_missing:
            return rows_by_passing(self, indices)
        wanted = checked_indices(self.name, indices, self.n_rows)
        out = np.empty((wanted.size, self.n_columns), self.dtype)
        groups = np.unique(np.searchsorted(self.group_ends, wanted, side="right") - 1)
        for first, block in self.parts(groups) if wanted.size else ():
            start, stop = np.searchsorted(wanted, [first, first + block.shape[0]])
            out[start:stop] = block[wanted[start:stop] - first]
        refuse_not_finite(self.name, out, wanted, self.column_names)
        return out

    def _blocks(
        self, file: Any, groups: list[int], buffer: np.ndarray
    ) -> Iterator[tuple[int, np.ndarray]]:
        """Fill the buffer from neighbouring row groups again and again."""
        first = int(self.group_ends[groups[0]])
        filled = 0
        batches = file.iter_batches(
            batch_size=min(self.chunk, _BATCH),
            row_groups=groups,
            columns=list(self.column_names),
        )
        for batch in batches:
            done = 0
            while done < batch.num_rows:
                piece = batch.slice(done, self.chunk - filled)
                _write(piece, self.column_names, buffer[filled : filled + piece.num_rows])
                done += piece.num_rows
                filled += piece.num_rows
                if filled == self.chunk:
                    yield first, buffer
                    first, filled = first + filled, 0
        if filled:
            yield first, buffer[:filled]


def open_parquet(
    path: Path, key: str | None, chunk: int | None, choice: Choice = ALL
) -> AbstractStream:
    """Open a .parquet file; its metadata are read, and a column only if it looks empty.

    Args:
        path: The file.
        key: Must be None: such a file has no parts.
        chunk: Rows of a block, or None.
        choice: Which columns, and whether rows with nulls are left out.

    Returns:
        The stream.

    Raises:
        DataError: If the file is no Parquet file or damaged, two columns share a name,
            there are fewer than ten rows, or no column is numbers.
        MissingDependency: If pyarrow is not installed.
    """
    refuse_parts(path, key)
    return ParquetStream(path, chunk, choice)


def _write(piece: Any, names: Sequence[str], out: np.ndarray) -> None:
    """Put columns side by side, nulls as NaN."""
    for index, name in enumerate(names):
        values = piece.column(name).to_numpy(zero_copy_only=False)
        out[:, index] = np.asarray(values, out.dtype)


def _is_empty(file: Any, column: str) -> bool:
    """Whether a column has no number: told by its statistics, else by reading it."""
    index = file.schema_arrow.get_field_index(column)
    groups = [file.metadata.row_group(i) for i in range(file.metadata.num_row_groups)]
    statistics = (group.column(index).statistics for group in groups if group.num_rows)
    if any(found is not None and found.has_min_max for found in statistics):
        return False
    batches = file.iter_batches(_BATCH, columns=[column])
    arrays = (batch.column(0).to_numpy(zero_copy_only=False) for batch in batches)
    return all(np.isnan(np.asarray(array, np.float64)).all() for array in arrays)
