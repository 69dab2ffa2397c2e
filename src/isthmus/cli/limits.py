"""``isthmus limits``."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from isthmus.cli.options import Json, Quiet, Seed, numbers, print_json, told_warnings


def limits(
    rate: Annotated[
        str | None, typer.Option("--rate", help="Code symbols per column, with commas.")
    ] = None,
    data: Annotated[
        str | None, typer.Option("--data", help="Take the covariance of these data.")
    ] = None,
    spectrum: Annotated[
        str | None,
        typer.Option("--spectrum", help="File of eigenvalues: .npy, or text, one a line."),
    ] = None,
    bits: Annotated[
        int | None,
        typer.Option("--bits", help="Total bits per vector, with a spectrum."),
    ] = None,
    target_nmse: Annotated[
        float | None,
        typer.Option("--target-nmse", help="Least code that reaches this NMSE."),
    ] = None,
    activation: Annotated[
        str, typer.Option("--activation", help="sign, or identity for linear codes.")
    ] = "sign",
    seed: Seed = 0,
    json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Least NMSE of a two-layer autoencoder on Gaussian data, beside the classics.

    White data unless --data or --spectrum gives a covariance. NMSE 1 is what the mean
    alone reaches. The reference is no bound for data that are not Gaussian.
    """
    from isthmus.core.errors import ValueOutOfRange

    if data is not None and spectrum is not None:
        raise ValueOutOfRange("`--data` and `--spectrum` exclude each other; give one.")
    if target_nmse is not None and not 0.0 < target_nmse < 1.0:
        raise ValueOutOfRange(
            f"`--target-nmse` must lie in (0, 1); got {target_nmse}. 1 is what the mean "
            "alone reaches."
        )
    with told_warnings(quiet):
        if data is None and spectrum is None:
            if bits is not None:
                raise ValueOutOfRange(
                    "`--bits` counts bits per vector and needs --data or --spectrum; "
                    "for white data give --rate."
                )
            table = _isotropic(rate, target_nmse, activation)
        else:
            eigenvalues = _eigenvalues(data, spectrum)
            table = _spectral(eigenvalues, rate, bits, target_nmse, activation)
    if json:
        single = all(len(column) == 1 for column in table.values())
        print_json({k: v[0] if single else v for k, v in table.items()})
    else:
        _print(table)


def _isotropic(
    rate: str | None, target: float | None, activation: str
) -> dict[str, list[Any]]:
    import numpy as np

    from isthmus.limits import (
        isotropic_limit,
        isotropic_rate_for,
        isotropic_status,
        isotropic_transform_coding,
        rate_distortion,
    )

    if target is not None:
        rates = [isotropic_rate_for(target, activation=activation)]
    else:
        rates = numbers("--rate", rate or "0.25,0.5,1,2")
    table: dict[str, list[Any]] = {
        "rate": rates,
        "nmse": [isotropic_limit(r, activation=activation) for r in rates],
        "status": [isotropic_status(r) for r in rates],
    }
    if activation == "sign":
        table["transform_coding"] = [isotropic_transform_coding(r) for r in rates]
        table["rate_distortion"] = [rate_distortion(np.ones(1), r) for r in rates]
    return table


def _spectral(
    eigenvalues: Any,
    rate: str | None,
    bits: int | None,
    target: float | None,
    activation: str,
) -> dict[str, list[Any]]:
    import numpy as np

    from isthmus.limits import (
        code_length_for,
        covariance_limit,
        rate_distortion,
        transform_coding,
    )

    d = eigenvalues.size
    if target is not None:
        lengths = [code_length_for(eigenvalues, target, activation=activation)]
    elif bits is not None:
        lengths = [bits]
    else:
        rates = numbers("--rate", rate or "0.25,0.5,1,2")
        lengths = [max(1, round(r * d)) for r in rates]
    sizes = np.asarray(lengths)
    limit = covariance_limit(eigenvalues, sizes, activation=activation)
    table: dict[str, list[Any]] = {
        "rate": [n / d for n in lengths],
        "n_code": lengths,
        "nmse": limit.nmse.tolist(),  # type: ignore[union-attr]
        "status": list(limit.status),
        "n_active": limit.n_active.tolist(),  # type: ignore[union-attr]
        "tightness": limit.tightness.tolist(),  # type: ignore[union-attr]
    }
    if activation == "sign":
        coding = transform_coding(eigenvalues, sizes).nmse
        table["transform_coding"] = coding.tolist()  # type: ignore[union-attr]
        shannon = rate_distortion(eigenvalues, sizes)
        table["rate_distortion"] = shannon.tolist()  # type: ignore[union-attr]
    return table


def _eigenvalues(data: str | None, spectrum: str | None) -> Any:
    from isthmus.core.linalg import descending_eigh
    from isthmus.data import load, read_spectrum, training_covariance

    if spectrum is not None:
        return read_spectrum(spectrum)
    from isthmus.data import without_constant_columns

    values = without_constant_columns(load(data)).values
    return descending_eigh(training_covariance(values)[1])[0]


def _print(table: dict[str, list[Any]]) -> None:
    columns = []
    for name, values in table.items():
        cells = [f"{v:.4g}" if isinstance(v, float) else str(v) for v in values]
        head = name.split("_") if name not in ("n_code", "n_active") else ["", name]
        head = ["", *head][-2:]
        width = max(map(len, [*head, *cells]))
        columns.append([cell.rjust(width) for cell in [*head, *cells]])
    for row in zip(*columns, strict=True):
        typer.echo("  ".join(row))
    typer.echo(
        "\nnmse: least of a two-layer autoencoder with a linear decoder, Gaussian data.\n"
        "transform coding, rate distortion: the classics at as many bits, Gaussian data."
    )
