"""An array in memory as a stream, so that a large one is not copied whole."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import final

import numpy as np
from jaxtyping import Float, Int

from isthmus.data.stream_base import AbstractStream, block_rows
from isthmus.data.stream_checks import checked_header, checked_indices


@final
class MemoryStream(AbstractStream):
    """Rows of an array, converted a block at a time."""

    def __init__(self, array: np.ndarray, chunk: int | None):
        shape = array.shape
        n_rows, n_columns, sample_shape, dtype = checked_header("X", shape, array.dtype)
        self.array = array.reshape(n_rows, n_columns)
        self.path, self.name = Path("X"), "X"
        self.n_rows, self.n_columns = n_rows, n_columns
        self.sample_shape, self.dtype, self.stored_dtype = sample_shape, dtype, array.dtype
        self.column_names = tuple(f"column {i}" for i in range(n_columns))
        self.chunk = block_rows(n_columns * dtype.itemsize, n_rows, chunk)
        self.n_bytes = array.nbytes
        self.seekable = True
        self.n_parts = -(-n_rows // self.chunk)

    def parts(
        self, order: Int[np.ndarray, " part"] | None = None
    ) -> Iterator[tuple[int, Float[np.ndarray, "row column"]]]:
        """Give blocks; see :meth:`AbstractStream.parts`."""
        for part in range(self.n_parts) if order is None else order.tolist():
            start = part * self.chunk
            block = self.array[start : start + self.chunk]
            yield start, block.astype(self.dtype, copy=False)

    def rows(self, indices: Sequence | np.ndarray) -> Float[np.ndarray, "row column"]:
        """Copy some rows; see :meth:`AbstractStream.rows`."""
        wanted = checked_indices(self.name, indices, self.n_rows)
        return np.asarray(self.array[wanted], self.dtype)


def memory_stream(array: np.ndarray, chunk: int | None = None) -> AbstractStream:
    """Blocks of an array that is in memory.

    Args:
        array: Rows first; more dimensions are flattened.
        chunk: Rows of a block; None for blocks of 16 MB.

    Returns:
        The stream; it refuses what :func:`isthmus.data.load` refuses.

    Raises:
        DataError: If the array has no rows and columns.

    Examples:
        >>> source = memory_stream(np.arange(60.0).reshape(20, 3), chunk=8)
        >>> [block.shape[0] for block in source.blocks()]
        [8, 8, 4]
    """
    return MemoryStream(array, chunk)
