"""How far the boundary of each row's region is, and where it is left along a line."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor

from isthmus.geometry.pieces import Kinked, MaxPool
from isthmus.geometry.rows import Rows, Task, task
from isthmus.geometry.slopes import State, pull, states_of
from isthmus.geometry.steepness import entrance, steepness
from isthmus.geometry.switching import code_sizes, switching


@dataclasses.dataclass(frozen=True, eq=False)
class BoundaryDistance:
    """Distances of some rows from the boundaries of their regions.

    Attributes:
        distance: "sample", in input units; infinite where the region has no boundary.
        unit: "sample", the entry of :func:`~isthmus.geometry.region_code` that changes
            there (for a max-pool: that of the candidate that takes over); -1 for none.
        foot: Nearest point of the boundary, in the shape of the rows; NaN for none.
    """

    distance: Any
    unit: Any
    foot: Any


def boundary_distance(network: object, x: Rows) -> BoundaryDistance:
    r"""Exact distance of each row from the boundary of its region, in closed form.

    .. math:: r(x) = \min_j \frac{|s_j(x)|}{\|\nabla s_j(x)\|}

    over all switching functions, which are affine inside the region; those of gradient 0
    are skipped. The ball of this radius is the largest around x that the region holds.

    Args:
        network: As :func:`~isthmus.geometry.as_layers` takes it.
        x: Rows, "sample ...", finite; an array or a tensor. A row on a boundary has
            distance 0; move it by a little if the region beside it is meant.

    Returns:
        Distances, entries of the code and nearest points, of the kind of `x`, in float64,
        exact to rounding.

    Raises:
        ValueOutOfRange: If the network is no chain of piecewise-affine layers, or `x` has
            not the shape that it takes.
        DataError: If `x` is empty or not finite.

    Examples:
        >>> net = torch.nn.Sequential(torch.nn.Hardtanh())
        >>> found = boundary_distance(net, torch.tensor([[0.25, 3.0]]))
        >>> found.distance.item(), found.unit.item(), found.foot.tolist()
        (0.75, 1, [[1.0, 3.0]])

    References:
        [balestriero:19], [cosentino:22]
    """
    given = task(network, x, call="boundary_distance")
    n = len(given.x)
    distance = given.x.new_full((n,), torch.inf)
    unit = torch.full((n,), -1, device=given.x.device)
    foot = torch.full_like(given.x, torch.nan)
    start, basis = entrance(given)
    for rows in given.chunks(_bytes(given)):
        part = given.x[rows]
        states, inputs = _inputs(given, part)
        _, unit[rows] = nearest(given, part, basis, start=start)
        for level, who, entry in _by_level(given, unit[rows]):
            s, slope = _function(given, states, inputs, who, level, entry)
            squared = slope.square().flatten(1).sum(dim=1)
            step = (s / squared).reshape(-1, *[1] * (part.ndim - 1)) * slope
            distance[rows.start + who] = s.abs() / squared.sqrt()
            foot[rows.start + who] = part[who] - step
    return BoundaryDistance(given.back(distance), given.back(unit), given.back(foot))


def nearest(
    given: Task,
    x: Float[Tensor, "sample ..."],
    basis: Float[Tensor, "rows column ..."],
    *,
    start: int = 0,
) -> tuple[Float[Tensor, " sample"], Tensor]:
    """Distance to the boundary within the span of orthonormal directions, and who ends it.

    Args:
        given: The chain.
        x: Some of its rows.
        basis: Directions, the same for all rows (rows = 1) or of each.
        start: Layer that these enter, if no switching function lies before it.

    Returns:
        Distances, infinite for none, and entries of the code, -1 for none.
    """
    distance = x.new_full((len(x),), torch.inf)
    unit = torch.full((len(x),), -1, device=x.device)
    before = 0
    for s, slopes in steepness(given, x, basis, start=start):
        found = torch.where(slopes > 0, s.abs() / slopes, torch.inf)
        least, where = found.min(dim=1)
        better = least < distance
        distance = torch.where(better, least, distance)
        unit = torch.where(better, where + before, unit)
        before += s.shape[1]
    return distance, unit


def _inputs(given: Task, x: Tensor) -> tuple[list[State], list[Tensor]]:
    states, _ = states_of(given.layers, x)
    inputs = []
    for layer in given.layers:
        inputs.append(x)
        x = layer(x)
    return states, inputs


def _by_level(given: Task, unit: Tensor) -> Iterator[tuple[int, Tensor, Tensor]]:
    """Layers, rows whose entry is one of theirs, and its number in the layer."""
    start = 0
    for level, size in enumerate(code_sizes(given)):
        who = torch.nonzero((unit >= start) & (unit < start + size))[:, 0]
        if len(who):
            yield level, who, unit[who] - start
        start += size


def _function(
    given: Task,
    states: list[State],
    inputs: list[Tensor],
    who: Tensor,
    level: int,
    entry: Tensor,
) -> tuple[Tensor, Tensor]:
    """Value and gradient at some rows of one switching function each."""
    layer, u = given.layers[level], inputs[level][who]
    values = switching(layer, u)
    assert values is not None
    at = torch.arange(len(u), device=u.device)
    r = torch.zeros_like(u).flatten(1)
    if isinstance(layer, Kinked):
        r[at, entry // len(layer.thresholds)] = 1.0
    elif isinstance(layer, MaxPool):
        windows = layer.windows(tuple(u.shape[1:])).to(u.device)
        window, candidate = entry // windows.shape[1], entry % windows.shape[1]
        r[at, windows[window, layer.winner(u)[at, window]]] += 1.0
        r[at, windows[window, candidate]] -= 1.0
    r = r.reshape(len(u), 1, *u.shape[1:])
    for below in reversed(range(level)):
        state = states[below]
        rows = None if state is None else state[who]
        r = pull(given.layers[below], rows, r, given.shapes[below])
    return values[at, entry], r[:, 0]


def _bytes(given: Task) -> int:
    return 8 * 4 * max(*given.sizes, *code_sizes(given), 1) * min(given.sizes[0], 64)
