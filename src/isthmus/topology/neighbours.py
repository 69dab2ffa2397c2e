"""Nearest neighbours of every point, found once and shared by whoever measures shape."""

from __future__ import annotations

import dataclasses

import numpy as np
from jaxtyping import Float, Int

from isthmus.core.door import real_array, whole_number
from isthmus.core.errors import DataError
from isthmus.core.typing import Matrix
from isthmus.topology.blocked import brute_force

TREE_COLUMNS = 5
"""Columns up to which a tree beats products of blocks."""

LEAST_POINTS = 10
"""Different points below which nothing is said about a shape."""

_MOST = 1e300
_TINY = 1e-150  # distances, relative to the spread, whose square is still a number


@dataclasses.dataclass(frozen=True, eq=False)
class Neighbours:
    """Different points and their nearest others.

    Attributes:
        points: The different rows, in the order of their first appearance, "sample column",
            less a constant and over a power of two: largest coordinate between 1/2 and 1.
        distances: To the 1st, 2nd, ... nearest other point, "sample neighbour", in the
            units of `points`, positive.
        indices: Which points these are.
        scale: Input units per unit of `points`.
        n_duplicates: Rows left out because an earlier row is the same.
    """

    points: Float[np.ndarray, "sample column"]
    distances: Float[np.ndarray, "sample neighbour"]
    indices: Int[np.ndarray, "sample neighbour"]
    scale: float
    n_duplicates: int

    @property
    def n_points(self) -> int:
        """Different points."""
        return int(self.points.shape[0])


def nearest_neighbours(x: Matrix, n_neighbours: int) -> Neighbours:
    """Find the nearest neighbours of every different row, itself not counted.

    Up to five columns by a k-d tree; beyond by products of blocks in float32, whose
    candidates are measured again in float64. Rows for which float32 might have missed a
    neighbour are searched again in float64, so that the answer is exact.

    Args:
        x: Rows, "sample column", finite.
        n_neighbours: How many; fewer where there are not so many other points.

    Returns:
        The different points, and distances exact to rounding.

    Raises:
        DataError: If `x` is no table of finite numbers, or has fewer than ten different
            rows.

    Examples:
        >>> line = np.repeat(np.arange(12.0)[:, None] ** 2, 2, axis=0)
        >>> found = nearest_neighbours(line, 2)
        >>> found.n_points, found.n_duplicates, found.indices[5].tolist()
        (12, 12, [4, 6])
        >>> (found.distances[0] * found.scale).tolist()
        [1.0, 4.0]
    """
    n_neighbours = whole_number(
        "nearest_neighbours(n_neighbours=...)", n_neighbours, least=1
    )
    points, n_duplicates = different_rows(_checked(x))
    if points.shape[0] < LEAST_POINTS:
        raise DataError(
            f"`nearest_neighbours(x=...)` must have at least {LEAST_POINTS} different "
            f"rows; got {points.shape[0]}, and {n_duplicates} that repeat them. Fewer "
            "points have no shape to speak of."
        )
    scaled, scale = _scaled(points)
    k = min(n_neighbours, scaled.shape[0] - 1)
    search = _tree if scaled.shape[1] <= TREE_COLUMNS else brute_force
    distances, indices = search(scaled, k)
    return Neighbours(scaled, np.maximum(distances, _TINY), indices, scale, n_duplicates)


def different_rows(x: np.ndarray) -> tuple[np.ndarray, int]:
    """Rows without those that repeat an earlier one, and how many were left out.

    Examples:
        >>> different_rows(np.array([[2.0, 1.0], [0.0, 1.0], [2.0, 1.0], [-0.0, 1.0]]))
        (array([[2., 1.],
               [0., 1.]]), 2)
    """
    plain = np.ascontiguousarray(x + 0.0)  # -0.0 + 0.0 is 0.0: equal rows, equal bytes
    as_bytes = plain.view(np.dtype((np.void, plain.dtype.itemsize * plain.shape[1])))
    first = np.sort(np.unique(as_bytes.ravel(), return_index=True)[1])
    return plain[first], x.shape[0] - first.size


def _checked(x: Matrix) -> np.ndarray:
    given = real_array("nearest_neighbours(x=...)", x)
    if given.ndim != 2 or given.size == 0:
        raise DataError(
            f"`nearest_neighbours(x=...)` must have rows and columns; got shape "
            f"{given.shape}. Flatten images with x.reshape(len(x), -1)."
        )
    if not np.all(np.isfinite(given)):
        raise DataError(
            "`nearest_neighbours(x=...)` must be finite; it holds NaN or infinity. Fill or "
            "drop such rows first."
        )
    return given


def _scaled(points: np.ndarray) -> tuple[np.ndarray, float]:
    most = float(np.abs(points).max())
    if most > _MOST:
        raise DataError(
            "`nearest_neighbours(x=...)` must be small enough to subtract; its largest "
            f"value is {most:.3g}. Divide the data by a constant."
        )
    moved = points - 0.5 * (points.max(axis=0) + points.min(axis=0))
    scale = float(np.abs(moved).max())
    if scale == 0.0:  # they differ, but by less than half of rounding
        moved, scale = points - points[0], float(np.abs(points - points[0]).max())
    scale = float(np.ldexp(1.0, int(np.frexp(scale)[1])))  # exact: ties stay ties
    return moved / scale, scale


def _tree(points: np.ndarray, k: int) -> tuple[np.ndarray, np.ndarray]:
    from scipy.spatial import cKDTree

    distances, indices = cKDTree(points).query(points, k + 1, workers=-1)
    # Centring may have made two points one: then a point is not always its own first.
    own = indices == np.arange(points.shape[0])[:, None]
    own[~own.any(axis=1), -1] = True
    shape = (points.shape[0], k)
    return distances[~own].reshape(shape), indices[~own].reshape(shape).astype(np.int64)
