"""Rotations of coordinates two at a time: the least change that beats the axes."""

from __future__ import annotations

import numpy as np
from jaxtyping import Float

from isthmus.core.random import random_subset

_GRID, _STEPS, _ROWS = 12, 10, 8192


def givens_pairs(
    rows: Float[np.ndarray, "row input"], *, rng: np.random.Generator
) -> Float[np.ndarray, "input input"]:
    r"""Rotation of randomly paired coordinates, each pair by its best angle.

    .. math:: \max_\theta E |c\, x_i + s\, x_j| + E |c\, x_j - s\, x_i|, \qquad
        c = \cos\theta, \quad s = \sin\theta

    over a grid of angles, then by alternating signs and angle, which never loses. For
    independent sparse signs of density p the best is tan(theta) = 1 - p, and leaves
    1 - p (1 + (1 - p)^2) where the axes leave 1 - p: a coordinate that is zero wastes
    its bit unless the other one turns it.

    Args:
        rows: White coordinates; angles are fitted to the first 8192.
        rng: Draws the pairs. An odd coordinate stays alone.

    Returns:
        Orthogonal matrix of two entries per row.

    Examples:
        >>> from isthmus.priors import SparseRademacher
        >>> rows = SparseRademacher(0.7).sample((8000, 2), 0)
        >>> turn = givens_pairs(rows, rng=np.random.default_rng(0))
        >>> bool(abs(abs(turn[0, 1] / turn[0, 0]) - 0.3) < 0.05)
        True

    References:
        [kogler:24]
    """
    n_input = rows.shape[1]
    order = random_subset(rng, n_input, n_input)
    first, second = order[: n_input // 2], order[n_input // 2 : 2 * (n_input // 2)]
    angle = _best_angles(rows[:_ROWS, first], rows[:_ROWS, second])
    weight = np.eye(n_input)
    weight[first, first] = weight[second, second] = np.cos(angle)
    weight[first, second] = np.sin(angle)
    weight[second, first] = -np.sin(angle)
    return weight


def _best_angles(
    a: Float[np.ndarray, "row pair"], b: Float[np.ndarray, "row pair"]
) -> Float[np.ndarray, " pair"]:
    grid = np.arange(_GRID) * (0.5 * np.pi / _GRID)
    sizes = [np.sum(np.abs(np.stack(_turned(a, b, t))), axis=(0, 1)) for t in grid]
    angle = grid[np.argmax(sizes, axis=0)]
    for _ in range(_STEPS):
        u, v = (np.where(z >= 0, 1.0, -1.0) for z in _turned(a, b, angle))
        angle = np.arctan2(np.sum(u * b - v * a, axis=0), np.sum(u * a + v * b, axis=0))
    return np.asarray(angle)


def _turned(
    a: np.ndarray, b: np.ndarray, angle: float | np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    c, s = np.cos(angle), np.sin(angle)
    return c * a + s * b, c * b - s * a
