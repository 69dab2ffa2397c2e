"""Arrays, lists and frames that are in memory already."""

from __future__ import annotations

import numpy as np

from isthmus.core.errors import DataError
from isthmus.data.base import Dataset
from isthmus.data.columns import Choice, chosen


def read_memory(source: object, choice: Choice) -> Dataset:
    """Read anything that NumPy can turn into an array.

    Args:
        source: Rows first; a `columns` attribute, as frames have, names the columns.
        choice: Which columns.

    Returns:
        The rows.

    Raises:
        DataError: If it is sparse, has masked entries, or is no array of numbers.

    Examples:
        >>> read_memory([[1.0, 2.0]] * 12, Choice()).values.shape
        (12, 2)
    """
    if hasattr(source, "toarray"):
        raise DataError(
            f"`X` must be a dense array; got {type(source).__name__}. Pass x.toarray()."
        )
    if isinstance(source, np.ma.MaskedArray) and np.any(source.mask):
        source = _with_gaps(source, choice)
    names = tuple(str(column) for column in getattr(source, "columns", ()))
    try:
        array = np.asarray(source)
    except (ValueError, TypeError, RuntimeError) as error:
        first = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise DataError(
            f"`X` must be an array of numbers with rows of equal length; got "
            f"{type(source).__name__} ({first}). Convert it with np.asarray first."
        ) from error
    return chosen("X", array, choice, names)


def _with_gaps(source: np.ma.MaskedArray, choice: Choice) -> np.ndarray:
    """Masked entries as NaN, where rows that have them are to be left out."""
    if not choice.drop_missing or source.dtype.kind not in "fiub":
        raise DataError(
            f"`X` must have no missing values; {np.count_nonzero(source.mask)} entries are "
            "masked. Fill them with x.filled(...), or leave such rows out with "
            "drop_missing=True."
        )
    floating = np.result_type(source.dtype, np.float32)
    return np.ma.filled(source.astype(floating), np.nan)
