r"""Signs of one square round by matrix products, and by butterflies where they must decide.

Products of small Hadamard matrices run at the speed of the machine's matrix product, twice
that of butterflies in NumPy, but add in an order of their own. With u = 2\ :sup:`-24` a sum
of float32 numbers that adds up k of them along every path is off by at most
k u / (1 - k u) times the sum of their sizes, in whatever order and fused or not. Where a
pre-activation is larger than both bounds together, butterflies find the same sign. Smaller
ones are done again, each by the one branch of the butterflies that ends in it: three of a
thousand rows have one at 256 entries, a tenth at 1024. Longer rows go to butterflies at
once, as do rows that have many, of whole numbers for instance.
"""

from __future__ import annotations

import numpy as np
from jaxtyping import Float, UInt8

from isthmus.codec.butterfly import Butterfly
from isthmus.codec.layout import Layout
from isthmus.frames.transforms import factor_bits, hadamard_matrix

_ENTRIES = 2**18
_LEAST_ROWS = 512
_ROUNDING = 2.0**-24
_SUBNORMAL = 2.0**-60
"""Entries whose squares vanish add less than this, each, to a row's sum of sizes."""
_FEW = 4
"""Doubtful symbols up to which a row is mended symbol by symbol."""
_TOO_MANY = 0.25
"""Share of rows with more from which products are not worth their time."""


def fits_products(layout: Layout) -> bool:
    """Whether :class:`Products` knows the layout: square, one round, two factors."""
    bits = layout.n_long.bit_length() - 1
    square = layout.n_code == layout.n_input and layout.places is None
    return square and layout.rounds == 1 and 6 <= bits <= 10


class Products:
    """Arrays to work in for blocks of up to `n_rows` rows of a layout that fits."""

    def __init__(self, layout: Layout):
        inner_bits, outer_bits = factor_bits(layout.n_long)
        self.n_rows = max(_LEAST_ROWS, _ENTRIES // layout.n_long)
        self._plain = False
        self._butterfly = Butterfly(layout)
        self._outer = hadamard_matrix(outer_bits, 1, np.dtype(np.float32))
        self._flips = layout.flips
        flips = layout.flips.reshape(1 << outer_bits, 1 << inner_bits, 1)
        self._inner = flips * hadamard_matrix(inner_bits, 1, np.dtype(np.float32))
        steps = (1 << inner_bits) + (1 << outer_bits), inner_bits + outer_bits
        bounds = (k * _ROUNDING / (1 - k * _ROUNDING) for k in steps)
        # the sum of sizes is at most the root of the length times the norm; that root and
        # the comparison are rounded as well
        self._doubt = 1.001 * float(sum(bounds)) * layout.n_long**0.5
        self._least_doubt = _SUBNORMAL * layout.n_long
        self._spare = np.empty((3, self.n_rows * layout.n_long), dtype=np.float32)
        self._positive = np.empty(self.n_rows * layout.n_long, dtype=bool)

    def encode(
        self,
        x: Float[np.ndarray, "sample input"],
        centre: Float[np.ndarray, " input"] | None,
        codes: UInt8[np.ndarray, "sample byte"],
    ) -> int:
        """Fill `codes` with the signs of a block of float32 rows.

        Returns:
            -1, or the first row with a sum that is not finite.
        """
        if self._plain:
            return self._by_butterflies(x, centre, codes, np.arange(x.shape[0]))
        with np.errstate(all="ignore"):  # what is not finite is doubtful
            bounds = self._estimate(x, centre, codes)
            doubtful = np.flatnonzero(np.isnan(bounds) | (bounds >= 0))
        many = self._mend(codes, doubtful, bounds[doubtful])
        self._plain = many.size > _TOO_MANY * x.shape[0]
        return self._by_butterflies(x, centre, codes, many)

    def _estimate(
        self, x: np.ndarray, centre: np.ndarray | None, codes: np.ndarray
    ) -> np.ndarray:
        """Codes by products, and below which size of a sum rounding could change them.

        -1 for rows that have no such sum.
        """
        count = x.shape[0]
        n_planes, width = self._inner.shape[:2]
        near, planes, turned = self._spare[:, : x.size]
        near = near.reshape(x.shape)
        np.subtract(x, 0 if centre is None else centre, out=near)
        norms = np.sqrt(np.einsum("ij,ij->i", near, near))
        cut = near.reshape(count, n_planes, width).transpose(1, 0, 2)
        np.matmul(cut, self._inner, out=planes.reshape(n_planes, count, width))
        planes = planes.reshape(n_planes, -1)
        turned = turned.reshape(n_planes, -1)
        np.matmul(self._outer, planes, out=turned)
        positive = self._positive[: x.size]
        np.greater_equal(turned.reshape(-1), 0, out=positive)
        word = np.dtype(f"u{width // 8}")  # the bits of one row in one plane
        found = np.packbits(positive, bitorder="little").view(word)
        codes.view(word)[:] = found.reshape(n_planes, count).T
        sizes = np.minimum.reduce(np.abs(turned, out=turned), axis=0)
        least = sizes.reshape(count, width).min(axis=1)
        bounds = self._doubt * norms + self._least_doubt
        return np.where(least > bounds, np.float32(-1), bounds)

    def _mend(self, codes: np.ndarray, rows: np.ndarray, bounds: np.ndarray) -> np.ndarray:
        """Set the doubtful bits of rows with few of them; returns the other rows."""
        n_planes, width = self._inner.shape[:2]
        length, count = n_planes * width, codes.shape[0]
        near = self._spare[0, : count * length].reshape(count, length)
        sizes = self._spare[2, : count * length].reshape(n_planes, count, width)
        doubtful = ~(sizes[:, rows] > bounds[:, None])
        few = doubtful.sum(axis=(0, 2)) <= _FEW
        plane, which, place = np.unravel_index(
            np.flatnonzero(doubtful & few[:, None]), doubtful.shape
        )  # ten times as fast as nonzero
        symbol, row = plane * width + place, rows[which]
        strides = 1 << np.arange(length.bit_length() - 1)[::-1, None]
        turns = np.where(symbol & strides, np.float32(-1), np.float32(1))[:, :, None]
        z = near[row] * self._flips
        for stride, turn in zip(strides[:, 0].tolist(), turns, strict=True):
            z = z[:, :stride] + turn * z[:, stride:]
        byte, bit = symbol // 8, np.left_shift(1, symbol % 8).astype(np.uint8)
        np.bitwise_and.at(codes, (row, byte), ~bit)
        np.bitwise_or.at(codes, (row, byte), np.where(z[:, 0] >= 0, bit, np.uint8(0)))
        left: np.ndarray = rows[~few]
        return left

    def _by_butterflies(
        self,
        x: np.ndarray,
        centre: np.ndarray | None,
        codes: np.ndarray,
        which: np.ndarray,
    ) -> int:
        """Do some rows from the start; -1, or the first that is not finite."""
        for start in range(0, which.size, self._butterfly.n_rows):
            rows = which[start : start + self._butterfly.n_rows]
            found = np.empty((rows.size, codes.shape[1]), dtype=np.uint8)
            bad = self._butterfly.encode(x[rows], centre, None, found)
            if bad >= 0:
                return int(rows[bad])
            codes[rows] = found
        return -1
