"""Archives of packed bits in four calls: encode, decode, inspect, verify."""

from __future__ import annotations

import os
import warnings
from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np
from jaxtyping import Float

from isthmus.codec.coder import AbstractCoder
from isthmus.codec.decoding import coder_for, decoded_blocks
from isthmus.codec.format import VERSION
from isthmus.codec.opening import append_archive, create_archive
from isthmus.codec.reader import ArchiveReader
from isthmus.codec.records import Inspection, Verification
from isthmus.codec.stored_spec import archive_header, spec_to_bytes
from isthmus.codec.verifying import all_damages
from isthmus.core.errors import DataError, DataWarning, ValueOutOfRange
from isthmus.core.memory import check_memory
from isthmus.core.progress import Progress
from isthmus.core.protocol import total_bits
from isthmus.data.stream_base import AbstractStream

Source = AbstractStream | np.ndarray | Iterable[np.ndarray]
"""Rows to encode: a stream of a file, an array, or blocks of rows."""
_ROWS = 2**14  # of an array, at a time


def encode_archive(
    source: Source,
    coder: AbstractCoder,
    path: str | os.PathLike,
    *,
    append: bool = False,
    force: bool = False,
    embed: bool = True,
    chunk_rows: int | None = None,
    uid: int | None = None,
    progress: Progress | None = None,
) -> Inspection:
    """Encode rows into an .isth file, a block at a time.

    The file appears whole or not at all, and an append counts whole or not at all: what a
    killed process leaves behind is passed over by readers.

    Args:
        source: Rows, as :func:`isthmus.data.stream` opens them, an array, or blocks.
        coder: Makes the bits; its code is stored in the archive.
        path: The archive.
        append: Add to an archive that was made with the same code.
        force: Replace a file that is there.
        embed: Whether the archive holds the code, or only its digest.
        chunk_rows: Rows that are stored and checked together; None for chunks of 1 MiB or
            16 384 rows.
        uid: Number of the archive that all its parts bear; None draws one.
        progress: Told how many rows were encoded.

    Returns:
        What the archive holds now.

    Raises:
        DataError: If rows cannot be used, or the archive to append to is of another code
            or damaged.
        OutputError: If it cannot be written, is there, or is being written by another.
        ValueOutOfRange: If rows have other columns than the code.

    Examples:
        >>> import tempfile
        >>> from isthmus.codec import SignCoder, decode_archive
        >>> from isthmus.decoders.spec import CodecSpec
        >>> coder = SignCoder(CodecSpec(mean=np.zeros(8), n_code=8, frame="hadamard"))
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     told = encode_archive(np.eye(8), coder, f"{folder}/x.isth")
        ...     told = encode_archive(np.eye(8), coder, f"{folder}/x.isth", append=True)
        ...     told.n_rows, decode_archive(f"{folder}/x.isth", rows=(6, 9)).shape
        (16, (3, 8))
    """
    total = _n_rows(source)
    if append:
        _refuse_other(path, coder)
        writer = append_archive(path, chunk_rows=chunk_rows)
    else:
        model = spec_to_bytes(coder.spec) if embed else b""
        names = source.column_names if isinstance(source, AbstractStream) else None
        header = archive_header(coder, names, len(model))
        writer = create_archive(
            path, header, model=model, chunk_rows=chunk_rows, force=force, uid=uid
        )
    with writer:
        before = writer.n_rows
        for block in _blocks(source):
            writer.write(*coder.encode(block))
            if progress is not None:
                done = writer.n_rows - before
                progress("encoding", done, done if total is None else total)
        if append and writer.n_rows == before:
            raise DataError(f"`{writer.path.name}`: there are no rows to append.")
    return inspect_archive(path)


def decode_archive(
    path: str | os.PathLike,
    *,
    rows: tuple[int, int] | None = None,
    coder: AbstractCoder | None = None,
    damaged: str = "error",
    recover: bool = False,
    dtype: Any = np.float32,
) -> Float[np.ndarray, "row input"]:
    """Decode rows of an archive into an array.

    A row comes out the same whichever rows are asked for beside it.

    Args:
        path: The archive.
        rows: First row and one behind the last; None for all.
        coder: Its coder, where the archive holds only a digest; None takes the stored one.
        damaged: ``"error"``, which names the damaged chunk, or ``"nan"`` in its rows.
        recover: Whether to take whole chunks in that no table vouches for.
        dtype: float32 or float64.

    Returns:
        Rows in input units.

    Raises:
        DataNotFound: If there is no such file.
        DataError: If it is no archive, damaged where rows are wanted, or of another code.
        ValueOutOfRange: If there are no such rows, or they do not fit into memory.

    Warns:
        DataWarning: If the file ends in rows that no table vouches for.
    """
    check_damaged(damaged)
    with ArchiveReader(path, recover=recover) as archive:
        warn_of_end(archive, recover)
        use = coder_for(archive, coder)
        start, stop = archive.checked_range(*((0, None) if rows is None else rows))
        size = (stop - start) * use.n_input * np.dtype(dtype).itemsize
        way_out = "Take fewer, or isthmus.codec.decode_to_file."
        check_memory("decode_archive(rows=...)", stop - start, size, way_out)
        out = np.empty((stop - start, use.n_input), dtype)
        done = 0
        options: dict[str, Any] = {"damaged": damaged, "dtype": dtype}
        for block in decoded_blocks(archive, use, start, stop, **options):
            out[done : done + block.shape[0]] = block
            done += block.shape[0]
    return out


