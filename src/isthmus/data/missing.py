"""Rows with missing values: left out on request, counted, never in silence."""

from __future__ import annotations

import warnings

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
    lost, rows = int(np.count_nonzero(~kept)), kept.size
    if rows - lost < MIN_ROWS:
        per_column = np.count_nonzero(gaps, axis=0)
        worst = int(per_column.argmax())
        raise DataError(
            f"`{name}` must keep at least {MIN_ROWS} rows; {lost} of {rows} have missing "
            f"values, {per_column[worst]} of them in {column_names[worst]!r}. Leave out "
            "that column, or fill the gaps."
        )
    verb = "has missing values and was" if lost == 1 else "have missing values and were"
    warnings.warn(
        f"{lost} of {rows} rows {verb} left out.",
        DataWarning,
        stacklevel=2,
    )
    return kept
