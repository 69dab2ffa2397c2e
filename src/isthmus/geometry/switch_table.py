"""Values of one layer's switching functions at many points, as numbers and as bits."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
import torch
from jaxtyping import Bool, Float, Int

from isthmus.geometry.along import Along
from isthmus.geometry.pieces import Kinked, MaxPool

HELD = 2**24
"""Switching functions that are held at once; more are computed again when needed."""
_HIDDEN = -1e300
"""A candidate of a max-pool that lies in the padding: below everything."""
_RELATIVE = 1e-12
"""Values below this part of the largest of their unit count as zero, ..."""
_OF_LAYER = 1e-14
"""... and so do those below this part of the largest of their layer."""


class Switches:
    """The functions of one layer whose signs or largest entries say what it does.

    They are held if they fit into one block, until the next ones are made, and computed
    again where they do not.

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
        self._step = max(1, HELD // self.size)
        self._held = self._all(at) if len(at) <= self._step else None

    def _all(self, at: np.ndarray) -> Float[np.ndarray, "point switch"]:
        found = self._along.table(len(at), self.size)
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
        least = _OF_LAYER * float(largest.max()) + 1e-300
        found: np.ndarray = np.maximum(_RELATIVE * largest, least)
        return found

    def window_tolerance(self) -> Float[np.ndarray, " window"]:
        """The same for differences of entries of a window."""
        found: np.ndarray = self.tolerance().reshape(-1, self.n_candidates).max(axis=1)
        return found

    def at(
        self, point: Int[np.ndarray, " pair"], switch: Int[np.ndarray, "pair ..."]
    ) -> Float[np.ndarray, "pair ..."]:
        """Values of some switches at some points."""
        found: np.ndarray
        if self._held is not None:
            found = self._held[point.reshape(-1, *[1] * (switch.ndim - 1)), switch]
            return found
        found = np.empty(switch.shape)
        for which, values in self.blocks():
            here = np.flatnonzero((point >= which.start) & (point < which.stop))
            local = (point[here] - which.start).reshape(-1, *[1] * (switch.ndim - 1))
            found[here] = values[local, switch[here]]
        return found

    def signs(self, tolerance: Float[np.ndarray, " switch"]) -> np.ndarray:
        """Bits of the switches above 0, and of those below: "point 2 word"."""
        return self._packed(
            lambda values: np.stack([values > tolerance, values < -tolerance], axis=1)
        )

    def leads(self, tolerance: Float[np.ndarray, " window"]) -> np.ndarray:
        """Bits of the windows that each candidate leads: "point candidate word"."""

        def near(values: np.ndarray) -> Bool[np.ndarray, "point candidate window"]:
            values = values.reshape(len(values), -1, self.n_candidates)
            found = values >= values.max(axis=2, keepdims=True) - tolerance[:, None]
            return np.moveaxis(found, 2, 1)

        return self._packed(near)

    def _packed(
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
    step = max(1, HELD // max(size, 1))
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
