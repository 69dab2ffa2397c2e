"""Fitting a shallow autoencoder: encoder, decoder, and what is known of both."""

from __future__ import annotations

import dataclasses
import warnings
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from isthmus import frames
from isthmus.core.activations import Activation, resolve_activation
from isthmus.core.errors import DataWarning
from isthmus.core.progress import progress_bar
from isthmus.core.protocol import total_bits
from isthmus.core.random import as_rng
from isthmus.data.principal import Principal
from isthmus.decoders.column_curves import LEAST_ROWS, ColumnCurves
from isthmus.decoders.norms import NormScale, norm_scale
from isthmus.estimators.choose_encoder import Choice, choose_encoder
from isthmus.estimators.coding import Coding
from isthmus.estimators.encoder_task import Encoder, Task
from isthmus.estimators.encoders import ENCODERS
from isthmus.estimators.gaussian_fit import gaussian_decoder
from isthmus.estimators.linear_fit import fit_linear_decoder
from isthmus.estimators.parameters import code_length
from isthmus.estimators.posterior_fit import (
    ENCODER_STEPS,
    PosteriorFit,
    fit_posterior_decoder,
)
from isthmus.limits.covariance import covariance_limit
from isthmus.training.bit_search import BitSearch

if TYPE_CHECKING:
    from isthmus.estimators.shallow import ShallowAutoencoder

FRAMES: dict[str, Callable[..., frames.AbstractFrame]] = {
    "dct": frames.dct,
    "hadamard": frames.hadamard,
    "haar": frames.haar,
}
NO_NORM = (
    "Signs forget how long a row is, and norm='none' does not send it: sparse rows of few "
    "columns then lose most of what a decoder with a prior gains (0.65 of the linear "
    "decoder's error instead of 0.002 at 200 columns, density 0.02 and four bits each). "
    "Take norm='float16', 16 bits per row."
)


@dataclasses.dataclass(frozen=True)
class _Made:
    """An encoder with what was fitted beside it."""

    encoder: Encoder
    norm: NormScale | None
    posterior: PosteriorFit | None


def fitted_attributes(
    model: ShallowAutoencoder, x: np.ndarray, principal: Principal
) -> dict[str, Any]:
    """Everything that ends in an underscore.

    Args:
        model: Its parameters, checked.
        x: Rows, "sample input".
        principal: Axes of these rows or of more.

    Returns:
        Names and values.
    """
    activation = resolve_activation(model.activation)
    n_code = code_length(model.n_code, model.rate, x.shape[1])
    if model.whiten:
        principal.warn_of_few_rows()
    choice = Choice(str(model.encoder), "", {})
    if model.encoder == "auto":
        choice = choose_encoder(model, x, n_code)
    made = _make(model, choice.name, x, principal, n_code)
    found = _decoder(model, made, x, principal, activation)
    curves = _curves(model, made, x, principal, activation, found["decoder_weight_"])
    if curves is not None:
        found["decoder_used_"] += ", a curve per column"
    limit = covariance_limit(principal.all_eigenvalues, n_code, activation=activation)
    norm = "none" if made.norm is None else "float16"
    bits = None
    if activation.quantised:
        bits = total_bits(n_code, norm=norm, bits_per_symbol=activation.bits)
    encoder = made.encoder
    searched = encoder.reason if encoder.searched else ""
    steps = encoder.history_steps
    return found | {
        "n_code_": n_code,
        "mean_": principal.mean,
        "shrinkage_": principal.shrinkage,
        "encoder_weight_": np.asarray(encoder.weight),
        "encoder_steps_": None if encoder.signs is None else encoder.signs.steps,
        "encoder_used_": choice.name,
        "encoder_reason_": "; ".join(filter(None, (choice.reason, searched))),
        "trials_": choice.trials,
        "reference_nmse_": float(limit.nmse),
        "norm_scale_": made.norm,
        "posterior_": made.posterior,
        "curves_": curves,
        "_search": BitSearch(found["decoder_weight_"]) if encoder.searched else None,
        "history_": encoder.history,
        "history_steps_": steps,
        "n_iter_": int(steps[-1]) if steps.size else 0,
        "bits_per_vector_": bits,
        "_n_features_out": n_code + (made.norm is not None),
    }


