"""Indexes from files, and from factory strings and rows."""

from __future__ import annotations

import os
from typing import Any

import numpy as np
from jaxtyping import Float

from isthmus.codec.faiss.library import kind_of, library, told_by
from isthmus.codec.faiss.quantisers import check_one_bit
from isthmus.codec.faiss.unwrapping import unwrapped
from isthmus.core.door import real_array, shown
from isthmus.core.errors import DataError, ValueOutOfRange
from isthmus.core.files import existing, path_of
from isthmus.core.threads import threads_for
from isthmus.core.typing import Matrix

_TINY, _HUGE = 1e-15, 1e15  # of float32 squares, 1e-38 and 3e38 are the ends


def train_index(factory: str, x: Matrix) -> Any:
    """An index of sign codes from faiss's factory, trained on rows and holding none.

    Args:
        factory: As for ``faiss.index_factory``, for instance ``"LSHrt"``, ``"RR,RaBitQ"``,
            ``"HR,EDEN1"``, ``"L2norm,RR,SQtqmse1"`` or ``"PCA32,RaBitQ"``.
        x: Rows to train on.

    Returns:
        faiss's index; :func:`sign_codes` takes it with these or other rows.

    Raises:
        ValueOutOfRange: If the string is none of faiss's, or names codes that are no signs.
        DataError: If rows are not finite, or faiss cannot train on them.
        MissingDependency: If faiss is not installed.

    Examples:
        >>> x = np.random.default_rng(0).standard_normal((100, 16))
        >>> train_index("RR,RaBitQ", x).is_trained
        True
    """
    faiss = library()
    rows = float_rows("train_index(x)", x)
    if not isinstance(factory, str):
        raise ValueOutOfRange(
            "`train_index(factory)` must be text such as 'RR,RaBitQ'; got "
            f"{shown(factory)}."
        )
    try:
        index = faiss.index_factory(rows.shape[1], factory)
    except RuntimeError as error:
        raise ValueOutOfRange(
            "`train_index(factory)` must be a string of faiss's factory, such as 'LSHrt' "
            f"or 'RR,RaBitQ', for {rows.shape[1]} columns; got {factory!r}: "
            f"{told_by(error)}."
        ) from error
    parts = unwrapped(index)
    check_one_bit(parts.core)
    turned = any(kind_of(one) == "OPQMatrix" for one in parts.transforms)
    if turned and rows.shape[0] < rows.shape[1]:  # faiss 1.15 writes outside its memory
        raise DataError(
            f"`train_index(x)` must have at least {rows.shape[1]} rows, as many as "
            f"columns, for the rotation of {factory!r}; got {rows.shape[0]}. Give more "
            "rows, or 'RR' in place of OPQ."
        )
    try:
        with threads_for(float(rows.size) * rows.shape[1]):
            index.train(rows)
    except RuntimeError as error:
        raise DataError(
            f"`train_index(x)` must be rows that faiss can train {factory!r} on; it says: "
            f"{told_by(error)}. Give more rows, or another factory string."
        ) from error
    return index


def read_index(path: str | os.PathLike) -> Any:
    """An index from a file that ``faiss.write_index`` wrote; one that you trust.

    Args:
        path: The file.

    Returns:
        faiss's index.

    Raises:
        DataNotFound: If there is no such file.
        DataError: If faiss cannot read it.
        MissingDependency: If faiss is not installed.

    Examples:
        >>> import tempfile
        >>> index = train_index("LSH", np.eye(16))
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     library().write_index(index, f"{folder}/x.faiss")
        ...     read_index(f"{folder}/x.faiss").d
        16
    """
    file = existing(path_of("read_index(path)", path))
    try:
        return library().read_index(os.fspath(file))
    except RuntimeError as error:
        raise DataError(
            f"`{file.name}` must be an index that faiss wrote; it says: {told_by(error)}. "
            "A binary index holds bits without what made them, and is none of these."
        ) from error


def float_rows(call: str, x: object) -> Float[np.ndarray, "sample input"]:
    """Rows as faiss takes them: finite, float32, one after the other.

    Raises:
        ValueOutOfRange: If there are no rows of numbers.
        DataError: If a number is not finite in float32, or its square is of no use.

    Examples:
        >>> float_rows("f(x)", [[1, 2]]).dtype
        dtype('float32')
    """
    given = (
        x if isinstance(x, np.ndarray) and x.dtype == np.float32 else real_array(call, x)
    )
    if given.ndim != 2 or given.size == 0:
        raise ValueOutOfRange(
            f"`{call}` must be rows of numbers, of shape (sample, input); got shape "
            f"{given.shape}. Give a single vector as a matrix of one row."
        )
    with np.errstate(over="ignore"):
        rows = np.ascontiguousarray(given, dtype=np.float32)
    bad = ~np.isfinite(rows).all(axis=1)
    if bad.any():
        raise DataError(
            f"`{call}` must be finite in float32; row {int(bad.argmax())} is not. Drop or "
            "fill such rows first."
        )
    largest = float(np.abs(rows).max())
    if largest and not _TINY < largest < _HUGE:
        raise DataError(
            f"`{call}` must have numbers whose squares faiss can add in float32, the "
            f"largest from {_TINY:g} to {_HUGE:g}; it is {largest:.3g}. Multiply or divide "
            "the rows by a constant."
        )
    return rows
