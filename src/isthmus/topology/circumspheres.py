"""Smallest circumscribed spheres of many simplices at once."""

from __future__ import annotations

import numpy as np
from jaxtyping import Bool, Float, Int

_BLOCK = 8192
_FLAT = 1e-8
_ON_SPHERE = 1e-9
_TINY = np.finfo(float).tiny


def circumspheres(
    points: Float[np.ndarray, "sample dim"],
    simplices: Int[np.ndarray, "vertex simplex"],
    scale: float,
) -> tuple[
    Float[np.ndarray, " simplex"],
    Float[np.ndarray, "vertex simplex"],
    Bool[np.ndarray, " simplex"],
]:
    r"""Squared radii, barycentric coordinates of the centres, and which are ill-defined.

    The centre c - p_0 = Q y of the smallest sphere through p_0, ..., p_k solves
    R^T y = |e|^2 / 2 with e_i = p_i - p_0 the columns of Q R; barycentric coordinates
    are R^{-1} y. Vertex v lies strictly inside the smallest circumsphere of the face
    opposite to it exactly if its coordinate is negative: with h the signed distance of
    the centre from the face and a > 0 that of v, |v - c_f|^2 = r_f^2 + 2 h a and the
    coordinate is h / a.

    Gram-Schmidt on edge vectors keeps the conditioning of the edges, where normal
    equations would square it.

    Args:
        points: Coordinates.
        simplices: Indices of at least two vertices, one simplex per column.
        scale: Diameter of the cloud, or a bound of its size.

    Returns:
        Squared radii in squared input units; coordinates that sum to 1; and whether a
        vertex lies in the span of the ones before it and on their sphere, both within
        rounding, so that the vertices do not tell where the centre is.

    Examples:
        >>> points = np.array([[0.0, 0.0], [4.0, 0.0], [0.0, 2.0]])
        >>> radii, centre, flat = circumspheres(points, np.array([[0], [1], [2]]), 4.0)
        >>> radii.tolist(), centre[:, 0].tolist(), flat.tolist()
        ([5.0], [0.0, 0.5, 0.5], [False])
    """
    count = simplices.shape[1]
    radii = np.empty(count)
    centres = np.empty(simplices.shape)
    flat = np.empty(count, bool)
    columns = np.ascontiguousarray(points.T)
    with np.errstate(over="ignore", invalid="ignore"):
        for start in range(0, count, _BLOCK):
            block = slice(start, start + _BLOCK)
            base = columns[:, simplices[0, block]]
            edges = [columns[:, row[block]] - base for row in simplices[1:]]
            radii[block], centres[1:, block], flat[block] = _solve(edges, scale)
        centres[0] = 1.0 - centres[1:].sum(axis=0)
    return radii, centres, flat


def _solve(
    edges: list[np.ndarray], scale: float
) -> tuple[np.ndarray, list[np.ndarray], np.ndarray]:
    """Gram-Schmidt, one forward and one backward substitution, a block of columns."""
    upper: dict[tuple[int, int], np.ndarray] = {}
    steps: list[np.ndarray] = []
    basis: list[np.ndarray] = []
    heights: list[np.ndarray] = []
    flat = np.zeros(edges[0].shape[1], bool)
    for j, edge in enumerate(edges):
        square = _dot(edge, edge)
        power, rest = 0.5 * square, edge
        for i in range(j):
            upper[i, j] = _dot(basis[i], rest)
            rest = rest - upper[i, j] * basis[i]
            power = power - upper[i, j] * steps[i]
        height = np.sqrt(_dot(rest, rest))
        length = np.sqrt(square)
        flat |= (height <= _FLAT * length) & (np.abs(power) <= _ON_SPHERE * scale * length)
        heights.append(np.maximum(height, _TINY))
        steps.append(power / heights[j])
        basis.append(rest / heights[j])
    weights = list(steps)
    for i in reversed(range(len(edges))):
        for j in range(i + 1, len(edges)):
            weights[i] = weights[i] - upper[i, j] * weights[j]
        weights[i] = weights[i] / heights[i]
    return np.sum([step * step for step in steps], axis=0), weights, flat


def _dot(left: np.ndarray, right: np.ndarray) -> np.ndarray:
    product: np.ndarray = np.einsum("ij,ij->j", left, right)
    return product
