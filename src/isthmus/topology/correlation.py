"""Dimension from how the number of close pairs grows with the distance."""

from __future__ import annotations

import math

import numpy as np
from jaxtyping import Float

from isthmus.topology.dimension_estimate import DimensionEstimate, refuse_ties
from isthmus.topology.neighbours import Neighbours

SHARES = (0.005, 0.02)
MOST_POINTS = 4000
_BLOCK = 256
_TINY = 1e-300


def correlation_dimension(found: Neighbours) -> DimensionEstimate:
    """Slope of the share of pairs closer than r against r, both logarithmic.

    Between the radii that 0.5 % and 2 % of all pairs are closer than.

    Args:
        found: Neighbours; only their points are used, every second, third, ... of them if
            there are more than 4000.

    Returns:
        The dimension, and its error if the pairs below the larger radius were
        independent.

    Raises:
        DataError: If both radii are the same.

    References:
        [grassberger:83]
    """
    n = found.n_points
    chosen = found.points[:: -(-n // MOST_POINTS)]
    squared = _squared_distances(chosen)
    ranks = [math.ceil(share * squared.size) for share in SHARES]
    near, far = _smallest(squared, ranks)
    if near == far:  # rounded values, or few points: the next distance that there is
        far = np.min(squared[squared > near], initial=np.inf)
    refuse_ties(float(np.isfinite(far)), "correlation")
    counts = [np.count_nonzero(squared <= radius) for radius in (near, far)]
    value = float(2.0 * np.log(counts[1] / counts[0]) / np.log(far / near))
    error = value / math.sqrt(counts[1])
    return DimensionEstimate("correlation", value, error, chosen.shape[0])


def _squared_distances(points: Float[np.ndarray, "point column"]) -> np.ndarray:
    """Squared distances of all pairs, through products of blocks; exact for whole numbers.

    Lengths of centred points are at most as many times the distances that matter as the
    cloud is wider than them, so that little is lost to rounding.
    """
    n = points.shape[0]
    length = np.einsum("ij,ij->i", points, points)[:, None]
    left = np.hstack([-2.0 * points, length, np.ones((n, 1))])
    right = np.hstack([points, np.ones((n, 1)), length]).T
    found = np.empty(n * (n - 1) // 2)
    filled = 0
    for start in range(0, n, _BLOCK):
        block = left[start : start + _BLOCK] @ right[:, start:]
        for i in range(block.shape[0]):
            count = block.shape[1] - i - 1
            found[filled : filled + count] = block[i, i + 1 :]
            filled += count
    return np.maximum(found, _TINY, out=found)


def _smallest(values: np.ndarray, ranks: list[int]) -> list[float]:
    """Values of these ranks, counted from 1; only the smallest few are sorted out."""
    sample = np.sort(values[:: max(1, values.size // 20_000)])
    bound = sample[min(sample.size - 1, math.ceil(1.5 * sample.size * max(SHARES)))]
    low = values[values <= bound]
    if low.size < ranks[-1]:
        low = values
    return [
        float(v) for v in np.partition(low, [r - 1 for r in ranks])[np.array(ranks) - 1]
    ]
