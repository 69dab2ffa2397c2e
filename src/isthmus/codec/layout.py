"""What both arithmetics need of a Hadamard frame, in the types that they compute with."""

from __future__ import annotations

import dataclasses

import numpy as np
from jaxtyping import Float, Int

from isthmus.core.door import shown
from isthmus.core.errors import ValueOutOfRange
from isthmus.frames.hadamard import HadamardFrame

LONGEST = 2**24
"""Entries of a transform: up to here sums of signs are exact in float32."""


@dataclasses.dataclass(frozen=True, eq=False)
class Layout:
    """A frame as plain float32 and int32 arrays; made by :func:`layout_of`.

    Attributes:
        n_code: Symbols per row.
        n_input: Entries per row.
        rounds: Of sign flips and transforms.
        flips: ±1 of the inputs, then of the longer side for each further round.
        places: Of the shorter side in the longer one; ``None`` if in order.
    """

    n_code: int
    n_input: int
    rounds: int
    flips: Float[np.ndarray, " flip"]
    places: Int[np.ndarray, " short"] | None

    @property
    def n_long(self) -> int:
        """The longer side, which is transformed."""
        return max(self.n_code, self.n_input)

    @property
    def n_bytes(self) -> int:
        """Of one row's code."""
        return -(-self.n_code // 8)

    @property
    def scale(self) -> float:
        """Frame entries over those of unscaled sums and differences."""
        return float(self.n_long ** (-self.rounds / 2))

    def flips_of(self, turn: int) -> Float[np.ndarray, " flip"]:
        """Signs before the transform of one round, the first at 0."""
        if turn == 0:
            return self.flips[: self.n_input]
        start = self.n_input + (turn - 1) * self.n_long
        return self.flips[start : start + self.n_long]


def layout_of(call: str, frame: object) -> Layout:
    """Check a frame and put its arrays together.

    Raises:
        ValueOutOfRange: If it is no Hadamard frame, or longer than :data:`LONGEST`.

    Examples:
        >>> from isthmus.frames import hadamard
        >>> layout_of("encode_bits", hadamard(8, 5, rng=0)).places.size
        5
    """
    if not isinstance(frame, HadamardFrame):
        raise ValueOutOfRange(
            f"`{call}(frame=...)` must be a frame of isthmus.frames.hadamard; got "
            f"{shown(frame)}. isthmus.frames.encode_signs takes every other."
        )
    longest = max(frame.n_code, frame.n_input)
    if longest > LONGEST:
        raise ValueOutOfRange(
            f"`{call}(frame=...)` must have at most 2**24 entries on its longer side; "
            f"got {longest}. Cut the rows into blocks and code each of them."
        )
    in_order = frame.n_code == frame.n_input and np.array_equal(
        frame.places, np.arange(longest)
    )
    return Layout(
        frame.n_code,
        frame.n_input,
        1 + len(frame.later),
        np.concatenate([frame.signs, *frame.later]).astype(np.float32),
        None if in_order else frame.places.astype(np.int32),
    )
