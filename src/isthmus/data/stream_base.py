"""What every stream offers, and the checks they share."""

from __future__ import annotations

import abc
import warnings
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
from jaxtyping import Float, Int

from isthmus.core.errors import DataError, DataWarning, ValueOutOfRange
from isthmus.data.checks import MIN_ROWS, refuse_kind

BLOCK_BYTES = 2**24
"""Size of a block where the caller does not say."""


class AbstractStream(abc.ABC):
    """Rows that are read when they are asked for, checked as :func:`isthmus.data.load`.

    Attributes:
        path: The file.
        name: File name without its folder, and the key of an archive.
        n_rows: Rows; None where only reading tells (.csv).
        n_columns: Numbers in a row.
        dtype: Of the blocks: float32 or float64.
        stored_dtype: In the file; None for text.
        sample_shape: Shape of one sample where it has more than one dimension.
        column_names: One per column.
        chunk: Rows of a block.
        n_bytes: Bytes on disk that hold the rows.
    """

    path: Path
    name: str
    n_rows: int | None
    n_columns: int
    dtype: np.dtype
    stored_dtype: np.dtype | None
    sample_shape: tuple[int, ...] | None
    column_names: tuple[str, ...]
    chunk: int
    n_bytes: int

    @abc.abstractmethod
    def blocks(self) -> Iterator[Float[np.ndarray, "row column"]]:
        """Read all rows from the first one, in blocks of `chunk` rows.

        A block is good until the next one is asked for, which is read into the same
        memory; copy what must stay.

        Yields:
            Finite rows of `dtype`; the last block may be shorter.

        Raises:
            DataError: If the file is cut short, or a value is missing or not finite.
        """

    @abc.abstractmethod
    def rows(self, indices: Sequence | np.ndarray) -> Float[np.ndarray, "row column"]:
        """Read some rows only. A .npy file is read nowhere else; others are passed over.

        Args:
            indices: Row numbers, ascending, none twice.

        Returns:
            Those rows, in memory of their own.

        Raises:
            DataError: If a row cannot be read.
            ValueOutOfRange: If the numbers do not ascend, or there is no such row.
        """


def block_rows(row_bytes: int, n_rows: int | None, chunk: int | None) -> int:
    """Rows of a block: what was asked for, or what makes 16 MB; never more than there are.

    Examples:
        >>> block_rows(2**14, None, None), block_rows(8, 20, 50)
        (1024, 20)
    """
    rows = max(1, BLOCK_BYTES // max(row_bytes, 1)) if chunk is None else chunk
    return rows if n_rows is None else min(rows, max(n_rows, 1))


def checked_header(
    name: str, shape: tuple[int, ...], stored: np.dtype
) -> tuple[int, int, tuple[int, ...] | None, np.dtype]:
    """Refuse from the header what :func:`isthmus.data.load` refuses from the array.

    Args:
        name: What to call it in messages.
        shape: Rows first.
        stored: Type in the file.

    Returns:
        Rows, columns, shape of a sample or None, and the type of the blocks.

    Raises:
        DataError: If there are no rows and columns, fewer than ten rows, or no numbers.

    Warns:
        DataWarning: If the type will be converted.

    Examples:
        >>> checked_header("x", (12, 2, 3), np.dtype(">f4"))
        (12, 6, (2, 3), dtype('float32'))
    """
    refuse_kind(name, np.empty(0, stored))
    if len(shape) < 2:
        raise DataError(
            f"`{name}` must have rows and columns; got shape {shape}. "
            "Reshape a single column with x.reshape(-1, 1)."
        )
    if 0 in shape:
        raise DataError(f"`{name}` must not be empty; got shape {shape}.")
    if shape[0] < MIN_ROWS:
        raise DataError(
            f"`{name}` must have at least {MIN_ROWS} rows; got {shape[0]}. "
            "Fewer leave nothing to hold out."
        )
    n_columns = 1
    for size in shape[1:]:
        n_columns *= size
    dtype = stored.newbyteorder("=")
    if dtype not in (np.dtype(np.float32), np.dtype(np.float64)):
        small = stored.itemsize <= 2 or stored.kind == "b"
        dtype = np.dtype(np.float32 if small else np.float64)
        warnings.warn(
            f"`{name}` holds {stored.name}; converted to {dtype.name}.",
            DataWarning,
            stacklevel=4,
        )
    return shape[0], n_columns, shape[1:] if len(shape) > 2 else None, dtype


def refuse_not_finite(
    name: str, block: np.ndarray, first_row: int, column_names: Sequence[str]
) -> None:
    """Refuse a block with NaN, infinity, or numbers too large to square.

    Args:
        name: What to call the file in messages.
        block: Rows.
        first_row: Number of the first of them in the file.
        column_names: One per column.

    Raises:
        DataError: It names the first such row and column.
    """
    # Both are NaN if a value is: no array of flags is needed to see that all are well.
    biggest = float(np.maximum(block.max(), -block.min()))
    if biggest <= float(np.finfo(block.dtype).max) ** 0.4:
        return
    bad = np.argwhere(~np.isfinite(block))
    if len(bad):
        row, column = (int(i) for i in bad[0])
        raise DataError(
            f"`{name}` must be finite; row {first_row + row}, {column_names[column]!r} "
            f"is {block[row, column]}. Drop or fill such rows first."
        )
    raise DataError(
        f"`{name}` must be small enough to square; its largest value is "
        f"{biggest:.3g}. Divide the data by a constant."
    )


def checked_indices(
    name: str, indices: Sequence | np.ndarray, n_rows: int | None
) -> Int[np.ndarray, " row"]:
    """Row numbers that ascend and are there.

    Args:
        name: What to call the file in messages.
        indices: Row numbers.
        n_rows: Rows of the file, or None.

    Returns:
        The same as an array.

    Raises:
        ValueOutOfRange: If they do not ascend, or one is outside the file.

    Examples:
        >>> checked_indices("x", [0, 3], 4)
        array([0, 3])
    """
    wanted = np.asarray(indices)
    whole = wanted.ndim == 1 and (wanted.size == 0 or wanted.dtype.kind in "iu")
    if not whole or np.any(np.diff(wanted.astype(np.int64)) <= 0):
        raise ValueOutOfRange(
            f"`rows(indices=...)` of `{name}` must be row numbers in ascending order, "
            "none twice. Use np.unique."
        )
    wanted = wanted.astype(np.int64)
    if wanted.size and (wanted[0] < 0 or (n_rows is not None and wanted[-1] >= n_rows)):
        there = "at least 0" if n_rows is None else f"in 0 ... {n_rows - 1}"
        raise ValueOutOfRange(
            f"`rows(indices=...)` of `{name}` must be {there}; "
            f"got {wanted[0]} ... {wanted[-1]}."
        )
    return wanted


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
