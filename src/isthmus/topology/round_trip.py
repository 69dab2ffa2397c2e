"""Anything that encodes and decodes rows, as plain functions of arrays."""

from __future__ import annotations

import dataclasses
import sys
from collections.abc import Callable
from typing import Any

import numpy as np
from jaxtyping import Float

from isthmus.core.door import real_array
from isthmus.core.errors import ValueOutOfRange

Function = Callable[[np.ndarray], np.ndarray]

_CHUNK = 16_384
_FLOAT32 = float(np.finfo(np.float32).eps)
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
        reconstruct: Rows "sample input" to rows "sample input". What it does to the rows
            themselves is done to a copy; so for `encode`.
        encode: Rows to codes "sample code"; None if only the whole is known.
        lipschitz_bound: Proven Lipschitz constant of the whole; None if none is known.
        decoder_lipschitz: The same of the decoder.
        rounding: Relative rounding of the arithmetic, at least that of float32.
    """

    reconstruct: Function
    encode: Function | None = None
    lipschitz_bound: float | None = None
    decoder_lipschitz: float | None = None
    rounding: float = _FLOAT32

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
            lambda x: autoencode.inverse_transform(autoencode.transform(x)),
            autoencode.transform,
        )
    else:
        found = RoundTrip(
            _function(autoencode, name),
            None if encode is None else _function(encode, name),
            _lipschitz(autoencode),
        )
    return dataclasses.replace(
        found,
        reconstruct=_checked(found.reconstruct, n_input, name),
        encode=None if found.encode is None else _coded(found.encode, name),
        rounding=max(
            _rounding(part)
            for part in (autoencode if isinstance(autoencode, tuple) else (autoencode,))
        ),
    )


def _checked(function: Function, n_input: int, name: str) -> Function:
    def checked(x: np.ndarray) -> np.ndarray:
        back = _array(function(x.copy()), name)
        if back.shape != (x.shape[0], n_input):
            raise ValueOutOfRange(
                f"`{name}(autoencode)` must return rows of the shape it is given, "
                f"({x.shape[0]}, {n_input}); got {back.shape}. Flatten its output, or pass "
                "a function that does."
            )
        _refuse_infinite(back, name)
        return back

    return checked


def _coded(function: Function, name: str) -> Function:
    def coded(x: np.ndarray) -> np.ndarray:
        codes = _array(function(x.copy()), name)
        if codes.ndim == 0 or codes.shape[0] != x.shape[0]:
            raise ValueOutOfRange(
                f"The encoder of `{name}` must return one code for each of {x.shape[0]} "
                f"rows; got shape {codes.shape}. Let it answer row by row."
            )
        _refuse_infinite(codes, name)
        return codes.reshape(x.shape[0], -1)

    return coded


def _refuse_infinite(values: np.ndarray, name: str) -> None:
    if not np.isfinite(values).all():
        raise ValueOutOfRange(
            f"`{name}(autoencode)` must return finite numbers; got NaN or infinity. "
            "Did its training diverge?"
        )


def _array(value: Any, name: str) -> np.ndarray:
    """Real numbers of an array or a tensor, which may carry a gradient."""
    torch = sys.modules.get("torch")
    if torch is not None and torch.is_tensor(value) and not value.is_complex():
        value = value.detach().to("cpu", torch.float64).numpy()
    return real_array(f"result of {name}(autoencode)", value)


def _function(part: Any, name: str) -> Function:
    """A function of arrays from a callable or a torch module."""
    torch = sys.modules.get("torch")
    if torch is not None and isinstance(part, torch.nn.Module):
        return _of_module(part, torch, name)
    if not callable(part) or isinstance(part, type):
        raise ValueOutOfRange(
            f"`{name}(autoencode)` must be a callable, a torch module, an estimator with "
            "`transform` and `inverse_transform`, or a pair (encoder, decoder); got "
            f"{part.__name__ if isinstance(part, type) else type(part).__name__}."
        )
    return lambda x: _array(part(x), name)


def _of_module(module: Any, torch: Any, name: str) -> Function:
    first = next(module.parameters(), None)
    kind = torch.get_default_dtype() if first is None else first.dtype
    place = torch.device("cpu") if first is None else first.device

    def run(x: np.ndarray) -> np.ndarray:
        modes = [(part, part.training) for part in module.modules()]
        module.eval()
        try:
            with torch.no_grad():
                given = torch.as_tensor(np.ascontiguousarray(x)).to(place, kind)
                answer = module(given)
        finally:
            for part, training in modes:  # a layer may have been frozen by itself
                part.training = training
        if not torch.is_tensor(answer):
            raise ValueOutOfRange(
                f"A torch module of `{name}(autoencode)` must return one tensor; got "
                f"{type(answer).__name__}. Pass a function that picks the reconstruction, "
                "such as lambda x: model(torch.as_tensor(x))[0]."
            )
        return np.asarray(answer.to("cpu", torch.float64).numpy())

    return run


def _rounding(part: Any) -> float:
    """Coarsest arithmetic of a torch module's parameters; float32 for all else."""
    torch = sys.modules.get("torch")
    if torch is None or not isinstance(part, torch.nn.Module):
        return _FLOAT32
    kinds = {each.dtype for each in part.parameters() if each.is_floating_point()}
    return max([_FLOAT32, *(float(torch.finfo(kind).eps) for kind in kinds)])


def _lipschitz(part: Any) -> float | None:
    """Product of spectral norms of a torch Sequential of known layers; else None."""
    torch = sys.modules.get("torch")
    if torch is None or not isinstance(part, torch.nn.Module):
        return None
    kind = type(part).__name__
    if type(part) is not getattr(torch.nn, kind, None):
        return None  # a namesake may do anything
    if kind == "Sequential":
        parts = [_lipschitz(layer) for layer in part]
        return None if None in parts else float(np.prod(np.array(parts, dtype=float)))
    if kind == "Linear":
        weight = _array(part.weight, "fold_report")
        return float(np.linalg.norm(weight, 2)) if np.isfinite(weight).all() else None
    steepest = max(1.0, abs(float(getattr(part, "negative_slope", 0.0))))
    return steepest if kind in _LIPSCHITZ_ONE else None
