"""Which rows train and which measure; what is fitted sees the former alone."""

from __future__ import annotations

import dataclasses
import warnings
from collections.abc import Sequence

import numpy as np

from isthmus.core.errors import DataError, DataWarning
from isthmus.core.protocol import HeldOut, group_of_row, hold_out
from isthmus.core.random import as_rng
from isthmus.data import Dataset, load, without_constant_columns
from isthmus.data.labels import warn_of_labels
from isthmus.data.scaling import ScaleName, Scaling, check_scale, refuse_log_domain

SHOWN = 12
_EQUAL = 1e-6


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
        dataset: What was read.
        train: Rows to fit on, scaled.
        test: Rows to measure on, scaled by what the training rows say.
        shown: The first held-out rows, all columns, as they were read.
        held: The split.
        split: ``"random"``, ``"last"`` or ``"given"``.
        scale: Which scale.
        n_rows_dropped: Rows with missing values, left out of both.
        unit_norm: All rows have the same length, to 1e-6 of it, before scaling.
    """

    dataset: Dataset
    train: np.ndarray
    test: np.ndarray
    shown: np.ndarray
    held: HeldOut
    split: str
    scale: str
    n_rows_dropped: int
    unit_norm: bool


def read_rows(
    data: object,
    *,
    X_test: object | None = None,
    split: str = "random",
    seed: int = 0,
    reading: Reading | None = None,
    constant: bool = False,
) -> Rows:
    """Read a source, split it and scale it.

    Args:
        data: Built-in name, path or array with rows first.
        X_test: Held-out rows in the same form; None draws them.
        split: How they are drawn: ``"random"`` or ``"last"``.
        seed: Seed of the draw.
        reading: Columns, rows with gaps, scale; None: all as it is.
        constant: Keep columns that never change.

    Returns:
        The rows.

    Raises:
        DataError: If the data cannot be used.
        ValueOutOfRange: If `split` or the scale is not known.

    Warns:
        DataWarning: If data were converted, scaled or left out, a column looks like a
            label, or given rows equal training rows.
    """
    reading = reading or Reading()
    check_scale(reading.scale)
    source = reading.load(data)
    warn_of_labels(source)
    given = None if X_test is None else _like(source, reading.load(X_test))
    dataset = source if constant else without_constant_columns(source)
    if given is not None and dataset.kept is not None:
        given = dataclasses.replace(
            given, values=given.values[:, dataset.kept], column_names=dataset.column_names
        )
    if reading.scale == "log1p":
        for part in (dataset, given):
            if part is not None:
                refuse_log_domain(part)
    held, test = _split(dataset, given, split, seed)
    train = dataset.values[held.train]
    scaling = Scaling.fit(reading.scale, train)
    return Rows(
        dataset=dataset,
        train=scaling.apply(train),
        test=scaling.apply(test),
        shown=dataset.full_rows(test[:SHOWN]),
        held=held,
        split=split if given is None else "given",
        scale=reading.scale,
        n_rows_dropped=source.n_rows_dropped + (given.n_rows_dropped if given else 0),
        unit_norm=equal_norms(train, test),
    )


def held_out_rows(
    data: object,
    *,
    test: object | None = None,
    split: str = "random",
    seed: int = 0,
    columns: Sequence[str] | None = None,
    drop: Sequence[str] = (),
    drop_missing: bool = False,
) -> tuple[np.ndarray, np.ndarray]:
    """Training and held-out rows as they are, drawn as :func:`analyse` draws them.

    Args:
        data: Built-in name, path or array with rows first.
        test: Held-out rows in the same form; None draws them.
        split: ``"random"`` or ``"last"``.
        seed: Seed of the draw.
        columns: Names of the only columns to read; None reads all.
        drop: Names of columns to leave out.
        drop_missing: Leave out rows with a missing value.

    Returns:
        Rows to fit on and rows to measure on.

    Raises:
        DataError: If the data cannot be used.
        ValueOutOfRange: If `split` is not known.

    Examples:
        >>> [part.shape[0] for part in held_out_rows("digits")]
        [1438, 359]
    """
    reading = Reading(columns, drop, drop_missing)
    rows = read_rows(
        data, X_test=test, split=split, seed=seed, reading=reading, constant=True
    )
    return rows.train, rows.test


def equal_norms(*blocks: np.ndarray) -> bool:
    """Whether all rows have the same length, to 1e-6 of it.

    Args:
        blocks: Rows, in one or more parts.

    Returns:
        False also where all rows are zero.

    Examples:
        >>> equal_norms(np.eye(3), np.array([[0.6, 0.8, 0.0]]))
        True
        >>> equal_norms(np.zeros((2, 2)))
        False
    """
    square = np.concatenate([np.einsum("ij,ij->i", x, x, dtype=np.float64) for x in blocks])
    norm = np.sqrt(square)
    return bool(norm.max() > 0 and norm.max() - norm.min() <= _EQUAL * norm.max())


def _like(source: Dataset, given: Dataset) -> Dataset:
    """Given rows with the columns in the order of the training rows."""
    if given.values.shape[1] != source.values.shape[1]:
        raise DataError(
            f"`{given.name}` must have the {source.values.shape[1]} columns of "
            f"`{source.name}`; got {given.values.shape[1]}."
        )
    names, theirs = source.column_names, given.column_names
    if names == theirs or set(names) != set(theirs) or len(set(names)) < len(names):
        return given
    order = [theirs.index(name) for name in names]
    return dataclasses.replace(given, values=given.values[:, order], column_names=names)


def _split(
    dataset: Dataset, given: Dataset | None, split: str, seed: int
) -> tuple[HeldOut, np.ndarray]:
    """Draw held-out rows; or all rows train, given ones measure, rows in both are said."""
    x = dataset.values
    if given is None:
        held = hold_out(x, rng=as_rng(seed), split=split)  # type: ignore[arg-type]
        return held, x[held.test]
    test = np.ascontiguousarray(given.values, dtype=x.dtype)
    group = group_of_row(np.concatenate([x, test]))
    seen = np.isin(group[x.shape[0] :], group[: x.shape[0]])
    if seen.any():
        warnings.warn(
            f"{int(seen.sum())} of {test.shape[0]} rows of `{given.name}` equal a "
            "training row; what is measured on them is no test.",
            DataWarning,
            stacklevel=2,
        )
    duplicates = x.shape[0] - np.unique(group[: x.shape[0]]).size
    held = HeldOut(np.arange(x.shape[0]), np.arange(test.shape[0]), int(duplicates))
    return held, test
