"""Sparse Gaussian coordinates."""

from __future__ import annotations

import dataclasses

from isthmus.priors.base import check_density
from isthmus.priors.scale_mixture import AbstractScaleMixture


@dataclasses.dataclass(frozen=True)
class GaussBernoulli(AbstractScaleMixture):
    """Zero, or with probability `density` Gaussian of variance 1 / density.

    Attributes:
        density: Share of NON-zeros, in (0, 1]; 1 is the Gaussian.

    Raises:
        ValueOutOfRange: If `density` is outside (0, 1].

    Examples:
        >>> prior = GaussBernoulli(0.1)
        >>> round(prior.excess_kurtosis, 9), round(prior.mmse(0.5), 6)
        (27.0, 0.102189)
    """

    density: float

    def __post_init__(self) -> None:
        object.__setattr__(self, "density", check_density("GaussBernoulli", self.density))

    @property
    def _components(self) -> tuple[list[float], list[float]]:
        if self.density == 1.0:
            return [1.0], [1.0]
        return [1.0 - self.density, self.density], [0.0, 1.0 / self.density]
