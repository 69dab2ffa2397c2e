"""Cells of a plane cut where the kinked units of one layer switch.

Inside a cell the units of a layer are affine, so that each cuts it along one line. An
edge is cut at all of its crossings at once, and both of its cells take the same new
corners; then every cell is cut by one of its lines after the other, all cells side by side.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable

import numpy as np
from jaxtyping import Bool, Float, Int

from isthmus.geometry.along import Along
from isthmus.geometry.polygons import (
    Polygons,
    Rows,
    areas,
    extremes,
    joined,
    kept_where,
    sides,
    with_cuts,
)
from isthmus.geometry.refinement import refined
from isthmus.geometry.switch_table import Switches, set_bits

_ROUNDS = 8  # lines that a cell is cut by before its parts are looked at anew
SLIVER = 1e-14
"""Cells below this part of the whole area are rounding."""

_WORDS = 2**20  # bits of crossings that are looked at at once, in 64-bit words

Guard = Callable[[int], None]


def with_others(guard: Guard, others: int) -> Guard:
    """A guard for the rest of the cells."""
    return lambda count: guard(count + others)


@dataclasses.dataclass(frozen=True)
class Mesh:
    """Polygons and the points that they share, in slice coordinates."""

    polygons: Polygons
    points: Float[np.ndarray, "point 2"]

    def without_slivers(self, area: float) -> Mesh:
        """Without cells below 1e-14 of `area`, and without points of no cell."""
        size = areas(self.polygons, self.points)
        polygons = self.polygons.take(size > SLIVER * area)
        used = np.zeros(len(self.points), dtype=bool)
        used[polygons.corners] = True
        number = np.cumsum(used) - 1
        return Mesh(Polygons(polygons.offsets, number[polygons.corners]), self.points[used])


def cut_by_units(mesh: Mesh, along: Along, stage: int, guard: Guard) -> Mesh:
    """Cut every cell where a unit of layer `stage` crosses one of its thresholds."""
    pending, points, done = mesh.polygons, mesh.points, []
    tolerance = None
    while len(pending):
        used, local = np.unique(pending.corners, return_inverse=True)
        switches = Switches(along, stage, points[used])
        tolerance = switches.tolerance() if tolerance is None else tolerance
        part = Polygons(pending.offsets, local)
        busy, crossing, edges = _crossings(part, switches, tolerance)
        done.append(pending.take(~busy))
        if not busy.any():
            break
        cells = _Busy(part.take(busy), crossing, edges)
        beyond = with_others(guard, sum(map(len, done)))
        pending, finished, new = _cut(cells, points, used, switches, tolerance, beyond)
        points = np.concatenate([points, *new])
        done.append(finished)
    return Mesh(joined([part for part in done if len(part)]), points)


@dataclasses.dataclass(frozen=True)
class _Busy:
    """Cells that some unit crosses.

    Attributes:
        local: Corners as numbers of used points.
        crossing: Bits of the units that cross each cell.
        edge_words: Bits of the units that cross the edge which starts at a corner.
    """

    local: Polygons
    crossing: np.ndarray
    edge_words: np.ndarray


def _crossings(
    polygons: Polygons, switches: Switches, tolerance: Float[np.ndarray, " switch"]
) -> tuple[Bool[np.ndarray, " polygon"], np.ndarray, np.ndarray]:
    """Polygons that some unit crosses; bits of the units across each and its edges."""
    words = switches.signs(tolerance)
    found = []
    for block in polygons.blocks(max(1, _WORDS // words[0].size)):
        at = words[block.corners]
        both = np.bitwise_or.reduceat(at, block.starts, axis=0)
        crossing = both[:, 0] & both[:, 1]
        busy = np.bitwise_or.reduce(crossing, axis=1) != 0
        corner = block.spread(busy)
        at, following = at[corner], at[block.after()[corner]]
        edges = (at[:, 0] & following[:, 1]) | (at[:, 1] & following[:, 0])
        found.append((busy, crossing[busy], edges))
    busy, crossing, edges = (np.concatenate(parts) for parts in zip(*found, strict=True))
    return busy, crossing, edges


def _cut(
    cells: _Busy,
    points: Float[np.ndarray, "point 2"],
    used: Int[np.ndarray, " used"],
    switches: Switches,
    tolerance: Float[np.ndarray, " switch"],
    guard: Guard,
) -> tuple[Polygons, Polygons, list[np.ndarray]]:
    """Cut cells by their first lines.

    Returns:
        Cells with lines left, cells without, and the new points in order.
    """
    cell, unit = set_bits(cells.crossing, switches.size)
    n_lines = np.bincount(cell, minlength=len(cells.local))
    first = np.cumsum(n_lines) - n_lines
    slots = refined(cells.local, cells.edge_words, switches, tolerance)
    fresh = slots.points(points[used])
    columns = min(_ROUNDS, int(n_lines.max()))
    table = np.zeros((slots.low.size, 2 + columns))
    numbers = np.where(slots.new >= 0, len(points) + slots.new, used[slots.low])
    table[:, :2] = np.concatenate([points, fresh])[numbers]
    at_slot = slots.polygons.spread(np.arange(len(cells.local)))
    slot, column = np.nonzero(n_lines[at_slot, None] > np.arange(columns))
    line = unit[first[at_slot[slot]] + column]
    table[slot, 2 + column] = slots.values(slot, line, switches) / tolerance[line]
    rows = Rows(table)
    parts, owners = _rounds(slots.polygons, rows, np.minimum(n_lines, columns), guard)
    inner = rows.values[slots.low.size :, :2]
    start = len(points) + len(fresh)
    numbers = np.concatenate([numbers, np.arange(start, start + len(inner))])
    result = joined(parts)
    result = Polygons(result.offsets, numbers[result.corners])
    left = (n_lines > columns)[np.concatenate(owners)]
    return result.take(left), result.take(~left), [fresh, inner]


def _rounds(
    polygons: Polygons, rows: Rows, n_lines: Int[np.ndarray, " cell"], guard: Guard
) -> tuple[list[Polygons], list[np.ndarray]]:
    """Cut each cell by its lines; the parts, and the cell that each came from."""
    owner = np.arange(len(polygons))
    parts, owners = [], []
    finished = 0
    for k in range(int(n_lines.max())):
        live = n_lines[owner] > k
        if not live.all():
            parts.append(polygons.take(~live))
            owners.append(owner[~live])
            finished += len(parts[-1])
            polygons, owner = polygons.take(live), owner[live]
        values = rows.values[polygons.corners, 2 + k]
        side = sides(values, 1.0)
        low, high = extremes(polygons, side)
        crossed = (low < 0) & (high > 0)
        if not crossed.any():
            continue
        corner = polygons.spread(crossed)
        cut, side = with_cuts(polygons.take(crossed), side[corner], values[corner], rows)
        polygons = joined(
            [
                polygons.take(~crossed),
                kept_where(cut, side >= 0),
                kept_where(cut, side <= 0),
            ]
        )
        owner = np.concatenate([owner[~crossed], owner[crossed], owner[crossed]])
        guard(len(polygons) + finished)
    return [*parts, polygons], [*owners, owner]
