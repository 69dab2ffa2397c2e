"""Activations and the two numbers through which they enter every limit."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable

import numpy as np

from isthmus.core.errors import ValueOutOfRange
from isthmus.core.quadrature import gaussian_mean
from isthmus.core.tolerance import CORRELATION_GAP

_EVEN_PART = ("relu", "gelu", "silu", "swish", "sigmoid", "softplus", "elu", "abs")


@dataclasses.dataclass(frozen=True)
class Activation:
    """An odd activation s of the code layer.

    Attributes:
        name: What it is called.
        function: Vectorised s.
        c1: E[Z s(Z)], first Hermite coefficient, Z standard Gaussian.
        f1: E[s(Z)^2].
        kernel: m -> E[s(Z1) s(Z2)] at correlation m, entrywise; None if unknown.
        degree: p with s(a u) = a^p s(u) for every a > 0; None if s has no such p.
        quantised: Whether one code symbol is one bit.
        kernel_derivative: Derivative of `kernel` on (-1, 1), entrywise; None if unknown.
    """

    name: str
    function: Callable[[np.ndarray], np.ndarray]
    c1: float
    f1: float
    kernel: Callable[[np.ndarray], np.ndarray] | None = None
    degree: int | None = None
    quantised: bool = False
    kernel_derivative: Callable[[np.ndarray], np.ndarray] | None = None

    @property
    def alpha(self) -> float:
        """f(1) / c1^2 - 1: all that a limit sees of the activation."""
        return max(self.f1 / self.c1**2 - 1.0, 0.0)


def sign(z: np.ndarray) -> np.ndarray:
    """Map to ±1 in the type of `z`, zero to +1 (np.sign would make a third symbol).

    Examples:
        >>> sign(np.array([-2.0, 0.0, 3.0]))
        array([-1.,  1.,  1.])
    """
    return np.where(z >= 0, z.dtype.type(1), z.dtype.type(-1))


def _sign_kernel(m: np.ndarray) -> np.ndarray:
    return (2.0 / np.pi) * np.arcsin(np.clip(m, -1.0, 1.0))


def _sign_kernel_derivative(m: np.ndarray) -> np.ndarray:
    return (2.0 / np.pi) / np.sqrt(np.maximum(1.0 - m * m, CORRELATION_GAP))


_NAMED = {
    "sign": Activation(
        "sign",
        sign,
        math.sqrt(2 / math.pi),
        1.0,
        _sign_kernel,
        0,
        quantised=True,
        kernel_derivative=_sign_kernel_derivative,
    ),
    "identity": Activation(
        "identity",
        lambda z: np.asarray(z),
        1.0,
        1.0,
        lambda m: np.asarray(m),
        1,
        kernel_derivative=np.ones_like,
    ),
}
NAMES = tuple(_NAMED)


def resolve_activation(activation: object) -> Activation:
    """Look up, measure or hand through an activation.

    Args:
        activation: ``"sign"``, ``"identity"``, an :class:`Activation`, or a
            vectorised odd function, whose two constants are then computed to 1e-12.

    Returns:
        The activation with its constants.

    Raises:
        ValueOutOfRange: If the name is not known, or the function is not odd or is
            orthogonal to the identity (c1 = 0).

    Examples:
        >>> round(resolve_activation("sign").alpha, 6)
        0.570796
        >>> round(resolve_activation(np.tanh).alpha, 4)
        0.0747

    References:
        [shevchenko:23]
    """
    if isinstance(activation, Activation):
        return activation
    if callable(activation):
        return _measured(activation)
    if activation in _EVEN_PART:
        raise ValueOutOfRange(
            f"`activation` must be odd; got {activation!r}, which has an even part. "
            f"The limits cover odd activations: use one of {', '.join(NAMES)}."
        )
    if not isinstance(activation, str) or activation not in _NAMED:
        raise ValueOutOfRange(
            f"`activation` must be one of {', '.join(NAMES)} or an odd function; "
            f"got {activation!r}."
        )
    return _NAMED[activation]


def _measured(function: Callable[[np.ndarray], np.ndarray]) -> Activation:
    name = getattr(function, "__name__", repr(function))
    grid = np.linspace(0.013, 6.0, 499)
    up, down = np.asarray(function(grid)), np.asarray(function(-grid))
    if up.shape != grid.shape or not np.all(np.isfinite(up)):
        raise ValueOutOfRange(
            f"`activation={name}` must map an array to a finite array of its shape."
        )
    if np.abs(up + down).max() > 1e-9 * max(1.0, float(np.abs(up).max())):
        raise ValueOutOfRange(
            f"`activation={name}` must be odd, s(-u) = -s(u). "
            f"Use its odd part, or one of {', '.join(NAMES)}."
        )
    c1 = gaussian_mean(lambda z: z * function(z), kinks=[0.0])
    f1 = gaussian_mean(lambda z: function(z) ** 2, kinks=[0.0])
    if abs(c1) < 1e-9 * math.sqrt(max(f1, 1e-300)):
        raise ValueOutOfRange(
            f"`activation={name}` must have E[Z s(Z)] != 0; got {c1:.2g}. "
            "A linear decoder sees nothing through such an activation."
        )
    return Activation(name, function, c1, f1)
