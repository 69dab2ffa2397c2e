"""NumPy files: .npy and the members of .npz, nothing ever unpickled."""

from __future__ import annotations

import difflib
import lzma
import tokenize
import zipfile
import zlib
from pathlib import Path

import numpy as np

from isthmus.core.errors import DataError
from isthmus.data.base import Dataset
from isthmus.data.columns import ALL, Choice, chosen

# What NumPy and zipfile raise on files that are cut short, damaged or hostile.
BROKEN = (
    EOFError,
    KeyError,
    MemoryError,
    NotImplementedError,
    OSError,
    OverflowError,
    RuntimeError,
    SyntaxError,
    ValueError,
    lzma.LZMAError,
    tokenize.TokenError,
    zipfile.BadZipFile,
    zlib.error,
)
_LISTED = 10


def read_npy(path: Path, key: str | None, choice: Choice = ALL) -> Dataset:
    """Read one array.

    Args:
        path: The .npy file.
        key: Must be None: such a file has no parts.
        choice: Which columns.

    Returns:
        The rows.

    Raises:
        DataError: If the file is cut short, empty, no .npy file or holds objects.
    """
    if key is not None:
        raise DataError(f"`{path.name}` has no parts; leave out ':{key}'.")
    refuse_empty(path)
    with path.open("rb") as file:
        try:
            array = np.load(file, allow_pickle=False)
        except BROKEN as error:
            raise DataError(broken_message(path.name, error)) from error
    if not isinstance(array, np.ndarray):
        raise DataError(f"`{path.name}` must hold one array; rename an archive to .npz.")
    return chosen(path.name, array, choice)


def npz_keys(path: Path) -> list[str]:
    """Names of the arrays of an archive.

    Args:
        path: The .npz file.

    Returns:
        The names, in the order of the file.

    Raises:
        DataError: If it is no archive.
    """
    refuse_empty(path)
    try:
        with zipfile.ZipFile(path) as archive:
            names = archive.namelist()
    except BROKEN as error:
        raise DataError(broken_message(path.name, error)) from error
    return [name.removesuffix(".npy") for name in names if name.endswith(".npy")]


def npz_array(path: Path, key: str | None) -> tuple[str, np.ndarray]:
    """Read one array of an archive as it is.

    Args:
        path: The .npz file.
        key: Which array; may be None if only one has rows and columns.

    Returns:
        The key and the array.

    Raises:
        DataError: If the archive is broken, or `key` is missing or not there.
    """
    refuse_empty(path)
    with path.open("rb") as file:
        try:
            with zipfile.ZipFile(file) as archive:
                shapes = array_shapes(archive)
                key = one_key(path.name, shapes) if key is None else key
                if key not in shapes:
                    raise DataError(unknown_key(path.name, key, shapes))
                with archive.open(f"{key}.npy") as member:
                    return key, np.lib.format.read_array(member, allow_pickle=False)
        except DataError:
            raise
        except BROKEN as error:
            raise DataError(broken_message(path.name, error)) from error


def refuse_empty(path: Path) -> None:
    """Refuse a file of no bytes by that name, rather than as a damaged one."""
    if path.stat().st_size == 0:
        raise DataError(
            f"`{path.name}` must be a {path.suffix.lower()} file; it is empty (0 bytes). "
            "Write it again."
        )


def array_shapes(archive: zipfile.ZipFile) -> dict[str, tuple[int, ...]]:
    """Shape of every array, from the headers alone."""
    shapes = {}
    for name in archive.namelist():
        if name.endswith(".npy"):
            with archive.open(name) as member:
                old = np.lib.format.read_magic(member) == (1, 0)
                header = (
                    np.lib.format.read_array_header_1_0
                    if old
                    else np.lib.format.read_array_header_2_0
                )(member)
                shapes[name.removesuffix(".npy")] = tuple(header[0])
    return shapes


def one_key(name: str, shapes: dict[str, tuple[int, ...]]) -> str:
    """The array meant when none is named: the only one, or the only one with rows."""
    candidates = [key for key, shape in shapes.items() if len(shape) >= 2]
    if len(candidates) == 1 or len(shapes) == 1:
        return (candidates or list(shapes))[0]
    if not shapes:
        raise DataError(f"`{name}` must hold an array; it holds none. Write it again.")
    example = (candidates or list(shapes))[0]
    raise DataError(
        f"`{name}` holds several arrays; name one as {name}:{example}. "
        f"It has {_listed(shapes)}."
    )


def unknown_key(name: str, key: str, shapes: dict[str, tuple[int, ...]]) -> str:
    """Message on a key that is not there: what is, and what is near."""
    near = difflib.get_close_matches(key, shapes, n=3)
    hint = f" Did you mean {' or '.join(near)}?" if near else ""
    return f"`{name}` has no array {key!r}; it has {_listed(shapes)}.{hint}"


def _listed(shapes: dict[str, tuple[int, ...]]) -> str:
    some = [f"{key} {shape}" for key, shape in list(shapes.items())[:_LISTED]]
    more = f" and {len(shapes) - _LISTED} more" if len(shapes) > _LISTED else ""
    return (", ".join(some) or "none") + more


def broken_message(name: str, error: Exception) -> str:
    """Message on a file that raised one of `BROKEN`."""
    text = str(error)
    if "pickle" in text or "object" in text.lower():
        return (
            f"`{name}` must hold numbers; it holds Python objects, which are never "
            "unpickled. Save it again as plain float32 or float64."
        )
    if isinstance(error, MemoryError):
        return (
            f"`{name}` must fit in memory; its header asks for more ({text}). "
            "Take fewer rows, or write it again if it is damaged."
        )
    return (
        f"`{name}` cannot be read as a NumPy file: it is cut short or damaged "
        f"({text.splitlines()[0] if text else type(error).__name__}). Write it again."
    )
