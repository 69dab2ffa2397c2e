"""Rows with missing values: left out on request, counted, never in silence."""

from __future__ import annotations

import warnings
from collections.abc import Sequence

import numpy as np

from isthmus.core.errors import DataError, DataWarning
from isthmus.data.checks import MIN_ROWS


def complete_rows(
    name: str, values: np.ndarray, column_names: tuple[str, ...]
) -> np.ndarray | None:
    """Mark the rows that have no NaN.

    Args:
        name: What to call the data in messages.
        values: Rows and columns; infinity is a value, not a gap.
        column_names: One per column.

    Returns:
        True for rows to keep, or None if all are complete.

    Raises:
        DataError: If fewer than ten rows are complete; it names the emptiest column.

    Warns:
        DataWarning: If rows are not complete; it says how many.

    Examples:
        >>> complete_rows("x", np.ones((12, 2)), ("a", "b")) is None
        True
    """
    if values.dtype.kind != "f":
        return None
    gaps = np.isnan(values)
    kept: np.ndarray = ~gaps.any(axis=1)
    if kept.all():
        return None
    lost = int(np.count_nonzero(~kept))
    refuse_too_few(name, lost, kept.size, np.count_nonzero(gaps, axis=0), column_names)
    warnings.warn(told_lost(lost, kept.size), DataWarning, stacklevel=2)
    return kept


def refuse_too_few(
    name: str, lost: int, rows: int, gaps: np.ndarray, column_names: Sequence[str]
) -> None:
    """Refuse data of which fewer than ten rows are complete.

    Args:
        name: What to call the data in messages.
        lost: Rows with gaps.
        rows: All rows.
        gaps: Number of gaps in each column.
        column_names: One per column.

    Raises:
        DataError: It names the emptiest column.
    """
    if rows - lost < MIN_ROWS:
        worst = int(gaps.argmax())
        raise DataError(
            f"`{name}` must keep at least {MIN_ROWS} rows; {lost} of {rows} have missing "
            f"values, {gaps[worst]} of them in {column_names[worst]!r}. Leave out "
            "that column, or fill the gaps."
        )


def told_lost(lost: int, rows: int) -> str:
    """Sentence on rows that were left out.

    Examples:
        >>> told_lost(1, 20)
        '1 of 20 rows has missing values and was left out.'
    """
    verb = "has missing values and was" if lost == 1 else "have missing values and were"
    return f"{lost} of {rows} rows {verb} left out."
