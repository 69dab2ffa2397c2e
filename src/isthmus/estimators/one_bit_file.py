"""Decoders of sign codes as a header of plain values and arrays, and back."""

from __future__ import annotations

from typing import Any

import numpy as np

from isthmus.core.errors import DataError, ValueOutOfRange
from isthmus.estimators.one_bit import OneBitDecoder
from isthmus.estimators.one_bit_cores import CORES
from isthmus.estimators.one_bit_pairs import Unit
from isthmus.estimators.plain_values import plain_value

_SCALARS = (
    "method_used_",
    "trials_",
    "reason_",
    "ridge_",
    "predicted_nmse_",
    "encoder_agreement_",
    "n_features_in_",
)
_CORE = "core_"
_ENCODER = "parameter_encoder_weight"
_CENTER = "parameter_center"


def parts(model: OneBitDecoder) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
    """What a file must hold of a fitted decoder.

    Raises:
        ValueOutOfRange: If what it decodes with is the baseline, which is code.
    """
    core, unit = model._core, model._unit
    if core is None:
        raise ValueOutOfRange(
            "`save(model=...)` must hold a decoder of its own; this one chose the "
            "baseline, a function, and files hold no code. Keep that function, or fit "
            "without baseline=..."
        )
    plain, arrays = core.parts()
    held = {f"{_CORE}{name}": np.ascontiguousarray(part) for name, part in arrays.items()}
    held |= {"mean_": model.mean_, "center_": unit.center, "live": unit.live}
    parameters = model.get_params()
    for name, key in (("encoder_weight", _ENCODER), ("center", _CENTER)):
        given = parameters[name]
        if given is not None and np.ndim(given):
            parameters[name] = None
            held[key] = np.ascontiguousarray(given, dtype=np.float64)
    parameters["baseline"] = None
    if not isinstance(parameters["random_state"], (int, np.integer)):
        parameters["random_state"] = None  # a generator has moved on: it says nothing
    fitted = {name: getattr(model, name) for name in _SCALARS}
    header: dict[str, Any] = {
        "parameters": {name: plain_value(value) for name, value in parameters.items()},
        "fitted": {name: _finite(value) for name, value in fitted.items()},
        "unit": [float(unit.scale), int(unit.n_code), bool(unit.has_norms)],
        "core": plain,
    }
    if plain.get("curves"):  # which older versions would pass over
        header["version"] = 3
    return header, held


def restored(header: dict[str, Any], arrays: dict[str, np.ndarray]) -> OneBitDecoder:
    """The decoder that :func:`parts` described.

    Raises:
        DataError: If it is of a kind this version does not know, or sizes do not fit.
    """
    parameters = header["parameters"]
    if parameters.get("ridge") == "inf":
        parameters["ridge"] = float("inf")
    for name, key in (("encoder_weight", _ENCODER), ("center", _CENTER)):
        parameters[name] = arrays.get(key, parameters[name])
    model = OneBitDecoder(**parameters)
    for name in _SCALARS:
        setattr(model, name, _number(header["fitted"][name]))
    scale, n_code, has_norms = header["unit"]
    live, center = arrays["live"], arrays["center_"]
    if model.method_used_ not in CORES or not (live.size and 0 <= live[-1] < n_code):
        raise DataError(
            f"A stored decoder of kind {model.method_used_!r} with {live.size} of {n_code} "
            "code columns is none that this isthmus knows. Update isthmus."
        )
    held = {
        name.removeprefix(_CORE): part
        for name, part in arrays.items()
        if name.startswith(_CORE)
    }
    model._core = CORES[model.method_used_].restored(header["core"], held)
    model._unit = Unit(center, float(scale), live, int(n_code), bool(has_norms))
    model.mean_, model.center_ = arrays["mean_"], center
    tried = np.ones((1, live.size), dtype=np.float32)
    found = model._core.decode(tried, np.ones(1, np.float32) if has_norms else None)
    if found.shape != (1, center.size) or model.mean_.shape != center.shape:
        raise DataError("The arrays of this decoder do not have the sizes its header says.")
    return model


def _finite(value: Any) -> Any:
    return "nan" if isinstance(value, float) and np.isnan(value) else plain_value(value)


def _number(value: Any) -> Any:
    return float(value) if value in ("inf", "nan") else value
