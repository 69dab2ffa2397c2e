r"""Rows as points of one orbit: amounts, frequencies and coefficients by least squares.

.. math:: x(t) = c_0 + \sum_m c_m \cos(\omega_m \cdot t) + s_m \sin(\omega_m \cdot t)
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable

import numpy as np
from jaxtyping import Bool, Float

Amounts = Float[np.ndarray, "start row generator"]
Frequencies = Float[np.ndarray, "start frequency generator"]
Points = Float[np.ndarray, "some row column"]
Coefficients = Float[np.ndarray, "start term column"]

_LEAST_SINGULAR = 1e-6  # of the largest, where coefficients are solved for
_LONGEST = 1.0  # change of an amount or frequency in one step
_DAMPING = (1e-9, 1e-2, 1e6)  # least, first, most
_FLOOR = 1e-3  # of the mean curvature, that every direction is damped by


@dataclasses.dataclass(frozen=True, eq=False)
class Fitted:
    """Orbits, one per start.

    Attributes:
        amounts: t of every row.
        frequencies: omega.
        coefficients: Constant, cosines, sines: 1 + 2 frequencies of them.
        residual: Squared, over that of the rows about 0.
    """

    amounts: Amounts
    frequencies: Frequencies
    coefficients: Coefficients
    residual: Float[np.ndarray, " start"]


@dataclasses.dataclass
class _At:
    """Coefficients solved for at given amounts and frequencies, and what they leave."""

    coefficients: np.ndarray
    cosine: np.ndarray
    sine: np.ndarray
    basis: np.ndarray
    left: np.ndarray
    squared: np.ndarray

    def take(self, other: _At, better: np.ndarray) -> None:
        for field in dataclasses.fields(self):
            getattr(self, field.name)[better] = getattr(other, field.name)[better]


def terms(
    amounts: Float[np.ndarray, "*some generator"],
    frequencies: Float[np.ndarray, "*others frequency generator"],
) -> Float[np.ndarray, "*some term"]:
    """1, cosines and sines of the phases.

    Args:
        amounts: t.
        frequencies: omega.

    Returns:
        A column per coefficient.

    Examples:
        >>> terms(np.array([[0.0]]), np.array([[1.0], [2.0]]))
        array([[1., 1., 1., 0., 0.]])
    """
    phase = amounts @ np.swapaxes(frequencies, -1, -2)
    one = np.ones((*phase.shape[:-1], 1))
    return np.concatenate([one, np.cos(phase), np.sin(phase)], axis=-1)


def search(
    points: Points,
    amounts: Amounts,
    frequencies: Frequencies,
    free: Bool[np.ndarray, " frequency"],
    *,
    enough: Callable[[np.ndarray], bool],
    max_steps: int = 200,
) -> Fitted:
    """Damped Gauss-Newton steps on amounts and frequencies, coefficients solved for.

    Args:
        points: Rows, about a centre; one set for all starts, or one each.
        amounts: Where to start.
        frequencies: Likewise.
        free: Which frequencies move. As many as there are generators should not, or the
            scale of the amounts is free.
        enough: Residuals to whether to stop.
        max_steps: At most.

    Returns:
        Where each start ended.
    """
    t, w = amounts.copy(), frequencies.copy()
    total = np.square(points).sum(axis=(-1, -2))
    damping = np.full(len(t), _DAMPING[1])
    here = _solve(points, t, w)
    for _ in range(max_steps):
        if enough(here.squared / total):
            break
        step_t, step_w = _step(here, t, w, free, damping)
        new_t, new_w = t + step_t, w + step_w
        there = _solve(points, new_t, new_w)
        better = there.squared < here.squared
        t[better], w[better] = new_t[better], new_w[better]
        here.take(there, better)
        damping = np.where(better, 0.3 * damping, 4.0 * damping)
        damping = np.clip(damping, _DAMPING[0], _DAMPING[2])
    return Fitted(t, w, here.coefficients, here.squared / total)


def nearest_amounts(
    points: Float[np.ndarray, "some row column"],
    amounts: Float[np.ndarray, "some row generator"],
    frequencies: Frequencies,
    coefficients: Coefficients,
    *,
    max_steps: int = 40,
) -> tuple[Float[np.ndarray, "some row generator"], Float[np.ndarray, "some row"]]:
    """Amounts of the points of a known orbit that are nearest to rows.

    Args:
        points: Rows, for each orbit.
        amounts: Where to start.
        frequencies: Of the orbits.
        coefficients: Likewise.
        max_steps: At most.

    Returns:
        Amounts, and squared distances.
    """
    t, damping = amounts.copy(), np.full(amounts.shape[:2], _DAMPING[1])
    eye = np.eye(t.shape[-1])

    def squared(at: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        left = points - terms(at, frequencies) @ coefficients
        return left, np.square(left).sum(axis=-1)

    left, value = squared(t)
    for _ in range(max_steps):
        speed = _speeds(t, frequencies, coefficients)
        bend = speed @ np.swapaxes(speed, -1, -2)
        more = damping * np.trace(bend, axis1=-2, axis2=-1) + np.finfo(float).tiny
        slope = (speed @ left[..., None])[..., 0]
        step = np.linalg.solve(bend + more[..., None, None] * eye, slope[..., None])
        new = t + np.clip(step[..., 0], -_LONGEST, _LONGEST)
        new_left, new_value = squared(new)
        better = new_value < value
        t[better], left[better], value[better] = (
            new[better],
            new_left[better],
            new_value[better],
        )
        damping = np.clip(
            np.where(better, 0.3 * damping, 4.0 * damping), _DAMPING[0], _DAMPING[2]
        )
    return t, value


def _speeds(t: np.ndarray, frequencies: np.ndarray, coefficients: np.ndarray) -> np.ndarray:
    """Derivatives of the orbit by each amount, "some row generator column"."""
    n = frequencies.shape[-2]
    phase = t @ np.swapaxes(frequencies, -1, -2)
    made = np.concatenate([-np.sin(phase), np.cos(phase)], axis=-1)
    twice = np.concatenate([frequencies, frequencies], axis=-2)
    assert coefficients.shape[-2] == 1 + 2 * n
    turned = twice[..., None] * coefficients[..., 1:, None, :]
    return np.asarray(np.einsum("...ij,...jkp->...ikp", made, turned))


def _solve(points: np.ndarray, t: np.ndarray, w: np.ndarray) -> _At:
    made = terms(t, w)
    n = w.shape[-2]
    left_vectors, values, right = np.linalg.svd(made, full_matrices=False)
    values = np.maximum(values, _LEAST_SINGULAR * values[..., :1])
    seen = np.swapaxes(left_vectors, -1, -2) @ points
    coefficients = np.swapaxes(right, -1, -2) @ (seen / values[..., None])
    left = points - made @ coefficients
    return _At(
        coefficients,
        made[..., 1 : 1 + n],
        made[..., 1 + n :],
        left_vectors,
        left,
        np.square(left).sum(axis=(-1, -2)),
    )


def _step(
    here: _At, t: np.ndarray, w: np.ndarray, free: np.ndarray, damping: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """One step of variable projection: slopes of the residual off the basis' span."""
    n_starts, n_rows, k = t.shape
    moving = np.flatnonzero(free)
    n_unknown = n_rows * k + len(moving) * k
    n = w.shape[1]
    cosines, sines = here.coefficients[:, 1 : 1 + n], here.coefficients[:, 1 + n :]
    by_phase = (
        here.cosine[..., None] * sines[:, None] - here.sine[..., None] * cosines[:, None]
    )
    slopes = np.zeros((n_starts, n_rows, by_phase.shape[-1], n_unknown))
    each = np.arange(n_rows)
    for j in range(k):
        by_amount = np.einsum("simp,sm->isp", by_phase, w[:, :, j])
        slopes[:, each, :, each * k + j] = by_amount
        for place, m in enumerate(moving):
            column = n_rows * k + place * k + j
            slopes[..., column] = t[:, :, j, None] * by_phase[:, :, m]
    flat = slopes.reshape(n_starts, n_rows, -1)
    flat = flat - here.basis @ (np.swapaxes(here.basis, -1, -2) @ flat)
    flat = flat.reshape(n_starts, -1, n_unknown)
    bend = np.swapaxes(flat, -1, -2) @ flat
    slope = np.swapaxes(flat, -1, -2) @ here.left.reshape(n_starts, -1, 1)
    size = np.einsum("sii->si", bend)
    mean = size.mean(axis=1, keepdims=True)
    more = damping[:, None] * (size + _FLOOR * mean) + np.finfo(float).tiny
    step = np.linalg.solve(bend + more[..., None] * np.eye(n_unknown), slope)[..., 0]
    step = np.clip(step, -_LONGEST, _LONGEST)
    change = np.zeros_like(w)
    change[:, moving] = step[:, n_rows * k :].reshape(n_starts, len(moving), k)
    return step[:, : n_rows * k].reshape(t.shape), change
