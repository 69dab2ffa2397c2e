"""``isthmus fit``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from isthmus.cli.fit_deep import DEEP, about_deep, tell_deep, trained
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
    from isthmus.data import Principal
    from isthmus.report.rows import Rows

_SHALLOW = (
    "rate",
    "encoder",
    "decoder",
    "frame",
    "norm",
    "whiten",
    "n_steps",
    "search_flips",
)


def fit(
    context: typer.Context,
    data: Annotated[str, typer.Argument(help="A file or a built-in name, as in report.")],
    output: Annotated[
        Path, typer.Option("-o", "--output", help="Model to write, .safetensors.")
    ],
    kind: Annotated[
        str, typer.Option("--kind", help="shallow: one layer each way; deep: many.")
    ] = "shallow",
    n_code: Annotated[
        int | None,
        typer.Option("--n-code", help="Code symbols per vector; deep: default 10."),
    ] = None,
    rate: Annotated[
        float | None,
        typer.Option(
            "--rate", help="Shallow: code symbols per changing column instead; default 1."
        ),
    ] = None,
    activation: Annotated[
        str | None,
        typer.Option(
            "--activation",
            help="Shallow: sign (default), lloyd-max:2, tanh, identity, ... Deep: relu "
            "(default), leaky-relu, tanh, gelu, ...",
        ),
    ] = None,
    encoder: Annotated[
        str,
        typer.Option(
            "--encoder",
            help="Shallow: design, descent, itq, straight-through, random, quantised, "
            "search; auto: design, quantised or search.",
        ),
    ] = "design",
    decoder: Annotated[
        str,
        typer.Option(
            "--decoder",
            help="Shallow: linear, columns, denoised, message-passing, learned.",
        ),
    ] = "linear",
    frame: Annotated[
        str, typer.Option("--frame", help="Shallow: dct, hadamard or haar.")
    ] = "dct",
    norm: Annotated[
        str,
        typer.Option(
            "--norm",
            help="Shallow: none; float16: send row lengths; auto: unless decoded linearly.",
        ),
    ] = "auto",
    whiten: Annotated[
        bool,
        typer.Option(
            "--whiten", help="Shallow: all directions alike, whatever their variance."
        ),
    ] = False,
    n_steps: Annotated[
        int | None, typer.Option("--steps", help="Shallow: most steps of training.")
    ] = None,
    search_flips: Annotated[
        int | None,
        typer.Option(
            "--search-flips",
            help="Shallow: flips of a search beyond its first local minimum; default 64.",
        ),
    ] = None,
    hidden: Annotated[
        str,
        typer.Option(
            "--hidden", help="Deep: widths of the encoder, which the decoder mirrors."
        ),
    ] = "128,64",
    architecture: Annotated[
        str,
        typer.Option("--architecture", help="Deep: dense, or convolutional for images."),
    ] = "dense",
    tied: Annotated[
        bool, typer.Option("--tied", help="Deep: the decoder has the encoder's weights.")
    ] = False,
    n_epochs: Annotated[
        int, typer.Option("--epochs", help="Deep: most passes over the rows.")
    ] = 100,
    batch_size: Annotated[
        int, typer.Option("--batch-size", help="Deep: rows a step.")
    ] = 128,
    learning_rate: Annotated[
        float, typer.Option("--learning-rate", help="Deep: at the start.")
    ] = 3e-3,
    weight_decay: Annotated[
        float, typer.Option("--weight-decay", help="Deep: pull of weights to zero.")
    ] = 0.0,
    penalty: Annotated[
        str | None,
        typer.Option(
            "--penalty",
            help="Deep: contractive, higher-order-contractive, denoising, weight-decay, "
            "lie-1, lie-2, cycle-consistency or orbit-augmentation.",
        ),
    ] = None,
    penalty_weight: Annotated[
        float | None,
        typer.Option(
            "--penalty-weight",
            help="Deep: its strength; of denoising the noise, in rms of the rows.",
        ),
    ] = None,
    patience: Annotated[
        int,
        typer.Option("--patience", help="Deep: epochs without gain before training ends."),
    ] = 20,
    checkpoint: Annotated[
        Path | None,
        typer.Option(
            "--checkpoint",
            help="Deep: file to write down every epoch in; taken up if it is there.",
        ),
    ] = None,
    device: Annotated[
        str, typer.Option("--device", help="Deep: cpu, cuda, mps or auto.")
    ] = "auto",
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
    seed: Seed = 0,
    json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Train an autoencoder, save it, and measure it on held-out rows."""
    from isthmus.core.progress import progress_bar
    from isthmus.core.protocol import measure
    from isthmus.estimators import save
    from isthmus.report.read import read_rows
    from isthmus.report.rows import Reading

    _check(context, kind, output, force)
    given = context.params
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
        make = _shallow if kind == "shallow" else trained
        model = make(rows, principal, given)
        model.verbose = False
        save(model, output)
    held = rows.test
    measured = measure(held, model.inverse_transform(model.transform(held)), model.mean_)
    facts = {
        "model": str(output),
        "kind": kind,
        "n_input": int(model.n_features_in_),
        "n_code": model.n_code_,
        "nmse": measured.value,
        "standard_error": measured.standard_error,
        "n_rows": measured.n_rows,
        "n_train": rows.n_train,
        "n_fit": int(rows.train.shape[0]),
    }
    about = _about_shallow if kind == "shallow" else about_deep
    facts |= about(model, given, principal, held)
    if json:
        print_json(facts)
    elif kind == "shallow":
        _tell_shallow(facts, decoder, norm)
    else:
        tell_deep(facts)


