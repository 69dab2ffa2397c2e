"""Posterior means of mixtures at a noise that is known beforehand."""

from __future__ import annotations

import dataclasses

import numpy as np

from isthmus.priors import CoordinatePriors

_LEAST_EXPONENT, _MOST_EXPONENT = np.float32(-80.0), np.float32(80.0)
"""Beyond them exponentials are slow, and then no float32."""


@dataclasses.dataclass(frozen=True, eq=False)
class FixedDenoiser:
    """Posterior means of mixtures at noise known beforehand: polynomials and exponentials.

    Component 0 is the widest of each coordinate, the others have odds against it:
    exp(bend r^2 + slope r + level), and means gain r + shift.
    """

    bend: np.ndarray
    slope: np.ndarray
    level: np.ndarray
    gain: np.ndarray
    shift: np.ndarray
    spread: np.ndarray

    @classmethod
    def of(cls, prior: CoordinatePriors, noise: np.ndarray) -> FixedDenoiser:
        """Of a prior seen through noise of these variances, "k"."""
        used = prior.weights.max(axis=1) > 1e-9
        parts = (prior.weights[used], prior.means[used], prior.variances[used])
        order = np.argsort(-parts[2], axis=0, kind="stable")
        weights, means, variances = (np.take_along_axis(x, order, 0) for x in parts)
        wide = variances + noise
        bend, slope = -0.5 / wide, means / wide
        level = np.log(np.maximum(weights, 1e-30)) - 0.5 * np.log(wide)
        level -= 0.5 * means * slope
        odds = (part - part[0] for part in (bend, slope, level))
        rest = (variances / wide, means * (noise / wide), variances * (noise / wide))
        return cls(*(part.astype(np.float32) for part in (*odds, *rest)))

    def mean(self, r: np.ndarray) -> np.ndarray:
        """Posterior mean."""
        mean: np.ndarray = r * self.gain[0]
        mean += self.shift[0]
        total: np.ndarray | None = None
        for k in range(1, len(self.bend)):
            odds = self._odds(k, r)
            total = odds + np.float32(1.0) if total is None else total + odds
            centre = r * self.gain[k]
            centre += self.shift[k]
            centre *= odds
            mean += centre
        return mean if total is None else np.asarray(np.divide(mean, total, out=mean))

    def moments(self, r: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Posterior mean, and posterior variance averaged over rows, "k"."""
        mean = self.mean(r)
        shares = [np.ones_like(r), *(self._odds(k, r) for k in range(1, len(self.bend)))]
        total = sum(shares)
        left = np.zeros(r.shape[1])
        for k, share in enumerate(shares):
            apart = r * self.gain[k] + self.shift[k] - mean
            spread = (self.spread[k] + np.square(apart)) * (share / total)
            left += spread.mean(axis=0, dtype=np.float64)
        return mean, left

    def _odds(self, k: int, r: np.ndarray) -> np.ndarray:
        odds = r * self.bend[k]
        odds += self.slope[k]
        odds *= r
        odds += self.level[k]
        np.clip(odds, _LEAST_EXPONENT, _MOST_EXPONENT, out=odds)
        return np.asarray(np.exp(odds, out=odds))
