"""Risk of a sign code on sparse Gaussian data, exact given which coordinates are zero."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Iterable

import numpy as np
from jaxtyping import Bool, Float

from isthmus.core.blas import gram, inner, product
from isthmus.core.door import real_array, real_number
from isthmus.core.errors import ValueOutOfRange
from isthmus.core.random import raw_words
from isthmus.core.tolerance import CORRELATION_GAP
from isthmus.core.typing import Matrix
from isthmus.priors.base import check_density

Masks = Matrix | Bool[np.ndarray, "mask input"]
_MEAN_ABSOLUTE = math.sqrt(2.0 / math.pi)


@dataclasses.dataclass(frozen=True)
class MaskedRisk:
    """Risk of a sign code with tied decoder, over masks.

    Attributes:
        nmse: Mean over masks, exact for each of them.
        standard_error: Over masks, the scale held fixed; 0 where every mask is full,
            NaN for a single mask that is not.
        scale: Of the transposed encoder as decoder; the best one for these masks.
    """

    nmse: float
    standard_error: float
    scale: float


def draw_masks(
    density: float, n_masks: int, n_input: int, *, rng: np.random.Generator
) -> Bool[np.ndarray, "mask input"]:
    """Independent masks, true where a coordinate is not zero.

    Examples:
        >>> draw_masks(1.0, 1, 3, rng=np.random.default_rng(0)).tolist()
        [[True, True, True]]
    """
    words = raw_words(rng, n_masks * n_input) >> np.uint64(11)
    return (words * 2.0**-53 < density).reshape(n_masks, n_input)


def masked_risk(
    encoder_weight: Matrix, masks: Masks, density: float, *, scale: float | None = None
) -> MaskedRisk:
    r"""Exact risk of x -> a B' sign(B x) on sparse Gaussian data of given masks.

    x is zero off the mask m and N(0, 1/p) on it, so that given m the pre-activations are
    Gaussian, with directions :math:`h_i = b_i \circ m / \|b_i \circ m\|`:

    .. math:: R = \frac1d E_m \Bigl[ d - 2 a \sqrt{\tfrac2\pi} \sum_i
        \frac{\|b_i \circ m\|}{\sqrt p} + a^2 \tfrac2\pi \sum_{ij} \langle b_i, b_j
        \rangle \arcsin \langle h_i, h_j \rangle \Bigr]

    A row that the mask hides has the constant bit +1. The first term stands for the
    variance over all masks, one per coordinate.

    Args:
        encoder_weight: B, "code input", no zero row.
        masks: True (or 1) where a coordinate is not zero, "mask input".
        density: Share p of non-zeros that the masks were drawn with.
        scale: a; None for the best one for these masks.

    Returns:
        Mean over the masks, its standard error, and the scale.

    Raises:
        ValueOutOfRange: If shapes disagree, a row is zero or `density` no share.

    Examples:
        >>> found = masked_risk(np.eye(4), np.ones((1, 4)), 1.0)
        >>> round(found.nmse, 6)  # 1 - 2 / pi
        0.36338

    References:
        [kogler:24]
    """
    b, chosen, p = _checked("masked_risk", encoder_weight, masks, density)
    seen, power = np.array([Masked.at(b, mask, p).parts() for mask in chosen]).T
    best = float(seen.sum() / power.sum())
    a = best if scale is None else real_number("masked_risk(scale=...)", scale)
    risk = 1.0 - 2.0 * a * seen + a * a * power
    error = math.nan if risk.size < 2 else risk.std(ddof=1) / math.sqrt(risk.size)
    return MaskedRisk(float(risk.mean()), 0.0 if chosen.all() else float(error), a)


def masked_gradient(
    encoder_weight: Matrix, masks: Masks, density: float, scale: float
) -> Float[np.ndarray, "code input"]:
    r"""Gradient of n_input times :func:`masked_risk` by the encoder, scale held fixed.

    .. math:: -2 a \sqrt{\tfrac{2}{\pi p}}\, H + a^2 \tfrac2\pi \Bigl[ 2 A B + 2\,
        \mathrm{diag}(\|b_i \circ m\|)^{-1} \bigl( W H - \mathrm{diag}(W \rho) H
        \bigr) \Bigr], \quad A = \arcsin \rho, \quad
        W = \frac{B B^\top}{\sqrt{1 - \rho^2}}

    averaged over masks; H has rows h_i, rho = H H' and W no diagonal. At the best scale
    it is the whole gradient.

    Args:
        encoder_weight: B, "code input", no zero row.
        masks: True (or 1) where a coordinate is not zero, "mask input".
        density: Share p of non-zeros that the masks were drawn with.
        scale: a.

    Returns:
        Gradient, "code input"; rows need not be unit rows. Exact to rounding.

    Raises:
        ValueOutOfRange: As for :func:`masked_risk`.

    Examples:
        >>> gradient = masked_gradient(np.eye(3), np.ones((1, 3)), 1.0, 1.0)
        >>> bool(np.allclose(gradient, np.diag(np.diag(gradient))))
        True

    References:
        [kogler:24]
    """
    b, chosen, p = _checked("masked_gradient", encoder_weight, masks, density)
    a = real_number("masked_gradient(scale=...)", scale)
    return mean_gradient((Masked.at(b, mask, p) for mask in chosen), a)


@dataclasses.dataclass(frozen=True)
class Masked:
    """An encoder seen through one mask; made by :meth:`at`."""

    rows: np.ndarray
    overlap: np.ndarray
    directions: np.ndarray
    length: np.ndarray
    correlation: np.ndarray
    arcsine: np.ndarray
    density: float

    @classmethod
    def at(cls, rows: np.ndarray, mask: np.ndarray, density: float) -> Masked:
        """Directions, lengths and correlations of the rows on the mask."""
        seen = rows * mask
        length = np.linalg.norm(seen, axis=1)
        dark = ~(length > 0)
        directions = seen / np.where(dark, 1.0, length)[:, None]
        correlation = gram(directions)
        np.clip(correlation, -1.0, 1.0, out=correlation)
        np.fill_diagonal(correlation, 1.0)
        arcsine = np.arcsin(correlation)
        arcsine[np.ix_(dark, dark)] = 0.5 * np.pi  # both bits are always +1
        return cls(rows, gram(rows), directions, length, correlation, arcsine, density)

    def parts(self) -> tuple[float, float]:
        """Terms of the risk that are linear and quadratic in the scale."""
        n_input = self.rows.shape[1]
        seen = _MEAN_ABSOLUTE * float(self.length.sum()) / math.sqrt(self.density)
        power = _MEAN_ABSOLUTE**2 * inner(self.overlap, self.arcsine)
        return seen / n_input, power / n_input

    def gradient(self, scale: float) -> np.ndarray:
        """Of n_input times the risk."""
        slope = np.sqrt(np.maximum(1.0 - self.correlation**2, CORRELATION_GAP))
        weight = self.overlap / slope
        np.fill_diagonal(weight, 0.0)
        own = np.einsum("ij,ij->i", weight, self.correlation)
        turned = product(weight, self.directions) - own[:, None] * self.directions
        dark = ~(self.length > 0)
        turned /= np.where(dark, np.inf, self.length)[:, None]
        turned += product(self.arcsine, self.rows)
        turned *= 2.0 * (scale * _MEAN_ABSOLUTE) ** 2
        pull = 2.0 * scale * _MEAN_ABSOLUTE / math.sqrt(self.density)
        return np.asarray(turned - pull * self.directions)


def mean_gradient(
    points: Iterable[Masked], scale: float
) -> Float[np.ndarray, "code input"]:
    """Gradient of the mean over points of one encoder."""
    total, count = np.zeros(()), 0
    for point in points:
        total = total + point.gradient(scale)
        count += 1
    return np.asarray(total / count)


def _checked(
    call: str, encoder_weight: object, masks: object, density: object
) -> tuple[np.ndarray, np.ndarray, float]:
    p = check_density(call, density)
    chosen = real_array(f"{call}(masks=...)", masks)
    if chosen.ndim != 2 or not chosen.shape[0] or not np.all((chosen == 0) | (chosen == 1)):
        raise ValueOutOfRange(
            f"`{call}(masks=...)` must hold zeros and ones, one row per mask; got shape "
            f"{chosen.shape}. Draw them with isthmus.training.masked.draw_masks."
        )
    b = checked_encoder(
        f"{call}(encoder_weight=...)", encoder_weight, (None, chosen.shape[1])
    )
    return b, chosen, p


def checked_encoder(
    name: str, value: object, shape: tuple[int | None, int]
) -> Float[np.ndarray, "code input"]:
    """A finite encoder of this shape whose rows are not zero."""
    b = real_array(name, value)
    fits = b.ndim == 2 and b.shape[1] == shape[1] and shape[0] in (None, b.shape[0])
    if not (fits and np.all(np.isfinite(b)) and np.all(np.any(b != 0, axis=1))):
        wanted = f"{shape[0] or 'code'}, {shape[1]}"
        raise ValueOutOfRange(
            f"`{name}` must be a finite encoder of shape ({wanted}) without a zero row; "
            f"got shape {b.shape}."
        )
    return b
