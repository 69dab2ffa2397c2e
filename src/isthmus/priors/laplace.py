"""Sparse Laplace coordinates."""

from __future__ import annotations

import dataclasses
import math

import numpy as np

from isthmus.priors.base import (
    AbstractPrior,
    PriorMoments,
    check_density,
    in_float64,
)
from isthmus.priors.landmarks import Landmarks, split_mmse
from isthmus.priors.mills import (
    FAR_INSIDE,
    LOG_ROOT_2PI,
    half_gaussian,
    mills_ratio,
    repeated_integrals,
)

_ORDERS = (1, 3, 5, 7, 9)


@dataclasses.dataclass(frozen=True)
class SparseLaplace(AbstractPrior):
    r"""Zero, or with probability `density` Laplace, :math:`e^{-|x|/b} / 2b`.

    The scale b = 1 / sqrt(2 density) makes the variance 1.

    Attributes:
        density: Share of NON-zeros, in (0, 1]; 1 is the Laplace distribution.

    Raises:
        ValueOutOfRange: If `density` is outside (0, 1].

    Examples:
        >>> prior = SparseLaplace(1.0)
        >>> round(prior.mean_absolute, 6), round(prior.excess_kurtosis, 9)
        (0.707107, 3.0)
        >>> round(prior.mmse(0.5), 6) < 1 / 3  # the linear estimator's
        True
    """

    density: float

    def __post_init__(self) -> None:
        object.__setattr__(self, "density", check_density("SparseLaplace", self.density))

    @property
    def moments(self) -> PriorMoments:
        """Mean, variance and fourth moment, exact."""
        return PriorMoments(0.0, 1.0, 6.0 / self.density)

    @property
    def mean_absolute(self) -> float:
        """E|x| = sqrt(density / 2), exact."""
        return math.sqrt(0.5 * self.density)

    def _draw(self, size: tuple[int, ...], rng: np.random.Generator) -> np.ndarray:
        value = rng.laplace(scale=self._scale, size=size)
        return np.where(rng.random(size) < self.density, value, 0.0)

    @property
    def _scale(self) -> float:
        return 1.0 / math.sqrt(2.0 * self.density)

    def _posterior(self, r: np.ndarray, noise: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        return in_float64(self._in_float64, r, noise)

    def _in_float64(
        self, r: np.ndarray, noise: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray]:
        sigma, k, u, zero = self._units(r, noise)
        near, near_mean, near_variance = half_gaussian(np.atleast_1d(k - u))
        far, far_mean, far_variance = half_gaussian(np.atleast_1d(k + u))
        total = near + far + zero
        difference = near * near_mean - far * far_mean
        close = u < 0.1 * np.maximum(k, 1.0)
        if np.any(close):
            difference = np.where(close, _small_difference(k, u), difference)
        near, far, zero = near / total, far / total, zero / total
        between = near * far * np.square(near_mean + far_mean)
        between += zero * (near * np.square(near_mean) + far * np.square(far_mean))
        variance = noise * (near * near_variance + far * far_variance + between)
        return np.copysign(sigma * difference / total, r), variance

    def _units(
        self, r: np.ndarray, noise: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
        """Noise deviation, its ratio to b, |r| in it, and the weight of zero."""
        sigma = np.atleast_1d(np.sqrt(noise))
        k = sigma / self._scale
        return sigma, k, np.abs(r) / sigma, 2.0 * (1.0 / self.density - 1.0) / k

    def _log_density(self, r: np.ndarray, noise: np.ndarray) -> np.ndarray:
        _, k, u, zero = self._units(r, noise)
        total = np.log(mills_ratio(k - u) + mills_ratio(k + u) + zero)
        log = total - 0.5 * np.square(u) - LOG_ROOT_2PI
        # Far from zero Gaussian and Mills' ratio make the plain exponential again.
        log = np.where(k - u < FAR_INSIDE, k * (0.5 * k - u), log)
        return np.asarray(log + math.log(0.5 * self.density / self._scale))

    def _tail(self, threshold: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        share = 0.5 * self.density * np.exp(-threshold / self._scale)
        finite = np.where(np.isfinite(threshold), threshold, 0.0)
        return share, share * (finite + self._scale)

    @property
    def _landmarks(self) -> Landmarks:
        return Landmarks(0.0, self._scale, (0.0,))

    def _mmse(self, noise: float) -> float:
        return split_mmse(self, noise)


def _small_difference(k: np.ndarray, u: np.ndarray) -> np.ndarray:
    """I_1(k - u) - I_1(k + u) by its Taylor series, for u below max(1, k) / 10."""
    integrals = repeated_integrals(k, _ORDERS[-1] + 1)
    square = np.square(np.minimum(u, 0.1 * np.maximum(k, 1.0)))
    series = np.zeros_like(square)
    for j in reversed(_ORDERS):
        series = series * square + 2.0 * (j + 1) * integrals[j + 1]
    return np.asarray(series * u)
