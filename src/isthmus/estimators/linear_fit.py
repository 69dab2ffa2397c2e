"""Least squares from codes to rows, shrunk towards the Gaussian decoder."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal

import numpy as np
from jaxtyping import Float

_GRID = np.logspace(-6, 4, 81)
_MOST_USED = 0.9


def fit_linear_decoder(
    prior: Float[np.ndarray, "input code"],
    blocks: Iterable[tuple[np.ndarray, np.ndarray]],
    *,
    ridge: float | Literal["gcv"],
) -> tuple[Float[np.ndarray, "input code"], float]:
    r"""Ridge regression of the residuals that the prior decoder leaves.

    .. math:: \min_A \tfrac1N \sum \|x - A y\|^2 + \lambda \bar g \|A - A_0\|_F^2

    with g the mean power of a code symbol; the penalty is infinite for the prior
    decoder itself. Generalised cross-validation weighs the fit against its degrees of
    freedom, and the prior decoder takes part as lambda = infinity.

    Args:
        prior: Decoder A_0 that the fit is shrunk towards.
        blocks: Pairs of codes "sample code" and centred rows "sample input".
        ridge: lambda >= 0, or ``"gcv"``.

    Returns:
        The decoder and the lambda used.

    Examples:
        >>> y = np.array([[1.0], [-1.0], [1.0], [1.0]])
        >>> decoder, ridge = fit_linear_decoder(np.zeros((1, 1)), [(y, 2 * y)], ridge=0)
        >>> decoder.tolist(), ridge
        ([[2.0]], 0.0)

    References:
        [golub:79]
    """
    if ridge != "gcv" and np.isinf(ridge):
        return prior, float("inf")
    n_input, n_code = prior.shape
    gram, cross = np.zeros((n_code, n_code)), np.zeros((n_code, n_input))
    energy, n_rows = 0.0, 0
    for codes, centred in blocks:
        y = codes.astype(np.float64, copy=False)
        residual = centred - y @ prior.T
        gram += y.T @ y
        cross += y.T @ residual
        energy += float(np.sum(np.square(residual)))
        n_rows += y.shape[0]
    power, vectors = np.linalg.eigh(gram / n_rows)
    power = np.clip(power, 0.0, None)
    unit = float(power.mean())
    if not unit > 0:  # every code is zero, as a coarse quantiser's can be
        return prior, float("inf")
    turned = vectors.T @ (cross / n_rows)
    signal = np.sum(turned**2, axis=1)
    if ridge == "gcv":
        ridge = _generalised_cross_validation(power / unit, signal, energy, unit, n_rows)
    if np.isinf(ridge):
        return prior, float("inf")
    floor = 1e-12 * float(power[-1])
    shrunk = np.where(power > floor, power, 0.0) + ridge * unit
    inverse = np.divide(1.0, shrunk, out=np.zeros_like(shrunk), where=shrunk > 0)
    return prior + (vectors @ (turned * inverse[:, None])).T, float(ridge)


def _generalised_cross_validation(
    power: np.ndarray, signal: np.ndarray, energy: float, unit: float, n_rows: int
) -> float:
    """Penalty of least GCV score; `power` in units of its mean."""
    inverse = 1.0 / (power + _GRID[:, None])
    explained = (2.0 * inverse - power * inverse**2) @ signal / unit
    used = np.sum(power * inverse, axis=1) / n_rows
    score = np.full(_GRID.size, np.inf)
    fits = used < _MOST_USED
    score[fits] = (energy / n_rows - explained[fits]) / (1.0 - used[fits]) ** 2
    best = int(np.argmin(score))
    # The prior decoder has no degrees of freedom: its score is its error.
    return float(_GRID[best]) if score[best] < energy / n_rows else float("inf")
