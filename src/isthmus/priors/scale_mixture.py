"""Mixtures of zero-mean Gaussians: any scales, a spike at zero among them."""

from __future__ import annotations

import abc
import dataclasses
import math
from typing import Any, ClassVar

import numpy as np

from isthmus.core.door import real_array, shown
from isthmus.core.errors import ValueOutOfRange
from isthmus.core.typing import Numbers
from isthmus.priors.base import AbstractPrior, PriorMoments
from isthmus.priors.landmarks import Landmarks
from isthmus.priors.mixture import (
    mixture_log_density,
    mixture_mmse,
    mixture_posterior,
)


class AbstractScaleMixture(AbstractPrior):
    """A prior that is a mixture of zero-mean Gaussians, some of variance zero perhaps."""

    block_bytes: ClassVar[int] = 2**19  # cheap enough for calls to count
    takes_tensors: ClassVar[bool] = True

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

    def _posterior(self, r: Any, noise: Any) -> tuple[Any, Any]:
        return mixture_posterior(*self._components, r, noise)

    def _log_density(self, r: np.ndarray, noise: np.ndarray) -> np.ndarray:
        return mixture_log_density(*self._components, r, noise)

    def _tail(self, threshold: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        from scipy.special import ndtr

        share, first = np.zeros_like(threshold), np.zeros_like(threshold)
        for w, v in zip(*self._components, strict=True):
            if v > 0.0:
                z = threshold / math.sqrt(v)
                share += w * ndtr(-z)
                first += w * math.sqrt(v / (2.0 * math.pi)) * np.exp(-0.5 * np.square(z))
        return share, first

    @property
    def _landmarks(self) -> Landmarks:
        scales = [math.sqrt(v) for v in self._components[1]]
        inner = scales[:-1]
        return Landmarks(scales[-1], 0.0, (*(-s for s in inner), 0.0, *inner))

    def _mmse(self, noise: float) -> float:
        weights, variances = self._components
        return float(mixture_mmse(np.array(weights), np.array(variances), noise))


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
