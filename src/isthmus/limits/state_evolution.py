"""What message passing reaches in high dimension, step by step."""

from __future__ import annotations

import dataclasses
import math
from typing import Any

import numpy as np
from jaxtyping import Float

from isthmus.core.door import real_number, shown, whole_number
from isthmus.core.errors import ValueOutOfRange
from isthmus.limits.isotropic import check_rates
from isthmus.limits.one_bit import one_bit_gain
from isthmus.limits.vamp_step import code_precision, input_precision
from isthmus.priors import AbstractPrior, CoordinatePriors

_SETTLED = 1e-9
_SURE = 1e-12
_KNOWN = 1e8  # precision of a message that tells the input, in units of the prior's


@dataclasses.dataclass(frozen=True, eq=False)
class Trajectory:
    """Path of a message-passing decoder in high dimension.

    Attributes:
        mse: NMSE after each step, "step"; the last is where it ended.
        snr: Signal-to-noise ratio of the Gaussian channel that the input is seen
            through at each step, "step".
        converged: Whether the last step moved the NMSE by less than 1e-9 of it.
        status: ``"asymptotic"``: for Haar frames, as the dimension grows.
    """

    mse: Float[np.ndarray, " step"]
    snr: Float[np.ndarray, " step"]
    converged: bool
    status: str = "asymptotic"


@dataclasses.dataclass(frozen=True)
class BayesLimit:
    """Where the least NMSE of any decoder of a rotated sign code lies.

    Attributes:
        lower: Where message passing ends that starts from the truth.
        upper: Where message passing ends that starts from the prior: it is reached.
        status: ``"conjecture"`` where both agree (replica theory: message passing is
            then optimal); ``"bound"`` where they do not. Discrete priors once known stay
            known, so that their lower end may be 0 at rates that cannot reach it.
    """

    lower: float
    upper: float
    status: str


def state_evolution(
    prior: AbstractPrior | CoordinatePriors,
    rate: float,
    *,
    n_iter: int = 50,
    flip_probability: float = 0.0,
) -> Trajectory:
    r"""NMSE of the message-passing decoder of a rotated sign code, step by step.

    Independent coordinates x, orthonormal rows W in random directions (a tight frame
    above rate 1), code sign(W x), each bit flipped with a small probability. In high
    dimension every step of :class:`isthmus.decoders.MessagePassingDecoder` (undamped) is
    one Gaussian channel per input and one per pre-activation, whose precisions follow

    .. math::
        \tau_2 = 1/\mathrm{mmse}_z(\tau_1) - \tau_1, \qquad
        \gamma_2 = 1/\mathrm{mmse}_x(\gamma_1) - \gamma_1

    and, for r <= 1, :math:`1/\gamma_1 = ((1-r)/\gamma_2 + 1/\tau_2)/r`,
    :math:`\tau_1 = \gamma_2`; for r > 1, :math:`\gamma_1 = r \tau_2`,
    :math:`\tau_1 = \gamma_2 + (r-1)\tau_2`. The first step is
    :func:`isthmus.limits.denoised_limit`. For a Gaussian prior and r <= 1 nothing moves
    after it.

    Args:
        prior: Of one coordinate, or one per coordinate; its scale cancels.
        rate: Bits per coordinate, positive.
        n_iter: Most steps; it ends earlier once it has converged.
        flip_probability: Of every bit, in [0, 1/2).

    Returns:
        The path; NMSE accurate to 1e-9.

    Raises:
        ValueOutOfRange: If `prior` is no prior, or a number is outside its domain.

    Examples:
        >>> from isthmus.priors import GaussBernoulli
        >>> path = state_evolution(GaussBernoulli(0.1), 1.0)
        >>> path.mse[[0, 1, -1]].round(4).tolist(), path.converged
        ([0.1175, 0.0793, 0.0608], True)

    References:
        [kogler:24], [schniter:16]
    """
    call = "state_evolution"
    r, flip = _check(call, prior, rate, flip_probability)
    most = whole_number(f"{call}(n_iter=...)", n_iter, least=1)
    return _follow(prior, r, most, flip, 1.0)


def bayes_limit(
    prior: AbstractPrior | CoordinatePriors, rate: float, *, flip_probability: float = 0.0
) -> BayesLimit:
    """Least NMSE of any decoder of a rotated sign code of independent coordinates.

    State evolution from two ends: what can be reached from the prior, and what stays
    true once the truth is known.

    Args:
        prior: Of one coordinate; its scale cancels.
        rate: Bits per coordinate, positive.
        flip_probability: Of every bit, in [0, 1/2).

    Returns:
        Both ends, and what they say together.

    Raises:
        ValueOutOfRange: As :func:`state_evolution`.

    Examples:
        >>> from isthmus.priors import Gaussian
        >>> limit = bayes_limit(Gaussian(), 0.5)
        >>> round(limit.upper, 5), limit.status  # 1 - 2r/pi
        (0.68169, 'conjecture')

    References:
        [kogler:24]
    """
    r, flip = _check("bayes_limit", prior, rate, flip_probability)
    upper = float(_follow(prior, r, 2000, flip, 1.0).mse[-1])
    lower = float(_follow(prior, r, 2000, flip, _KNOWN).mse[-1])
    unique = abs(upper - lower) <= 1e-5 * upper
    return BayesLimit(lower, upper, "conjecture" if unique else "bound")


def _follow(
    prior: AbstractPrior | CoordinatePriors,
    rate: float,
    most: int,
    flip: float,
    start: float,
) -> Trajectory:
    """Iterate in units of the prior's variance, from precision `start` on both sides."""
    variance = prior.variance
    of_code, from_prior = start, start
    mse: list[float] = []
    snr: list[float] = []
    converged = False
    while len(mse) < most and not converged:
        gain = one_bit_gain(of_code, flip)
        from_code = of_code * gain / (1.0 - gain)
        of_input = input_precision(rate, from_prior, from_code)
        error = float(prior.mmse(variance / of_input)) / variance
        mse.append(error)
        snr.append(of_input)
        # A Gaussian's message is its prior, rounding aside; signs can be known for sure.
        from_prior = max(1.0 / max(error, _SURE) - of_input, _SURE)
        of_code = max(code_precision(rate, from_prior, from_code), 1.0)
        converged = len(mse) > 1 and abs(mse[-1] - mse[-2]) <= _SETTLED * mse[-1]
    return Trajectory(np.array(mse), np.array(snr), converged)


def _check(
    call: str, prior: object, rate: Any, flip_probability: object
) -> tuple[float, float]:
    if not isinstance(prior, AbstractPrior | CoordinatePriors):
        raise ValueOutOfRange(
            f"`{call}(prior=...)` must be a prior; got {shown(prior)}. Pass e.g. "
            "isthmus.priors.GaussBernoulli(0.1)."
        )
    rates = check_rates(call, rate)
    if rates.ndim:
        raise ValueOutOfRange(f"`{call}(rate=...)` must be one number; got {shown(rate)}.")
    flip = check_flips(call, flip_probability)
    return float(rates), flip


def check_flips(call: str, flip_probability: object) -> float:
    """A share of flipped bits in [0, 1/2), or an error that says what it is."""
    flip = real_number(f"{call}(flip_probability=...)", flip_probability)
    if not 0.0 <= flip < 0.5 or math.isnan(flip):
        raise ValueOutOfRange(
            f"`{call}(flip_probability=...)` must lie in [0, 1/2); got {flip}. Of bits "
            "flipped more often than not, flip all."
        )
    return flip
