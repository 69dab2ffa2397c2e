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
    Seed,
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
    held_out: Annotated[
        bool,
        typer.Option(
            "--held-out",
            help="Only the rows of DATA that fit held out (same --seed and --split); the "
            "others stand for the training rows.",
        ),
    ] = False,
    split: Annotated[
        str, typer.Option("--split", help="With --held-out: as it was for fit.")
    ] = "random",
    seed: Seed = 0,
    columns: Columns = None,
    drop: Drop = None,
    drop_missing: DropMissing = False,
    json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Tell where a saved model loses against the Gaussian reference, term by term."""
    from isthmus.core.errors import ValueOutOfRange
    from isthmus.report import held_out_rows
    from isthmus.report.diagnosis import diagnose_model

    if held_out and train is not None:
        raise ValueOutOfRange("`--held-out` and `--train` exclude each other; give one.")
    with told_warnings(quiet):
        kept = names("--columns", columns)
        left_out = names("--drop", drop) or ()
        if held_out:
            trained, rows = held_out_rows(
                data,
                split=split,
                seed=seed,
                columns=kept,
                drop=left_out,
                drop_missing=drop_missing,
            )
            found = diagnose_model(model, rows, train=trained)
        else:
            found = diagnose_model(
                model,
                data,
                train=train,
                columns=kept,
                drop=left_out,
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
