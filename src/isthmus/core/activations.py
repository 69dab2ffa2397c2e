"""Activations and the two numbers through which they enter every limit."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable

import numpy as np

from isthmus.core.errors import ValueOutOfRange
from isthmus.core.kernels import measured_kernel
from isthmus.core.quadrature import gaussian_mean, smooth_pieces

_EVEN_PART = ("relu", "gelu", "silu", "swish", "sigmoid", "softplus", "elu", "abs")
Entrywise = Callable[[np.ndarray], np.ndarray]


@dataclasses.dataclass(frozen=True)
class Activation:
    """An odd activation s of the code layer.

    Attributes:
        name: What it is called.
        function: Vectorised s.
        c1: E[Z s(Z)], first Hermite coefficient, Z standard Gaussian.
        f1: E[s(Z)^2].
        kernel: m -> E[s(Z1) s(Z2)] at correlation m, entrywise; None if unknown.
        kernel_derivative: Its derivative, entrywise, with 1 - m^2 floored at 1e-12.
        degree: p with s(a u) = a^p s(u) for every a > 0; None if s has no such p, and
            then pre-activations have unit variance by convention.
        n_levels: Different values that s takes; None if there are infinitely many.
        kinks: Where s or a derivative jumps.
    """

    name: str
    function: Entrywise
    c1: float
    f1: float
    kernel: Entrywise | None = None
    kernel_derivative: Entrywise | None = None
    degree: float | None = None
    n_levels: int | None = None
    kinks: tuple[float, ...] = ()

    @property
    def alpha(self) -> float:
        """f(1) / c1^2 - 1: all that a limit sees of the activation."""
        return max(self.f1 / self.c1**2 - 1.0, 0.0)

    @property
    def quantised(self) -> bool:
        """Whether a code symbol takes finitely many values."""
        return self.n_levels is not None

    @property
    def bits(self) -> float:
        """Bits per code symbol; infinite if it is not quantised.

        Examples:
            >>> resolve_activation("ternary").bits
            1.584962500721156
        """
        return float("inf") if self.n_levels is None else math.log2(self.n_levels)


def resolve_activation(activation: object) -> Activation:
    """Look up, measure or hand through an activation.

    Args:
        activation: A name, perhaps with a parameter (``"sign"``, ``"tanh"``,
            ``"tanh:2"``, ``"lloyd-max:3"``; all are in
            :data:`isthmus.core.named_activations.FAMILIES`), an :class:`Activation`, or
            a vectorised odd function, whose constants and kernel are then computed.

    Returns:
        The activation with its constants, to 1e-12.

    Raises:
        ValueOutOfRange: If the name is not known, its parameter is out of range, or the
            function is not odd or is orthogonal to the identity (c1 = 0).

    Examples:
        >>> round(resolve_activation("sign").alpha, 6)
        0.570796
        >>> round(resolve_activation(np.tanh).alpha, 4)
        0.0747

    References:
        [shevchenko:23]
    """
    from isthmus.core.named_activations import NAMES, named

    if isinstance(activation, Activation):
        return activation
    if callable(activation):
        return _measured(activation)
    if activation in _EVEN_PART:
        raise ValueOutOfRange(
            f"`activation` must be odd; got {activation!r}, which has an even part. A "
            "linear decoder gains from the odd part only, and relu(u) - relu(-u) = u is "
            f"linear. Use one of {', '.join(NAMES)}, or an odd function."
        )
    found = named(activation) if isinstance(activation, str) else None
    if found is None:
        raise ValueOutOfRange(
            f"`activation` must be one of {', '.join(NAMES)} or an odd function; "
            f"got {activation!r}."
        )
    return found


def check_usable(name: str, c1: float, f1: float) -> None:
    """Refuse an activation through which a linear decoder sees nothing."""
    if not (math.isfinite(c1) and math.isfinite(f1)):
        raise ValueOutOfRange(
            f"`activation={name}` must be finite between -12 and 12, where a Gaussian "
            "falls, and small enough to square there; it is not. Clip it."
        )
    if not abs(c1) > 1e-9 * math.sqrt(max(f1, 1e-100)):
        raise ValueOutOfRange(
            f"`activation={name}` must have E[Z s(Z)] != 0, and not negligible beside the "
            f"root of E[s(Z)^2]; got {c1:.2g} and {math.sqrt(max(f1, 0.0)):.2g}. A linear "
            "decoder sees nothing through such an activation."
        )


def _measured(function: Callable[[np.ndarray], np.ndarray]) -> Activation:
    name = getattr(function, "__name__", None) or " ".join(repr(function).split())[:60]
    with np.errstate(all="ignore"):  # overflow and NaN are told by the checks
        function = _entrywise(function, name)
        _, kinks = smooth_pieces(function)
        places = [*kinks.tolist(), 0.0]
        c1 = gaussian_mean(lambda z: z * function(z), kinks=places)
        f1 = gaussian_mean(lambda z: function(z) ** 2, kinks=places)
    check_usable(name, c1, f1)
    kernel = measured_kernel(function, f1, kinks=kinks.tolist())
    return Activation(
        name, function, c1, f1, kernel, kernel.derivative, kinks=tuple(kinks.tolist())
    )


def _entrywise(function: Callable[[np.ndarray], object], name: str) -> Entrywise:
    """The function itself if it maps float64 to float64, else one that converts."""
    grid = np.linspace(0.013, 6.0, 499)
    try:
        given = function(grid.copy()), function(-grid)
        up, down = (np.asarray(values) for values in given)
    except Exception as error:
        reason = " ".join(str(error).split())[:80]
        raise ValueOutOfRange(
            f"`activation={name}` must map an array entry by entry; on one of shape "
            f"{grid.shape} it raised {type(error).__name__}: {reason}. "
            "For a function of one number pass numpy.vectorize(function, otypes=[float])."
        ) from error
    real = up.dtype.kind in "fiub" and down.dtype.kind in "fiub"
    if not real or up.shape != grid.shape or not np.all(np.isfinite(up)):
        raise ValueOutOfRange(
            f"`activation={name}` must map an array to a finite array of real numbers of "
            f"its shape {grid.shape}; got {up.dtype} of shape {up.shape}."
        )
    rough = up.dtype.kind == "f" and up.dtype.itemsize < 8
    if rough and np.unique(up).size > grid.size // 4:
        raise ValueOutOfRange(
            f"`activation={name}` must give float64 for float64; got {up.dtype}, whose "
            "rounding cannot be told from jumps. Compute in the type of the argument."
        )
    up, down = up.astype(np.float64), down.astype(np.float64)
    if not np.abs(up + down).max() <= 1e-9 * max(1e-290, float(np.abs(up).max())):
        raise ValueOutOfRange(
            f"`activation={name}` must be odd, s(-u) = -s(u). "
            "Use its odd part (s(u) - s(-u)) / 2: the theory covers that alone."
        )
    if isinstance(given[0], np.ndarray) and given[0].dtype == np.float64:
        return function  # type: ignore[return-value]
    return lambda u: np.asarray(function(u)).astype(np.asarray(u).dtype)
