"""``isthmus advise``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from isthmus.cli.options import (
    Columns,
    Drop,
    DropMissing,
    Json,
    Quiet,
    Seed,
    names,
    numbers,
    print_json,
    told_warnings,
)

if TYPE_CHECKING:
    from isthmus.estimators import CodecAdvice


def advise(
    data: Annotated[str, typer.Argument(help="A file or a built-in name, as in report.")],
    bits_per_dim: Annotated[
        str, typer.Option("--bits-per-dim", help="Bits per column, with commas.")
    ] = "1",
    codecs: Annotated[
        str | None,
        typer.Option(
            "--codecs",
            help="Only these: linear, search, quantised, pq, opq, rabitq, eden, "
            "turboquant, pca+eden.",
        ),
    ] = None,
    figure: Annotated[
        Path | None,
        typer.Option("--figure", help="Also draw error against bits: an .html file."),
    ] = None,
    force: Annotated[
        bool, typer.Option("--force", help="Replace a figure that is there.")
    ] = False,
    test: Annotated[
        str | None, typer.Option("--test", help="Held-out rows instead of a draw.")
    ] = None,
    split: Annotated[
        str, typer.Option("--split", help="random, or last for time series.")
    ] = "random",
    columns: Columns = None,
    drop: Drop = None,
    drop_missing: DropMissing = False,
    seed: Seed = 0,
    json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Tell which codec to use at a number of bits, for reconstruction and for search.

    Fits isthmus' codecs, and those of faiss if it is installed, on training rows,
    measures them on held-out rows at equal bits per vector, and names the best.
    """
    from isthmus.core.errors import OutputError, ValueOutOfRange
    from isthmus.core.progress import progress_bar
    from isthmus.estimators.advise import advise_rows, checked_names
    from isthmus.estimators.codec_ground import budget_of
    from isthmus.report import Reading, read_rows

    if split not in ("random", "last"):
        raise ValueOutOfRange(f"`--split` must be random or last; got {split!r}.")
    if figure is not None and figure.exists() and not force:
        raise OutputError(f"`{figure}` exists already. Use --force to replace it.")
    budgets = numbers("--bits-per-dim", bits_per_dim)
    chosen = None if codecs is None else checked_names(names("--codecs", [codecs]))
    reading = Reading(
        names("--columns", columns), names("--drop", drop) or (), drop_missing
    )
    with told_warnings(quiet), progress_bar(enabled=not quiet) as bar:
        tell = bar or (lambda label, done, total: None)
        tell("reading", 0, 1)
        rows = read_rows(data, X_test=test, split=split, seed=seed, reading=reading)
        for wanted in budgets:
            budget_of(wanted, rows.train.shape[1])
        found = tuple(
            advise_rows(
                rows.train,
                rows.test,
                bits_per_dim=wanted,
                name=rows.dataset.name,
                codecs=chosen,
                seed=seed,
                progress=tell,
            )
            for wanted in budgets
        )
    if figure is not None:
        from isthmus.report.html import render_section
        from isthmus.report.sections.advice import advice_section
        from isthmus.report.write import write_page

        write_page(render_section(advice_section(found), "isthmus advise"), figure)
    if json:
        plain = [one.to_dict() for one in found]
        print_json(plain[0] if len(plain) == 1 else plain)
        return
    for number, one in enumerate(found):
        if number:
            typer.echo("")
        _tell(one)
    if figure is not None:
        typer.echo(f"\n{figure}")


def _tell(found: CodecAdvice) -> None:
    from isthmus.report.advice_words import HEAD, about_advice, cells, remarks

    typer.echo(about_advice(found))
    typer.echo("")
    rows = [HEAD, *(cells(one) for one in found.scores)]
    widths = [max(len(row[i]) for row in rows) for i in range(len(HEAD))]
    for row in rows:
        first, *others = row
        words = [cell.rjust(width) for cell, width in zip(others, widths[1:], strict=True)]
        typer.echo("  ".join([first.ljust(widths[0]), *words]))
    typer.echo("")
    for text in remarks(found):
        typer.echo(text)
