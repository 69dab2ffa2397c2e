"""Files that appear whole or not at all, and arrays with a JSON header in them."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

from isthmus.core.errors import (
    DataError,
    DataNotFound,
    IsthmusError,
    OutputError,
    ValueOutOfRange,
)

_KEY = "isthmus"
_HEADER_SUM = "header_checksum"


def path_of(call: str, path: object) -> Path:
    """A path, or an error that names the call.

    Args:
        call: Call and argument.
        path: What was given.

    Raises:
        ValueOutOfRange: If it is neither text nor a path.

    Examples:
        >>> path_of("f(path=...)", "a/b").name
        'b'
    """
    if not isinstance(path, (str, Path)):
        try:
            path = os.fspath(path)  # type: ignore[call-overload]
        except TypeError:
            path = None
    if not isinstance(path, (str, Path)):
        raise ValueOutOfRange(f"`{call}` must be a path, as text or pathlib.Path.")
    return Path(path)


def write_whole(target: Path, payload: bytes, *, temporary: str | None = None) -> None:
    """Write beside the target, flush to the disk, rename.

    Args:
        target: Replaced if it is there.
        payload: All of it.
        temporary: Name to write under, in the same folder: whatever a killed process left
            there is written over. None for a new name each time, which two processes that
            write the same target need.

    Raises:
        OutputError: If the file cannot be written; nothing is left behind.

    Examples:
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     write_whole(Path(folder) / "a", b"text")
        ...     [p.name for p in Path(folder).iterdir()]
        ['a']
    """
    with whole_file(target, temporary=temporary) as file:
        file.write(payload)


@contextlib.contextmanager
def whole_file(target: Path, *, temporary: str | None = None) -> Iterator[BinaryIO]:
    """Open a file that gets its name when the body ends, flushed to the disk.

    Args:
        target: Replaced if it is there.
        temporary: As for :func:`write_whole`.

    Yields:
        The file, under another name.

    Raises:
        OutputError: If the file cannot be written; nothing is left behind, as after any
            error of the body.

    Examples:
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     with whole_file(Path(folder) / "a") as file:
        ...         _ = file.write(b"te"), file.write(b"xt")
        ...     (Path(folder) / "a").read_bytes()
        b'text'
    """
    part = None
    try:
        if temporary is None:
            handle, name = tempfile.mkstemp(dir=target.parent, prefix=".isthmus-")
            part = Path(name)
        else:
            part = target.parent / temporary
            handle = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o644)
        with os.fdopen(handle, "wb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        os.chmod(part, 0o644)
        os.replace(part, target)
        flush_folder(target.parent)
    except BaseException as error:
        if part is not None:
            part.unlink(missing_ok=True)
        if isinstance(error, OSError) and not isinstance(error, IsthmusError):
            raise OutputError(f"`{target}` cannot be written: {error.strerror}.") from error
        raise


def flush_folder(folder: Path) -> None:
    """Make a rename in it survive a loss of power, where folders can be flushed."""
    if os.name != "posix":
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    except OSError:
        pass  # some network file systems refuse
    finally:
        os.close(handle)


def packed(arrays: Mapping[str, np.ndarray], header: Mapping[str, Any]) -> bytes:
    """Arrays as safetensors with a header of plain values, format and checksum in it.

    Args:
        arrays: By name.
        header: Must hold ``format`` and ``version``; numbers in it must be finite.

    Examples:
        >>> len(packed({"x": np.ones(2)}, {"format": "f", "version": 1})) > 16
        True
    """
    from safetensors.numpy import save

    whole = {name: np.ascontiguousarray(array) for name, array in arrays.items()}
    full = {**header, "checksum": checksum(whole)}
    text = json.dumps({**full, _HEADER_SUM: header_sum(full)}, allow_nan=False)
    return bytes(save(whole, metadata={_KEY: text}))


def existing(path: Path, what: str = "") -> Path:
    """The same path if a file is there, or an error that says what is.

    Args:
        path: Of the file.
        what: What to call it; by default the path.

    Raises:
        DataNotFound: If there is nothing.
        DataError: If it is a folder.

    Examples:
        >>> existing(Path("nowhere"))
        Traceback (most recent call last):
        ...
        isthmus.core.errors.DataNotFound: `nowhere`: there is no such file.
    """
    name = what or str(path)
    if path.is_dir():
        raise DataError(f"`{name}` is a folder; name a file in it.")
    if not path.is_file():
        raise DataNotFound(f"`{name}`: there is no such file.")
    return path


def unpacked(
    source: Path, *, kind: str, noun: str, version: int
) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
    """Read what :func:`packed` made, and check that it is whole.

    Args:
        source: The file.
        kind: The format that it must be of.
        noun: What such a file is, for messages.
        version: The version that is understood.

    Returns:
        Header and arrays.

    Raises:
        DataNotFound: If there is no such file.
        DataError: If it is a folder, damaged, of another format or of a newer version.
    """
    from safetensors import SafetensorError, safe_open

    existing(source)
    try:
        with safe_open(source, framework="numpy") as file:
            header = json.loads((file.metadata() or {}).get(_KEY, "null"))
            arrays = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    except (SafetensorError, OSError, ValueError, TypeError) as error:
        raise DataError(f"`{source.name}` cannot be read as a {noun}: {error}.") from error
    return _checked(source.name, header, arrays, kind=kind, noun=noun, version=version)


def unpacked_bytes(
    name: str, raw: bytes, *, kind: str, noun: str, version: int
) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
    """As :func:`unpacked`, of bytes that are in memory.

    Args:
        name: What to call them in messages.
        raw: What :func:`packed` made.
        kind: The format that they must be of.
        noun: What they are, for messages.
        version: The version that is understood.

    Returns:
        Header and arrays.

    Raises:
        DataError: If they are damaged, of another format or of a newer version.

    Examples:
        >>> raw = packed({"x": np.ones(2)}, {"format": "f", "version": 1, "seed": 7})
        >>> unpacked_bytes("raw", raw, kind="f", noun="thing", version=1)[0]["seed"]
        7
    """
    from safetensors import SafetensorError
    from safetensors.numpy import load

    try:
        arrays = load(raw)
        size = int.from_bytes(raw[:8], "little")
        header = json.loads(json.loads(raw[8 : 8 + size])["__metadata__"][_KEY])
    except (SafetensorError, ValueError, TypeError, KeyError, RecursionError) as error:
        raise DataError(f"`{name}` cannot be read as a {noun}: {error}.") from error
    return _checked(name, header, arrays, kind=kind, noun=noun, version=version)


def _checked(
    name: str,
    header: Any,
    arrays: dict[str, np.ndarray],
    *,
    kind: str,
    noun: str,
    version: int,
) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
    """Refuse another format, a newer version and what lacks its checksums."""
    if not isinstance(header, dict) or header.get("format") != kind:
        raise DataError(f"`{name}` holds arrays, but no isthmus {noun}.")
    found = header.get("version")
    if type(found) is not int or not 1 <= found <= version:
        raise DataError(
            f"`{name}` has version {found} of the {noun} format; "
            f"this isthmus reads {version}. Update isthmus."
        )
    if header.get("checksum") != checksum(arrays):
        raise DataError(
            f"`{name}` is damaged: its numbers do not have the checksum in its "
            f"header. Make or copy the {noun} again."
        )
    written = header.pop(_HEADER_SUM, None)  # older files have none
    if written is not None and written != header_sum(header):
        raise DataError(
            f"`{name}` is damaged: its header does not have the checksum in it. "
            f"Make or copy the {noun} again."
        )
    return header, arrays


def header_sum(header: Mapping[str, Any]) -> str:
    """SHA-256 of plain values, in whatever order they are.

    Examples:
        >>> header_sum({"a": 1, "b": (2,)}) == header_sum({"b": [2], "a": 1})
        True
    """
    plain = json.loads(json.dumps(header))  # as it is read back
    text = json.dumps(plain, sort_keys=True, allow_nan=False)
    return hashlib.sha256(text.encode()).hexdigest()


def checksum(arrays: Mapping[str, np.ndarray]) -> str:
    """SHA-256 of names, types, shapes and bytes.

    Examples:
        >>> checksum({"x": np.ones(2)}) == checksum({"x": np.ones(3)})
        False
    """
    digest = hashlib.sha256()
    for name in sorted(arrays):
        array = np.ascontiguousarray(arrays[name])
        digest.update(f"{name} {array.dtype.str} {array.shape}\n".encode())
        digest.update(array.data.cast("B") if array.size else b"")
    return digest.hexdigest()
