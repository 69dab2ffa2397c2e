"""What every decoder of sign codes can do."""

from __future__ import annotations

import abc
import math
from typing import Any

import numpy as np
from array_api_compat import array_namespace, is_numpy_array, is_torch_array
from jaxtyping import Float

from isthmus.core.door import real_array, shown
from isthmus.core.errors import DataError, ValueOutOfRange
from isthmus.frames import AbstractFrame

BLOCK_ENTRIES = 2**17
"""Entries of a block of rows: few enough for the cache, many beside the cost of a call."""


class AbstractDecoder(abc.ABC):
    """Inputs from the signs of a frame's output, y = sign(W x).

    Rows x have mean zero and the coordinates that the frame mixes; the caller whitens or
    turns them. A sign forgets the length of a row: with its norm sent beside the code,
    rows are decoded on the sphere.

    Attributes:
        frame: W.
    """

    frame: AbstractFrame

    @abc.abstractmethod
    def _decode(self, codes: Any) -> Any:
        """Rows of the decoder's own power from checked codes."""

    @property
    @abc.abstractmethod
    def _power(self) -> float:
        """Mean square of an input coordinate, without norms."""

    def decode(
        self, codes: Float[Any, "sample code"], norms: Any = None
    ) -> Float[Any, "sample input"]:
        """Reconstruct rows.

        Args:
            codes: ±1, NumPy array or tensor; float32 and float64 keep their type, other
                types become float32.
            norms: Euclidean length of each row x, "sample", not negative; None takes
                every row for one of average power.

        Returns:
            Reconstructions, "sample input".

        Raises:
            ValueOutOfRange: If codes are no ±1 or of the wrong length, or `norms` are
                negative or not one per row.
        """
        call = f"{type(self).__name__}.decode"
        given = checked_codes(call, codes, self.frame.n_code)
        scale = self._scale(call, given, norms)
        rows = self._decode(given)
        if scale is not None:
            rows *= scale
        return rows

    def _scale(self, call: str, codes: Any, norms: Any) -> Any:
        """Length of each row over that of a row of average power."""
        if norms is None:
            return None
        length = checked_norms(call, codes, norms)
        return length / math.sqrt(self._power * self.frame.n_input)


def checked_codes(call: str, codes: Any, n_code: int) -> Any:
    """Codes of ±1 in floating type, or an error that says what they must be."""
    if not is_torch_array(codes):
        if getattr(codes, "dtype", None) not in (np.float32, np.float64):
            codes = real_array(f"{call}(codes)", codes).astype(np.float32)
        codes = np.asarray(codes)
    xp = array_namespace(codes)
    if codes.ndim != 2 or codes.shape[1] != n_code:
        raise ValueOutOfRange(
            f"`{call}(codes)` must have one row per sample and {n_code} columns, as the "
            f"frame has rows; got shape {tuple(codes.shape)}."
        )
    if not bool(xp.all(xp.abs(codes) == 1.0)):
        strange = codes[xp.abs(codes) != 1.0][0]
        raise ValueOutOfRange(
            f"`{call}(codes)` must be ±1; got {float(strange)!r}. Of bits 0 and 1 make "
            "2 * bits - 1; of projections z, np.where(z >= 0, 1.0, -1.0)."
        )
    return codes


def checked_norms(call: str, codes: Any, norms: Any) -> Any:
    """One length per row as a column of the codes' type, or an error."""
    xp = array_namespace(codes)
    if is_numpy_array(codes):
        found = real_array(f"{call}(norms=...)", norms)
    else:
        found = xp.asarray(norms, dtype=codes.dtype, device=codes.device)
    if tuple(found.shape) not in {(codes.shape[0],), (codes.shape[0], 1)}:
        raise ValueOutOfRange(
            f"`{call}(norms=...)` must be one length per row of codes, {codes.shape[0]}; "
            f"got shape {tuple(found.shape)}."
        )
    if not bool(xp.all((found >= 0) & xp.isfinite(found))):
        raise DataError(
            f"`{call}(norms=...)` must be finite and not negative; got {shown(norms)}. "
            "They are the Euclidean lengths of the rows."
        )
    return xp.astype(xp.reshape(found, (-1, 1)), codes.dtype)
