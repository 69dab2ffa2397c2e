"""Rows of arrays or tensors on their way into a chain and back."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Iterator

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor, nn

from isthmus.core.door import real_array
from isthmus.core.errors import DataError, ValueOutOfRange
from isthmus.geometry.layers import Layers, as_layers
from isthmus.geometry.pieces import MaxPool

Rows = np.ndarray | Tensor
"""What users give, and get back in kind."""

BUDGET = 2**27
"""Bytes that the intermediate results of one chunk may take."""

_TWO = (nn.Conv2d, nn.ConvTranspose2d, nn.AvgPool2d, nn.AdaptiveAvgPool2d)
_ONE = (nn.Conv1d, nn.ConvTranspose1d, nn.AvgPool1d, nn.AdaptiveAvgPool1d)


@dataclasses.dataclass(frozen=True, eq=False)
class Task:
    """A chain and the rows that go through it.

    Attributes:
        layers: The chain.
        x: Rows in float64 on the chain's device, "sample ...".
        shapes: Of one sample: before every layer, and after the last.
        given: What the user gave.
    """

    layers: Layers
    x: Float[Tensor, "sample ..."]
    shapes: tuple[tuple[int, ...], ...]
    given: object

    @property
    def sizes(self) -> tuple[int, ...]:
        """Units before every layer, and after the last."""
        return tuple(math.prod(shape) for shape in self.shapes)

    def chunks(self, bytes_per_row: int, step: int | None = None) -> Iterator[slice]:
        """Rows at a time, as many as given, or as keep results within the budget."""
        step = step or max(1, BUDGET // max(bytes_per_row, 1))
        for start in range(0, len(self.x), step):
            yield slice(start, min(start + step, len(self.x)))

    def back(self, value: Tensor) -> Rows:
        """A result as the kind of array that was given, on its device."""
        if isinstance(self.given, Tensor):
            return value.detach().to(self.given.device)
        found: np.ndarray = value.detach().cpu().numpy()
        return found


def task(network: object, x: object, *, call: str) -> Task:
    """Check a network and its rows.

    Args:
        network: As :func:`~isthmus.geometry.as_layers` takes it.
        x: Rows, "sample ...", at least one, finite; an array or a tensor.
        call: Function that was asked, for messages.

    Returns:
        Both, ready for use.

    Raises:
        ValueOutOfRange: If the network is no chain or `x` has not the shape it takes.
        DataError: If `x` is empty or not finite.
    """
    layers = as_layers(network, call=call)
    value = x.detach() if isinstance(x, Tensor) else real_array(f"{call}(x=...)", x)
    if value.ndim < 2 or len(value) == 0:
        raise DataError(
            f"`{call}(x=...)` must have at least one row, as (sample, ...); got shape "
            f"{tuple(value.shape)}. Write x[None] for a single row."
        )
    rows = torch.as_tensor(value).to(device=_device(layers), dtype=torch.float64)
    if not bool(torch.isfinite(rows).all()):
        bad = int(torch.nonzero(~torch.isfinite(rows))[0, 0])
        raise DataError(
            f"`{call}(x=...)` must be finite; row {bad} holds NaN or infinity. "
            "Leave it out."
        )
    return Task(layers, rows, _shapes(layers, rows[:1], call), x)


def _shapes(layers: Layers, row: Tensor, call: str) -> tuple[tuple[int, ...], ...]:
    shapes, u = [tuple(row.shape[1:])], row
    for number, layer in enumerate(layers):
        n_dims = _n_dims(layer)
        try:
            if n_dims is not None and u.ndim not in n_dims:
                raise RuntimeError(f"{n_dims[-1]} dimensions wanted, sample first")
            u = layer(u)
            if len(u) != 1:
                raise RuntimeError("it mixes rows")
        except (RuntimeError, IndexError, ValueError) as error:
            reason = " ".join(str(error).split())
            raise ValueOutOfRange(
                f"`{call}(x=...)` must have the shape that the network takes; got "
                f"{tuple(row.shape[1:])} per row, and layer {number} of the chain, "
                f"{layer}, cannot take {tuple(u.shape[1:])}: {reason}. Reshape x, or put "
                "an Unflatten or Flatten in front."
            ) from error
        shapes.append(tuple(u.shape[1:]))
    return tuple(shapes)


def _n_dims(layer: nn.Module) -> tuple[int, ...] | None:
    """Numbers of dimensions that a layer takes, the sample counted; None = any."""
    if isinstance(layer, MaxPool):
        return (layer.n_dims + 2,)
    if isinstance(layer, nn.Upsample):
        return (3, 4)
    return (4,) if isinstance(layer, _TWO) else (3,) if isinstance(layer, _ONE) else None


def _device(layers: Layers) -> torch.device:
    for layer in layers:
        for weight in layer.parameters():
            return weight.device
    return torch.device("cpu")
