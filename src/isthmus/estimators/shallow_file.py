"""Shallow autoencoders as a header of plain values and arrays, and back."""

from __future__ import annotations

from typing import Any

import numpy as np

from isthmus.core.errors import DataError, ValueOutOfRange
from isthmus.decoders.column_curves import ColumnCurves
from isthmus.decoders.norms import NormScale
from isthmus.estimators.parameters import BIT_ENCODERS
from isthmus.estimators.plain_values import feature_names, plain_value, set_feature_names
from isthmus.estimators.posterior_state import restored_posterior, state_of
from isthmus.estimators.shallow import ShallowAutoencoder
from isthmus.training.bit_search import EXTRA_FLIPS, BitSearch

_ARRAYS = ("mean_", "encoder_weight_", "decoder_weight_", "history_", "history_steps_")
_SCALARS = (
    "n_code_",
    "n_features_in_",
    "decoder_used_",
    "ridge_",
    "shrinkage_",
    "predicted_nmse_",
    "reference_nmse_",
    "bits_per_vector_",
    "n_iter_",
    "_n_features_out",
)


def parts(model: ShallowAutoencoder) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
    """What a file must hold of a fitted model.

    Raises:
        ValueOutOfRange: If its activation has no name.
    """
    arrays = {name: getattr(model, name) for name in _ARRAYS}
    scale = model.norm_scale_
    if scale is not None and scale.coordinates is not None:
        arrays["norm_coordinates"] = scale.coordinates
    posterior, extra = state_of(model.posterior_)
    if model.curves_ is not None:
        arrays |= model.curves_.arrays()
    if model.encoder_steps_ is not None:
        arrays["encoder_steps_"] = model.encoder_steps_
    header = {
        "parameters": _plain_parameters(model),
        "fitted": {name: plain_value(getattr(model, name)) for name in _SCALARS},
        "norm_mean": None if scale is None else scale.mean,
        "feature_names": feature_names(model),
        "posterior": posterior,
    }
    if model.encoder in BIT_ENCODERS:
        names = ("encoder_used_", "encoder_reason_", "trials_")
        header["chosen"] = {name: getattr(model, name) for name in names}
        header["version"] = 2
    if model.curves_ is not None:  # which older versions would pass over
        header["version"] = 3
    return header, arrays | extra


def restored(header: dict[str, Any], arrays: dict[str, np.ndarray]) -> ShallowAutoencoder:
    """The model that :func:`parts` described.

    Raises:
        DataError: If its arrays do not have the sizes its header says.
    """
    parameters = header["parameters"]
    if parameters.get("ridge") == "inf":
        parameters["ridge"] = float("inf")
    model = ShallowAutoencoder(**parameters)
    for name in _SCALARS:
        value = header["fitted"][name]
        setattr(model, name, float("inf") if value == "inf" else value)
    for name in _ARRAYS:
        setattr(model, name, arrays[name])
    chosen = header.get("chosen", {})
    model.encoder_used_ = chosen.get("encoder_used_", model.encoder)
    model.encoder_reason_ = chosen.get("encoder_reason_", "")
    model.trials_ = chosen.get("trials_", {})
    model.encoder_steps_ = arrays.get("encoder_steps_")
    shape = (model.n_features_in_, model.n_code_)
    if model.decoder_weight_.shape != shape or model.encoder_weight_.shape != shape[::-1]:
        raise DataError("The weights of this model do not have the sizes its header says.")
    steps = model.encoder_steps_
    if (steps is None) != (model.encoder_used_ not in BIT_ENCODERS) or (
        steps is not None and steps.shape != (model.n_code_,)
    ):
        raise DataError("The steps of this model do not have the sizes its header says.")
    mean = header["norm_mean"]
    coordinates = arrays.get("norm_coordinates")
    model.norm_scale_ = None if mean is None else NormScale(mean, coordinates)
    searched = model.encoder_used_ == "search"
    model._search = BitSearch(model.decoder_weight_) if searched else None
    stored = header.get("version", 1) >= 3
    model.curves_ = ColumnCurves.restored(arrays, model.n_features_in_, stored=stored)
    model.posterior_ = restored_posterior(header.get("posterior"), arrays)
    set_feature_names(model, header["feature_names"])
    return model


def _plain_parameters(model: ShallowAutoencoder) -> dict[str, Any]:
    parameters = dict(model.get_params())
    if not isinstance(parameters["activation"], str):
        raise ValueOutOfRange(
            "`save(model=...)` must have an activation with a name: functions are code, "
            "and models hold none. Use a name such as tanh:2."
        )
    seed = parameters["random_state"]
    if not isinstance(seed, (int, np.integer)):
        parameters["random_state"] = None  # a generator has moved on: it says nothing
    if not isinstance(parameters["prior"], str):
        parameters["prior"] = "auto"  # what was fitted is stored beside
    if parameters["search_flips"] == EXTRA_FLIPS:
        del parameters["search_flips"]  # which older versions do not know
    return {name: plain_value(value) for name, value in parameters.items()}
