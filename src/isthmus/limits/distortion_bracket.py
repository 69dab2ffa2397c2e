"""Between which two numbers the best codec of a prior is."""

from __future__ import annotations

import dataclasses

from isthmus.limits.blahut_arimoto import FINEST, blahut_arimoto
from isthmus.limits.scalar_bounds import gaussian_bound, genie_bound
from isthmus.limits.scalar_quantiser import checked_bits, ecsq
from isthmus.limits.shannon_bound import shannon_bound
from isthmus.priors import AbstractPrior
from isthmus.priors.scale_mixture import AbstractScaleMixture


@dataclasses.dataclass(frozen=True)
class DistortionBracket:
    """Least NMSE of any codec at a rate, any block length: between two numbers.

    Attributes:
        lower: No codec is below.
        upper: Codecs of long blocks come as close as they like.
        lower_by: What proves the lower end.
        upper_by: What proves the upper end.
    """

    lower: float
    upper: float
    lower_by: str
    upper_by: str


def distortion_bracket(
    prior: AbstractPrior, rate: float, *, accuracy: float = 0.01
) -> DistortionBracket:
    """Narrowest proven bracket of the least NMSE of any codec, any block length.

    Lower: :func:`shannon_bound` and :func:`genie_bound`, for scale mixtures. Upper:
    :func:`gaussian_bound` and :func:`ecsq`. Where these leave 0.02 or more, both ends of
    :func:`blahut_arimoto` as well. For priors that are no scale mixture the lower end is 0
    below that.

    Args:
        prior: Of one coordinate; variance cancels.
        rate: Bits per coordinate, positive.
        accuracy: Asked of :func:`blahut_arimoto`.

    Returns:
        Both ends and what proves them.

    Raises:
        ValueOutOfRange: If `prior` is not a prior or `rate` no positive number.

    Examples:
        >>> from isthmus.priors import GaussBernoulli
        >>> found = distortion_bracket(GaussBernoulli(0.1), 1.0)
        >>> f"{found.lower:.1g}", f"{found.upper:.1g}", found.lower_by, found.upper_by
        ('0.0004', '0.0005', 'Shannon', 'scalar quantiser')
    """
    bits = checked_bits("distortion_bracket", prior, rate)
    uppers = {
        "Gaussian codec": gaussian_bound(prior, bits),
        "scalar quantiser": ecsq(prior, bits).nmse,
    }
    lowers = {"nothing": 0.0}
    if min(uppers.values()) >= FINEST:
        found = blahut_arimoto(prior, bits, accuracy=accuracy)
        lowers["Blahut-Arimoto"], uppers["Blahut-Arimoto"] = found.lower, found.upper
    if isinstance(prior, AbstractScaleMixture):
        lowers["Shannon"] = shannon_bound(prior, bits)
        lowers["genie"] = genie_bound(prior, bits)
    upper_by = min(uppers, key=uppers.__getitem__)
    lower_by = max(lowers, key=lowers.__getitem__)
    # A Gaussian's two ends are equal; rounding must not swap them.
    lower = min(lowers[lower_by], uppers[upper_by])
    return DistortionBracket(lower, uppers[upper_by], lower_by, upper_by)
