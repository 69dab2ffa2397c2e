"""A decoder of sign codes from the encoder and a covariance, without any rows."""

from __future__ import annotations

from typing import Any

import numpy as np

from isthmus.core.door import real_array, shown
from isthmus.core.errors import ValueOutOfRange
from isthmus.core.linalg import check_covariance
from isthmus.decoders.covariance_passing import GaussianRows, fit_covariance_passing
from isthmus.estimators.one_bit_cores import AbstractCore, CovarianceCore, LinearCore
from isthmus.estimators.one_bit_encoder import given_encoder
from isthmus.estimators.one_bit_pairs import CALL, Unit
from isthmus.limits.population import optimal_decoder, population_risk

_CALL = f"{CALL}.from_covariance"


def covariance_core(
    encoder_weight: Any, covariance: Any, mean: Any, *, norms: bool, method: str
) -> tuple[AbstractCore, Unit, float]:
    """The decoder, its unit and its NMSE on Gaussian rows.

    Raises:
        ValueOutOfRange: If shapes do not fit, or an argument is outside its domain.
    """
    sigma = check_covariance(f"{_CALL}(covariance=...)", covariance)
    size = len(sigma)
    if not isinstance(norms, (bool, np.bool_)):
        raise ValueOutOfRange(
            f"`{_CALL}(norms=...)` must be True or False, whether lengths will come "
            f"with the codes; got {shown(norms)}. Lengths go to inverse_transform."
        )
    if method not in ("linear", "message-passing") or not np.trace(sigma) > 0:
        raise ValueOutOfRange(
            f"`{_CALL}(method=...)` must be linear or message-passing, and the "
            f"covariance not zero; got {shown(method)}."
        )
    weight = given_encoder(encoder_weight, np.arange(0), None).weight
    middle = _middle(mean, size)
    if middle.shape != (size,) or weight.shape[1] != size:
        raise ValueOutOfRange(
            f"`{_CALL}(encoder_weight, covariance, mean)` must have {size} columns, as "
            f"the covariance has; got {weight.shape[1]} and {middle.shape}."
        )
    scale = float(np.sqrt(np.trace(sigma)))
    sigma = sigma / scale**2
    linear, zero = optimal_decoder(weight, sigma), np.zeros(size)
    core: AbstractCore = LinearCore(linear, zero)
    predicted = size * population_risk(weight, linear, sigma)
    if method == "message-passing":
        passing, predicted = fit_covariance_passing(GaussianRows(zero, sigma, weight))
        core = CovarianceCore(passing)
    n_code = len(weight)
    unit = Unit(middle, scale, np.arange(n_code), n_code, bool(norms))
    return core, unit, float(predicted)


def _middle(mean: Any, size: int) -> np.ndarray:
    if mean is None:
        return np.zeros(size)
    middle = real_array(f"{_CALL}(mean=...)", mean)
    if not np.isfinite(middle).all():
        raise ValueOutOfRange(f"`{_CALL}(mean=...)` must be finite; got {shown(mean)}.")
    return middle
