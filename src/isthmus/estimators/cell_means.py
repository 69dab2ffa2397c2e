"""Levels of a quantiser from the rows in its cells, as far as they can be trusted."""

from __future__ import annotations

import functools

import numpy as np
from jaxtyping import Float

from isthmus.core.lloyd_max import lloyd_max_quantiser


def shrunk_cell_means(
    count: Float[np.ndarray, "direction level"],
    total: Float[np.ndarray, "direction level"],
    bits: int,
) -> Float[np.ndarray, "direction level"]:
    r"""Mean of the rows of each cell, shrunk towards the Gaussian level.

    A mean of c rows has variance v / c, with v the variance of a Gaussian in that cell.
    Take the means that infinitely many rows would have as spread about the Gaussian levels
    L with variance v / k, the same k for all cells of a direction; then the level of least
    expected error is

    .. math:: L + \frac{c}{c + k} (\bar z - L), \qquad
        \frac1k = \frac{[\sum c (\bar z - L)^2 / v - 2^b]_+}{\sum c}

    with k from the cells themselves: on Gaussian rows the sum is 2^b on average and k is
    large, on others it grows with the rows and k stays.

    Args:
        count: Rows in each cell.
        total: Sum of their coordinates, in standard deviations of the direction.
        bits: b; 2^b cells per direction, those of the Lloyd-Max quantiser.

    Returns:
        Levels in standard deviations; the Gaussian ones where a cell is empty.

    Examples:
        >>> few = shrunk_cell_means(np.array([[2.0, 2.0]]), np.array([[-2.0, 2.0]]), 1)
        >>> many = shrunk_cell_means(np.array([[2e6, 2e6]]), np.array([[-2e6, 2e6]]), 1)
        >>> few.round(3).tolist(), many.round(3).tolist()
        ([[-0.798, 0.798]], [[-1.0, 1.0]])
    """
    level, variance = _gaussian_cells(bits)
    away = total / np.maximum(count, 1.0) - level
    away[count == 0] = 0.0
    surplus = np.sum(count * away**2 / variance, axis=1) - level.size
    inverse = np.maximum(surplus, 0.0) / np.maximum(count.sum(axis=1), 1.0)
    weight = count * inverse[:, None] / (count * inverse[:, None] + 1.0)
    return np.asarray(level + weight * away)


@functools.cache
def _gaussian_cells(bits: int) -> tuple[np.ndarray, np.ndarray]:
    """Levels of the Lloyd-Max quantiser and the variance of a Gaussian in its cells."""
    from scipy.special import ndtr

    level, thresholds = lloyd_max_quantiser(bits)
    upper = thresholds[thresholds.size // 2 :]  # from 0; the lower half mirrors it
    density = np.append(np.exp(-0.5 * upper**2) / np.sqrt(2.0 * np.pi), 0.0)
    tail = np.append(ndtr(-upper), 0.0)
    # E[z^2; z > t] = t phi(t) + P(z > t)
    second = np.append(upper, 0.0) * density + tail
    half = np.diff(second) / np.diff(tail) - level[level.size // 2 :] ** 2
    return level, np.concatenate([half[::-1], half])
