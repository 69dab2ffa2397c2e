"""Columns that look like labels somebody forgot to take out."""

from __future__ import annotations

import csv
import io
import re
import shlex
import warnings

import numpy as np

from isthmus.core.errors import DataWarning
from isthmus.data.base import Dataset

MOST_LABELS = 50
_ROWS = 1000
_SURE = re.compile(r"(class|label|target)(e?s)?([ _-]?(id|index|code|number))?")


def label_like(dataset: Dataset) -> dict[str, int]:
    """Columns that look like labels, with the number of their different values.

    Such a column holds few different integers that repeat, at most 50, and either says
    so in its name (class, label, target), or is the last one or named y while most
    other columns are no integers. Images have no such columns.

    Args:
        dataset: Any data set.

    Returns:
        Name -> number of different values.

    Examples:
        >>> rows = np.column_stack([np.linspace(0.0, 1.0, 30), np.arange(30) % 3])
        >>> label_like(Dataset("x", rows, ("size", "kind")))
        {'kind': 3}
    """
    n_columns = dataset.values.shape[1]
    if dataset.sample_shape is not None or n_columns < 2:
        return {}
    found = {}
    for index, name in enumerate(dataset.column_names):
        plain = name.strip().lower()
        sure = _SURE.fullmatch(plain) is not None
        if not (sure or plain == "y" or index == n_columns - 1):
            continue
        values = _few_integers(dataset.values[:, index])
        if values and (sure or _others_are_fractions(dataset.values, index)):
            found[name] = values
    return found


def warn_of_labels(dataset: Dataset) -> None:
    """Say which columns look like labels, and how to leave them out.

    Args:
        dataset: Any data set.

    Warns:
        DataWarning: For each such column.
    """
    for name, values in label_like(dataset).items():
        warnings.warn(
            f"Column {name!r} holds only {values} different integers and looks like a "
            f"label left in: drop it with --drop {_option(name)}.",
            DataWarning,
            stacklevel=2,
        )


def _few_integers(column: np.ndarray) -> int:
    """Number of different values if they are few integers that repeat, else 0."""
    if np.any(column != np.rint(column)):
        return 0
    values = int(np.unique(column).size)
    return values if 2 <= values <= min(MOST_LABELS, column.size // 2) else 0


def _others_are_fractions(values: np.ndarray, index: int) -> bool:
    others = np.delete(values[:_ROWS], index, axis=1)
    fractions = np.any(others != np.rint(others), axis=0)
    return bool(np.count_nonzero(fractions) > fractions.size / 2)


def _option(name: str) -> str:
    """A column name as the shell and the list between commas want it."""
    cell = io.StringIO()
    csv.writer(cell, lineterminator="").writerow([name])
    return shlex.quote(cell.getvalue())
