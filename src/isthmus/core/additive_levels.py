"""The best quantiser of a Gaussian coordinate with levels that are sums of ± steps."""

from __future__ import annotations

import functools

import numpy as np
from jaxtyping import Float

from isthmus.core.door import whole_number
from isthmus.core.errors import NotConverged
from isthmus.core.lloyd_max import MAX_BITS


def additive_quantiser(bits: int) -> tuple[Float[np.ndarray, " bit"], float]:
    r"""Steps a with levels ±a_1 ±a_2 ... ±a_b, and their distortion for N(0, 1).

    A code of such a quantiser is decoded linearly. The levels are where the distortion is
    stationary in the steps, every value going to its nearest level:

    .. math:: E[s(z) s(z)^\top] a = E[s(z) z]

    with s(z) the signs of the level nearest to z: Lloyd's condition, except that a cell
    may miss its own mean where the sums do not allow it. Of one and two bits the quantiser
    is Lloyd and Max's, of more it is slightly worse.

    Args:
        bits: b in 1 ... 12.

    Returns:
        Steps, falling, each larger than the sum of those behind it; and the mean squared
        error, both to 1e-9.

    Raises:
        ValueOutOfRange: If `bits` is not in 1 ... 12.

    Examples:
        >>> steps, distortion = additive_quantiser(3)
        >>> steps.round(3).tolist(), round(distortion, 4)
        ([1.158, 0.607, 0.301], 0.0369)
    """
    return _solved(
        whole_number("additive_quantiser(bits=...)", bits, least=1, most=MAX_BITS)
    )


def additive_distortion(bits: int) -> float:
    """Its distortion; 1 at no bits.

    Examples:
        >>> additive_distortion(0), round(additive_distortion(2), 6)
        (1.0, 0.117482)
    """
    return additive_quantiser(bits)[1] if bits else 1.0


def sign_table(bits: int) -> Float[np.ndarray, "level bit"]:
    """Signs of all levels, the lowest first.

    Examples:
        >>> sign_table(2).tolist()
        [[-1.0, -1.0], [-1.0, 1.0], [1.0, -1.0], [1.0, 1.0]]
    """
    number = np.arange(2**bits)[:, None]
    return 2.0 * (number >> np.arange(bits)[::-1] & 1) - 1.0


@functools.cache
def _solved(bits: int) -> tuple[np.ndarray, float]:
    from scipy.optimize import root

    if bits == 1:
        start = np.array([0.8])
    else:
        before = _solved(bits - 1)[0]
        start = np.append(before, before[-1] / 2)
    found = root(_residual, start, args=(sign_table(bits),), options={"xtol": 1e-13})
    steps = np.asarray(found.x)
    behind = np.append(np.cumsum(steps[::-1])[::-1][1:], 0.0)
    if np.abs(_residual(steps, sign_table(bits))).max() > 1e-9 or np.any(steps <= behind):
        raise NotConverged(f"The additive quantiser of {bits} bits did not converge.")
    cross, gram = _moments(steps, sign_table(bits))
    steps.flags.writeable = False
    return steps, float(1.0 - 2.0 * steps @ cross + steps @ gram @ steps)


def _residual(steps: np.ndarray, signs: np.ndarray) -> np.ndarray:
    cross, gram = _moments(steps, signs)
    return np.asarray(cross - gram @ steps)


def _moments(steps: np.ndarray, signs: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """E[s z] and E[s s^T], every value going to its nearest level."""
    from scipy.special import ndtr

    levels = signs @ steps
    knots = np.concatenate([[-np.inf], 0.5 * (levels[1:] + levels[:-1]), [np.inf]])
    density = np.exp(-0.5 * knots**2) / np.sqrt(2.0 * np.pi)
    below, above = ndtr(knots), ndtr(-knots)
    mass = np.where(knots[:-1] < 0, below[1:] - below[:-1], above[:-1] - above[1:])
    return signs.T @ (density[:-1] - density[1:]), (signs.T * mass) @ signs
