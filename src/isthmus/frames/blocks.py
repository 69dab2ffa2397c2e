"""Rows in blocks that stay in cache."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
from array_api_compat import array_namespace, device, is_numpy_array

from isthmus.frames.transforms import Spare

BLOCK_ROWS = 512
"""Rows at a time; wider rows come in smaller blocks."""

LINE = 64
"""Bytes of a line of the cache."""

PAGE = 4096
"""Bytes after which the low address bits, by which caches find lines, repeat."""

BLOCK_ENTRIES = 2**18
"""Entries at a time, unless one row is longer."""


def block_slices(n_rows: int, width: int) -> Iterator[slice]:
    """Slices over rows, each a block whose working set stays in cache.

    Examples:
        >>> [(s.start, s.stop) for s in block_slices(600, 512)]
        [(0, 512), (512, 600)]
        >>> len(list(block_slices(4, 2**20)))
        4
    """
    size = max(1, min(BLOCK_ROWS, BLOCK_ENTRIES // width))
    return (slice(i, min(i + size, n_rows)) for i in range(0, n_rows, size))


def row_blocks(work: Callable[[Any, Spare], Any], x: Any, n_out: int, width: int) -> Any:
    """Apply `work` to rows, NumPy arrays block by block, tensors all at once.

    A tensor goes through in one piece: devices want large batches, and writing into a
    result would cut the gradient.

    Args:
        work: Maps rows, and arrays to work in, to as many rows of `n_out` columns.
        x: Rows.
        n_out: Columns of the result.
        width: Longest row on the way.

    Returns:
        All rows, in the type of `x`.

    Examples:
        >>> row_blocks(lambda rows, spare: 2 * rows, np.ones((3, 2)), 2, 2).sum()
        np.float64(12.0)
    """
    if x.shape[0] == 0:  # Fourier transforms refuse to transform nothing
        return array_namespace(x).zeros((0, n_out), dtype=x.dtype, device=device(x))
    if not is_numpy_array(x):
        return work(x, None)
    out = np.empty((x.shape[0], n_out), dtype=x.dtype)
    for block, done in worked_blocks(work, x, width):
        out[block] = done
    return out


def worked_blocks(
    work: Callable[[Any, Spare], Any], x: np.ndarray, width: int
) -> Iterator[tuple[slice, np.ndarray]]:
    """Blocks of rows that `work` made; each is overwritten by the next.

    New memory for every block would be handed out by the system page by page, which
    costs as much as a fast transform.
    """
    blocks = list(block_slices(x.shape[0], width))
    longest = max((block.stop - block.start for block in blocks), default=0)
    first, second = (_apart(x, longest, width, part) for part in (1, 2))
    for block in blocks:
        count = block.stop - block.start
        yield block, work(x[block], (first[:count], second[:count]))


def _apart(x: np.ndarray, rows: int, width: int, part: int) -> np.ndarray:
    """New array that starts `part` thirds of a page after `x` does, modulo a page.

    Large arrays all start at the same place in a page. Where rows are a power of two
    long, entries of two such arrays then claim the same lines of the cache, and sign
    flips take seven times as long.
    """
    slack = PAGE // x.itemsize
    buffer = np.empty(rows * width + slack, dtype=x.dtype)
    wanted = (x.ctypes.data + part * PAGE // 3) // LINE * LINE - buffer.ctypes.data
    start = wanted % PAGE // x.itemsize
    return buffer[start : start + rows * width].reshape(rows, width)
