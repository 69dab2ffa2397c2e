"""What streams refuse, as :func:`isthmus.data.load` does, from headers and from blocks."""

from __future__ import annotations

import warnings
from collections.abc import Sequence

import numpy as np
from jaxtyping import Int

from isthmus.core.errors import DataError, DataWarning, ValueOutOfRange
from isthmus.data.checks import MIN_ROWS, WAY_OUT, refuse_kind
from isthmus.data.missing import refuse_too_few


def checked_header(
    name: str, shape: tuple[int, ...], stored: np.dtype, min_rows: int = MIN_ROWS
) -> tuple[int, int, tuple[int, ...] | None, np.dtype]:
    """Refuse from the header what :func:`isthmus.data.load` refuses from the array.

    Args:
        name: What to call it in messages.
        shape: Rows first.
        stored: Type in the file.
        min_rows: Fewer are refused.

    Returns:
        Rows, columns, shape of a sample or None, and the type of the blocks.

    Raises:
        DataError: If there are no rows and columns, fewer rows than asked
            for, or no numbers.

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
    if shape[0] < min_rows:
        raise DataError(
            f"`{name}` must have at least {min_rows} rows; got {shape[0]}. "
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


class Gaps:
    """Rows of one pass that have missing values: refused, or left out and counted.

    Attributes:
        n_rows: Rows seen.
    """

    def __init__(self, name: str, column_names: Sequence[str], drop_missing: bool):
        self.name = name
        self.column_names = column_names
        self.drop_missing = drop_missing
        self.n_rows = 0
        self._lost = 0
        self._per_column = np.zeros(len(column_names), np.int64)

    def leave_out(self, block: np.ndarray, first_row: int) -> np.ndarray:
        """Rows of a block that have no gap, moved to its front.

        Args:
            block: Rows; written to if some are left out.
            first_row: Number of the first of them in the file.

        Returns:
            The block or its front.

        Raises:
            DataError: If a value that stays is not finite, or too large to square.
        """
        self.n_rows += block.shape[0]
        if all_usable(block):
            return block
        numbers = np.arange(first_row, first_row + block.shape[0])
        if self.drop_missing:
            gaps = np.isnan(block)
            kept = np.flatnonzero(~gaps.any(axis=1))
            self._lost += block.shape[0] - kept.size
            self._per_column += np.count_nonzero(gaps, axis=0)
            block[: kept.size] = block[kept]
            block, numbers = block[: kept.size], numbers[kept]
        refuse_not_finite(self.name, block, numbers, self.column_names)
        return block

    def counted(self) -> int:
        """Rows left out, at the end of a pass.

        Raises:
            DataError: If fewer than ten were left.
        """
        if self._lost:
            refuse_too_few(
                self.name, self._lost, self.n_rows, self._per_column, self.column_names
            )
        return self._lost


def all_usable(block: np.ndarray) -> bool:
    """Whether every number is finite and small enough to square.

    Examples:
        >>> all_usable(np.ones((2, 2))), all_usable(np.array([[np.nan]]))
        (True, False)
    """
    # Both are NaN if a value is: no array of flags is needed to see that all are well.
    biggest = float(np.maximum(block.max(), -block.min())) if block.size else 0.0
    return bool(biggest <= float(np.finfo(block.dtype).max) ** 0.4)


def refuse_not_finite(
    name: str, block: np.ndarray, row_numbers: np.ndarray, column_names: Sequence[str]
) -> None:
    """Refuse a block with NaN, infinity, or numbers too large to square.

    Args:
        name: What to call the file in messages.
        block: Rows.
        row_numbers: Of each of them in the file.
        column_names: One per column.

    Raises:
        DataError: It names the first such row and column.
    """
    if all_usable(block):
        return
    bad = np.argwhere(~np.isfinite(block))
    if len(bad):
        row, column = (int(i) for i in bad[0])
        value = block[row, column]
        raise DataError(
            f"`{name}` must be finite; row {row_numbers[row]}, {column_names[column]!r} "
            f"is {value}. {WAY_OUT[bool(np.isnan(value))]}"
        )
    biggest = float(np.maximum(block.max(), -block.min()))
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
