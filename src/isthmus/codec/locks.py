"""One writer at a time: locks that end with the process, however it ends."""

from __future__ import annotations

import errno
import os
from pathlib import Path
from typing import BinaryIO

from isthmus.core.errors import OutputError

_TAKEN = (errno.EWOULDBLOCK, errno.EACCES, errno.EAGAIN)


def open_locked(path: Path, *, create: bool) -> BinaryIO:
    """Open a file for reading and writing, and keep other writers out until it is closed.

    The lock belongs to the open file: it ends with the process, also when that is killed.
    Readers need none. Where the system or the file system has no such locks there is none.

    Args:
        path: The file.
        create: Whether to make it if it is not there.

    Returns:
        The file, at its beginning.

    Raises:
        OutputError: If another writer has it, or it cannot be opened.
    """
    while True:
        try:
            flags = os.O_RDWR | (os.O_CREAT if create else 0) | getattr(os, "O_BINARY", 0)
            file = os.fdopen(os.open(path, flags, 0o644), "r+b", buffering=0)
        except OSError as error:
            raise OutputError(f"`{path}` cannot be written: {error.strerror}.") from error
        try:
            _lock(file, path)
            # Between opening and locking another writer may have renamed or replaced it.
            if os.path.exists(path) and os.path.samestat(
                os.fstat(file.fileno()), path.stat()
            ):
                return file
            if not create and not os.path.exists(path):
                raise OutputError(f"`{path}` was removed while it was being opened.")
        except BaseException:
            file.close()
            raise
        file.close()


def _lock(file: BinaryIO, path: Path) -> None:
    try:
        import fcntl
    except ImportError:  # no such locks on this system
        return
    try:
        fcntl.flock(file.fileno(), fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        if error.errno in _TAKEN:
            raise OutputError(
                f"`{path}` is being written by another process. Wait until it has ended, "
                "or write to another name."
            ) from error
