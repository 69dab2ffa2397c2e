"""A piecewise-affine network on a line or plane of its inputs."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor, nn

from isthmus.core.door import real_array
from isthmus.core.errors import DataError, ValueOutOfRange
from isthmus.core.typing import Matrix
from isthmus.geometry.layers import kind
from isthmus.geometry.pieces import Kinked, MaxPool

Points = Matrix | Sequence | Tensor
"""Inputs of a network as users give them, checked at the door."""

_HELD = 2**25
"""Switching functions that are held at once; more are computed again when needed."""
_BLOCK = 2**19
"""Numbers of one layer on the way there, few enough for a cache."""
_HIDDEN = -1e300
"""A candidate of a max-pool that lies in the padding: below everything."""
RELATIVE = 1e-12
"""Values below this part of the largest of their unit count as zero, ..."""
_OF_LAYER = 1e-14
"""... and so do those below this part of the largest of their layer."""


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
        self.layers = layers
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
        self.shape = tuple(value.shape[1:])
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
            return layer(value)
        except (RuntimeError, ValueError, IndexError) as error:
            raise ValueOutOfRange(
                f"`{call}(network=...)` must take inputs of the given shape; got "
                f"{tuple(value.shape[1:])} before {type(layer).__name__}: {error}. Give "
                "points in the network's own input shape."
            ) from error

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


class Switches:
    """The functions of one layer whose signs or largest entries say what it does.

    They are held if they fit into one block and computed again where they do not.

    Args:
        along: The network.
        stage: Number of a kinked layer or a max-pool.
        at: Points.
    """

    def __init__(
        self, along: Along, stage: int, at: Float[np.ndarray, "point axis"]
    ) -> None:
        self._along, self._stage, self._at = along, stage, at
        layer = along.layers[stage]
        first = self._compute(at[:1])
        self.n_candidates = 0
        if isinstance(layer, MaxPool):
            self.n_candidates = layer.windows(self._shape).shape[1]
        self.size = first.shape[1]
        self._step = max(1, _HELD // self.size)
        self._held = self._all(at) if len(at) <= self._step else None

    def _all(self, at: np.ndarray) -> Float[np.ndarray, "point switch"]:
        found = np.empty((len(at), self.size))
        step = self._along.block()
        for i in range(0, len(at), step):
            found[i : i + step] = self._compute(at[i : i + step])
        return found

    @torch.no_grad()
    def _compute(self, at: np.ndarray) -> Float[np.ndarray, "point switch"]:
        layer = self._along.layers[self._stage]
        value = self._along.before(self._stage, at)
        self._shape = tuple(value.shape[1:])
        if isinstance(layer, MaxPool):
            given = layer.candidates(value).flatten(1).clamp_min(_HIDDEN)
        else:
            assert isinstance(layer, Kinked)
            given = layer.switching(value)
        return given.cpu().numpy()

    def blocks(self) -> Iterator[tuple[slice, Float[np.ndarray, "block switch"]]]:
        """All values, some points at a time."""
        for i in range(0, len(self._at), self._step):
            which = slice(i, min(i + self._step, len(self._at)))
            held = self._held
            yield which, held if held is not None else self._all(self._at[which])

    def tolerance(self) -> Float[np.ndarray, " switch"]:
        """Below this a value is rounding: from the first block, which spans everything."""
        _, values = next(self.blocks())
        low = values.min(axis=0)
        largest = np.maximum(values.max(axis=0), np.where(low > _HIDDEN, -low, 0.0))
        return np.maximum(RELATIVE * largest, _OF_LAYER * largest.max()) + 1e-300

    def at(
        self, point: Int[np.ndarray, " pair"], switch: Int[np.ndarray, "pair ..."]
    ) -> Float[np.ndarray, "pair ..."]:
        """Values of some switches at some points."""
        if self._held is not None:
            return self._held[point.reshape(-1, *[1] * (switch.ndim - 1)), switch]
        found = np.empty(switch.shape)
        for which, values in self.blocks():
            here = np.flatnonzero((point >= which.start) & (point < which.stop))
            local = (point[here] - which.start).reshape(-1, *[1] * (switch.ndim - 1))
            found[here] = values[local, switch[here]]
        return found

    def packed(
        self, test: Callable[[Float[np.ndarray, "block switch"]], np.ndarray]
    ) -> np.ndarray:
        """Truth values, switches last, as bits in 64-bit words: "point ... word"."""
        parts = []
        for _, values in self.blocks():
            bits = np.packbits(test(values), axis=-1, bitorder="little")
            short = -bits.shape[-1] % 8
            padded = np.pad(bits, [(0, 0)] * (bits.ndim - 1) + [(0, short)])
            parts.append(padded.view(np.uint64))
        return np.concatenate(parts)


def set_bits(
    words: np.ndarray, size: int
) -> tuple[Int[np.ndarray, " found"], Int[np.ndarray, " found"]]:
    """Row and number of every bit that is set, rows ascending.

    Examples:
        >>> set_bits(np.array([[5], [2]], dtype=np.uint64), 3)
        (array([0, 0, 1]), array([0, 2, 1]))
    """
    step = max(1, _HELD // max(size, 1))
    rows, numbers = [], []
    for i in range(0, len(words), step):
        block = np.ascontiguousarray(words[i : i + step]).view(np.uint8)
        bits = np.unpackbits(block, axis=1, count=size, bitorder="little")
        row, number = np.nonzero(bits)
        rows.append(row + i)
        numbers.append(number)
    if not rows:
        return np.empty(0, np.int64), np.empty(0, np.int64)
    return np.concatenate(rows), np.concatenate(numbers)


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
