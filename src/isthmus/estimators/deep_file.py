"""Deep autoencoders as a header of plain values and arrays, and back."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING, Any

import numpy as np

from isthmus.core.errors import DataError, DataWarning, ValueOutOfRange
from isthmus.core.lazy import lazy_attributes
from isthmus.core.random import as_rng
from isthmus.estimators.plain_values import feature_names, plain_value, set_feature_names

if TYPE_CHECKING:
    from isthmus.estimators.deep import DeepAutoencoder

_ARRAYS = ("mean_", "history_", "validation_history_")
_SCALARS = (
    "n_code_",
    "n_features_in_",
    "scale_",
    "n_epochs_",
    "best_epoch_",
    "stopped_",
    "_n_features_out",
)
_SEQUENCES = ("hidden_layer_sizes", "image_shape", "channels")
_WEIGHTS = "network."
_PENALTY = "penalty."
_NO_PENALTY = (
    "The penalty of this model is an object and is not written to the file, generators "
    "neither; the network that it trained is. A penalty given by name is kept."
)
_need_torch = lazy_attributes(
    "isthmus.estimators", {"DeepAutoencoder": "isthmus.estimators.deep"}, needs="torch"
)


def parts(model: DeepAutoencoder) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
    """What a file must hold of a fitted model, without the optimiser's moments."""
    from isthmus.models.state import arrays_of

    arrays = {name: getattr(model, name) for name in _ARRAYS}
    arrays |= {
        f"{_WEIGHTS}{name}": part for name, part in arrays_of(model.network_).items()
    }
    parameters = {name: plain_value(value) for name, value in model.get_params().items()}
    parameters["device"] = str(model.device)
    if model.penalty is None or isinstance(model.penalty, str):
        if model.penalty_ is not None:
            learnt = arrays_of(model.penalty_)
            arrays |= {f"{_PENALTY}{name}": part for name, part in learnt.items()}
    else:
        parameters["penalty"] = None
        warnings.warn(_NO_PENALTY, DataWarning, stacklevel=4)
    if not isinstance(parameters["random_state"], int):
        parameters["random_state"] = None  # a generator has moved on: it says nothing
    header = {
        "parameters": parameters,
        "fitted": {name: plain_value(getattr(model, name)) for name in _SCALARS},
        "feature_names": feature_names(model),
    }
    return header, arrays


def restored(header: dict[str, Any], arrays: dict[str, np.ndarray]) -> DeepAutoencoder:
    """The model that :func:`parts` described, on a device that is here.

    Raises:
        DataError: If its weights do not have the sizes its header says.
        MissingDependency: If torch is not installed.
    """
    parameters = dict(header["parameters"])
    for name in _SEQUENCES:
        if isinstance(parameters[name], list):
            parameters[name] = tuple(parameters[name])
    model: DeepAutoencoder = _need_torch("DeepAutoencoder")(**parameters)
    for name in _SCALARS:
        setattr(model, name, header["fitted"][name])
    for name in _ARRAYS:
        setattr(model, name, arrays[name])
    sizes = model.mean_.shape == (model.n_features_in_,)
    if not (
        sizes
        and _give_network(model, _below(_WEIGHTS, arrays))
        and _give_penalty(model, _below(_PENALTY, arrays))
    ):
        raise DataError("The weights of this model do not have the sizes its header says.")
    set_feature_names(model, header["feature_names"])
    return model


def _give_network(model: DeepAutoencoder, weights: dict[str, np.ndarray]) -> bool:
    """Make the network that the parameters ask for; whether the weights fit it."""
    from isthmus.estimators.deep_parameters import CALL, make_network
    from isthmus.models.state import load_arrays
    from isthmus.training.devices import resolve_device

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DataWarning)  # said when it was fitted
        network = make_network(model, model.n_features_in_, as_rng(0))
    if not load_arrays(network, weights):
        return False
    try:
        place = resolve_device(CALL, model.device)
    except ValueOutOfRange:  # it was fitted where there was another one
        place = resolve_device(CALL, "cpu")
    model.network_, model._passes = network.to(place).eval(), None
    return True


def _give_penalty(model: DeepAutoencoder, learnt: dict[str, np.ndarray]) -> bool:
    """Make the penalty that the parameters name; whether what it learnt fits it."""
    from isthmus.estimators.deep_penalty import make_penalty
    from isthmus.models.state import load_arrays

    model.penalty_ = make_penalty(model, model.n_features_in_, as_rng(0))
    if model.penalty_ is None:
        return not learnt
    model.penalty_.to(next(model.network_.parameters()).device)
    return load_arrays(model.penalty_, learnt)


def _below(prefix: str, arrays: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    return {
        name.removeprefix(prefix): array
        for name, array in arrays.items()
        if name.startswith(prefix)
    }
