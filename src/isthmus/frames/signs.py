"""One-bit codes of rows, without the pre-activations of all of them in memory."""

from __future__ import annotations

import numpy as np
from jaxtyping import Float, UInt8

from isthmus.core.bits import pack_signs
from isthmus.core.errors import ValueOutOfRange
from isthmus.frames.base import AbstractOperator
from isthmus.frames.blocks import block_slices
from isthmus.frames.planes import encode_planes, fits_planes
from isthmus.frames.randomised import AbstractRandomisedFrame
from isthmus.frames.sizes import check_rows


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
    check_rows("encode_signs(x)", x, frame.n_input)
    if not isinstance(x, np.ndarray):
        raise ValueOutOfRange(
            f"`encode_signs(x)` must be a NumPy array; got {type(x).__name__}. Convert it "
            "first, or pack the signs of frame.forward(x)."
        )
    if fits_planes(frame):
        return encode_planes(frame, x)  # type: ignore[arg-type]
    packed = np.empty((x.shape[0], -(-frame.n_code // 8)), dtype=np.uint8)
    if isinstance(frame, AbstractRandomisedFrame):
        blocks = frame.forward_blocks(x)
    else:
        width = max(frame.n_code, frame.n_input)
        slices = block_slices(x.shape[0], width)
        blocks = ((block, frame.forward(x[block])) for block in slices)
    positive = np.empty((0, frame.n_code), dtype=bool)
    for block, z in blocks:
        if positive.shape[0] < z.shape[0]:  # once: every block but the last is as long
            positive = np.empty(z.shape, dtype=bool)
        packed[block] = pack_signs(z, positive[: z.shape[0]])
    return packed
