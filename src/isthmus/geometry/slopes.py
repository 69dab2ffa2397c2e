"""Slopes of a chain at fixed region: columns pushed forward, rows pulled back."""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from jaxtyping import Float
from torch import Tensor, nn

from isthmus.geometry.layers import Layers
from isthmus.geometry.pieces import Affine, Kinked, MaxPool, Reshape

State = Tensor | None
"""Slopes of a kinked layer, flat places of a max-pool's winners; None where linear."""

_SHAPED = (nn.Flatten, nn.Unflatten, Reshape)


def state_of(layer: nn.Module, u: Float[Tensor, "sample ..."]) -> State:
    """What the region of rows `u` says about a layer."""
    if isinstance(layer, Kinked):
        return layer.slope(u)
    if isinstance(layer, MaxPool):
        windows = layer.windows(tuple(u.shape[1:])).to(u.device)
        return windows.expand(len(u), -1, -1).gather(2, layer.winner(u)[..., None])[..., 0]
    return None


def states_of(
    layers: Layers, x: Float[Tensor, "sample ..."]
) -> tuple[list[State], Float[Tensor, "sample ..."]]:
    """States of all layers at rows `x`, and the chain's output."""
    states = []
    for layer in layers:
        states.append(state_of(layer, x))
        x = layer(x)
    return states, x


def push(
    layer: nn.Module, state: State, v: Float[Tensor, "rows column ..."]
) -> Float[Tensor, "rows2 column ..."]:
    """Directions at a layer's input to directions at its output.

    Args:
        layer: One layer.
        state: Of the rows.
        v: One set of directions per row, or a single one for all rows (rows = 1).
    """
    if isinstance(layer, Kinked):
        assert state is not None
        return v * state[:, None]
    if isinstance(layer, MaxPool):
        assert state is not None
        flat = v.flatten(2).expand(len(state), -1, -1)
        taken = flat.gather(2, state[:, None].expand(-1, v.shape[1], -1))
        return taken.reshape(*taken.shape[:2], *layer.out_shape(tuple(v.shape[2:])))
    found = _linear_part(layer, v.flatten(0, 1))
    return found.reshape(*v.shape[:2], *found.shape[1:])


def pull(
    layer: nn.Module,
    state: State,
    r: Float[Tensor, "rows functional ..."],
    shape: Sequence[int],
) -> Float[Tensor, "rows2 functional ..."]:
    """Functionals of a layer's output to functionals of its input; transposed `push`.

    Args:
        layer: One layer.
        state: Of the rows.
        r: One set of functionals per row, or a single one for all rows (rows = 1).
        shape: Of one sample of the layer's input.
    """
    if isinstance(layer, Kinked):
        assert state is not None
        return r * state[:, None]
    if isinstance(layer, MaxPool):
        assert state is not None
        flat = r.flatten(2).expand(len(state), -1, -1)
        empty = r.new_zeros(*flat.shape[:2], math.prod(shape))
        at = state[:, None].expand(-1, r.shape[1], -1)
        return empty.scatter_add(2, at, flat).reshape(*flat.shape[:2], *shape)
    if isinstance(layer, nn.Linear):
        return r @ layer.weight
    if isinstance(layer, _SHAPED):
        return r.reshape(*r.shape[:2], *shape)
    rows = r.flatten(0, 1)
    if isinstance(layer, Affine):
        return layer.scaled(rows).reshape(r.shape)
    with torch.enable_grad():
        zero = r.new_zeros(len(rows), *shape).requires_grad_()
        (found,) = torch.autograd.grad(_linear_part(layer, zero), zero, rows)
    return found.reshape(*r.shape[:2], *shape)


def identity(shape: Sequence[int], like: Tensor) -> Float[Tensor, "1 column ..."]:
    """All unit directions of samples of a shape, the same for all rows."""
    n = math.prod(shape)
    eye = torch.eye(n, dtype=like.dtype, device=like.device)
    return eye.reshape(1, n, *shape)


def _linear_part(layer: nn.Module, v: Tensor) -> Tensor:
    """The layer without its offset."""
    if isinstance(layer, Affine):
        return layer.scaled(v)
    bias = getattr(layer, "bias", None)
    if isinstance(bias, Tensor):
        none = {"bias": torch.zeros_like(bias)}
        return torch.func.functional_call(layer, none, (v,))  # type: ignore[no-any-return]
    return layer(v)  # type: ignore[no-any-return]
