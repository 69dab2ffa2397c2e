"""How much of the non-Gaussianity of a sign code is that rows differ in length."""

from __future__ import annotations

import dataclasses
import math

import numpy as np
from jaxtyping import Float

from isthmus.core.activations import Activation
from isthmus.core.door import real_array
from isthmus.core.errors import ValueOutOfRange
from isthmus.core.linalg import descending_eigh
from isthmus.core.tolerance import CORRELATION_GAP, RELATIVE_RANK
from isthmus.core.typing import Matrix
from isthmus.limits.population import checked, checked_decoder, code_moments

LEAST_ROWS = 50
"""Rows below which lengths tell nothing."""
_CALL = "norm_spread_gap"
_ROWS_PER_DIRECTION = 10
_ELASTICITY = 0.25
_MATCH = 1e-3
_BLOCK = 4096


def norm_spread_gap(
    encoder_weight: Matrix,
    decoder_weight: Matrix,
    test_covariance: Matrix,
    centred_rows: Matrix,
    *,
    activation: object = "sign",
) -> tuple[float, float] | None:
    r"""Part of a gap's non-Gaussianity that the spread of the rows' lengths explains.

    Rows x = s g with g Gaussian and an independent scale s > 0 have the signs of g, so
    that with one fixed linear decoder

    .. math:: \text{risk}(x) - \text{risk}(\text{Gaussian of the same covariance})
        = \frac{2 (1 - \kappa)}{d}\, \mathrm{tr}(A^\top C), \qquad
        \kappa = \frac{E s}{\sqrt{E s^2}}, \quad C = E[x y^\top] \text{ of the Gaussian}

    exactly. Lengths are taken of the pre-activations, whitened, each row by the others
    (leverage h as sqrt(h / (1 - h)), whose law for Gaussian rows is known), over the
    leading directions that have ten rows each. For rows that are not of this kind the
    number means something only if what the code catches of a row, <x, A y>, grows in
    proportion to that length. Its elasticity is measured; where it is not 1, up to a
    quarter, up to noise or up to a quarter of the term, there is no answer.

    Args:
        encoder_weight: B, "code input".
        decoder_weight: A, "input code".
        test_covariance: Second moments of the very rows, "input input".
        centred_rows: Held-out rows minus the training mean, "sample input". Where
            lengths are sent beside the code, do not ask: nothing is left to explain.
        activation: Name, odd function or :class:`~isthmus.core.Activation`.

    Returns:
        The term in mean squared error per coordinate, negative where lengths vary less
        than a Gaussian's, and its standard error over rows (delta method). None where
        the law does not apply: the activation sees scale, there are fewer than 50 rows,
        or lengths are not what the code misses.

    Raises:
        ValueOutOfRange: If shapes disagree, numbers are not finite, an encoder row sees
            no variance, or the covariance is not that of the rows.

    Examples:
        >>> rng = np.random.default_rng(0)
        >>> x = rng.standard_normal((4000, 8)) * rng.choice([0.3, 1.7], size=(4000, 1))
        >>> a = np.sqrt(2 / np.pi) * np.eye(8)
        >>> value, error = norm_spread_gap(np.eye(8), a, x.T @ x / 4000, x)
        >>> exact = 2 * (1 - 1 / np.hypot(1, 0.7)) * np.hypot(1, 0.7) * 2 / np.pi
        >>> bool(abs(value - exact) < 4 * error < 0.05)
        True

    References:
        [shevchenko:23]
    """
    b, sigma, act = checked(_CALL, encoder_weight, test_covariance, activation)
    a = checked_decoder(_CALL, decoder_weight, b.shape[::-1])
    x = real_array(f"{_CALL}(centred_rows=...)", centred_rows)
    if x.ndim != 2 or x.shape[1] != len(sigma) or not np.all(np.isfinite(x)):
        raise ValueOutOfRange(
            f"`{_CALL}(centred_rows=...)` must be finite rows of {len(sigma)} columns; got "
            f"shape {x.shape}. Pass what the covariance was taken from."
        )
    if act.degree != 0 or len(x) < LEAST_ROWS:
        return None
    return checked_norm_spread(b, a, sigma, x, act)


def checked_norm_spread(
    b: Float[np.ndarray, "code input"],
    a: Float[np.ndarray, "input code"],
    sigma: Float[np.ndarray, "input input"],
    x: Float[np.ndarray, "sample input"],
    act: Activation,
) -> tuple[float, float] | None:
    """The same where everything is known to be in order, in the order of arguments."""
    rows = _row_figures(b, a, sigma, x, act)
    kappa, by_row = _kappa(rows)
    if not _in_proportion(rows, kappa):
        return None
    expected = float(np.sum(a * code_moments(b, sigma, act)[0]))
    influence = (1.0 - kappa) * rows.influence - expected * by_row
    scale = 2.0 / len(sigma)
    error = scale * float(influence.std()) / math.sqrt(len(x))
    return scale * (1.0 - kappa) * expected, error


