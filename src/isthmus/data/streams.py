"""Rows of files larger than memory, a block at a time."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

from isthmus.core.errors import DataError, DataNotFound, ValueOutOfRange
from isthmus.data.builtin import ARCHIVES, find_builtin
from isthmus.data.readers import path_and_key
from isthmus.data.stream_base import AbstractStream
from isthmus.data.stream_numpy import open_npy, open_npz
from isthmus.data.stream_text import open_csv

OPENERS: dict[str, Callable[[Path, str | None, int | None], AbstractStream]] = {
    ".csv": open_csv,
    ".npy": open_npy,
    ".npz": open_npz,
}


def stream(path: str | os.PathLike[str], chunk: int | None = None) -> AbstractStream:
    """Open a file to read its rows block by block; nothing but its header is read.

    Args:
        path: A .npy file (C order), an .npz archive (``file.npz:key``) or a .csv file of
            numbers, or a built-in name that is read from a file.
        chunk: Rows of a block, at least 1; None for blocks of 16 MB.

    Returns:
        What the header tells, with ``blocks()`` and ``rows(indices)``.

    Raises:
        DataNotFound: If there is no such file.
        DataError: If it cannot be used; the message says where and why.
        ValueOutOfRange: If `chunk` is below 1.

    Warns:
        DataWarning: If integers or half precision will be converted.

    Examples:
        >>> import tempfile
        >>> import numpy as np
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     np.save(f"{folder}/x.npy", np.arange(60.0).reshape(20, 3))
        ...     rows = stream(f"{folder}/x.npy", chunk=8)
        ...     rows.n_rows, [block.shape[0] for block in rows.blocks()]
        (20, [8, 8, 4])
    """
    if chunk is not None and chunk < 1:
        raise ValueOutOfRange(f"`stream(chunk=...)` must be at least 1 row; got {chunk}.")
    text = os.fspath(path)
    if find_builtin(text) is not None:
        text = builtin_path(text)
    try:
        file, key = path_and_key(text)
        if file.suffix.lower() not in OPENERS:
            raise DataError(
                f"`{file.name}` must end in {', '.join(OPENERS)} to be read in blocks; "
                "use load if it fits into memory."
            )
        return OPENERS[file.suffix.lower()](file, key, chunk)
    except OSError as error:
        if isinstance(error, DataNotFound):
            raise
        short = text if len(text) <= 80 else f"{text[:80]}..."
        raise DataError(f"`{short}` cannot be read: {error.strerror or error}.") from error


def builtin_path(name: str) -> str:
    """File and key behind a built-in name.

    Args:
        name: A built-in name.

    Returns:
        ``"file.npz:key"``.

    Raises:
        DataError: If it is made, not read from a file.
        DataNotFound: If $ISTHMUS_DATA does not hold the file.
    """
    if not is_one_array(name):
        raise DataError(f"`{name}` is no array of rows in a file; use load, it fits.")
    return f"{ARCHIVES[name].found(name)}:{ARCHIVES[name].key}"


def is_one_array(name: str) -> bool:
    """Whether a built-in name is an array of rows in a file, as it stands.

    Examples:
        >>> is_one_array("mnist"), is_one_array("digits")
        (True, False)
    """
    return name in ARCHIVES and ARCHIVES[name].sample_ndim is None
