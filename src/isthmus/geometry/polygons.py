"""Many convex polygons in flat arrays, cut all at once."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Sequence

import numpy as np
from jaxtyping import Bool, Float, Int, Int8


@dataclasses.dataclass(frozen=True)
class Polygons:
    """Polygons that share corners.

    Attributes:
        offsets: Polygon i has the corners ``corners[offsets[i]:offsets[i + 1]]``.
        corners: Numbers of points, counter-clockwise.

    Examples:
        >>> two = Polygons(np.array([0, 3, 6]), np.array([0, 1, 2, 0, 2, 3]))
        >>> two.after().tolist()
        [1, 2, 0, 4, 5, 3]
    """

    offsets: Int[np.ndarray, " offset"]
    corners: Int[np.ndarray, " corner"]

    def __len__(self) -> int:
        return self.offsets.size - 1

    @property
    def starts(self) -> Int[np.ndarray, " polygon"]:
        """Where each polygon's corners start."""
        return self.offsets[:-1]

    @property
    def lengths(self) -> Int[np.ndarray, " polygon"]:
        """Corners of each."""
        return np.diff(self.offsets)

    def after(self) -> Int[np.ndarray, " corner"]:
        """Place of the next corner of the same polygon."""
        following = np.arange(1, self.corners.size + 1)
        following[self.offsets[1:] - 1] = self.starts
        return following

    def spread(self, values: np.ndarray) -> np.ndarray:
        """A value of each polygon at each of its corners."""
        return np.repeat(values, self.lengths, axis=0)

    def take(self, which: Bool[np.ndarray, " polygon"]) -> Polygons:
        """Some of the polygons."""
        if which.all():
            return self
        return from_lengths(self.lengths[which], self.corners[self.spread(which)])

    def blocks(self, size: int) -> Iterator[Polygons]:
        """All of them, so many at a time."""
        for i in range(0, len(self), size):
            offsets = self.offsets[i : i + size + 1]
            yield Polygons(offsets - offsets[0], self.corners[offsets[0] : offsets[-1]])


def from_lengths(
    lengths: Int[np.ndarray, " polygon"], corners: Int[np.ndarray, " corner"]
) -> Polygons:
    """Polygons of so many corners each."""
    offsets = np.zeros(lengths.size + 1, dtype=np.int64)
    np.cumsum(lengths, out=offsets[1:])
    return Polygons(offsets, corners)


def joined(parts: Sequence[Polygons]) -> Polygons:
    """All polygons of several sets, in their order."""
    if len(parts) == 1:
        return parts[0]
    return from_lengths(
        np.concatenate([part.lengths for part in parts]),
        np.concatenate([part.corners for part in parts]),
    )


def areas(
    polygons: Polygons, points: Float[np.ndarray, "point 2"]
) -> Float[np.ndarray, " polygon"]:
    """Signed areas; positive if corners run counter-clockwise."""
    return np.add.reduceat(_doubled(polygons, points)[0], polygons.starts) / 2.0


def centroids(
    polygons: Polygons, points: Float[np.ndarray, "point 2"]
) -> Float[np.ndarray, "polygon 2"]:
    """Centres of mass; the mean of the corners where there is no area to speak of."""
    doubled, at, following, middle = _doubled(polygons, points)
    total = np.add.reduceat(doubled, polygons.starts)
    moment = np.add.reduceat((at + following) * doubled[:, None], polygons.starts, axis=0)
    size = np.maximum.reduceat(np.square(at).sum(axis=1), polygons.starts)
    flat = total <= 1e-12 * size
    return middle + np.where(
        flat[:, None], 0.0, moment / (3.0 * np.where(flat, 1.0, total))[:, None]
    )