def inspect_archive(path: str | os.PathLike) -> Inspection:
    """Tell what an archive holds, from its header and tables alone.

    Args:
        path: The archive.

    Returns:
        Sizes, the code, and what is damaged of header and tables.

    Raises:
        DataNotFound: If there is no such file.
        DataError: If it is no archive, or of a newer version.
    """
    with ArchiveReader(path, recover=True) as archive:
        contents, header = archive.contents, archive.header
        names = header.get("column_names")
        held = bool(contents.preamble.model_size)
        n_input = header.get("n_input")
        writer = header.get("writer")
        coder = header.get("coder")
        return Inspection(
            path=str(archive.path),
            n_bytes=contents.size,
            version=VERSION,
            n_rows=contents.n_rows,
            n_chunks=int(contents.chunks.size),
            n_commits=len(contents.tables),
            n_input=n_input if isinstance(n_input, int) else None,
            n_bits=archive.n_bits,
            norm=header["norm"],
            bits_per_vector=total_bits(archive.n_bits, norm=header["norm"]),
            coder=coder if isinstance(coder, dict) else {},
            model_digest=header["model"]["digest"],
            model_bytes=header["model"]["bytes"] if held else 0,
            writer=writer if isinstance(writer, str) else None,
            column_names=_names(names),
            recoverable_rows=archive.n_rows - contents.n_rows,
            damages=contents.damages,
        )


def verify_archive(
    path: str | os.PathLike,
    *,
    coder: AbstractCoder | None = None,
    progress: Progress | None = None,
) -> Verification:
    """Check every byte of an archive against its checksums.

    Args:
        path: The archive.
        coder: If given, it must be the one that the archive was made with.
        progress: Told how many chunks were read.

    Returns:
        Whether all is well, and everything that is not.

    Raises:
        DataNotFound: If there is no such file.
        DataError: If it is no archive, of a newer version, or of another code; or if both
            copies of its header are damaged.
    """
    with ArchiveReader(path, recover=True) as archive:
        if coder is not None:
            coder_for(archive, coder)
        damages, n_good = all_damages(archive, progress)
        n_rows, n_chunks = archive.contents.n_rows, int(archive.chunks.size)
    return Verification(str(path), not damages, n_rows, n_chunks, n_good, tuple(damages))


def check_damaged(damaged: str) -> None:
    """Refuse anything but the two ways to treat damaged chunks."""
    if damaged not in ("error", "nan"):
        raise ValueOutOfRange(
            f"`decode_archive(damaged=...)` must be 'error' or 'nan'; got {damaged!r}."
        )


def warn_of_end(archive: ArchiveReader, recover: bool) -> None:
    """Say that there may be more rows than those given out."""
    ends = [one for one in archive.contents.damages if one.part == "end"]
    if ends and not recover:
        warnings.warn(
            f"`{archive.path.name}` has {ends[0].reason}. The {archive.n_rows} rows before "
            "are given.",
            DataWarning,
            stacklevel=3,
        )


def _refuse_other(path: str | os.PathLike, coder: AbstractCoder) -> None:
    with ArchiveReader(path) as archive:
        coder_for(archive, coder)


def _n_rows(source: Source) -> int | None:
    if isinstance(source, AbstractStream):
        return source.n_rows
    return source.shape[0] if isinstance(source, np.ndarray) else None


def _blocks(source: Source) -> Iterator[np.ndarray]:
    if isinstance(source, AbstractStream):
        yield from source.blocks()
    elif isinstance(source, np.ndarray):
        for start in range(0, source.shape[0], _ROWS):
            yield source[start : start + _ROWS]
    else:
        yield from source


def _names(stored: Any) -> tuple[str, ...] | None:
    if not isinstance(stored, list):
        return None
    return tuple(str(name) for name in stored)
