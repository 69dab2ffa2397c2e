"""Mixtures of zero-mean Gaussians: any scales, a spike at zero among them."""

from __future__ import annotations

import abc
import dataclasses
import math

import numpy as np

from isthmus.core.door import real_array, shown
from isthmus.core.errors import ValueOutOfRange
from isthmus.core.typing import Numbers
from isthmus.priors.base import AbstractPrior, PriorMoments

_MOST_LOG_ODDS = 80.0  # whose exponential float32 can still hold


class AbstractScaleMixture(AbstractPrior):
    """A prior that is a mixture of zero-mean Gaussians, some of variance zero perhaps."""

    @property
    @abc.abstractmethod
    def _components(self) -> tuple[list[float], list[float]]:
        """Positive weights and their variances, the largest variance last."""

    @property
    def moments(self) -> PriorMoments:
        """Mean, variance and fourth moment, exact."""
        pairs = list(zip(*self._components, strict=True))
        second = math.fsum(w * v for w, v in pairs)
        return PriorMoments(0.0, second, 3.0 * math.fsum(w * v * v for w, v in pairs))

    @property
    def mean_absolute(self) -> float:
        """E|x| = sqrt(2/pi) times the mean standard deviation, exact."""
        pairs = zip(*self._components, strict=True)
        return math.sqrt(2.0 / math.pi) * math.fsum(w * math.sqrt(v) for w, v in pairs)

    def _draw(self, size: tuple[int, ...], rng: np.random.Generator) -> np.ndarray:
        weights, variances = self._components
        which = np.searchsorted(np.cumsum(weights)[:-1], rng.random(size), side="right")
        return np.sqrt(variances)[which] * rng.standard_normal(size)

    def _posterior(self, r: np.ndarray, noise: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        variances = self._components[1]
        shares = self._odds(r, noise)
        last = 1.0 / _one_plus(shares, r, noise)
        for share in shares:
            share *= last
        shares.append(last)
        gain = np.zeros_like(last)
        spread = np.zeros_like(last)
        for k, (share, v) in enumerate(zip(shares, variances, strict=True)):
            if v > 0.0:
                gain += share * (v / (v + noise))
            # Between components, pair by pair: no difference of large numbers.
            for other, u in zip(shares[:k], variances[:k], strict=True):
                apart = (v - u) / (v + noise) * (noise / (u + noise))
                spread += share * other * np.square(apart)
        spread *= np.square(r)
        spread += gain * noise
        gain *= r
        return gain, spread

    def _log_density(self, r: np.ndarray, noise: np.ndarray) -> np.ndarray:
        weights, variances = self._components
        total = _one_plus(self._odds(r, noise), r, noise)
        wide = variances[-1] + noise
        scale = math.log(weights[-1]) - 0.5 * np.log(2.0 * math.pi * wide)
        return np.asarray(np.log(total) + scale - 0.5 * np.square(r) / wide)

    def _tail(self, threshold: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        from scipy.special import ndtr

        share, first = np.zeros_like(threshold), np.zeros_like(threshold)
        for w, v in zip(*self._components, strict=True):
            if v > 0.0:
                z = threshold / math.sqrt(v)
                share += w * ndtr(-z)
                first += w * math.sqrt(v / (2.0 * math.pi)) * np.exp(-0.5 * np.square(z))
        return share, first

    def _odds(self, r: np.ndarray, noise: np.ndarray) -> list[np.ndarray]:
        """Probability of every component but the last over that of the last."""
        weights, variances = self._components
        wide = variances[-1] + noise
        odds = []
        for w, v in zip(weights[:-1], variances[:-1], strict=True):
            own = v + noise
            most = math.log(w / weights[-1]) + 0.5 * np.log(wide / own)
            fall = r * np.sqrt(0.5 * (variances[-1] - v) / wide / own)
            np.square(fall, out=fall)
            np.subtract(np.minimum(most, _MOST_LOG_ODDS), fall, out=fall)
            odds.append(np.exp(fall, out=fall))
        return odds

    def _landmarks(self) -> tuple[float, float, tuple[float, ...]]:
        scales = [math.sqrt(v) for v in self._components[1]]
        return scales[-1], 0.0, (*(-s for s in scales[:-1]), 0.0, *scales[:-1])


@dataclasses.dataclass(frozen=True)
class ScaleMixture(AbstractScaleMixture):
    r"""Mixture of zero-mean Gaussians, :math:`\sum_k w_k N(0, v_k)`.

    Attributes:
        weights: Positive, of sum 1.
        variances: One per weight, not negative; zero is a spike. The variance of the
            whole, sum of w_k v_k > 0, may be any.

    Raises:
        ValueOutOfRange: If the weights are not positive or do not sum to 1 (to 1e-6), a
            variance is negative or not finite, or the two are not of one length.

    Examples:
        >>> prior = ScaleMixture([0.9, 0.1], [0.0, 10.0])
        >>> prior.moments, round(prior.excess_kurtosis, 6)
        (PriorMoments(mean=0.0, variance=1.0, fourth=30.0), 27.0)
        >>> round(prior.mmse(0.5), 6)
        0.102189
    """

    weights: Numbers
    variances: Numbers

    def __post_init__(self) -> None:
        weights = real_array("ScaleMixture(weights=...)", self.weights)
        variances = real_array("ScaleMixture(variances=...)", self.variances)
        if weights.ndim != 1 or weights.size == 0 or weights.shape != variances.shape:
            raise ValueOutOfRange(
                "`ScaleMixture(weights, variances)` must be two lists of one length; got "
                f"shapes {weights.shape} and {variances.shape}."
            )
        if not np.all(weights > 0) or not abs(weights.sum() - 1.0) <= 1e-6:
            raise ValueOutOfRange(
                "`ScaleMixture(weights=...)` must be positive and sum to 1; got "
                f"{shown(weights.tolist())}. Divide them by their sum, leave out zeros."
            )
        finite = np.all(np.isfinite(variances)) and np.all(variances >= 0)
        if not finite or not variances.max() > 0:
            raise ValueOutOfRange(
                "`ScaleMixture(variances=...)` must be finite and not negative, one of "
                f"them positive; got {shown(variances.tolist())}."
            )
        order = np.argsort(variances, kind="stable")
        object.__setattr__(
            self, "weights", tuple((weights / weights.sum())[order].tolist())
        )
        object.__setattr__(self, "variances", tuple(variances[order].tolist()))

    @property
    def _components(self) -> tuple[list[float], list[float]]:
        return list(self.weights), list(self.variances)


def _one_plus(odds: list[np.ndarray], r: np.ndarray, noise: np.ndarray) -> np.ndarray:
    total = np.ones(np.broadcast_shapes(np.shape(r), np.shape(noise)), r.dtype)
    for one in odds:
        total += one
    return total
