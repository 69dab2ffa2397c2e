"""``isthmus fit``."""

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
    numbers,
    print_json,
    told_warnings,
)


def fit(
    data: Annotated[str, typer.Argument(help="A file or a built-in name, as in report.")],
    output: Annotated[
        Path, typer.Option("-o", "--output", help="Model to write, .safetensors.")
    ],
    rate: Annotated[
        float | None,
        typer.Option("--rate", help="Code symbols per changing column; default 1."),
    ] = None,
    n_code: Annotated[
        int | None, typer.Option("--n-code", help="Code symbols per vector instead.")
    ] = None,
    encoder: Annotated[
        str,
        typer.Option("--encoder", help="design, descent, itq, straight-through, random."),
    ] = "design",
    decoder: Annotated[
        str, typer.Option("--decoder", help="linear, denoised, message-passing, learned.")
    ] = "linear",
    activation: Annotated[
        str, typer.Option("--activation", help="sign, lloyd-max:2, tanh, identity, ...")
    ] = "sign",
    frame: Annotated[str, typer.Option("--frame", help="dct, hadamard or haar.")] = "dct",
    norm: Annotated[
        str,
        typer.Option(
            "--norm",
            help="none; float16: send row lengths; auto: unless decoded linearly.",
        ),
    ] = "auto",
    whiten: Annotated[
        bool,
        typer.Option("--whiten", help="All directions alike, whatever their variance."),
    ] = False,
    n_steps: Annotated[
        int | None, typer.Option("--steps", help="Most steps of training.")
    ] = None,
    test: Annotated[
        str | None, typer.Option("--test", help="Held-out rows instead of a draw.")
    ] = None,
    split: Annotated[
        str, typer.Option("--split", help="random, or last for time series.")
    ] = "random",
    columns: Columns = None,
    drop: Drop = None,
    drop_missing: DropMissing = False,
    force: Annotated[bool, typer.Option("--force", help="Replace a file there.")] = False,
    kind: Annotated[str, typer.Option("--kind", help="shallow.")] = "shallow",
    seed: Seed = 0,
    json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Train an autoencoder, save it, and measure it on held-out rows."""
    from isthmus.core.errors import OutputError, ValueOutOfRange
    from isthmus.core.progress import progress_bar
    from isthmus.core.protocol import measure
    from isthmus.estimators import ShallowAutoencoder, save
    from isthmus.report.read import read_rows
    from isthmus.report.rows import Reading

    if kind != "shallow":
        raise ValueOutOfRange(f"`--kind` must be shallow; got {kind!r}.")
    if output.exists() and not force:
        raise OutputError(f"`{output}` exists already. Use --force to replace it.")
    if output.suffix != ".safetensors":
        raise ValueOutOfRange(f"`--output` must end in .safetensors; got {output.name!r}.")
    with told_warnings(quiet):
        with progress_bar(enabled=not quiet) as tell:
            rows = read_rows(
                data,
                X_test=test,
                split=split,
                seed=seed,
                reading=Reading(
                    names("--columns", columns), names("--drop", drop) or (), drop_missing
                ),
                constant=True,
                progress=tell,
            )
            principal = rows.principal()
        if n_code is None:  # as in report: columns that never change take no bits
            share = 1.0 if rate is None else float(numbers("--rate", str(rate))[0])
            n_code = max(1, round(share * principal.n_changing))
        elif rate is not None:
            raise ValueOutOfRange("`--rate` and `--n-code` exclude each other; give one.")
        model = ShallowAutoencoder(
            n_code,
            activation=activation,
            encoder=encoder,  # type: ignore[arg-type]
            decoder=decoder,  # type: ignore[arg-type]
            frame=frame,  # type: ignore[arg-type]
            norm=norm,  # type: ignore[arg-type]
            whiten=whiten,
            n_steps=n_steps,
            verbose=not quiet,
            random_state=seed,
        ).fit_principal(principal, rows.train)
        model.verbose = False
        save(model, output)
    held = rows.test
    measured = measure(held, model.inverse_transform(model.transform(held)), model.mean_)
    facts: dict[str, Any] = {
        "model": str(output),
        "n_input": int(model.n_features_in_),
        "n_code": model.n_code_,
        "bits_per_vector": model.bits_per_vector_,
        "encoder": encoder,
        "decoder": model.decoder_used_,
        "n_steps": model.n_iter_,
        "nmse": measured.value,
        "standard_error": measured.standard_error,
        "n_rows": measured.n_rows,
        "n_train": rows.n_train,
        "n_fit": int(rows.train.shape[0]),
        "reference": model.reference_nmse_,
        "predicted": model.predicted_nmse_,
    }
    if json:
        print_json(facts)
        return
    _tell(facts, decoder, norm)


def _tell(facts: dict[str, Any], decoder: str, norm: str) -> None:
    bits = facts["bits_per_vector"]
    per_vector = "" if bits is None else f", {bits} bits per vector"
    linear = decoder == "linear"
    less = ", both without the length sent" if linear and norm == "float16" else ""
    of = "Gaussian data" if linear else "independent coefficients"
    typer.echo(
        f"{facts['model']}: {facts['n_input']} columns -> {facts['n_code']} "
        f"symbols{per_vector}\n"
        f"NMSE {facts['nmse']:.4g} ± {facts['standard_error']:.1g} on {facts['n_rows']} "
        f"held-out rows; Gaussian reference {facts['reference']:.4g}, predicted for "
        f"{of} {facts['predicted']:.4g}{less}"
    )
