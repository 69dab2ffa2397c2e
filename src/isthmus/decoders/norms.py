"""Lengths of rows, sent beside the code as 16 bits."""

from __future__ import annotations

import dataclasses

import numpy as np
from jaxtyping import Float

_LARGEST = float(np.finfo(np.float16).max)


@dataclasses.dataclass(frozen=True)
class NormScale:
    """What a length is measured in.

    A length is rounded to half precision after it was divided by the mean length, so
    that input units cannot overflow it.

    Attributes:
        mean: Mean length of the training rows, input units (or white units).
        coordinates: Map "input rank" to the coordinates in which it is taken; None for
            the input's own.
    """

    mean: float
    coordinates: Float[np.ndarray, "input rank"] | None = None

    def relative(
        self, centred: Float[np.ndarray, "sample input"]
    ) -> Float[np.ndarray, " sample"]:
        """Rounded lengths over the mean length, in the type of the rows."""
        length = self.lengths(centred) / self.mean
        rounded = np.minimum(length, _LARGEST).astype(np.float16)
        return rounded.astype(centred.dtype)

    def lengths(
        self, centred: Float[np.ndarray, "sample input"]
    ) -> Float[np.ndarray, " sample"]:
        """Euclidean lengths in the coordinates."""
        if self.coordinates is not None:
            centred = centred @ self.coordinates.astype(centred.dtype, copy=False)
        # In float32 the squares of ordinary numbers overflow or vanish.
        found: np.ndarray = np.sqrt(
            np.einsum("ij,ij->i", centred, centred, dtype=np.float64, casting="same_kind")
        )
        return found

    def even(
        self, centred: Float[np.ndarray, "sample input"]
    ) -> tuple[Float[np.ndarray, "sample input"], Float[np.ndarray, " sample"]]:
        """Rows brought to the mean length, and their relative lengths."""
        relative = self.relative(centred)
        safe = np.where(relative > 0, relative, relative.dtype.type(1))
        return centred / safe[:, None], relative


def norm_scale(
    x: Float[np.ndarray, "sample input"],
    mean: Float[np.ndarray, " input"],
    coordinates: Float[np.ndarray, "input rank"] | None,
) -> NormScale:
    """Take the mean length of the training rows about their mean, a block at a time.

    Examples:
        >>> norm_scale(np.array([[3.0, 4.0], [0.0, 1.0]]), np.zeros(2), None).mean
        3.0
    """
    total, block = 0.0, 4096
    unit = NormScale(1.0, coordinates)
    for start in range(0, x.shape[0], block):
        total += float(unit.lengths(x[start : start + block] - mean).sum())
    return NormScale(total / x.shape[0], coordinates)
