"""Rows of one chunk, as a reader gives them."""

from __future__ import annotations

import dataclasses

import numpy as np
from jaxtyping import Float16, UInt8

from isthmus.codec.contents import Damage


@dataclasses.dataclass(frozen=True, eq=False)
class Piece:
    """Rows of one chunk.

    Attributes:
        first: Number of its first row.
        n_rows: How many.
        packed: Bits, "row byte"; None if they are damaged.
        norms: Lengths, " row"; None if none are stored or they are damaged.
        damage: What is wrong; None if nothing is.
    """

    first: int
    n_rows: int
    packed: UInt8[np.ndarray, "row byte"] | None
    norms: Float16[np.ndarray, " row"] | None
    damage: Damage | None = None


def missing_piece(first: int, end: int) -> Piece:
    """Rows from `first` up to `end` that are in no chunk."""
    damage = Damage("table", "no chunk of these rows is left", (first, end))
    return Piece(first, end - first, None, None, damage)
