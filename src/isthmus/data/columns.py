"""What a caller wants of a source, settled before anything else in it is checked."""

from __future__ import annotations

import dataclasses
import difflib
from collections.abc import Sequence

import numpy as np

from isthmus.core.errors import DataError
from isthmus.data.base import Dataset
from isthmus.data.checks import MIN_ROWS, checked
from isthmus.data.missing import complete_rows


@dataclasses.dataclass(frozen=True)
class Choice:
    """Columns asked for by name; a gap or text in the others does no harm.

    Attributes:
        columns: Names to keep; None keeps all.
        drop: Names to leave out, also of those kept.
        drop_missing: Leave out rows with a gap in the columns kept.
        min_rows: Fewer are refused.
    """

    columns: tuple[str, ...] | None = None
    drop: tuple[str, ...] = ()
    drop_missing: bool = False
    min_rows: int = MIN_ROWS

    @classmethod
    def of(
        cls,
        columns: Sequence[str] | None,
        drop: Sequence[str],
        drop_missing: bool = False,
        *,
        min_rows: int = MIN_ROWS,
        call: str = "load",
    ) -> Choice:
        """Choice from the arguments of :func:`isthmus.data.load` or `stream`.

        Args:
            columns: Names to keep; None keeps all.
            drop: Names to leave out.
            drop_missing: Whether to leave out rows with a gap.
            min_rows: Fewer are refused.
            call: The function that was called, for messages.

        Returns:
            The choice.

        Raises:
            DataError: If a single string was given where a list of names belongs.
        """
        for argument, given in (("columns", columns), ("drop", drop)):
            if isinstance(given, str):
                raise DataError(
                    f"`{call}({argument}=...)` must be a list of names; got {given!r}. "
                    f"Write [{given!r}]."
                )
        named = None if columns is None else tuple(columns)
        return cls(named, tuple(drop), bool(drop_missing), min_rows)

    def split(self, name: str, names: Sequence[str]) -> tuple[list[int], tuple[str, ...]]:
        """Split columns into those to read and those left out.

        Args:
            name: What to call the source in messages.
            names: Names of all its columns.

        Returns:
            Indices to read, and the names left out with the reason in brackets.

        Raises:
            DataError: If a name is not there, or nothing would be left.

        Examples:
            >>> Choice(drop=("id",)).split("x.csv", ["id", "size"])
            ([1], ('id (dropped)',))
        """
        for wanted in (*(self.columns or ()), *self.drop):
            if wanted not in names:
                raise DataError(_unknown(name, wanted, names))
        kept, left_out = [], []
        for index, column in enumerate(names):
            if column in self.drop:
                left_out.append(f"{column} (dropped)")
            elif self.columns is not None and column not in self.columns:
                left_out.append(f"{column} (not asked for)")
            else:
                kept.append(index)
        if not kept:
            raise DataError(
                f"`{name}` must keep a column; all {len(names)} were left out. "
                "Drop fewer columns."
            )
        return kept, tuple(left_out)


ALL = Choice()


def chosen(
    name: str, array: object, choice: Choice, column_names: tuple[str, ...] = ()
) -> Dataset:
    """Turn the chosen columns, and rows, of an array into a data set.

    Samples lose their shape when columns are chosen: what is left is no image.

    Args:
        name: What to call it in messages.
        array: Two or more dimensions.
        choice: Which columns, and whether rows with gaps are left out.
        column_names: Names where the source has them.

    Returns:
        Floating, finite rows.

    Raises:
        DataError: If a column is not there, or as :func:`isthmus.data.checked`.

    Warns:
        DataWarning: If rows were left out, or as :func:`isthmus.data.checked`.

    Examples:
        >>> chosen("x", np.eye(12), Choice(columns=("column 3",))).column_names
        ('column 3',)
    """
    values = np.asarray(array)
    if choice == ALL or values.ndim < 2 or values.size == 0:
        return checked(name, values, column_names)
    shape = values.shape[1:] if values.ndim > 2 else None
    values = values.reshape(values.shape[0], -1)
    names = column_names or tuple(f"column {i}" for i in range(values.shape[1]))
    kept, left_out = choice.split(name, names)
    if left_out:
        values, shape = values[:, kept], None
        names = tuple(names[i] for i in kept)
    dataset = settled(name, values, names, left_out, choice)
    return dataclasses.replace(dataset, sample_shape=shape)


def settled(
    name: str,
    values: np.ndarray,
    column_names: tuple[str, ...],
    left_out: tuple[str, ...],
    choice: Choice,
) -> Dataset:
    """Turn columns that were chosen already into a data set.

    Args:
        name: What to call it in messages.
        values: The columns.
        column_names: Their names.
        left_out: Names of the others, with the reason in brackets.
        choice: Whether rows with gaps are left out.

    Returns:
        Floating, finite rows.

    Raises:
        DataError: As :func:`isthmus.data.checked`, or if too few rows have no gap.

    Warns:
        DataWarning: If rows were left out, or as :func:`isthmus.data.checked`.
    """
    rows = complete_rows(name, values, column_names) if choice.drop_missing else None
    if rows is None:
        return dataclasses.replace(checked(name, values, column_names), left_out=left_out)
    numbers = np.flatnonzero(rows)
    dataset = checked(name, values[rows], column_names, row_numbers=numbers)
    return dataclasses.replace(dataset, left_out=left_out, kept_rows=rows)


def _unknown(name: str, wanted: str, names: Sequence[str]) -> str:
    near = difflib.get_close_matches(wanted, names, n=3)
    more = "" if len(names) <= 10 else f" and {len(names) - 10} more"
    hint = f"Did you mean {' or '.join(near)}?" if near else ""
    hint = hint or f"It has {', '.join(names[:10])}{more}."
    return f"`{name}` has no column {wanted!r}. {hint}"
