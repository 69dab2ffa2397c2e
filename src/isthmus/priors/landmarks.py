"""Where posteriors bend, and their mean variance by quadrature split there."""

from __future__ import annotations

import dataclasses
import math
from typing import TYPE_CHECKING

import numpy as np

from isthmus.core.quadrature import gaussian_mean

if TYPE_CHECKING:
    from isthmus.priors.base import AbstractPrior

_REACH = 2.0 ** np.arange(7)
_LOG_ROOT_2PI = 0.5 * math.log(2.0 * math.pi)


@dataclasses.dataclass(frozen=True)
class Landmarks:
    """Where the posterior of a prior bends.

    Attributes:
        width: Of the bulk.
        tail: Scale of an exponential tail; 0 if there is none.
        marks: Atoms and edges.
    """

    width: float
    tail: float
    marks: tuple[float, ...]


def split_mmse(prior: AbstractPrior, noise: float) -> float:
    """Posterior variance averaged over r by adaptive quadrature, split at the marks."""
    at = prior._landmarks
    sigma, unit = math.sqrt(noise), min(noise, prior.variance)
    linear, tail = math.hypot(at.width, sigma), at.tail
    level = np.array([noise])

    def scaled(z: np.ndarray) -> np.ndarray:
        # r = linear z + tail z|z| / 2 turns Gaussian into exponential tails.
        r = z * (linear + 0.5 * tail * np.abs(z))
        log = prior._log_density(r, level) + 0.5 * z * z + _LOG_ROOT_2PI
        slope = linear + tail * np.abs(z)
        variance = prior._posterior(r, level)[1]
        return np.asarray(np.exp(log) * slope * (variance / unit))

    near = np.concatenate([-_REACH, [0.0], _REACH]) * sigma
    kinks = np.unique(np.add.outer(at.marks, near))
    size = np.abs(kinks)
    root = 2.0 * size / (linear + np.sqrt(linear**2 + 2.0 * tail * size))
    return unit * gaussian_mean(scaled, kinks=np.copysign(root, kinks).tolist())