def _decoder(
    model: ShallowAutoencoder,
    made: _Made,
    x: np.ndarray,
    principal: Principal,
    activation: Activation,
) -> dict[str, Any]:
    """Linear decoder, its penalty and name, and the predicted NMSE."""
    encoder = made.encoder
    if encoder.searched:
        decoder, ridge, nmse = encoder.decoder_weight, encoder.ridge, encoder.nmse
    else:
        steps = None if encoder.signs is None else encoder.signs.steps
        prior, nmse = encoder.decoder_weight, encoder.nmse
        if prior is None:
            gaussian = gaussian_decoder(encoder.weight, principal, activation)
            prior, nmse = gaussian.decoder_weight, gaussian.nmse
        coding = Coding(principal.mean, activation, encoder.weight, steps, norm=made.norm)
        decoder, ridge = fit_linear_decoder(prior, coding.blocks(x), ridge=model.ridge)
    used = "population" if np.isinf(ridge) else "least-squares"
    if made.posterior is not None:
        used = f"{model.decoder}, {made.posterior.basis} basis"
        nmse = made.posterior.predicted_nmse
    return {
        "decoder_weight_": decoder,
        "ridge_": ridge,
        "decoder_used_": used,
        "predicted_nmse_": nmse,
    }


def _curves(
    model: ShallowAutoencoder,
    made: _Made,
    x: np.ndarray,
    principal: Principal,
    activation: Activation,
    decoder: np.ndarray,
) -> ColumnCurves | None:
    """Curves of what the linear decoder makes of training rows; None if there are few."""
    if model.decoder != "columns":
        return None
    if len(x) < LEAST_ROWS:
        warnings.warn(
            f"decoder='columns' has {len(x)} training rows, and needs {LEAST_ROWS} for its "
            "curves: the linear decoder is used. Give it more rows.",
            DataWarning,
            stacklevel=5,
        )
        return None
    encoder = made.encoder
    steps = None if encoder.signs is None else encoder.signs.steps
    search = BitSearch(decoder) if encoder.searched else None
    coding = Coding(
        np.zeros_like(principal.mean),
        activation,
        encoder.weight,
        steps,
        decoder,
        made.norm,
        search=search,
        extra_flips=model.search_flips if encoder.searched else 0,
    )
    centred = x - principal.mean.astype(x.dtype, copy=False)
    return ColumnCurves.fitted(coding.decode(*coding.encode(centred)), centred)


def _ridge(model: ShallowAutoencoder) -> float | None:
    """Penalty of a decoder that is learnt with its codes; None chooses it."""
    return None if isinstance(model.ridge, str) else float(model.ridge)


def _make(
    model: ShallowAutoencoder, name: str, x: np.ndarray, principal: Principal, n_code: int
) -> _Made:
    activation = resolve_activation(model.activation)
    mean = principal.mean.astype(x.dtype, copy=False)
    norm: NormScale | None = None

    def centred() -> np.ndarray:
        return x - mean if norm is None else norm.even(x - mean)[0]

    with progress_bar(enabled=model.verbose) as tell:
        task = Task(
            centred=centred,
            principal=principal,
            n_code=n_code,
            activation=activation,
            make_frame=FRAMES[model.frame],
            whiten=bool(model.whiten),
            n_steps=model.n_steps,
            rng=as_rng(model.random_state),
            progress=tell,
            ridge=_ridge(model),
            extra_flips=model.search_flips,
        )
        plain = model.decoder in ("linear", "columns")
        sent = "none" if plain else "float16"
        if (sent if model.norm == "auto" else model.norm) != "none":
            coordinates = task.coordinates if model.whiten else None
            norm = norm_scale(x, principal.mean, coordinates)
        both = name == "straight-through" and model.decoder == "learned"
        made = ENCODERS["design" if both else name](task)
        if plain:
            return _Made(made, norm, None)
        if norm is None:
            warnings.warn(NO_NORM, DataWarning, stacklevel=5)
        n_steps = (model.n_steps or ENCODER_STEPS) if both else 0
        posterior = _posterior(model, task, made, n_steps)
        return _Made(posterior.encoder() if both else made, norm, posterior)


def _posterior(
    model: ShallowAutoencoder, task: Task, made: Encoder, n_steps: int
) -> PosteriorFit:
    assert made.view is not None
    weight, function = made.weight, task.activation.function

    def encode(rows: np.ndarray) -> np.ndarray:
        return np.asarray(function(rows @ weight.astype(rows.dtype, copy=False).T))

    return fit_posterior_decoder(
        model.decoder,
        made.view(),
        task.centred(),
        encode,
        prior=None if isinstance(model.prior, str) else model.prior,
        rng=task.rng,
        encoder_steps=n_steps,
        progress=task.progress,
    )
