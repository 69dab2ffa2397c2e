"""Randomised cosine transform: a Haar-like frame in O(n log n) time and O(n) memory."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np

from isthmus.frames.randomised import AbstractRandomisedFrame, draw
from isthmus.frames.transforms import Spare, cosine, inverse_cosine


@dataclasses.dataclass(frozen=True, eq=False)
class DctFrame(AbstractRandomisedFrame):
    """Sign flips and a cosine transform; made by :func:`dct`."""

    def _transform(self, x: Any, spare: Spare) -> Any:
        return cosine(x)

    def _inverse(self, y: Any, spare: Spare) -> Any:
        return inverse_cosine(y)


def dct(
    n_code: int,
    n_input: int,
    *,
    rng: np.random.Generator | int | None,
    rounds: int = 1,
) -> DctFrame:
    """Randomised cosine frame: any size, no matrix stored.

    Columns are chosen at random because neighbouring ones are too alike: with random
    columns it is as incoherent as a Haar frame.

    Args:
        n_code: Rows.
        n_input: Columns.
        rng: Seed or generator; the same integer gives the same frame everywhere.
        rounds: Rounds of sign flips and transforms, 1 to 3. One is enough for data
            spread over many coordinates, two for vectors with few entries.

    Returns:
        The frame.

    Raises:
        ValueOutOfRange: If a size is not a whole number of at least 1, or `rounds` is
            not 1, 2 or 3.

    Examples:
        >>> frame = dct(8, 5, rng=0)
        >>> x = np.arange(10.0).reshape(2, 5)
        >>> bool(np.allclose(frame.adjoint(frame.forward(x)), x))
        True

    References:
        [shevchenko:23]
    """
    return DctFrame(*draw("dct", n_code, n_input, rng, rounds))
