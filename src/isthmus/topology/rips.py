"""Holes of clouds with many dimensions: the Rips complex of some landmarks."""

from __future__ import annotations

import dataclasses
import math
from typing import Any

import numpy as np
from jaxtyping import Bool, Float, Int

from isthmus.core.errors import ValueOutOfRange
from isthmus.topology.landmarks import farthest_points
from isthmus.topology.persistence import Intervals
from isthmus.topology.simplex_tree import filled_tree, persistence

MOST_LANDMARKS = (800, 400, 160, 80, 50)
"""Landmarks that half a minute affords, by the largest degree."""

MOST_SIMPLICES = 1_500_000
_SHRINK = 0.8
_FEWEST = 8
_LEAST = 32
_BLOCK = 50_000
_ONES = np.array([bin(byte).count("1") for byte in range(256)], np.int64)


@dataclasses.dataclass(frozen=True)
class RipsDiagram:
    """Persistence of the flag complex of landmarks, in edge lengths.

    Attributes:
        intervals: Field -> degree -> births and deaths, lengths of edges (diameters).
        landmarks: Rows of the cloud that the simplices speak of.
        covering_radius: Largest distance of a point to its nearest landmark.
    """

    intervals: Intervals
    landmarks: Int[np.ndarray, " landmark"]
    covering_radius: float


def rips_diagram(
    points: Float[np.ndarray, "sample dim"],
    max_degree: int,
    fields: tuple[int, ...] = (2,),
    *,
    max_landmarks: int | None = None,
) -> RipsDiagram:
    """Persistence of the Rips filtration on max-min landmarks.

    Edges longer than the least distance within which one landmark reaches all others
    are left out: the complex is then a cone. Edges that do not change the homotopy type
    are collapsed. Landmarks are dropped, last chosen first, until the complex has at
    most 1.5 million simplices.

    Args:
        points: The cloud.
        max_degree: Largest degree of holes, at least 1.
        fields: Primes of the coefficient fields.
        max_landmarks: Most landmarks; by default 400 for loops, 160 for cavities, 80
            and 50 for degrees 3 and 4, 32 above.

    Returns:
        Intervals, exact for the landmarks that are named.

    Raises:
        ValueOutOfRange: If fewer than eight landmarks would fit.
        MissingDependency: If gudhi is not installed.

    Examples:
        >>> angle = np.linspace(0, 2 * np.pi, 24, endpoint=False)
        >>> circle = np.stack([np.cos(angle), np.sin(angle)], axis=1)
        >>> rips_diagram(circle, 1).intervals[2][1].round(2).tolist()
        [[0.26, 1.73]]
    """
    if max_landmarks is None:
        max_landmarks = (*MOST_LANDMARKS, _LEAST)[min(max_degree, len(MOST_LANDMARKS))]
    chosen = farthest_points(points, max_landmarks)
    distances = _distances(points[chosen.indices])
    count = chosen.indices.size
    while True:
        tree, longest = _flag_complex(distances[:count, :count], max_degree)
        if tree is not None:
            break
        count = int(count * _SHRINK)
        if count < _FEWEST:
            raise ValueOutOfRange(
                f"`rips_diagram(max_degree=...)` must leave room for {_FEWEST} landmarks; "
                f"got {max_degree}. Ask for holes of a lower degree."
            )
    found = {
        field: [
            np.minimum(each, longest) if degree else each for degree, each in enumerate(per)
        ]
        for field, per in persistence(tree, fields, max_degree + 1).items()
    }
    return RipsDiagram(found, chosen.indices[:count], float(chosen.covering[count - 1]))


def rips_bound(
    births: Float[np.ndarray, " interval"],
    deaths: Float[np.ndarray, " interval"],
    degree: int,
) -> Float[np.ndarray, " interval"]:
    r"""Error that a class of a Rips filtration certifies, in input units.

    .. math:: \frac{\omega}{2} - \beta \sqrt{\frac{j}{2(j+1)}}

    for a class of degree j born at edge length beta and dead at omega: by Jung's theorem
    a point of a j-simplex of diameter beta is within the second term of a vertex, and
    balls of radius t meet only where edges are at most 2 t long. It speaks of the
    simplices of degree j whose edges are at most beta long.

    Examples:
        >>> rips_bound(np.array([0.2]), np.array([1.7]), 1).round(12).tolist()
        [0.75]
    """
    return 0.5 * deaths - births * math.sqrt(degree / (2.0 * (degree + 1.0)))


def clique_counts(
    adjacency: Bool[np.ndarray, "vertex vertex"], largest: int, budget: int
) -> list[int]:
    """How many cliques of 1, 2, ..., `largest` vertices a graph has.

    Stops after the first size with which the sum exceeds `budget`.

    Examples:
        >>> clique_counts(~np.eye(5, dtype=bool), 3, 1000)
        [5, 10, 10]
    """
    upper = np.packbits(np.triu(adjacency, 1), axis=1)
    counts, common = [adjacency.shape[0]], upper
    for size in range(2, largest + 1):
        counts.append(int(sum(_ONES[part].sum() for part in _blocks(common))))
        if sum(counts) > budget or size == largest:
            break
        common = np.concatenate([_extended(part, upper) for part in _blocks(common)])
    return counts


def _blocks(rows: np.ndarray) -> list[np.ndarray]:
    return [rows[i : i + _BLOCK] for i in range(0, len(rows), _BLOCK)]


def _extended(common: np.ndarray, upper: np.ndarray) -> np.ndarray:
    """Later common neighbours of each clique with one vertex more."""
    clique, vertex = np.nonzero(np.unpackbits(common, axis=1))
    longer: np.ndarray = common[clique] & upper[vertex]
    return longer


def _flag_complex(distances: np.ndarray, max_degree: int) -> tuple[Any, float]:
    """Expanded tree, or None if it has too many simplices, and its longest edge."""
    count = distances.shape[0]
    longest = float(distances.max(axis=1).min())
    pairs = np.stack(np.triu_indices(count, 1)).astype(np.int32)
    lengths = distances[pairs[0], pairs[1]]
    near = lengths <= longest
    vertices = np.arange(count, dtype=np.int32)[None]
    tree = filled_tree(
        [vertices, pairs[:, near]], [np.zeros(count), np.ascontiguousarray(lengths[near])]
    )
    tree.collapse_edges()
    adjacency = np.zeros((count, count), bool)
    for simplex, _ in tree.get_skeleton(1):
        if len(simplex) == 2:
            adjacency[simplex[0], simplex[1]] = adjacency[simplex[1], simplex[0]] = True
    if sum(clique_counts(adjacency, max_degree + 2, MOST_SIMPLICES)) > MOST_SIMPLICES:
        return None, longest
    tree.expansion(max_degree + 1)
    return tree, longest


def _distances(points: np.ndarray) -> np.ndarray:
    from scipy.spatial.distance import pdist, squareform

    distances: np.ndarray = squareform(pdist(points))
    return distances
