"""A small network on sign codes, as arrays: decoding needs no torch."""

from __future__ import annotations

import dataclasses

import numpy as np
from jaxtyping import Float

from isthmus.decoders.base import BLOCK_ENTRIES


@dataclasses.dataclass(frozen=True, eq=False)
class BitNetwork:
    """Rows A y + V max(0, W y + w t + b) + v from codes y and one number t of each row.

    Attributes:
        linear: A, "input code".
        first: W, "hidden code".
        of_extra: w, "hidden".
        bias: b, "hidden".
        second: V, "input hidden".
        offset: v, "input".
    """

    linear: Float[np.ndarray, "input code"]
    first: Float[np.ndarray, "hidden code"]
    of_extra: Float[np.ndarray, " hidden"]
    bias: Float[np.ndarray, " hidden"]
    second: Float[np.ndarray, "input hidden"]
    offset: Float[np.ndarray, " input"]

    def decode(
        self,
        codes: Float[np.ndarray, "sample code"],
        extra: Float[np.ndarray, " sample"] | None = None,
    ) -> Float[np.ndarray, "sample input"]:
        """Rows from ±1, float32; `extra` is 0 where it is None."""
        codes = codes.astype(np.float32, copy=False)
        rows: np.ndarray = codes @ self.linear.T
        rows += self.offset
        size = max(1, 2 * BLOCK_ENTRIES // self.bias.size)
        for start in range(0, codes.shape[0], size):
            block = slice(start, start + size)
            hidden = codes[block] @ self.first.T
            hidden += self.bias
            if extra is not None:
                hidden += extra[block, None].astype(np.float32) * self.of_extra
            rows[block] += np.maximum(hidden, np.float32(0.0), out=hidden) @ self.second.T
        return rows
