"""The door that point clouds come through, and the space that they span."""

from __future__ import annotations

import dataclasses

import numpy as np
from jaxtyping import Float, Int

from isthmus.core.door import real_array, whole_number
from isthmus.core.errors import DataError
from isthmus.core.linalg import with_signs

_RANK = 1e-10
_OWN_AXES = 4
_LARGEST = 1e100


@dataclasses.dataclass(frozen=True)
class Span:
    """A cloud in orthonormal coordinates of its affine span.

    Attributes:
        points: Distinct points; distances are those of the input.
        mean: Mean of the cloud, the origin of the coordinates.
        axes: Orthonormal directions.
        spread: Standard deviation along each axis.
    """

    points: Float[np.ndarray, "sample rank"]
    mean: Float[np.ndarray, " dim"]
    axes: Float[np.ndarray, "rank dim"]
    spread: Float[np.ndarray, " rank"]


def checked_cloud(call: str, X: object) -> Float[np.ndarray, "sample dim"]:
    """Finite float64 rows; images and other samples of several axes are flattened.

    Args:
        call: Call and argument, as in ``"certificate(X=...)"``.
        X: Numbers, samples along the first axis.

    Raises:
        ValueOutOfRange: If they are no real numbers.
        DataError: If there are no rows or columns, or a value is not finite,
            or its square would not be.
    """
    points = real_array(call, X)
    if points.ndim < 2 or points.size == 0:
        raise DataError(
            f"`{call}` must have rows and columns; got shape {points.shape}. "
            "Reshape a single column with x.reshape(-1, 1)."
        )
    points = points.reshape(points.shape[0], -1)
    bad = np.flatnonzero(~np.isfinite(points).all(axis=1))
    if bad.size:
        raise DataError(
            f"`{call}` must be finite; got NaN or infinity in {bad.size} of "
            f"{points.shape[0]} rows, the first of them row {bad[0]}. Leave these rows out."
        )
    largest = float(np.abs(points).max())
    spread = float(np.ptp(points, axis=0).max())
    if largest > _LARGEST or 0.0 < spread < 1.0 / _LARGEST:
        raise DataError(
            f"`{call}` must have squares that a double holds; got values up to "
            f"{largest:.3g} and a spread of {spread:.3g}. Give them in another unit."
        )
    return points


def checked_code(call: str, n_code: object, n_input: int) -> int:
    """A latent dimension from 1 to the number of columns.

    Raises:
        ValueOutOfRange: If it is anything else.
    """
    return whole_number(f"{call}(n_code=...)", n_code, least=1, most=n_input)


def distinct(
    points: Float[np.ndarray, "sample dim"],
) -> tuple[Float[np.ndarray, "kept dim"], Int[np.ndarray, " kept"]]:
    """Rows without exact repetitions, in their first order, and where they stood.

    Examples:
        >>> distinct(np.array([[1.0], [0.0], [1.0]]))[1].tolist()
        [0, 1]
    """
    ordered = np.lexsort(points.T[::-1])
    again = (points[ordered[1:]] == points[ordered[:-1]]).all(axis=1)
    kept = np.sort(ordered[np.concatenate([[True], ~again])])
    return points[kept], kept


def affine_span(points: Float[np.ndarray, "sample dim"]) -> Span:
    """Coordinates of a cloud in its affine span; lengths and angles stay.

    Directions whose standard deviation is below 1e-10 of the largest are rounding. A
    cloud that fills a space of at most four dimensions keeps its own axes, so that
    nothing is rounded twice; otherwise axes are principal.

    Examples:
        >>> line = np.outer(np.arange(4.0), [3.0, 4.0])
        >>> affine_span(line).points[:, 0].tolist()
        [-7.5, -2.5, 2.5, 7.5]
    """
    mean = points.mean(axis=0)
    centred = points - mean
    _, singular, axes = np.linalg.svd(centred, full_matrices=False)
    rank = int(np.sum(singular > _RANK * singular[0])) if singular[0] > 0.0 else 0
    spread = singular[:rank] / np.sqrt(points.shape[0])
    axes = with_signs(axes[:rank].T).T
    if rank == points.shape[1] <= _OWN_AXES:
        return Span(centred, mean, np.eye(rank), centred.std(axis=0))
    return Span(centred @ axes.T, mean, axes, spread)


def lengths(
    points: Float[np.ndarray, "sample dim"], pairs: Int[np.ndarray, "2 pair"]
) -> Float[np.ndarray, " pair"]:
    """Distances between pairs of points, a block at a time."""
    block = max(1, 2_000_000 // points.shape[1])
    parts = [
        np.linalg.norm(
            points[pairs[0, i : i + block]] - points[pairs[1, i : i + block]], axis=1
        )
        for i in range(0, pairs.shape[1], block)
    ]
    return np.concatenate(parts) if parts else np.empty(0)
