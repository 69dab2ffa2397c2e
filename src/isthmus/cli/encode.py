"""``isthmus encode``."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from isthmus.cli.codes import Model, coder_from, counted, size
from isthmus.cli.options import (
    Columns,
    Drop,
    DropMissing,
    Json,
    Quiet,
    names,
    print_json,
    told_warnings,
)

if TYPE_CHECKING:
    from isthmus.data.stream_base import AbstractStream


def encode(
    data: Annotated[str, typer.Argument(help="A file or a built-in name, as in report.")],
    output: Annotated[
        Path, typer.Option("-o", "--output", help="Archive to write, .isth.")
    ],
    model: Model = None,
    append: Annotated[
        bool, typer.Option("--append", help="Add the rows to an archive that is there.")
    ] = False,
    force: Annotated[bool, typer.Option("--force", help="Replace a file there.")] = False,
    no_model: Annotated[
        bool,
        typer.Option("--no-model", help="Store only the digest of the model, not itself."),
    ] = False,
    chunk_rows: Annotated[
        int | None,
        typer.Option("--chunk-rows", help="Rows that are stored and checked together."),
    ] = None,
    packed: Annotated[
        bool,
        typer.Option(
            "--packed",
            help="DATA holds codes that decode --packed wrote, .parquet or .arrow.",
        ),
    ] = False,
    columns: Columns = None,
    drop: Drop = None,
    drop_missing: DropMissing = False,
    json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Pack rows into an archive, a few bits each; any number of rows in little memory."""
    from isthmus.codec import encode_archive
    from isthmus.core.progress import progress_bar

    _check(output, model, append, force, no_model)
    coder = coder_from(output if model is None else model)
    same: dict[str, Any] = {"append": append, "force": force, "embed": not no_model}
    with told_warnings(quiet), progress_bar(enabled=not quiet) as tell:
        if packed:
            from isthmus.codec import import_codes

            told = import_codes(
                data, coder, output, **same, chunk_rows=chunk_rows, progress=tell
            )
        else:
            source = _source(
                data,
                columns=names("--columns", columns),
                drop=names("--drop", drop) or (),
                drop_missing=drop_missing,
            )
            told = encode_archive(
                source, coder, output, **same, chunk_rows=chunk_rows, progress=tell
            )
    if json:
        print_json(told.to_dict())
        return
    typer.echo(
        f"{output}: {counted(told.n_rows, 'row')} of {told.n_input} columns in "
        f"{size(told.n_bytes)}, {told.bits_per_vector} bits per row"
    )


def _check(
    output: Path, model: Path | None, append: bool, force: bool, no_model: bool
) -> None:
    from isthmus.core.errors import DataNotFound, OutputError, ValueOutOfRange

    if output.suffix.lower() != ".isth":
        raise ValueOutOfRange(f"`--output` must end in .isth; got {output.name!r}.")
    if append and force:
        raise ValueOutOfRange("`--append` and `--force` exclude each other; give one.")
    if append and no_model:
        raise ValueOutOfRange(
            "`--no-model` is for new archives: with --append the model stays where it is."
        )
    if append and not os.path.exists(output):
        raise DataNotFound(f"`{output}`: there is no such archive to append to.")
    if model is None and not append:
        raise ValueOutOfRange(
            "`--model` must be given for a new archive: a file that fit has written."
        )
    if os.path.exists(output) and not (append or force):
        raise OutputError(
            f"`{output}` exists already. Use --force to replace it, --append to add rows."
        )


def _source(data: str, **choice: Any) -> AbstractStream:
    """A file in blocks; what is made by isthmus itself in one."""
    from isthmus.data import load
    from isthmus.data.builtin import find_builtin
    from isthmus.data.stream_memory import memory_stream
    from isthmus.data.streams import is_one_array, stream

    if find_builtin(data) is None or is_one_array(data):
        return stream(data, **choice, min_rows=1)
    return memory_stream(load(data, **choice).values)
