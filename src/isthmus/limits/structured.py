"""Sign codes of coordinates that are not Gaussian."""

from __future__ import annotations

import math

from isthmus.core.door import shown
from isthmus.core.errors import ValueOutOfRange
from isthmus.limits.isotropic import check_rates
from isthmus.priors import (
    AbstractPrior,
    CoordinatePriors,
    Gaussian,
    SparseLaplace,
    SparseRademacher,
    Uniform,
)

_FAMILIES = {
    "gaussian": Gaussian(),
    "laplace": SparseLaplace(1.0),
    "rademacher": SparseRademacher(1.0),
    "uniform": Uniform(),
}


def denoised_limit(prior: AbstractPrior | CoordinatePriors, rate: float) -> float:
    r"""NMSE of a rotated sign code whose linear reconstruction is denoised once.

    Independent coordinates x, orthonormal rows W in random directions (a tight frame
    above rate 1), code y = sign(W x). In high dimension every coordinate of W'y is a
    Gaussian channel, :math:`u = \mu x + \sigma g` with :math:`\mu = r\sqrt{2/\pi}`, of
    noise variance relative to that of x

    .. math:: \frac{\sigma^2}{\mu^2} = \frac{1 - 2r/\pi}{2r/\pi} \quad (r \le 1), \qquad
        \frac{1 - 2/\pi}{2r/\pi} \quad (r \ge 1)

    and the posterior mean of x given u leaves the MMSE. For a Gaussian prior it equals
    the isotropic limit of the sign; for every other one it is strictly below. Status
    ``"asymptotic"``: exact as the dimension grows, for Haar rows; no bound for decoders
    that iterate.

    Args:
        prior: Of one coordinate, or one per coordinate; its scale cancels.
        rate: Bits per coordinate, positive.

    Returns:
        NMSE, accurate to 1e-9.

    Raises:
        ValueOutOfRange: If `prior` is not a prior or `rate` no positive number.

    Examples:
        >>> from isthmus.priors import GaussBernoulli
        >>> round(denoised_limit(GaussBernoulli(0.1), 1.0), 4)
        0.1175
        >>> round(denoised_limit(Gaussian(), 1.0), 5)  # the isotropic limit
        0.36338

    References:
        [kogler:24]
    """
    if not isinstance(prior, AbstractPrior | CoordinatePriors):
        raise ValueOutOfRange(
            f"`denoised_limit(prior=...)` must be a prior; got {shown(prior)}. Pass e.g. "
            "isthmus.priors.GaussBernoulli(0.1)."
        )
    rates = check_rates("denoised_limit", rate)
    if rates.ndim:
        raise ValueOutOfRange(
            f"`denoised_limit(rate=...)` must be one number; got {shown(rate)}."
        )
    r = float(rates)
    noise = (1.0 - 2.0 / math.pi * min(r, 1.0)) / (2.0 / math.pi * r)
    variance = prior.variance
    return float(prior.mmse(noise * variance)) / variance


def critical_density(family: str | AbstractPrior) -> float:
    r"""Density above which a sign code in the coordinates' own axes beats rotated ones.

    For x zero or, with probability p, z / sqrt(p), z of unit variance, both with their
    best tied linear decoders at a rate of at most 1: a random rotation leaves 1 - 2r/pi,
    the signs of the coordinates themselves 1 - r (E|x|)^2, equal at

    .. math:: p = \frac{2}{\pi} \frac{E z^2}{(E|z|)^2}

    Exact for those two encoders; status of the first: ``"asymptotic"``. At 1 or above
    (Gaussian, Laplace) the axes never win. It is no claim of optimality: for sparse signs
    of 1/3 < p < 1 neither of the two is the best encoder.

    Args:
        family: Distribution of z: ``"rademacher"``, ``"uniform"``, ``"gaussian"``,
            ``"laplace"``, or a prior.

    Returns:
        Critical density, positive, exact; above 1 for heavy tails.

    Raises:
        ValueOutOfRange: If `family` is none of these.

    Examples:
        >>> round(critical_density("rademacher"), 4), round(critical_density("laplace"), 2)
        (0.6366, 1.27)

    References:
        [kogler:24]
    """
    prior = _FAMILIES.get(family) if isinstance(family, str) else family
    if not isinstance(prior, AbstractPrior):
        raise ValueOutOfRange(
            f"`critical_density(family=...)` must be one of {', '.join(_FAMILIES)} or a "
            f"prior; got {shown(family)}."
        )
    return 2.0 / math.pi * prior.variance / prior.mean_absolute**2
