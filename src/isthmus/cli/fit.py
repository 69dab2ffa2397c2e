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
    print_json,
    told_warnings,
)


def fit(
    data: Annotated[str, typer.Argument(help="A file or a built-in name, as in report.")],
    output: Annotated[
        Path, typer.Option("-o", "--output", help="Model to write, .safetensors.")
    ],
    rate: Annotated[
        float | None, typer.Option("--rate", help="Code symbols per column; default 1.")
    ] = None,
    n_code: Annotated[
        int | None, typer.Option("--n-code", help="Code symbols per vector instead.")
    ] = None,
    encoder: Annotated[
        str,
        typer.Option("--encoder", help="design, descent, straight-through or random."),
    ] = "design",
    activation: Annotated[
        str, typer.Option("--activation", help="sign, lloyd-max:2, tanh, identity, ...")
    ] = "sign",
    frame: Annotated[str, typer.Option("--frame", help="dct, hadamard or haar.")] = "dct",
    norm: Annotated[
        str, typer.Option("--norm", help="none, or float16: send each row's length.")
    ] = "none",
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
    from isthmus.core.protocol import measure
    from isthmus.estimators import ShallowAutoencoder, save
    from isthmus.report import held_out_rows

    if kind != "shallow":
        raise ValueOutOfRange(f"`--kind` must be shallow; got {kind!r}.")
    if output.exists() and not force:
        raise OutputError(f"`{output}` exists already. Use --force to replace it.")
    if output.suffix != ".safetensors":
        raise ValueOutOfRange(f"`--output` must end in .safetensors; got {output.name!r}.")
    with told_warnings(quiet):
        rows, held = held_out_rows(
            data,
            test=test,
            split=split,
            seed=seed,
            columns=names("--columns", columns),
            drop=names("--drop", drop) or (),
            drop_missing=drop_missing,
        )
        model = ShallowAutoencoder(
            n_code,
            rate=rate,
            activation=activation,
            encoder=encoder,  # type: ignore[arg-type]
            frame=frame,  # type: ignore[arg-type]
            norm=norm,  # type: ignore[arg-type]
            whiten=whiten,
            n_steps=n_steps,
            verbose=not quiet,
            random_state=seed,
        ).fit(rows)
        model.verbose = False
        save(model, output)
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
        "reference": model.reference_nmse_,
        "predicted": model.predicted_nmse_,
    }
    if json:
        print_json(facts)
        return
    bits = facts["bits_per_vector"]
    per_vector = "" if bits is None else f", {bits} bits per vector"
    typer.echo(
        f"{output}: {facts['n_input']} columns -> {facts['n_code']} symbols{per_vector}\n"
        f"NMSE {measured.value:.4g} ± {measured.standard_error:.1g} on {measured.n_rows} "
        f"held-out rows; Gaussian reference {model.reference_nmse_:.4g}, predicted for "
        f"Gaussian data {model.predicted_nmse_:.4g}"
    )
