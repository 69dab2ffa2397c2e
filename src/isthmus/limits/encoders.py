"""What encoders reach that nobody trained, and what varying lengths cost."""

from __future__ import annotations

import math

import numpy as np
from jaxtyping import Float

from isthmus.core.activations import resolve_activation
from isthmus.core.door import real_array, whole_number
from isthmus.core.errors import ValueOutOfRange
from isthmus.core.typing import Numbers
from isthmus.limits.isotropic import check_rates, isotropic_limit


def random_encoder_limit(
    rate: float | Numbers, *, activation: object = "sign"
) -> float | Float[np.ndarray, "*s"]:
    r"""NMSE of an untrained Gaussian encoder with its best linear decoder, white data.

    .. math:: \alpha m, \qquad \alpha m^2 + (\alpha + r - 1) m - 1 = 0, \qquad m > 0

    Rows are independent and uniform on the sphere. Holds in the limit of large
    dimensions at fixed rate (Marchenko-Pastur); status ``"asymptotic"``. The curve that
    training starts from.

    Args:
        rate: Code symbols per input coordinate, positive; an array is taken entrywise.
        activation: Name, odd function or :class:`~isthmus.core.Activation`.

    Returns:
        NMSE, a float for a scalar rate, else an array of its shape. Exact in the limit;
        at 400 coordinates within 0.002.

    Raises:
        ValueOutOfRange: If a rate is not a positive number, or the activation is not
            odd.

    Examples:
        >>> random_encoder_limit([0.5, 1, 2, 4]).round(4).tolist()
        [0.7209, 0.5222, 0.3044, 0.1533]

    References:
        [marchenko:67], [shevchenko:23]
    """
    rates = check_rates("random_encoder_limit", rate)
    alpha = resolve_activation(activation).alpha
    middle = alpha + rates - 1.0
    root = np.hypot(middle, 2.0 * np.sqrt(alpha))
    # Whichever form of the root of the quadratic does not cancel.
    falling = np.where(middle + root > 0, middle + root, 1.0)
    nmse = np.where(middle > 0, 2.0 * alpha / falling, 0.5 * (root - middle))
    return float(nmse) if rates.ndim == 0 else nmse


def norm_spread_limit(
    rate: float | Numbers,
    norms: Numbers,
    *,
    n_input: int | None = None,
    activation: object = "sign",
) -> float | Float[np.ndarray, "*s"]:
    r"""NMSE of a rotated sign code with one fixed scale for vectors of varying length.

    .. math:: 1 - \frac{(E\|z\|)^2}{E\|z\|^2}\,
        \frac{\pi d}{2} (E|u_1|)^2 \left(1 - \mathrm{limit}(r)\right), \qquad
        E|u_1| = \frac{\Gamma(d/2)}{\sqrt\pi\, \Gamma((d + 1)/2)}

    with the isotropic limit 1 - 2r/pi for r <= 1, and u uniform on the sphere of
    dimension d. The middle factor is 1 + 1/(2d) + ...: one coordinate of a vector of known
    length is not quite Gaussian. Holds for every z whose direction is uniform, or whose
    frame is a random rotation: exact for r <= 1 and orthonormal rows if `n_input` is given
    (for Gaussian lengths it is the isotropic limit itself), else in the limit of large d;
    asymptotic for r > 1. With the length sent as side information all are equally long:
    pass ``norms=[1.0]``.

    Args:
        rate: Code symbols per input coordinate, positive; an array is taken entrywise.
        norms: Lengths of the (whitened) vectors: a sample, not negative.
        n_input: Dimension d of the vectors; None leaves the middle factor at 1.
        activation: One that sees no scale: ``"sign"`` (degree 0).

    Returns:
        NMSE, a float for a scalar rate, else an array of its shape.

    Raises:
        ValueOutOfRange: If a rate is not positive, a length is negative or not finite,
            all are zero, `n_input` is below 1, or the activation sees scales.

    Examples:
        >>> round(norm_spread_limit(1.0, [1.0, 1.0]), 6)  # equal lengths: the limit
        0.36338
        >>> round(norm_spread_limit(1.0, [1.0, 3.0]), 6)
        0.490704
        >>> norm_spread_limit(1.0, [1.0], n_input=1)  # a sign and a length say all
        0.0

    References:
        [shevchenko:23]
    """
    lengths = real_array("norm_spread_limit(norms=...)", norms)
    if lengths.size == 0 or not np.all(np.isfinite(lengths)) or np.any(lengths < 0):
        raise ValueOutOfRange(
            "`norm_spread_limit(norms=...)` must be finite and not negative; got "
            f"{lengths.size} lengths. Pass np.linalg.norm(x, axis=1)."
        )
    if not lengths.max() > 0:
        raise ValueOutOfRange("`norm_spread_limit(norms=...)` must not all be zero.")
    if n_input is not None:
        n_input = whole_number("norm_spread_limit(n_input=...)", n_input, least=1)
    act = resolve_activation(activation)
    if act.degree != 0:
        raise ValueOutOfRange(
            f"`norm_spread_limit(activation=...)` must see no scale; got {act.name}. "
            "Its code changes with the length: use isotropic_limit."
        )
    unit = lengths / lengths.max()
    kept = float(np.mean(unit)) ** 2 / float(np.mean(unit**2))
    if n_input is not None:
        log = math.lgamma(0.5 * n_input) - math.lgamma(0.5 * (n_input + 1))
        kept *= 0.5 * n_input * math.exp(2.0 * log)
    limit = isotropic_limit(rate, activation=act)
    nmse = 1.0 - kept * (1.0 - np.asarray(limit))
    nmse = np.maximum(nmse, 0.0)
    return float(nmse) if np.ndim(limit) == 0 else nmse
