"""Activations of the code layer on tensors, quantised ones with a surrogate gradient."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable
from typing import Any, cast

import numpy as np
import torch
from torch import Tensor

from isthmus.core.activations import Activation, resolve_activation
from isthmus.core.errors import ValueOutOfRange

_STEP = 1e-5
_GRID = np.linspace(-8.0, 8.0, 2**15)


@dataclasses.dataclass(frozen=True)
class CodeLayer:
    """An activation on tensors and the derivative that gradients see.

    Attributes:
        activation: What it computes, with its constants.
        temperature: Of the surrogate tanh(u / temperature); unused for smooth ones.
        thresholds: Where a quantised activation jumps, ascending; None if it is smooth.
        levels: Its values between them, one more than there are thresholds.
    """

    activation: Activation
    temperature: float
    thresholds: tuple[float, ...] | None
    levels: tuple[float, ...] = ()

    def forward(self, u: Tensor) -> Tensor:
        """s(u) in the type and on the device of `u`; the sign of zero is +1."""
        if self.thresholds is None:
            return _through_numpy(self.activation.function, u)
        y = torch.full_like(u, self.levels[0])
        for threshold, level in zip(self.thresholds, self.levels[1:], strict=True):
            y.masked_fill_(u >= threshold, level)
        return y

    def slope(self, u: Tensor) -> Tensor:
        """Derivative of the surrogate, or of s itself to 1e-9 where s is smooth."""
        if self.thresholds is None:
            return _through_numpy(self._difference, u)
        # The derivative of tanh(v) is 4 p (1 - p) at p = sigmoid(2 v), a third the time.
        p = torch.sigmoid(u * (2.0 / self.temperature))
        return p.mul_(1.0 - p).mul_(4.0 / self.temperature)

    def _difference(self, u: np.ndarray) -> np.ndarray:
        wide, s = u.astype(np.float64), self.activation.function
        return np.asarray((s(wide + _STEP) - s(wide - _STEP)) / (2.0 * _STEP))


def code_layer(activation: object = "sign", *, temperature: float = 1.0) -> CodeLayer:
    """Prepare an activation for tensors.

    A function that is constant between jumps gets the surrogate gradient. Its jumps are
    found in [-8, 8] by bisection, so that any quantiser works, whatever its name.

    Args:
        activation: Name, odd NumPy function or :class:`~isthmus.core.Activation`.
        temperature: Width of the surrogate, in units of the pre-activation; positive.

    Returns:
        The layer. Smooth activations are computed by NumPy, through the CPU.

    Raises:
        ValueOutOfRange: If the activation is not odd or the temperature not positive.

    Examples:
        >>> code_layer("sign").levels
        (-1.0, 1.0)
        >>> code_layer(np.tanh).thresholds is None
        True
    """
    if not (math.isfinite(temperature) and temperature > 0):
        raise ValueOutOfRange(
            "`code_layer(temperature=...)` must be positive and finite; got "
            f"{temperature}. 1 is a good choice for pre-activations of unit variance."
        )
    act = resolve_activation(activation)
    if act.name == "sign":
        return CodeLayer(act, float(temperature), (0.0,), (-1.0, 1.0))
    thresholds, levels = _jumps(act.function)
    return CodeLayer(act, float(temperature), thresholds, levels)


def straight_through(
    u: Tensor, activation: object = "sign", *, temperature: float = 1.0
) -> Tensor:
    r"""Activation whose gradient is that of a smooth surrogate where it has none.

    .. math:: y = s(u), \qquad \frac{\partial y}{\partial u} :=
        \frac{d}{du} \tanh(u / \tau) = (1 - \tanh^2(u / \tau)) / \tau

    Sign and quantisers use the surrogate; a smooth activation keeps its own derivative.

    Args:
        u: Pre-activations, any shape; of unit variance if the temperature is to mean
            what it says.
        activation: Name, odd NumPy function, :class:`~isthmus.core.Activation`, or the
            layer that :func:`code_layer` made of one.
        temperature: Surrogate width tau, positive. 1 reaches the limits with the least
            noise; 0.1 is a usual, noisier choice.

    Returns:
        s(u), exact; shape, type and device of `u`.

    Raises:
        ValueOutOfRange: If the activation is not odd or the temperature not positive.

    Examples:
        >>> u = torch.tensor([-2.0, 0.0, 3.0], requires_grad=True)
        >>> y = straight_through(u)
        >>> y.tolist()
        [-1.0, 1.0, 1.0]
        >>> y.sum().backward()
        >>> [round(g, 4) for g in u.grad.tolist()]
        [0.0707, 1.0, 0.0099]

    References:
        [shevchenko:23], [bengio:13]
    """
    layer = activation
    if not isinstance(layer, CodeLayer):
        layer = code_layer(activation, temperature=temperature)
    return cast(Tensor, _StraightThrough.apply(u, layer))  # type: ignore[no-untyped-call]


class _StraightThrough(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, u: Tensor, layer: CodeLayer) -> Tensor:
        ctx.save_for_backward(u)
        ctx.layer = layer
        return layer.forward(u)

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> tuple[Tensor, None]:
        (u,) = ctx.saved_tensors
        return grads[0] * ctx.layer.slope(u), None


def _through_numpy(function: Callable[[np.ndarray], np.ndarray], u: Tensor) -> Tensor:
    value = np.asarray(function(u.detach().cpu().numpy()))
    # A copy: the identity hands back the memory of its argument.
    return torch.tensor(value, dtype=u.dtype, device=u.device)


def _jumps(
    function: Callable[[np.ndarray], np.ndarray],
) -> tuple[tuple[float, ...] | None, tuple[float, ...]]:
    """Thresholds and levels of a function constant between jumps, else (None, ())."""
    value = np.asarray(function(_GRID))
    change = np.flatnonzero(value[1:] != value[:-1])
    if not 0 < change.size < _GRID.size // 16:
        return None, ()
    low, high = _GRID[change].copy(), _GRID[change + 1].copy()
    below, above = value[change], value[change + 1]
    for _ in range(60):
        middle = 0.5 * (low + high)
        at = np.asarray(function(middle))
        if not np.all((at == below) | (at == above)):
            return None, ()
        low, high = np.where(at == below, middle, low), np.where(at == below, high, middle)
    # Between two neighbouring numbers, one of which may be the jump's exact place.
    place = np.where(np.abs(high) < 1e-15, 0.0, high)
    return tuple(place.tolist()), (float(below[0]), *above.tolist())
