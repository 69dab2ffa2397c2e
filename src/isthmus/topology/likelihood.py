"""Dimension from how neighbours fill the ball around a point."""

from __future__ import annotations

import numpy as np

from isthmus.core.errors import ValueOutOfRange
from isthmus.topology.dimension_estimate import DimensionEstimate, refuse_ties
from isthmus.topology.neighbours import Neighbours

NEIGHBOURS = 20


def levina_bickel(found: Neighbours, n_neighbours: int = NEIGHBOURS) -> DimensionEstimate:
    """Mean over points of (K - 2) / sum of log(distance of the K-th / of the j-th).

    Args:
        found: Neighbours of each point.
        n_neighbours: K, at least 3; fewer where fewer were found.

    Returns:
        The dimension. Points all of whose neighbours are equally far are left out.

    Raises:
        DataError: If that are all points.
        ValueOutOfRange: If K is below 3.

    References:
        [levina:04]
    """
    sums, k = _sums(found, n_neighbours, "mle")
    local = (k - 2) / sums[sums > 0]
    error = float(local.std() / np.sqrt(local.size))
    return DimensionEstimate("mle", float(local.mean()), error, int(local.size))


def mackay_ghahramani(
    found: Neighbours, n_neighbours: int = NEIGHBOURS
) -> DimensionEstimate:
    """N (K - 1) over the sum of all log(distance of the K-th / of the j-th).

    The maximum of the likelihood of one dimension for all points: the inverses of the
    local estimates are averaged, not the estimates.

    Args:
        found: Neighbours of each point.
        n_neighbours: K, at least 3; fewer where fewer were found.

    Returns:
        The dimension.

    Raises:
        DataError: If all neighbours of all points are equally far.
        ValueOutOfRange: If K is below 3.

    References:
        [mackay:05]
    """
    sums, k = _sums(found, n_neighbours, "mle-inverse")
    value = sums.size * (k - 1) / float(sums.sum())
    error = value / np.sqrt(sums.size * (k - 1))
    return DimensionEstimate("mle-inverse", value, float(error), sums.size)


def _sums(found: Neighbours, n_neighbours: int, method: str) -> tuple[np.ndarray, int]:
    k = min(n_neighbours, found.distances.shape[1])
    if k < 3:
        raise ValueOutOfRange(
            f"`{method}` must have at least 3 neighbours of each point; got {k}."
        )
    logs = np.log(found.distances[:, :k])
    sums = np.sum(logs[:, -1:] - logs[:, :-1], axis=1)
    refuse_ties(float(sums.max()), method)
    return sums, k
