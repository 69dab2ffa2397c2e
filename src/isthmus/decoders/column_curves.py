"""A curve for each column of decoded rows: what a column is, given what was decoded."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping

import numpy as np
from jaxtyping import Float

from isthmus.core.errors import DataError
from isthmus.core.random import as_rng
from isthmus.decoders.base import BLOCK_ENTRIES

CELLS = 64
"""Pieces of every curve, of equal width."""
ROWS_PER_MEAN = 75
"""Least training rows that share one mean."""
MOST_MEANS = 100
LEAST_ROWS = 300
"""Training rows below which all curves are straight: halves would have two classes."""
CLEAR = 2.0
"""Standard errors by which a curve must be better than a line."""
ROUNDING = 1e-9
"""Of the widest range of a column: one no wider is a constant but for rounding."""
NAMES = ("curve_start", "curve_inverse_step", "curve_values")
"""Of the arrays in files."""


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
        is one scalar denoiser per column, without a model of its error. A column whose
        curve is not clearly better than a line, on half of the rows when fitted to the
        other half, is left as it is.

        Args:
            decoded: What a decoder made of the rows.
            rows: Truth, as many.
        """
        count, size = decoded.shape
        fitted = np.zeros(count, dtype=bool)
        fitted[as_rng(0).permutation(count)[: count // 2]] = True
        across = np.ascontiguousarray(decoded.T), np.ascontiguousarray(rows.T)
        values = np.empty((CELLS + 1, size))
        start, width = np.empty(size), np.empty(size)
        for column in range(size):
            u, x = (part[column].astype(np.float64) for part in across)
            order = np.argsort(u, kind="stable")
            points, means = _polygon(u[order], x[order])
            start[column], width[column] = points[0], points[-1] - points[0]
            grid = np.linspace(points[0], points[-1], CELLS + 1)
            bent = count >= LEAST_ROWS and _bends(u, x, order, fitted)
            values[:, column] = np.interp(grid, points, means) if bent else grid
        moves = width > ROUNDING * width.max()
        inverse = np.divide(CELLS, width, out=np.zeros_like(width), where=moves)
        values[:, ~moves] = rows.mean(axis=0, dtype=np.float64)[~moves]
        return cls(start, inverse, values)

    @staticmethod
    def restored(
        arrays: Mapping[str, np.ndarray], n_input: int, *, stored: bool
    ) -> ColumnCurves | None:
        """Curves that a file holds.

        Args:
            arrays: All of the file's, by name.
            n_input: Columns of a row.
            stored: Whether the file says that it holds curves.

        Returns:
            The curves; None if the file holds none and says so.

        Raises:
            DataError: If arrays are missing, too many or none of curves.
        """
        held = [name for name in NAMES if name in arrays]
        if not stored and not held:
            return None
        found = ColumnCurves(*(np.asarray(arrays.get(name, 0)) for name in NAMES))
        if not stored or len(held) < len(NAMES) or not found.fits(n_input):
            raise DataError(
                f"Curves need {', '.join(NAMES)}, finite float64, {CELLS + 1} values for "
                f"each of {n_input} columns, steps not negative; got {', '.join(held)}"
                f"{'' if stored else ' where no curves are announced'}."
            )
        return found

    def fits(self, n_input: int) -> bool:
        """Whether these are curves of so many columns."""
        shapes = ((n_input,), (n_input,), (CELLS + 1, n_input))
        parts = (self.start, self.inverse_step, self.values)
        good = all(
            isinstance(part, np.ndarray)
            and part.dtype == np.float64
            and part.shape == shape
            and bool(np.isfinite(part).all())
            for part, shape in zip(parts, shapes, strict=True)
        )
        return good and bool(np.all(self.inverse_step >= 0))

    def arrays(self) -> dict[str, np.ndarray]:
        """For a file, by name."""
        parts = (self.start, self.inverse_step, self.values)
        return dict(zip(NAMES, parts, strict=True))

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


def _polygon(u: np.ndarray, x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Means of classes of as many rows, u ascending; equal means of u are one point."""
    n_classes = min(max(u.size // ROWS_PER_MEAN, 2), MOST_MEANS, u.size)
    edges = np.linspace(0, u.size, n_classes + 1).astype(int)
    sizes = np.diff(edges)
    at, mean = (np.add.reduceat(part, edges[:-1]) / sizes for part in (u, x))
    points, equal = np.unique(at, return_inverse=True)
    return points, np.bincount(equal, mean * sizes) / np.bincount(equal, sizes)


def _bends(u: np.ndarray, x: np.ndarray, order: np.ndarray, fitted: np.ndarray) -> bool:
    """Whether a curve fitted to some rows is clearly better than a line on the others."""
    some = order[fitted[order]]
    points, means = _polygon(u[some], x[some])
    if points.size < 2:
        return False
    middle, level = u[some].mean(), x[some].mean()
    spread = float(np.square(u[some] - middle).sum())
    slope = float((u[some] - middle) @ (x[some] - level)) / spread if spread else 0.0
    asked, truth = u[~fitted], x[~fitted]
    seen = np.clip(asked, points[0], points[-1])
    ends = np.clip(np.diff(means)[[0, -1]] / np.diff(points)[[0, -1]], 0.0, 1.0)
    outside = asked - seen
    curve = np.interp(seen, points, means) + outside * np.where(outside < 0, *ends)
    line = level + slope * (asked - middle)
    gain = np.square(truth - line) - np.square(truth - curve)
    return bool(gain.mean() > CLEAR * gain.std() / np.sqrt(gain.size))
