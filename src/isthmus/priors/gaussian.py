"""The Gaussian prior, whose posterior mean is linear."""

from __future__ import annotations

import dataclasses

from isthmus.priors.scale_mixture import AbstractScaleMixture


@dataclasses.dataclass(frozen=True)
class Gaussian(AbstractScaleMixture):
    """Standard Gaussian.

    Examples:
        >>> Gaussian().mmse(1.0), Gaussian().excess_kurtosis
        (0.5, 0.0)
        >>> mean, variance = Gaussian().posterior([4.0], 1.0)
        >>> mean.tolist(), variance.tolist()
        ([2.0], [0.5])
    """

    @property
    def _components(self) -> tuple[list[float], list[float]]:
        return [1.0], [1.0]
