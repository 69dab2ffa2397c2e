"""Gaussian means by adaptive composite quadrature."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

import numpy as np

from isthmus.core.tolerance import QUADRATURE


def _lobatto(count: int) -> tuple[np.ndarray, np.ndarray]:
    """Nodes and weights on [-1, 1] with both ends, a hair inside (a kink may be there).

    With the ends among the nodes no jump can hide between an end and the first node.
    """
    last = np.polynomial.Legendre.basis(count - 1)
    nodes = np.concatenate([[-1.0], np.sort(last.deriv().roots().real), [1.0]])
    weights = 2.0 / (count * (count - 1) * last(nodes) ** 2)
    return nodes * (1.0 - 1e-13), weights


_NODES, _WEIGHTS = _lobatto(32)
# Uneven, so that no panel is centred where an odd function has its jump, and none ends
# where people like to put kinks.
_LOW, _HIGH = -11.937, 12.061
_SHORTEST = 1e-13
_MOST_PANELS = 4096
# Panels are not halved: a jump near the middle would make halves and whole agree.
_SHARE = 0.4142
_CLOSE = 1e-4


def gaussian_mean(
    f: Callable[[np.ndarray], np.ndarray], *, kinks: Sequence[float] = ()
) -> float:
    r"""Mean of ``f(Z)`` for a standard Gaussian Z.

    Gauss-Lobatto panels on about [-12, 12], split at `kinks` and then split wherever a
    panel and its two parts disagree, so that jumps nobody named are found by bisection.
    Accurate to 1e-13 (absolute, plus the jump times 1e-13) when f grows at most
    polynomially.

    Args:
        f: Vectorised function, shape ``(q,) -> (q,)``.
        kinks: Points where f or a derivative jumps, where they are known.

    Returns:
        E[f(Z)].

    Examples:
        >>> round(gaussian_mean(np.abs, kinks=[0.0]), 12)
        0.797884560803
        >>> round(gaussian_mean(lambda z: z > 0.3), 12)  # a jump nobody named
        0.382088577811
    """
    return sum(total for _, _, total in _refined(f, kinks))


def smooth_pieces(
    f: Callable[[np.ndarray], np.ndarray], *, kinks: Sequence[float] = ()
) -> tuple[np.ndarray, np.ndarray]:
    """Edges between which f is smooth enough for Gauss-Legendre panels, and its kinks.

    Args:
        f: Vectorised function, shape ``(q,) -> (q,)``.
        kinks: Points where f or a derivative jumps, where they are known.

    Returns:
        Ascending edges, the panels that :func:`gaussian_mean` ended with, at least 1e-4
        wide; and the kinks among them: those given, and those that bisection ran into.

    Examples:
        >>> edges, kinks = smooth_pieces(lambda z: np.where(z > 0.3, 1.0, 0.0))
        >>> bool(abs(kinks[0] - 0.3) < 1e-12), kinks.size
        (True, 1)
    """
    left, right = _leaves(f, kinks)
    narrow = np.flatnonzero(right - left < _CLOSE)
    runs = np.split(narrow, np.flatnonzero(np.diff(narrow) > 1) + 1) if narrow.size else []
    tiniest = [run[np.argmin((right - left)[run])] for run in runs]
    found = [0.5 * float(left[i] + right[i]) for i in tiniest]
    known = np.unique([k for k in kinks if _LOW < k < _HIGH])
    apart = [k for k in found if known.size == 0 or np.abs(known - k).min() > _CLOSE]
    known = np.unique(np.concatenate([known, apart]))
    # A kink is known to about 1e-13 only: nothing finer is asked for around it.
    left, _ = _leaves(f, known.tolist(), accuracy=QUADRATURE)
    distance = np.abs(left[:, None] - known).min(axis=1) if known.size else left - left + 1
    rest = np.append(left[distance > _CLOSE], _HIGH)
    rest = rest[np.concatenate([[True], np.diff(rest) > _CLOSE])]
    return np.unique(np.concatenate([rest, known])), known


def _leaves(
    f: Callable[[np.ndarray], np.ndarray],
    kinks: Sequence[float],
    accuracy: float = 1e-3 * QUADRATURE,
) -> tuple[np.ndarray, np.ndarray]:
    leaves = list(_refined(f, kinks, accuracy))
    left = np.concatenate([one for one, _, _ in leaves])
    right = np.concatenate([one for _, one, _ in leaves])
    order = np.argsort(left)
    return left[order], right[order]


def _refined(
    f: Callable[[np.ndarray], np.ndarray],
    kinks: Sequence[float],
    accuracy: float = 1e-3 * QUADRATURE,
) -> Iterator[tuple[np.ndarray, np.ndarray, float]]:
    """Finished panels, generation by generation, with the sum of their integrals."""
    inner = [k for k in kinks if _LOW < k < _HIGH]
    knots = np.unique(np.concatenate([np.linspace(_LOW, _HIGH, 26), inner]))
    left, right = knots[:-1], knots[1:]
    whole = _panels(f, left, right)
    while left.size:
        middle = left + _SHARE * (right - left)
        first, second = _panels(f, left, middle), _panels(f, middle, right)
        error = np.abs(first + second - whole)
        done = (error <= accuracy) | (right - left < _SHORTEST)
        done |= left.size > _MOST_PANELS  # noise, not a function of this scale
        yield left[done], right[done], float((first + second)[done].sum())
        again = ~done
        left, right = (
            np.concatenate([left[again], middle[again]]),
            np.concatenate([middle[again], right[again]]),
        )
        whole = np.concatenate([first[again], second[again]])


def _panels(
    f: Callable[[np.ndarray], np.ndarray], left: np.ndarray, right: np.ndarray
) -> np.ndarray:
    """Integral of f times the Gaussian density over each panel."""
    half = 0.5 * (right - left)[:, None]
    z = half * _NODES + 0.5 * (left + right)[:, None]
    density = np.exp(-0.5 * z * z) / np.sqrt(2.0 * np.pi)
    values = np.asarray(f(z.ravel()), dtype=np.float64).reshape(z.shape)
    return (half * values * density) @ _WEIGHTS
