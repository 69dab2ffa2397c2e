"""Limit of the two-layer autoencoder on white Gaussian data."""

from __future__ import annotations

import numpy as np
from jaxtyping import Float

from isthmus.core.activations import resolve_activation
from isthmus.core.door import real_array, real_number, shown
from isthmus.core.errors import ValueOutOfRange
from isthmus.core.typing import Numbers


def isotropic_limit(
    rate: float | Numbers, *, activation: object = "sign"
) -> float | Float[np.ndarray, "*s"]:
    r"""Least NMSE of a two-layer autoencoder with a linear decoder, white Gaussian data.

    .. math::
        1 - \frac{r}{1 + \alpha} \quad (r \le 1), \qquad
        \frac{\alpha}{r + \alpha} \quad (r \ge 1), \qquad
        \alpha = f(1) / c_1^2 - 1

    For r <= 1 a theorem for every linear decoder, attained by any orthonormal encoder
    rows; for r > 1 a theorem for tied decoders (a conjecture for free ones), approached
    by tight frames with incoherent rows as the dimension grows.

    Args:
        rate: Code symbols per input coordinate, r = n_code / n_input > 0; an array is
            taken entrywise.
        activation: Name, odd function or :class:`~isthmus.core.Activation`.

    Returns:
        NMSE, a float for a scalar rate, else an array of its shape. Exact.

    Raises:
        ValueOutOfRange: If a rate is not a positive number, or the activation is not
            odd.

    Examples:
        >>> round(isotropic_limit(0.5), 6), round(isotropic_limit(2), 6)
        (0.68169, 0.222031)

    References:
        [shevchenko:23]
    """
    rates = check_rates("isotropic_limit", rate)
    alpha = resolve_activation(activation).alpha
    below = 1.0 - np.minimum(rates, 1.0) / (1.0 + alpha)
    nmse = np.where(rates <= 1.0, below, alpha / (rates + alpha))
    return float(nmse) if rates.ndim == 0 else nmse


def check_rates(call: str, rate: float | Numbers) -> np.ndarray:
    """Rates as an array, or an error that says what a rate is."""
    rates = real_array(f"{call}(rate=...)", rate)
    if not np.all(rates > 0) or not np.all(np.isfinite(rates)):
        raise ValueOutOfRange(
            f"`{call}(rate=...)` must be positive and finite; got {shown(rate)}. "
            "A rate is code symbols per input coordinate, e.g. 0.5."
        )
    return rates


def isotropic_status(rate: float) -> str:
    """What the isotropic limit is at a rate.

    Examples:
        >>> isotropic_status(2.0)
        'theorem (tied decoders)'
    """
    rate = real_number("isotropic_status(rate=...)", rate)
    return "theorem" if rate <= 1.0 else "theorem (tied decoders)"


def isotropic_rate_for(target_nmse: float, *, activation: object = "sign") -> float:
    """Rate at which the isotropic limit equals a target; the inverse function.

    Args:
        target_nmse: NMSE in (0, 1).
        activation: Name, odd function or :class:`~isthmus.core.Activation`.

    Returns:
        Code symbols per input coordinate. Exact.

    Raises:
        ValueOutOfRange: If the target is outside (0, 1).

    Examples:
        >>> round(isotropic_limit(isotropic_rate_for(0.25)), 12)
        0.25

    References:
        [shevchenko:23]
    """
    target_nmse = real_number("isotropic_rate_for(target_nmse=...)", target_nmse)
    if not 0.0 < target_nmse < 1.0:
        raise ValueOutOfRange(
            f"`isotropic_rate_for(target_nmse=...)` must lie in (0, 1); got {target_nmse}."
        )
    alpha = resolve_activation(activation).alpha
    at_one = alpha / (1.0 + alpha)
    if target_nmse >= at_one:
        return (1.0 - target_nmse) * (1.0 + alpha)
    return alpha / target_nmse - alpha
