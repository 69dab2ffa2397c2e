"""The surface of flat facets that a decoder makes of a plane of codes."""

from __future__ import annotations

import dataclasses

import numpy as np
from jaxtyping import Float, Int

from isthmus.geometry.along import Points
from isthmus.geometry.cells import SlicePartition
from isthmus.geometry.slice import slice_partition

_BLOCK = 2**17  # numbers of tangents at once, few enough for a cache
_COLLAPSED = 1e-10  # a facet's width below this part of its slope is none


@dataclasses.dataclass(frozen=True)
class DecoderSurface:
    """Flat facets, one for each cell of a latent slice.

    Attributes:
        partition: The cells in slice coordinates.
        vertices: Their images.
        tangents: Derivative of the answer along each slice coordinate, per facet.
        areas: Area of each facet, output units squared; 0 where it is collapsed.
        neighbours: The two facets at each inner edge.
        edges: The two vertices of each inner edge.
        jumps: Frobenius norm of the difference of the two facets' tangents; the difference
            has rank at most one.
        angles: How far the surface bends at each edge, radians: 0 flat, pi folded back; NaN
            where the edge or a facet beside it is collapsed.
    """

    partition: SlicePartition
    vertices: Float[np.ndarray, "point out"]
    tangents: Float[np.ndarray, "facet out 2"]
    areas: Float[np.ndarray, " facet"]
    neighbours: Int[np.ndarray, "edge 2"]
    edges: Int[np.ndarray, "edge 2"]
    jumps: Float[np.ndarray, " edge"]
    angles: Float[np.ndarray, " edge"]

    @property
    def area(self) -> float:
        """Area of the whole surface, output units squared."""
        return float(self.areas.sum())


def decoder_surface(
    decoder: object,
    *,
    polygon: Points,
    origin: Points = (0.0, 0.0),
    basis: Points = ((1.0, 0.0), (0.0, 1.0)),
    max_cells: int = 1_000_000,
) -> DecoderSurface:
    """The piecewise-flat surface that a decoder makes of a polygon of codes.

    Args:
        decoder: Module in eval, or a chain from :func:`~isthmus.geometry.as_layers`.
        polygon: Corners of a convex polygon, in coordinates of the plane.
        origin: Code at the coordinates (0, 0); with the default, two latent dimensions.
        basis: Two directions of codes.
        max_cells: As in :func:`~isthmus.geometry.slice_partition`.

    Returns:
        Vertices, facets, tangents, areas, and bends between neighbours, all exact.

    Raises:
        ValueOutOfRange: As :func:`~isthmus.geometry.slice_partition`.
        DataError: If a number is not finite.

    Examples:
        >>> from torch import nn
        >>> square = [[-1.0, 1.0], [1.0, 1.0], [1.0, 2.0], [-1.0, 2.0]]
        >>> surface = decoder_surface(nn.LeakyReLU(0.5), polygon=square)
        >>> sorted(surface.areas.tolist()), surface.jumps.tolist(), surface.angles.tolist()
        ([0.5, 1.0], [0.5], [0.0])
    """
    partition = slice_partition(
        decoder, origin=origin, basis=basis, polygon=polygon, max_cells=max_cells
    )
    tangents, _ = partition.affine()
    pairs, edges = partition.neighbours()
    direction = np.diff(partition.vertices[edges], axis=1)[:, 0]
    jumps, angles = _bends(tangents, pairs, direction)
    return DecoderSurface(
        partition,
        partition.values,
        tangents,
        partition.areas * _stretch(tangents),
        pairs,
        edges,
        jumps,
        angles,
    )


def _stretch(tangents: Float[np.ndarray, "facet out 2"]) -> Float[np.ndarray, " facet"]:
    """Area per area of the plane, without the loss of digits of a Gram determinant."""
    first, second = tangents[..., 0], tangents[..., 1]
    length = np.linalg.norm(first, axis=1)
    unit = first / np.where(length > 0.0, length, 1.0)[:, None]
    across = second - (unit * second).sum(axis=1, keepdims=True) * unit
    found: np.ndarray = length * np.linalg.norm(across, axis=1)
    return found


def _bends(
    tangents: Float[np.ndarray, "facet out 2"],
    pairs: Int[np.ndarray, "edge 2"],
    direction: Float[np.ndarray, "edge 2"],
) -> tuple[Float[np.ndarray, " edge"], Float[np.ndarray, " edge"]]:
    """Jumps of the tangents and angles at the edges, a block of edges at a time."""
    jumps, angles = np.empty(len(pairs)), np.empty(len(pairs))
    step = max(1, _BLOCK // tangents[0].size)
    for i in range(0, len(pairs), step):
        here = slice(i, i + step)
        sides = tangents[pairs[here]]
        jumps[here] = np.linalg.norm(sides[:, 0] - sides[:, 1], axis=(1, 2))
        angles[here] = _angles(sides, direction[here])
    return jumps, angles


def _angles(
    sides: Float[np.ndarray, "edge 2 out 2"], direction: Float[np.ndarray, "edge 2"]
) -> Float[np.ndarray, " edge"]:
    """Angle between the directions in which the two facets leave their common edge."""
    direction = direction / np.linalg.norm(direction, axis=1, keepdims=True)
    across = np.stack([-direction[:, 1], direction[:, 0]], axis=1)
    scale = np.linalg.norm(sides, axis=(2, 3)).max(axis=1) * _COLLAPSED
    ridge = np.einsum("efoa,ea->efo", sides, direction).mean(axis=1)
    length = np.linalg.norm(ridge, axis=1)
    unit = ridge / np.where(length > 0.0, length, 1.0)[:, None]
    leaving = np.einsum("efoa,ea->efo", sides, across)
    leaving -= (leaving * unit[:, None]).sum(axis=2, keepdims=True) * unit[:, None]
    widths = np.linalg.norm(leaving, axis=2)
    collapsed = (length <= scale) | (widths <= scale[:, None]).any(axis=1)
    leaving /= np.where(widths > 0.0, widths, 1.0)[..., None]
    apart = np.linalg.norm(leaving[:, 0] - leaving[:, 1], axis=1)
    along = np.linalg.norm(leaving[:, 0] + leaving[:, 1], axis=1)
    return np.where(collapsed, np.nan, 2.0 * np.arctan2(apart, along))
