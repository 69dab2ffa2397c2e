"""Rows as cells along orthonormal axes, and back: the arithmetic of transform coding."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator

import numpy as np
from jaxtyping import Float, Int, UInt

from isthmus.core.lloyd_max import lloyd_max_quantiser
from isthmus.estimators.cell_means import shrunk_cell_means
from isthmus.estimators.cells import lloyd_max_cells

_BLOCK = 1024  # rows whose scaled coordinates stay in the cache
_FLAT = 1e-6  # spread over deviation below which rows do not differ along an axis


@dataclasses.dataclass(frozen=True)
class QuantisedAxes:
    """Axes through a mean, each with the Lloyd-Max quantiser of its bits.

    Attributes:
        mean: Where they meet, "input".
        basis: Orthonormal axes as columns, "input direction".
        deviation: What a standard Gaussian is multiplied by along each, input units.
        bits: Bits of each, at least 1, not rising: axes of equal depth are neighbours.
    """

    mean: Float[np.ndarray, " input"]
    basis: Float[np.ndarray, "input direction"]
    deviation: Float[np.ndarray, " direction"]
    bits: Int[np.ndarray, " direction"]

    @property
    def first_cells(self) -> Int[np.ndarray, " direction"]:
        """Where the cells of each axis begin when all are numbered through."""
        sizes = 2**self.bits
        return np.cumsum(sizes) - sizes

    @property
    def runs(self) -> list[tuple[int, int, int]]:
        """Depths, and where the axes of each begin and end."""
        edges = (np.flatnonzero(np.diff(self.bits)) + 1).tolist()
        starts, stops = [0, *edges], [*edges, self.bits.size]
        return list(zip(self.bits[starts].tolist(), starts, stops, strict=True))

    def encode(
        self, x: Float[np.ndarray, "sample input"]
    ) -> UInt[np.ndarray, "sample direction"]:
        """Cell of each row along each axis, counted from the lowest."""
        codes = np.empty((x.shape[0], self.bits.size), dtype=self._code_type())
        for start, (_, block) in enumerate(self.blocks(x, self.deviation)):
            codes[start * _BLOCK : start * _BLOCK + len(block)] = block
        return codes

    def decode(
        self,
        codes: UInt[np.ndarray, "sample direction"],
        levels: Float[np.ndarray, " cell"],
    ) -> Float[np.ndarray, "sample input"]:
        """Rows at the levels of their cells, in the type of the levels."""
        first, basis = self.first_cells, self.basis.astype(levels.dtype, copy=False).T
        rows = np.empty((codes.shape[0], basis.shape[1]), dtype=levels.dtype)
        for start in range(0, codes.shape[0], _BLOCK):
            block = slice(start, start + _BLOCK)
            np.matmul(levels.take(codes[block] + first), basis, out=rows[block])
        rows += self.mean.astype(levels.dtype, copy=False)
        return rows

    def blocks(
        self, x: Float[np.ndarray, "sample input"], deviation: np.ndarray
    ) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        """Coordinates over `deviation` and their cells, a block of rows at a time."""
        mean = self.mean.astype(x.dtype, copy=False)
        scaled = (self.basis / deviation).astype(x.dtype, copy=False)
        for start in range(0, x.shape[0], _BLOCK):
            z = (x[start : start + _BLOCK] - mean) @ scaled
            codes = np.empty(z.shape, dtype=self._code_type())
            for bits, begin, end in self.runs:
                lloyd_max_cells(z[:, begin:end], bits, codes[:, begin:end])
            yield z, codes

    def _code_type(self) -> type[np.unsignedinteger]:
        return np.uint8 if self.bits[0] <= 8 else np.uint16


def gaussian_levels(axes: QuantisedAxes) -> Float[np.ndarray, " cell"]:
    """Levels of the Lloyd-Max quantisers, axis after axis, input units."""
    found = [lloyd_max_quantiser(int(bits))[0] for bits in axes.bits]
    return np.concatenate(found) * np.repeat(axes.deviation, 2**axes.bits)


def mean_levels(
    axes: QuantisedAxes, x: Float[np.ndarray, "sample input"]
) -> Float[np.ndarray, " cell"]:
    """Shrunk means of the rows in the cells, axis after axis, input units.

    The cells take the shape of the rows and never their scale, which is that of `axes`:
    with few rows per column, axes that were chosen for their spread in these very rows
    have less in others.
    """
    first, spread = axes.first_cells, _spread(axes, x)
    count, total = np.zeros((2, int(np.sum(2**axes.bits))))
    for z, codes in axes.blocks(x, spread):
        cell = (codes + first).ravel()
        count += np.bincount(cell, minlength=count.size)
        total += np.bincount(cell, weights=z.ravel(), minlength=count.size)
    count[np.repeat(np.isinf(spread), 2**axes.bits)] = 0.0
    levels = np.empty(count.size)
    for bits, begin, end in axes.runs:
        cells = slice(first[begin], first[end - 1] + 2**bits)
        shape = (end - begin, 2**bits)
        means = shrunk_cell_means(
            count[cells].reshape(shape), total[cells].reshape(shape), bits
        )
        levels[cells] = (means * axes.deviation[begin:end, None]).ravel()
    return levels


def _spread(axes: QuantisedAxes, x: np.ndarray) -> Float[np.ndarray, " direction"]:
    """Root mean square of the rows along each axis, infinite where they do not differ."""
    total = np.zeros(axes.bits.size)
    for start in range(0, x.shape[0], _BLOCK):
        z = (x[start : start + _BLOCK] - axes.mean) @ axes.basis
        total += np.einsum("ij,ij->j", z, z)
    spread = np.sqrt(total / x.shape[0])
    return np.where(spread > _FLAT * axes.deviation, spread, np.inf)
