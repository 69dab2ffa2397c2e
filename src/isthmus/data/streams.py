"""Rows of files larger than memory, a block at a time."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from pathlib import Path

from isthmus.core.errors import DataError, DataNotFound, ValueOutOfRange
from isthmus.data.builtin import ARCHIVES, MADE, archive_of, find_builtin
from isthmus.data.checks import MIN_ROWS
from isthmus.data.columns import Choice
from isthmus.data.readers import path_and_key
from isthmus.data.stream_base import AbstractStream
from isthmus.data.stream_numpy import open_npy, open_npz
from isthmus.data.stream_parquet import open_parquet
from isthmus.data.stream_text import open_csv

OPENERS: dict[str, Callable[[Path, str | None, int | None, Choice], AbstractStream]] = {
    ".csv": open_csv,
    ".npy": open_npy,
    ".npz": open_npz,
    ".parquet": open_parquet,
}


def stream(
    path: str | os.PathLike[str],
    chunk: int | None = None,
    *,
    columns: Sequence[str] | None = None,
    drop: Sequence[str] = (),
    drop_missing: bool = False,
    min_rows: int = MIN_ROWS,
) -> AbstractStream:
    """Open a file to read its rows block by block; little more than its header is read.

    The rows are those that :func:`isthmus.data.load` reads, and so are the refusals. Only
    which columns of a .csv file are text is told by its first 1000 rows: text further
    down a column of numbers is an error that names the line.

    Args:
        path: A .npy file (C order), an .npz archive (``file.npz:key``), a .csv or .parquet
            file, or a built-in name that is read from a file.
        chunk: Rows of a block, at least 1; None for blocks of 16 MB.
        columns: Names of the only columns to read; None reads all.
        drop: Names of columns to leave out; gaps and text in them do no harm.
        drop_missing: Leave out rows with a missing value; `n_rows` is None then, and
            `n_rows_dropped` counts them after the first pass.
        min_rows: Fewer are refused: 10 leave something to hold out.

    Returns:
        What the header tells, with ``blocks()``, ``shuffled_blocks(rng)`` and
        ``rows(indices)``.

    Raises:
        DataNotFound: If there is no such file.
        DataError: If it cannot be used; the message says where and why.
        MissingDependency: If a .parquet file is read without pyarrow.
        ValueOutOfRange: If `chunk` is below 1.

    Warns:
        DataWarning: If integers or half precision will be converted.

    Examples:
        >>> import tempfile
        >>> import numpy as np
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     np.save(f"{folder}/x.npy", np.arange(60.0).reshape(20, 3))
        ...     rows = stream(f"{folder}/x.npy", chunk=8, drop=["column 1"])
        ...     rows.n_rows, [block.shape for block in rows.blocks()]
        (20, [(8, 2), (8, 2), (4, 2)])
    """
    if chunk is not None and chunk < 1:
        raise ValueOutOfRange(f"`stream(chunk=...)` must be at least 1 row; got {chunk}.")
    choice = Choice.of(columns, drop, drop_missing, min_rows=min_rows, call="stream")
    text = os.fspath(path)
    try:
        if find_builtin(text) is not None:
            return _open_builtin(text, chunk, choice)
        file, key = path_and_key(text)
        return OPENERS[file.suffix.lower()](file, key, chunk, choice)
    except OSError as error:
        if isinstance(error, DataNotFound):
            raise
        short = text if len(text) <= 80 else f"{text[:80]}..."
        raise DataError(f"`{short}` cannot be read: {error.strerror or error}.") from error


def is_one_array(name: str) -> bool:
    """Whether a built-in name is an array in a file, which `stream` can read.

    Examples:
        >>> is_one_array("mnist"), is_one_array("ucr/CBF"), is_one_array("digits")
        (True, True, False)
    """
    sparse = name in ARCHIVES and ARCHIVES[name].key is None
    return name not in MADE and not sparse and find_builtin(name) is not None


def _open_builtin(name: str, chunk: int | None, choice: Choice) -> AbstractStream:
    if not is_one_array(name):
        raise DataError(f"`{name}` is no array of rows in a file; use load, it fits.")
    archive = archive_of(name)
    return open_npz(
        archive.found(name),
        archive.key,
        chunk,
        choice,
        name=name,
        sample_ndim=archive.sample_ndim,
    )
