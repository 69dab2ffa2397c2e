"""Columns on one scale; what depends on rows is taken from training rows alone."""

from __future__ import annotations

import dataclasses
import warnings
from collections.abc import Callable, Sequence
from typing import Literal, get_args

import numpy as np

from isthmus.core.errors import DataError, DataWarning, ValueOutOfRange
from isthmus.data.base import Dataset

ScaleName = Literal["none", "standard", "log1p"]
_SAID = {
    "standard": "Columns were divided by their standard deviations over the training rows",
    "log1p": "Values were replaced by log(1 + value)",
}


@dataclasses.dataclass(frozen=True, eq=False)
class Scaling:
    """A scale that was fitted, to be applied to training and held-out rows alike.

    Attributes:
        kind: ``"none"``, ``"standard"`` or ``"log1p"``.
        divisor: One per column where the scale is standard; 1 where the training rows
            do not differ.
    """

    kind: ScaleName = "none"
    divisor: np.ndarray | None = None

    @classmethod
    def fit(
        cls, kind: ScaleName, train: np.ndarray, deviation: np.ndarray | None = None
    ) -> Scaling:
        """Take from training rows what the scale needs.

        Args:
            kind: Which scale.
            train: Training rows.
            deviation: Standard deviation of each column, where it is known of more rows
                than these, 0 for a constant column.

        Returns:
            The scale.

        Raises:
            ValueOutOfRange: If there is no such scale.

        Warns:
            DataWarning: That later numbers are in other units than the data, and how
                many columns could not be scaled.

        Examples:
            >>> import warnings
            >>> with warnings.catch_warnings():
            ...     warnings.simplefilter("ignore")
            ...     scaling = Scaling.fit("standard", np.array([[1.0, 20.0], [3.0, 60.0]]))
            >>> scaling.apply(np.array([[5.0, 5.0]]))
            array([[5.  , 0.25]])
        """
        check_scale(kind)
        if kind == "none":
            return cls()
        warnings.warn(
            f"{_SAID[kind]} (scale {kind}): every NMSE, eigenvalue and limit is in these "
            "units.",
            DataWarning,
            stacklevel=2,
        )
        if kind == "log1p":
            return cls(kind)
        if deviation is None:
            still = np.all(train == train[0], axis=0)
            deviation = np.std(train, axis=0, dtype=np.float64)
        else:
            still = deviation == 0
        divisor = np.where(still, 1.0, deviation)
        if still.any():
            warnings.warn(
                f"{np.count_nonzero(still)} of {still.size} columns do not change over "
                "the training rows and were not scaled.",
                DataWarning,
                stacklevel=2,
            )
        return cls(kind, divisor.astype(train.dtype))

    def apply(self, rows: np.ndarray) -> np.ndarray:
        """Scale rows.

        Args:
            rows: Training or held-out rows.

        Returns:
            Rows of the same floating type.
        """
        if self.kind == "log1p":
            logarithms: np.ndarray = np.log1p(rows)
            return logarithms
        return rows if self.divisor is None else rows / self.divisor

    def undo(self, rows: np.ndarray) -> np.ndarray:
        """Bring scaled rows back to the units of the data.

        Args:
            rows: Scaled rows.

        Returns:
            Rows of the same floating type.
        """
        if self.kind == "log1p":
            values: np.ndarray = np.expm1(rows)
            return values
        return rows if self.divisor is None else rows * self.divisor


def check_scale(kind: str) -> None:
    """Refuse a scale that is none.

    Args:
        kind: Any text.

    Raises:
        ValueOutOfRange: If there is no such scale.
    """
    if kind not in get_args(ScaleName):
        raise ValueOutOfRange(
            f"`analyse(scale=...)` must be none, standard or log1p; got {kind!r}. Scale "
            "the data beforehand for anything else."
        )


def refuse_log_domain(dataset: Dataset) -> None:
    """Refuse values that have no log(1 + value).

    Args:
        dataset: Any data set.

    Raises:
        DataError: If a value is -1 or less; it names the first row and its column.
    """
    refuse_below(dataset.name, dataset.values, dataset.column_names, dataset.original_row)


def refuse_below(
    name: str,
    values: np.ndarray,
    column_names: Sequence[str],
    number: Callable[[int], int],
) -> None:
    """Refuse values of -1 or less.

    Args:
        name: Of the data.
        values: Some rows.
        column_names: One per column.
        number: From a row here to its number in the source.

    Raises:
        DataError: If there is one; it names the first row and its column.
    """
    if float(values.min(initial=0.0)) > -1.0:
        return
    row, column = (int(i) for i in np.argwhere(values <= -1.0)[0])
    raise DataError(
        f"`{name}` must be above -1 for scale log1p; row {number(row)}, "
        f"{column_names[column]!r} is {values[row, column]}. Drop that column, or take "
        "scale standard."
    )
