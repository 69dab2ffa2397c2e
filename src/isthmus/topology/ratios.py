"""Dimension from the ratio of two neighbour distances: TwoNN and Gride."""

from __future__ import annotations

import dataclasses

import numpy as np
from jaxtyping import Float, Int
from scipy.optimize import brentq

from isthmus.core.door import whole_number
from isthmus.core.errors import ValueOutOfRange
from isthmus.topology.dimension_estimate import DimensionEstimate, log_ratios, refuse_ties
from isthmus.topology.neighbours import Neighbours

SCALES = (1, 2, 4, 8, 16, 32, 64)
"""Numbers of the nearer neighbour that the scan of scales looks at."""

POINTS_PER_NEIGHBOUR = 20
"""Points per farther neighbour below which a scale is too coarse for the plateau."""


@dataclasses.dataclass(frozen=True, eq=False)
class ScaleScan:
    """Gride at growing scales; where it does not move, the dimension is.

    Attributes:
        near: Number n of the nearer neighbour, doubled from scale to scale.
        radius: Mean distance to neighbour 2 n, input units.
        value: Dimension at each scale.
        standard_error: Of each, from the curvature of the likelihood.
        plateau: Median of the three consecutive scales of least relative spread.
        plateau_error: The largest standard error of these.
    """

    near: Int[np.ndarray, " scale"]
    radius: Float[np.ndarray, " scale"]
    value: Float[np.ndarray, " scale"]
    standard_error: Float[np.ndarray, " scale"]
    plateau: float
    plateau_error: float


def two_nn(found: Neighbours) -> DimensionEstimate:
    r"""Dimension from the second over the first neighbour's distance.

    Where the density is even, the ratio is at least x with probability x^-d. The estimate
    (N - 1) / sum log(ratio) is the unbiased one.

    Args:
        found: Neighbours, at least two of each point.

    Returns:
        The dimension. At this smallest of scales noise fills all columns.

    Raises:
        DataError: If all first and second neighbours are equally far.

    Examples:
        >>> from isthmus.topology import nearest_neighbours
        >>> flat = np.random.default_rng(0).random((2000, 2)) @ np.ones((2, 5))
        >>> round(two_nn(nearest_neighbours(flat, 2)).value, 1)
        1.0

    References:
        [facco:17]
    """
    n = found.n_points
    total = float(log_ratios(found, 1, 2).sum())
    refuse_ties(total, "two-nn")
    value = (n - 1) / total
    return DimensionEstimate("two-nn", value, value / (n - 2) ** 0.5, n)


def gride(found: Neighbours, near: int = 1) -> DimensionEstimate:
    r"""Dimension from the distance of neighbour 2 n over that of neighbour n.

    The ratio has density d (x^d - 1)^{n-1} / (x^{(2n-1) d + 1} B(n, n)), whose likelihood
    is maximised over d; the error comes from its curvature.

    Args:
        found: Neighbours, at least 2 `near` of each point.
        near: n, at least 1; 1 is TwoNN without its correction of bias.

    Returns:
        The dimension at this scale.

    Raises:
        DataError: If all these neighbours are equally far.
        ValueOutOfRange: If there are not that many neighbours.

    References:
        [denti:22]
    """
    near = whole_number("gride(near=...)", near, least=1)
    if 2 * near > found.distances.shape[1]:
        raise ValueOutOfRange(
            f"`gride(near=...)` must be at most half of the {found.distances.shape[1]} "
            f"neighbours that were found; got {near}."
        )
    ratios = log_ratios(found, near, 2 * near)
    refuse_ties(float(ratios.sum()), "gride")
    value, error = _most_likely(ratios, near)
    return DimensionEstimate("gride", value, error, found.n_points)


def gride_scan(found: Neighbours) -> ScaleScan:
    """Gride at n = 1, 2, 4, ... 64, as far as there are neighbours, and its plateau.

    Scales of which 20 farther neighbours are more than all points are looked at only if
    there is no other.

    Args:
        found: Neighbours, best 128 of each point.

    Returns:
        All scales and the plateau. Noise bends the curve up at small scales, curvature
        and boundaries bend it at large ones.

    Raises:
        DataError: If all first and second neighbours are equally far.
    """
    most = min(found.distances.shape[1], found.n_points // POINTS_PER_NEIGHBOUR)
    near = np.array([n for n in SCALES if 2 * n <= most] or [1])
    made = [gride(found, int(n)) for n in near]
    value = np.array([one.value for one in made])
    error = np.array([one.standard_error for one in made])
    radius = found.scale * found.distances[:, 2 * near - 1].mean(axis=0)
    first = _flattest(value)
    window = slice(first, first + 3)
    plateau = float(np.median(value[window]))
    return ScaleScan(near, radius, value, error, plateau, float(error[window].max()))


def _flattest(value: np.ndarray) -> int:
    """Start of the three consecutive values of least relative spread."""
    starts = range(max(1, value.size - 2))
    spread = [np.ptp(value[i : i + 3]) / value[i : i + 3].mean() for i in starts]
    return int(np.argmin(spread))


def _most_likely(ratios: np.ndarray, near: int) -> tuple[float, float]:
    n, total = ratios.size, float(ratios.sum())

    def slope(d: float) -> float:
        """Derivative of the log likelihood, times d: ties have the limit 1."""
        return n + (near - 1) * float(_over(d * ratios).sum()) - (2 * near - 1) * d * total

    low = high = n / total
    while slope(low) < 0.0:
        low *= 0.5
    while slope(high) > 0.0:
        high *= 2.0
    value = float(brentq(slope, low, high, rtol=1e-12)) if low < high else low
    # z^2 e^-z / (1 - e^-z)^2 is (z / 2 / sinh(z / 2))^2
    half = np.clip(0.5 * value * ratios, 1e-8, 300.0)
    curvature = n + (near - 1) * float(((half / np.sinh(half)) ** 2).sum())
    return value, value / float(np.sqrt(curvature))


def _over(z: np.ndarray) -> np.ndarray:
    """Of z the quotient z / (1 - e^-z), 1 at 0."""
    safe = np.maximum(z, 1e-12)
    return np.asarray(safe / -np.expm1(-safe))
