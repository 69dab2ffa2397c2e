"""Dimension from how the number of close pairs grows with the distance."""

from __future__ import annotations

import math

import numpy as np
from scipy.spatial.distance import pdist

from isthmus.topology.dimension_estimate import DimensionEstimate, refuse_ties
from isthmus.topology.neighbours import Neighbours

SHARES = (0.005, 0.02)
MOST_POINTS = 4000


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
    distances = np.maximum(pdist(chosen), 1e-150)
    ranks = [math.ceil(share * distances.size) for share in SHARES]
    near, far = np.partition(distances, [rank - 1 for rank in ranks])[np.array(ranks) - 1]
    if near == far:  # rounded values, or few points: the next distance that there is
        far = np.min(distances[distances > near], initial=np.inf)
    refuse_ties(float(np.isfinite(far)), "correlation")
    counts = [np.count_nonzero(distances <= radius) for radius in (near, far)]
    value = float(np.log(counts[1] / counts[0]) / np.log(far / near))
    error = value / counts[1] ** 0.5
    return DimensionEstimate("correlation", value, error, chosen.shape[0])
