"""Between which two numbers the best codec of a prior is."""

from __future__ import annotations

import dataclasses

from isthmus.limits.blahut_arimoto import FINEST, blahut_arimoto
from isthmus.limits.scalar_bounds import gaussian_bound, genie_bound
from isthmus.limits.scalar_quantiser import checked_bits, ecsq
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

    Upper: the better of :func:`gaussian_bound` and :func:`ecsq`. Where that is 0.02 or
    more, both ends are those of :func:`blahut_arimoto`; below it the lower end is
    :func:`genie_bound`, or 0 for other priors, and the bracket wide.

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
        ('1e-06', '0.0005', 'genie', 'scalar quantiser')
    """
    bits = checked_bits("distortion_bracket", prior, rate)
    uppers = {
        "Gaussian codec": gaussian_bound(prior, bits),
        "scalar quantiser": ecsq(prior, bits).nmse,
    }
    is_mixture = isinstance(prior, AbstractScaleMixture)
    lowers = {"genie": genie_bound(prior, bits)} if is_mixture else {"nothing": 0.0}
    if min(uppers.values()) >= FINEST:
        found = blahut_arimoto(prior, bits, accuracy=accuracy)
        lowers["Blahut-Arimoto"], uppers["Blahut-Arimoto"] = found.lower, found.upper
    upper_by = min(uppers, key=uppers.__getitem__)
    lower_by = max(lowers, key=lowers.__getitem__)
    # A Gaussian's two ends are equal; rounding must not swap them.
    lower = min(lowers[lower_by], uppers[upper_by])
    return DistortionBracket(lower, uppers[upper_by], lower_by, upper_by)
