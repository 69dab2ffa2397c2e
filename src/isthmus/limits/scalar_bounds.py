"""What codecs of independent coordinates can reach, from below and above."""

from __future__ import annotations

import math

from isthmus.core.door import shown
from isthmus.core.errors import ValueOutOfRange
from isthmus.limits.scalar_quantiser import binary_entropy, checked_bits
from isthmus.priors import AbstractPrior
from isthmus.priors.scale_mixture import AbstractScaleMixture


def genie_bound(prior: AbstractPrior, rate: float) -> float:
    r"""Lower bound of the NMSE: a genie tells both ends where the non-zeros are.

    .. math:: D \ge 2^{-2r/p}

    for sparse Gaussian coordinates of density p. For every other scale mixture the genie
    tells the component of each coordinate, and Gaussians of known variances are coded by
    reverse water-filling. A theorem for every codec and block length; far too low where
    saying which component it is costs most of the rate.

    Args:
        prior: A scale mixture, Gaussian and sparse Gaussian among them; variance cancels.
        rate: Bits per coordinate, positive.

    Returns:
        NMSE, exact.

    Raises:
        ValueOutOfRange: If `prior` is no scale mixture or `rate` no positive number.

    Examples:
        >>> from isthmus.priors import GaussBernoulli
        >>> genie_bound(GaussBernoulli(0.5), 0.5)
        0.25
    """
    bits = checked_bits("genie_bound", prior, rate)
    if not isinstance(prior, AbstractScaleMixture):
        raise ValueOutOfRange(
            f"`genie_bound(prior=...)` must be a scale mixture of Gaussians; got "
            f"{shown(prior)}. For others blahut_arimoto has a lower end."
        )
    pairs = zip(*prior._components, strict=True)
    parts = sorted(((v, w) for w, v in pairs if v > 0), reverse=True)
    level = 0.0
    for count in range(1, len(parts) + 1):
        active = parts[:count]
        weight = math.fsum(w for _, w in active)
        logs = math.fsum(w * math.log2(v) for v, w in active)
        level = 2.0 ** ((logs - 2.0 * bits) / weight)
        if count == len(parts) or level >= parts[count][0]:
            break
    return math.fsum(w * min(v, level) for v, w in parts) / prior.variance


def gaussian_bound(prior: AbstractPrior, rate: float) -> float:
    r"""Upper bound of the least NMSE: a codec made for Gaussians does as well.

    .. math:: D \le 2^{-2r}, \qquad
        D \le 2^{-2 (r - h_2(p)) / p} \quad (r > h_2(p))

    The second sends first, with h_2(p) bits, which coordinates are not zero (a share p),
    and then these. A theorem for every prior: of one variance the Gaussian is hardest.

    Args:
        prior: Of one coordinate; variance cancels.
        rate: Bits per coordinate, positive.

    Returns:
        NMSE, exact.

    Raises:
        ValueOutOfRange: If `prior` is not a prior or `rate` no positive number.

    Examples:
        >>> from isthmus.priors import SparseLaplace
        >>> gaussian_bound(SparseLaplace(0.5), 0.5), gaussian_bound(SparseLaplace(0.5), 3)
        (0.5, 0.00390625)

    References:
        [cover:06]
    """
    bits = checked_bits("gaussian_bound", prior, rate)
    share = 2.0 * float(prior.tail_moments(0.0)[0])
    left = bits - binary_entropy(share)
    sparse = 2.0 ** (-2.0 * left / share) if left > 0 else 1.0
    return float(min(2.0 ** (-2.0 * bits), sparse))
