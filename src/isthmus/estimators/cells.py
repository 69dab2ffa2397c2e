"""Cells of a Lloyd-Max quantiser, many coordinates at a time."""

from __future__ import annotations

import functools
from typing import Any

import numpy as np
from jaxtyping import Float, UInt

from isthmus.core.lloyd_max import lloyd_max_quantiser

_COMPARED = 2  # bits up to which a pass per threshold beats a table


def lloyd_max_cells(
    z: Float[np.ndarray, "sample direction"],
    bits: int,
    out: UInt[np.ndarray, "sample direction"],
) -> None:
    """Write the number of thresholds that are not above each coordinate.

    As ``np.searchsorted(thresholds, z, side="right")`` with thresholds in the type of the
    coordinates, several times as fast: few thresholds are compared one by one,
    in whole vectors of the processor; many are found through bins so narrow that none
    holds two, with one comparison at the end.

    Args:
        z: Coordinates in standard deviations, finite.
        bits: b in 1 ... 12.
        out: Where to, of a type that holds 2^b - 1.

    Examples:
        >>> cells = np.empty((1, 4), dtype=np.uint8)
        >>> lloyd_max_cells(np.array([[-9.0, -0.5, 0.0, 9.0]]), 2, cells)
        >>> cells.tolist()
        [[0, 1, 2, 3]]
    """
    if bits <= _COMPARED:
        thresholds = lloyd_max_quantiser(bits)[1].astype(z.dtype)
        np.greater_equal(z, thresholds[0], out=out)
        for threshold in thresholds[1:]:
            out += z >= threshold
        return
    padded, below, low, per_unit = _bins(bits, z.dtype)
    cell = below.take(_bin_of(z, low, per_unit, below.size))
    np.add(cell, z >= padded.take(cell), out=out, casting="unsafe")


def _bin_of(z: np.ndarray, low: Any, per_unit: Any, count: int) -> np.ndarray:
    # The same operations for thresholds and coordinates: each of them keeps the order, so
    # that rounding cannot part a coordinate from its threshold's bin.
    return np.clip((z - low) * per_unit, 0, count - 1).astype(np.int32)


@functools.lru_cache(maxsize=32)
def _bins(bits: int, dtype: np.dtype) -> tuple[np.ndarray, np.ndarray, Any, Any]:
    """Thresholds and infinity; thresholds in earlier bins; where bins begin; bins per unit.

    The first and the last bin also take what lies outside.
    """
    thresholds = lloyd_max_quantiser(bits)[1].astype(dtype)
    width = 0.7 * float(np.diff(thresholds).min())
    low, per_unit = dtype.type(thresholds[0] - width), dtype.type(1.0 / width)
    count = int((float(thresholds[-1]) - float(low)) / width) + 3
    own = _bin_of(thresholds, low, per_unit, count)
    below = np.searchsorted(own, np.arange(count), side="left").astype(np.int32)
    return np.append(thresholds, dtype.type(np.inf)), below, low, per_unit
