"""Archives of arrays: .npz."""

from __future__ import annotations

from pathlib import Path

from isthmus.data.base import Dataset
from isthmus.data.columns import ALL, Choice, chosen
from isthmus.data.npy import npz_array, npz_keys
from isthmus.data.sparse import is_sparse, read_sparse


def read_npz(path: Path, key: str | None, choice: Choice = ALL) -> Dataset:
    """Read one array, or the sparse matrix, of an archive.

    Args:
        path: The .npz file.
        key: Which array; may be None if only one has rows and columns, or if
            the archive is a sparse matrix.
        choice: Which columns.

    Returns:
        The rows.

    Raises:
        DataError: If the archive is broken, or `key` is missing or not there, or the
            parts of a sparse matrix do not fit.

    Warns:
        DataWarning: If it was a sparse matrix.
    """
    if key is None and is_sparse(npz_keys(path)):
        return read_sparse(path.name, path, choice)
    key, array = npz_array(path, key)
    return chosen(f"{path.name}:{key}", array, choice)
