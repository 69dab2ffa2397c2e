"""One entry for everything that can be analysed: names, files, arrays."""

from __future__ import annotations

import difflib
import os
from collections.abc import Callable, Sequence
from pathlib import Path

from isthmus.core.errors import DataError, DataNotFound, IsthmusError
from isthmus.data.base import Dataset
from isthmus.data.builtin import NAMES, find_builtin
from isthmus.data.columns import Choice
from isthmus.data.memory import read_memory
from isthmus.data.npy import read_npy
from isthmus.data.npz import read_npz
from isthmus.data.parquet import read_parquet
from isthmus.data.text import read_csv

READERS: dict[str, Callable[[Path, str | None, Choice], Dataset]] = {
    ".csv": read_csv,
    ".npy": read_npy,
    ".npz": read_npz,
    ".parquet": read_parquet,
}
_LONGEST = 80  # characters of a name in a message


def load(
    source: object,
    *,
    columns: Sequence[str] | None = None,
    drop: Sequence[str] = (),
    drop_missing: bool = False,
) -> Dataset:
    """Read data from a built-in name, a file or an array.

    Args:
        source: Built-in name (``"digits"``, ``"mnist"``, ``"ucr/ECG200"``, ...), path to
            a .npy, .npz (``file.npz:key``; a sparse matrix without a key), .csv or
            .parquet file, or an array with rows first.
        columns: Names of the only columns to read; None reads all.
        drop: Names of columns to leave out; gaps and text in them do no harm.
        drop_missing: Leave out rows with a missing value (NaN, a masked entry, an empty
            cell, NA, ?), and count them; otherwise the first one is an error.

    Returns:
        Floating, finite rows, at least ten of them.

    Raises:
        DataNotFound: If there is no such name or file.
        DataError: If what is there cannot be used; the message says where and why.
        MissingDependency: If a .parquet file is read without pyarrow.

    Warns:
        DataWarning: If integers or half precision were converted, a sparse matrix was
            filled in, or rows were left out.

    Examples:
        >>> load("digits").values.shape
        (1797, 64)
        >>> load([[1.0, 2.0]] * 12, drop=["column 0"]).column_names
        ('column 1',)
    """
    choice = Choice.of(columns, drop, drop_missing)
    if isinstance(source, (str, os.PathLike)):
        text = os.fspath(source)
        if not isinstance(text, str):
            text = os.fsdecode(text)
        builtin = find_builtin(text)
        return builtin(choice) if builtin else _read_file(text, choice)
    return read_memory(source, choice)


def _read_file(text: str, choice: Choice) -> Dataset:
    try:
        path, key = path_and_key(text)
        return READERS[path.suffix.lower()](path, key, choice)
    except IsthmusError:
        raise
    except OSError as error:
        short = text if len(text) <= _LONGEST else f"{text[:_LONGEST]}..."
        raise DataError(f"`{short}` cannot be read: {error.strerror or error}.") from error


def path_and_key(text: str) -> tuple[Path, str | None]:
    """Split ``file.npz:key`` into a file that is there and a key; or say what is not."""
    path, key = Path(text), None
    if not path.exists() and ":" in path.name:
        name, _, key = text.rpartition(":")
        path = Path(name)
    suffix = path.suffix.lower()
    if text and path.is_dir():
        raise DataError(f"`{text}` is a folder; name a file in it.")
    if not text or not path.exists():
        raise DataNotFound(_not_found(text, suffix))
    if suffix not in READERS:
        raise DataError(
            f"`{path.name}` must end in {', '.join(READERS)}; got {suffix or 'no ending'}."
        )
    return path, key


def _not_found(text: str, suffix: str) -> str:
    if suffix in READERS or os.sep in text:
        near = []
        parent = Path(text).parent
        if parent.is_dir():
            files = [p.name for p in parent.iterdir() if p.suffix.lower() in READERS]
            near = difflib.get_close_matches(Path(text).name, files, n=3)
        hint = f" Did you mean {' or '.join(near)}?" if near else ""
        return f"`{text}`: there is no such file.{hint}"
    near = difflib.get_close_matches(text.lower(), NAMES, n=3, cutoff=0.5)
    hint = f"Did you mean {' or '.join(near)}? " if near else ""
    return (
        f"`{text}` is neither a file nor a built-in name. {hint}"
        f"Built-in: {', '.join(NAMES)}."
    )
