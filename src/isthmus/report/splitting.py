"""What read rows have in common, and which of them measure."""

from __future__ import annotations

import dataclasses
import re
import warnings

import numpy as np

from isthmus.core.errors import DataError, DataWarning
from isthmus.core.protocol import HeldOut, group_of_row, hold_out
from isthmus.core.random import as_rng
from isthmus.data import Dataset


def like(source: Dataset, given: Dataset) -> Dataset:
    """Given rows with the columns in the order of the training rows.

    Args:
        source: Training rows, all columns.
        given: Other rows.

    Returns:
        The others, columns moved where names tell how.

    Raises:
        DataError: If the numbers of columns differ.

    Warns:
        DataWarning: If the names differ, so that places must tell.
    """
    if given.values.shape[1] != source.values.shape[1]:
        raise DataError(
            f"`{given.name}` must have the {source.values.shape[1]} columns of "
            f"`{source.name}`; got {given.values.shape[1]}."
        )
    names, theirs = source.column_names, given.column_names
    if set(names) != set(theirs):
        strange = next(name for name in theirs if name not in names)
        if not (_are_numbered(names) or _are_numbered(theirs)):
            warnings.warn(
                f"`{given.name}` names its columns otherwise than `{source.name}` "
                f"({strange!r} is not there); they were taken in the order of the file.",
                DataWarning,
                stacklevel=2,
            )
        return given
    if names == theirs or len(set(names)) < len(names):
        return given
    order = [theirs.index(name) for name in names]
    return dataclasses.replace(given, values=given.values[:, order], column_names=names)


def _are_numbered(names: tuple[str, ...]) -> bool:
    """Whether a file gave no names: then columns are called by their places."""
    return all(re.fullmatch(r"(column|pixel) [\d,]+", name) for name in names)


def with_columns_of(dataset: Dataset, given: Dataset) -> Dataset:
    """Leave out of given rows the columns that were left out of the training rows.

    Args:
        dataset: Training rows, perhaps without constant columns.
        given: Other rows, all columns, in the same order.

    Returns:
        The others.
    """
    if dataset.kept is None:
        return given
    return dataclasses.replace(
        given, values=given.values[:, dataset.kept], column_names=dataset.column_names
    )


def split_rows(
    dataset: Dataset,
    given: Dataset | None,
    split: str,
    seed: int,
    *,
    complete: bool = True,
) -> tuple[HeldOut, np.ndarray]:
    """Draw held-out rows; or all rows train, given ones measure, rows in both are said.

    Args:
        dataset: Rows.
        given: Held-out rows; None draws them.
        split: How: ``"random"`` or ``"last"``.
        seed: Of the draw.
        complete: Whether the rows are all that train, and not a sample of them.

    Returns:
        The split and the held-out rows.

    Raises:
        DataError: If nearly all rows are equal.

    Warns:
        DataWarning: If given rows equal training rows.
    """
    x = dataset.values
    if given is None:
        held = hold_out(x, rng=as_rng(seed), split=split)  # type: ignore[arg-type]
        return held, x[held.test]
    test = np.ascontiguousarray(given.values, dtype=x.dtype)
    group = group_of_row(np.concatenate([x, test]))
    seen = np.isin(group[x.shape[0] :], group[: x.shape[0]])
    if seen.any():
        warnings.warn(
            f"{'' if complete else 'At least '}{int(seen.sum())} of {test.shape[0]} rows "
            f"of `{given.name}` equal a training row; what is measured on them is no test.",
            DataWarning,
            stacklevel=2,
        )
    duplicates = x.shape[0] - np.unique(group[: x.shape[0]]).size
    held = HeldOut(np.arange(x.shape[0]), np.arange(test.shape[0]), int(duplicates))
    return held, test
