"""Optimal scalar quantisers of a Gaussian coordinate, computed rather than copied."""

from __future__ import annotations

import functools

import numpy as np
from jaxtyping import Float

from isthmus.core.door import whole_number
from isthmus.core.errors import NotConverged

MAX_BITS = 12


@functools.cache
def _half_quantiser(bits: int) -> tuple[np.ndarray, np.ndarray, float]:
    """Positive levels, inner thresholds above 0 and distortion; Newton's method.

    The optimal quantiser is unique and symmetric (the density is log-concave), so only
    the positive half is solved: thresholds t midway between the centroids of their
    cells. Started from the companding solution, quantiles of N(0, 3).
    """
    from scipy.linalg import solve_banded
    from scipy.special import ndtri

    count = 2 ** (bits - 1)
    grid = np.arange(1, count) / count
    inner = np.sqrt(3.0) * ndtri(0.5 + 0.5 * grid)
    for _ in range(100):
        knots = np.concatenate([[0.0], inner, [np.inf]])
        mass, level, by_left, by_right = _cells(knots)
        residual = inner - 0.5 * (level[:-1] + level[1:])
        band = np.zeros((3, max(count - 1, 1)))[:, : count - 1]
        if count > 1:
            band[1] = 1.0 - 0.5 * (by_right[:-1] + by_left[1:])
            band[0, 1:] = -0.5 * by_right[1:-1]
            band[2, :-1] = -0.5 * by_left[1:-1]
            step = solve_banded((1, 1), band, residual)
            inner = inner - step
        if count == 1 or np.abs(step).max() < 1e-14 * inner[-1]:
            break
    else:
        if np.abs(step).max() > 1e-10:
            raise NotConverged(f"The {bits}-bit Lloyd-Max quantiser did not converge.")
    mass, level, _, _ = _cells(np.concatenate([[0.0], inner, [np.inf]]))
    return level, inner, float(1.0 - 2.0 * np.sum(mass * level**2))


def _cells(
    knots: np.ndarray,
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Mass and centroid of each Gaussian cell, and the centroid's two derivatives."""
    from scipy.special import ndtr

    left, right = knots[:-1], knots[1:]
    density = np.exp(-0.5 * knots**2) / np.sqrt(2.0 * np.pi)
    upper = ndtr(-knots)
    mass = upper[:-1] - upper[1:]
    centroid = (density[:-1] - density[1:]) / mass
    by_left = density[:-1] * (centroid - left) / mass
    by_right = np.zeros_like(mass)
    by_right[:-1] = density[1:-1] * (right[:-1] - centroid[:-1]) / mass[:-1]
    return mass, centroid, by_left, by_right


def lloyd_max_quantiser(
    bits: int,
) -> tuple[Float[np.ndarray, " level"], Float[np.ndarray, " threshold"]]:
    """Levels and thresholds of the optimal scalar quantiser of N(0, 1).

    Args:
        bits: b in 0 ... 12; 2^b levels.

    Returns:
        Levels (2^b, ascending) and the 2^b - 1 thresholds between them, to 1e-13.

    Raises:
        ValueOutOfRange: If `bits` is not in 0 ... 12.

    Examples:
        >>> levels, thresholds = lloyd_max_quantiser(2)
        >>> np.round(levels, 4).tolist(), np.round(thresholds, 4).tolist()
        ([-1.5104, -0.4528, 0.4528, 1.5104], [-0.9816, 0.0, 0.9816])

    References:
        [max:60], [lloyd:82]
    """
    _check(bits)
    if bits == 0:
        return np.zeros(1), np.zeros(0)
    level, inner, _ = _half_quantiser(int(bits))
    return (
        np.concatenate([-level[::-1], level]),
        np.concatenate([-inner[::-1], [0.0], inner]),
    )


def lloyd_max_distortion(bits: int) -> float:
    """Least mean squared error of a b-bit scalar quantiser of N(0, 1).

    Args:
        bits: b in 0 ... 12.

    Returns:
        D(b), to 1e-13 absolute.

    Raises:
        ValueOutOfRange: If `bits` is not in 0 ... 12.

    Examples:
        >>> [round(lloyd_max_distortion(b), 6) for b in range(4)]
        [1.0, 0.36338, 0.117482, 0.034548]

    References:
        [max:60], [lloyd:82]
    """
    _check(bits)
    return 1.0 if bits == 0 else _half_quantiser(int(bits))[2]


def _check(bits: int) -> None:
    whole_number("lloyd_max_distortion(bits=...)", bits, least=0, most=MAX_BITS)
