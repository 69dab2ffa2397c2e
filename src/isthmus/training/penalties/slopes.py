"""Slopes at live weights: columns pushed forward, rows pulled back, with gradients."""

from __future__ import annotations

import math
import warnings

import torch
from jaxtyping import Float
from torch import Tensor, nn

from isthmus.core.errors import ValueOutOfRange
from isthmus.training.penalties.chains import CONVOLUTIONS, DENSE, SHAPES, Along

Columns = Float[Tensor, "_rows column ..."]


def pushed(layer: nn.Module, slope: Tensor | None, v: Columns) -> Columns:
    """Directions at a layer's input to directions at its output.

    Args:
        layer: One layer of a chain.
        slope: Of an activation at the rows; None for a linear layer.
        v: One set of directions per row, or a single one for all rows (rows = 1).
    """
    if slope is not None:
        return v * slope[:, None]
    if isinstance(layer, DENSE):
        return v @ layer.weight.T
    found = linear_part(layer, v.flatten(0, 1))
    return found.reshape(*v.shape[:2], *found.shape[1:])


def pulled(layer: nn.Module, slope: Tensor | None, r: Columns, shape: tuple) -> Columns:
    """Functionals of a layer's output to functionals of its input; transposed `pushed`.

    Args:
        layer: One layer of a chain.
        slope: Of an activation at the rows; None for a linear layer.
        r: One set of functionals per row, or a single one for all rows (rows = 1).
        shape: Of one sample of the layer's input.
    """
    if slope is not None:
        return r * slope[:, None]
    if isinstance(layer, DENSE):
        return r @ layer.weight
    if isinstance(layer, SHAPES):
        return r.reshape(*r.shape[:2], *shape)
    rows = r.flatten(0, 1)
    with torch.enable_grad():
        zero = r.new_zeros(len(rows), *shape).requires_grad_()
        made = linear_part(layer, zero)
        (found,) = torch.autograd.grad(made, zero, rows, create_graph=True)
    return found.reshape(*r.shape[:2], *shape)


def push(around: Along, v: Columns, *, stop: int | None = None) -> Columns:
    """Directions at the input through the chain, up to layer `stop`."""
    for layer, slope in list(zip(around.layers, around.slopes, strict=True))[:stop]:
        v = pushed(layer, slope, v)
    return v


def pull(around: Along, r: Columns, *, start: int = 0) -> Columns:
    """Functionals of the output back through the chain, down to layer `start`."""
    for at in reversed(range(start, len(around.layers))):
        r = pulled(around.layers[at], around.slopes[at], r, around.shapes[at])
    return r


def slopes_by_func(
    part: nn.Module, x: Float[Tensor, "sample input"]
) -> Float[Tensor, "sample input output"]:
    """Transposed Jacobians of any module that treats every row alone.

    Args:
        part: Encoder or decoder.
        x: Rows, without gradients of their own.

    Raises:
        ValueOutOfRange: If torch cannot differentiate through a layer of it.

    Examples:
        >>> part = nn.Sequential(nn.Linear(2, 3), nn.LayerNorm(3))
        >>> slopes_by_func(part, torch.ones(4, 2)).shape
        torch.Size([4, 2, 3])
    """
    eye = torch.eye(x.shape[1], dtype=x.dtype, device=x.device)

    def column(e: Tensor) -> Tensor:
        found: Tensor = torch.func.jvp(part, (x,), (e.expand_as(x),))[1]
        return found.flatten(1)

    try:
        with warnings.catch_warnings():  # torch's own, where it loads this mode
            warnings.simplefilter("ignore", DeprecationWarning)
            found: Tensor = torch.func.vmap(column, out_dims=1, randomness="same")(eye)
    except (RuntimeError, NotImplementedError) as error:
        raise _refused(part, error) from error
    return found


def pull_by_grad(
    part: nn.Module,
    x: Float[Tensor, "sample input"],
    r: Float[Tensor, "sample probe code"],
) -> Float[Tensor, "sample probe input"]:
    """Functionals of any module's output as functionals of its input.

    Raises:
        ValueOutOfRange: If torch cannot differentiate through a layer of it twice.
    """
    with torch.enable_grad():
        at = x.detach().requires_grad_()
        try:
            codes = part(at)
            found = [
                torch.autograd.grad(codes, at, r[:, k], create_graph=True)[0]
                for k in range(r.shape[1])
            ]
        except (RuntimeError, NotImplementedError) as error:
            raise _refused(part, error) from error
    return torch.stack(found, dim=1)


def unit_columns(shape: tuple[int, ...], like: Tensor) -> Columns:
    """All unit directions of samples of a shape, the same for all rows."""
    size = math.prod(shape)
    eye = torch.eye(size, dtype=like.dtype, device=like.device)
    return eye.reshape(1, size, *shape)


def linear_part(layer: nn.Module, v: Tensor) -> Tensor:
    """A convolution without its bias, or a change of shape."""
    bias = getattr(layer, "bias", None)
    if isinstance(layer, CONVOLUTIONS) and isinstance(bias, Tensor):
        none = {"bias": torch.zeros_like(bias)}
        return torch.func.functional_call(layer, none, (v,))  # type: ignore[no-any-return]
    return layer(v)  # type: ignore[no-any-return]


def _refused(part: nn.Module, error: Exception) -> ValueOutOfRange:
    names = sorted({type(layer).__name__ for layer in part.modules()} - {"Sequential"})
    return ValueOutOfRange(
        f"`penalty(network=...)` must be built of layers that torch can differentiate; "
        f"among {', '.join(names)} one cannot be: {' '.join(str(error).split())[:200]}."
    )
