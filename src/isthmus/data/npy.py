"""NumPy files: .npy and .npz, nothing ever unpickled."""

from __future__ import annotations

import zipfile
from pathlib import Path
from typing import BinaryIO

import numpy as np

from isthmus.core.errors import DataError
from isthmus.data.base import Dataset
from isthmus.data.checks import checked


def read_npy(path: Path, key: str | None) -> Dataset:
    """Read one array.

    Args:
        path: The .npy file.
        key: Must be None: such a file has no parts.

    Returns:
        The rows.

    Raises:
        DataError: If the file is cut short, empty, no .npy file or holds objects.
    """
    if key is not None:
        raise DataError(f"`{path.name}` has no parts; leave out ':{key}'.")
    with path.open("rb") as file:
        return checked(path.name, _array(path.name, file, path.stat().st_size))


def read_npz(path: Path, key: str | None) -> Dataset:
    """Read one array of an archive.

    Args:
        path: The .npz file.
        key: Which array; may be None if only one has rows and columns.

    Returns:
        The rows.

    Raises:
        DataError: If the archive is broken, or `key` is missing or not there.
    """
    try:
        with path.open("rb") as file, np.load(file, allow_pickle=False) as archive:
            names = list(archive.files)
            if key is None:
                key = _only_key(path.name, archive, names)
            elif key not in names:
                raise DataError(
                    f"`{path.name}` has no array {key!r}; it has {', '.join(names)}."
                )
            array = archive[key]
    except DataError:
        raise
    except (ValueError, OSError, EOFError, zipfile.BadZipFile, KeyError) as error:
        raise DataError(_broken(path.name, error)) from error
    return checked(f"{path.name}:{key}", array)


def _only_key(name: str, archive: np.lib.npyio.NpzFile, names: list[str]) -> str:
    if len(names) == 1:
        return names[0]
    example = names[0] if names else "KEY"
    raise DataError(
        f"`{name}` holds several arrays; name one as {name}:{example}. "
        f"It has {', '.join(names) or 'none'}."
    )


def _array(name: str, file: BinaryIO, size: int) -> np.ndarray:
    if size == 0:
        raise DataError(f"`{name}` must be a .npy file; it is empty (0 bytes).")
    try:
        array = np.load(file, allow_pickle=False)
    except (ValueError, OSError, EOFError, SyntaxError) as error:
        raise DataError(_broken(name, error)) from error
    if not isinstance(array, np.ndarray):
        raise DataError(f"`{name}` must hold one array; rename an archive to .npz.")
    return array


def _broken(name: str, error: Exception) -> str:
    text = str(error)
    if "pickle" in text or "object" in text.lower():
        return (
            f"`{name}` must hold numbers; it holds Python objects, which are never "
            "unpickled. Save it again as plain float32 or float64."
        )
    return (
        f"`{name}` cannot be read as a NumPy file: it is cut short or damaged "
        f"({text.splitlines()[0] if text else type(error).__name__}). Write it again."
    )
