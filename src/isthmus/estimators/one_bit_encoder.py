"""The encoder behind sign codes: as given, or estimated from pairs."""

from __future__ import annotations

import dataclasses
import math

import numpy as np
from jaxtyping import Float

from isthmus.core.door import real_array
from isthmus.core.errors import DataError, ValueOutOfRange
from isthmus.data.principal import Principal
from isthmus.estimators.one_bit_pairs import CALL, Pairs
from isthmus.limits.one_bit import hazard

GOOD = 0.85
"""Share of the bits that an encoder must give right for a decoder that relies on it."""
STEPS = 10
ROWS = 4000
_ASIDE = 1000
_FLOOR = 1e-3


@dataclasses.dataclass(frozen=True, eq=False)
class KnownEncoder:
    """Rows whose signs the codes are.

    Attributes:
        weight: B, "code input", rows of length 1.
        agreement: Share of the bits of rows (set aside, if it was estimated) that
            sign(B x) gives right.
        estimated: Whether it was made from pairs.
    """

    weight: Float[np.ndarray, "code input"]
    agreement: float
    estimated: bool

    @property
    def noise(self) -> float:
        """Variance, relative to B x, of noise that would spoil as many bits."""
        correlation = math.sin(math.pi * (max(self.agreement, 0.55) - 0.5))
        return 1.0 / correlation**2 - 1.0


def given_encoder(weight: object, live: np.ndarray, pairs: Pairs | None) -> KnownEncoder:
    """Check an encoder against pairs of its codes.

    Raises:
        ValueOutOfRange: If its shape does not fit.
        DataError: If its signs are not these codes.
    """
    b = real_array(f"{CALL}(encoder_weight=...)", weight)
    if b.ndim != 2 or not b.size or not np.isfinite(b).all():
        raise ValueOutOfRange(
            f"`{CALL}(encoder_weight=...)` must be a finite matrix, one row per bit and "
            f"one column per input; got shape {b.shape}."
        )
    largest = np.abs(b).max(axis=1)
    if not largest.min() > 0:
        raise ValueOutOfRange(
            f"`{CALL}(encoder_weight=...)` must have no row of zeros; row "
            f"{int(largest.argmin())} is one."
        )
    b = b / largest[:, None]  # first, so that squares neither vanish nor overflow
    b /= np.sqrt(np.einsum("ij,ij->i", b, b))[:, None]
    if pairs is None:
        return KnownEncoder(b, 1.0, False)
    if b.shape[1] != pairs.rows.shape[1] or (live.size and b.shape[0] <= live.max()):
        raise ValueOutOfRange(
            f"`{CALL}(encoder_weight=...)` must have one row per bit and "
            f"{pairs.rows.shape[1]} columns; got shape {b.shape}."
        )
    b = b[live]
    share = agreement(b, pairs.taken(slice(0, ROWS)))
    if share < GOOD:
        raise DataError(
            f"`{CALL}(encoder_weight=...)` must give these codes as the signs of "
            f"B (x - center); {100 * share:.1f} % of the bits agree. Look for a transposed "
            "matrix, another centre (center=0 if none was subtracted) or another order of "
            "the bits; without encoder_weight it is estimated."
        )
    return KnownEncoder(b, share, False)


def estimated_encoder(pairs: Pairs, rng: np.random.Generator) -> KnownEncoder:
    r"""Encoder from pairs, by Bussgang's theorem and then the likelihood of the bits.

    For Gaussian rows E[y x^T] is a multiple of B's row times the covariance, so that
    E[y x^T] divided by the covariance has the direction of B. A few steps of expectation
    maximisation of a probit model, whose noise falls, make it sharper.

    Args:
        pairs: Codes and rows.
        rng: Draws the rows that the estimate is judged on.

    Returns:
        The estimate, and the share of bits of rows set aside that it gives right.
    """
    order = rng.permutation(len(pairs.codes))
    n_aside = min(_ASIDE, len(order) // 5)
    aside = pairs.taken(order[:n_aside]) if n_aside else pairs
    some = pairs.taken(order[n_aside : n_aside + ROWS]).of_length_one()
    axes = Principal.from_rows(some.rows)
    eigenvalues = axes.eigenvalues
    inverse = (axes.basis / (eigenvalues + _FLOOR * eigenvalues.mean())) @ axes.basis.T
    inverse = (inverse / len(some.codes)).astype(np.float32)
    weight = some.codes.T @ some.rows @ inverse
    for step in range(STEPS):
        z = some.rows @ weight.T
        z /= np.sqrt(np.mean(np.square(z), axis=0)) + 1e-30
        spread = np.float32(0.5 * 0.85**step)
        z += some.codes * hazard(some.codes * z / spread) * spread
        weight = z.T @ some.rows @ inverse
    weight = weight.astype(np.float64)
    length = np.sqrt(np.einsum("ij,ij->i", weight, weight))
    weight /= np.where(length > 0, length, 1.0)[:, None]
    return KnownEncoder(weight, agreement(weight, aside), True)


def agreement(weight: Float[np.ndarray, "code input"], pairs: Pairs) -> float:
    """Share of the bits that an encoder gives right."""
    seen = pairs.rows @ weight.T.astype(np.float32)
    return float(np.mean((seen >= 0) == (pairs.codes > 0)))
