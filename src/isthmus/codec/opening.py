"""Archives opened for writing: new ones, and those that rows are added to."""

from __future__ import annotations

import os
import secrets
import warnings
from pathlib import Path
from typing import Any, BinaryIO

from isthmus.codec.contents import Contents, read_contents
from isthmus.codec.crc32c import crc32c
from isthmus.codec.format import Preamble, header_bytes, padded, parse_header
from isthmus.codec.locks import open_locked
from isthmus.codec.verifying import of_tables
from isthmus.codec.writer import ArchiveWriter, Start
from isthmus.core.errors import DataError, DataNotFound, DataWarning, OutputError
from isthmus.core.files import path_of


def create_archive(
    path: str | os.PathLike,
    header: dict[str, Any],
    *,
    model: bytes = b"",
    chunk_rows: int | None = None,
    force: bool = False,
    uid: int | None = None,
) -> ArchiveWriter:
    """Begin a new archive under a hidden name; it gets its own at the end.

    Args:
        path: The archive.
        header: Plain values; ``n_bits``, ``norm`` (``"none"`` or ``"float16"``) and
            ``model`` (``{"digest": text, "bytes": len(model)}``) must be there.
        model: The stored code; empty if the archive only names it.
        chunk_rows: Rows of a chunk; None for chunks of 1 MiB or 16 384 rows.
        force: Whether to replace a file that is there.
        uid: Number that all parts bear; None draws one.

    Returns:
        The writer.

    Raises:
        OutputError: If it cannot be written, is there, or is being written by another.
        DataError: If the header is none that can be read again.
    """
    target = path_of("create_archive(path=...)", path)
    raw = header_bytes({"format": "isthmus-archive", "requires": [], **header})
    stored = model.ljust(padded(len(model)), b"\0")
    drawn = secrets.randbits(64) if uid is None else uid
    preamble = Preamble(len(raw), crc32c(raw), len(stored), crc32c(stored), drawn)
    whole = parse_header(raw, preamble.header_crc)
    if os.path.exists(target) and not force:
        raise OutputError(
            f"`{target}` exists already. Use --force or force=True to replace it, "
            "--append or append=True to add rows."
        )
    old = open_locked(target, create=False) if os.path.isfile(target) else None
    try:
        part = target.parent / f".{target.name}.part"
        file = open_locked(part, create=True)
    except BaseException:
        if old is not None:
            old.close()
        raise
    start = Start(target, file, preamble, whole, part, old)
    return ArchiveWriter(start, preamble.to_bytes() + raw + stored, chunk_rows=chunk_rows)


def append_archive(
    path: str | os.PathLike, *, chunk_rows: int | None = None
) -> ArchiveWriter:
    """Begin to add rows at the end of an archive.

    Chunks that are there stay where they are, and so does the table: a reader sees the
    rows before until the new table stands behind the new chunks.

    Args:
        path: The archive.
        chunk_rows: Rows of a new chunk; None for chunks of 1 MiB or 16 384 rows.

    Returns:
        The writer.

    Raises:
        DataNotFound: If there is no such archive.
        DataError: If it is damaged.
        OutputError: If it cannot be written, or is being written by another.

    Warns:
        DataWarning: If what an interrupted append left behind is dropped.
    """
    target = path_of("append_archive(path=...)", path)
    if not os.path.isfile(target):
        raise DataNotFound(f"`{target}`: there is no such archive.")
    file = open_locked(target, create=False)
    try:
        contents = _sound_contents(target, file)
    except BaseException:
        file.close()
        raise
    last = contents.tables[-1]
    start = Start(
        target,
        file,
        contents.preamble,
        contents.header,
        end=last.end,
        previous=last.offset,
        n_chunks=last.first_chunk + last.n_entries,
        n_rows=last.n_rows,
    )
    return ArchiveWriter(start, chunk_rows=chunk_rows)


def _sound_contents(target: Path, file: BinaryIO) -> Contents:
    """Contents of an archive that rows may be added to."""
    try:
        contents = read_contents(file)
    except DataError as error:
        raise DataError(f"`{target.name}` cannot be read: {error}.") from error
    bad = [damage for damage in contents.damages if damage.part != "end"]
    bad += of_tables(file, contents)
    if bad or not contents.end:
        raise DataError(
            f"`{target.name}` is damaged, and rows are only added to whole archives: "
            f"{bad[0]}. Decode what is left and encode it anew."
        )
    if contents.end < contents.size:
        warnings.warn(
            f"`{target.name}` ends in {contents.size - contents.end} bytes of an append "
            "that was interrupted; they are dropped.",
            DataWarning,
            stacklevel=4,
        )
    return contents
