"""One prior for each input coordinate."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Sequence
from functools import cached_property
from typing import Any

import numpy as np
from array_api_compat import array_namespace, device, is_numpy_array
from jaxtyping import Float

from isthmus.core.door import real_array, shown
from isthmus.core.errors import ValueOutOfRange
from isthmus.core.random import as_rng
from isthmus.core.typing import Matrix
from isthmus.priors.scale_mixture import AbstractScaleMixture

_NODES = 60
_REACH = 9.0
_FLOOR = 1e-30  # of a weight: its logarithm must exist


@dataclasses.dataclass(frozen=True, eq=False)
class CoordinatePriors:
    """Independent coordinates, each with its own mixture of Gaussians.

    Coordinates are centred as a whole, but a component may have any mean: centred counts
    have a spike at minus their mean.

    Attributes:
        weights: Not negative, "component input", each column of sum 1.
        means: Of the components, same shape.
        variances: Of the components, same shape, not negative.

    Raises:
        ValueOutOfRange: If shapes differ, weights do not sum to 1, or a coordinate has
            no variance.

    Examples:
        >>> from isthmus.priors import Gaussian, GaussBernoulli
        >>> both = CoordinatePriors.of([Gaussian(), GaussBernoulli(0.1)])
        >>> mean, variance = both.posterior(np.array([[2.0, 0.5]]), 0.5)
        >>> mean.round(6).tolist(), round(both.mmse(0.5), 2)  # 1/3 and 0.1022
        ([[1.333333, 0.014213]], 0.22)
    """

    weights: Matrix
    means: Matrix
    variances: Matrix

    def __post_init__(self) -> None:
        call = "CoordinatePriors"
        parts = {
            name: real_array(f"{call}({name}=...)", getattr(self, name))
            for name in ("weights", "means", "variances")
        }
        shapes = {part.shape for part in parts.values()}
        if len(shapes) != 1 or parts["weights"].ndim != 2 or parts["weights"].size == 0:
            raise ValueOutOfRange(
                f"`{call}(weights, means, variances)` must be of one shape, component by "
                f"input; got {sorted(shapes)}."
            )
        weights = parts["weights"]
        total = weights.sum(axis=0)
        if not (np.all(weights >= 0) and np.all(np.abs(total - 1.0) <= 1e-6)):
            raise ValueOutOfRange(
                f"`{call}(weights=...)` must not be negative and sum to 1 in every column; "
                f"got {shown(total)}."
            )
        finite = np.isfinite(parts["means"]).all() and np.isfinite(parts["variances"]).all()
        if not finite or not np.all(parts["variances"] >= 0):
            raise ValueOutOfRange(
                f"`{call}(means, variances)` must be finite, variances not negative."
            )
        object.__setattr__(self, "weights", weights / total)
        object.__setattr__(self, "means", parts["means"])
        object.__setattr__(self, "variances", parts["variances"])
        if not np.all(self.powers > 0):
            where = int(np.flatnonzero(~(self.powers > 0))[0])
            raise ValueOutOfRange(
                f"`{call}(...)` must have variance in every coordinate; coordinate {where} "
                "is zero. Leave constant columns out."
            )

    @classmethod
    def of(cls, priors: Sequence[AbstractScaleMixture]) -> CoordinatePriors:
        """One mixture of zero-mean Gaussians per coordinate.

        Args:
            priors: As :func:`isthmus.priors.fit_scale_mixture` with ``shared=False``
                returns them.

        Raises:
            ValueOutOfRange: If there are none, or one is of another kind.
        """
        every = list(priors)
        strange = [one for one in every if not isinstance(one, AbstractScaleMixture)]
        if strange or not every:
            raise ValueOutOfRange(
                "`CoordinatePriors.of(priors)` must be a Gaussian, GaussBernoulli or "
                "ScaleMixture per coordinate; got "
                f"{shown(strange[0]) if strange else 'none'}."
            )
        pairs = [one._components for one in every]
        shape = (max(len(weights) for weights, _ in pairs), len(every))
        weights, variances = np.zeros(shape), np.ones(shape)
        for j, (own, scales) in enumerate(pairs):
            weights[: len(own), j], variances[: len(own), j] = own, scales
        return cls(weights, np.zeros(shape), variances)

    @property
    def n_input(self) -> int:
        """Coordinates."""
        return int(self.weights.shape[1])

    @cached_property
    def powers(self) -> Float[np.ndarray, " input"]:
        """E[x^2] of each coordinate."""
        square = np.square(self.means) + self.variances
        return np.asarray((self.weights * square).sum(axis=0))

    @property
    def variance(self) -> float:
        """E[x^2], averaged over the coordinates."""
        return float(self.powers.mean())

    def sample(self, n_rows: int, rng: object) -> Float[np.ndarray, "sample input"]:
        """Independent rows, float64.

        Args:
            n_rows: How many.
            rng: Seed or NumPy generator.
        """
        generator = as_rng(rng)
        shape = (n_rows, self.n_input)
        sums = np.cumsum(self.weights, axis=0)[:-1]
        which = np.sum(generator.random(shape)[None] > sums[:, None], axis=0)
        at = which, np.arange(self.n_input)
        spread = np.sqrt(self.variances)[at]
        return np.asarray(self.means[at] + spread * generator.standard_normal(shape))

    def posterior(self, r: Any, noise_variance: Any) -> tuple[Any, Any]:
        """Mean and variance of x given r = x + N(0, noise_variance).

        Args:
            r: Observations, "sample input", array or tensor.
            noise_variance: Positive; broadcasts against `r`.

        Returns:
            Posterior mean and variance, in the type of `r`.
        """
        mean, variance = _posterior(*self._like(r), r, noise_variance)
        return mean, variance

    def mmse(self, noise_variance: float) -> float:
        """Least mean squared error, averaged over the coordinates; see :meth:`mmses`."""
        return float(self.mmses(noise_variance).mean())

    def mmses(self, noise_variance: float) -> Float[np.ndarray, " input"]:
        """Least mean squared error of each coordinate.

        Args:
            noise_variance: Positive.

        Returns:
            MMSE, to 2e-3 relative.
        """
        noise = float(noise_variance)
        if noise not in self._known:
            self._known[noise] = self._integrated(noise)
        return self._known[noise]

    @cached_property
    def _known(self) -> dict[float, np.ndarray]:
        """What was integrated before: a path and its prediction ask for the same."""
        return {}

    def _integrated(self, noise: float) -> np.ndarray:
        r = self._nodes(noise).astype(np.float32)
        wide = (self.variances[:, None] + noise).astype(np.float32)
        density = np.square(r - self.means[:, None].astype(np.float32))
        density /= wide
        density *= np.float32(-0.5)
        np.exp(density, out=density)
        density *= (self.weights[:, None] / np.sqrt(2.0 * math.pi * wide)).astype(
            np.float32
        )
        value = density.sum(axis=0)
        value *= self.posterior(r, np.float32(noise))[1]
        return np.asarray(np.trapezoid(value.astype(np.float64), r, axis=0))

    def _nodes(self, noise: float) -> np.ndarray:
        """Ascending points, dense around every component at its own scale."""
        t = np.linspace(-1.0, 1.0, _NODES)
        bend = 6.0
        unit = _REACH * np.sinh(bend * t) / math.sinh(bend)
        # Fine around a spike as far out as the widest component reaches.
        widest = np.sqrt(self.variances.max(axis=0) + noise)
        spread = np.sqrt(self.variances + noise)
        near = np.concatenate([_REACH * t, unit])[:, None]
        around = [m + s * near for m, s in zip(self.means, spread, strict=True)]
        broad = [m + widest * unit[:, None] for m in self.means]
        return np.sort(np.concatenate(around + broad), axis=0)

    def _like(self, r: Any) -> tuple[Any, Any, Any]:
        """Weights' logarithms, means and variances in the type of r."""
        parts = np.log(np.maximum(self.weights, _FLOOR)), self.means, self.variances
        if is_numpy_array(r):
            weights, means, variances = (p.astype(r.dtype, copy=False) for p in parts)
            return weights, means, variances
        xp, where = array_namespace(r), device(r)
        weights, means, variances = (
            xp.asarray(part, dtype=r.dtype, device=where) for part in parts
        )
        return weights, means, variances


