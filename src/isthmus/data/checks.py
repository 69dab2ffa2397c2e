"""The one door that data come through: what is refused, converted or left out."""

from __future__ import annotations

import dataclasses
import warnings

import numpy as np
from jaxtyping import Bool, Float

from isthmus.core.errors import DataError, DataWarning
from isthmus.data.base import Dataset

MIN_ROWS = 10
_NAMED = 5
_EQUAL_NORMS = 1e-3  # half precision and bytes round lengths of one by as much
WAY_OUT = {
    True: "Fill it, drop the column, or leave such rows out (--drop-missing, "
    "drop_missing=True).",
    False: "Drop or fill such rows first.",
}


def checked(
    name: str,
    array: object,
    column_names: tuple[str, ...] = (),
    *,
    row_numbers: np.ndarray | None = None,
) -> Dataset:
    """Turn an array into a data set, or say in one line why it cannot be one.

    Args:
        name: What to call it in messages.
        array: Two or more dimensions; more are flattened and remembered.
        column_names: Names where the source has them.
        row_numbers: Of each row in the source, for messages; None if none was left out.

    Returns:
        Floating, finite rows.

    Raises:
        DataError: If the array is empty, has fewer than ten rows, is not numeric or
            holds NaN or infinity.

    Warns:
        DataWarning: If integers or half precision were converted.

    Examples:
        >>> checked("rows", np.eye(12)).values.shape
        (12, 12)
    """
    values = np.asarray(array)
    refuse_kind(name, values)
    if values.ndim < 2:
        raise DataError(
            f"`{name}` must have rows and columns; got shape {values.shape}. "
            "Reshape a single column with x.reshape(-1, 1)."
        )
    if values.size == 0:
        raise DataError(f"`{name}` must not be empty; got shape {values.shape}.")
    shape = values.shape[1:] if values.ndim > 2 else None
    values = values.reshape(values.shape[0], -1)
    if values.shape[0] < MIN_ROWS:
        raise DataError(
            f"`{name}` must have at least {MIN_ROWS} rows; got {values.shape[0]}. "
            "Fewer leave nothing to hold out."
        )
    values = _floating(name, values)
    names = column_names or tuple(f"column {i}" for i in range(values.shape[1]))
    _refuse_not_finite(name, values, names, row_numbers)
    return Dataset(name, values, names, shape)


def equal_norms(*blocks: np.ndarray) -> bool:
    """Whether all rows have the same length, to a thousandth of it.

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
    return bool(norm.max() > 0 and norm.max() - norm.min() <= _EQUAL_NORMS * norm.max())


def without_constant_columns(
    dataset: Dataset, constant: Bool[np.ndarray, " column"] | None = None
) -> Dataset:
    """Leave out the columns that never change, and say so.

    Args:
        dataset: Any data set.
        constant: Which columns never change, where that is known of more rows than these.

    Returns:
        The same, or a smaller one that remembers what it lost.

    Raises:
        DataError: If every column is constant.

    Warns:
        DataWarning: If columns were left out; it names the first five.

    Examples:
        >>> import warnings
        >>> with warnings.catch_warnings():
        ...     warnings.simplefilter("ignore")
        ...     small = without_constant_columns(checked("x", np.tri(12)))
        >>> small.values.shape, small.left_out
        ((12, 11), ('column 0 (constant)',))
    """
    values = dataset.values
    kept = np.any(values != values[0], axis=0) if constant is None else ~constant
    if not kept.any():
        raise DataError(
            f"`{dataset.name}` must have a column that changes; every one of its "
            f"{values.shape[1]} columns is constant."
        )
    if kept.all():
        return dataset
    lost = [n for n, keep in zip(dataset.column_names, kept, strict=True) if not keep]
    more = "" if len(lost) <= _NAMED else f" and {len(lost) - _NAMED} more"
    verb = "is constant and was" if len(lost) == 1 else "are constant and were"
    warnings.warn(
        f"{len(lost)} of {kept.size} columns {verb} left out: "
        f"{', '.join(lost[:_NAMED])}{more}.",
        DataWarning,
        stacklevel=2,
    )
    names = tuple(n for n, k in zip(dataset.column_names, kept, strict=True) if k)
    return dataclasses.replace(
        dataset,
        values=np.ascontiguousarray(values[:, kept]),
        column_names=names,
        left_out=dataset.left_out + tuple(f"{n} (constant)" for n in lost),
        kept=kept,
        background=values[0].copy(),
    )


def refuse_kind(name: str, values: np.ndarray) -> None:
    """Refuse a type that is no real number, and say what to do with it."""
    reasons = {
        "O": "Python objects, which are never unpickled; save plain numbers",
        "U": "text; keep the columns that are numbers",
        "S": "text; keep the columns that are numbers",
        "T": "text; keep the columns that are numbers",
        "c": "complex numbers; stack real and imaginary parts as columns",
        "M": "dates; turn them into numbers first",
        "m": "time differences; turn them into numbers first",
        "V": "records; stack their fields as columns",
    }
    if values.dtype.kind in reasons:
        raise DataError(
            f"`{name}` must hold real numbers; it holds {reasons[values.dtype.kind]}."
        )


def _floating(name: str, values: np.ndarray) -> Float[np.ndarray, "row column"]:
    if values.dtype.newbyteorder("=") in (np.float32, np.float64):
        return np.ascontiguousarray(
            values.astype(values.dtype.newbyteorder("="), copy=False)
        )
    small = values.dtype.itemsize <= 2 or values.dtype.kind == "b"
    target = np.float32 if small else np.float64
    warnings.warn(
        f"`{name}` holds {values.dtype.name}; converted to {np.dtype(target).name}.",
        DataWarning,
        stacklevel=3,
    )
    return np.ascontiguousarray(values, dtype=target)


def _refuse_not_finite(
    name: str,
    values: np.ndarray,
    column_names: tuple[str, ...],
    row_numbers: np.ndarray | None,
) -> None:
    for start in range(0, values.shape[0], 4096):
        block = values[start : start + 4096]
        bad = ~np.isfinite(block)
        if bad.any():
            row, column = (int(i[0]) for i in np.nonzero(bad))
            number = start + row if row_numbers is None else row_numbers[start + row]
            raise DataError(
                f"`{name}` must be finite; row {number}, {column_names[column]!r} is "
                f"{block[row, column]}. {WAY_OUT[bool(np.isnan(block[row, column]))]}"
            )
    biggest = float(max(values.max(), -values.min()))
    if biggest > np.finfo(values.dtype).max ** 0.4:
        raise DataError(
            f"`{name}` must be small enough to square; its largest value is "
            f"{biggest:.3g}. Divide the data by a constant."
        )
