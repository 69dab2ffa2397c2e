"""The hunt for the worst reconstruction between samples."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterable

import numpy as np
from jaxtyping import Float, Int

from isthmus.topology.chase import Start, chase

Errors = Callable[[np.ndarray], np.ndarray]

_INSIDE = 64  # points drawn in every simplex that is looked at
_MOST, _LEAST = 3000, 200  # simplices of a size that are looked at
_VALUES = 4e8  # numbers in all points of these, where that asks for fewer
_CORNERS = 4  # at most: tetrahedra
_STARTS, _FEWEST = 24, 4  # simplices searched to the end; fewer of long rows too
_WIDEST, _NARROWEST = 0.5, 1e-9  # of a simplex, steps of the search
_TRIES, _ROUNDS = 48, 100  # points of each step, steps at most
_GROW, _SHRINK = 1.5, 0.5
_SUCCESS = 1.0 + 1e-9
_CHUNK, _NUMBERS = 8192, 2**24  # points tried together, and coordinates of these


@dataclasses.dataclass(frozen=True, eq=False)
class Worst:
    """A point between samples where the error is largest, as far as was searched.

    Attributes:
        error: Distance from its reconstruction, input units.
        location: The point, "input".
        vertices: Rows whose convex hull it lies in.
        weights: Its barycentric coordinates there; they add up to 1.
    """

    error: float
    location: Float[np.ndarray, " input"]
    vertices: tuple[int, ...]
    weights: tuple[float, ...]


def errors_along(
    errors: Errors,
    x: Float[np.ndarray, "row input"],
    edges: Int[np.ndarray, "edge two"],
    n_points: int,
) -> Float[np.ndarray, "edge point"]:
    """Errors at points evenly spread along edges, both ends counted."""
    share = np.linspace(0.0, 1.0, n_points)
    return _errors_in(errors, x, edges, np.column_stack([1.0 - share, share]))


def hunt(
    errors: Errors,
    x: Float[np.ndarray, "row input"],
    edges: Int[np.ndarray, "edge two"],
    candidates: Int[np.ndarray, " candidate"],
    image: Errors,
) -> Worst:
    """Largest error on candidate edges and in the triangles and tetrahedra on them.

    A tear of a surface may lie within one triangle and touch no edge. 64 points of each
    simplex are tried, of at most 3000 simplices of a size (fewer above 2000 columns), and
    simplices whose codes are far apart are followed to where they stay so
    (:func:`isthmus.topology.chase.chase`). From the worst of each of the worst simplices,
    24 of either kind (fewer likewise), a random search with steps that grow on success and
    halve on failure goes on until they are 1e-9 of the simplex, at most 100 of them.

    Args:
        errors: Error of each of some points.
        x: Samples.
        edges: Pairs of samples, all that are near.
        candidates: Numbers of the edges to start from, best first.
        image: Codes of points, or what else jumps at a tear.

    Returns:
        The worst point found: a lower bound of the largest error between samples. The same
        for the same samples.
    """
    rng = np.random.default_rng(0)
    near = _neighbours(edges, x.shape[0])
    most = _number_of(x.shape[1])
    kept = max(_FEWEST, _STARTS * most // _MOST)
    simplices, far = edges[candidates][:most], _by_codes(image, x, edges)[:most]
    chased: list[Start] = []
    starts: list[Start] = []
    for corners in range(2, min(_CORNERS, x.shape[1] + 1) + 1):
        if corners > 2:
            simplices, far = (_cofaces(part, near, most) for part in (simplices, far))
        chased += chase(errors, image, x, far)
        if not len(simplices):
            break
        weights = rng.dirichlet(np.ones(corners), size=_INSIDE)
        found = _errors_in(errors, x, simplices, weights)
        order = np.argsort(-found.max(axis=1), kind="stable")
        for i in order[:kept]:
            best = int(np.argmax(found[i]))
            vertices = tuple(simplices[i].tolist())
            starts.append((float(found[i, best]), vertices, weights[best]))
    starts.sort(key=lambda start: -start[0])
    chased.sort(key=lambda start: -start[0])
    return _climbed(errors, x, [*starts[:kept], *chased[:kept]], rng)


def _by_codes(image: Errors, x: np.ndarray, edges: np.ndarray) -> np.ndarray:
    """Edges whose ends have codes farthest apart."""
    codes = image(x)
    apart = np.linalg.norm(codes[edges[:, 0]] - codes[edges[:, 1]], axis=1)
    return np.asarray(edges[np.argsort(-apart, kind="stable")])


def _number_of(n_input: int) -> int:
    """Simplices of a size that are looked at: fewer where points are long."""
    return int(np.clip(_VALUES / (_INSIDE * n_input), _LEAST, _MOST))


def _errors_in(
    errors: Errors, x: np.ndarray, simplices: np.ndarray, weights: np.ndarray
) -> np.ndarray:
    """Errors at points of given barycentric coordinates, "simplex point"."""
    found = np.empty((len(simplices), len(weights)))
    block = max(1, min(_CHUNK, _NUMBERS // x.shape[1]) // len(weights))
    for start in range(0, len(simplices), block):
        corners = x[simplices[start : start + block]]
        points = (weights @ corners).reshape(-1, x.shape[1])
        found[start : start + block] = errors(points).reshape(-1, len(weights))
    return found


def _climbed(
    errors: Errors,
    x: np.ndarray,
    starts: list[Start],
    rng: np.random.Generator,
) -> Worst:
    """The best of random searches in all simplices at once: one call for each step."""
    most = max(len(vertices) for _, vertices, _ in starts)
    rows = np.array([v + v[:1] * (most - len(v)) for _, v, _ in starts])
    live = np.array([[i < len(v) for i in range(most)] for _, v, _ in starts])
    weights = np.zeros(live.shape)
    weights[live] = np.concatenate([w for _, _, w in starts])
    best = np.array([error for error, _, _ in starts])
    step = np.full(len(starts), _WIDEST)
    corners, all_starts = x[rows], np.arange(len(starts))
    for _ in range(_ROUNDS):
        noise = rng.standard_normal((len(starts), _TRIES, most)) * live[:, None]
        noise -= noise.sum(axis=2, keepdims=True) / live.sum(axis=1)[:, None, None]
        tries = np.maximum(weights[:, None] + step[:, None, None] * noise, 0.0)
        tries *= live[:, None]
        tries /= tries.sum(axis=2, keepdims=True)
        found = errors((tries @ corners).reshape(-1, x.shape[1])).reshape(len(starts), -1)
        at = found.argmax(axis=1)
        top, reached = found[all_starts, at], tries[all_starts, at]
        better = top > _SUCCESS * best
        best, weights = (
            np.where(better, top, best),
            np.where(better[:, None], reached, weights),
        )
        step = np.where(better, np.minimum(_WIDEST, step * _GROW), step * _SHRINK)
        if np.all(step < _NARROWEST):
            break
    i = int(np.argmax(best))
    vertices = starts[i][1]
    shares = weights[i, : len(vertices)]
    return Worst(
        float(best[i]), shares @ x[list(vertices)], vertices, tuple(shares.tolist())
    )


def _cofaces(simplices: np.ndarray, near: list[set[int]], most: int) -> np.ndarray:
    """Simplices with one corner more, all of whose corners are neighbours."""
    found: dict[tuple[int, ...], None] = {}
    for corners in _lists(simplices):
        for other in sorted(set.intersection(*(near[v] for v in corners))):
            found[tuple(sorted((*corners, other)))] = None
            if len(found) >= most:
                return np.array(list(found))
    return np.array(list(found)).reshape(len(found), simplices.shape[1] + 1)


def _neighbours(edges: np.ndarray, n_rows: int) -> list[set[int]]:
    near: list[set[int]] = [set() for _ in range(n_rows)]
    for i, j in _lists(edges):
        near[i].add(j)
        near[j].add(i)
    return near


def _lists(rows: np.ndarray) -> Iterable[list[int]]:
    found: list[list[int]] = rows.tolist()
    return found
