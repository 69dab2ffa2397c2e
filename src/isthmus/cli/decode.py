"""``isthmus decode``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from isthmus.cli.codes import Archive, Model, Rows, coder_from, row_range
from isthmus.cli.options import Json, Quiet, Seed, print_json, told_warnings
from isthmus.cli.redecode import index_decoded


def decode(
    archive: Archive,
    output: Annotated[
        Path,
        typer.Option("-o", "--output", help="File to write, .npy, .csv or .parquet."),
    ],
    rows: Rows = None,
    model: Model = None,
    damaged: Annotated[
        str,
        typer.Option(
            "--damaged", help="Rows of damaged chunks: error, or nan to go on without."
        ),
    ] = "error",
    recover: Annotated[
        bool,
        typer.Option(
            "--recover", help="Also read whole chunks of an archive that was cut short."
        ),
    ] = False,
    packed: Annotated[
        bool,
        typer.Option(
            "--packed",
            help="Do not decode: write codes as fixed-size binary, .parquet or .arrow.",
        ),
    ] = False,
    train: Annotated[
        str | None,
        typer.Option(
            "--train",
            metavar="DATA",
            help="Decode an index of faiss (.faiss) with what these rows tell about its "
            "codes: rows like those that it holds.",
        ),
    ] = None,
    seed: Seed = 0,
    force: Annotated[bool, typer.Option("--force", help="Replace a file there.")] = False,
    json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Unpack rows of an archive, all or some, checking every chunk that is read.

    With --train: decode what an index of faiss holds, better than faiss does.
    """
    from isthmus.codec import decode_to_file, export_codes
    from isthmus.core.errors import ValueOutOfRange
    from isthmus.core.progress import progress_bar

    span = row_range(rows)
    if train is not None or archive.suffix.lower() == ".faiss":
        if packed or recover or damaged != "error" or model is not None:
            raise ValueOutOfRange(
                "`--train` decodes an index of faiss: leave out --packed, --model, "
                "--damaged and --recover, which are about archives."
            )
        index_decoded(archive, output, train, span, seed, force, json=json, quiet=quiet)
        return
    with told_warnings(quiet), progress_bar(enabled=not quiet) as tell:
        if packed:
            if recover or damaged != "error" or model is not None:
                raise ValueOutOfRange(
                    "`--packed` writes codes as they are, of whole archives: leave out "
                    "--model, --damaged and --recover."
                )
            n_rows = export_codes(archive, output, rows=span, force=force, progress=tell)
            told = f"{output}: {n_rows} packed rows"
            facts = {"output": str(output), "n_rows": n_rows, "packed": True}
        else:
            n_rows, n_columns = decode_to_file(
                archive,
                output,
                rows=span,
                coder=None if model is None else coder_from(model),
                damaged=damaged,
                recover=recover,
                force=force,
                progress=tell,
            )
            told = f"{output}: {n_rows} rows of {n_columns} columns, float32"
            facts = {"output": str(output), "n_rows": n_rows, "n_columns": n_columns}
    if json:
        print_json(facts)
    else:
        typer.echo(told)
