"""What errors between samples say: shares, steepness, and what a target would need."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable

import numpy as np
from jaxtyping import Bool, Float, Int
from scipy import sparse, stats

_LEVEL = 0.95
_BLOCK = 1024
_MOST_ROWS = 20_000
_CLEAR = 1000.0
_TARGETS = ((0.5, 0.05), (0.5, 0.01), (0.1, 0.05), (0.1, 0.01))


@dataclasses.dataclass(frozen=True, eq=False)
class ErrorCurve:
    """Share of rows with an error above each threshold.

    Attributes:
        epsilon: Thresholds, input units, rising.
        share: Share of the rows with a larger error.
        upper: Clopper-Pearson bound on that share in the population, 95 % one-sided, each
            threshold by itself; for rows drawn independently that nothing was fitted on.
    """

    epsilon: Float[np.ndarray, " threshold"]
    share: Float[np.ndarray, " threshold"]
    upper: Float[np.ndarray, " threshold"]


@dataclasses.dataclass(frozen=True)
class RequiredLipschitz:
    """How steep an autoencoder must be to fail rarely.

    Attributes:
        epsilon: Error, input units.
        delta: Share of the rows that may exceed it.
        lipschitz: Constant that every such autoencoder has at least.
    """

    epsilon: float
    delta: float
    lipschitz: float


def error_curve(error: Float[np.ndarray, " row"], n_points: int = 41) -> ErrorCurve:
    r"""Empirical (epsilon, delta) curve with its one-sided 95 % bound.

    With m of N rows above a threshold the bound is the 0.95 quantile of
    Beta(m + 1, N - m); for m = 0 it is :math:`1 - 0.05^{1/N}`, about 3 / N.

    Args:
        error: Error of each row, input units.
        n_points: Thresholds.

    References:
        [clopper:34]
    """
    top = float(error.max(initial=0.0))
    if top <= 0.0:
        epsilon = np.zeros(1)
    else:
        low = float(error[error > 0].min())
        epsilon = np.geomspace(min(low, top / 1e3), top, n_points)
        epsilon[-1] = top  # powers round: nothing lies above the largest
    above = (error[:, None] > epsilon).sum(axis=0)
    upper = np.where(
        above < error.size,
        stats.beta.ppf(_LEVEL, above + 1, np.maximum(error.size - above, 1)),
        1.0,
    )
    return ErrorCurve(epsilon, above / error.size, upper)


def bad_components(
    edges: Int[np.ndarray, "edge two"], bad: Bool[np.ndarray, " edge"], n_rows: int
) -> tuple[int, ...]:
    """Sizes of the connected parts of the edges where the error is too large.

    Edges belong together that share an end, or whose ends are joined by any edge.

    Returns:
        Number of samples at the ends of each part's edges, largest first.
    """
    if not bad.any():
        return ()
    touched = np.zeros(n_rows, dtype=bool)
    touched[edges[bad].ravel()] = True
    inside = edges[touched[edges].all(axis=1)]
    ones = np.ones(len(inside))
    graph = sparse.coo_matrix((ones, (inside[:, 0], inside[:, 1])), (n_rows, n_rows))
    _, label = sparse.csgraph.connected_components(graph, directed=False)
    sizes = np.bincount(label[touched])
    return tuple(sorted(sizes[sizes > 0].tolist(), reverse=True))


def required_lipschitz(
    x: Float[np.ndarray, "row input"], bound: float, birth: float
) -> tuple[RequiredLipschitz, ...]:
    r"""Least Lipschitz constants at which rare failure is possible.

    If G o F is L-Lipschitz, its error e is (1 + L)-Lipschitz, so that a point y with
    e(y) >= B drags every row nearer than (B - eps)/(1 + L) above eps. The certified point
    lies within `birth` of a row, and every row has more than a share delta of all rows
    within the distance rho of it. Where at most that share may be above eps,

    .. math:: L \ge \frac{B - \epsilon}{\rho + birth} - 1.

    Exact for the rows given and every continuous autoencoder; nothing is assumed of the
    population.

    Args:
        x: Rows.
        bound: Certified error B, input units.
        birth: Scale of the polyhedron that it is certified on, input units.

    Returns:
        For eps of a half and a tenth of B, delta of 5 % and 1 %; none without a bound or
        above 20 000 rows, where all pairs take too long.

    Examples:
        >>> angle = np.arange(1000) * (np.pi / 500)
        >>> circle = np.column_stack([np.cos(angle), np.sin(angle)])
        >>> found = required_lipschitz(circle, 1.0, 0.004)[1]
        >>> found.delta, round(found.lipschitz, 1)
        (0.01, 13.1)
    """
    n_rows = x.shape[0]
    if bound <= 0.0 or n_rows > _MOST_ROWS:
        return ()
    counts = sorted({int(delta * n_rows) for _, delta in _TARGETS})
    reach = dict(zip(counts, _farthest(x, counts), strict=True))
    found = []
    for share, delta in _TARGETS:
        epsilon = share * bound
        near = reach[int(delta * n_rows)] + birth
        if near > 0.0:
            lipschitz = max(0.0, (bound - epsilon) / near - 1.0)
            found.append(RequiredLipschitz(epsilon, delta, lipschitz))
    return tuple(found)


def collision_bound(
    x: Float[np.ndarray, "row input"],
    codes: Float[np.ndarray, "row code"],
    decoder_lipschitz: float,
) -> tuple[float, tuple[int, int]]:
    r"""Error that two rows of like codes force on one of them.

    .. math:: \max(e(x), e(y)) \ge \tfrac12 (\|x - y\| - L_G \|F(x) - F(y)\|)

    by the triangle inequality, at its largest over pairs of rows.

    Args:
        x: Rows, at most 20 000; of more the first are taken.
        codes: Their codes.
        decoder_lipschitz: Lipschitz constant L_G of the decoder.

    Returns:
        The bound, at least 0, and the pair that gives it.
    """
    x, codes = x[:_MOST_ROWS], codes[:_MOST_ROWS]
    best, pair = 0.0, (0, 0)
    for start in range(0, x.shape[0], _BLOCK):
        block = slice(start, start + _BLOCK)
        apart = _distances(x[block], x) - decoder_lipschitz * _distances(
            codes[block], codes
        )
        top = int(np.argmax(apart))
        i, j = divmod(top, x.shape[0])
        if apart[i, j] > 2.0 * best:
            # A product of matrices loses digits of short distances: these two exactly.
            exact = float(np.linalg.norm(x[start + i] - x[j])) - decoder_lipschitz * float(
                np.linalg.norm(codes[start + i] - codes[j])
            )
            if exact > 2.0 * best:
                best, pair = exact / 2.0, (start + i, j)
    return best, pair


def steepest(
    reconstruct: Callable[[np.ndarray], np.ndarray],
    x: Float[np.ndarray, "row input"],
    edges: Int[np.ndarray, "edge two"],
    n_points: int = 401,
    *,
    rounding: float = float(np.finfo(np.float32).eps),
) -> float:
    """Largest slope of the whole map between near points of edges.

    A lower bound of its Lipschitz constant, to a few parts in a thousand: points are at
    least a thousand times as far apart as the map rounds, and edges that are too short
    for that are left out.
    """
    share = np.linspace(0.0, 1.0, n_points)[:, None]
    best = 0.0
    for i, j in edges.tolist():
        points = x[i] + share * (x[j] - x[i])
        back = reconstruct(points)
        step = float(np.linalg.norm(x[j] - x[i])) / (n_points - 1)
        size = max(float(np.linalg.norm(each, axis=1).max()) for each in (points, back))
        apart = max(1, int(np.ceil(_CLEAR * rounding * size / step)))
        if apart < n_points:
            rise = np.linalg.norm(back[apart:] - back[:-apart], axis=1).max()
            best = max(best, float(rise) / (apart * step))
    return best


def _farthest(x: np.ndarray, counts: list[int]) -> list[float]:
    """Over all rows, the largest distance to the row of each number, itself number 0."""
    x = x - x.mean(axis=0)  # products lose fewer digits
    found = np.zeros(len(counts))
    for start in range(0, x.shape[0], _BLOCK):
        apart = _distances(x[start : start + _BLOCK], x)
        apart.partition(counts, axis=1)
        found = np.maximum(found, apart[:, counts].max(axis=0))
    return [float(value) for value in found]


def _distances(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    square = (
        np.square(first).sum(axis=1)[:, None]
        + np.square(second).sum(axis=1)
        - 2.0 * (first @ second.T)
    )
    return np.asarray(np.sqrt(np.maximum(square, 0.0)))
