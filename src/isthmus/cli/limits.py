"""``isthmus limits``."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Annotated, Any

import typer

from isthmus.cli.options import Json, Quiet, Seed, numbers, print_json, told_warnings

_LEGEND = {
    "nmse": "nmse: least of a two-layer autoencoder with a linear decoder, Gaussian data.",
    "n_active": "n active: principal directions that get any of the code.",
    "tightness": "tightness: largest share of the code on one of them; above 0.05 the\n"
    "  limit is only asymptotic: it still bounds, but may be out of reach.",
    "random_encoder": "random encoder: untrained, best decoder.",
    "transform_coding": "transform coding, rate distortion: the classics at as many bits, "
    "Gaussian data.",
    "linear": "linear: least of a two-layer autoencoder with a linear decoder; white data "
    "that\n  are sparse gain nothing with it.",
    "denoised": "denoised: random rotation, one posterior mean per coordinate after it.",
    "message_passing": "message passing: the same code, rows decoded as a whole.",
    "ecsq": "ecsq: dead-zone quantiser of each coordinate in the sparse basis, ideal "
    "entropy\n  coder; knows basis and density, and has no fixed rate.",
    "rate_distortion_lower": "rate distortion: no codec is below lower; upper is reached "
    "by long blocks.",
}
"""What the columns of the table mean; told of those that are there."""


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
        str,
        typer.Option(
            "--activation",
            help="sign, lloyd-max:2 (two bits), ternary, tanh:2, identity, ...",
        ),
    ] = "sign",
    density: Annotated[
        float | None,
        typer.Option("--density", help="White sparse data, this share not zero."),
    ] = None,
    seed: Seed = 0,
    json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Least NMSE of a two-layer autoencoder on Gaussian data, beside the classics.

    White data unless --data or --spectrum gives a covariance; with --density sparse ones,
    and what is gained by decoders and codecs that know it. NMSE 1 is what the mean alone
    reaches. The reference is no bound for data that are not Gaussian.
    """
    from isthmus.core.errors import ValueOutOfRange

    if data is not None and spectrum is not None:
        raise ValueOutOfRange("`--data` and `--spectrum` exclude each other; give one.")
    if target_nmse is not None and not 0.0 < target_nmse < 1.0:
        raise ValueOutOfRange(
            f"`--target-nmse` must lie in (0, 1); got {target_nmse}. 1 is what the mean "
            "alone reaches."
        )
    if density is not None:
        others = {
            "--data": data,
            "--spectrum": spectrum,
            "--bits": bits,
            "--target-nmse": target_nmse,
        }
        _refuse_beside_density(others, activation)
    with told_warnings(quiet):
        if density is not None:
            table = _sparse(density, rate)
        elif data is None and spectrum is None:
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

    from isthmus.core.activations import resolve_activation
    from isthmus.core.lloyd_max import MAX_BITS
    from isthmus.limits import (
        isotropic_limit,
        isotropic_rate_for,
        isotropic_status,
        isotropic_transform_coding,
        random_encoder_limit,
        rate_distortion,
    )

    act = resolve_activation(activation)
    if target is not None:
        rates = [isotropic_rate_for(target, activation=act)]
    else:
        rates = numbers("--rate", rate or "0.25,0.5,1,2")
    table: dict[str, list[Any]] = {"rate": rates}
    if act.quantised and act.bits != 1:
        table["bits_per_column"] = [r * act.bits for r in rates]
    table |= {
        "nmse": [isotropic_limit(r, activation=act) for r in rates],
        "status": [isotropic_status(r) for r in rates],
        "random_encoder": [random_encoder_limit(r, activation=act) for r in rates],
    }
    if act.quantised:
        bits = [r * act.bits for r in rates]
        table["transform_coding"] = [
            isotropic_transform_coding(b) if b <= MAX_BITS else None for b in bits
        ]
        table["rate_distortion"] = [rate_distortion(np.ones(1), b) for b in bits]
    return table


def _refuse_beside_density(others: Mapping[str, object], activation: str) -> None:
    from isthmus.core.errors import ValueOutOfRange

    given = [name for name, value in others.items() if value is not None]
    if given:
        raise ValueOutOfRange(
            f"`--density` describes white sparse data and excludes {given[0]}. Give it "
            "with --rate alone."
        )
    if activation != "sign":
        raise ValueOutOfRange(
            f"`--density` is for sign codes; got --activation {activation}. Leave one of "
            "the two out."
        )


