"""``isthmus diagnose``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

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

if TYPE_CHECKING:
    from isthmus.report import DeepDiagnosis, Diagnosis

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
    figure: Annotated[
        Path | None,
        typer.Option(
            "--figure", help="Draw the generators of a deep model's penalty: an .html file."
        ),
    ] = None,
    known: Annotated[
        Path | None,
        typer.Option(
            "--known-generators",
            help="A .npy file of matrices, generator x column x column, to compare with.",
        ),
    ] = None,
    force: Annotated[
        bool, typer.Option("--force", help="Replace a figure that is there.")
    ] = False,
    seed: Seed = 0,
    columns: Columns = None,
    drop: Drop = None,
    drop_missing: DropMissing = False,
    json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Tell where a saved model loses, term by term, on rows it has not seen."""
    from isthmus.core.errors import OutputError, ValueOutOfRange
    from isthmus.report import DeepDiagnosis, held_out_rows
    from isthmus.report import diagnose as diagnosed

    if held_out and train is not None:
        raise ValueOutOfRange("`--held-out` and `--train` exclude each other; give one.")
    if figure is not None and figure.exists() and not force:
        raise OutputError(f"`{figure}` exists already. Use --force to replace it.")
    with told_warnings(quiet):
        choice: dict[str, Any] = {
            "columns": names("--columns", columns),
            "drop": names("--drop", drop) or (),
            "drop_missing": drop_missing,
        }
        more: dict[str, Any] = {"known_generators": _known(known), "seed": seed}
        if held_out:
            trained, rows = held_out_rows(data, split=split, seed=seed, **choice)
            found = diagnosed(model, rows, train=trained, **more)
        else:
            found = diagnosed(model, data, train=train, **more, **choice)
        if figure is not None:
            _draw(figure, model, data, rows if held_out else None, choice, more)
    if json:
        print_json(found.to_dict())
    elif isinstance(found, DeepDiagnosis):
        _tell_deep(found)
    else:
        _tell_shallow(found)


def _known(path: Path | None) -> Any:
    """Matrices of a file, which the library checks."""
    if path is None:
        return None
    import numpy as np

    from isthmus.core.errors import DataError
    from isthmus.core.files import existing

    existing(path, f"--known-generators {path}")
    try:
        return np.load(path, allow_pickle=False)
    except (ValueError, OSError) as error:
        raise DataError(
            f"`--known-generators {path}` must be a .npy file of numbers; {error}."
        ) from error


def _draw(
    figure: Path,
    model: Path,
    data: str,
    rows: Any,
    choice: dict[str, Any],
    more: dict[str, Any],
) -> None:
    """Write the page of generators; rows held out keep the shape that the data have."""
    from isthmus.report import Reading, draw_generators
    from isthmus.report.generator_drawing import known_image
    from isthmus.report.write import write_page

    reading = Reading(**choice)
    shape = None
    if rows is not None:
        shape = known_image(reading.load(data).sample_shape, rows.shape[1])
    drawn = draw_generators(
        model,
        data if rows is None else rows,
        image_shape=shape,
        known=more["known_generators"],
        reading=reading if rows is None else None,
        seed=more["seed"],
    )
    write_page(drawn.to_html(), figure)


def _tell_shallow(found: Diagnosis) -> None:
    typer.echo(
        f"NMSE {found.nmse:.4g} ± {found.standard_error:.1g} on {found.n_rows} rows; "
        f"Gaussian reference {found.reference:.4g} ({found.status})"
    )
    for name, value in found.gap.items():
        typer.echo(f"  {name.replace('_', ' '):16}{_signed(value)}  {_MEANING[name]}")
    typer.echo(f"  {'gap':16}{_signed(found.nmse - found.reference)}")
    for sentence in found.verdict:
        typer.echo(f"- {sentence}")


def _tell_deep(found: DeepDiagnosis) -> None:
    typer.echo(
        f"NMSE {found.nmse:.4g} ± {found.standard_error:.1g} on {found.n_rows} rows, "
        f"{found.n_code} latent dimensions"
    )
    rows = [
        ("training rows", found.train),
        ("as many principal components", found.principal),
        ("what the decoder misses", found.manifold_gap),
        ("what the encoder misses", found.encoder_gap),
    ]
    for name, part in rows:
        if part is not None:
            typer.echo(f"  {name:30}{part.nmse:9.4f} ± {part.standard_error:.1g}")
    for one in found.regions:
        typer.echo(
            f"  rows in a region of the {one.of} that holds a training row: "
            f"{100 * one.test:.3g} %"
        )
    if found.slopes is not None:
        slopes = found.slopes
        typer.echo(
            f"  slope along {slopes.dim} local directions wrong by {slopes.tangent:.3g}, "
            f"of which the rows' errors allow {slopes.explained:.3g} (medians)\n"
            f"  the affine map at a row holds up to {slopes.radius[1]:.3g}, the nearest "
            f"training row is {slopes.nearest:.3g} away (medians)"
        )
    if found.folds is not None:
        typer.echo(
            f"  errors of rows: median {found.folds.median:.3g}, at most "
            f"{found.folds.max_at_rows:.3g}, between near rows {found.folds.max_error:.3g}"
        )
    if found.generators is not None:
        for line in found.generators.lines():
            typer.echo(f"  {line}")
    for sentence in found.verdict:
        typer.echo(f"- {sentence}")


def _signed(value: Any) -> str:
    return "     -   " if value is None else f"{value:+9.4f}"
