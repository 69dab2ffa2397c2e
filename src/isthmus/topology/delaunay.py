"""Top simplices of Delaunay triangulations, cospherical points included."""

from __future__ import annotations

import numpy as np
from jaxtyping import Float, Int

_ON_SPHERE = 1e-13


def delaunay_simplices(
    points: Float[np.ndarray, "sample dim"],
) -> Int[np.ndarray, "vertex simplex"] | None:
    """Ascending vertices of top simplices, one per column.

    Points that all lie on one sphere (circles, spheres, products of circles) are each
    other's Delaunay neighbours: any triangulation of their hull will do, here the cone of
    the first point over the facets of the hull. Qhull's own answer, one giant cell cut
    up, takes quadratic time.

    Args:
        points: Distinct points that span their space.

    Returns:
        Simplices, or None where Qhull gives up or loses points.

    Examples:
        >>> square = np.array([[0.0, 0.0], [1.0, 0.0], [0.0, 1.0], [1.0, 1.0]])
        >>> delaunay_simplices(square).shape
        (3, 2)
    """
    count, dim = points.shape
    if count == dim + 1:
        return np.arange(count, dtype=np.int32)[:, None]
    if dim == 1:
        order = np.argsort(points[:, 0])
        return np.sort(np.stack([order[:-1], order[1:]]), axis=0).astype(np.int32)
    from scipy.spatial import ConvexHull, Delaunay, QhullError

    # Qhull multiplies dim + 1 lengths: by a power of two they become about 1, exactly.
    points = np.ldexp(points, -int(np.frexp(np.abs(points).max())[1]))
    try:
        if cospherical(points):
            return _cone(ConvexHull(points).simplices)
        found = Delaunay(points)
    except QhullError:
        return None
    if found.coplanar.size:
        return None
    return np.ascontiguousarray(np.sort(found.simplices, axis=1).T)


def cospherical(points: Float[np.ndarray, "sample dim"]) -> bool:
    """Whether all points lie on one sphere, to rounding.

    Examples:
        >>> cospherical(np.array([[1.0, 1.0], [3.0, 1.0], [2.0, 2.0], [2.0, 0.0]]))
        True
    """
    centred = points - points.mean(axis=0)
    squares = np.square(centred).sum(axis=1)
    columns = np.column_stack([centred, np.full(squares.size, np.sqrt(squares.mean()))])
    few = columns[:: max(1, squares.size // 64)]
    for rows in (few, columns):  # most clouds are refused by the first few points
        right = squares[:: max(1, squares.size // 64)] if rows is few else squares
        fitted = rows @ np.linalg.lstsq(rows, right, rcond=None)[0]
        if np.abs(fitted - right).max() > _ON_SPHERE * squares.max():
            return False
    return True


def _cone(facets: np.ndarray) -> np.ndarray:
    """Simplices of point 0 with each facet that it is not on."""
    away = np.sort(facets[(facets != 0).all(axis=1)], axis=1).T
    return np.concatenate([np.zeros((1, away.shape[1]), away.dtype), away])
