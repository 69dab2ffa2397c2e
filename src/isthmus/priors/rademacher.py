"""Sparse signs."""

from __future__ import annotations

import dataclasses
import math

import numpy as np

from isthmus.priors.base import (
    AbstractPrior,
    PriorMoments,
    check_density,
)
from isthmus.priors.landmarks import Landmarks, split_mmse


@dataclasses.dataclass(frozen=True)
class SparseRademacher(AbstractPrior):
    """Zero, or with probability `density` +-1 / sqrt(density), both equally likely.

    Attributes:
        density: Share of NON-zeros, in (0, 1]; 1 is a fair sign.

    Raises:
        ValueOutOfRange: If `density` is outside (0, 1].

    Examples:
        >>> prior = SparseRademacher(0.25)
        >>> prior.mean_absolute, prior.excess_kurtosis
        (0.5, 1.0)
        >>> SparseRademacher(1.0).posterior([0.5], 0.5)[0].round(6).tolist()  # tanh(r / s)
        [0.761594]
    """

    density: float

    def __post_init__(self) -> None:
        object.__setattr__(self, "density", check_density("SparseRademacher", self.density))

    @property
    def moments(self) -> PriorMoments:
        """Mean, variance and fourth moment, exact."""
        return PriorMoments(0.0, 1.0, 1.0 / self.density)

    @property
    def mean_absolute(self) -> float:
        """E|x| = sqrt(density), exact."""
        return math.sqrt(self.density)

    def _draw(self, size: tuple[int, ...], rng: np.random.Generator) -> np.ndarray:
        uniform = rng.random(size)
        sign = np.where(uniform < 0.5 * self.density, -1.0, 1.0)
        return np.where(uniform < self.density, sign / math.sqrt(self.density), 0.0)

    def _posterior(self, r: np.ndarray, noise: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        atom = 1.0 / math.sqrt(self.density)
        size = np.abs(r)
        gap = size * (2.0 * atom / noise)
        near, far, zero = self._masses(size, noise, gap)
        total = near * (1.0 + far) + zero
        mean = -near * np.expm1(-gap) / total
        far *= near  # of the atom on the other side
        spread = 4.0 * near * (far / total) + zero * ((near + far) / total)
        spread *= atom**2 / total
        mean *= np.copysign(np.asarray(atom, r.dtype), r)
        return mean, spread

    def _masses(
        self, size: np.ndarray, noise: np.ndarray, gap: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Mass of the near atom, the far one's share of it and the mass at zero."""
        far = np.exp(-gap)
        if self.density == 1.0:
            return np.ones_like(far), far, np.zeros_like(far)
        balance = self._balance(size, noise)
        small = np.exp(-np.abs(balance))
        near = np.where(balance >= 0, 1.0, small).astype(far.dtype, copy=False)
        zero = np.where(balance >= 0, small, 1.0).astype(far.dtype, copy=False)
        return near, far, zero * (2.0 * (1.0 / self.density - 1.0))

    def _balance(self, size: np.ndarray, noise: np.ndarray) -> np.ndarray:
        """Log likelihood of the near atom over zero, atom (|r| - atom / 2) / noise."""
        atom = 1.0 / math.sqrt(self.density)
        half = float(np.asarray(0.5 * atom, size.dtype))
        return (size - half - (0.5 * atom - half)) * (atom / noise)

    def _log_density(self, r: np.ndarray, noise: np.ndarray) -> np.ndarray:
        atom = 1.0 / math.sqrt(self.density)
        size = np.abs(r)
        near, far, zero = self._masses(size, noise, size * (2.0 * atom / noise))
        total = np.log(0.5 * self.density * (near * (1.0 + far) + zero))
        offset = size - atom
        if self.density < 1.0:
            offset = np.where(self._balance(size, noise) >= 0, offset, size)
        scale = 0.5 * np.log(2.0 * math.pi * noise)
        return np.asarray(total - scale - 0.5 * np.square(offset) / noise)

    def _tail(self, threshold: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        atom = 1.0 / math.sqrt(self.density)
        share = np.where(threshold < atom, 0.5 * self.density, 0.0)
        return share, atom * share

    @property
    def _landmarks(self) -> Landmarks:
        atom = 1.0 / math.sqrt(self.density)
        return Landmarks(atom, 0.0, (-atom, 0.0, atom))

    def _mmse(self, noise: float) -> float:
        return split_mmse(self, noise)
