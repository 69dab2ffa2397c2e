"""Generators of the orbit that rows lie on, learnt from the rows alone."""

from __future__ import annotations

import dataclasses
import math

import numpy as np
from jaxtyping import Float

from isthmus.core.door import real_array, whole_number
from isthmus.core.errors import DataError
from isthmus.core.random import as_rng, random_subset
from isthmus.core.typing import Matrix
from isthmus.training.penalties.orbit_search import (
    Fitted,
    nearest_amounts,
    search,
    terms,
)
from isthmus.training.penalties.orbit_starts import Cloud, cloud, starts

TRUSTED = 0.01
"""Held-out residual up to which an orbit is taken for the one that rows lie on."""

_CALL = "fit_generators"
_EXACT = 1e-12  # residual that no other start will improve upon
_POLISHED = 1e-24
_AT_ONCE = 64  # starts
_MOST_FREQUENCIES = 8
_TURNS = 12  # of the frequency that is held, until an orbit must have closed
_CLOSED = 1e-3  # turns


@dataclasses.dataclass(frozen=True, eq=False)
class LearnedOrbit:
    r"""Commuting generators, and where the rows lie along them.

    .. math:: x(t) = \exp(\textstyle\sum_k t_k G_k)\, x(0)
        = c_0 + \sum_m c_m \cos(\omega_m \cdot t) + s_m \sin(\omega_m \cdot t)

    Attributes:
        amounts: t of every row that was fitted, "row generator".
        frequencies: omega, "frequency generator", in units in which the first ones are
            the unit vectors.
        coefficients: c_0, then c_m, then s_m, "term input".
        residual: Squared distance of the rows from their points of the orbit, over that
            from their mean.
        held_out: The same for rows left out one by one, each from the nearest point found
            on the orbit of the others; infinite if nothing was fitted.
    """

    amounts: Float[np.ndarray, "row generator"]
    frequencies: Float[np.ndarray, "frequency generator"]
    coefficients: Float[np.ndarray, "term input"]
    residual: float
    held_out: float

    @property
    def trusted(self) -> bool:
        """Whether rows that were left out are found on the orbit of the others."""
        return self.held_out <= TRUSTED

    @property
    def period(self) -> float | None:
        """Amount after which the orbit of one generator closes; None if it does not."""
        if self.frequencies.shape[1] != 1:
            return None
        for turns in range(1, _TURNS + 1):
            found = turns * self.frequencies[:, 0]
            if np.abs(found - np.round(found)).max() <= _CLOSED:
                return 2.0 * math.pi * turns
        return None

    @property
    def generators(self) -> Float[np.ndarray, "generator input input"]:
        """G_k on the span of the orbit, 0 across it."""
        m = len(self.frequencies)
        cosines, sines = self.coefficients[1 : 1 + m], self.coefficients[1 + m :]
        back = np.linalg.pinv(self.coefficients)
        found = []
        for omega in self.frequencies.T[..., None]:
            velocity = np.concatenate(
                [0.0 * back[:, :1].T, omega * sines, -omega * cosines]
            )
            found.append((back @ velocity).T)
        return np.array(found)

    def at(self, amounts: Matrix) -> Float[np.ndarray, "sample input"]:
        """Points of the orbit.

        Args:
            amounts: t, "sample generator".
        """
        made = terms(np.asarray(amounts, float), self.frequencies)
        return np.asarray(made @ self.coefficients)


