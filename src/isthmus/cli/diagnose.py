"""``isthmus diagnose``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

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

_MEANING = {
    "spectrum": "code spent on the wrong directions",
    "coherence": "code symbols that repeat each other",
    "decoder": "decoder not the best linear one",
    "shift": "rows unlike the training rows in covariance",
    "non_gaussianity": "rows not Gaussian",
}


def diagnose(
    model: Annotated[Path, typer.Argument(help="A model that fit has written.")],
    data: Annotated[str, typer.Argument(help="Rows it has not seen: file or built-in.")],
    train: Annotated[
        str | None,
        typer.Option("--train", help="Its training rows, to tell shift from the rest."),
    ] = None,
    columns: Columns = None,
    drop: Drop = None,
    drop_missing: DropMissing = False,
    json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Tell where a saved model loses against the Gaussian reference, term by term."""
    from isthmus.report.diagnosis import diagnose_model

    with told_warnings(quiet):
        found = diagnose_model(
            model,
            data,
            train=train,
            columns=names("--columns", columns),
            drop=names("--drop", drop) or (),
            drop_missing=drop_missing,
        )
    if json:
        print_json(found.to_dict())
        return
    typer.echo(
        f"NMSE {found.nmse:.4g} ± {found.standard_error:.1g} on {found.n_rows} rows; "
        f"Gaussian reference {found.reference:.4g} ({found.status})"
    )
    for name, value in found.gap.items():
        typer.echo(f"  {name.replace('_', ' '):16}{_signed(value)}  {_MEANING[name]}")
    typer.echo(f"  {'gap':16}{_signed(found.nmse - found.reference)}")
    for sentence in found.verdict:
        typer.echo(f"- {sentence}")


def _signed(value: Any) -> str:
    return "     -   " if value is None else f"{value:+9.4f}"
