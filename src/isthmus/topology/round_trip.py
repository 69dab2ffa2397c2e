"""Anything that encodes and decodes rows, as plain functions of arrays."""

from __future__ import annotations

import dataclasses
import sys
from collections.abc import Callable
from typing import Any

import numpy as np
from jaxtyping import Float

from isthmus.core.errors import ValueOutOfRange

Function = Callable[[np.ndarray], np.ndarray]

_CHUNK = 16_384
_LIPSCHITZ_ONE = {
    "ReLU",
    "LeakyReLU",
    "Tanh",
    "Sigmoid",
    "Hardtanh",
    "Softplus",
    "Softsign",
    "Identity",
    "Flatten",
    "Unflatten",
    "Dropout",
}


@dataclasses.dataclass(frozen=True)
class RoundTrip:
    """An autoencoder as functions from rows to rows.

    Attributes:
        reconstruct: Rows "sample input" to rows "sample input".
        encode: Rows to codes "sample code"; None if only the whole is known.
        lipschitz_bound: Proven Lipschitz constant of the whole; None if none is known.
        decoder_lipschitz: The same of the decoder.
    """

    reconstruct: Function
    encode: Function | None = None
    lipschitz_bound: float | None = None
    decoder_lipschitz: float | None = None

    def errors(self, rows: Float[np.ndarray, "row input"]) -> Float[np.ndarray, " row"]:
        """Distance of each row from its reconstruction, input units."""
        found = np.empty(rows.shape[0])
        for start in range(0, rows.shape[0], _CHUNK):
            block = rows[start : start + _CHUNK]
            found[start : start + _CHUNK] = np.linalg.norm(
                self.reconstruct(block) - block, axis=1
            )
        return found


def round_trip(
    autoencode: Any, *, encode: Any = None, n_input: int, name: str = "fold_report"
) -> RoundTrip:
    """Take a callable, a torch module or an estimator for what it does to rows.

    Args:
        autoencode: Callable on arrays, torch module on tensors, estimator with
            `transform` and `inverse_transform`, or a pair (encoder, decoder) of callables
            or modules.
        encode: The encoder, where `autoencode` is the whole; None if it is not known.
        n_input: Columns that rows have and reconstructions must have.
        name: Call to name in errors.

    Raises:
        ValueOutOfRange: If it is none of these, or the shape or the values of what it
            returns are wrong.
    """
    if isinstance(autoencode, tuple) and len(autoencode) == 2:
        first, second = (_function(part, name) for part in autoencode)
        bounds = [_lipschitz(part) for part in autoencode]
        whole = None if None in bounds else float(np.prod(np.array(bounds, dtype=float)))
        found = RoundTrip(lambda x: second(first(x)), first, whole, bounds[1])
    elif hasattr(autoencode, "inverse_transform") and hasattr(autoencode, "transform"):
        found = RoundTrip(
            lambda x: np.asarray(autoencode.inverse_transform(autoencode.transform(x))),
            lambda x: np.asarray(autoencode.transform(x), dtype=np.float64),
        )
    else:
        found = RoundTrip(
            _function(autoencode, name),
            None if encode is None else _function(encode, name),
            _lipschitz(autoencode),
        )
    return dataclasses.replace(
        found, reconstruct=_checked(found.reconstruct, n_input, name)
    )


def _checked(function: Function, n_input: int, name: str) -> Function:
    def checked(x: np.ndarray) -> np.ndarray:
        back = np.asarray(function(x), dtype=np.float64)
        if back.shape != (x.shape[0], n_input):
            raise ValueOutOfRange(
                f"`{name}(autoencode)` must return rows of the shape it is given, "
                f"({x.shape[0]}, {n_input}); got {back.shape}. Flatten its output, or pass "
                "a function that does."
            )
        if not np.isfinite(back).all():
            raise ValueOutOfRange(
                f"`{name}(autoencode)` must return finite numbers; got NaN or infinity. "
                "Did its training diverge?"
            )
        return back

    return checked


def _function(part: Any, name: str) -> Function:
    """A function of arrays from a callable or a torch module."""
    torch = sys.modules.get("torch")
    if torch is not None and isinstance(part, torch.nn.Module):
        return _of_module(part, torch)
    if not callable(part):
        raise ValueOutOfRange(
            f"`{name}(autoencode)` must be a callable, a torch module, an estimator with "
            "`transform` and `inverse_transform`, or a pair (encoder, decoder); got "
            f"{type(part).__name__}."
        )
    return lambda x: np.asarray(part(x), dtype=np.float64)


def _of_module(module: Any, torch: Any) -> Function:
    first = next(module.parameters(), None)
    kind = torch.get_default_dtype() if first is None else first.dtype
    place = torch.device("cpu") if first is None else first.device

    def run(x: np.ndarray) -> np.ndarray:
        was = module.training
        module.eval()
        try:
            with torch.no_grad():
                given = torch.as_tensor(np.ascontiguousarray(x)).to(place, kind)
                return np.asarray(module(given).to("cpu", torch.float64).numpy())
        finally:
            module.train(was)

    return run


def _lipschitz(part: Any) -> float | None:
    """Product of spectral norms of a torch Sequential of known layers; else None."""
    torch = sys.modules.get("torch")
    if torch is None or not isinstance(part, torch.nn.Module):
        return None
    kind = type(part).__name__
    if kind == "Sequential":
        parts = [_lipschitz(layer) for layer in part]
        return None if None in parts else float(np.prod(np.array(parts, dtype=float)))
    if kind == "Linear":
        weight = part.weight.detach().cpu().numpy().astype(np.float64)
        return float(np.linalg.norm(weight, 2))
    steepest = max(1.0, abs(float(getattr(part, "negative_slope", 0.0))))
    return steepest if kind in _LIPSCHITZ_ONE else None
