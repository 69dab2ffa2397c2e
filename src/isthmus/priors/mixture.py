"""Closed forms of mixtures of zero-mean Gaussians seen through Gaussian noise.

Weights and variances are sequences with one entry per component, the largest variance
last; an entry is a number or an array that broadcasts against the observations.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from array_api_compat import array_namespace, is_numpy_array

Components = Sequence[Any] | np.ndarray
"""One number or array per component, or an array of them along its first axis."""

_MOST_LOG_ODDS = 80.0  # whose exponential float32 can still hold
_STEP = 0.05
_FROM, _TO = 1e-5, 10.0


def mixture_posterior(
    weights: Components, variances: Components, r: Any, noise: Any
) -> tuple[Any, Any]:
    """Posterior mean and variance, in the type of r and on its device.

    Between components, variances are summed pair by pair, so that no large numbers
    cancel.

    Args:
        weights: Positive; an array may hold zeros in all entries but the last.
        variances: Of the components.
        r: Observations.
        noise: Variance of the noise, positive, broadcasts against r.

    Examples:
        >>> mean, variance = mixture_posterior([1.0], [1.0], np.array([4.0]), 1.0)
        >>> mean.tolist(), variance.tolist()
        ([2.0], [0.5])
    """
    if len(variances) == 2:
        return _two_components(weights, variances, r, noise)
    gains = [v / (v + noise) for v in variances]
    shares = _odds(weights, variances, r, noise)
    if not shares:
        return r * gains[-1], 0.0 * r + gains[-1] * noise
    last = 1.0 / _one_plus(shares)
    gain = last * gains[-1]
    for share, own in zip(shares, gains, strict=False):
        share *= last
        if not _is_zero(own):
            gain += share * own
    shares.append(last)
    spread: Any = None
    for k in range(1, len(shares)):
        for j in range(k):
            apart = (variances[k] - variances[j]) / (variances[k] + noise)
            pair = shares[j] * shares[k]
            pair *= (apart * (noise / (variances[j] + noise))) ** 2
            spread = pair if spread is None else spread + pair
    spread *= r
    spread *= r
    spread += gain * noise
    gain *= r
    return gain, spread


def mixture_shares(
    weights: Components, variances: Components, r: Any, noise: Any
) -> list[Any]:
    """Posterior probability of every component.

    Examples:
        >>> shares = mixture_shares([0.5, 0.5], [1.0, 4.0], np.array([0.0]), 1.0)
        >>> [round(float(share[0]), 6) for share in shares]
        [0.612574, 0.387426]
    """
    shares = _odds(weights, variances, r, noise)
    if not shares:
        return [0.0 * r + 1.0]
    last = 1.0 / _one_plus(shares)
    for share in shares:
        share *= last
    return [*shares, last]


def _two_components(
    weights: Components, variances: Components, r: Any, noise: Any
) -> tuple[Any, Any]:
    """The same in as few passes over r as two components allow."""
    low, high = variances
    own, wide = low + noise, high + noise
    (odds,) = _odds(weights, variances, r, noise)
    gain = 1.0 / (odds + 1.0)
    if _is_zero(low):
        gain *= high / wide
        spread = gain * noise
        gain *= r
        apart = gain
    else:
        apart = gain * ((high - low) / wide * (noise / own))
        apart *= r
        spread = odds * (low / own)
        spread += high / wide
        gain *= spread
        spread = gain * noise
        gain *= r
    # The squared distance of the two means, times both shares.
    odds *= apart
    odds *= apart
    spread += odds
    return gain, spread


def mixture_log_density(
    weights: Components, variances: Components, r: np.ndarray, noise: Any
) -> np.ndarray:
    """Logarithm of the density of r.

    Examples:
        >>> float(mixture_log_density([1.0], [1.0], np.zeros(1), 1.0)[0].round(6))
        -1.265512
    """
    wide = variances[-1] + noise
    scale = np.log(weights[-1]) - 0.5 * np.log(2.0 * math.pi * wide)
    value = scale - 0.5 * np.square(r) / wide
    odds = _odds(weights, variances, r, noise)
    return np.asarray(value + np.log(_one_plus(odds)) if odds else value)


def mixture_mmse(
    weights: np.ndarray,
    variances: np.ndarray,
    noise: float,
) -> np.ndarray:
    """Least mean squared error of every mixture of a list, at one noise variance.

    In s = log r the posterior bends over units of s, whatever its scale, so the trapezoid
    rule converges exponentially: 1e-12 of the smaller of prior and noise
    variance.

    Args:
        weights: "component", or "component column".
        variances: Of the same shape.
        noise: Positive.

    Examples:
        >>> mixture_mmse(np.ones((1, 2)), np.array([[1.0, 3.0]]), 1.0).round(6).tolist()
        [0.5, 0.75]
    """
    prior = np.sum(weights * variances, axis=0)
    unit = np.minimum(prior, noise)
    low = math.log(_FROM * math.sqrt(float(np.min(variances)) + noise))
    high = math.log(_TO * math.sqrt(float(np.max(variances)) + noise))
    shape = (-1,) + (1,) * prior.ndim
    r = np.exp(np.linspace(low, high, math.ceil((high - low) / _STEP))).reshape(shape)
    step = (high - low) / (r.size - 1)
    log = mixture_log_density(weights, variances, r, noise)
    value = (
        2.0 * np.exp(log) * r * (mixture_posterior(weights, variances, r, noise)[1] / unit)
    )
    # Below the first node the value falls as r itself does: a geometric series.
    return np.asarray(unit * step * (value.sum(axis=0) + value[0] / math.expm1(step)))


def _odds(weights: Components, variances: Components, r: Any, noise: Any) -> list[Any]:
    """Probability of every component but the last over that of the last."""
    wide = variances[-1] + noise
    odds = []
    for w, v in zip(weights[:-1], variances[:-1], strict=True):
        own = v + noise
        most = _log(w / weights[-1]) + 0.5 * _log(wide / own)
        fall = r * (0.5 * (variances[-1] - v) / wide / own) ** 0.5
        fall *= fall
        most = _least(most, _MOST_LOG_ODDS)
        if is_numpy_array(fall):
            np.subtract(most, fall, out=fall)
            odds.append(np.exp(fall, out=fall))
        else:
            odds.append(_exp(most - fall))
    return odds


def _one_plus(odds: list[Any]) -> Any:
    total = odds[0] + 1.0
    for one in odds[1:]:
        total += one
    return total


def _log(value: Any) -> Any:
    if isinstance(value, (float, np.floating)):
        return math.log(value) if value > 0 else -math.inf
    if is_numpy_array(value):
        with np.errstate(divide="ignore"):
            return np.log(value)
    return array_namespace(value).log(value)


def _exp(value: Any) -> Any:
    return array_namespace(value).exp(value)


def _least(value: Any, most: float) -> Any:
    if isinstance(value, float):
        return min(value, most)
    if is_numpy_array(value):
        return np.minimum(value, most)
    return array_namespace(value).clip(value, None, most)


def _is_zero(value: Any) -> bool:
    return isinstance(value, float) and float(value) == 0.0
