"""Tangent spaces of data, from the principal axes of nearest rows."""

from __future__ import annotations

import numpy as np
from jaxtyping import Float

from isthmus.core.door import real_array, whole_number
from isthmus.core.errors import DataError, ValueOutOfRange
from isthmus.core.typing import Matrix
from isthmus.topology import intrinsic_dimension
from isthmus.topology.neighbours import different_rows

_BLOCK_BYTES = 2**26
_PER_DIMENSION = 3
_LEAST_NEIGHBOURS = 10


def local_tangents(
    train: Matrix,
    x: Matrix | None = None,
    *,
    dim: int | None = None,
    n_neighbours: int | None = None,
) -> Float[np.ndarray, "sample input dim"]:
    """Orthonormal tangents at some points of the set that rows were drawn from.

    Principal axes of the nearest training rows, about their mean. They lean by the noise
    over the distance of the neighbours, and by that distance times the curvature.

    Args:
        train: Rows, "sample input", finite; repeated ones count once.
        x: Points to find tangents at, "sample input"; None for the training rows.
        dim: Number of tangents; None for :func:`isthmus.topology.intrinsic_dimension`.
        n_neighbours: Rows to look at, a row of `train` itself among them, more than `dim`;
            None for three times `dim`, at least ten, or all.

    Returns:
        Tangents, the direction of the largest spread first.

    Raises:
        ValueOutOfRange: If `dim` or `n_neighbours` is more than there is.
        DataError: If rows are no table of finite numbers, or fewer than two differ; and
            if the dimension is to be estimated, from fewer than ten.

    Examples:
        >>> angle = np.linspace(0.0, 6.0, 400)
        >>> circle = np.column_stack([np.cos(angle), np.sin(angle)])
        >>> tangent = local_tangents(circle, circle[200:201], dim=1)
        >>> bool(abs(circle[200] @ tangent[0, :, 0]) < 0.01)
        True

    References:
        [fukunaga:71]
    """
    call = "local_tangents"
    given = _table(f"{call}(train=...)", train)
    points = given if x is None else _table(f"{call}(x=...)", x)
    rows, _ = different_rows(given)
    if points.shape[1] != rows.shape[1] or len(rows) < 2:
        raise DataError(
            f"`{call}(train, x)` must have the same columns and at least two different "
            f"training rows; got {rows.shape[1]} and {points.shape[1]} columns, "
            f"{len(rows)} rows."
        )
    dim, count = _sizes(call, rows, dim, n_neighbours)
    return _principal_axes(rows, points, dim, count)


def checked_tangents(
    name: str, tangents: Matrix, shape: tuple[int, int]
) -> Float[np.ndarray, "sample input dim"]:
    """Tangents of so many rows and columns, orthonormal to 1e-8.

    Raises:
        ValueOutOfRange: If they are not.
    """
    given = real_array(name, tangents)
    if given.ndim != 3 or given.shape[:2] != shape or not 1 <= given.shape[2] <= shape[1]:
        raise ValueOutOfRange(
            f"`{name}` must have shape (samples, columns, dim), here {shape} and a dim "
            f"from 1 to {shape[1]}; got {given.shape}. "
            "isthmus.geometry.local_tangents makes such."
        )
    gram = np.einsum("bir,bis->brs", given, given)
    off = np.abs(gram - np.eye(given.shape[2])).max(initial=0.0)
    if not off <= 1e-8:
        raise ValueOutOfRange(
            f"`{name}` must be orthonormal in every sample; products of tangents are up to "
            f"{off:.3g} off. Take numpy.linalg.qr(tangents)[0]."
        )
    return given


def _sizes(
    call: str, rows: np.ndarray, dim: int | None, n_neighbours: int | None
) -> tuple[int, int]:
    n, n_input = rows.shape
    if dim is not None:
        dim = whole_number(f"{call}(dim=...)", dim, least=1, most=min(n_input, n - 1))
    if n_neighbours is not None:
        n_neighbours = whole_number(
            f"{call}(n_neighbours=...)", n_neighbours, least=1 + (dim or 1), most=n
        )
    if dim is None:
        most = min(n_input, (n_neighbours or n) - 1)
        dim = min(intrinsic_dimension(rows).dimension, most)
    if n_neighbours is None:
        n_neighbours = min(n, max(_LEAST_NEIGHBOURS, _PER_DIMENSION * dim))
    return dim, n_neighbours


def _principal_axes(
    rows: np.ndarray, points: np.ndarray, dim: int, count: int
) -> Float[np.ndarray, "sample input dim"]:
    from sklearn.neighbors import NearestNeighbors

    near = NearestNeighbors(n_neighbors=count).fit(rows)
    indices = near.kneighbors(points, return_distance=False)
    found = np.empty((len(points), rows.shape[1], dim))
    size = max(1, _BLOCK_BYTES // (8 * count * rows.shape[1]))
    for start in range(0, len(points), size):
        cloud = rows[indices[start : start + size]]
        centred = cloud - cloud.mean(axis=1, keepdims=True)
        axes = np.linalg.svd(centred, full_matrices=False)[2]
        found[start : start + size] = axes[:, :dim].swapaxes(1, 2)
    return found


def _table(name: str, x: Matrix) -> np.ndarray:
    given = real_array(name, x)
    if given.ndim != 2 or given.size == 0 or not np.isfinite(given).all():
        raise DataError(
            f"`{name}` must be finite rows and columns; got shape {given.shape}"
            f"{'' if np.isfinite(given).all() else ' with NaN or infinity'}. Flatten "
            "images with x.reshape(len(x), -1), and drop rows with gaps."
        )
    return given
