"""Encoders of signs whose later bits look at what the earlier ones left."""

from __future__ import annotations

import dataclasses
import functools

import numpy as np
from jaxtyping import Float, Int, Int8

from isthmus.core.additive_levels import additive_quantiser
from isthmus.core.errors import ValueOutOfRange

_BLOCK = 512
_SIGNS = np.int8(1), np.int8(-1)


@dataclasses.dataclass(frozen=True, eq=False)
class SuccessiveSigns:
    r"""Signs y of B x, where a bit may go on where the one before it ended.

    A bit with step 0 is the sign of its pre-activation, :math:`r_k = b_k x`. A bit with
    step a > 0 refines the one before it: :math:`r_k = r_{k-1} - a_k y_{k-1}`, and its own
    row of B is not looked at. Levels that are sums of ± steps, each larger than all behind
    it together, are thereby reached by the value nearest to them.

    Attributes:
        weight: B, "code input".
        steps: a, "code", not negative, the first one 0.

    Raises:
        ValueOutOfRange: If sizes differ, or a step is negative or the first one not 0.

    Examples:
        >>> two = SuccessiveSigns(np.ones((2, 1)), np.array([0.0, 0.98]))
        >>> two(np.array([[-1.5], [-0.5], [0.5], [1.5]])).tolist()
        [[-1, -1], [-1, 1], [1, -1], [1, 1]]
    """

    weight: Float[np.ndarray, "code input"]
    steps: Float[np.ndarray, " code"]

    def __post_init__(self) -> None:
        good = self.weight.ndim == 2 and self.steps.shape == self.weight.shape[:1]
        good = good and self.steps.size > 0 and self.steps[0] == 0
        if not (good and np.all(self.steps >= 0) and np.isfinite(self.steps).all()):
            raise ValueOutOfRange(
                "`SuccessiveSigns(steps=...)` must be one finite number >= 0 for each row "
                "of the weight, the first one 0: it has no bit before it to refine."
            )

    @functools.cached_property
    def _depths(self) -> list[Int[np.ndarray, " bit"]]:
        """Bits that refine one bit, those that refine these, and so on."""
        number = np.arange(self.steps.size)
        depth = number - np.maximum.accumulate(np.where(self.steps == 0, number, 0))
        return [np.flatnonzero(depth == i) for i in range(1, int(depth.max()) + 1)]

    def __call__(
        self, centred: Float[np.ndarray, "row input"]
    ) -> Int8[np.ndarray, "row code"]:
        """Signs of centred rows."""
        fresh = np.flatnonzero(self.steps == 0)
        first = centred @ self.weight[fresh].astype(centred.dtype, copy=False).T
        signs = np.empty((centred.shape[0], self.steps.size), np.int8)
        for begin in range(0, first.shape[0], _BLOCK):
            block = slice(begin, begin + _BLOCK)
            signs[block] = self._refined(first[block].T, fresh).T
        return signs

    def _refined(
        self, first: Float[np.ndarray, "fresh row"], fresh: Int[np.ndarray, " fresh"]
    ) -> Int8[np.ndarray, "code row"]:
        """All bits of a block of rows, which stay in cache."""
        rest = np.empty((self.steps.size, first.shape[1]), first.dtype)
        signs = np.empty(rest.shape, np.int8)
        rest[fresh] = first
        signs[fresh] = np.where(rest[fresh] >= 0, *_SIGNS)
        steps = self.steps.astype(first.dtype, copy=False)[:, None]
        for bits in self._depths:
            rest[bits] = rest[bits - 1] - steps[bits] * signs[bits - 1]
            signs[bits] = np.where(rest[bits] >= 0, *_SIGNS)
        return signs


def along_axes(
    basis: Float[np.ndarray, "input direction"],
    deviation: Float[np.ndarray, " direction"],
    bits: Int[np.ndarray, " direction"],
) -> tuple[SuccessiveSigns, Float[np.ndarray, "input code"]]:
    """Gaussian quantisers of additive levels along orthonormal axes.

    Args:
        basis: Axes as columns.
        deviation: Standard deviation along each, positive where there are bits.
        bits: Of each, 0 to 12; at least one in all.

    Returns:
        The encoder, its pre-activations of unit variance, and the linear decoder that is
        the best one for independent Gaussian coordinates.

    Examples:
        >>> signs, decoder = along_axes(np.eye(2), np.array([2.0, 1.0]), np.array([2, 1]))
        >>> signs.weight.tolist(), decoder.round(2).tolist()
        ([[0.5, 0.0], [0.5, 0.0], [0.0, 1.0]], [[1.96, 1.06, 0.0], [0.0, 0.0, 0.8]])
    """
    axis = np.repeat(np.arange(bits.size), bits)
    levels = [additive_quantiser(int(b))[0] for b in bits if b]
    steps = np.concatenate([np.append(0.0, level[:-1]) for level in levels])
    weight = (basis[:, axis] / deviation[axis]).T
    decoder = basis[:, axis] * (deviation[axis] * np.concatenate(levels))
    return SuccessiveSigns(np.ascontiguousarray(weight), steps), decoder
