"""What every stream offers."""

from __future__ import annotations

import abc
import warnings
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
from jaxtyping import Float, Int

from isthmus.core.errors import DataWarning, ValueOutOfRange
from isthmus.core.random import random_subset
from isthmus.data.missing import told_lost
from isthmus.data.stream_checks import Gaps, checked_indices

BLOCK_BYTES = 2**24
"""Size of a block where the caller does not say."""


class AbstractStream(abc.ABC):
    """Rows that are read when they are asked for, checked as :func:`isthmus.data.load`.

    Attributes:
        path: The file.
        name: Built-in name, or file name without its folder and the key of an archive.
        n_rows: Rows; None where only reading tells (.csv, or rows left out).
        n_columns: Numbers in a row, of the columns chosen.
        dtype: Of the blocks: float32 or float64.
        stored_dtype: In the file; None where it is not one type (text, columns).
        sample_shape: Shape of one sample where it has more than one dimension.
        column_names: One per column.
        left_out: Columns left out, the reason in brackets.
        chunk: Rows of a block.
        n_bytes: Bytes on disk that hold the rows.
        seekable: Whether the file can be read in another order than its own.
        n_parts: Parts that :meth:`shuffled_blocks` puts in random order.
        drop_missing: Whether rows with a missing value are left out.
        n_rows_dropped: Rows left out; None until all were read once.
    """

    path: Path
    name: str
    n_rows: int | None
    n_columns: int
    dtype: np.dtype
    stored_dtype: np.dtype | None
    sample_shape: tuple[int, ...] | None
    column_names: tuple[str, ...]
    left_out: tuple[str, ...] = ()
    chunk: int
    n_bytes: int
    seekable: bool = False
    n_parts: int = 1
    drop_missing: bool = False
    n_rows_dropped: int | None = 0

    @abc.abstractmethod
    def parts(
        self, order: Int[np.ndarray, " part"] | None = None
    ) -> Iterator[tuple[int, Float[np.ndarray, "row column"]]]:
        """Read blocks of the chosen columns, gaps as NaN; for streams, not for callers.

        Args:
            order: Numbers of the parts, all or some, each once; None reads from the
                first row to the last.

        Yields:
            Number of the first row in the file, and a block in memory that is used again.

        Raises:
            DataError: If the file is cut short or damaged.
        """

    @abc.abstractmethod
    def rows(self, indices: Sequence | np.ndarray) -> Float[np.ndarray, "row column"]:
        """Read some rows only. A .npy file is read nowhere else; others are passed over.

        Args:
            indices: Row numbers, ascending, none twice; of the rows that are not left out.

        Returns:
            Those rows, in memory of their own.

        Raises:
            DataError: If a row cannot be read.
            ValueOutOfRange: If the numbers do not ascend, or there is no such row.
        """

    def blocks(self) -> Iterator[Float[np.ndarray, "row column"]]:
        """Read all rows from the first one, in blocks of `chunk` rows.

        A block is good until the next one is asked for, which is read into the same
        memory; copy what must stay.

        Yields:
            Finite rows of `dtype`; the last block may be shorter, and so is one that
            rows were left out of.

        Raises:
            DataError: If the file is cut short, or a value is missing or not finite.

        Warns:
            DataWarning: If rows were left out, at the end of the first pass.
        """
        for _, block in self._checked(self.parts()):
            yield block

    def shuffled_blocks(
        self, rng: np.random.Generator
    ) -> Iterator[tuple[int, Float[np.ndarray, "row column"]]]:
        """Read all rows, in blocks that come in random order where the file allows it.

        Whoever stops early has seen a fair sample of a file in any order, to the
        coarseness of its blocks (.npy, stored .npz) or of its row groups (.parquet, whose
        blocks keep their order within a group). Other files come in their own order:
        `seekable` says which.

        Args:
            rng: Draws the order.

        Yields:
            Number of the first row in the file, and the block, as :meth:`blocks` has it.

        Raises:
            DataError: As :meth:`blocks`.

        Warns:
            DataWarning: As :meth:`blocks`.
        """
        parts = self.n_parts
        order = random_subset(rng, parts, parts) if self.seekable else None
        yield from self._checked(self.parts(order))

    def _checked(
        self, parts: Iterator[tuple[int, np.ndarray]]
    ) -> Iterator[tuple[int, np.ndarray]]:
        """Refuse or leave out what `load` does; tell what was left out after the last."""
        gaps = Gaps(self.name, self.column_names, self.drop_missing)
        for first, part in parts:
            block = gaps.leave_out(part, first)
            if block.shape[0]:
                yield first, block
        lost = gaps.counted()
        if lost and self.n_rows_dropped is None:
            warnings.warn(told_lost(lost, gaps.n_rows), DataWarning, stacklevel=3)
        self.n_rows_dropped = lost


def block_rows(row_bytes: int, n_rows: int | None, chunk: int | None) -> int:
    """Rows of a block: what was asked for, or what makes 16 MB; never more than there are.

    Examples:
        >>> block_rows(2**14, None, None), block_rows(8, 20, 50)
        (1024, 20)
    """
    rows = max(1, BLOCK_BYTES // max(row_bytes, 1)) if chunk is None else chunk
    return rows if n_rows is None else min(rows, max(n_rows, 1))


def rows_by_passing(
    source: AbstractStream, indices: Sequence | np.ndarray
) -> Float[np.ndarray, "row column"]:
    """Pick rows while passing over a stream that cannot jump.

    Args:
        source: The stream.
        indices: Row numbers, ascending.

    Returns:
        Those rows.

    Raises:
        DataError: If the file ends before them.
        ValueOutOfRange: If the numbers do not ascend, or there is no such row.
    """
    wanted = checked_indices(source.name, indices, source.n_rows)
    out = np.empty((wanted.size, source.n_columns), source.dtype)
    done = seen = 0
    blocks = source.blocks()
    while done < wanted.size:
        block = next(blocks, None)
        if block is None:
            raise ValueOutOfRange(
                f"`rows(indices=...)` of `{source.name}` must be below its {seen} rows; "
                f"got {wanted[-1]}."
            )
        stop = int(np.searchsorted(wanted, seen + block.shape[0]))
        out[done:stop] = block[wanted[done:stop] - seen]
        done, seen = stop, seen + block.shape[0]
    return out
