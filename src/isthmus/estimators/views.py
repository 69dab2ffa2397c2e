"""A sign code as a partial isometry of some coordinates of the rows."""

from __future__ import annotations

import dataclasses

import numpy as np
from jaxtyping import Float

from isthmus.frames import DenseFrame


@dataclasses.dataclass(frozen=True, eq=False)
class View:
    """What a decoder that passes messages needs to know of an encoder.

    The code is sign(W c) for coordinates c of the centred row, and W has orthonormal
    rows or columns.

    Attributes:
        frame: W, "code k".
        into: c = row @ into, "input k"; None where c is the row itself.
        back: What c tells of the row, "k input"; None where it is the row itself.
    """

    frame: DenseFrame
    into: Float[np.ndarray, "input k"] | None = None
    back: Float[np.ndarray, "k input"] | None = None

    def coordinates(
        self, rows: Float[np.ndarray, "sample input"]
    ) -> Float[np.ndarray, "sample k"]:
        """Coordinates of centred rows."""
        return (
            rows if self.into is None else rows @ self.into.astype(rows.dtype, copy=False)
        )

    def turned(self, basis: Float[np.ndarray, "k k"] | None) -> View:
        """The same code, seen from the coefficients of c in an orthonormal basis."""
        if basis is None:
            return self
        into = basis if self.into is None else self.into @ basis
        back = basis.T if self.back is None else basis.T @ self.back
        return View(DenseFrame(self.frame.weight @ basis), into, back)
