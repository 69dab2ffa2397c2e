"""``isthmus topology``."""

from __future__ import annotations

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
    print_json,
    told_warnings,
)

if TYPE_CHECKING:
    from isthmus.report.dimension_records import Dimensions
    from isthmus.topology import Certificate

MOST_ROWS = 20_000
"""Rows that neighbours are looked for among."""


def topology(
    data: Annotated[str, typer.Argument(help="File or built-in, as for report.")],
    n_code: Annotated[
        int | None,
        typer.Option("--n-code", help="Certify the error of this many latent dimensions."),
    ] = None,
    max_points: Annotated[
        int | None,
        typer.Option("--max-points", help="Triangulate at most so many, drawn at random."),
    ] = None,
    seed: Seed = 0,
    columns: Columns = None,
    drop: Drop = None,
    drop_missing: DropMissing = False,
    json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Tell how many latent dimensions the rows need, and how many are ruled out.

    Intrinsic dimension by six estimators, and the loops and cavities of the cloud: each
    proves an error that every continuous autoencoder with too few dimensions makes
    somewhere between the rows, however it is trained.
    """
    import numpy as np

    from isthmus.core.progress import progress_bar
    from isthmus.report import Reading, read_rows
    from isthmus.report.dimensions import measure_dimensions
    from isthmus.report.records import to_plain
    from isthmus.topology.point_clouds import checked_code

    with told_warnings(quiet), progress_bar(enabled=not quiet) as bar:
        tell = bar or (lambda label, done, total: None)
        reading = Reading(
            names("--columns", columns), names("--drop", drop) or (), drop_missing
        )
        tell("reading", 0, 1)
        read = read_rows(data, seed=seed, reading=reading, progress=tell)
        rows = np.concatenate([read.train, read.test])
        if n_code is not None:
            n_code = checked_code("certificate", n_code, rows.shape[1])
        found = measure_dimensions(
            rows, seed=seed, most_rows=MOST_ROWS, max_points=max_points, progress=tell
        )
        bound = None
        if n_code is not None:
            from isthmus.topology import certificate

            tell("certificate", 0, 1)
            bound = certificate(rows, n_code, max_points=max_points)
    if json:
        plain = to_plain(found)
        print_json(plain if n_code is None else {**plain, "certificate": to_plain(bound)})
        return
    _tell(found)
    if bound is not None:
        _tell_certificate(bound)


def _tell(found: Dimensions) -> None:
    from isthmus.report.dimension_words import METHODS, VOTING, about_dimensions, p_value
    from isthmus.report.style import count, number, with_error

    typer.echo(about_dimensions(found))
    typer.echo("")
    typer.echo(f"Intrinsic dimension of {count(found.n_rows)} different rows (* votes)")
    for one in found.estimates:
        star = "*" if one.method in VOTING else " "
        value = with_error(one.value, one.standard_error)
        typer.echo(f" {star} {METHODS[one.method]:27}{value}")
    for doubt in found.doubts:
        typer.echo(f"   {doubt}")
    typer.echo("")
    if found.no_holes:
        typer.echo(found.no_holes)
        return
    typer.echo("Latent dimensions")
    for code in found.codes:
        span = (
            str(code.n_code) if code.n_code == code.last else f"{code.n_code}-{code.last}"
        )
        line = f"   {span:7}{code.status:24}"
        if code.certificate is not None:
            line += f"error at least {number(code.certificate.bound)}, "
            line += f"p {p_value(code.certificate.p_value)}"
        typer.echo(line.rstrip())
    for reason in found.reasons:
        typer.echo(f"   {reason}")


def _tell_certificate(bound: Certificate) -> None:
    from isthmus.report.dimension_words import with_p
    from isthmus.report.style import percent

    typer.echo("")
    typer.echo(bound.statement)
    if bound.degree is not None:
        typer.echo(
            f"That is {percent(bound.relative)} of the rows' root mean square distance "
            f"from their mean; {with_p(bound.p_value)}, corrected for {bound.n_tests} "
            "holes."
        )
