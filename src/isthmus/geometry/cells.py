"""The answer of a slice: cells, what the network does on each, and who touches whom."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Sequence
from functools import cached_property

import numpy as np
from jaxtyping import Float, Int

from isthmus.core.door import whole_number
from isthmus.core.memory import check_memory
from isthmus.core.random import as_rng
from isthmus.geometry.along import Along
from isthmus.geometry.polygons import Polygons, areas, centroids, unique_edges


@dataclasses.dataclass(frozen=True)
class SliceCell:
    """One cell.

    Attributes:
        polygon: Corners in slice coordinates, counter-clockwise.
        values: The network's answers at the corners.
    """

    polygon: Float[np.ndarray, "vertex 2"]
    values: Float[np.ndarray, "vertex out"]


class Cells(Sequence[SliceCell]):
    """The cells of a partition, each made when it is asked for."""

    def __init__(self, partition: SlicePartition) -> None:
        self._partition = partition

    def __len__(self) -> int:
        return self._partition.offsets.size - 1

    def __getitem__(self, index: int) -> SliceCell:  # type: ignore[override]
        """Cell number `index`."""
        whole = self._partition
        number = range(len(self))[index]
        corners = whole.corners[whole.offsets[number] : whole.offsets[number + 1]]
        return SliceCell(whole.vertices[corners], whole.values[corners])

    def __iter__(self) -> Iterator[SliceCell]:
        return (self[i] for i in range(len(self)))


@dataclasses.dataclass(frozen=True)
class SlicePartition:
    """Convex cells of a polygon, on each of which the network is affine.

    Cells share vertices, so that answers agree where they touch.

    Attributes:
        vertices: Points in slice coordinates.
        offsets: Cell i has the vertices ``corners[offsets[i]:offsets[i + 1]]``.
        corners: Numbers of vertices, counter-clockwise.
        origin: Input at the coordinates (0, 0), in the network's input shape.
        basis: The two directions.
        along: The network on the plane.

    Examples:
        >>> from torch import nn
        >>> from isthmus.geometry import slice_partition
        >>> found = slice_partition(
        ...     nn.ReLU(),
        ...     origin=[0.0, 0.0],
        ...     basis=[[1.0, 0.0], [0.0, 1.0]],
        ...     polygon=[[-1.0, 1.0], [1.0, 1.0], [1.0, 2.0], [-1.0, 2.0]],
        ... )
        >>> found.cells[1].polygon.shape, found.cells[1].values.shape
        ((4, 2), (4, 2))
    """

    vertices: Float[np.ndarray, "point 2"]
    offsets: Int[np.ndarray, " offset"]
    corners: Int[np.ndarray, " corner"]
    origin: np.ndarray
    basis: Float[np.ndarray, "2 ..."]
    along: Along = dataclasses.field(repr=False)

    def __len__(self) -> int:
        return self.offsets.size - 1

    @property
    def cells(self) -> Cells:
        """The cells as polygons with answers at their corners."""
        return Cells(self)

    @property
    def polygons(self) -> Polygons:
        """The cells as flat arrays."""
        return Polygons(self.offsets, self.corners)

    @cached_property
    def areas(self) -> Float[np.ndarray, " cell"]:
        """Area of each cell, in slice coordinates."""
        return areas(self.polygons, self.vertices)

    @cached_property
    def centroids(self) -> Float[np.ndarray, "cell 2"]:
        """Centre of mass of each cell, in slice coordinates; it lies inside."""
        return centroids(self.polygons, self.vertices)

    @cached_property
    def values(self) -> Float[np.ndarray, "point out"]:
        """The network's answers at all vertices, flat, computed on first use.

        Raises:
            ValueOutOfRange: If they do not fit into memory.
        """
        self._check(len(self.vertices), self.along.n_out)
        return self.along.values(self.vertices)

    def inputs(self, at: Float[np.ndarray, "point 2"]) -> Float[np.ndarray, "point ..."]:
        """The network's inputs at slice coordinates.

        Args:
            at: Coordinates, such as :attr:`centroids`.
        """
        return self.origin + np.tensordot(at, self.basis, axes=1)

    def affine(
        self,
    ) -> tuple[Float[np.ndarray, "cell out 2"], Float[np.ndarray, "cell out"]]:
        """Slope and offset of the network on each cell, in slice coordinates.

        Returns:
            A and c with answer = A (u, v) + c on the cell, from exact derivatives at the
            centroids.

        Raises:
            ValueOutOfRange: If they do not fit into memory.
        """
        self._check(len(self), 3 * self.along.n_out)
        slope = self.along.slopes(self.centroids)
        moved = np.einsum("coa,ca->co", slope, self.centroids)
        return slope, self.along.values(self.centroids) - moved

    def neighbours(
        self,
    ) -> tuple[Int[np.ndarray, "edge 2"], Int[np.ndarray, "edge 2"]]:
        """Cells that share an edge.

        Returns:
            The two cells of each edge inside the polygon, and its two vertices.
        """
        ends, edge = unique_edges(self.polygons)
        order = np.argsort(edge, kind="stable")
        twice = np.flatnonzero(np.bincount(edge, minlength=ends.shape[1]) == 2)
        first = np.searchsorted(edge[order], twice)
        cell = self.polygons.spread(np.arange(len(self)))[order]
        return np.stack([cell[first], cell[first + 1]], axis=1), ends[:, twice].T

    def groups(self, n_colours: int = 6, *, rng: object = 0) -> Int[np.ndarray, " cell"]:
        """Number of a colour for each cell, so that neighbours differ where possible.

        Starts at random; while neighbours agree, one of the two moves to a colour that none
        of its neighbours has, if there is one.

        Args:
            n_colours: From 2 to 63; four can do, six nearly always do.
            rng: Seed or generator.

        Raises:
            ValueOutOfRange: If `n_colours` is out of range.

        Examples:
            >>> from torch import nn
            >>> from isthmus.geometry import slice_partition
            >>> square = [[-1.0, -1.0], [1.0, -1.0], [1.0, 1.0], [-1.0, 1.0]]
            >>> axes = [[1.0, 0.0], [0.0, 1.0]]
            >>> found = slice_partition(
            ...     nn.ReLU(), origin=[0.0, 0.0], basis=axes, polygon=square
            ... )
            >>> bool(found.groups()[0] == found.groups()[1])
            False
        """
        n_colours = whole_number("groups(n_colours=...)", n_colours, least=2, most=63)
        random = as_rng(rng)
        pairs, _ = self.neighbours()
        both = np.concatenate([pairs, pairs[:, ::-1]])
        both = both[np.argsort(both[:, 0], kind="stable")]
        starts = np.searchsorted(both[:, 0], np.arange(len(self) + 1))
        colour = random.integers(n_colours, size=len(self))
        for _ in range(50):
            clash = pairs[colour[pairs[:, 0]] == colour[pairs[:, 1]]]
            if not len(clash):
                break
            turn = random.integers(2, size=len(clash))
            moving = np.unique(clash[np.arange(len(clash)), turn])
            counts = starts[moving + 1] - starts[moving]
            ends = np.cumsum(counts)
            place = np.arange(ends[-1]) + np.repeat(starts[moving] - ends + counts, counts)
            taken = np.bitwise_or.reduceat(1 << colour[both[place, 1]], ends - counts)
            free = (taken[:, None] >> np.arange(n_colours)) & 1 == 0
            colour[moving] = (free + random.random(free.shape)).argmax(axis=1)
        return colour

    def _check(self, rows: int, columns: int) -> None:
        way_out = "Use a smaller polygon, or one output at a time."
        needed = 8 * rows * columns
        check_memory("slice_partition(polygon=...)", rows, needed, way_out)
