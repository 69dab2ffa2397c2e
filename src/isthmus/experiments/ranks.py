"""Methods compared over many data sets: average ranks and what chance does to them."""

from __future__ import annotations

import dataclasses
import math

import numpy as np
from jaxtyping import Float

from isthmus.core.errors import DataError, ValueOutOfRange


@dataclasses.dataclass(frozen=True, eq=False)
class Ranks:
    """Average ranks of methods over data sets, 1 for the least error; ties share.

    Attributes:
        mean: Average rank, "method".
        statistic: Friedman's chi-squared, corrected for ties.
        p_value: Of it, if all methods were alike: chi-squared of one less than the number
            of methods, good from about ten data sets.
        critical: Nemenyi's critical difference: average ranks that differ by less may be
            alike.
        level: Chance that any pair of like methods differs by more.
        n_sets: Data sets.
    """

    mean: Float[np.ndarray, " method"]
    statistic: float
    p_value: float
    critical: float
    level: float
    n_sets: int


def friedman(errors: Float[np.ndarray, "set method"], *, level: float = 0.05) -> Ranks:
    r"""Rank methods on every data set, and test whether they differ at all.

    .. math:: \chi^2 = \frac{12 N}{k (k + 1)} \sum_j \Big(\bar R_j - \frac{k + 1}{2}\Big)^2
        \Big/ \Big(1 - \sum \frac{t^3 - t}{N (k^3 - k)}\Big),
        \qquad \mathrm{CD} = \frac{q}{\sqrt 2} \sqrt{\frac{k (k + 1)}{6 N}}

    with t methods in a tie and q the quantile of the studentised range of k independent
    Gaussians.

    Args:
        errors: Error of every method on every set, at least two of each.
        level: In (0, 1).

    Returns:
        Ranks and tests.

    Raises:
        DataError: If there are fewer, or an error is no number.
        ValueOutOfRange: If `level` is outside its domain.

    Examples:
        >>> found = friedman(np.array([[1.0, 2.0], [0.1, 0.3], [5.0, 4.0]]))
        >>> np.round(found.mean, 3).tolist(), round(found.statistic, 4)
        ([1.333, 1.667], 0.3333)

    References:
        [demsar:06]
    """
    from scipy.stats import chi2, rankdata

    errors = np.asarray(errors, dtype=float)
    if errors.ndim != 2 or min(errors.shape) < 2 or np.isnan(errors).any():
        raise DataError(
            "`friedman(errors)` must hold an error of at least two methods on at least two "
            f"data sets; got shape {errors.shape}"
            f"{' with NaN' if np.isnan(errors).any() else ''}."
        )
    n_sets, n_methods = errors.shape
    rank = rankdata(errors, axis=1)
    mean = rank.mean(axis=0)
    spread = float(np.square(mean - (n_methods + 1) / 2).sum())
    raw = 12.0 * n_sets / (n_methods * (n_methods + 1)) * spread
    tied = sum(
        float(count**3 - count)
        for row in rank
        for count in np.unique(row, return_counts=True)[1]
    )
    share = 1.0 - tied / (n_sets * (n_methods**3 - n_methods))
    statistic = raw / share if share > 0 else 0.0
    p_value = float(chi2.sf(statistic, n_methods - 1))
    critical = critical_difference(n_methods, n_sets, level)
    return Ranks(mean, statistic, p_value, critical, level, n_sets)


def critical_difference(n_methods: int, n_sets: int, level: float = 0.05) -> float:
    """Nemenyi's critical difference of average ranks.

    Args:
        n_methods: At least 2.
        n_sets: Data sets.
        level: In (0, 1).

    Returns:
        The difference that some pair of like methods exceeds with that chance.

    Raises:
        ValueOutOfRange: If `level` is outside its domain.

    Examples:
        >>> round(critical_difference(5, 30), 2)
        1.11

    References:
        [demsar:06]
    """
    from scipy.stats import studentized_range

    if not 0.0 < level < 1.0:
        raise ValueOutOfRange(
            f"`critical_difference(level=...)` must be between 0 and 1; got {level!r}."
        )
    quantile = float(studentized_range.ppf(1.0 - level, n_methods, math.inf))
    return quantile / math.sqrt(2.0) * math.sqrt(n_methods * (n_methods + 1) / 6 / n_sets)
