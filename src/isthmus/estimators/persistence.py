"""Models in files: numbers as safetensors, the rest as JSON in its header. No pickle."""

from __future__ import annotations

import hashlib
import json
import os
import tempfile
from pathlib import Path
from typing import Any

import numpy as np

from isthmus.core.errors import DataError, DataNotFound, OutputError, ValueOutOfRange
from isthmus.estimators.norms import NormScale
from isthmus.estimators.posterior_state import restored_posterior, state_of
from isthmus.estimators.shallow import ShallowAutoencoder

_FORMAT, _VERSION = "isthmus-model", 1
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


def save(model: ShallowAutoencoder, path: str | os.PathLike) -> None:
    """Write a fitted model to one .safetensors file.

    The file appears whole or not at all: it is written beside its place and renamed.

    Args:
        model: Fitted, with an activation that has a name.
        path: Where to; must end in .safetensors. A file that is there is replaced.

    Raises:
        ValueOutOfRange: If the model is not fitted, or its activation has no name.
        OutputError: If the file cannot be written.

    Examples:
        >>> import tempfile
        >>> rows = np.eye(12)
        >>> model = ShallowAutoencoder(4, random_state=0).fit(rows)
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     save(model, f"{folder}/m.safetensors")
        ...     again = load(f"{folder}/m.safetensors")
        >>> bool((again.transform(rows) == model.transform(rows)).all())
        True
    """
    from safetensors.numpy import save as to_bytes

    if not isinstance(model, ShallowAutoencoder) or not hasattr(model, "decoder_weight_"):
        raise ValueOutOfRange("`save(model=...)` must be a fitted ShallowAutoencoder.")
    target = Path(path)
    if target.suffix != ".safetensors":
        raise ValueOutOfRange(
            f"`save(path=...)` must end in .safetensors; got {target.name!r}."
        )
    arrays = {name: np.ascontiguousarray(getattr(model, name)) for name in _ARRAYS}
    scale = model.norm_scale_
    if scale is not None and scale.coordinates is not None:
        arrays["norm_coordinates"] = np.ascontiguousarray(scale.coordinates)
    posterior, extra = state_of(model.posterior_)
    arrays |= extra
    header = {
        "format": _FORMAT,
        "version": _VERSION,
        "kind": "ShallowAutoencoder",
        "parameters": _plain_parameters(model),
        "fitted": {name: _plain(getattr(model, name)) for name in _SCALARS},
        "norm_mean": None if scale is None else scale.mean,
        "feature_names": _names(model),
        "posterior": posterior,
        "checksum": _checksum(arrays),
    }
    payload = to_bytes(arrays, metadata={"isthmus": json.dumps(header, allow_nan=False)})
    _write_whole(target, payload)


def load(path: str | os.PathLike) -> ShallowAutoencoder:
    """Read a model that :func:`save` wrote.

    Args:
        path: The .safetensors file.

    Returns:
        The fitted model; its codes and reconstructions are the same to the last bit.

    Raises:
        DataNotFound: If there is no such file.
        DataError: If the file is damaged, or is no model of this library or version.
    """
    from safetensors import SafetensorError, safe_open

    source = Path(path)
    if not source.is_file():
        raise DataNotFound(f"`{source}`: there is no such file.")
    try:
        with safe_open(str(source), framework="numpy") as file:
            header = json.loads((file.metadata() or {}).get("isthmus", "null"))
            arrays = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    except (SafetensorError, OSError, ValueError, TypeError) as error:
        raise DataError(f"`{source.name}` cannot be read as a model: {error}.") from error
    if not isinstance(header, dict) or header.get("format") != _FORMAT:
        raise DataError(f"`{source.name}` holds arrays, but no isthmus model.")
    if header.get("version") != _VERSION:
        raise DataError(
            f"`{source.name}` has version {header.get('version')} of the model format; "
            f"this isthmus reads {_VERSION}. Update isthmus."
        )
    if header.get("checksum") != _checksum(arrays):
        raise DataError(
            f"`{source.name}` is damaged: its numbers do not have the checksum in its "
            "header. Fit or copy the model again."
        )
    try:
        return _restored(header, arrays)
    except (KeyError, TypeError, AttributeError) as error:
        raise DataError(f"`{source.name}` lacks a part of its model: {error}.") from error


def _restored(header: dict[str, Any], arrays: dict[str, np.ndarray]) -> ShallowAutoencoder:
    parameters = header["parameters"]
    if parameters.get("ridge") == "inf":
        parameters["ridge"] = float("inf")
    model = ShallowAutoencoder(**parameters)
    for name in _SCALARS:
        value = header["fitted"][name]
        setattr(model, name, float("inf") if value == "inf" else value)
    for name in _ARRAYS:
        setattr(model, name, arrays[name])
    shape = (model.n_features_in_, model.n_code_)
    if model.decoder_weight_.shape != shape or model.encoder_weight_.shape != shape[::-1]:
        raise DataError("The weights of this model do not have the sizes its header says.")
    mean = header["norm_mean"]
    coordinates = arrays.get("norm_coordinates")
    model.norm_scale_ = None if mean is None else NormScale(mean, coordinates)
    model.posterior_ = restored_posterior(header.get("posterior"), arrays)
    if header["feature_names"] is not None:
        model.feature_names_in_ = np.array(header["feature_names"], dtype=object)
    return model


def _checksum(arrays: dict[str, np.ndarray]) -> str:
    """SHA-256 of names, types, shapes and bytes."""
    digest = hashlib.sha256()
    for name in sorted(arrays):
        array = np.ascontiguousarray(arrays[name])
        digest.update(f"{name} {array.dtype.str} {array.shape}\n".encode())
        digest.update(array.tobytes())
    return digest.hexdigest()


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
    return {name: _plain(value) for name, value in parameters.items()}


def _plain(value: Any) -> Any:
    if isinstance(value, np.generic):
        value = value.item()
    return "inf" if isinstance(value, float) and value == float("inf") else value


def _names(model: ShallowAutoencoder) -> list[str] | None:
    names = getattr(model, "feature_names_in_", None)
    return None if names is None else [str(name) for name in names]


def _write_whole(target: Path, payload: bytes) -> None:
    try:
        handle, temporary = tempfile.mkstemp(dir=target.parent or ".", prefix=".isthmus-")
    except OSError as error:
        raise OutputError(f"`{target}` cannot be written: {error.strerror}.") from error
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(payload)
        os.chmod(temporary, 0o644)
        os.replace(temporary, target)
    except BaseException as error:
        Path(temporary).unlink(missing_ok=True)
        if isinstance(error, OSError):
            raise OutputError(f"`{target}` cannot be written: {error.strerror}.") from error
        raise
