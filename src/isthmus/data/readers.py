"""One entry for everything that can be analysed: names, files, arrays."""

from __future__ import annotations

import difflib
import os
from collections.abc import Callable
from pathlib import Path

from isthmus.core.errors import DataError, DataNotFound
from isthmus.data.base import Dataset
from isthmus.data.builtin import BUILTINS
from isthmus.data.checks import checked
from isthmus.data.npy import read_npy, read_npz
from isthmus.data.text import read_csv

READERS: dict[str, Callable[[Path, str | None], Dataset]] = {
    ".csv": read_csv,
    ".npy": read_npy,
    ".npz": read_npz,
}


def load(source: object) -> Dataset:
    """Read data from a built-in name, a file or an array.

    Args:
        source: Built-in name (``"digits"``, ``"gaussian"``, ``"mnist"``, ...), path to a
            .npy, .npz (``file.npz:key``) or .csv file, or an array with rows first.

    Returns:
        Floating, finite rows, at least ten of them.

    Raises:
        DataNotFound: If there is no such name or file.
        DataError: If what is there cannot be used; the message says where and why.

    Warns:
        DataWarning: If integers or half precision were converted.

    Examples:
        >>> load("digits").values.shape
        (1797, 64)
    """
    if isinstance(source, (str, os.PathLike)):
        text = os.fspath(source)
        if not isinstance(text, str):
            text = os.fsdecode(text)
        if text in BUILTINS:
            return BUILTINS[text]()
        return _read_file(text)
    return checked("X", source)


def _read_file(text: str) -> Dataset:
    path, key = Path(text), None
    if not path.exists() and ":" in path.name:
        name, _, key = text.rpartition(":")
        path = Path(name)
    suffix = path.suffix.lower()
    if path.is_dir():
        raise DataError(f"`{text}` is a folder; name a file in it.")
    if not path.exists():
        raise DataNotFound(_not_found(text, suffix))
    if suffix not in READERS:
        raise DataError(
            f"`{path.name}` must end in {', '.join(READERS)}; got {suffix or 'no ending'}."
        )
    try:
        return READERS[suffix](path, key)
    except OSError as error:
        if isinstance(error, DataNotFound):
            raise
        raise DataError(f"`{path.name}` cannot be read: {error.strerror}.") from error


def _not_found(text: str, suffix: str) -> str:
    if suffix in READERS or os.sep in text:
        near = []
        parent = Path(text).parent
        if parent.is_dir():
            files = [p.name for p in parent.iterdir() if p.suffix.lower() in READERS]
            near = difflib.get_close_matches(Path(text).name, files, n=3)
        hint = f" Did you mean {' or '.join(near)}?" if near else ""
        return f"`{text}`: there is no such file.{hint}"
    near = difflib.get_close_matches(text.lower(), BUILTINS, n=3, cutoff=0.5)
    hint = f"Did you mean {' or '.join(near)}? " if near else ""
    return (
        f"`{text}` is neither a file nor a built-in name. {hint}"
        f"Built-in: {', '.join(BUILTINS)}."
    )