def _sparse(density: float, rate: str | None) -> dict[str, list[Any]]:
    from isthmus.limits import (
        denoised_limit,
        distortion_bracket,
        ecsq,
        isotropic_limit,
        state_evolution,
    )
    from isthmus.priors import GaussBernoulli

    prior = GaussBernoulli(density)
    rates = numbers("--rate", rate or "0.25,0.5,1,2")
    brackets = {r: distortion_bracket(prior, r) for r in rates}
    columns: dict[str, Callable[[float], float]] = {
        "linear": lambda r: float(isotropic_limit(r)),
        "denoised": lambda r: denoised_limit(prior, r),
        "message_passing": lambda r: float(state_evolution(prior, r, n_iter=500).mse[-1]),
        "ecsq": lambda r: ecsq(prior, r).nmse,
        "rate_distortion_lower": lambda r: brackets[r].lower,
        "rate_distortion_upper": lambda r: brackets[r].upper,
    }
    table: dict[str, list[Any]] = {"rate": rates}
    return table | {name: [value(r) for r in rates] for name, value in columns.items()}


def _spectral(
    eigenvalues: Any,
    rate: str | None,
    bits: int | None,
    target: float | None,
    activation: str,
) -> dict[str, list[Any]]:
    import numpy as np

    from isthmus.core.activations import resolve_activation
    from isthmus.core.lloyd_max import MAX_BITS
    from isthmus.core.protocol import total_bits
    from isthmus.limits import (
        code_length_for,
        covariance_limit,
        rate_distortion,
        transform_coding,
    )

    d = eigenvalues.size
    act = resolve_activation(activation)
    if target is not None:
        lengths = [code_length_for(eigenvalues, target, activation=act)]
    elif bits is not None:
        lengths = [_symbols(bits, act)]
    else:
        rates = numbers("--rate", rate or "0.25,0.5,1,2")
        lengths = [max(1, round(r * d)) for r in rates]
    limit = covariance_limit(eigenvalues, lengths, activation=act)
    table: dict[str, list[Any]] = {"rate": [n / d for n in lengths], "n_code": lengths}
    if act.quantised and act.bits != 1:
        table["bits"] = [total_bits(n, bits_per_symbol=act.bits) for n in lengths]
    table |= {
        "nmse": np.asarray(limit.nmse).tolist(),
        "status": list(limit.status),
        "n_active": np.asarray(limit.n_active).tolist(),
        "tightness": np.asarray(limit.tightness).tolist(),
    }
    if act.quantised:
        budget = [total_bits(n, bits_per_symbol=act.bits) for n in lengths]
        most = MAX_BITS * int(np.count_nonzero(eigenvalues))
        table["transform_coding"] = [
            float(transform_coding(eigenvalues, b).nmse) if b <= most else None
            for b in budget
        ]
        table["rate_distortion"] = [float(rate_distortion(eigenvalues, b)) for b in budget]
    return table


def _symbols(bits: int, activation: Any) -> int:
    """Code symbols that a number of bits per vector buys."""
    from isthmus.core.errors import ValueOutOfRange

    if bits < 1:
        raise ValueOutOfRange(f"`--bits` must be at least 1; got {bits}.")
    if not activation.quantised:
        raise ValueOutOfRange(
            f"`--bits` needs an activation that is quantised; {activation.name} is not, "
            "so that its code has no bits. Give --rate, or --activation sign."
        )
    symbols = int(bits / activation.bits + 1e-9)
    if symbols < 1:
        raise ValueOutOfRange(
            f"`--bits` must buy a symbol of {activation.bits:.3g} bits; got {bits}."
        )
    return symbols


def _eigenvalues(data: str | None, spectrum: str | None) -> Any:
    from isthmus.data import Principal, load, read_spectrum

    if spectrum is not None:
        return read_spectrum(spectrum)
    from isthmus.data import without_constant_columns

    values = without_constant_columns(load(data)).values
    return Principal.from_rows(values).all_eigenvalues


def _cell(value: Any) -> str:
    if value is None:
        return "-"
    return f"{value:.4g}" if isinstance(value, float) else str(value)


def _print(table: dict[str, list[Any]]) -> None:
    columns = []
    for name, values in table.items():
        cells = [_cell(v) for v in values]
        *above, below = [name] if name in ("n_code", "n_active") else name.split("_")
        head = [" ".join(above), below]
        width = max(map(len, [*head, *cells]))
        columns.append([cell.rjust(width) for cell in [*head, *cells]])
    rows = list(zip(*columns, strict=True))
    for row in rows if any(cell.strip() for cell in rows[0]) else rows[1:]:
        typer.echo("  ".join(row))
    typer.echo("")
    for needed, words in _LEGEND.items():
        if needed in table:
            typer.echo(words)
