"""Randomised Hadamard transform: the fastest frame, where a size is a power of two."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np

from isthmus.frames.randomised import AbstractRandomisedFrame, draw
from isthmus.frames.sizes import check_power_of_two, check_sizes
from isthmus.frames.transforms import Spare, walsh_hadamard


@dataclasses.dataclass(frozen=True, eq=False)
class HadamardFrame(AbstractRandomisedFrame):
    """Sign flips and a Walsh-Hadamard transform; made by :func:`hadamard`."""

    def _transform(self, x: Any, spare: Spare) -> Any:
        return walsh_hadamard(x, spare)

    def _inverse(self, y: Any, spare: Spare) -> Any:
        return walsh_hadamard(y, spare)


def hadamard(
    n_code: int,
    n_input: int,
    *,
    rng: np.random.Generator | int | None,
    rounds: int = 1,
) -> HadamardFrame:
    """Randomised Hadamard frame: rows of exactly equal length, no matrix stored.

    Columns are chosen at random: the first ones form a subgroup and repeat rows, so
    that at rate 2 half of the code would be wasted. A square frame has nothing to choose
    and takes all of them in order; to weight its inputs, shuffle them first, as
    :func:`~isthmus.frames.coloured` does. The longer side must be a power of two,
    because rows taken from a larger transform are no partial isometry.

    Args:
        n_code: Rows.
        n_input: Columns. The larger of the two must be a power of two.
        rng: Seed or generator; the same integer gives the same frame everywhere.
        rounds: Rounds of sign flips and transforms, 1 to 3. One is enough for data
            spread over many coordinates. It sends a vector of two equal entries to one
            that is half zeros, whose signs say nothing; two rounds mend that.

    Returns:
        The frame.

    Raises:
        ValueOutOfRange: If a size is not a whole number of at least 1, the larger one is
            no power of two, or `rounds` is not 1, 2 or 3.

    Examples:
        >>> frame = hadamard(8, 5, rng=0)
        >>> x = np.arange(10.0).reshape(2, 5)
        >>> bool(np.allclose(frame.adjoint(frame.forward(x)), x))
        True

    References:
        [shevchenko:23]
    """
    check_sizes("hadamard", n_code, n_input)
    check_power_of_two("hadamard", n_code, n_input)
    return HadamardFrame(*draw("hadamard", n_code, n_input, rng, rounds, keep_order=True))
