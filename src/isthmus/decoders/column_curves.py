"""A curve for each column of decoded rows: what a column is, given what was decoded."""

from __future__ import annotations

import dataclasses

import numpy as np
from jaxtyping import Float

from isthmus.decoders.base import BLOCK_ENTRIES

CELLS = 64
"""Pieces of every curve, of equal width."""
ROWS_PER_MEAN = 75
"""Least training rows that share one mean."""
MOST_MEANS = 100
LEAST_ROWS = 300
"""Training rows below which curves should not be fitted: four classes."""
ROUNDING = 1e-9
"""Of the widest range of a column: one no wider is a constant but for rounding."""


@dataclasses.dataclass(frozen=True, eq=False)
class ColumnCurves:
    """Piecewise linear functions, one per column, on grids of equal steps.

    Beyond its grid a curve goes on as its last piece does, with a slope in [0, 1]: what
    lies far outside the training rows is neither cut off nor blown up.

    Attributes:
        start: Where the grid begins, "input".
        inverse_step: One over its step, "input"; 0 for a column that is a constant.
        values: At the grid's 65 points, "point input".
    """

    start: Float[np.ndarray, " input"]
    inverse_step: Float[np.ndarray, " input"]
    values: Float[np.ndarray, "point input"]

    @classmethod
    def fitted(
        cls,
        decoded: Float[np.ndarray, "sample input"],
        rows: Float[np.ndarray, "sample input"],
    ) -> ColumnCurves:
        """Means of rows over means of what was decoded, in classes of as many rows.

        A mean of rows given what was decoded is the best function of that number alone, so
        that a decoder which leaves a column's zeros spread about zero is put right: this
        is one scalar denoiser per column, without a model of its error.

        Args:
            decoded: What a decoder made of the rows.
            rows: Truth, as many.
        """
        count, size = decoded.shape
        n_classes = min(max(count // ROWS_PER_MEAN, 2), MOST_MEANS, count)
        edges = np.linspace(0, count, n_classes + 1).astype(int)
        values = np.empty((CELLS + 1, size))
        start, width = np.empty(size), np.empty(size)
        for column in range(size):
            order = np.argsort(decoded[:, column], kind="stable")
            at, mean = (
                np.add.reduceat(part[order, column].astype(np.float64), edges[:-1])
                / np.diff(edges)
                for part in (decoded, rows)
            )
            points, equal = np.unique(at, return_inverse=True)
            weight = np.bincount(equal, np.diff(edges))
            means = np.bincount(equal, mean * np.diff(edges)) / weight
            start[column], width[column] = points[0], points[-1] - points[0]
            grid = np.linspace(points[0], points[-1], CELLS + 1)
            values[:, column] = np.interp(grid, points, means)
        moves = width > ROUNDING * width.max()
        inverse = np.divide(CELLS, width, out=np.zeros_like(width), where=moves)
        values[:, ~moves] = rows.mean(axis=0, dtype=np.float64)[~moves]
        parts = (start, inverse, values)
        return cls(*(part.astype(np.float32) for part in parts))

    def apply(self, decoded: Float[np.ndarray, "row input"]) -> np.ndarray:
        """Rows from what was decoded, in its floating type; each by itself."""
        found = np.empty(decoded.shape, dtype=decoded.dtype)
        column = np.arange(decoded.shape[1], dtype=np.int32)
        values, slopes = (
            part.astype(decoded.dtype).ravel() for part in (self.values, self._slopes)
        )
        size = max(1, BLOCK_ENTRIES // max(decoded.shape[1], 1))
        for begin in range(0, len(decoded), size):
            block = slice(begin, begin + size)
            place = (decoded[block] - self.start) * self.inverse_step
            cell = np.clip(place, -1, CELLS).astype(np.int32)
            cell -= place < 0  # towards zero is upwards there
            np.clip(cell, -1, CELLS, out=cell)
            within = np.clip(cell, 0, CELLS)
            place -= within
            piece = (cell + 1) * decoded.shape[1] + column
            found[block] = values[within * decoded.shape[1] + column]
            found[block] += place * slopes[piece]
        return found

    @property
    def _slopes(self) -> np.ndarray:
        """Per step: of what comes before the grid, of its pieces, of what comes after."""
        inside = np.diff(self.values, axis=0)
        step = np.divide(
            1.0,
            self.inverse_step,
            out=np.zeros_like(self.inverse_step),
            where=self.inverse_step > 0,
        )
        outside = np.clip(inside[[0, -1]], 0.0, step)
        return np.vstack([outside[:1], inside, outside[1:]])