def _check(context: typer.Context, kind: str, output: Path, force: bool) -> None:
    """Refuse what cannot be written, and options of the other kind."""
    from isthmus.core.errors import OutputError, ValueOutOfRange

    others = {"shallow": DEEP, "deep": _SHALLOW}.get(kind)
    if others is None:
        raise ValueOutOfRange(f"`--kind` must be shallow or deep; got {kind!r}.")
    for name in others:
        source = context.get_parameter_source(name)
        if source is not None and source.name == "COMMANDLINE":
            option = next(p.opts[0] for p in context.command.params if p.name == name)
            raise ValueOutOfRange(
                f"`{option}` is no option of --kind {kind}. Leave it out, or take the "
                "other kind."
            )
    if output.exists() and not force:
        raise OutputError(f"`{output}` exists already. Use --force to replace it.")
    if output.suffix != ".safetensors":
        raise ValueOutOfRange(f"`--output` must end in .safetensors; got {output.name!r}.")


def _shallow(rows: Rows, principal: Principal, given: dict[str, Any]) -> Any:
    from isthmus.core.errors import ValueOutOfRange
    from isthmus.estimators import ShallowAutoencoder

    n_code, rate = given["n_code"], given["rate"]
    if n_code is None:  # as in report: columns that never change take no bits
        share = 1.0 if rate is None else float(numbers("--rate", str(rate))[0])
        n_code = max(1, round(share * principal.n_changing))
    elif rate is not None:
        raise ValueOutOfRange("`--rate` and `--n-code` exclude each other; give one.")
    same = ("encoder", "decoder", "frame", "norm", "whiten", "n_steps")
    flips = given["search_flips"]
    return ShallowAutoencoder(
        n_code,
        activation=given["activation"] or "sign",
        verbose=not given["quiet"],
        random_state=given["seed"],
        **{name: given[name] for name in same},
        **({} if flips is None else {"search_flips": flips}),
    ).fit_principal(principal, rows.train)


def _about_shallow(
    model: Any, given: dict[str, Any], principal: Principal, held: Any
) -> dict[str, Any]:
    return {
        "bits_per_vector": model.bits_per_vector_,
        "encoder": model.encoder_used_,
        "encoder_reason": model.encoder_reason_,
        "trials": model.trials_,
        "decoder": model.decoder_used_,
        "n_steps": model.n_iter_,
        "reference": model.reference_nmse_,
        "predicted": model.predicted_nmse_,
    }


def _tell_shallow(facts: dict[str, Any], decoder: str, norm: str) -> None:
    bits = facts["bits_per_vector"]
    per_vector = "" if bits is None else f", {bits} bits per vector"
    if facts["encoder_reason"]:
        typer.echo(f"encoder: {facts['encoder_reason']}")
    linear = decoder in ("linear", "columns")
    less = ", both without the length sent" if linear and norm == "float16" else ""
    of = "Gaussian data" if linear else "independent coefficients"
    typer.echo(
        f"{facts['model']}: {facts['n_input']} columns -> {facts['n_code']} "
        f"symbols{per_vector}\n"
        f"NMSE {facts['nmse']:.4g} ± {facts['standard_error']:.1g} on {facts['n_rows']} "
        f"held-out rows; Gaussian reference {facts['reference']:.4g}, predicted for "
        f"{of} {facts['predicted']:.4g}{less}"
    )
