"""Cells with the crossings of their edges as new corners, the same on both sides."""

from __future__ import annotations

import dataclasses

import numpy as np
from jaxtyping import Float, Int

from isthmus.geometry.polygons import Polygons, from_lengths
from isthmus.geometry.switch_table import Switches, set_bits


@dataclasses.dataclass(frozen=True)
class Slots:
    """Corners of cells of which every one has its own, old and on crossed edges.

    Attributes:
        polygons: Their corners are slots.
        low, high: Used points at the ends of the edge that a slot lies on.
        share: Way from `low` to `high`.
        new: Number of the new point, -1 at old corners.
    """

    polygons: Polygons
    low: Int[np.ndarray, " slot"]
    high: Int[np.ndarray, " slot"]
    share: Float[np.ndarray, " slot"]
    new: Int[np.ndarray, " slot"]

    def points(self, at: Float[np.ndarray, "used 2"]) -> Float[np.ndarray, "new 2"]:
        """Coordinates of the new points."""
        found = np.empty((int(self.new.max(initial=-1)) + 1, 2))
        which = np.flatnonzero(self.new >= 0)
        share = self.share[which, None]
        found[self.new[which]] = (1.0 - share) * at[self.low[which]] + share * at[
            self.high[which]
        ]
        return found

    def values(
        self, slot: Int[np.ndarray, " s"], unit: Int[np.ndarray, " s"], switches: Switches
    ) -> Float[np.ndarray, " s"]:
        """A unit's value at a slot."""
        on_edge = np.flatnonzero(self.new[slot] >= 0)
        ends = np.concatenate([self.low[slot], self.high[slot[on_edge]]])
        both = switches.at(ends, np.concatenate([unit, unit[on_edge]]))
        values, end = both[: slot.size], both[slot.size :]
        share = self.share[slot[on_edge]]
        values[on_edge] = (1.0 - share) * values[on_edge] + share * end
        return values


def refined(
    cells: Polygons,
    edge_words: np.ndarray,
    switches: Switches,
    tolerance: Float[np.ndarray, " switch"],
) -> Slots:
    """Put every crossing of every edge into the cells beside it.

    Args:
        cells: Corners are points of `switches`.
        edge_words: Bits of the units that cross the edge which starts at a corner.
        switches: Values of the units.
        tolerance: Below it a unit's value is zero.
    """
    start = cells.corners
    end = start[cells.after()]
    crossed = np.flatnonzero(edge_words.any(axis=1))
    words = edge_words[crossed]
    some = _Edges.of(start[crossed], end[crossed], words, switches, tolerance)
    edge = np.full(start.size, -1)
    edge[crossed] = some.back
    more = np.where(edge >= 0, some.counts[edge], 0) if some.counts.size else 0 * edge
    counts = 1 + more
    place = np.cumsum(counts) - counts
    low, high = np.repeat(start, counts), np.repeat(start, counts)
    share, new = np.zeros(low.size), np.full(low.size, -1)
    inserted = np.ones(low.size, dtype=bool)
    inserted[place] = False
    corner = np.repeat(np.arange(start.size), more)
    rank = np.flatnonzero(inserted) - place[corner] - 1
    turned = start[corner] > end[corner]
    rank = np.where(turned, more[corner] - 1 - rank, rank)
    which = some.starts[edge[corner]] + rank
    low[inserted] = np.minimum(start[corner], end[corner])
    high[inserted] = np.maximum(start[corner], end[corner])
    share[inserted], new[inserted] = some.share[which], which
    lengths = np.add.reduceat(counts, cells.starts)
    polygons = from_lengths(lengths, np.arange(low.size))
    return Slots(polygons, low, high, share, new)


@dataclasses.dataclass(frozen=True)
class _Edges:
    """Crossings of edges, those of each side by side.

    Attributes:
        back: Which edge a given one is.
        counts, starts: How many crossings an edge has, and where they start.
        share: Way of each from the lower to the higher end.
    """

    back: Int[np.ndarray, " given"]
    counts: Int[np.ndarray, " edge"]
    starts: Int[np.ndarray, " edge"]
    share: Float[np.ndarray, " crossing"]

    @staticmethod
    def of(
        start: np.ndarray,
        end: np.ndarray,
        words: np.ndarray,
        switches: Switches,
        tolerance: Float[np.ndarray, " switch"],
    ) -> _Edges:
        """Find them; where units are zero together, the steepest one says where."""
        low, high = np.minimum(start, end), np.maximum(start, end)
        size = int(high.max(initial=0)) + 1
        _, first, back = np.unique(
            low * size + high, return_index=True, return_inverse=True
        )
        edge, unit = set_bits(words[first], switches.size)
        ends = np.concatenate([low[first[edge]], high[first[edge]]])
        at_low, at_high = switches.at(ends, np.tile(unit, 2)).reshape(2, -1)
        change = at_low - at_high
        share = at_low / change
        order = np.lexsort((share, edge))
        edge, share = edge[order], share[order]
        blur = (tolerance[unit] / np.abs(change))[order]
        fresh = np.ones(edge.size, dtype=bool)
        fresh[1:] = edge[1:] != edge[:-1]
        fresh[1:] |= np.diff(share) > np.maximum(blur[1:], blur[:-1])
        group = np.cumsum(fresh) - 1
        sharpest = np.lexsort((blur, group))[fresh]
        counts = np.bincount(edge[fresh], minlength=first.size)
        return _Edges(back, counts, np.cumsum(counts) - counts, share[sharpest])
