"""Rows in blocks that stay in cache."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
from array_api_compat import array_namespace, device, is_numpy_array

BLOCK_ROWS = 128
"""Rows at a time; wider rows come in smaller blocks."""

BLOCK_ENTRIES = 2**18
"""Entries at a time, unless one row is longer."""


def block_slices(n_rows: int, width: int) -> Iterator[slice]:
    """Slices over rows, each a block whose working set stays in cache.

    Examples:
        >>> [(s.start, s.stop) for s in block_slices(300, 512)]
        [(0, 128), (128, 256), (256, 300)]
        >>> len(list(block_slices(4, 2**20)))
        4
    """
    size = max(1, min(BLOCK_ROWS, BLOCK_ENTRIES // width))
    return (slice(i, min(i + size, n_rows)) for i in range(0, n_rows, size))


def row_blocks(work: Callable[[Any], Any], x: Any, n_out: int, width: int) -> Any:
    """Apply `work` to rows, NumPy arrays block by block, tensors all at once.

    A tensor goes through in one piece: devices want large batches, and writing into a
    result would cut the gradient.

    Args:
        work: Maps rows to as many rows of `n_out` columns.
        x: Rows.
        n_out: Columns of the result.
        width: Longest row on the way.

    Returns:
        All rows, in the type of `x`.

    Examples:
        >>> row_blocks(lambda rows: 2 * rows, np.ones((3, 2)), 2, 2).sum()
        np.float64(12.0)
    """
    if x.shape[0] == 0:  # Fourier transforms refuse to transform nothing
        return array_namespace(x).zeros((0, n_out), dtype=x.dtype, device=device(x))
    if not is_numpy_array(x) or x.shape[0] <= BLOCK_ROWS and x.size <= BLOCK_ENTRIES:
        return work(x)
    out = np.empty((x.shape[0], n_out), dtype=x.dtype)
    for block in block_slices(x.shape[0], width):
        out[block] = work(x[block])
    return out
