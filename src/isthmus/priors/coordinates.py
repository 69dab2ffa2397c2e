"""One prior for each input coordinate."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from functools import cached_property
from typing import Any

import numpy as np
from array_api_compat import array_namespace, device, is_numpy_array
from jaxtyping import Float

from isthmus.core.door import shown
from isthmus.core.errors import ValueOutOfRange
from isthmus.core.random import as_rng
from isthmus.priors.mixture import mixture_mmse, mixture_posterior
from isthmus.priors.scale_mixture import AbstractScaleMixture


@dataclasses.dataclass(frozen=True, eq=False)
class CoordinatePriors:
    """Independent coordinates, each with its own mixture of zero-mean Gaussians.

    Attributes:
        priors: One per coordinate.

    Raises:
        ValueOutOfRange: If `priors` is empty or holds anything else.

    Examples:
        >>> from isthmus.priors import Gaussian, GaussBernoulli
        >>> both = CoordinatePriors([Gaussian(), GaussBernoulli(0.1)])
        >>> mean, variance = both.posterior(np.array([[2.0, 0.5]]), 0.5)
        >>> mean.round(6).tolist(), round(both.mmse(0.5), 6)  # 1/3 and 0.102189
        ([[1.333333, 0.014213]], 0.217761)
    """

    priors: Sequence[AbstractScaleMixture]

    def __post_init__(self) -> None:
        strange = [one for one in self.priors if not isinstance(one, AbstractScaleMixture)]
        if strange or not len(self.priors):
            raise ValueOutOfRange(
                "`CoordinatePriors(priors=...)` must be a Gaussian, GaussBernoulli or "
                "ScaleMixture per coordinate; got "
                f"{shown(strange[0]) if strange else 'none'}."
            )

    @property
    def n_input(self) -> int:
        """Coordinates."""
        return len(self.priors)

    @property
    def variance(self) -> float:
        """E[x^2], averaged over the coordinates."""
        return float(self.variances.mean())

    @cached_property
    def variances(self) -> Float[np.ndarray, " input"]:
        """E[x^2] of each coordinate."""
        weights, variances = self._components
        return np.asarray((weights * variances).sum(axis=0))

    def sample(self, n_rows: int, rng: object) -> Float[np.ndarray, "sample input"]:
        """Independent rows, float64.

        Args:
            n_rows: How many.
            rng: Seed or NumPy generator.
        """
        generator = as_rng(rng)
        return np.stack([one.sample(n_rows, generator) for one in self.priors], axis=1)

    def posterior(
        self, r: Float[Any, "sample input"], noise_variance: Any
    ) -> tuple[Float[Any, "sample input"], Float[Any, "sample input"]]:
        """Mean and variance of x given r = x + N(0, noise_variance).

        Args:
            r: Observations, one column per coordinate.
            noise_variance: Positive; broadcasts against `r`.

        Returns:
            Posterior mean and variance, in the type of `r`.
        """
        weights, variances = self._like(r)
        return mixture_posterior(weights, variances, r, noise_variance)

    def mmse(self, noise_variance: float) -> float:
        """Least mean squared error, averaged over the coordinates.

        Args:
            noise_variance: Positive.

        Returns:
            MMSE, to 1e-12 of the smaller of prior and noise variance.
        """
        return float(mixture_mmse(*self._components, float(noise_variance)).mean())

    @cached_property
    def _components(self) -> tuple[np.ndarray, np.ndarray]:
        """Weights and variances, "component input"; short mixtures repeat at weight 0."""
        every = [one._components for one in self.priors]
        most = max(len(weights) for weights, _ in every)
        shape = (most, len(every))
        weights, variances = np.zeros(shape), np.zeros(shape)
        for j, (own, scales) in enumerate(every):
            free = most - len(own)
            weights[free:, j], variances[free:, j] = own, scales
            variances[:free, j] = scales[0]
        return weights, variances

    def _like(self, r: Any) -> tuple[list[Any], list[Any]]:
        if is_numpy_array(r):
            return tuple([*part.astype(r.dtype)] for part in self._components)  # type: ignore[return-value]
        xp = array_namespace(r)
        both = (
            xp.asarray(part, dtype=r.dtype, device=device(r)) for part in self._components
        )
        weights, variances = ([part[k] for k in range(part.shape[0])] for part in both)
        return weights, variances