def _posterior(log_weights: Any, means: Any, variances: Any, r: Any, noise: Any) -> Any:
    """Posterior mean and variance of mixtures with means, one mixture per column."""
    xp = np if is_numpy_array(r) else array_namespace(r)
    count = log_weights.shape[0]
    logs, centres, spreads = [], [], []
    for k in range(count):
        wide = variances[k] + noise
        apart = r - means[k]
        gain = variances[k] / wide
        log = apart * apart
        log /= wide
        log += xp.log(wide)
        log *= -0.5
        log += log_weights[k]
        logs.append(log)
        apart *= gain
        apart += means[k]
        centres.append(apart)
        spreads.append(gain * noise)
    top = logs[0]
    for log in logs[1:]:
        top = xp.where(log > top, log, top)
    shares = [xp.exp(log - top) for log in logs]
    total = shares[0]
    for share in shares[1:]:
        total = total + share
    shares = [share / total for share in shares]
    mean = shares[0] * centres[0]
    variance = shares[0] * spreads[0]
    for k in range(1, count):
        mean += shares[k] * centres[k]
        variance += shares[k] * spreads[k]
        for j in range(k):
            # Pair by pair: no difference of large numbers.
            between = centres[k] - centres[j]
            between *= between
            between *= shares[k] * shares[j]
            variance += between
    return mean, variance
