"""``isthmus report``."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import Annotated

import typer

from isthmus.cli.options import (
    Json,
    Quiet,
    Seed,
    numbers,
    print_json,
    told_warnings,
)


def report(
    data: Annotated[
        str,
        typer.Argument(
            help="A .npy, .npz, .npz:key or .csv file, or a built-in name: digits, "
            "gaussian, mnist, fashion-mnist, cifar10."
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
    out: Annotated[
        Path | None,
        typer.Option("--out", help="Folder to write; default isthmus-report-<name>."),
    ] = None,
    force: Annotated[
        bool, typer.Option("--force", help="Replace a report that is there.")
    ] = False,
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
    rates = numbers("--rate", rate)
    target = out if out is not None else Path(report_folder_name(data))
    command = _command(data, rate, test, split, seed)
    with told_warnings(quiet), output_folder(target, force=force) as writer:
        with progress_bar(enabled=not quiet) as tell:
            analysis = analyse(
                data,
                rates=rates,
                X_test=test,
                split="last" if split == "last" else "random",
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


def _command(data: str, rate: str, test: str | None, split: str, seed: int) -> str:
    words = ["isthmus", "report", data, "--rate", rate, "--seed", str(seed)]
    if test is not None:
        words += ["--test", test]
    if split != "random":
        words += ["--split", split]
    return shlex.join(words)
