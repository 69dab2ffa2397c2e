"""What every reader returns."""

from __future__ import annotations

import dataclasses

import numpy as np
from jaxtyping import Float


@dataclasses.dataclass(frozen=True, eq=False)
class Dataset:
    """Rows of numbers that are safe to work on: floating, finite, at least ten.

    Attributes:
        name: Built-in name, or file name without its folder.
        values: Rows, "row column", float32 or float64.
        column_names: One per column of `values`.
        sample_shape: Shape of one sample where it had one, e.g. (8, 8).
        left_out: Columns left out, the reason in brackets.
        kept: Which of the original columns `values` has; None if all.
        background: Values of all original columns in the first row, to draw samples
            whose constant columns were left out; None if none were.
        kept_rows: Which of the original rows `values` has; None if all.
    """

    name: str
    values: Float[np.ndarray, "row column"]
    column_names: tuple[str, ...]
    sample_shape: tuple[int, ...] | None = None
    left_out: tuple[str, ...] = ()
    kept: np.ndarray | None = None
    background: np.ndarray | None = None
    kept_rows: np.ndarray | None = None

    @property
    def n_rows_dropped(self) -> int:
        """Rows left out because a value was missing."""
        kept = self.kept_rows
        return 0 if kept is None else int(kept.size - np.count_nonzero(kept))

    def original_row(self, row: int) -> int:
        """Number that a row of `values` had in the source, from 0."""
        return row if self.kept_rows is None else int(np.flatnonzero(self.kept_rows)[row])

    def full_rows(self, rows: np.ndarray) -> np.ndarray:
        """Put constant columns that were left out back in, for display.

        Args:
            rows: Rows with the columns of `values`.

        Returns:
            Rows with all columns.
        """
        if self.kept is None or self.background is None:
            return rows
        full = np.repeat(self.background[None], rows.shape[0], axis=0)
        full[:, self.kept] = rows
        return full
