"""What an alpha complex will cost, told before the work starts."""

from __future__ import annotations

import dataclasses

import numpy as np
from jaxtyping import Float, Int

from isthmus.core.errors import ValueOutOfRange
from isthmus.core.memory import available_memory
from isthmus.core.random import as_rng, random_subset
from isthmus.topology.delaunay import delaunay_simplices

MOST_SIMPLICES = 4_000_000
"""Simplices that are made without asking: about half a minute and 1 GB."""

_PILOT = (300, 600)
_PER_TOP = {1: 2.0, 2: 3.0, 3: 4.4, 4: 6.2}
_BYTES = 300
_SECONDS = 8e-6
_CAREFUL = 0.9
_TREE_DIM = 8
_BLOCK = 512
_COVERING_WORK = 50_000_000_000


@dataclasses.dataclass(frozen=True)
class Cost:
    """An estimate, right to about a third.

    Attributes:
        simplices: Simplices of all dimensions.
        memory: Peak in bytes.
        seconds: Time for one coefficient field on one core of about 3 GHz.
        points: Points whose complex has at most ``MOST_SIMPLICES`` simplices.
    """

    simplices: int
    memory: int
    seconds: float
    points: int


def alpha_cost(points: Float[np.ndarray, "sample dim"]) -> Cost:
    """Estimate the alpha complex of a cloud from those of two small samples.

    Simplices grow as a power of the number of points, between the first for clouds that
    fill their space and the second for some surfaces. Above four dimensions a projection
    to four is meant.

    Examples:
        >>> rng = np.random.default_rng(0)
        >>> alpha_cost(rng.uniform(size=(100_000, 2))).simplices // 100_000
        6
    """
    count, dim = points.shape
    if min(count, dim) < 2:
        return Cost(2 * count, _BYTES * count, _SECONDS * count, count)
    dim = min(dim, 4)
    small, large = (min(size, count) for size in _PILOT)
    tops = [_tops(points[:, :dim], size) for size in (small, large)]
    growth = 1.0
    if large > small and tops[0] and tops[1]:
        growth = float(np.clip(np.log(tops[1] / tops[0]) / np.log(large / small), 1.0, 2.0))
    simplices = _PER_TOP[dim] * max(tops[1], 1) * (count / large) ** growth
    fitting = int(count * min(1.0, MOST_SIMPLICES / simplices) ** (1.0 / growth))
    return Cost(int(simplices), int(_BYTES * simplices), _SECONDS * simplices, fitting)


def affordable_rows(
    call: str, points: Float[np.ndarray, "sample dim"], max_points: int | None
) -> Int[np.ndarray, " kept"] | None:
    """Rows to keep so that the work stays small, or None for all of them.

    Args:
        call: Call and argument, for messages.
        points: The cloud in coordinates in which it will be triangulated.
        max_points: Most points; None for what ``MOST_SIMPLICES`` and memory allow.

    Returns:
        Ascending rows, drawn evenly at random with a fixed seed: a random sample keeps
        the law of persistence ratios, farthest points would not.

    Raises:
        ValueOutOfRange: If the number of points that was asked for is too many.
    """
    count = points.shape[0]
    wanted = count if max_points is None else min(max_points, count)
    rows = None if wanted == count else random_rows(count, wanted)
    cost = alpha_cost(points if rows is None else points[rows])
    memory = available_memory()
    fits = memory is None or cost.memory <= 0.8 * memory
    if fits and cost.simplices <= MOST_SIMPLICES:
        return rows
    fewer = int(_CAREFUL * cost.points)
    if memory is not None:
        fewer = min(fewer, int(wanted * min(1.0, 0.8 * memory / cost.memory)))
    if max_points is None:
        return random_rows(count, fewer)
    radius = covering_radius(points, random_rows(count, fewer))
    raise ValueOutOfRange(
        f"`{call}(max_points=...)` must keep the complex below {MOST_SIMPLICES:,} "
        f"simplices; {wanted:,} points make about {cost.simplices:,}, "
        f"{cost.memory / 1e9:.1f} GB and {cost.seconds:.0f} s. Take max_points={fewer}, "
        f"whose points are at most {radius:.3g} from all others, or fewer dimensions."
    )


def random_rows(count: int, wanted: int) -> Int[np.ndarray, " kept"]:
    """Ascending rows, drawn evenly at random with a fixed seed."""
    return np.sort(random_subset(as_rng(0), count, max(wanted, 1)))


def covering_radius(
    points: Float[np.ndarray, "sample dim"], rows: Int[np.ndarray, " kept"]
) -> float:
    """Largest distance of a point to the nearest row kept, in input units.

    In more than eight dimensions, where all distances must be computed, at most
    5e10 / (rows kept x dimensions) points, evenly spaced, are looked at.

    Examples:
        >>> covering_radius(np.array([[0.0], [1.0], [5.0]]), np.array([0, 1]))
        4.0
    """
    count, dim = points.shape
    if dim <= _TREE_DIM:
        from scipy.spatial import cKDTree

        return float(cKDTree(points[rows]).query(points)[0].max())
    step = -(-count * rows.size * dim // _COVERING_WORK)
    kept, looked = points[rows], points[::step]
    squares = np.square(kept).sum(axis=1)
    farthest = 0.0
    for start in range(0, looked.shape[0], _BLOCK):
        block = looked[start : start + _BLOCK]
        nearest = (squares - 2.0 * (block @ kept.T)).min(axis=1)
        farthest = max(farthest, float((nearest + np.square(block).sum(axis=1)).max()))
    return float(np.sqrt(farthest))


def _tops(points: np.ndarray, size: int) -> int:
    """Delaunay simplices of a random sample; 0 where Qhull gives up."""
    found = delaunay_simplices(points[random_rows(points.shape[0], size)])
    return 0 if found is None else found.shape[1]
