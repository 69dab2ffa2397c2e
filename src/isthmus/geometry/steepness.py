"""How steep every switching function is within a space of directions."""

from __future__ import annotations

from collections.abc import Iterator

import torch
from jaxtyping import Float
from torch import Tensor, nn

from isthmus.geometry.pieces import Kinked, MaxPool
from isthmus.geometry.rows import BUDGET, Task
from isthmus.geometry.slopes import State, identity, push, states_of
from isthmus.geometry.switching import switching

_FLAT = 1e-12  # of the steepest of a layer: no gradient at all


def entrance(given: Task) -> tuple[int, Float[Tensor, "1 column ..."]]:
    """All directions of the input, behind the first layer where that is a plain matrix.

    What is there is the same for all rows, and as few directions as the layer has units.

    Args:
        given: The chain.

    Returns:
        The layer that the directions enter, and the directions.
    """
    first = given.layers[0] if given.layers else None
    if not isinstance(first, nn.Linear) or len(given.shapes[0]) != 1:
        return 0, identity(given.shapes[0], given.x)
    return 1, _factor(first.weight.detach().T[None])


def steepness(
    given: Task,
    x: Float[Tensor, "sample ..."],
    basis: Float[Tensor, "rows column ..."],
    *,
    start: int = 0,
) -> Iterator[tuple[Float[Tensor, "sample unit"], Float[Tensor, "sample unit"]]]:
    """Switching functions of every layer that has some, and the norms of their gradients.

    Directions are pushed forward, some at a time. Where there are more of them than units,
    they are replaced by a triangular factor of as many as there are units: all norms
    behind it stay what they are.

    Args:
        given: The chain.
        x: Some of its rows.
        basis: Orthonormal directions in which gradients are measured, or what became of
            them.
        start: Layer that these enter, if no switching function lies before it.

    Yields:
        Values, and norms of the gradients in the span of the basis; 0 where the gradient
        is at most 1e-12 of the layer's largest.
    """
    states, _ = states_of(given.layers, x)
    values = _values(given, x)
    end = 1 + max((i for i, s in enumerate(values) if s is not None), default=-1)
    while start < end:
        stop = min(_narrower(given, start, basis.shape[1]), end)
        norms, basis = _section(given, states, values, basis, slice(start, stop), len(x))
        for level in range(start, stop):
            s = values[level]
            if s is not None:
                norm = norms[level].sqrt().expand(s.shape)
                limit = _FLAT * norm.amax(dim=1, keepdim=True) if s.shape[1] else 0.0
                yield s, torch.where((norm > limit) & torch.isfinite(s), norm, 0.0)
        start = stop


def _values(given: Task, x: Tensor) -> list[Tensor | None]:
    values = []
    for layer in given.layers:
        values.append(switching(layer, x))
        x = layer(x)
    return values


def _narrower(given: Task, start: int, n_columns: int) -> int:
    """First place after `start` with fewer units than there are directions."""
    for at in range(start + 1, len(given.layers)):
        if given.sizes[at] < n_columns:
            return at
    return len(given.layers)


def _section(
    given: Task,
    states: list[State],
    values: list[Tensor | None],
    basis: Tensor,
    levels: slice,
    n_rows: int,
) -> tuple[dict[int, Tensor], Tensor]:
    """Squared norms of gradients in some layers, and the directions behind them."""
    widest = max(given.sizes[levels.start : levels.stop + 1])
    widest = max(widest, *(0 if v is None else v.shape[1] for v in values[levels]), 1)
    step = max(1, BUDGET // (8 * 4 * widest * n_rows))
    norms: dict[int, Tensor] = {}
    pushed = []
    for first in range(0, basis.shape[1], step):
        v = basis[:, first : first + step]
        for level in range(levels.start, levels.stop):
            layer, state = given.layers[level], states[level]
            if values[level] is not None:
                squared = rates(layer, state, v).square().sum(dim=1)
                norms[level] = norms[level] + squared if level in norms else squared
            v = push(layer, state, v)
        if levels.stop < len(given.layers):
            pushed.append(v)
    return norms, _factor(torch.cat(pushed, dim=1)) if pushed else basis


def _factor(v: Float[Tensor, "rows column ..."]) -> Float[Tensor, "rows fewer ..."]:
    """Fewer directions whose sum of squares under any linear map is the same."""
    flat = v.flatten(2)
    if flat.shape[1] <= flat.shape[2]:
        return v
    triangle: Tensor = torch.linalg.qr(flat, mode="r").R
    return triangle.reshape(len(v), -1, *v.shape[2:])


def rates(
    layer: nn.Module, state: State, v: Float[Tensor, "rows column ..."]
) -> Float[Tensor, "rows2 column unit"]:
    """How fast the switching functions of a layer change along directions at its input."""
    if isinstance(layer, Kinked):
        return v.flatten(2).repeat_interleave(len(layer.thresholds), dim=2)
    assert isinstance(layer, MaxPool)
    assert state is not None
    windows = layer.windows(tuple(v.shape[2:])).to(v.device)
    flat = v.flatten(2).expand(len(state), -1, -1)
    winners = flat.gather(2, state[:, None].expand(-1, v.shape[1], -1))
    found = winners[..., None] - flat[:, :, windows.clamp_min(0)]
    return found.flatten(2)
