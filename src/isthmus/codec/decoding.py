"""Decoded rows of an archive, a block at a time."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from jaxtyping import Float

from isthmus.codec.coder import BLOCK_ROWS, AbstractCoder, coder_of
from isthmus.codec.pieces import Piece
from isthmus.codec.reader import ArchiveReader
from isthmus.core.errors import DataError

_BLOCK_BYTES = 2**22  # of decoded rows, at a time


def coder_for(archive: ArchiveReader, coder: AbstractCoder | None) -> AbstractCoder:
    """The coder of an archive: the one given, if it fits, or the one stored in it.

    Raises:
        DataError: If `coder` is another, or none is given where none is stored.
    """
    name, digest = archive.path.name, archive.header["model"]["digest"]
    if coder is not None:
        if coder.spec.digest != digest:
            raise DataError(
                f"`{name}` was made with another model: its digest begins {digest[:16]}, "
                f"that of the one given {coder.spec.digest[:16]}. Give that model, or none "
                "if the archive holds it."
            )
        return coder
    spec = archive.spec()
    if spec is None:
        raise DataError(
            f"`{name}` holds no model, only its digest, which begins {digest[:16]}. Give "
            "the model that it was made with (--model, or coder=...)."
        )
    return coder_of(spec)


def decoded_blocks(
    archive: ArchiveReader,
    coder: AbstractCoder,
    start: int = 0,
    stop: int | None = None,
    *,
    damaged: str = "error",
    dtype: Any = np.float32,
) -> Iterator[Float[np.ndarray, "row input"]]:
    """Decode rows, a few megabytes at a time.

    Args:
        archive: Open.
        coder: Its coder, as :func:`coder_for` finds it.
        start: First row.
        stop: One behind the last; None for all.
        damaged: What becomes of rows whose chunk is damaged: an error that names it, or
            NaN.
        dtype: float32 or float64.

    Yields:
        Blocks of rows, in order, all of them.

    Raises:
        DataError: If a chunk is damaged and `damaged` is ``"error"``.
    """
    start, stop = archive.checked_range(start, stop)
    row_bytes = coder.n_input * np.dtype(dtype).itemsize
    step = max(BLOCK_ROWS, _BLOCK_BYTES // row_bytes // BLOCK_ROWS * BLOCK_ROWS)
    for piece in archive.pieces(start, stop):
        if piece.damage is not None and damaged == "error":
            raise archive.damaged(piece)
        first = max(start - piece.first, 0)
        last = min(stop - piece.first, piece.n_rows)
        for block in range(first // BLOCK_ROWS * BLOCK_ROWS, last, step):
            rows = _decoded(piece, slice(block, min(block + step, last)), coder, dtype)
            yield rows[max(first - block, 0) :]


def _decoded(piece: Piece, place: slice, coder: AbstractCoder, dtype: Any) -> np.ndarray:
    if piece.packed is None:
        shape = (place.stop - place.start, coder.n_input)
        return np.full(shape, np.nan, np.dtype(dtype))
    norms = None if piece.norms is None else piece.norms[place]
    return coder.decode(piece.packed[place], norms, dtype=dtype)
