"""How a source is read, and the rows that come of it."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

import numpy as np

from isthmus.data import Dataset, Moments, Principal, load
from isthmus.data.principal import mean_fourth_length
from isthmus.data.scaling import ScaleName, Scaling


@dataclasses.dataclass(frozen=True)
class Reading:
    """How a source is read; the same for training and given held-out rows.

    Attributes:
        columns: Names of the only columns to read; None reads all.
        drop: Names of columns to leave out.
        drop_missing: Leave out rows with a missing value.
        scale: ``"none"``, ``"standard"`` or ``"log1p"``.
    """

    columns: Sequence[str] | None = None
    drop: Sequence[str] = ()
    drop_missing: bool = False
    scale: ScaleName = "none"

    def load(self, source: object) -> Dataset:
        """Read a source; see :func:`isthmus.data.load`."""
        return load(
            source, columns=self.columns, drop=self.drop, drop_missing=self.drop_missing
        )

    def arguments(self) -> str:
        """What differs from the defaults, as arguments of a call with a comma before."""
        text = ""
        for field in dataclasses.fields(self):
            value = getattr(self, field.name)
            if field.name in ("columns", "drop"):
                value = None if value is None else list(value)
            if value not in (None, [], field.default):
                text += f", {field.name}={value!r}"
        return text


@dataclasses.dataclass(frozen=True, eq=False)
class Rows:
    """Training and held-out rows.

    Attributes:
        dataset: What was read: names, shapes, and the rows that are in memory.
        n_rows: Rows of the source.
        n_train: Training rows that were read; `train` may be some of them.
        train: Rows to fit on, scaled.
        test: Rows to measure on, scaled by what the training rows say.
        n_duplicate_rows: Rows that equal an earlier one, of those in memory.
        split: ``"random"``, ``"last"`` or ``"given"``.
        scaling: What was done to the columns.
        n_rows_dropped: Rows with missing values, left out of both.
        unit_norm: All rows have the same length, to a thousandth of it, before scaling.
        moments: Of all training rows, scaled; None if `train` is all of them.
    """

    dataset: Dataset
    n_rows: int
    n_train: int
    train: np.ndarray
    test: np.ndarray
    n_duplicate_rows: int
    split: str
    scaling: Scaling
    n_rows_dropped: int
    unit_norm: bool
    moments: Moments | None = None

    def principal(self) -> Principal:
        """Mean, axes and eigenvalues of all training rows."""
        if self.moments is None:
            return Principal.from_rows(self.train)
        fourth = mean_fourth_length(self.train, self.moments.mean)
        return Principal.from_moments(self.moments, fourth)

    def original(self, rows: np.ndarray) -> np.ndarray:
        """Scaled rows as they were read, with constant columns, for display."""
        return self.dataset.full_rows(self.scaling.undo(rows))
