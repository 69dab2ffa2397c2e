"""Message passing between a prior and one-bit codes, through a partial isometry."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any

import numpy as np
from array_api_compat import array_namespace, is_numpy_array
from jaxtyping import Float

from isthmus.frames import AbstractFrame
from isthmus.limits.one_bit import one_bit_shift
from isthmus.limits.vamp_step import code_precision, input_precision

Posterior = Callable[[Any, Any], tuple[Any, Any]]
"""Posterior mean and variance of the inputs seen through Gaussian noise."""

_LEAST, _MOST = 1e-6, 1e6
"""Range of a precision, in units of the inputs'."""


@dataclasses.dataclass(frozen=True)
class Schedule:
    """How messages are passed.

    Attributes:
        n_iter: Steps.
        damping: Share of a new message that replaces the old one, in (0, 1].
        flip_probability: Of every bit.
        patience: Steps after which a row's best estimate is believed final; a block
            ends when all its rows have it.
    """

    n_iter: int
    damping: float
    flip_probability: float
    patience: int


@dataclasses.dataclass(eq=False)
class Best:
    """Best estimate of each row so far, by the variance that the posterior predicts.

    Attributes:
        mean: Posterior means.
        variance: Mean posterior variance of each row.
        step: Step at which it was found.
        history: Mean posterior variance of each row at every step.
    """

    mean: Float[Any, "sample input"]
    variance: Float[Any, "sample 1"]
    step: Any
    history: list[Any]


def pass_messages(
    frame: AbstractFrame,
    posterior: Posterior,
    codes: Float[Any, "sample code"],
    power: Float[Any, "sample 1"],
    schedule: Schedule,
) -> Best:
    r"""Generalised vector approximate message passing for signs, in closed form.

    With orthonormal rows (or a tight frame), the linear estimators of the general
    algorithm are one forward and one adjoint transform a step: no matrix, no
    decomposition. Precisions are scalars of each row.

    Args:
        frame: W; the pre-activations are W x, times the square root of the rate above
            rate 1, so that they have the power of the inputs.
        posterior: Of the inputs.
        codes: ±1.
        power: Mean square of the entries of each row x, before any message.
        schedule: Steps, damping, flips.

    Returns:
        Best estimate of each row.
    """
    xp = np if is_numpy_array(codes) else array_namespace(codes)
    rate = frame.rate
    gain = max(rate, 1.0) ** 0.5
    unit = 1.0 / power
    # Extrinsic messages: (x_seen, of_prior) about inputs, (z_seen, of_code) about code.
    x_seen: Any = None
    z_seen: Any = None
    of_prior, of_code = unit, unit
    told: Any = None
    from_code: Any = None
    best: Best | None = None
    for step in range(schedule.n_iter):
        told, from_code = _hear_code(
            xp, codes, z_seen, of_code, told, from_code, unit, schedule
        )
        # What the code says of the inputs.
        of_input = input_precision(rate, of_prior, from_code)
        if rate > 1.0:
            r = frame.adjoint(told)
            r *= 1.0 / gain
        else:
            r = frame.adjoint(told if x_seen is None else told - z_seen)
            if rate < 1.0:
                r *= 1.0 / rate
            if x_seen is not None:
                r += x_seen
        mean, variance = posterior(r, 1.0 / of_input)
        left = _row_mean(xp, variance)
        best = _keep_best(xp, best, mean, left, step)
        if step + 1 == schedule.n_iter or _all_settled(xp, best, step, schedule.patience):
            break
        x_seen, of_prior = _extrinsic(
            xp, (mean, 1.0 / left), (r, of_input), (x_seen, of_prior), unit, schedule
        )
        of_code = code_precision(rate, of_prior, from_code)
        if rate > 1.0:
            z_seen = frame.forward(of_prior * x_seen + (rate * from_code) * r)
            z_seen *= gain
            z_seen -= from_code * told
            z_seen /= of_code
        else:
            z_seen = frame.forward(x_seen)
    assert best is not None
    return best


def _hear_code(
    xp: Any,
    codes: Any,
    z_seen: Any,
    of_code: Any,
    told: Any,
    from_code: Any,
    unit: Any,
    schedule: Schedule,
) -> tuple[Any, Any]:
    """Extrinsic message of the one-bit channel and its precision, damped."""
    root = of_code**0.5
    if z_seen is None:
        u = codes * 0.0
    else:
        u = z_seen * root
        u *= codes
    shift = one_bit_shift(u, schedule.flip_probability)
    u += shift
    # Share of the variance that the bit takes away; positive for every u.
    taken = xp.clip(_row_dot(xp, shift, u), _LEAST, 1.0 - _LEAST)
    shift *= codes
    shift *= 1.0 / (taken * root)
    if z_seen is not None:
        shift += z_seen
    precision = xp.clip(of_code * (taken / (1.0 - taken)), _LEAST * unit, _MOST * unit)
    if told is None or schedule.damping == 1.0:
        return shift, precision
    shift *= schedule.damping
    return _damped(shift, precision, told, from_code, schedule.damping)


def _extrinsic(
    xp: Any,
    seen: tuple[Any, Any],
    message: tuple[Any, Any],
    old: tuple[Any, Any],
    unit: Any,
    schedule: Schedule,
) -> tuple[Any, Any]:
    """What the prior says by itself: posterior less message, damped."""
    (mean, total), (r, of_input) = seen, message
    precision = xp.clip(total - of_input, _LEAST * unit, _MOST * unit)
    share = 1.0 if old[0] is None else schedule.damping
    value = mean * (share * total / precision)
    value -= r * (share * of_input / precision)
    if share == 1.0:
        return value, precision
    return _damped(value, precision, *old, share)


def _damped(
    new: Any, precision: Any, old: Any, old_precision: Any, share: float
) -> tuple[Any, Any]:
    """Means and standard deviations, `share` of the new and the rest of the old.

    The new mean comes times `share` already; both means are overwritten.
    """
    old *= 1.0 - share
    new += old
    spread = share * precision**-0.5 + (1.0 - share) * old_precision**-0.5
    return new, spread**-2.0


def _keep_best(xp: Any, best: Best | None, mean: Any, left: Any, step: int) -> Best:
    if best is None:
        return Best(mean, left, xp.zeros_like(left), [left])
    best.history.append(left)
    better = left < best.variance
    if bool(xp.all(better)):
        best.mean = mean
    elif xp is np:
        best.mean[better[:, 0]] = mean[better[:, 0]]
    else:
        best.mean = xp.where(better, mean, best.mean)
    best.variance = xp.where(better, left, best.variance)
    best.step = xp.where(better, xp.full_like(left, float(step)), best.step)
    return best


def _all_settled(xp: Any, best: Best, step: int, patience: int) -> bool:
    return bool(xp.all(best.step + patience <= step))


def _row_mean(xp: Any, x: Any) -> Any:
    if xp is np:  # a quarter of the time of np.mean
        return (x @ np.ones(x.shape[1], x.dtype) / x.shape[1])[:, None]
    return xp.mean(x, axis=1, keepdims=True)


def _row_dot(xp: Any, x: Any, y: Any) -> Any:
    """Mean product of two rows."""
    if xp is np:
        return (np.einsum("ij,ij->i", x, y) / x.shape[1])[:, None]
    return xp.mean(x * y, axis=1, keepdims=True)
