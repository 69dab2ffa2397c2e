"""Codes to start from: rows laid out by the paths between neighbours."""

from __future__ import annotations

import numpy as np
from jaxtyping import Float

from isthmus.topology.neighbours import nearest_neighbours

NEIGHBOURS = 12
_APART = 1.5  # of the radii of two pieces, distance of their centres


def layout(
    rows: Float[np.ndarray, "sample input"], n_code: int
) -> Float[np.ndarray, "sample code"]:
    """Lay rows out so that distances along the data are kept, and pieces lie apart.

    Each connected piece of the graph of nearest neighbours is placed by classical scaling
    of its shortest paths (Isomap); pieces stand in a row along the first coordinate. Unlike
    a projection, linked or folded pieces do not cross.

    Args:
        rows: Different rows, at least 10, at most some thousand.
        n_code: Coordinates, at least 1.

    Returns:
        Centred coordinates of mean square 1, in the order of the rows.

    Examples:
        >>> angle = np.arange(100) * 2 * np.pi / 100
        >>> ring = np.column_stack([np.cos(angle), np.sin(angle), 0 * angle])
        >>> other = np.column_stack([1 + np.cos(angle), 0 * angle, np.sin(angle)])
        >>> found = layout(np.concatenate([ring, other]), 2)
        >>> bool(found[:100, 0].max() < found[100:, 0].min())
        True

    References:
        [tenenbaum:00]
    """
    from scipy.sparse import coo_matrix, csgraph

    near = nearest_neighbours(rows, min(NEIGHBOURS, len(rows) - 1))
    first = np.repeat(np.arange(len(rows)), near.indices.shape[1])
    second = near.indices.ravel()
    length = np.linalg.norm(rows[first] - rows[second], axis=1)
    graph = coo_matrix((length, (first, second)), shape=(len(rows), len(rows))).tocsr()
    count, label = csgraph.connected_components(graph, directed=False)
    found = np.zeros((len(rows), n_code))
    end = 0.0
    for piece in range(count):
        inside = np.flatnonzero(label == piece)
        paths = csgraph.shortest_path(graph[inside][:, inside], directed=False)
        placed = _scaled(np.asarray(paths), n_code)
        radius = float(np.abs(placed[:, 0]).max(initial=0.0))
        placed[:, 0] += end + _APART * radius
        end += 2.0 * _APART * radius
        found[inside] = placed
    found -= found.mean(axis=0)
    size = float(np.sqrt(np.mean(found**2)))
    return found / size if size > 0 else found


def _scaled(distances: np.ndarray, n_code: int) -> np.ndarray:
    """Classical scaling: coordinates whose products come nearest to these distances'."""
    square = distances**2
    products = -0.5 * (
        square - square.mean(axis=0) - square.mean(axis=1)[:, None] + square.mean()
    )
    values, vectors = np.linalg.eigh(products)
    most = min(n_code, len(values))
    top = np.sqrt(np.maximum(values[::-1][:most], 0.0))
    placed = np.zeros((len(distances), n_code))
    placed[:, :most] = vectors[:, ::-1][:, :most] * top
    return placed