def fit_generators(
    x: Matrix,
    n_generators: int = 1,
    *,
    n_frequencies: int | None = None,
    n_starts: int = 256,
    max_rows: int = 48,
    rng: np.random.Generator | int | None,
) -> LearnedOrbit:
    r"""Learn commuting generators, and amounts, from rows on one orbit of a compact group.

    In the span of the rows, amounts and frequencies are found by Gauss-Newton steps from
    many starts, coefficients by least squares. Neither the order of the rows nor one
    frequency need be known. N rows of rank r about their mean and M frequencies leave
    min(r, 2M) (N - 2M - 1) conditions on N K amounts and (M - K) K frequencies, of which
    K are free; there must be enough even with one row less. Check `held_out`: a search
    that ended elsewhere, rows of no orbit, and noise show there.

    Args:
        x: Rows, "row input".
        n_generators: K, the dimension of the orbit.
        n_frequencies: M, at least K; None for half the rank r, or, where rows have full
            rank, for the number that leaves least held out.
        n_starts: At most; fewer where rows are met exactly.
        max_rows: Rows to fit, drawn at random where there are more.
        rng: Seed or generator.

    Returns:
        What was learnt, trusted or not.

    Raises:
        DataError: If rows are too few, not finite, or all equal.
        ValueOutOfRange: If an argument is outside its domain.

    Examples:
        >>> angle = np.array([0.1, 0.9, 1.3, 2.2, 3.0, 3.7, 4.4, 5.1, 5.9])
        >>> rows = np.stack([2 * np.cos(angle), np.sin(angle), np.cos(2 * angle)], axis=1)
        >>> orbit = fit_generators(rows, rng=0)
        >>> orbit.trusted, len(orbit.frequencies), orbit.residual < 1e-9
        (True, 2, True)

    References:
        [cosentino:22]; variable projection [golub:73]
    """
    k = whole_number(f"{_CALL}(n_generators=...)", n_generators, least=1)
    n_starts = whole_number(f"{_CALL}(n_starts=...)", n_starts, least=1)
    max_rows = whole_number(f"{_CALL}(max_rows=...)", max_rows, least=2 * k + 2)
    if n_frequencies is not None:
        n_frequencies = whole_number(f"{_CALL}(n_frequencies=...)", n_frequencies, least=k)
    rows, draws = _rows(x), as_rng(rng)
    if len(rows) > max_rows:
        rows = rows[random_subset(draws, len(rows), max_rows)]
    if np.ptp(rows, axis=0).max() == 0.0:
        raise DataError(f"`{_CALL}(x=...)` must have rows that differ; all are equal.")
    points = cloud(rows)
    counts = _counts(points, n_frequencies, k)
    if not counts:
        wanted = n_frequencies or max((points.scores.shape[1] + 1) // 2, k)
        raise DataError(
            f"`{_CALL}(x=...)` must have enough rows to determine {wanted} frequencies and "
            f"{k} amounts each, with one row left out; got {len(rows)}. Give more rows or "
            "fewer frequencies."
        )
    found = [_fit(rows, points, m, k, n_starts, draws) for m in counts]
    return min(found, key=lambda orbit: orbit.held_out)


def _counts(points: Cloud, given: int | None, k: int) -> list[int]:
    """Numbers of frequencies to try, in rising order; none if rows are too few."""
    n_rows, rank = points.scores.shape
    half = max((rank + 1) // 2, k)
    if given is not None:
        wanted = [given]
    elif rank < n_rows - 1:
        wanted = [half]
    else:
        wanted = list(range(k, min(half, _MOST_FREQUENCIES) + 1))
    return [m for m in wanted if _is_determined(n_rows - 1, m, k, rank)]


def _is_determined(n_rows: int, m: int, k: int, rank: int) -> bool:
    """Whether rows in a span are as many conditions as there are unknowns, up to gauge."""
    conditions = min(rank, 2 * m) * (n_rows - 2 * m - 1)
    return conditions >= n_rows * k + (m - k - 1) * k


def _fit(
    rows: np.ndarray,
    points: Cloud,
    m: int,
    k: int,
    n_starts: int,
    draws: np.random.Generator,
) -> LearnedOrbit:
    free = np.arange(m) >= k
    best: Fitted | None = None
    for begin in range(0, n_starts, _AT_ONCE):
        amounts, frequencies = starts(points, m, k, min(_AT_ONCE, n_starts - begin), draws)
        found = search(
            points.scores[None],
            amounts,
            frequencies,
            free,
            enough=lambda residual: bool(residual.min() <= _EXACT),
        )
        chosen = _one(found, int(np.argmin(found.residual)))
        if best is None or chosen.residual[0] < best.residual[0]:
            best = chosen
        if best.residual[0] <= _EXACT:
            break
    assert best is not None
    best = search(
        points.scores[None],
        best.amounts,
        best.frequencies,
        free,
        enough=lambda residual: bool(residual.min() <= _POLISHED),
    )
    made = terms(best.amounts[0], best.frequencies[0])
    coefficients = np.linalg.lstsq(made, rows, rcond=None)[0]
    left = np.square(rows - made @ coefficients).sum()
    return LearnedOrbit(
        best.amounts[0],
        best.frequencies[0],
        coefficients,
        float(left / points.spread),
        _held_out(points.scores, best, free),
    )


def _one(found: Fitted, which: int) -> Fitted:
    values = (getattr(found, field.name) for field in dataclasses.fields(found))
    return Fitted(*(value[which : which + 1] for value in values))


def _held_out(scores: np.ndarray, fitted: Fitted, free: np.ndarray) -> float:
    """Each row from the orbit of the others, searched for from the orbit of all."""
    n = len(scores)
    others = np.array([np.delete(np.arange(n), i) for i in range(n)])
    rest = scores[others]
    found = search(
        rest,
        fitted.amounts[0][others],
        np.repeat(fitted.frequencies, n, axis=0),
        free,
        enough=lambda residual: bool(residual.max() <= _EXACT),
        max_steps=60,
    )
    here = np.concatenate([fitted.amounts[0][:, None], found.amounts], axis=1)
    same = np.repeat(scores[:, None], n, axis=1)
    _, squared = nearest_amounts(same, here, found.frequencies, found.coefficients)
    spread = np.square(scores - rest.mean(axis=1)).sum()
    return float(squared.min(axis=1).sum() / spread)


def _rows(x: Matrix) -> np.ndarray:
    rows = np.asarray(real_array(f"{_CALL}(x=...)", x), float)
    if rows.ndim != 2 or not np.isfinite(rows).all() or len(rows) < 4:
        raise DataError(
            f"`{_CALL}(x=...)` must be at least 4 finite rows of numbers; got shape "
            f"{rows.shape}. Remove rows with missing values first."
        )
    return rows
