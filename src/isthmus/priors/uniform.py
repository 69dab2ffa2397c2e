"""Uniform coordinates."""

from __future__ import annotations

import dataclasses
import math

import numpy as np

from isthmus.priors.base import (
    AbstractPrior,
    PriorMoments,
    in_float64,
)
from isthmus.priors.landmarks import Landmarks, split_mmse
from isthmus.priors.mills import FAR_INSIDE, LOG_ROOT_2PI, half_gaussian, mills_ratio

_EDGE = math.sqrt(3.0)
_NODES, _WEIGHTS = (part[12:] for part in np.polynomial.legendre.leggauss(24))
_MOST_TILT = 8.0


@dataclasses.dataclass(frozen=True)
class Uniform(AbstractPrior):
    """Uniform on [-sqrt(3), sqrt(3)], of variance 1.

    Examples:
        >>> prior = Uniform()
        >>> round(prior.mean_absolute, 6), round(prior.excess_kurtosis, 9)
        (0.866025, -1.2)
        >>> mean, _ = prior.posterior([1.0, 1000.0], 0.01)
        >>> mean.round(6).tolist()
        [1.0, 1.732041]
    """

    @property
    def moments(self) -> PriorMoments:
        """Mean, variance and fourth moment, exact."""
        return PriorMoments(0.0, 1.0, 1.8)

    @property
    def mean_absolute(self) -> float:
        """E|x| = sqrt(3) / 2, exact."""
        return 0.5 * _EDGE

    def _draw(self, size: tuple[int, ...], rng: np.random.Generator) -> np.ndarray:
        return rng.uniform(-_EDGE, _EDGE, size)

    def _posterior(self, r: np.ndarray, noise: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        return in_float64(self._in_float64, r, noise)

    def _in_float64(
        self, r: np.ndarray, noise: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray]:
        sigma = np.sqrt(noise)
        _, mean, variance = _by_regime(np.abs(r) / sigma, _EDGE / sigma)
        return np.copysign(sigma * mean, r), noise * variance

    def _log_density(self, r: np.ndarray, noise: np.ndarray) -> np.ndarray:
        sigma = np.sqrt(noise)
        return _by_regime(np.abs(r) / sigma, _EDGE / sigma)[0] - math.log(2.0 * _EDGE)

    def _tail(self, threshold: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        inside = np.minimum(threshold, _EDGE)
        share = (_EDGE - inside) / (2.0 * _EDGE)
        return share, 0.5 * share * (_EDGE + inside)

    @property
    def _landmarks(self) -> Landmarks:
        return Landmarks(1.0, 0.0, (-_EDGE, _EDGE))

    def _mmse(self, noise: float) -> float:
        return split_mmse(self, noise)


def _by_regime(
    u: np.ndarray, edge: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Log mass, mean and variance of N(u, 1) on [-edge, edge], u >= 0, however small."""
    u, edge = np.broadcast_arrays(np.atleast_1d(u), edge)
    narrow = (edge < 1.0) & (edge * u < _MOST_TILT)
    outside = (u > edge) & ~narrow
    regimes = ((narrow, _narrow), (outside, _outside), (~(narrow | outside), _inside))
    result = np.empty(u.shape), np.empty(u.shape), np.empty(u.shape)
    for where, solve in regimes:
        if where.any():
            for out, part in zip(result, solve(u[where], edge[where]), strict=True):
                out[where] = part
    return result


def _narrow(u: np.ndarray, edge: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The Gaussian is wider than the interval: Gauss-Legendre, opposite nodes together."""
    even, odd, second = np.zeros_like(u), np.zeros_like(u), np.zeros_like(u)
    for node, weight in zip(_NODES.tolist(), _WEIGHTS.tolist(), strict=True):
        at = node * edge
        grown = np.expm1(u * at)
        bell = weight * np.exp(-0.5 * at * at)
        both = bell * (2.0 + grown * (grown / (1.0 + grown)))
        even += both
        second += both * at * at
        odd += bell * at * (grown + grown / (1.0 + grown))
    mean = odd / even
    log_mass = np.log(edge * even) - 0.5 * u * u - LOG_ROOT_2PI
    return log_mass, mean, second / even - mean * mean


def _outside(u: np.ndarray, edge: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Centred beyond the edge: distances from the edge, one half-line less another."""
    mass, near, near_variance = half_gaussian(u - edge)
    other, far, far_variance = half_gaussian(u + edge)
    other = other * np.exp(-2.0 * u * edge)
    far = far + 2.0 * edge
    total = mass - other
    first = (mass * near - other * far) / total
    second = mass * (near_variance + near**2) - other * (far_variance + far**2)
    log_mass = np.log(total) - 0.5 * np.square(u - edge) - LOG_ROOT_2PI
    return log_mass, edge - first, second / total - first * first


def _inside(u: np.ndarray, edge: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Centred within the edges."""
    echo = np.exp(-2.0 * u * edge)
    inner = u - edge
    total = mills_ratio(inner) - echo * mills_ratio(u + edge)
    hazard = 1.0 / total
    first = -np.expm1(-2.0 * u * edge) * hazard
    variance = 1.0 - hazard * ((edge + u) * echo - inner) - first * first
    log_mass = np.log(total) - 0.5 * inner * inner - LOG_ROOT_2PI
    return np.where(inner < FAR_INSIDE, 0.0, log_mass), u - first, variance