def _doubled(
    polygons: Polygons, points: Float[np.ndarray, "point 2"]
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Twice the area of the triangle of each edge and the middle; corners from there."""
    corners = points[polygons.corners]
    middle = np.add.reduceat(corners, polygons.starts, axis=0) / polygons.lengths[:, None]
    at = corners - polygons.spread(middle)
    following = at[polygons.after()]
    return at[:, 0] * following[:, 1] - at[:, 1] * following[:, 0], at, following, middle


class Rows:
    """Rows of numbers that grow at the end, in a buffer that doubles."""

    def __init__(self, rows: Float[np.ndarray, "row column"]) -> None:
        self._buffer, self.size = rows, rows.shape[0]

    @property
    def values(self) -> Float[np.ndarray, "row column"]:
        """The rows so far."""
        return self._buffer[: self.size]

    def append(self, rows: Float[np.ndarray, "more column"]) -> Int[np.ndarray, " more"]:
        """Add rows and return their numbers."""
        size = self.size + rows.shape[0]
        if size > self._buffer.shape[0]:
            larger = np.empty((max(size, 2 * self.size), rows.shape[1]))
            larger[: self.size] = self.values
            self._buffer = larger
        self._buffer[self.size : size] = rows
        numbers = np.arange(self.size, size)
        self.size = size
        return numbers


def sides(
    values: Float[np.ndarray, " corner"], tolerance: float | Float[np.ndarray, " corner"]
) -> Int8[np.ndarray, " corner"]:
    """1 above the tolerance, -1 below its negative, 0 between.

    Examples:
        >>> sides(np.array([-2.0, 0.5, 2.0]), 1.0).tolist()
        [-1, 0, 1]
    """
    return (values > tolerance).view(np.int8) - (values < -tolerance).view(np.int8)


def with_cuts(
    polygons: Polygons,
    side: Int8[np.ndarray, " corner"],
    values: Float[np.ndarray, " corner"],
    rows: Rows,
    family: Int[np.ndarray, " corner"] | None = None,
) -> tuple[Polygons, Int8[np.ndarray, " cut_corner"]]:
    """Put a new corner, of side 0, on every edge whose ends lie on different sides.

    Args:
        polygons: Their corners are numbers of `rows`.
        side: -1, 0 or 1, per corner of a polygon.
        values: Affine on every polygon; the new corner is where it vanishes.
        rows: Anything affine on the polygons; new rows are interpolated. An edge that two
            polygons of a family share is cut once.
        family: Per corner; `values` of polygons of one family are one continuous function.
    """
    after = polygons.after()
    cut = np.flatnonzero(side * side[after] < 0)
    ends = np.stack([polygons.corners[cut], polygons.corners[after[cut]]])
    at = np.stack([values[cut], values[after[cut]]])
    turned = ends[0] > ends[1]
    ends[:, turned] = ends[::-1, turned]
    at[:, turned] = at[::-1, turned]
    key = ends[0] * rows.size + ends[1]
    if family is not None:
        key += family[cut] * rows.size**2
    _, first, back = np.unique(key, return_index=True, return_inverse=True)
    low, high = rows.values[ends[0, first]], rows.values[ends[1, first]]
    share = (at[0, first] / (at[0, first] - at[1, first]))[:, None]
    new = rows.append((1.0 - share) * low + share * high)[back]
    counts = np.ones(side.size, dtype=np.int64)
    counts[cut] = 2
    last = np.cumsum(counts) - 1
    corners, sided = np.repeat(polygons.corners, counts), np.repeat(side, counts)
    corners[last[cut]], sided[last[cut]] = new, 0
    return from_lengths(np.add.reduceat(counts, polygons.starts), corners), sided


def kept_where(polygons: Polygons, keep: Bool[np.ndarray, " corner"]) -> Polygons:
    """Polygons of the corners kept, at least one of each."""
    lengths = np.add.reduceat(keep, polygons.starts, dtype=np.int64)
    return from_lengths(lengths, polygons.corners[keep])


def extremes(
    polygons: Polygons, side: Int8[np.ndarray, " corner"]
) -> tuple[Int8[np.ndarray, " polygon"], Int8[np.ndarray, " polygon"]]:
    """Lowest and highest side among the corners of each."""
    starts = polygons.starts
    return np.minimum.reduceat(side, starts), np.maximum.reduceat(side, starts)


def unique_edges(
    polygons: Polygons,
) -> tuple[Int[np.ndarray, "2 edge"], Int[np.ndarray, " corner"]]:
    """Edges as pairs of points, the lower number first, and the edge after each corner."""
    following = polygons.corners[polygons.after()]
    low = np.minimum(polygons.corners, following)
    high = np.maximum(polygons.corners, following)
    size = int(high.max()) + 1
    key, back = np.unique(low * size + high, return_inverse=True)
    return np.stack([key // size, key % size]), back
