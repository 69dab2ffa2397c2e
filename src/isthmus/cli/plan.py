"""``isthmus plan``."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from isthmus.cli.options import (
    Advise,
    Columns,
    ComparePenalties,
    Drop,
    DropMissing,
    Json,
    Quiet,
    names,
    numbers,
    print_json,
    told_warnings,
)


def plan(
    data: Annotated[str, typer.Argument(help="A file or a built-in name, as in report.")],
    rate: Annotated[
        str, typer.Option("--rate", help="Bits per column, with commas.")
    ] = "0.25,0.5,1",
    budget: Annotated[
        float, typer.Option("--budget", help="Seconds that report is to keep to.")
    ] = 120.0,
    columns: Columns = None,
    drop: Drop = None,
    drop_missing: DropMissing = False,
    compare_penalties: ComparePenalties = False,
    advise: Advise = None,
    json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Tell the memory, operations and time that report will take, before it starts.

    Reads the header, at most 64 MB of the rows, and a second of this machine's speed.
    """
    from isthmus.report.speeds import plan_data

    rates = numbers("--rate", rate)
    with told_warnings(quiet):
        found = plan_data(
            data,
            rates=rates,
            budget=budget,
            columns=names("--columns", columns),
            drop=names("--drop", drop) or (),
            drop_missing=drop_missing,
            compare_penalties=compare_penalties,
            advise=() if advise is None else numbers("--advise", advise),
        )
    if json:
        print_json(found.to_dict())
        return
    about = "" if found.rows_known else "about "
    typer.echo(
        f"{found.name}: {about}{found.n_rows} rows x {found.n_columns} columns of "
        f"{found.dtype}, {found.n_train} to train on ({found.n_fit} for decoders), "
        f"{found.n_test} held out"
    )
    typer.echo(f"memory      {found.memory_bytes / 1e9:.2g} GB at most{_free(found)}")
    typer.echo(f"operations  {found.operations:.2g}")
    typer.echo(f"time        {_time(found.seconds)}, of which")
    for name, seconds in found.parts.items():
        typer.echo(f"  {name:20}{seconds:9.2f} s")
    for text in found.left_out:
        typer.echo(text)
    if found.fits is False:
        typer.echo(
            "It does not fit into memory: take fewer rows or columns "
            "(isthmus.data.sample_stream draws rows without reading the rest)."
        )


def _free(found: Any) -> str:
    if found.memory_free_bytes is None:
        return ""
    return f", {found.memory_free_bytes / 1e9:.2g} GB free"


def _time(seconds: float) -> str:
    if seconds < 120:
        return f"about {seconds:.2g} s"
    if seconds < 7200:
        return f"about {seconds / 60:.2g} min"
    return f"about {seconds / 3600:.2g} h"
