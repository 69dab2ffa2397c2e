"""Least distance to a parametrised set: Newton's method on all points at once."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

_STEP = 1e-30  # imaginary: a complex step has no cancellation
_MAX_STEPS = 100
_DONE = 1e-14


def nearest_parameters(
    points: np.ndarray,
    start: np.ndarray,
    embed: Callable[[np.ndarray], np.ndarray],
    jacobian: Callable[[np.ndarray], np.ndarray],
    bounds: tuple[np.ndarray, np.ndarray],
) -> np.ndarray:
    """Parameters of the local minimum of the distance that each start leads to.

    Newton's method with curvatures made positive, kept in the box, its steps halved
    until the distance falls. Second derivatives are complex steps of the gradient.

    Args:
        points: "sample ambient".
        start: First parameters, "sample dim".
        embed: Parameters -> points, analytic.
        jacobian: Parameters -> derivatives, "sample ambient dim", analytic.
        bounds: Least and largest parameters, infinite where there are none.

    Returns:
        Parameters, to 1e-12 where the distance is not degenerate.
    """

    def value(u: np.ndarray, y: np.ndarray) -> np.ndarray:
        return 0.5 * np.sum((embed(u) - y) ** 2, axis=1)

    def gradient(u: np.ndarray, y: np.ndarray) -> np.ndarray:
        return np.einsum("nad,na->nd", jacobian(u), embed(u) - y)

    lower, upper = bounds
    u = np.clip(start, lower, upper)
    active = np.arange(u.shape[0])
    for _ in range(_MAX_STEPS):
        here, y = u[active], points[active]
        step = _direction(here, y, gradient, lower, upper)
        old = value(here, y)
        slack = 1e-14 * (old + np.sum(y**2, axis=1))
        size = np.ones((active.size, 1))
        new = np.clip(here + step, lower, upper)
        for _ in range(30):
            worse = value(new, y) > old + slack
            if not worse.any():
                break
            size[worse] *= 0.5
            new = np.clip(here + size * step, lower, upper)
        u[active] = new
        moved = np.abs(new - here).max(axis=1) > _DONE * (1.0 + np.abs(here).max(axis=1))
        active = active[moved]
        if active.size == 0:
            break
    return u


def _direction(
    u: np.ndarray,
    y: np.ndarray,
    gradient: Callable[[np.ndarray, np.ndarray], np.ndarray],
    lower: np.ndarray,
    upper: np.ndarray,
) -> np.ndarray:
    dim = u.shape[1]
    slope = gradient(u, y)
    curvature = np.empty((u.shape[0], dim, dim))
    for j in range(dim):
        shifted = u.astype(np.complex128)
        shifted[:, j] += 1j * _STEP
        curvature[:, :, j] = gradient(shifted, y).imag / _STEP
    stuck = ((u <= lower) & (slope > 0)) | ((u >= upper) & (slope < 0))
    slope[stuck] = 0.0
    rows, columns = np.nonzero(stuck)
    curvature[rows, columns, :] = 0.0
    curvature[rows, :, columns] = 0.0
    curvature[rows, columns, columns] = 1.0
    values, vectors = np.linalg.eigh(0.5 * (curvature + curvature.swapaxes(1, 2)))
    values = np.maximum(np.abs(values), 1e-8 * np.abs(values).max(axis=1, keepdims=True))
    along = np.einsum("nij,ni->nj", vectors, slope) / np.maximum(values, 1e-300)
    return -np.einsum("nij,nj->ni", vectors, along)
