"""Packed codes as columns of fixed-size binary in Parquet and Arrow files, and back."""

from __future__ import annotations

import contextlib
import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

from isthmus.codec.archive import inspect_archive, warn_of_end
from isthmus.codec.coder import AbstractCoder
from isthmus.codec.opening import append_archive, create_archive
from isthmus.codec.pieces import Piece
from isthmus.codec.reader import ArchiveReader
from isthmus.codec.records import Inspection
from isthmus.codec.stored_spec import archive_header, spec_to_bytes
from isthmus.core.errors import (
    DataError,
    IsthmusError,
    OutputError,
    ValueOutOfRange,
)
from isthmus.core.files import existing, path_of, whole_file
from isthmus.core.lazy import needed_module
from isthmus.core.progress import Progress

ENDINGS = (".parquet", ".arrow")
_CODE, _NORM, _KEY = "code", "norm", b"isthmus"
_BATCH = 2**14  # rows


def export_codes(
    path: str | os.PathLike,
    output: str | os.PathLike,
    *,
    rows: tuple[int, int] | None = None,
    force: bool = False,
    progress: Progress | None = None,
) -> int:
    """Write packed codes as a column of fixed-size binary, lengths as one of float16.

    The schema's metadata say, under ``isthmus``, the bits of a row and the code's digest.

    Args:
        path: The archive.
        output: A .parquet file or an Arrow (IPC) file, .arrow.
        rows: First row and one behind the last; None for all.
        force: Replace a file that is there.
        progress: Told how many rows were written.

    Returns:
        Rows written.

    Raises:
        DataNotFound: If there is no such archive.
        DataError: If it is damaged where rows are wanted.
        OutputError: If the file cannot be written, or is there.
        MissingDependency: If pyarrow is not installed.
    """
    target = path_of("export_codes(output=...)", output)
    _check_ending("export_codes(output=...)", target)
    if os.path.exists(target) and not force:
        raise OutputError(f"`{target}` exists already. Use --force to replace it.")
    pyarrow = needed_module("pyarrow", "parquet", "pyarrow.parquet", "pyarrow.ipc")
    with ArchiveReader(path) as archive:
        warn_of_end(archive, recover=False)
        start, stop = archive.checked_range(*((0, None) if rows is None else rows))
        schema = _schema(pyarrow, archive)
        with whole_file(target) as file, _writer(pyarrow, target, file, schema) as writer:
            for piece in archive.pieces(start, stop):
                if piece.packed is None:
                    raise archive.damaged(piece)
                kept = slice(max(start - piece.first, 0), stop - piece.first)
                writer.write_batch(_batch(pyarrow, schema, piece, kept))
                if progress is not None:
                    done = min(piece.first + piece.n_rows, stop) - start
                    progress("exporting", done, stop - start)
    return stop - start


def import_codes(
    source: str | os.PathLike,
    coder: AbstractCoder,
    path: str | os.PathLike,
    *,
    append: bool = False,
    force: bool = False,
    embed: bool = True,
    chunk_rows: int | None = None,
    progress: Progress | None = None,
) -> Inspection:
    """Make an archive of packed codes in a Parquet or Arrow file.

    Args:
        source: A .parquet or .arrow file with a column ``code`` of fixed-size binary and,
            if the code has lengths, a column ``norm`` of float16.
        coder: Made the codes.
        path: The archive.
        append: Add to an archive of the same code.
        force: Replace a file that is there.
        embed: Whether the archive holds the code, or only its digest.
        chunk_rows: As for :func:`~isthmus.codec.encode_archive`.
        progress: Told how many rows were read.

    Returns:
        What the archive holds now.

    Raises:
        DataNotFound: If there is no such file.
        DataError: If it has no such columns, a value is missing, or its metadata name
            another code.
        OutputError: If the archive cannot be written.
        MissingDependency: If pyarrow is not installed.
    """
    given = path_of("import_codes(source=...)", source)
    _check_ending("import_codes(source=...)", given)
    existing(given)
    with _opened(given, coder) as (n_rows, batches):
        if append:
            with ArchiveReader(path) as archive:
                _refuse_digest(archive.path.name, archive.header["model"]["digest"], coder)
            writer = append_archive(path, chunk_rows=chunk_rows)
        else:
            model = spec_to_bytes(coder.spec) if embed else b""
            header = archive_header(coder, None, len(model))
            writer = create_archive(
                path, header, model=model, force=force, chunk_rows=chunk_rows
            )
        with writer:
            before = writer.n_rows
            for batch in batches:
                writer.write(*_arrays(given.name, batch, coder))
                if progress is not None:
                    progress("importing", writer.n_rows - before, n_rows)
    return inspect_archive(path)


