"""Does a surface have two sides? The signs of tangent frames around a neighbour graph."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np
from jaxtyping import Float, Int

FRAME_NEIGHBOURS = 40
GRAPH_NEIGHBOURS = 10
ALIGNED = 0.8
"""Least |det| of the overlap of two frames whose sign is believed."""

ORIENTABLE_BELOW = 0.05
NON_ORIENTABLE = (0.15, 0.6)
LEAST_SHARE = 0.8
"""Share of the graph's edges that must be believed."""

_MOST_AXES = 60


@dataclasses.dataclass(frozen=True)
class Orientation:
    """Whether tangent frames can be turned so that neighbours agree.

    Attributes:
        orientable: The verdict; None if undecided.
        ratio: Least eigenvalue of the signed Laplacian over the second of the unsigned
            one: 0 if all signs can be made to agree. NaN where nothing was computed.
        share: Share of the edges whose frames overlap enough to have a sign.
    """

    orientable: bool | None
    ratio: float
    share: float


def orientation(points: Float[np.ndarray, "sample rank"], dim: int) -> Orientation:
    r"""Signed-Laplacian test of a sampled manifold, with or without boundary.

    Frames are the first `dim` principal axes of 40 neighbours; edges join 10 neighbours
    and bear the sign of det(T_i T_j^T) where that is at least .8 in size. With S the
    symmetric matrix of signs and A = |S|, D = diag(A 1),

    .. math:: q = \lambda_{min}(I - D^{-1/2} S D^{-1/2})
                  / \lambda_2(I - D^{-1/2} A D^{-1/2})

    on the largest connected part: below .05 orientable, .15 to .6 not, otherwise, or with
    fewer than 80 % of the edges, undecided. The thresholds are empirical.

    Args:
        points: Distinct points of one component, in coordinates of their span.
        dim: Dimension of the manifold, at least 1.

    Returns:
        The verdict. Curves, and pieces of their whole space, are orientable without test.

    Examples:
        >>> rng = np.random.default_rng(0)
        >>> sheet = np.c_[rng.uniform(size=(300, 2)), np.zeros(300)]
        >>> orientation(sheet, 2).orientable
        True

    References:
        [singer:11]
    """
    count, rank = points.shape
    if dim == 1 or dim >= rank:
        return Orientation(True, np.nan, 1.0)
    if count <= FRAME_NEIGHBOURS:
        return Orientation(None, np.nan, 0.0)
    near = _neighbours(points, FRAME_NEIGHBOURS)
    frames = _frames(points[:, :_MOST_AXES], near, dim)
    pairs = _edges(near[:, :GRAPH_NEIGHBOURS])
    overlap = np.linalg.det(frames[pairs[0]] @ frames[pairs[1]].transpose(0, 2, 1))
    sure = np.abs(overlap) >= ALIGNED
    share = float(sure.mean())
    if share < LEAST_SHARE:
        return Orientation(None, np.nan, share)
    ratio = _ratio(pairs[:, sure], np.sign(overlap[sure]), count)
    verdict = None
    if ratio < ORIENTABLE_BELOW:
        verdict = True
    elif NON_ORIENTABLE[0] < ratio < NON_ORIENTABLE[1]:
        verdict = False
    return Orientation(verdict, ratio, share)


def _neighbours(points: np.ndarray, count: int) -> Int[np.ndarray, "sample near"]:
    from sklearn.neighbors import NearestNeighbors

    found = NearestNeighbors(n_neighbors=count).fit(points).kneighbors()[1]
    return np.asarray(found)


def _frames(points: np.ndarray, near: np.ndarray, dim: int) -> np.ndarray:
    """Principal axes of each neighbourhood, "sample dim rank"."""
    block = max(1, 5_000_000 // (near.shape[1] * points.shape[1]))
    parts = []
    for start in range(0, points.shape[0], block):
        cloud = points[near[start : start + block]]
        cloud = cloud - cloud.mean(axis=1, keepdims=True)
        parts.append(np.linalg.svd(cloud, full_matrices=False)[2][:, :dim])
    return np.concatenate(parts)


def _edges(near: np.ndarray) -> Int[np.ndarray, "2 edge"]:
    """Each pair once, if one of the two is among the nearest of the other."""
    first = np.repeat(np.arange(near.shape[0]), near.shape[1])
    pairs = np.sort(np.stack([first, near.ravel()]), axis=0)
    return np.unique(pairs, axis=1)


def _ratio(pairs: np.ndarray, signs: np.ndarray, count: int) -> float:
    from scipy.sparse import csgraph

    labels = csgraph.connected_components(_symmetric(pairs, np.ones(signs.size), count))[1]
    largest = labels == np.bincount(labels).argmax()
    kept = largest[pairs[0]]
    renumbered = np.cumsum(largest) - 1
    pairs, signs, count = renumbered[pairs[:, kept]], signs[kept], int(largest.sum())
    degree = np.bincount(pairs.ravel(), minlength=count)
    scale = 1.0 / np.sqrt(degree[pairs[0]] * degree[pairs[1]])
    signed = 1.0 - _largest_eigenvalues(_symmetric(pairs, signs * scale, count), 1)[0]
    plain = 1.0 - _largest_eigenvalues(_symmetric(pairs, scale, count), 2)[0]
    return float(max(signed, 0.0) / plain)


def _symmetric(pairs: np.ndarray, values: np.ndarray, count: int) -> Any:
    from scipy.sparse import coo_matrix

    half = coo_matrix((values, tuple(pairs)), shape=(count, count)).tocsr()
    return half + half.T


def _largest_eigenvalues(matrix: Any, count: int) -> np.ndarray:
    """The largest eigenvalues, ascending."""
    from scipy.sparse.linalg import eigsh

    size = matrix.shape[0]
    if size <= 200:
        found: np.ndarray = np.linalg.eigvalsh(matrix.toarray())[-count:]
        return found
    start = np.cos(np.arange(size))  # any fixed vector: the answer must not be random
    values = eigsh(matrix, count, which="LA", v0=start, ncv=60, tol=1e-8, maxiter=50_000)[0]
    return np.sort(values)
