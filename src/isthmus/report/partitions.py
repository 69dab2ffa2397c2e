"""Planes of inputs and of codes, cut into the pieces on which a network is affine."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any

import numpy as np

from isthmus.core.errors import DataError, ValueOutOfRange

if TYPE_CHECKING:
    from isthmus.geometry import SlicePartition

MOST_CELLS = 5000
COLOURS = 6
_TRIES = 8
_MARGIN = 0.25


@dataclasses.dataclass(frozen=True, eq=False)
class Partition:
    """Cells of a rectangle in the plane through three points.

    Attributes:
        n_cells: How many.
        shown: Side of the rectangle, over that of the one that holds all three points.
        points: The three, in the plane, "point 2"; the unit is that of the network.
        paths: For each colour the outlines of its cells, "corner 2", rows of nan between
            them.
        corners: The rectangle's lower left and upper right, "2 2".
        first_units: Units of the first layer.
        most_first: Most cells that so many lines can cut a plane into.
        median_area: Of the cells, over the rectangle's.
    """

    n_cells: int
    shown: float
    points: np.ndarray
    paths: tuple[np.ndarray, ...]
    corners: np.ndarray
    first_units: int
    most_first: int
    median_area: float


def input_partition(network: Any, rows: np.ndarray) -> Partition | None:
    """Regions of the whole network on the plane through three rows far apart."""
    from isthmus.geometry import as_layers

    whole = (*as_layers(network.encoder), *as_layers(network.decoder))
    return _partition(whole, _far_apart(rows), int(network.encoder[0].out_features))


def latent_partition(network: Any, codes: np.ndarray) -> Partition | None:
    """Regions of the decoder on the plane through the codes of three rows far apart."""
    if codes.shape[1] < 2:
        return None
    return _partition(
        network.decoder, _far_apart(codes), int(network.decoder[0].out_features)
    )


def _far_apart(rows: np.ndarray) -> np.ndarray:
    """The row nearest to the median, the farthest from it, the farthest from both."""
    middle = np.linalg.norm(rows - np.median(rows, axis=0), axis=1)
    first = int(np.argmin(middle))
    away = np.linalg.norm(rows - rows[first], axis=1)
    typical = int(np.argsort(away)[(9 * len(rows)) // 10])
    rest = np.minimum(away, np.linalg.norm(rows - rows[typical], axis=1))
    third = int(np.argsort(rest)[(9 * len(rows)) // 10])
    return rows[[first, typical, third]]


def _partition(network: Any, three: np.ndarray, first_units: int) -> Partition | None:
    """The largest rectangle of not too many cells, halved about the first point."""
    from isthmus.geometry import slice_partition, slice_through, zaslavsky_bound

    try:
        plane = slice_through(*three, margin=_MARGIN)
    except (DataError, ValueOutOfRange):
        return None  # equal rows, or three on a line
    points = (three - plane.origin) @ np.linalg.pinv(plane.basis)
    for halvings in range(_TRIES):
        shown = 0.5**halvings
        corners = points[0] + shown * (plane.polygon - points[0])
        try:
            found = slice_partition(
                network,
                origin=plane.origin,
                basis=plane.basis,
                polygon=corners,
                max_cells=MOST_CELLS,
            )
        except ValueOutOfRange:
            continue
        side = np.ptp(corners, axis=0)
        return Partition(
            n_cells=len(found),
            shown=shown,
            points=points,
            paths=_paths(found),
            corners=np.stack([corners.min(axis=0), corners.max(axis=0)]),
            first_units=first_units,
            most_first=zaslavsky_bound(first_units, 2),
            median_area=float(np.median(found.areas) / side.prod()),
        )
    return None


def _paths(found: SlicePartition) -> tuple[np.ndarray, ...]:
    """Closed outlines by colour, neighbours in different ones."""
    colour = found.groups(COLOURS, rng=0)
    paths = []
    for number in range(COLOURS):
        outlines = []
        for cell in np.flatnonzero(colour == number):
            corners = found.corners[found.offsets[cell] : found.offsets[cell + 1]]
            ring = found.vertices[np.append(corners, corners[0])]
            outlines += [ring, np.full((1, 2), np.nan)]
        paths.append(np.concatenate(outlines) if outlines else np.zeros((0, 2)))
    return tuple(paths)