def _schema(pyarrow: Any, archive: ArchiveReader) -> Any:
    fields = [(_CODE, pyarrow.binary(archive.contents.row_bytes))]
    if archive.has_norms:
        fields.append((_NORM, pyarrow.float16()))
    header = archive.header
    told = {name: header.get(name) for name in ("n_bits", "norm", "n_input", "coder")}
    told |= {"digest": header["model"]["digest"], "bit_order": "little"}
    return pyarrow.schema(fields, metadata={_KEY: json.dumps(told).encode()})


def _batch(pyarrow: Any, schema: Any, piece: Piece, kept: slice) -> Any:
    assert piece.packed is not None
    bits = np.ascontiguousarray(piece.packed[kept])
    kind = schema.field(_CODE).type
    buffers = [None, pyarrow.py_buffer(bits)]
    columns = [pyarrow.Array.from_buffers(kind, bits.shape[0], buffers)]
    if piece.norms is not None:
        columns.append(pyarrow.array(piece.norms[kept]))
    return pyarrow.record_batch(columns, schema=schema)


def _writer(pyarrow: Any, target: Path, file: BinaryIO, schema: Any) -> Any:
    if target.suffix.lower() == ".arrow":
        return pyarrow.ipc.new_file(file, schema)
    return pyarrow.parquet.ParquetWriter(file, schema)


@contextlib.contextmanager
def _opened(source: Path, coder: AbstractCoder) -> Iterator[tuple[int, Iterator[Any]]]:
    """Rows and batches of the columns that are wanted, after a look at the schema."""
    pyarrow = needed_module("pyarrow", "parquet", "pyarrow.parquet", "pyarrow.ipc")
    names = [_CODE, _NORM] if coder.has_norms else [_CODE]
    try:
        if source.suffix.lower() == ".arrow":
            with pyarrow.OSFile(str(source)) as raw, pyarrow.ipc.open_file(raw) as file:
                _check_schema(pyarrow, source.name, file.schema, coder)
                count = file.num_record_batches
                batches = (file.get_batch(i).select(names) for i in range(count))
                yield 0, batches
        else:
            with pyarrow.parquet.ParquetFile(source, pre_buffer=False) as file:
                _check_schema(pyarrow, source.name, file.schema_arrow, coder)
                yield file.metadata.num_rows, file.iter_batches(_BATCH, columns=names)
    except IsthmusError:
        raise
    except (pyarrow.ArrowException, OSError, ValueError) as error:
        first = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise DataError(f"`{source.name}` cannot be read: {first}.") from error


def _check_schema(pyarrow: Any, name: str, schema: Any, coder: AbstractCoder) -> None:
    due = [(_CODE, pyarrow.binary(-(-coder.n_bits // 8)))]
    if coder.has_norms:
        due.append((_NORM, pyarrow.float16()))
    for column, kind in due:
        places = schema.get_all_field_indices(column)
        found = schema.field(places[0]).type if len(places) == 1 else None
        if found != kind:
            raise DataError(
                f"`{name}` must have one column {column!r} of {kind} for this code; got "
                f"{found if places else 'none'}."
            )
    told = (schema.metadata or {}).get(_KEY)
    if told is None:
        return
    try:
        digest = str(json.loads(told)["digest"])
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise DataError(f"`{name}` has metadata of isthmus that are damaged.") from error
    _refuse_digest(name, digest, coder)


def _refuse_digest(name: str, digest: str, coder: AbstractCoder) -> None:
    if digest != coder.spec.digest:
        raise DataError(
            f"`{name}` was made with another model: its digest begins {digest[:16]}, that "
            f"of the one given {coder.spec.digest[:16]}. Give that model."
        )


def _arrays(
    name: str, batch: Any, coder: AbstractCoder
) -> tuple[np.ndarray, np.ndarray | None]:
    for column in batch.columns:
        if column.null_count:
            raise DataError(f"`{name}` must have no missing codes or norms; one is null.")
    codes, width = batch.column(0), -(-coder.n_bits // 8)
    count = len(codes)
    raw = np.frombuffer(codes.buffers()[1], np.uint8) if count else np.empty(0, np.uint8)
    start = codes.offset * width
    packed = raw[start : start + count * width].reshape(count, width)
    if not coder.has_norms:
        return packed, None
    norms = batch.column(1).to_numpy(zero_copy_only=False).astype(np.float16, copy=False)
    if not (np.isfinite(norms).all() and (norms >= 0).all()):
        raise DataError(f"`{name}` must have finite norms, none negative.")
    return packed, norms


def _check_ending(call: str, path: Path) -> None:
    if path.suffix.lower() not in ENDINGS:
        raise ValueOutOfRange(
            f"`{call}` must end in {' or '.join(ENDINGS)}; got {path.name!r}."
        )
