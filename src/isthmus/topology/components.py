"""Connected components of a cloud, by the gaps of its minimal spanning tree."""

from __future__ import annotations

import dataclasses

import numpy as np
from jaxtyping import Float, Int

from isthmus.topology.point_clouds import lengths

RATIO = 3.0
"""A gap must be this much longer than the next one to part components."""

MOST_CUTS = 20
_FEWEST_POINTS = 20
_LEAST_SHARE = 0.01


@dataclasses.dataclass(frozen=True)
class Components:
    """Parts of a cloud.

    Attributes:
        labels: Component of each point, from 0; 0 is the largest.
        gap: Shortest edge that was cut, in input units: no two components are nearer.
            Infinity if there is one component.
    """

    labels: Int[np.ndarray, " sample"]
    gap: float

    @property
    def count(self) -> int:
        """Number of components."""
        return int(self.labels.max()) + 1


def connected_components(
    points: Float[np.ndarray, "sample dim"],
    edges: Int[np.ndarray, "2 edge"] | None = None,
) -> Components:
    """Cut the minimal spanning tree where its edges jump in length.

    Edges, longest first, are twice the deaths of components. They are cut down to the
    i-th, i at most 20, with the largest ratio of the i-th to the next; only if that ratio
    is at least 3 and every part keeps 20 points and 1 % of all. Otherwise there is one
    component.

    Args:
        points: Distinct points.
        edges: Pairs among which the tree is, such as Delaunay edges; all by
            default, for at most some thousand points.

    Returns:
        Labels, and the distance between components.

    Examples:
        >>> line = np.arange(25.0)[:, None]
        >>> parts = connected_components(np.vstack([line, line + 100.0]))
        >>> parts.count, parts.gap, parts.labels[:2].tolist()
        (2, 76.0, [0, 0])
    """
    count = points.shape[0]
    one = Components(np.zeros(count, np.int64), np.inf)
    least = max(_FEWEST_POINTS, _LEAST_SHARE * count)
    if count < 2 * least:
        return one
    pairs, sizes = _spanning_tree(points, edges)
    order = np.argsort(-sizes)
    pairs, sizes = pairs[:, order], sizes[order]
    ratios = sizes[:MOST_CUTS] / sizes[1 : MOST_CUTS + 1]
    cuts = int(ratios.argmax()) + 1
    if ratios[cuts - 1] < RATIO:
        return one
    labels = _labels(pairs[:, cuts:], count)
    members = np.bincount(labels)
    if members.min() < least:
        return one
    rank = np.argsort(np.argsort(-members, kind="stable"))
    return Components(rank[labels], float(sizes[cuts - 1]))


def longest_gap(
    points: Float[np.ndarray, "sample dim"],
    edges: Int[np.ndarray, "2 edge"] | None = None,
) -> float:
    """Longest edge of the minimal spanning tree; 0 for a single point.

    Examples:
        >>> longest_gap(np.array([[0.0], [1.0], [5.0]]))
        4.0
    """
    if points.shape[0] < 2:
        return 0.0
    return float(_spanning_tree(points, edges)[1].max())


def _labels(pairs: np.ndarray, count: int) -> np.ndarray:
    from scipy.sparse import coo_matrix, csgraph

    graph = coo_matrix((np.ones(pairs.shape[1]), tuple(pairs)), shape=(count, count))
    labels: np.ndarray = csgraph.connected_components(graph, directed=False)[1]
    return labels.astype(np.int64)


def _spanning_tree(
    points: np.ndarray, edges: np.ndarray | None
) -> tuple[np.ndarray, np.ndarray]:
    if edges is None:
        return _prim(points)
    from scipy.sparse import coo_matrix, csgraph

    count = points.shape[0]
    graph = coo_matrix((lengths(points, edges), tuple(edges)), shape=(count, count))
    tree = csgraph.minimum_spanning_tree(graph.tocsr()).tocoo()
    return np.stack([tree.row, tree.col]), tree.data


def _prim(points: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Prim's algorithm on all pairs, in quadratic time and memory."""
    from scipy.spatial.distance import pdist, squareform

    count = points.shape[0]
    distances = squareform(pdist(points))
    nearest = np.full(count, np.inf)
    parent = np.zeros(count, np.int64)
    outside = np.ones(count, bool)
    pairs = np.empty((2, count - 1), np.int64)
    newest = 0
    for step in range(count - 1):
        outside[newest] = False
        away = distances[newest]
        closer = outside & (away < nearest)
        nearest[closer] = away[closer]
        parent[closer] = newest
        newest = int(np.where(outside, nearest, np.inf).argmin())
        pairs[:, step] = parent[newest], newest
    return pairs, nearest[pairs[1]]
