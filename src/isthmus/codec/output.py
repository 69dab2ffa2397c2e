"""Decoded rows on their way into a file, a block at a time."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

from isthmus.codec.archive import check_damaged, warn_of_end
from isthmus.codec.coder import AbstractCoder
from isthmus.codec.decoding import coder_for, decoded_blocks
from isthmus.codec.reader import ArchiveReader
from isthmus.core.errors import OutputError, ValueOutOfRange
from isthmus.core.files import path_of, whole_file
from isthmus.core.lazy import needed_module
from isthmus.core.progress import Progress

Blocks = Iterator[np.ndarray]


def decode_to_file(
    path: str | os.PathLike,
    output: str | os.PathLike,
    *,
    rows: tuple[int, int] | None = None,
    coder: AbstractCoder | None = None,
    damaged: str = "error",
    recover: bool = False,
    force: bool = False,
    progress: Progress | None = None,
) -> tuple[int, int]:
    """Decode rows of an archive into a file that need not fit into memory.

    Args:
        path: The archive.
        output: A .npy, .csv or .parquet file; it appears whole or not at all.
        rows: First row and one behind the last; None for all.
        coder: Its coder, where the archive holds only a digest; None takes the stored one.
        damaged: ``"error"``, which names the damaged chunk, or ``"nan"`` in its rows.
        recover: Whether to take whole chunks in that no table vouches for.
        force: Replace a file that is there.
        progress: Told how many rows were decoded.

    Returns:
        Rows and columns written, float32.

    Raises:
        DataNotFound: If there is no such archive.
        DataError: If it is damaged where rows are wanted, or of another code.
        OutputError: If the file cannot be written, or is there.
        MissingDependency: If it is a .parquet file and pyarrow is not installed.

    Warns:
        DataWarning: If the archive ends in rows that no table vouches for.

    Examples:
        >>> import tempfile
        >>> from isthmus.codec import SignCoder, encode_archive
        >>> from isthmus.decoders import CodecSpec
        >>> coder = SignCoder(CodecSpec(mean=np.zeros(8), n_code=8, frame="hadamard"))
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     _ = encode_archive(np.eye(8), coder, f"{folder}/x.isth")
        ...     decode_to_file(f"{folder}/x.isth", f"{folder}/x.npy", rows=(0, 5))
        (5, 8)
    """
    check_damaged(damaged)
    target = target_of("decode_to_file(output=...)", output, force=force)
    with ArchiveReader(path, recover=recover) as archive:
        warn_of_end(archive, recover)
        use = coder_for(archive, coder)
        start, stop = archive.checked_range(*((0, None) if rows is None else rows))
        blocks = decoded_blocks(archive, use, start, stop, damaged=damaged)
        names = archive.header.get("column_names")
        if not isinstance(names, list) or len(names) != use.n_input:
            names = [f"column {i}" for i in range(use.n_input)]
        shape = (stop - start, use.n_input)
        write_rows(target, shape, [str(name) for name in names], blocks, progress)
    return shape


def target_of(call: str, output: str | os.PathLike, *, force: bool) -> Path:
    """A file that rows can be written to.

    Args:
        call: Call and argument.
        output: What was given.
        force: Whether it may be there already.

    Raises:
        ValueOutOfRange: If its ending is none that can be written.
        OutputError: If it is there.

    Examples:
        >>> target_of("f(output=...)", "rows.npy", force=True).name
        'rows.npy'
    """
    target = path_of(call, output)
    if target.suffix.lower() not in WRITERS:
        raise ValueOutOfRange(
            f"`{call}` must end in {', '.join(WRITERS)}; got {target.name!r}."
        )
    if os.path.exists(target) and not force:
        raise OutputError(f"`{target}` exists already. Use --force to replace it.")
    return target


def write_rows(
    target: Path,
    shape: tuple[int, int],
    names: Sequence[str],
    blocks: Blocks,
    progress: Progress | None = None,
) -> None:
    """Write blocks of float32 rows; the file appears whole or not at all.

    Args:
        target: From :func:`target_of`.
        shape: Rows and columns of all blocks together.
        names: Of the columns.
        blocks: Rows, some at a time.
        progress: Told how many rows were written.

    Raises:
        OutputError: If the file cannot be written.
        MissingDependency: If it is a .parquet file and pyarrow is not installed.
    """
    with whole_file(target) as file:
        write = WRITERS[target.suffix.lower()]
        write(file, shape, names, _told(blocks, shape, progress))


def _told(blocks: Blocks, shape: tuple[int, int], progress: Progress | None) -> Blocks:
    done = 0
    for block in blocks:
        yield block
        done += block.shape[0]
        if progress is not None:
            progress("decoding", done, shape[0])


def _write_npy(
    file: BinaryIO, shape: tuple[int, int], names: Sequence[str], blocks: Blocks
) -> None:
    header = {"descr": "<f4", "fortran_order": False, "shape": shape}
    np.lib.format.write_array_header_1_0(file, header)
    for block in blocks:
        file.write(np.ascontiguousarray(block, "<f4").data)


def _write_csv(
    file: BinaryIO, shape: tuple[int, int], names: Sequence[str], blocks: Blocks
) -> None:
    quoted = ('"' + name.replace('"', '""') + '"' for name in names)
    file.write((",".join(quoted) + "\n").encode())
    for block in blocks:
        np.savetxt(file, block, fmt="%.9g", delimiter=",")


def _write_parquet(
    file: BinaryIO, shape: tuple[int, int], names: Sequence[str], blocks: Blocks
) -> None:
    pyarrow = needed_module("pyarrow", "parquet", "pyarrow.parquet")
    schema = pyarrow.schema([(name, pyarrow.float32()) for name in names])
    with pyarrow.parquet.ParquetWriter(file, schema) as writer:
        for block in blocks:
            columns = [np.ascontiguousarray(column) for column in block.T]
            writer.write_table(pyarrow.table(columns, schema=schema))


WRITERS: dict[str, Callable[[BinaryIO, tuple[int, int], Sequence[str], Blocks], Any]] = {
    ".npy": _write_npy,
    ".csv": _write_csv,
    ".parquet": _write_parquet,
}
"""By the ending of a file."""
