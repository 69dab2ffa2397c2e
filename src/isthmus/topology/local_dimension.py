"""How many dimensions a cloud has around each of its points."""

from __future__ import annotations

import numpy as np
from jaxtyping import Float

N_NEIGHBOURS = 20


def local_dimension(points: Float[np.ndarray, "sample dim"]) -> int:
    r"""Likelihood estimate of MacKay and Ghahramani, rounded, at least 1.

    N (K - 1) over the sum of log(r_K / r_j), all points and j < K = 20.

    Args:
        points: Distinct points.

    Examples:
        >>> rng = np.random.default_rng(0)
        >>> local_dimension(rng.uniform(size=(500, 2)) @ np.ones((2, 3)) + [[1, 2, 3]])
        1

    References:
        [mackay:05]
    """
    from sklearn.neighbors import NearestNeighbors

    count, columns = len(points), int(points.shape[1])
    near = min(N_NEIGHBOURS, count - 1)
    if near < 2:
        return min(1, columns)
    radii = NearestNeighbors(n_neighbors=near).fit(points).kneighbors()[0]
    total = float(np.log(radii[:, -1:] / np.maximum(radii[:, :-1], 1e-300)).sum())
    if total <= 0.0:
        return columns
    return int(np.clip(round(count * (near - 1) / total), 1, columns))
