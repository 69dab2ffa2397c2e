"""Is a hole more than chance? Ratios of death to birth against their universal law."""

from __future__ import annotations

import math

import numpy as np
from jaxtyping import Float

from isthmus.core.door import real_number, whole_number
from isthmus.core.errors import ValueOutOfRange
from isthmus.core.random import as_rng

ALPHA_POWER = 0.5
"""A of the universal law for unions of balls (alpha and Cech complexes)."""

RIPS_POWER = 1.0
"""A of the universal law for Rips complexes."""

FEWEST = 10
"""Intervals of a degree from which their own mean is taken."""

REFERENCE = {
    (2, 1): -4.0,
    (3, 1): -4.35,
    (3, 2): -6.13,
    (4, 1): -4.55,
    (4, 2): -6.26,
    (4, 3): -7.7,
}
"""(dimension, degree) -> mean of ln ln(d/b) of a uniform cloud, alpha radii."""

_MOST = 10_000


def universal_p_values(
    births: Float[np.ndarray, " interval"],
    deaths: Float[np.ndarray, " interval"],
    *,
    dim: int,
    degree: int,
    power: float = ALPHA_POWER,
) -> Float[np.ndarray, " interval"]:
    r"""P-values of all intervals of one degree, each for itself.

    Persistence ratios of samples from any density follow one law: with
    :math:`L = A (\ln\ln(d/b) - \bar L) - \gamma`, where :math:`\bar L` is the mean of
    :math:`\ln\ln(d/b)` over the intervals of the degree and gamma is Euler's constant,
    :math:`P(L > x) = \exp(-e^x)`. The law is a conjecture that simulations support.

    With fewer than ten intervals the mean is that of a uniform cloud: an interval alone
    would be its own mean, and its p-value .570 whatever its ratio.

    Args:
        births: Positive radii of all intervals of the degree, before any choice.
        deaths: Larger radii.
        dim: Dimension of the space that the complex triangulates.
        degree: Degree of the holes, at least 1.
        power: A: 1/2 for alpha complexes, 1 for Rips.

    Returns:
        P-values, to be multiplied by the number of intervals looked at; NaN where there
        are fewer than ten intervals and no reference value.

    Examples:
        >>> circle = np.array([0.08]), np.array([1.0])
        >>> bool(universal_p_values(*circle, dim=2, degree=1)[0] < 0.01)
        True

    References:
        [bobrowski:23]
    """
    if births.size == 0:
        return np.empty(0)
    heights = np.log(np.log(deaths / births))
    if births.size >= FEWEST:
        mean = float(heights.mean())
    else:
        mean = REFERENCE.get((dim, degree), math.nan) if power == ALPHA_POWER else math.nan
    with np.errstate(over="ignore", under="ignore"):
        p_values: np.ndarray = np.exp(-np.exp(power * (heights - mean) - np.euler_gamma))
    return p_values


def corrected(p_value: float, n_tests: int) -> float | None:
    """Bonferroni's correction, or None where there is no p-value.

    Examples:
        >>> corrected(0.01, 20), corrected(0.5, 20), corrected(float("nan"), 20)
        (0.2, 1.0, None)
    """
    return None if math.isnan(p_value) else min(1.0, n_tests * p_value)


def monte_carlo_p_value(
    ratio: float, n_points: int, degree: int, *, n_draws: int = 199, rng: object = None
) -> float:
    r"""How often a uniform cloud has a hole of this ratio: a second opinion, no theorem.

    (1 + number of clouds whose largest d/b reaches `ratio`) / (n_draws + 1), for uniform
    clouds of as many points in the cube of degree + 1 dimensions.

    Args:
        ratio: Death over birth, at least 1.
        n_points: Points of the cloud that showed it, 5 to 10 000.
        degree: 1, 2 or 3.
        n_draws: Clouds to draw.
        rng: Seed or generator.

    Returns:
        A p-value of at least 1 / (n_draws + 1).

    Raises:
        ValueOutOfRange: If an argument is out of its range.

    Examples:
        >>> monte_carlo_p_value(9.0, 60, 1, n_draws=19, rng=0)
        0.05
    """
    call = "monte_carlo_p_value"
    degree = whole_number(f"{call}(degree=...)", degree, least=1, most=3)
    n_points = whole_number(f"{call}(n_points=...)", n_points, least=5, most=_MOST)
    n_draws = whole_number(f"{call}(n_draws=...)", n_draws, least=1)
    ratio = real_number(f"{call}(ratio=...)", ratio)
    if not ratio >= 1.0:
        raise ValueOutOfRange(
            f"`{call}(ratio=...)` must be death over birth, at least 1; got {ratio}. "
            "Give both in the same unit."
        )
    generator = as_rng(rng)
    reached = sum(
        _largest_ratio(generator.uniform(size=(n_points, degree + 1)), degree) >= ratio
        for _ in range(n_draws)
    )
    return (1 + reached) / (n_draws + 1)


def _largest_ratio(points: np.ndarray, degree: int) -> float:
    from isthmus.topology.alpha import alpha_complex
    from isthmus.topology.persistence import alpha_intervals

    found = alpha_intervals(alpha_complex(points))[2][degree]
    return float((found[:, 1] / found[:, 0]).max(initial=1.0))
