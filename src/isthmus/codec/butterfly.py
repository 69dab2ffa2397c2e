"""The coding kernel in NumPy: the same sums in the same order, hence the same bits.

Butterflies go from the longest stride to the shortest. Rows of a block are cut into
`outer` planes of `inner` entries. Strides of an inner length and more are butterflies
between planes; then inner and outer change places, and so are the others. Each is one sum
and one difference of long runs of memory: NumPy copies shorter ones to buffers first,
which takes three times as long.
"""

from __future__ import annotations

import numpy as np
from jaxtyping import Float, UInt8

from isthmus.codec.layout import Layout
from isthmus.core.bits import unpack_signs

_ENTRIES = 2**17
_RUN = 4096


class Butterfly:
    """Arrays to work in for blocks of up to `n_rows` rows."""

    def __init__(self, layout: Layout):
        bits = layout.n_long.bit_length() - 1
        self.layout = layout
        self.inner = 1 << min(bits, max(3, (bits + 1) // 2))
        self.outer = layout.n_long // self.inner
        self.n_rows = max(1, _ENTRIES // layout.n_long, _RUN // self.inner)
        self._spare = np.empty((2, layout.n_long * self.n_rows), dtype=np.float32)

    def encode(
        self,
        x: Float[np.ndarray, "sample input"],
        centre: Float[np.ndarray, " input"] | None,
        threshold: Float[np.ndarray, " code"] | None,
        codes: UInt8[np.ndarray, "sample byte"],
    ) -> int:
        """Fill `codes` with the signs of a block of float32 rows.

        Returns:
            -1, or the first row with a sum that is not finite.
        """
        with np.errstate(all="ignore"):  # sums that overflow are found at the end
            z = self._rounds(self._planes_of_rows(x, centre), x.shape[0])
            if not np.isfinite(z @ np.zeros(z.size, dtype=np.float32)):
                finite = np.isfinite(z).reshape(-1, x.shape[0]).all(axis=0)
                return int(np.argmin(finite))
        if self.layout.n_code == self.layout.n_long and self.inner >= 8:
            codes[:] = self._packed(z, threshold, x.shape[0])
            return -1
        z = self._by_row(z, x.shape[0])
        if self.layout.places is not None and self.layout.n_code < self.layout.n_long:
            z = z.take(self.layout.places, axis=1)
        least = 0.0 if threshold is None else threshold
        codes[:] = np.packbits(z >= least, axis=-1, bitorder="little")
        return -1

    def decode(
        self,
        codes: UInt8[np.ndarray, "sample byte"],
        centre: Float[np.ndarray, " input"] | None,
        scales: Float[np.ndarray, " scale"],
        x: Float[np.ndarray, "sample input"],
    ) -> None:
        """Fill float32 rows from a block of codes."""
        layout, rows = self.layout, codes.shape[0]
        signs = unpack_signs(codes, layout.n_code)
        if layout.n_code < layout.n_long:
            signs = _spread(signs, layout)
        planes, _ = self._buffers(rows)
        np.copyto(planes.reshape(self.outer, rows, self.inner), self._cut(signs))
        z = self._by_row(self._rounds(planes, rows, backwards=True), rows)
        if layout.places is not None and layout.n_code == layout.n_long:
            z = z.take(layout.places, axis=1)
        np.multiply(z, scales[:, None], out=x)
        x *= layout.flips_of(0)
        if centre is not None:
            x += centre

    def _planes_of_rows(
        self, x: np.ndarray, centre: Float[np.ndarray, " input"] | None
    ) -> np.ndarray:
        """First flips, laid out as planes of rows: outer, row, inner."""
        layout = self.layout
        flips = layout.flips_of(0)
        planes, _ = self._buffers(x.shape[0])
        cut = planes.reshape(self.outer, x.shape[0], self.inner)
        if layout.places is not None and layout.n_code == layout.n_long:
            centred = x if centre is None else x - centre
            np.copyto(cut, self._cut(_spread(centred * flips, layout)))
            return planes
        flips = flips.reshape(self.outer, 1, self.inner)
        if centre is None:
            np.multiply(self._cut(x), flips, out=cut)
        else:
            np.subtract(self._cut(x), centre.reshape(flips.shape), out=cut)
            np.multiply(cut, flips, out=cut)
        return planes

    def _rounds(
        self, planes: np.ndarray, rows: int, *, backwards: bool = False
    ) -> np.ndarray:
        """All transforms of planes of rows; the result is laid out inner, outer, row."""
        outer, inner = self.outer, self.inner
        a, b = self._buffers(rows)
        a, b = _butterflies(a, b, outer)
        turned = a.reshape(outer, rows, inner).transpose(2, 0, 1)
        np.copyto(b.reshape(inner, outer, rows), turned)
        a, b = _butterflies(b, a, inner)
        turns = range(1, self.layout.rounds)
        for turn in reversed(turns) if backwards else turns:
            flips = self.layout.flips_of(turn).reshape(outer, inner, 1)
            turned = a.reshape(inner, outer, rows).transpose(1, 0, 2)
            np.multiply(turned, flips, out=b.reshape(outer, inner, rows))
            a, b = _butterflies(b, a, outer)
            turned = a.reshape(outer, inner, rows).transpose(1, 0, 2)
            np.copyto(b.reshape(inner, outer, rows), turned)
            a, b = _butterflies(b, a, inner)
        return a

    def _packed(
        self, z: np.ndarray, threshold: Float[np.ndarray, " code"] | None, rows: int
    ) -> np.ndarray:
        """Bytes of signs laid out inner, outer, row; sums of bits replace a transpose."""
        shape = (self.inner, self.outer, rows)
        least: np.ndarray | float = 0.0
        if threshold is not None:
            least = threshold.reshape(self.outer, self.inner).T[:, :, None]
        bits = np.greater_equal(z.reshape(shape), least).view(np.uint8)
        bits = bits.reshape(self.inner // 8, 8, self.outer * rows)
        packed = bits[:, 7].copy()
        for place in range(6, -1, -1):
            np.add(packed, packed, out=packed)
            np.bitwise_or(packed, bits[:, place], out=packed)
        packed = packed.reshape(self.inner // 8, self.outer, rows)
        return np.ascontiguousarray(packed.transpose(2, 1, 0)).reshape(rows, -1)

    def _buffers(self, rows: int) -> tuple[np.ndarray, np.ndarray]:
        size = self.layout.n_long * rows
        return self._spare[0, :size], self._spare[1, :size]

    def _cut(self, x: np.ndarray) -> np.ndarray:
        return x.reshape(x.shape[0], self.outer, self.inner).transpose(1, 0, 2)

    def _by_row(self, z: np.ndarray, rows: int) -> np.ndarray:
        turned = z.reshape(self.inner, self.outer, rows).transpose(2, 1, 0)
        return np.ascontiguousarray(turned).reshape(rows, self.layout.n_long)


def _butterflies(a: np.ndarray, b: np.ndarray, parts: int) -> tuple[np.ndarray, np.ndarray]:
    """Sums and differences between all parts of `a`, the most distant ones first.

    Returns:
        The one of both arrays that holds the result, and the other.
    """
    stride = a.size // parts * (parts // 2)
    for _ in range(parts.bit_length() - 1):
        pairs, found = a.reshape(-1, 2, stride), b.reshape(-1, 2, stride)
        np.add(pairs[:, 0], pairs[:, 1], out=found[:, 0])
        np.subtract(pairs[:, 0], pairs[:, 1], out=found[:, 1])
        a, b, stride = b, a, stride // 2
    return a, b


def _spread(short: np.ndarray, layout: Layout) -> np.ndarray:
    """Entries at their places in rows of zeros."""
    long = np.zeros((short.shape[0], layout.n_long), dtype=np.float32)
    long[:, layout.places] = short
    return long
