"""A piecewise-affine network on a line or plane of its inputs."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor, nn

from isthmus.core.door import real_array
from isthmus.core.errors import DataError, ValueOutOfRange
from isthmus.core.typing import Matrix
from isthmus.geometry.layers import kind
from isthmus.geometry.pieces import Kinked, MaxPool

Points = Matrix | Sequence | Tensor
"""Inputs of a network as users give them, checked at the door."""

_BLOCK = 2**19
"""Numbers of one layer on the way there, few enough for a cache."""


class Along:
    r"""Layers after the affine map :math:`t \mapsto o + \sum_k t_k b_k`.

    What is linear before the first kink is applied to o and b once, so that a wide input
    costs nothing per point.

    Args:
        layers: A chain from :func:`~isthmus.geometry.layers.as_layers`.
        origin: o, in the network's input shape.
        basis: b, likewise, along the first axis.
        call: Function that was asked, for messages.

    Raises:
        ValueOutOfRange: If the network does not take inputs of this shape.
        DataError: If it answers with something that is not finite.
    """

    def __init__(
        self,
        layers: tuple[nn.Module, ...],
        origin: np.ndarray,
        basis: np.ndarray,
        call: str,
    ) -> None:
        self.layers, self._room = layers, np.empty(0)
        weights = (tensor for layer in layers for tensor in layer.parameters())
        self._device = next(weights, torch.empty(0)).device
        self.bent = tuple(i for i, layer in enumerate(layers) if kind(layer) != "linear")
        self._straight = self.bent[0] if self.bent else len(layers)
        with torch.no_grad():
            self._start, self._steps = self._through_straight(origin, basis, call)
            self._sizes = [math.prod(self._start.shape)]
            value = self._start[None]
            for layer in layers[self._straight :]:
                value = self._tried(layer, value, call)
                self._sizes.append(value[0].numel())
        if not bool(torch.isfinite(value).all() and torch.isfinite(self._steps).all()):
            raise DataError(
                f"`{call}(network=...)` must answer with finite numbers; got NaN or "
                f"infinity at {origin.ravel()[:3]}... Use smaller weights or inputs."
            )
        self.n_out = value[0].numel()

    def _through_straight(
        self, origin: np.ndarray, basis: np.ndarray, call: str
    ) -> tuple[Tensor, Tensor]:
        """Image of the origin, and of each direction without the offset."""
        start = torch.from_numpy(np.array(origin[None])).to(self._device)
        steps = torch.from_numpy(np.array(basis)).to(self._device)
        zero = torch.zeros_like(start)
        for layer in self.layers[: self._straight]:
            start = self._tried(layer, start, call)
            zero_after = layer(zero)
            steps = layer(steps) - zero_after
            zero = torch.zeros_like(zero_after)
        return start[0], steps

    def _tried(self, layer: nn.Module, value: Tensor, call: str) -> Tensor:
        try:
            answer: Tensor = layer(value)
        except (RuntimeError, ValueError, IndexError) as error:
            raise ValueOutOfRange(
                f"`{call}(network=...)` must take inputs of the given shape; got "
                f"{tuple(value.shape[1:])} before {type(layer).__name__}: {error}. Give "
                "points in the network's own input shape."
            ) from error
        return answer

    def table(self, rows: int, columns: int) -> Float[np.ndarray, "row column"]:
        """Room for numbers, the same every time: new memory costs a fault per page."""
        if self._room.size < rows * columns:
            self._room = np.empty(max(rows * columns, 2 * self._room.size))
        return self._room[: rows * columns].reshape(rows, columns)

    def forget(self) -> None:
        """Give the room back."""
        self._room = np.empty(0)

    def block(self) -> int:
        """Points at once that keep every layer small."""
        return max(1, _BLOCK // max(self._sizes))

    def before(self, stage: int, at: Float[np.ndarray, "point axis"]) -> Tensor:
        """What the layer numbered `stage` is given at these points."""
        where = torch.from_numpy(at).to(self._device)
        value = self._start.ravel() + where @ self._steps.flatten(1)
        value = value.reshape(len(at), *self._start.shape)
        for layer in self.layers[self._straight : stage]:
            value = layer(value)
        return value

    @torch.no_grad()
    def values(self, at: Float[np.ndarray, "point axis"]) -> Float[np.ndarray, "point out"]:
        """The network's answers, each in one row."""
        found = np.empty((len(at), self.n_out))
        step = self.block()
        for i in range(0, len(at), step):
            answer = self.before(len(self.layers), at[i : i + step])
            found[i : i + step] = answer.flatten(1).cpu().numpy()
        return found

    @torch.no_grad()
    def slopes(
        self, at: Float[np.ndarray, "point axis"]
    ) -> Float[np.ndarray, "point out axis"]:
        """Derivatives of the answers along each direction, exact where there is no kink."""
        n_axes = at.shape[1]
        found = np.empty((len(at), self.n_out, n_axes))
        step = self.block()
        for i in range(0, len(at), step):
            points = at[i : i + step]
            for axis in range(n_axes):
                found[i : i + step, :, axis] = self._derivative(points, axis)
        return found

    def _derivative(self, at: np.ndarray, axis: int) -> np.ndarray:
        where = torch.from_numpy(at).to(self._device)
        value = self._start.ravel() + where @ self._steps.flatten(1)
        value = value.reshape(len(at), *self._start.shape)
        rate = self._steps[axis].expand(value.shape)
        for layer in self.layers[self._straight :]:
            value, rate = _pushed(layer, value, rate)
        return rate.flatten(1).cpu().numpy()


def _pushed(layer: nn.Module, value: Tensor, rate: Tensor) -> tuple[Tensor, Tensor]:
    """A layer's value and its derivative along a rate."""
    if isinstance(layer, Kinked):
        return layer(value), layer.slope(value) * rate
    if isinstance(layer, MaxPool):
        answer = layer(value)
        won = layer.candidates(value).argmax(dim=2)[..., None]
        return answer, layer.candidates(rate).gather(2, won)[..., 0].reshape(answer.shape)
    both = layer(torch.cat([value, rate, torch.zeros_like(value[:1])]))
    count = len(value)
    return both[:count], both[count : 2 * count] - both[2 * count :]


def finite_points(
    call: str, name: str, value: object, shape: tuple[int, ...] | None = None
) -> np.ndarray:
    """Finite float64 numbers of a shape, in which -1 fits any length; of any if not given.

    Raises:
        ValueOutOfRange: If they are no real numbers or of another shape.
        DataError: If one is not finite.
    """
    if isinstance(value, Tensor):
        value = value.detach().cpu().numpy()
    given = real_array(f"{call}({name}=...)", value)
    shape = given.shape if shape is None else shape
    wrong = given.ndim != len(shape) or any(
        want not in (-1, size) for want, size in zip(shape, given.shape, strict=True)
    )
    if wrong or given.size == 0:
        wanted = tuple("any" if n == -1 else n for n in shape)
        raise ValueOutOfRange(
            f"`{call}({name}=...)` must have shape {wanted}; got {given.shape}. "
            "Reshape it, or check which network it belongs to."
        )
    if not np.isfinite(given).all():
        raise DataError(
            f"`{call}({name}=...)` must be finite; got NaN or infinity. Take other points."
        )
    return given
