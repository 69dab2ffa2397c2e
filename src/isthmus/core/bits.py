"""Signs as bits, eight to a byte, and back."""

from __future__ import annotations

import functools
from typing import Any

import numpy as np
from jaxtyping import Bool, Float, UInt8

from isthmus.core.errors import ValueOutOfRange


def pack_signs(
    z: Float[np.ndarray, "sample code"],
    spare: Bool[np.ndarray, "sample code"] | None = None,
) -> UInt8[np.ndarray, "sample byte"]:
    """Signs of each row as bits: 1 for z >= 0, little end first.

    Symbol 8 b + i of a row is bit i (worth 2**i) of its byte b, as in
    ``np.packbits(z >= 0, axis=-1, bitorder="little")``; bits beyond the last symbol
    are 0.

    Args:
        z: Pre-activations or ±1.
        spare: Array to work in, overwritten; for loops over blocks.

    Returns:
        Bytes, ceil(code / 8) per row.

    Examples:
        >>> pack_signs(np.array([[1.0, -1.0, 0.0, -2.0]])).tolist()
        [[5]]
    """
    positive = np.greater_equal(z, 0, out=spare)
    return np.packbits(positive, axis=-1, bitorder="little")


def unpack_signs(
    packed: UInt8[np.ndarray, "sample byte"], n_code: int, dtype: Any = np.float32
) -> Float[np.ndarray, "sample code"]:
    """Rows of ±1 from the bytes of :func:`pack_signs`.

    Args:
        packed: Bytes, ceil(n_code / 8) per row.
        n_code: Symbols per row.
        dtype: Floating type of the result.

    Returns:
        -1 and +1; exact.

    Raises:
        ValueOutOfRange: If `packed` is not bytes of rows of this length.

    Examples:
        >>> unpack_signs(np.array([[5]], dtype=np.uint8), 4).tolist()
        [[1.0, -1.0, 1.0, -1.0]]
    """
    n_bytes = -(-int(n_code) // 8)
    if packed.dtype != np.uint8 or packed.ndim != 2 or packed.shape[1] != n_bytes:
        raise ValueOutOfRange(
            f"`unpack_signs(packed=...)` must be uint8 of shape (sample, {n_bytes}) for "
            f"{n_code} symbols; got {packed.dtype} of shape {packed.shape}."
        )
    # A table of all 256 bytes: one gather of eight numbers per byte.
    signs = _table(np.dtype(dtype)).take(packed, axis=0)
    return signs.reshape(packed.shape[0], 8 * n_bytes)[:, : int(n_code)]


@functools.lru_cache(maxsize=4)
def _table(dtype: np.dtype) -> np.ndarray:
    """Row b holds the eight signs of byte b."""
    every = np.arange(256, dtype=np.uint8)[:, None]
    bits = np.unpackbits(every, axis=1, bitorder="little").astype(dtype)
    table = 2 * bits - 1
    table.flags.writeable = False
    return table