@dataclasses.dataclass(frozen=True)
class _RowFigures:
    """What each row adds, all " sample".

    Attributes:
        length: Of whitened pre-activations, each by the other rows; any unit.
        caught: <x, A y>.
        influence: On tr(A^T C), through the covariance.
        n_directions: That the lengths were taken over.
    """

    length: Float[np.ndarray, " sample"]
    caught: Float[np.ndarray, " sample"]
    influence: Float[np.ndarray, " sample"]
    n_directions: int


def _row_figures(
    b: np.ndarray, a: np.ndarray, sigma: np.ndarray, x: np.ndarray, act: Activation
) -> _RowFigures:
    seen = b @ sigma
    nu = np.sqrt(np.einsum("ij,ij->i", seen, b))
    whiten = _whitening(b / nu[:, None], sigma, len(x))
    aligned = np.einsum("ij,ji->i", seen, a)  # a_j' S b_j
    leverage, caught, influence = np.empty((3, len(x)))
    for start in range(0, len(x), _BLOCK):
        block = slice(start, start + _BLOCK)
        rows = x[block]
        u, projected = (rows @ b.T) / nu, rows @ a
        leverage[block] = np.sum((rows @ whiten) ** 2, axis=1) / len(x)
        caught[block] = np.sum(projected * act.function(u), axis=1)
        # tr(A^T C) = c1 sum_j a_j' S b_j / sqrt(b_j' S b_j), by S in the direction xx'
        influence[block] = act.c1 * (
            np.sum(projected * u, axis=1) - 0.5 * u**2 @ (aligned / nu)
        )
    if abs(leverage.sum() / whiten.shape[1] - 1.0) > _MATCH:
        raise ValueOutOfRange(
            f"`{_CALL}(test_covariance=...)` must be the second moments of `centred_rows`; "
            f"along what the encoder sees they differ by a factor "
            f"{leverage.sum() / whiten.shape[1]:.4g}. Pass x.T @ x / len(x)."
        )
    odds = leverage / np.maximum(1.0 - leverage, CORRELATION_GAP)
    return _RowFigures(np.sqrt(odds), caught, influence, whiten.shape[1])


def _whitening(unit: np.ndarray, sigma: np.ndarray, n_rows: int) -> np.ndarray:
    """Map "input direction" to white leading directions of the pre-activations."""
    most = max(1, n_rows // _ROWS_PER_DIRECTION)
    if unit.shape[0] <= unit.shape[1]:
        values, vectors = _leading(unit @ sigma @ unit.T, most)
        return np.asarray(unit.T @ (vectors / np.sqrt(values)))
    # More symbols than coordinates: the same directions from the smaller problem.
    variances, axes = descending_eigh(sigma)
    factor = unit @ (axes * np.sqrt(variances))
    values, vectors = _leading(factor.T @ factor, most)
    return np.asarray(unit.T @ (factor @ (vectors / values)))


def _leading(matrix: np.ndarray, most: int) -> tuple[np.ndarray, np.ndarray]:
    """Largest eigenvalues, at most so many and none of them rounding, and vectors."""
    from scipy import linalg

    size = len(matrix)
    values, vectors = linalg.eigh(
        matrix, subset_by_index=[max(0, size - most), size - 1], check_finite=False
    )
    kept = values > RELATIVE_RANK * values[-1]
    return values[kept][::-1], vectors[:, kept][:, ::-1]


def _kappa(rows: _RowFigures) -> tuple[float, np.ndarray]:
    """E[s] / sqrt(E[s^2]) and the influence of each row on it.

    The leverage of a Gaussian row, whitened over K directions by N rows about a known
    mean, is Beta(K/2, (N - K)/2), its odds are beta prime.
    """
    half, rest = 0.5 * rows.n_directions, 0.5 * (rows.length.size - rows.n_directions)
    log = math.lgamma(half + 0.5) + math.lgamma(rest - 0.5)
    log -= math.lgamma(half) + math.lgamma(rest)
    gaussian = math.exp(log) / math.sqrt(half / (rest - 1.0))
    first, second = rows.length.mean(), np.mean(rows.length**2)
    kappa = float(first / math.sqrt(second) / gaussian)
    by_row = rows.length / first - 1.0 - 0.5 * (rows.length**2 / second - 1.0)
    return kappa, kappa * by_row


def _in_proportion(rows: _RowFigures, kappa: float) -> bool:
    """Whether the code catches a per cent more of a row that is a per cent longer.

    Nothing speaks against it while the elasticity is within a quarter, or within four of
    its standard errors, of 1; nor if lengths vary so little that what it lacks is below a
    quarter of 2 (1 - kappa), the term over tr(A^T C).
    """
    if not rows.caught.mean() > 0:
        return False
    length = rows.length / rows.length.mean() - 1.0
    caught = rows.caught / rows.caught.mean() - 1.0
    spread = np.mean(length**2)
    found = np.mean(length * caught) / spread
    by_row = length * (caught - found * length) / spread + found * (length - caught)
    error = float(by_row.std()) / math.sqrt(length.size)
    lacks = abs(float(found) - 1.0)
    small = lacks * spread <= 2.0 * _ELASTICITY * abs(1.0 - kappa)
    return lacks <= max(_ELASTICITY, 4.0 * error) or bool(small)
