"""Memory terms of message passing through a rotationally invariant matrix.

State evolution of RI-GAMP for signs and posterior means: every number that the decoder
needs, before it has seen a code. Inputs have power 1, rows of the matrix length 1.
"""

from __future__ import annotations

import dataclasses
import math

import numpy as np
from jaxtyping import Float

from isthmus.decoders.door import AnyPrior
from isthmus.limits.one_bit import one_bit_gain

_SETTLED = 1e-7
_SINGULAR = 1e11
_SURE = 1e-9


@dataclasses.dataclass(frozen=True, eq=False)
class MemoryStep:
    """Numbers of one step; earlier steps come first in every list.

    Attributes:
        of_estimates: What to take away of every earlier estimate.
        input_mix: Weights of the messages to the inputs; the mixture is x plus noise.
        snr: Of that mixture.
        mse: Which its posterior mean leaves.
        of_scores: What to take away of every score so far.
        code_mix: Weights of the messages to the code; the mixture is the mean of z.
        code_precision: 1 over the variance of z given them.
    """

    of_estimates: Float[np.ndarray, " earlier"]
    input_mix: Float[np.ndarray, " step"]
    snr: float
    mse: float
    of_scores: Float[np.ndarray, " step"]
    code_mix: Float[np.ndarray, " step"]
    code_precision: float


def catalan_cumulants(rate: float, count: int) -> Float[np.ndarray, " count"]:
    r"""Rectangular free cumulants of a matrix whose singular values are all equal.

    .. math:: \kappa_{2k} = (-\min(r, 1))^{k-1} C_{k-1}, \quad C = 1, 1, 2, 5, 14, \dots

    for rows of length 1: orthonormal ones up to rate 1, a tight frame above.

    Args:
        rate: r, rows per column, positive.
        count: How many, from the second cumulant on.

    Returns:
        Even cumulants in ascending order, exact to rounding.

    Examples:
        >>> catalan_cumulants(1.0, 5).tolist()
        [1.0, -1.0, 2.0, -5.0, 14.0]
    """
    short = min(rate, 1.0)
    return np.array([math.comb(2 * k, k) / (k + 1) * (-short) ** k for k in range(count)])


def memory_steps(
    prior: AnyPrior, rate: float, n_iter: int, flip_probability: float
) -> list[MemoryStep]:
    r"""State evolution of RI-GAMP, deterministic.

    Index 0 of every matrix is the truth. With posterior means on both sides an estimate
    is the mean of every later one given what it knew, so that second moments depend on
    the earlier of two steps alone: 1 - mse of the estimates, and
    :math:`\tau (1 - \tau\,\mathrm{mmse}_z)` of the scores, which is also their slope in
    z (Stein).

    Args:
        prior: Of the inputs.
        rate: Rows per column.
        n_iter: Most steps.
        flip_probability: Of every bit.

    Returns:
        One entry per step; fewer than asked for if a step would tell nothing new.

    Examples:
        >>> from isthmus.priors import Gaussian
        >>> [round(step.mse, 5) for step in memory_steps(Gaussian(), 0.5, 8, 0.0)]
        [0.68169]
        >>> [round(step.mse, 4) for step in memory_steps(Gaussian(), 2.0, 3, 0.0)]
        [0.222, 0.2029, 0.2002]
    """
    size = n_iter + 1
    kappa = catalan_cumulants(rate, 2 * size)
    slopes, scores = np.zeros((2, size, size))  # of estimates, of scores
    estimate_power, score_power = np.zeros((2, size, size))
    estimate_power[0, 0] = 1.0
    precision, code_mix = 1.0, np.zeros(0)
    steps: list[MemoryStep] = []
    for t in range(1, size):
        upto = slice(1, t + 1)
        _score(scores, score_power, precision, code_mix, flip_probability)
        memory, spread = _messages(kappa, scores, slopes, score_power, estimate_power)
        memory, spread = rate * memory, rate * spread
        mix = _solve(spread[upto, upto], memory[upto, 0])
        snr = 0.0 if mix is None else float(mix @ memory[upto, 0])
        if mix is None or not snr > 0.0:
            break
        mse = float(prior.mmse(prior.variance / snr)) / prior.variance
        if steps and not mse < steps[-1].mse * (1.0 - _SETTLED):
            break
        slopes[t, upto] = mse * mix
        _nested(estimate_power, t, 1.0 - mse)
        estimate_power[t, 0] = estimate_power[0, t] = 1.0 - mse
        kept, spread = _messages(kappa, slopes, scores, estimate_power, score_power)
        found = _solve(spread[upto, upto], spread[upto, 0])
        left = 0.0 if found is None else 1.0 - float(found @ spread[upto, 0])
        code_mix = np.zeros(t) if found is None else found
        precision = 1.0 / max(left, _SURE)
        steps.append(
            MemoryStep(
                memory[t, 1:t], mix / snr, snr, mse, kept[t, upto], code_mix, precision
            )
        )
        if found is None or left <= _SURE:
            break
    return steps


def _score(
    scores: np.ndarray,
    power: np.ndarray,
    precision: float,
    code_mix: np.ndarray,
    flip_probability: float,
) -> None:
    """Enter the score that follows `code_mix`: its slopes and its second moments."""
    t = code_mix.size + 1
    information = precision * one_bit_gain(precision, flip_probability)
    scores[t, 0] = information
    scores[t, 1:t] = -information * code_mix
    _nested(power, t, information)


def _nested(power: np.ndarray, t: int, value: float) -> None:
    """Second moments of step t: with an earlier step they are that step's own."""
    earlier = np.arange(1, t)
    power[t, earlier] = power[earlier, t] = power[earlier, earlier]
    power[t, t] = value


def _messages(
    kappa: np.ndarray,
    left: np.ndarray,
    right: np.ndarray,
    own: np.ndarray,
    other: np.ndarray,
) -> tuple[np.ndarray, np.ndarray]:
    """Memory coefficients and covariance of what the matrix makes of one side's outputs.

    Sums over powers of a nilpotent matrix end by themselves.

    Args:
        kappa: Free cumulants.
        left: Slopes of these outputs in the messages they are made of.
        right: The same of the other side's outputs.
        own: Second moments of these outputs.
        other: Second moments of the other side's.
    """
    product = left @ right
    powers = [np.eye(left.shape[0])]
    while len(powers) < left.shape[0]:
        powers.append(powers[-1] @ product)
    memory = sum(k * power for k, power in zip(kappa, powers, strict=False)) @ left
    seen = left @ other @ left.T
    spread = np.zeros_like(own)
    for i, first in enumerate(powers):
        for j, second in enumerate(powers):
            spread += first @ (kappa[i + j] * own + kappa[i + j + 1] * seen) @ second.T
    return memory, spread


def _solve(spread: np.ndarray, target: np.ndarray) -> np.ndarray | None:
    """Weights of the best mixture; None if the messages repeat one another."""
    diagonal = np.diag(spread)
    if not (np.isfinite(spread).all() and np.all(diagonal > 0)):
        return None
    unit = 1.0 / np.sqrt(diagonal)
    scaled = spread * np.outer(unit, unit)
    if not np.linalg.cond(scaled) < _SINGULAR:
        return None
    return np.asarray(unit * np.linalg.solve(scaled, unit * target))
