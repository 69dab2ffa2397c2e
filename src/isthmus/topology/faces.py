"""Faces of many simplices at once, each listed a single time."""

from __future__ import annotations

import dataclasses

import numpy as np
from jaxtyping import Int

_BITS = 63


@dataclasses.dataclass(frozen=True)
class Facets:
    """Faces of one dimension less, and which simplex and vertex each comes from.

    Attributes:
        simplices: Ascending vertices of each face, one face per column.
        owner: Simplex of each incidence, incidences of one face in a row.
        opposite: Position of the vertex that the face lacks, in the same order.
        starts: Where the incidences of each face begin.
    """

    simplices: Int[np.ndarray, "vertex face"]
    owner: Int[np.ndarray, " incidence"]
    opposite: Int[np.ndarray, " incidence"]
    starts: Int[np.ndarray, " face"]

    @property
    def cofaces(self) -> Int[np.ndarray, " face"]:
        """How many of the simplices each face bounds."""
        return np.diff(self.starts, append=self.owner.size)


def facets(simplices: Int[np.ndarray, "vertex simplex"], n_points: int) -> Facets:
    """Distinct facets of simplices of one dimension.

    Vertices are packed into one integer of 63 bits where they fit, since sorting
    integers is several times faster than sorting rows.

    Args:
        simplices: Ascending vertices, at least two, one simplex per column.
        n_points: Number of points; vertices lie below it.

    Examples:
        >>> found = facets(np.array([[0, 0], [1, 1], [2, 3]]), 4)
        >>> found.simplices.T.tolist(), found.cofaces.tolist()
        ([[0, 1], [0, 2], [0, 3], [1, 2], [1, 3]], [2, 1, 1, 1, 1])
    """
    size, count = simplices.shape
    rest = [np.delete(np.arange(size), i) for i in range(size)]
    bits = max(int(n_points - 1).bit_length(), 1)
    if bits * (size - 1) <= _BITS:
        keys = np.stack([_packed(simplices[kept], bits) for kept in rest]).ravel()
        order = np.argsort(keys)
        ordered = keys[order]
        starts = _starts(ordered[1:] != ordered[:-1])
        faces = _unpacked(ordered[starts], bits, size - 1).astype(simplices.dtype)
    else:
        rows = np.concatenate([simplices[kept] for kept in rest], axis=1)
        order = np.lexsort(rows[::-1])
        rows = rows[:, order]
        starts = _starts((rows[:, 1:] != rows[:, :-1]).any(axis=0))
        faces = rows[:, starts]
    opposite, owner = np.divmod(order, count)
    return Facets(faces, owner, opposite, starts)


def _starts(changes: np.ndarray) -> np.ndarray:
    return np.concatenate([[0], np.flatnonzero(changes) + 1])


def _packed(rows: np.ndarray, bits: int) -> np.ndarray:
    key: np.ndarray = rows[0].astype(np.int64)
    for row in rows[1:]:
        key = (key << bits) | row
    return key


def _unpacked(keys: np.ndarray, bits: int, size: int) -> np.ndarray:
    mask = (1 << bits) - 1
    return np.stack([(keys >> (bits * (size - 1 - i))) & mask for i in range(size)])
