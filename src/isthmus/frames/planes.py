"""Signs of a square Hadamard frame, with the transform laid out for the packing."""

from __future__ import annotations

import numpy as np
from jaxtyping import Float, UInt8

from isthmus.frames.hadamard import HadamardFrame
from isthmus.frames.transforms import factor_bits, hadamard_matrix

PLANE_ROWS = 512
"""Rows at a time."""


def fits_planes(frame: object) -> bool:
    """Whether :func:`encode_planes` knows the frame: square, one round, two factors."""
    if not isinstance(frame, HadamardFrame) or frame.later:
        return False
    bits = factor_bits(frame.n_code)
    return frame.n_code == frame.n_input and len(bits) == 2 and bits[0] >= 3


def encode_planes(
    frame: HadamardFrame, x: Float[np.ndarray, "sample input"]
) -> UInt8[np.ndarray, "sample byte"]:
    r"""Packed signs of a frame that fits, as :func:`~isthmus.core.bits.pack_signs`.

    With H the Kronecker product of an outer and an inner matrix and the rows cut into
    planes, one per outer index, the sign flips go into the inner matrices, one per plane,
    and the outer product is a single matrix product over all rows at once. Neither costs
    a pass over the data. Signs need no scale, so that sums of whole numbers stay exact.

    Args:
        frame: One that :func:`fits_planes` accepts.
        x: Rows.

    Returns:
        Bytes, code / 8 per row.

    Examples:
        >>> from isthmus.frames import hadamard
        >>> encode_planes(hadamard(64, 64, rng=0), np.ones((2, 64))).shape
        (2, 8)
    """
    inner_bits, outer_bits = factor_bits(frame.n_code)
    width, n_planes = 1 << inner_bits, 1 << outer_bits
    outer = hadamard_matrix(outer_bits, 1, x.dtype)
    flips = frame.signs.astype(x.dtype).reshape(n_planes, width, 1)
    inner = flips * hadamard_matrix(inner_bits, 1, x.dtype)
    packed = np.empty((x.shape[0], frame.n_code // 8), dtype=np.uint8)
    word = np.dtype(f"u{width // 8}")  # the bits of one row in one plane
    goal = packed.view(word)
    work: tuple[np.ndarray, ...] = ()
    for start in range(0, x.shape[0], PLANE_ROWS):
        rows = x[start : start + PLANE_ROWS]
        count = rows.shape[0]
        if not work or work[0].shape[0] != count:  # all blocks but the last are as long
            flat = (n_planes, count * width)
            near, planes = np.empty(rows.shape, x.dtype), np.empty(flat, x.dtype)
            work = near, planes, np.empty_like(planes), np.empty(flat, dtype=bool)
        near, planes, turned, positive = work
        np.copyto(near, rows)  # read in order once: planes are far apart in memory
        cut = near.reshape(count, n_planes, width).transpose(1, 0, 2)
        np.matmul(cut, inner, out=planes.reshape(n_planes, count, width))
        np.matmul(outer, planes, out=turned)
        np.greater_equal(turned, 0, out=positive)
        found = np.packbits(positive, axis=None, bitorder="little")
        goal[start : start + count] = found.view(word).reshape(n_planes, count).T
    return packed
