"""The cells that a network cuts a plane of its inputs into, found exactly."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple, NoReturn

import numpy as np
from jaxtyping import Float

from isthmus.core.door import real_number, whole_number
from isthmus.core.errors import ValueOutOfRange
from isthmus.core.memory import check_memory
from isthmus.geometry.along import Along, Points, finite_points
from isthmus.geometry.arrangement import Mesh, cut_by_units
from isthmus.geometry.cells import SlicePartition
from isthmus.geometry.envelope import cut_by_windows
from isthmus.geometry.layers import as_layers, kind
from isthmus.geometry.polygons import areas, from_lengths
from isthmus.geometry.switch_table import HELD, Switches

_CALL = "slice_partition"
_FLAT = 1e-10  # a second direction, or a corner's turn, below this part is none
_BYTES = 1000  # per cell, and one more per unit of the widest layer; beside the table
_SOME = 20_000  # cells from which on memory is asked for


class SlicePlane(NamedTuple):
    """A plane of inputs, and a convex polygon in it.

    Attributes:
        origin: Input at the coordinates (0, 0).
        basis: Two directions, in input units per unit of the coordinates.
        polygon: Corners in the coordinates, counter-clockwise.
    """

    origin: np.ndarray
    basis: Float[np.ndarray, "2 ..."]
    polygon: Float[np.ndarray, "corner 2"]


_FARTHEST = 1e150


def slice_partition(
    network: object,
    *,
    origin: Points,
    basis: Points,
    polygon: Points,
    max_cells: int = 1_000_000,
) -> SlicePartition:
    r"""Every cell of a polygon in which a piecewise-affine network keeps its pattern.

    The inputs are :math:`o + u b_1 + v b_2` with (u, v) in a convex polygon. Layer after
    layer, convex cells are cut along the lines where units switch or the largest entry of a
    max-pool's window changes; the answers of the layers are only needed at corners. Cells
    are activation patterns, at least as fine as the affine pieces. Values below 1e-12 of
    the largest of their unit are zero, and cells below 1e-14 of the polygon's area are left
    out as rounding.

    Args:
        network: Module in eval, or a chain from :func:`~isthmus.geometry.as_layers`.
        origin: o, in the network's input shape.
        basis: b, two directions of that shape.
        polygon: Corners (u, v) of a convex polygon, in either order around it.
        max_cells: Stop with an error when there are more. About 1 kB is needed per
            cell, one byte more per unit of the widest layer, and at most 140 MB at once for
            the values of its units.

    Returns:
        The cells; areas add up to the polygon's to 1e-12.

    Raises:
        ValueOutOfRange: If a layer is not piecewise affine, shapes do not fit, directions
            are parallel, the polygon is flat or not convex; if there are more cells than
            `max_cells` or than fit into memory.
        DataError: If a number is not finite.

    Examples:
        >>> from torch import nn
        >>> corners = [[-1.0, -1.0], [2.0, -1.0], [2.0, 2.0], [-1.0, 2.0]]
        >>> axes = [[1.0, 0.0], [0.0, 1.0]]
        >>> found = slice_partition(
        ...     nn.ReLU(), origin=[0.0, 0.0], basis=axes, polygon=corners
        ... )
        >>> len(found.cells), sorted(found.areas.round(9).tolist())
        (4, [1.0, 2.0, 2.0, 4.0])

    References:
        [humayun:23], which finds the same cells as cycles of graphs
    """
    layers = as_layers(network, call=_CALL)
    middle = finite_points(_CALL, "origin", origin)
    axes = finite_points(_CALL, "basis", basis, (2, *middle.shape))
    _check_plane(axes)
    corners = _checked_polygon(polygon)
    most = whole_number(f"{_CALL}(max_cells=...)", max_cells, least=1)
    along = Along(layers, middle, axes, _CALL)
    mesh = Mesh(from_lengths(np.array([len(corners)]), np.arange(len(corners))), corners)
    area = float(areas(mesh.polygons, corners)[0])
    guard = _guard(most, along)
    for stage in along.bent:
        cut = cut_by_units if kind(layers[stage]) == "pointwise" else cut_by_windows
        mesh = cut(mesh, along, stage, guard).without_slivers(area)
    along.forget()
    return SlicePartition(
        mesh.points, mesh.polygons.offsets, mesh.polygons.corners, middle, axes, along
    )


def slice_through(a: Points, b: Points, c: Points, *, margin: float = 0.25) -> SlicePlane:
    """The plane through three inputs, and a rectangle in it that holds them.

    Args:
        a: An input, of any shape.
        b: Another, of the same shape.
        c: A third, not on one line with them.
        margin: How far the rectangle reaches beyond the three, in parts of its longer side.

    Returns:
        Origin (the mean of the three), two orthonormal directions, the first of them from
        `a` to `b`, and the rectangle; ``slice_partition(network, **plane._asdict())``.

    Raises:
        ValueOutOfRange: If the three lie on one line, or `margin` is negative.
        DataError: If a number is not finite.

    Examples:
        >>> plane = slice_through([0.0, 0.0, 1.0], [4.0, 0.0, 1.0], [0.0, 3.0, 1.0])
        >>> plane.polygon.max(axis=0) - plane.polygon.min(axis=0)
        array([6., 5.])
    """
    call = "slice_through"
    first = finite_points(call, "a", a)
    given = [
        first,
        *(
            finite_points(call, k, v, first.shape)
            for k, v in zip("bc", (b, c), strict=True)
        ),
    ]
    beyond = real_number(f"{call}(margin=...)", margin)
    if not 0.0 <= beyond < np.inf:
        raise ValueOutOfRange(
            f"`{call}(margin=...)` must be at least 0 and finite; got {beyond}. Use 0.25."
        )
    points = np.stack([point.ravel() for point in given])
    axes, triangle = np.linalg.qr((points[1:] - points[0]).T)
    heights = np.abs(np.diag(triangle))
    if heights.size < 2 or heights.min() <= _FLAT * np.abs(triangle).max():
        raise ValueOutOfRange(
            f"`{call}(c=...)` must not lie on the line through a and b; got three points "
            "that span no plane. Take another point."
        )
    axes = axes * np.sign(np.diag(triangle))
    origin = points.mean(axis=0)
    inside = (points - origin) @ axes
    low, high = inside.min(axis=0), inside.max(axis=0)
    extra = beyond * (high - low).max()
    (left, bottom), (right, top) = low - extra, high + extra
    polygon = np.array([[left, bottom], [right, bottom], [right, top], [left, top]])
    shape = first.shape
    return SlicePlane(origin.reshape(shape), axes.T.reshape(2, *shape), polygon)


def _check_plane(basis: Float[np.ndarray, "2 ..."]) -> None:
    first, second = basis[0].ravel(), basis[1].ravel()
    size = np.linalg.norm(first) * np.linalg.norm(second)
    if size > 0.0:
        first = first / np.linalg.norm(first)
        second = second / np.linalg.norm(second)
        if np.linalg.norm(second - (first @ second) * first) > _FLAT:
            return
    raise ValueOutOfRange(
        f"`{_CALL}(basis=...)` must be two directions that are not parallel; got "
        "directions that span no plane. Use line_partition for a line."
    )


def _checked_polygon(polygon: object) -> Float[np.ndarray, "corner 2"]:
    """Corners of a convex polygon, counter-clockwise."""
    corners = finite_points(_CALL, "polygon", polygon, (-1, 2))
    if len(corners) < 3:
        _refuse("have at least three corners", f"{len(corners)}")
    if not (np.abs(corners) <= _FARTHEST).all():
        _refuse(f"lie within {_FARTHEST:.0e}, whose square is a number", "larger ones")
    at = (corners - corners.mean(axis=0)) @ np.array([1.0, 1.0j])
    edges = np.roll(at, -1) - at
    area = float((at.conj() * np.roll(at, -1)).imag.sum()) / 2.0
    if abs(area) <= _FLAT * np.square(np.abs(edges)).sum() or not edges.all():
        _refuse("have an area and no corner twice", f"area {abs(area):.3g}")
    turns = np.angle(np.roll(edges, -1) / edges) * np.sign(area)
    if (turns < -_FLAT).any() or round(float(turns.sum()) / (2.0 * np.pi)) != 1:
        _refuse("be convex", "a corner that turns the other way, or edges that cross")
    return np.ascontiguousarray(corners if area > 0.0 else corners[::-1])


def _refuse(rule: str, found: str) -> NoReturn:
    raise ValueOutOfRange(
        f"`{_CALL}(polygon=...)` must {rule}; got {found}. Give its corners in order "
        "around it, such as the four of a rectangle."
    )


def _guard(max_cells: int, along: Along) -> Callable[[int], None]:
    """Refuses too many cells, and asks for memory whenever their number has doubled."""
    widest = max(
        (Switches(along, stage, np.zeros((1, 2))).size for stage in along.bent), default=0
    )
    asked = _SOME

    def guard(count: int) -> None:
        nonlocal asked
        if count > max_cells:
            raise ValueOutOfRange(
                f"`{_CALL}(max_cells=...)` must be at least the number of cells; got "
                f"{max_cells}, and there are more. Use a smaller polygon or a larger "
                "max_cells, or count regions along lines (line_partition)."
            )
        if count >= asked:
            asked = 2 * count
            needed = asked * (_BYTES + widest) + 8 * min(asked * widest, HELD)
            way_out = "Use a smaller polygon, or count regions along lines."
            check_memory(f"{_CALL}(polygon=...)", count, needed, way_out)

    return guard
