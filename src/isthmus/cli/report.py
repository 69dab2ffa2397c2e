"""``isthmus report``."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import Annotated

import typer

from isthmus.cli.options import (
    Advise,
    Columns,
    ComparePenalties,
    Drop,
    DropMissing,
    Json,
    Quiet,
    Seed,
    joined,
    names,
    numbers,
    print_json,
    told_warnings,
)


def report(
    data: Annotated[
        str,
        typer.Argument(
            help="A .npy, .npz, .npz:key, .csv or .parquet file, or a built-in name: "
            "digits, gaussian, sparse-gaussian, sparse-rademacher, mnist, fashion-mnist, "
            "cifar10, coil20, sift, ecg, gene-counts, ucr/NAME."
        ),
    ] = "digits",
    rate: Annotated[
        str, typer.Option("--rate", help="Bits per column, with commas.")
    ] = "0.25,0.5,1",
    test: Annotated[
        str | None, typer.Option("--test", help="Held-out rows instead of a draw.")
    ] = None,
    split: Annotated[
        str, typer.Option("--split", help="random, or last for time series.")
    ] = "random",
    columns: Columns = None,
    drop: Drop = None,
    drop_missing: DropMissing = False,
    scale: Annotated[
        str,
        typer.Option(
            "--scale",
            help="none; standard: every column divided by its standard deviation; log1p: "
            "log(1 + value), for counts.",
        ),
    ] = "none",
    budget: Annotated[
        float,
        typer.Option("--budget", help="Seconds to keep to; larger data are sampled."),
    ] = 120.0,
    out: Annotated[
        Path | None,
        typer.Option("--out", help="Folder to write; default isthmus-report-<name>."),
    ] = None,
    force: Annotated[
        bool, typer.Option("--force", help="Replace a report that is there.")
    ] = False,
    compare_penalties: ComparePenalties = False,
    advise: Advise = None,
    seed: Seed = 0,
    json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Analyse data: one page (index.html) and every number (report.json).

    Prints the verdict and the page's path.
    """
    from isthmus.core.errors import ValueOutOfRange
    from isthmus.core.progress import progress_bar
    from isthmus.report import analyse
    from isthmus.report.write import output_folder, report_folder_name

    if split not in ("random", "last"):
        raise ValueOutOfRange(f"`--split` must be random or last; got {split!r}.")
    if scale not in ("none", "standard", "log1p"):
        raise ValueOutOfRange(f"`--scale` must be none, standard or log1p; got {scale!r}.")
    rates = numbers("--rate", rate)
    only, without = names("--columns", columns), names("--drop", drop) or ()
    target = out if out is not None else Path(report_folder_name(data))
    command = _command(
        data,
        {
            "--rate": rate,
            "--seed": str(seed),
            "--test": test,
            "--split": None if split == "random" else split,
            "--columns": joined(columns),
            "--drop": joined(drop),
            "--scale": None if scale == "none" else scale,
            "--advise": advise,
            "--budget": None if budget == 120.0 else f"{budget:g}",
        },
        ["--drop-missing"] * drop_missing + ["--compare-penalties"] * compare_penalties,
    )
    with told_warnings(quiet), output_folder(target, force=force) as writer:
        with progress_bar(enabled=not quiet) as tell:
            analysis = analyse(
                data,
                rates=rates,
                X_test=test,
                split="last" if split == "last" else "random",
                columns=only,
                drop=without,
                drop_missing=drop_missing,
                scale=scale,  # type: ignore[arg-type]
                budget=budget,
                compare_penalties=compare_penalties,
                advise=None if advise is None else numbers("--advise", advise),
                seed=seed,
                command=command,
                progress=tell,
            )
        writer(analysis)
    page = target / "index.html"
    if json:
        print_json({**analysis.to_dict(), "page": str(page)})
        return
    for sentence in analysis.verdict:
        typer.echo(f"- {sentence.text}")
    typer.echo(f"\n{page}")


def _command(data: str, options: dict[str, str | None], flags: list[str]) -> str:
    """The command line that makes this report again."""
    given = [word for pair in options.items() if pair[1] is not None for word in pair]
    return shlex.join(["isthmus", "report", data, *map(str, given), *flags])
