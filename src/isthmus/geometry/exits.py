"""Where a straight line leaves the region it starts in, and what lies beyond."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from isthmus.core.door import real_array
from isthmus.core.errors import DataError, ValueOutOfRange
from isthmus.geometry.pieces import Kinked
from isthmus.geometry.rows import Rows, Task, task
from isthmus.geometry.slopes import push, state_of
from isthmus.geometry.steepness import rates
from isthmus.geometry.switching import code_sizes, switching

_CALL = "exit_time"
_FLAT = 1e-12  # of the fastest function of a layer: it stands still
_SAME = 1e-11  # crossings nearer than this, relative to the numbers behind them, are one
_HALVINGS = 60


@dataclasses.dataclass(frozen=True, eq=False)
class ExitTime:
    """Where lines x + t u leave the regions they start in.

    Attributes:
        time: "sample", t of the first crossing, in units of the direction's length;
            infinite where the region goes on for ever.
        unit: "sample", the entry of :func:`~isthmus.geometry.region_code` that changes
            there (for a max-pool: that of the candidate that takes over); -1 for none.
        next_time: "sample", t of the second crossing; infinite for none.
        neighbour: Point on the line inside the next region, in the shape of the rows: the
            middle of its piece, where that ends. NaN where there is no crossing.
    """

    time: Any
    unit: Any
    next_time: Any
    neighbour: Any


def exit_time(network: object, x: Rows, direction: Rows) -> ExitTime:
    r"""First crossing of a region's boundary along a direction, and the region behind it.

    .. math:: t = \min_j \{-s_j(x) / \dot s_j : t \ge 0\}, \qquad \dot s = \nabla s \cdot u

    with all derivatives from one forward pass of values and tangents. Any t between
    `time` and `next_time` lies in the same neighbouring region.

    Args:
        network: As :func:`~isthmus.geometry.as_layers` takes it.
        x: Rows, "sample ...", finite; an array or a tensor.
        direction: u, one in the shape of a row, or "sample ..."; finite and not zero.

    Returns:
        Crossings and points beyond, of the kind of `x`, in float64. A row on a boundary
        that the line crosses there has time 0.

    Raises:
        ValueOutOfRange: If the network is no chain of piecewise-affine layers, or `x` or
            `direction` have not the shape that it takes; if a direction is zero.
        DataError: If `x` or `direction` is empty or not finite.

    Examples:
        >>> net = torch.nn.Sequential(torch.nn.Hardtanh())
        >>> found = exit_time(net, np.array([[-2.0], [0.5]]), np.array([2.0]))
        >>> found.time.tolist(), found.unit.tolist(), found.next_time.tolist()
        ([0.5, 0.25], [0, 1], [1.5, inf])
        >>> found.neighbour[0].tolist()
        [0.0]

    References:
        [cosentino:22]
    """
    given = task(network, x, call=_CALL)
    u = _direction(given, direction)
    n = len(given.x)
    time = given.x.new_full((n,), torch.inf)
    following = time.clone()
    unit = torch.full((n,), -1, device=given.x.device)
    neighbour = torch.full_like(given.x, torch.nan)
    widest = max(*given.sizes, *code_sizes(given), 1)
    for rows in given.chunks(8 * 8 * widest):
        part, along = given.x[rows], u[rows]
        time[rows], unit[rows], guess = _crossings(given, part, along)
        there = torch.nonzero(torch.isfinite(time[rows]))[:, 0]
        if len(there):
            place, after = _beyond(
                given, part[there], along[there], time[rows][there], guess[there]
            )
            following[rows.start + there] = after
            neighbour[rows.start + there] = _at(part[there], place, along[there])
    return ExitTime(*(given.back(v) for v in (time, unit, following, neighbour)))


def _direction(given: Task, direction: object) -> Float[Tensor, "sample ..."]:
    name = f"{_CALL}(direction=...)"
    value: Any = direction
    if not isinstance(direction, Tensor):
        value = np.asarray(real_array(name, direction))
    u = torch.as_tensor(value).detach().to(given.x)
    if u.shape not in (given.x.shape, given.x.shape[1:]):
        raise ValueOutOfRange(
            f"`{name}` must have the shape of x, {tuple(given.x.shape)}, or of one row; "
            f"got {tuple(u.shape)}. Reshape it."
        )
    u = u.expand(given.x.shape)
    if not bool(torch.isfinite(u).all()):
        raise DataError(f"`{name}` must be finite; got NaN or infinity. Draw another.")
    zero = torch.nonzero((u == 0).flatten(1).all(dim=1))
    if len(zero):
        raise ValueOutOfRange(
            f"`{name}` must not be zero; got zeros for row {int(zero[0, 0])}. Draw another."
        )
    return u


def _crossings(given: Task, x: Tensor, u: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """First crossings, their entries, and where the second would be in this region."""
    times = [x.new_full((len(x), 1), torch.inf)]
    v = u[:, None]
    for layer in given.layers:
        s, state = switching(layer, x), state_of(layer, x)
        if s is not None:
            rate = rates(layer, state, v)[:, 0]
            times.append(_times(s, rate, s > 0 if isinstance(layer, Kinked) else s >= 0))
        v = push(layer, state, v)
        x = layer(x)
    t = torch.cat(times, dim=1)
    first, entry = t.min(dim=1)
    later = t.masked_fill(t <= (1 + _SAME) * first[:, None], torch.inf)
    unit = torch.where(torch.isfinite(first), entry - 1, -1)
    return first, unit, later.min(dim=1).values


def _times(s: Tensor, rate: Tensor, above: Tensor) -> Tensor:
    if s.shape[1] == 0:
        return s
    still = rate.abs() <= _FLAT * rate.abs().amax(dim=1, keepdim=True)
    towards = torch.where(above, rate < 0, rate > 0) & ~still & torch.isfinite(s)
    return torch.where(towards, -s / torch.where(towards, rate, 1.0), torch.inf).abs()


def _beyond(
    given: Task, x: Tensor, u: Tensor, first: Tensor, guess: Tensor
) -> tuple[Tensor, Tensor]:
    """Point in the region behind the first crossing, and where that region ends.

    Other functions bend at the crossing, so that the second crossing foreseen before it is
    only a guess. A point behind it looks back: a crossing that it sees nearer than the
    first halves the way.
    """
    length = u.flatten(1).norm(dim=1)
    scale = first + x.flatten(1).norm(dim=1) / length
    scale = torch.where(scale > 0, scale, 1.0 / length)
    place = torch.where(torch.isfinite(guess), 0.5 * (first + guess), first + scale)
    place = torch.where(place > first, place, first + 1e-6 * scale)
    for _ in range(_HALVINGS):
        back, _, _ = _crossings(given, _at(x, place, u), -u)
        nearest = place - back
        open_ = nearest > first + _SAME * scale
        if not bool(open_.any()):
            break
        place = torch.where(open_, 0.5 * (first + nearest), place)
    ahead, _, _ = _crossings(given, _at(x, place, u), u)
    end = place + ahead
    return torch.where(torch.isfinite(end), 0.5 * (first + end), place), end


def _at(x: Tensor, t: Tensor, u: Tensor) -> Tensor:
    return x + t.reshape(-1, *[1] * (x.ndim - 1)) * u
