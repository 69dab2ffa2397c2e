"""One-bit codes of rows, without the pre-activations of all of them in memory."""

from __future__ import annotations

import numpy as np
from jaxtyping import Float, UInt8

from isthmus.core.bits import pack_signs
from isthmus.frames.base import AbstractOperator
from isthmus.frames.blocks import block_slices


def encode_signs(
    frame: AbstractOperator, x: Float[np.ndarray, "sample input"]
) -> UInt8[np.ndarray, "sample byte"]:
    """Packed signs of the pre-activations, a block of rows at a time.

    Sign flips, transform, comparison and packing of a block happen while it is in cache.

    Args:
        frame: Encoder.
        x: Rows; float32 is twice as fast as float64.

    Returns:
        Bytes of :func:`isthmus.core.bits.pack_signs`, ceil(n_code / 8) per row.

    Raises:
        ValueOutOfRange: If rows are not as long as the frame is wide.

    Examples:
        >>> from isthmus.frames import hadamard
        >>> encode_signs(hadamard(16, 16, rng=0), np.ones((2, 16))).shape
        (2, 2)
    """
    packed = np.empty((x.shape[0], -(-frame.n_code // 8)), dtype=np.uint8)
    for block in block_slices(x.shape[0], max(frame.n_code, frame.n_input)):
        packed[block] = pack_signs(frame.forward(x[block]))
    return packed
