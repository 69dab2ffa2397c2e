"""Cells of a plane cut where the largest entry of a max-pool's window changes.

Inside a cell the entries of a window are affine, so that each is the largest one on a
convex part: the cell is copied for every entry, and each copy clipped against the others.
"""

from __future__ import annotations

import numpy as np
from jaxtyping import Float, Int
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components
from scipy.spatial import cKDTree

from isthmus.geometry.along import Along
from isthmus.geometry.arrangement import Guard, Mesh, with_others
from isthmus.geometry.polygons import (
    Polygons,
    Rows,
    extremes,
    joined,
    kept_where,
    sides,
    with_cuts,
)
from isthmus.geometry.switch_table import Switches, set_bits

_ROUNDS = 4  # windows that a cell is cut by before its parts are looked at anew
_WORDS = 2**20  # bits of leads that are looked at at once, in 64-bit words
_SAME = 1e-12  # corners nearer than this part of the whole width are one


def cut_by_windows(mesh: Mesh, along: Along, stage: int, guard: Guard) -> Mesh:
    """Cut every cell where a window of max-pool `stage` changes its largest entry."""
    pending, points, done = mesh.polygons, mesh.points, []
    tolerance = None
    while len(pending):
        used, local = np.unique(pending.corners, return_inverse=True)
        switches = Switches(along, stage, points[used])
        if tolerance is None:
            tolerance = switches.window_tolerance()
        part = Polygons(pending.offsets, local)
        undecided = _undecided(part, switches, tolerance)
        busy = np.bitwise_or.reduce(undecided, axis=1) != 0
        done.append(pending.take(~busy))
        if not busy.any():
            break
        pending, finished, points = _cut(
            (part.take(busy), undecided[busy]),
            (points, used),
            switches,
            tolerance,
            with_others(guard, sum(map(len, done))),
        )
        done.append(finished)
    found = Mesh(joined([part for part in done if len(part)]), points)
    return _merged(found, len(mesh.points))


