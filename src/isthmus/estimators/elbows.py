"""Where the errors of a sweep fall."""

from __future__ import annotations

import dataclasses

import numpy as np
from jaxtyping import Float, Int

LEAST_FALL = 2.0
"""By which the median must fall for each dimension added, to be an elbow."""


@dataclasses.dataclass(frozen=True)
class Elbows:
    """Latent dimensions at which errors fall.

    Attributes:
        median: Where the median error falls most for a dimension added, at least by half:
            an estimate of the intrinsic dimension. None if it falls slower throughout.
        max: From where on the largest error found is below half the certificate of the
            largest code that is ruled out; without such a code, where the largest error
            falls most, at least by half. None if it never does.
    """

    median: int | None
    max: int | None


def steepest_fall(
    codes: Int[np.ndarray, " code"], error: Float[np.ndarray, " code"], start: float
) -> int | None:
    """Code length to which an error falls most for a dimension, at least by half.

    Args:
        codes: Ascending, at least 1.
        error: At each; not negative.
        start: At no dimension.

    Examples:
        >>> steepest_fall(np.array([1, 2, 3]), np.array([0.5, 0.02, 0.01]), 1.0)
        2
    """
    tiny = np.finfo(np.float64).tiny
    levels = np.log(np.maximum(np.concatenate([[start], error]), tiny))
    falls = -np.diff(levels) / np.diff(np.concatenate([[0], codes]))
    at = int(np.argmax(falls))
    return int(codes[at]) if falls[at] >= np.log(LEAST_FALL) else None


def end_of_obstruction(
    codes: Int[np.ndarray, " code"],
    error: Float[np.ndarray, " code"],
    start: float,
    bound: Float[np.ndarray, " code"],
) -> int | None:
    """Code length from which on the largest error stays below half of what is certified.

    Args:
        codes: Ascending.
        error: Largest at each.
        start: At no dimension.
        bound: Certificates; 0 or nan where none is significant.

    Examples:
        >>> error, bound = np.array([2.0, 1.9, 0.01]), np.array([1.0, 0.9, 0.0])
        >>> end_of_obstruction(np.array([1, 2, 3]), error, 2.5, bound)
        3
    """
    ruled_out = np.flatnonzero(bound > 0)
    if not ruled_out.size:
        return steepest_fall(codes, error, start)
    above = np.flatnonzero(error >= bound[ruled_out[-1]] / 2.0)
    first = 0 if not above.size else int(above[-1]) + 1
    return int(codes[first]) if first < codes.size else None
