"""Codes of this package in faiss's search by Hamming distance."""

from __future__ import annotations

from typing import Any

import numpy as np

from isthmus.codec.faiss.library import library
from isthmus.core.bits import pack_signs
from isthmus.core.door import shown
from isthmus.core.errors import ValueOutOfRange


def to_binary_index(codes: np.ndarray) -> Any:
    """A ``faiss.IndexBinaryFlat`` of codes, for search by Hamming distance.

    Symbol 8 b + i is bit i (worth 2**i) of byte b, as in
    :func:`isthmus.codec.encode_bits` and in faiss's own LSH, so that packed codes of either
    search the index. Queries that are -1 and +1 are packed by
    :func:`isthmus.core.bits.pack_signs`. A code length that is no multiple of eight is
    filled up with zeros, which adds nothing to a distance.

    Args:
        codes: -1 and +1, "sample code"; or packed, uint8, "sample byte".

    Returns:
        Index that holds the rows in their order; ``faiss.write_index_binary`` saves it.

    Raises:
        ValueOutOfRange: If codes are neither.
        MissingDependency: If faiss is not installed.

    Examples:
        >>> index = to_binary_index(np.array([[1.0, -1, 1], [1, 1, 1]]))
        >>> distances, rows = index.search(np.array([[5]], np.uint8), 2)
        >>> distances.tolist(), rows.tolist()
        ([[0, 1]], [[0, 1]])
    """
    faiss = library()
    packed = _packed(codes)
    index = faiss.IndexBinaryFlat(8 * packed.shape[1])
    index.add(packed)
    return index


def _packed(codes: object) -> np.ndarray:
    ok = isinstance(codes, np.ndarray) and codes.ndim == 2 and codes.size > 0
    if ok and isinstance(codes, np.ndarray):
        if codes.dtype == np.uint8:
            return np.ascontiguousarray(codes)
        if codes.dtype.kind in "fi" and np.all(np.abs(codes) == 1):
            return pack_signs(codes.astype(np.float32, copy=False))
    raise ValueOutOfRange(
        "`to_binary_index(codes)` must be -1 and +1 of shape (sample, code), or packed "
        f"bits, uint8 of shape (sample, byte); got {_told(codes)}. Zeros and ones become "
        "signs by 2 * codes - 1."
    )


def _told(codes: object) -> str:
    if not isinstance(codes, np.ndarray):
        return shown(codes)
    return f"{codes.dtype} of shape {codes.shape}"