def _undecided(
    polygons: Polygons, switches: Switches, tolerance: Float[np.ndarray, " window"]
) -> np.ndarray:
    """Bits of the windows of which no entry is the largest at all corners."""
    words = switches.leads(tolerance)
    padding = np.packbits(np.ones(tolerance.size, dtype=bool), bitorder="little")
    padding = np.pad(padding, (0, -padding.size % 8)).view(np.uint64)
    found = []
    for block in polygons.blocks(max(1, _WORDS // words[0].size)):
        everywhere = np.bitwise_and.reduceat(words[block.corners], block.starts, axis=0)
        found.append(~np.bitwise_or.reduce(everywhere, axis=1) & padding)
    return np.concatenate(found)


def _cut(
    cells: tuple[Polygons, np.ndarray],
    at: tuple[Float[np.ndarray, "point 2"], Int[np.ndarray, " used"]],
    switches: Switches,
    tolerance: Float[np.ndarray, " window"],
    guard: Guard,
) -> tuple[Polygons, Polygons, Float[np.ndarray, "more 2"]]:
    """Cut cells by their first windows: cells with some left, without, all points."""
    polygons, undecided = cells
    points, used = at
    n_candidates = switches.n_candidates
    cell, window = set_bits(undecided, tolerance.size)
    n_windows = np.bincount(cell, minlength=len(polygons))
    first = np.cumsum(n_windows) - n_windows
    columns = min(_ROUNDS, int(n_windows.max()))
    table = np.zeros((polygons.corners.size, 2 + columns * n_candidates))
    numbers = used[polygons.corners]
    table[:, :2] = points[numbers]
    owner = polygons.spread(np.arange(len(polygons)))
    bounds = np.zeros((len(polygons), columns))
    corner, column = np.nonzero(n_windows[owner, None] > np.arange(columns))
    which = window[first[owner[corner]] + column]
    each = np.arange(n_candidates)
    values = switches.at(polygons.corners[corner], which[:, None] * n_candidates + each)
    table[corner[:, None], 2 + column[:, None] * n_candidates + each] = values
    bounds[owner[corner], column] = tolerance[which]
    rows = Rows(table)
    slots = Polygons(polygons.offsets, np.arange(polygons.corners.size))
    result, origin = _rounds(slots, rows, n_windows, bounds, guard)
    numbers = np.concatenate([numbers, len(points) + np.arange(rows.size - numbers.size)])
    result = Polygons(result.offsets, numbers[result.corners])
    left = (n_windows > columns)[origin]
    more = np.concatenate([points, rows.values[slots.corners.size :, :2]])
    return result.take(left), result.take(~left), more


def _rounds(
    polygons: Polygons,
    rows: Rows,
    n_windows: Int[np.ndarray, " cell"],
    bounds: Float[np.ndarray, "cell round"],
    guard: Guard,
) -> tuple[Polygons, Int[np.ndarray, " part"]]:
    """Cut each cell by its windows; the parts, and the cell that each came from."""
    owner = np.arange(len(polygons))
    n_candidates = (rows.values.shape[1] - 2) // bounds.shape[1]
    for k in range(bounds.shape[1]):
        start = 2 + k * n_candidates
        values = rows.values[polygons.corners, start : start + n_candidates]
        bound = bounds[owner, k]
        leads = values >= (values.max(axis=1) - polygons.spread(bound))[:, None]
        decided = np.logical_and.reduceat(leads, polygons.starts, axis=0).any(axis=1)
        decided |= n_windows[owner] <= k
        if decided.all():
            continue
        parts, origin = _clipped(
            polygons.take(~decided), rows, start, n_candidates, bound[~decided]
        )
        polygons = joined([polygons.take(decided), parts])
        owner = np.concatenate([owner[decided], owner[~decided][origin]])
        guard(len(polygons))
    return polygons, owner


def _clipped(
    polygons: Polygons,
    rows: Rows,
    start: int,
    n_candidates: int,
    bound: Float[np.ndarray, " polygon"],
) -> tuple[Polygons, Int[np.ndarray, " part"]]:
    """Parts on which one candidate leads; at ties the first of them does."""
    count = len(polygons)
    leader = np.repeat(np.arange(n_candidates), count)
    origin = np.tile(np.arange(count), n_candidates)
    parts = joined([polygons] * n_candidates)
    for rival in range(n_candidates):
        ahead = rows.values[parts.corners, start + parts.spread(leader)]
        ahead = ahead - rows.values[parts.corners, start + rival]
        side = sides(ahead, parts.spread(bound[origin]))
        low, high = extremes(parts, side)
        own = leader == rival
        keep = own | (high > 0) | ((leader < rival) & (low == 0))
        crossed = (low < 0) & (high > 0)
        corner = parts.spread(crossed)
        pieces = [parts.take(keep & ~crossed)]
        if crossed.any():
            some = parts.take(crossed)
            family = some.spread(leader[crossed])
            some, side = with_cuts(some, side[corner], ahead[corner], rows, family)
            pieces.append(kept_where(some, side >= 0))
        parts = joined(pieces)
        order = np.concatenate([np.flatnonzero(keep & ~crossed), np.flatnonzero(crossed)])
        leader, origin = leader[order], origin[order]
    return parts, origin


def _merged(mesh: Mesh, n_old: int) -> Mesh:
    """New points of the same place are one: each cell beside an edge made its own."""
    new = mesh.points[n_old:]
    if not len(new):
        return mesh
    width = float(np.ptp(mesh.points[:n_old], axis=0).max())
    pairs = cKDTree(new).query_pairs(_SAME * width, output_type="ndarray")
    graph = coo_array((np.ones(len(pairs)), pairs.T), shape=(len(new), len(new)))
    _, label = connected_components(graph, directed=False)
    _, first = np.unique(label, return_index=True)
    number = np.concatenate([np.arange(n_old), n_old + first[label]])
    corners = number[mesh.polygons.corners]
    polygons = Polygons(mesh.polygons.offsets, corners)
    different = corners != corners[polygons.after()]
    enough = np.add.reduceat(different, polygons.starts, dtype=np.int64) >= 3
    kept = polygons.take(enough)
    return Mesh(kept_where(kept, different[polygons.spread(enough)]), mesh.points)
