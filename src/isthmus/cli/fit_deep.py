"""What ``isthmus fit --kind deep`` trains and tells."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import typer

if TYPE_CHECKING:
    from isthmus.core.protocol import Measurement
    from isthmus.data import Principal
    from isthmus.report.rows import Rows

DEEP = (
    "hidden",
    "architecture",
    "tied",
    "n_epochs",
    "batch_size",
    "learning_rate",
    "weight_decay",
    "penalty",
    "penalty_weight",
    "patience",
    "checkpoint",
    "device",
)
"""Options of deep autoencoders alone."""
_CODE = 10


def trained(rows: Rows, principal: Principal, given: dict[str, Any]) -> Any:
    """A deep autoencoder of what was asked for, fitted to the training rows."""
    from isthmus import DeepAutoencoder

    _announce(given, rows.train.shape[1])
    return DeepAutoencoder(
        _CODE if given["n_code"] is None else given["n_code"],
        hidden_layer_sizes=_widths(given["hidden"]),
        activation=given["activation"] or "relu",
        image_shape=_image_shape(rows) if given["architecture"] != "dense" else None,
        verbose=not given["quiet"],
        random_state=given["seed"],
        **{name: given[name] for name in DEEP if name != "hidden"},
    ).fit(rows.train)


def _widths(text: str) -> tuple[int, ...]:
    from isthmus.core.errors import ValueOutOfRange

    try:
        return tuple(int(part) for part in text.split(",") if part.strip())
    except ValueError as error:
        raise ValueOutOfRange(
            f"`--hidden` must be whole numbers between commas, like 128,64; got {text!r}."
        ) from error


def _image_shape(rows: Rows) -> tuple[int, ...]:
    from isthmus.core.errors import DataError

    shape = rows.dataset.sample_shape
    if shape is None or len(shape) != 2:
        raise DataError(
            "`--architecture convolutional` needs rows that are grey images, from an array "
            f"of rows x height x width; these have shape {shape or 'of plain columns'}. "
            "Use --architecture dense."
        )
    return tuple(shape)


def _announce(given: dict[str, Any], n_input: int) -> None:
    """How much memory learnt generators will take, before they do."""
    from isthmus.training.penalties import training_memory
    from isthmus.training.penalties.named import NAMED

    known = NAMED.get(given["penalty"] or "")
    if known is None or not known.generators or given["quiet"]:
        return
    n_code = _CODE if given["n_code"] is None else given["n_code"]
    size = training_memory(n_input, n_code) / 1e6
    typer.echo(
        f"{given['penalty']}: {n_code} generators of {n_input} x {n_input}, "
        f"{size:.3g} MB while training",
        err=True,
    )


def about_deep(
    model: Any, given: dict[str, Any], principal: Principal, held: Any
) -> dict[str, Any]:
    """What a fitted one has to tell beside its error."""
    return {
        "penalty": given["penalty"],
        "train_nmse": float(model.history_[model.best_epoch_ - 1]),
        "principal_components": _principal_error(principal, model.n_code_, held).value,
        "n_epochs": model.n_epochs_,
        "best_epoch": model.best_epoch_,
        "stopped": model.stopped_,
    }


def _principal_error(principal: Principal, n_code: int, held: Any) -> Measurement:
    from isthmus.core.protocol import measure

    basis = principal.basis[:, :n_code]
    centred = held - principal.mean
    return measure(held, principal.mean + (centred @ basis) @ basis.T, principal.mean)


def tell_deep(facts: dict[str, Any]) -> None:
    """Facts in words."""
    typer.echo(
        f"{facts['model']}: {facts['n_input']} columns -> {facts['n_code']} latent "
        f"dimensions, {facts['n_epochs']} epochs ({facts['stopped']})\n"
        f"NMSE {facts['nmse']:.4g} ± {facts['standard_error']:.1g} on {facts['n_rows']} "
        f"held-out rows, {facts['train_nmse']:.4g} on training rows; as many principal "
        f"components {facts['principal_components']:.4g}"
    )
