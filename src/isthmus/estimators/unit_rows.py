"""Rows centred by their mean and divided by one number, their root mean square."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator

import numpy as np

from isthmus.core.errors import DataError

_BLOCK = 4096


@dataclasses.dataclass(frozen=True)
class UnitRows:
    """The map x -> (x - m) / s of rows to a mean square of 1 per coordinate.

    Attributes:
        mean: m, "input", in the type of the rows.
        scale: s, input units, positive.
    """

    mean: np.ndarray
    scale: float

    @classmethod
    def of(cls, x: np.ndarray, chosen: np.ndarray) -> UnitRows:
        """Mean and scale of some rows.

        Args:
            x: Rows, "sample input"; those chosen differ.
            chosen: Row numbers.

        Examples:
            >>> units = UnitRows.of(np.array([[1.0], [3.0], [9.0]]), np.array([0, 1]))
            >>> units.mean.tolist(), units.scale
            ([2.0], 1.0)
        """
        total = np.zeros(x.shape[1])
        for block in _blocks(x, chosen):
            total += block.sum(axis=0)
        mean = (total / chosen.size).astype(x.dtype)
        square = sum(float(np.square(b - mean).sum()) for b in _blocks(x, chosen))
        return cls(mean, float(np.sqrt(square / (chosen.size * x.shape[1]))))

    def scaled(self, x: np.ndarray, chosen: np.ndarray | None = None) -> np.ndarray:
        """Rows in the new unit, float32, "sample input"; all, or those chosen.

        Raises:
            DataError: If a row is too far from the mean for a float32.
        """
        count = x.shape[0] if chosen is None else chosen.size
        out = np.empty((count, x.shape[1]), dtype=np.float32)
        at = 0
        for block in _blocks(x, chosen):
            with np.errstate(over="ignore"):
                out[at : at + len(block)] = (block - self.mean) / self.scale
            if not np.isfinite(out[at : at + len(block)]).all():
                raise DataError(
                    "Rows must lie within 1e38 times the training rows' root mean square "
                    f"({self.scale:.3g}) of their mean; some do not. Leave them out, or "
                    "look for another unit in them."
                )
            at += len(block)
        return out

    def back(self, rows: np.ndarray) -> np.ndarray:
        """Rows in input units, in the type of the mean."""
        return np.asarray(
            (rows * np.float64(self.scale) + self.mean).astype(self.mean.dtype, copy=False)
        )

    def power(self, x: np.ndarray, chosen: np.ndarray) -> float:
        """Mean square of some rows per coordinate, in the new unit."""
        square = sum(float(np.square(b - self.mean).sum()) for b in _blocks(x, chosen))
        return square / (chosen.size * x.shape[1] * self.scale**2)


def _blocks(x: np.ndarray, chosen: np.ndarray | None) -> Iterator[np.ndarray]:
    count = x.shape[0] if chosen is None else chosen.size
    for begin in range(0, count, _BLOCK):
        some = slice(begin, begin + _BLOCK)
        yield x[some if chosen is None else chosen[some]].astype(np.float64)
