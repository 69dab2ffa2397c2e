"""Sparse matrices in .npz archives, filled in with their zeros."""

from __future__ import annotations

import warnings
from collections.abc import Collection
from pathlib import Path
from typing import Any

import numpy as np

from isthmus.core.errors import DataError, DataWarning
from isthmus.core.memory import available_memory
from isthmus.data.base import Dataset
from isthmus.data.checks import refuse_kind
from isthmus.data.columns import ALL, Choice, settled
from isthmus.data.npy import npz_array, npz_keys

_PARTS = {"data", "indices", "indptr", "shape"}
_SAVED = {"data", "format", "shape"}  # by scipy.sparse.save_npz, of every kind
_NAME_BYTES = 100


def is_sparse(keys: Collection[str]) -> bool:
    """Whether an archive holds a sparse matrix: as SciPy saves it, or bare CSR parts.

    Args:
        keys: Names of its arrays.

    Examples:
        >>> is_sparse(["data", "indices", "indptr", "shape", "genes"])
        True
        >>> is_sparse(["data", "shape"])
        False
    """
    return set(keys) >= _PARTS or set(keys) >= _SAVED


def read_sparse(name: str, path: Path, choice: Choice = ALL) -> Dataset:
    """Read a sparse matrix and fill in its zeros.

    Numbers become float32 where that changes none of them (counts), else float64.

    Args:
        name: What to call it.
        path: An archive of arrays data, indices, indptr and shape; by rows (CSR), or by
            columns (CSC) if an array `format` says so.
        choice: Which columns, the others are not filled in; and whether rows with NaN
            are left out.

    Returns:
        The rows.

    Raises:
        DataError: If the parts do not fit each other, the matrix is of another kind, or
            it does not fit into memory.

    Warns:
        DataWarning: It says that the matrix was sparse, and how many entries are not zero.
    """
    keys = npz_keys(path)
    by_rows = "format" not in keys or _is_by_rows(name, npz_array(path, "format")[1])
    data, indices, indptr, shape = (
        npz_array(path, key)[1] for key in ("data", "indices", "indptr", "shape")
    )
    n_rows, n_columns = _checked_shape(name, shape)
    refuse_kind(name, data)
    lines, width = (n_rows, n_columns) if by_rows else (n_columns, n_rows)
    _refuse_misfits(name, data, indices, indptr, lines, width)
    all_wanted = choice.columns is None and not choice.drop
    _refuse_large(name, n_rows, n_columns, 4 if all_wanted else _NAME_BYTES / n_rows)
    names = tuple(f"column {i}" for i in range(n_columns))
    kept, left_out = choice.split(name, names)
    matrix = _matrix(data, indices, indptr, (n_rows, n_columns), by_rows)
    if left_out:
        matrix, names = matrix[:, kept], tuple(names[i] for i in kept)
    dtype = np.dtype(np.float32 if _single_holds(matrix.data) else np.float64)
    _refuse_large(name, n_rows, len(kept), dtype.itemsize)
    _tell(name, int(np.count_nonzero(matrix.data)), n_rows, len(kept), dtype)
    return settled(name, matrix.astype(dtype).toarray(), names, left_out, choice)


def _is_by_rows(name: str, kind: np.ndarray) -> bool:
    """Whether the kind that SciPy wrote down is CSR; refuse all but CSR and CSC."""
    said = kind.item() if kind.size == 1 else kind
    text = said.decode("ascii", "replace") if isinstance(said, bytes) else str(said)
    if text not in ("csr", "csc"):
        raise DataError(
            f"`{name}` must be a sparse matrix by rows or by columns (csr, csc); "
            f"got {text!r}. Save x.tocsr() instead."
        )
    return text == "csr"


def _checked_shape(name: str, shape: np.ndarray) -> tuple[int, int]:
    whole = shape.shape == (2,) and shape.dtype.kind in "iu"
    if not whole or int(shape.min()) < 0:
        raise DataError(_misfit(name, f"`shape` must be two sizes; it is {shape.tolist()}"))
    n_rows, n_columns = (int(size) for size in shape)
    if not n_rows * n_columns:
        raise DataError(
            f"`{name}` must not be empty; got shape {(n_rows, n_columns)}. Write it again."
        )
    return n_rows, n_columns


def _refuse_misfits(
    name: str,
    data: np.ndarray,
    indices: np.ndarray,
    indptr: np.ndarray,
    lines: int,
    width: int,
) -> None:
    """Refuse parts that SciPy would read beyond, or not at all."""
    if any(part.dtype.kind not in "iu" for part in (indices, indptr)):
        raise DataError(_misfit(name, "`indices` and `indptr` must be whole numbers"))
    if data.ndim != 1 or data.shape != indices.shape:
        raise DataError(
            _misfit(
                name,
                f"`data` has shape {data.shape}, `indices` {indices.shape}",
            )
        )
    starts = indptr.astype(np.int64)
    if starts.shape != (lines + 1,):
        raise DataError(
            _misfit(name, f"`indptr` must have {lines + 1} numbers; shape {starts.shape}")
        )
    if starts[0] != 0 or starts[-1] != data.size or np.any(np.diff(starts) < 0):
        raise DataError(
            _misfit(name, f"`indptr` must ascend from 0 to {data.size}, and does not")
        )
    if data.size and (int(indices.min()) < 0 or int(indices.max()) >= width):
        found = f"{int(indices.min())} ... {int(indices.max())}"
        raise DataError(
            _misfit(name, f"`indices` must lie in 0 ... {width - 1}; got {found}")
        )


def _misfit(name: str, what: str) -> str:
    return (
        f"`{name}` must hold a sparse matrix whose parts fit each other: {what}. It is "
        "damaged; write it again with scipy.sparse.save_npz."
    )


def _matrix(
    data: np.ndarray,
    indices: np.ndarray,
    indptr: np.ndarray,
    shape: tuple[int, int],
    by_rows: bool,
) -> Any:
    """The matrix by rows, in floats, entries that come twice added up."""
    from scipy.sparse import csc_array, csr_array

    floats = data if data.dtype == np.float32 else data.astype(np.float64)
    make = csr_array if by_rows else csc_array
    places = (indices.astype(np.int64), indptr.astype(np.int64))
    matrix = make((floats.copy(), *places), shape=shape).tocsr()
    matrix.sum_duplicates()
    return matrix


def _single_holds(values: np.ndarray) -> bool:
    """Whether float32 holds every number exactly."""
    with np.errstate(over="ignore"):
        rounded = values.astype(np.float32).astype(values.dtype)
    return bool(np.array_equal(rounded, values, equal_nan=True))


def _refuse_large(name: str, n_rows: int, n_columns: int, item: float) -> None:
    needed, free = n_rows * n_columns * item, available_memory()
    if free is not None and needed > free:
        raise DataError(
            f"`{name}` must fit into memory with its zeros; {n_rows} x {n_columns} numbers "
            f"take {needed / 1e9:.1f} GB where {free / 1e9:.1f} GB are free. Keep fewer "
            "rows, or fewer columns (--columns, columns=[...])."
        )


def _tell(name: str, count: int, n_rows: int, n_columns: int, dtype: np.dtype) -> None:
    warnings.warn(
        f"`{name}` is sparse: {count} of {n_rows} x {n_columns} entries "
        f"({100 * count / (n_rows * n_columns):.3g} %) are not zero; the zeros were filled "
        f"in, as {dtype.name}.",
        DataWarning,
        stacklevel=3,
    )
