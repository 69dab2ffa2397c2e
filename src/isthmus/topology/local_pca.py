"""Dimension from the spread of neighbours along their principal axes."""

from __future__ import annotations

import numpy as np

from isthmus.topology.dimension_estimate import DimensionEstimate
from isthmus.topology.neighbours import Neighbours

NEIGHBOURS = 30
SHARE = 0.05
MOST_POINTS = 20_000
_BLOCK_BYTES = 2**24


def local_pca(found: Neighbours, n_neighbours: int = NEIGHBOURS) -> DimensionEstimate:
    """Mean number of local eigenvalues above 5 % of the largest.

    The rule of Fukunaga and Olsen on the covariance of each point and its neighbours. It
    sees no dimension beyond the number of neighbours, nor beyond the columns.

    Args:
        found: Neighbours of each point.
        n_neighbours: How many; fewer where fewer were found.

    Returns:
        The dimension; where there are more than 20 000 points, of every second, third,
        ... point so that no more are looked at.

    References:
        [fukunaga:71]
    """
    k = min(n_neighbours, found.indices.shape[1])
    n, n_columns = found.points.shape
    chosen = np.arange(0, n, -(-n // MOST_POINTS))
    size = max(1, _BLOCK_BYTES // (8 * (k + 1) * n_columns))
    counts = np.concatenate(
        [_counts(found, chosen[i : i + size], k) for i in range(0, chosen.size, size)]
    )
    error = float(counts.std() / np.sqrt(counts.size))
    return DimensionEstimate("local-pca", float(counts.mean()), error, counts.size)


def _counts(found: Neighbours, rows: np.ndarray, k: int) -> np.ndarray:
    cloud = found.points[np.concatenate([rows[:, None], found.indices[rows, :k]], axis=1)]
    centred = cloud - cloud.mean(axis=1, keepdims=True)
    centred /= np.maximum(np.abs(centred).max(axis=(1, 2), keepdims=True), 1e-300)
    tall = centred.shape[1] > centred.shape[2]
    other = centred.swapaxes(1, 2)
    values = np.linalg.eigvalsh(other @ centred if tall else centred @ other)
    return np.asarray(np.count_nonzero(values > SHARE * values[:, -1:], axis=1))
