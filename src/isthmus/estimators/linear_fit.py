"""Least squares from codes to rows, shrunk towards the Gaussian decoder."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal

import numpy as np
from jaxtyping import Float

from isthmus.core.blas import inner
from isthmus.core.random import as_rng, raw_words

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
    freedom, equal rows counted as one, and the prior decoder takes part as
    lambda = infinity.

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
    sums = _Sums(prior)
    for codes, centred in blocks:
        sums.add(codes, centred)
    power, vectors, turned, energy = sums.finish()
    unit = float(power.sum()) / prior.shape[1]
    if not unit > 0:  # every code is zero, as a coarse quantiser's can be
        return prior, float("inf")
    signal = np.sum(turned**2, axis=1)
    if ridge == "gcv":
        error, n_different = energy / sums.n_rows, sums.n_different
        ridge = _generalised_cross_validation(
            power / unit, signal / unit, error, n_different
        )
    if np.isinf(ridge):
        return prior, float("inf")
    floor = 1e-12 * float(power.max())
    shrunk = np.where(power > floor, power, 0.0) + ridge * unit
    inverse = np.divide(1.0, shrunk, out=np.zeros_like(shrunk), where=shrunk > 0)
    turned *= inverse[:, None]
    return prior + (vectors @ turned).T, float(ridge)


class _Sums:
    """What the fit needs of the rows: products of codes with codes and with rows.

    The residuals of the prior decoder are never formed; what they would give follows
    from the same sums. Products of a block are taken in the type of the rows (a code of
    signs is exact in either) and added up in float64.
    """

    def __init__(self, prior: np.ndarray):
        n_input, n_code = prior.shape
        self.prior = prior
        self.gram = np.zeros((n_code, n_code))
        self.cross = np.zeros((n_code, n_input))
        self.energy, self.n_rows = 0.0, 0
        self.few: list[np.ndarray] | None = []
        self.prints: list[np.ndarray] = []

    @property
    def n_different(self) -> int:
        """Rows that differ from all before: repeated ones say nothing about a fit."""
        return int(np.unique(np.concatenate(self.prints)).size)

    def add(self, codes: np.ndarray, centred: np.ndarray) -> None:
        """Add a block of codes and of centred rows."""
        self.cross += codes.T @ centred
        self.energy += float(np.einsum("ij,ij->", centred, centred, dtype=np.float64))
        self.n_rows += codes.shape[0]
        self.prints.append(_fingerprints(centred))
        if self.few is not None:
            self.few.append(codes)
            if self.n_rows < codes.shape[1]:
                return
            waiting, self.few = self.few, None
        else:
            waiting = [codes]
        for block in waiting:
            self.gram += block.T @ block

    def finish(self) -> tuple[np.ndarray, np.ndarray, np.ndarray, float]:
        """Powers and axes of the codes, residual correlations along them, and energy.

        Sums are used up: what comes after works in their memory.
        """
        few = None if self.few is None else np.concatenate(self.few).astype(np.float64)
        given = self.prior.T
        by_prior = self.gram @ given if few is None else few.T @ (few @ given)
        energy = self.energy - 2.0 * inner(self.prior, self.cross.T)
        energy += inner(self.prior, by_prior.T)
        self.cross -= by_prior
        del by_prior
        self.cross /= self.n_rows
        if few is None:
            self.gram /= self.n_rows
            power, vectors = np.linalg.eigh(self.gram)
        else:  # fewer rows than symbols: the smaller of two equal problems
            values, left = np.linalg.eigh(few @ few.T / self.n_rows)
            kept = values > 1e-12 * values[-1]
            power = values[kept]
            vectors = few.T @ (left[:, kept] / np.sqrt(self.n_rows * power))
        del self.gram
        residual = vectors.T @ self.cross
        del self.cross
        return np.clip(power, 0.0, None), vectors, residual, max(energy, 0.0)


def _generalised_cross_validation(
    power: np.ndarray, signal: np.ndarray, error: float, n_different: int
) -> float:
    """Penalty of least GCV score; `power` and `signal` in units of the mean power."""
    inverse = 1.0 / (power + _GRID[:, None])
    explained = (2.0 * inverse - power * inverse**2) @ signal
    used = np.sum(power * inverse, axis=1) / n_different
    score = np.full(_GRID.size, np.inf)
    fits = used < _MOST_USED
    score[fits] = (error - explained[fits]) / (1.0 - used[fits]) ** 2
    best = int(np.argmin(score))
    # The prior decoder has no degrees of freedom: its score is its error.
    return float(_GRID[best]) if score[best] < error else float("inf")


def _fingerprints(rows: np.ndarray) -> np.ndarray:
    """A 64-bit number per row, equal for equal rows: a sum that wraps around is exact."""
    words = np.ascontiguousarray(rows).view(np.uint32)
    weights = raw_words(as_rng(0), words.shape[1])
    return np.einsum("ij,j->i", words, weights, dtype=np.uint64, casting="unsafe")
