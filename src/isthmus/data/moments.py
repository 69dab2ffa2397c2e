"""Mean and covariance that can be added up in pieces."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable

import numpy as np
from jaxtyping import Float

from isthmus.core.errors import DataError, ValueOutOfRange
from isthmus.core.tolerance import ROWS_PER_COLUMN
from isthmus.data.accumulate import accumulate

_BLOCK = 4096


@dataclasses.dataclass(frozen=True, eq=False)
class Moments:
    """Count, mean and centred second moment of some rows, in float64.

    Pieces merge in any order to 1e-10 relative to the largest eigenvalue.

    Attributes:
        n_rows: Rows seen.
        mean: Their mean, "column".
        scatter: Sum of (x - mean)(x - mean)^T, "column column".

    Examples:
        >>> x = np.arange(12.0).reshape(6, 2) ** 2
        >>> both = Moments.from_rows(x[:4]).merge(Moments.from_rows(x[4:]))
        >>> bool(np.allclose(both.covariance(), np.cov(x.T, bias=True)))
        True

    References:
        [chan:83]
    """

    n_rows: int
    mean: Float[np.ndarray, " column"]
    scatter: Float[np.ndarray, "column column"]

    @classmethod
    def from_rows(cls, x: Float[np.ndarray, "row column"]) -> Moments:
        """Moments of rows, read in blocks.

        Args:
            x: Rows, at least one.

        Returns:
            Their moments.

        Raises:
            DataError: If there are no rows.
        """
        if x.shape[0] == 0:
            raise DataError(f"`Moments.from_rows(x)` must have rows; got shape {x.shape}.")
        total = cls._of_block(x[:_BLOCK])
        for start in range(_BLOCK, x.shape[0], _BLOCK):
            total = total.merge(cls._of_block(x[start : start + _BLOCK]))
        return total

    @classmethod
    def from_blocks(
        cls, blocks: Iterable[np.ndarray], *, products: str = "float64"
    ) -> Moments:
        """Moments of all rows of a stream, which need not fit in memory.

        Args:
            blocks: Rows, "row column", as :func:`isthmus.data.stream` gives them.
            products: ``"float64"``, or ``"float32"`` to take products in float32 and add
                them up in float64: twice as fast, good to 1e-6 relative to the largest
                eigenvalue instead of 1e-10.

        Returns:
            Their moments.

        Raises:
            DataError: If there are no rows, or the numbers of columns differ.
            ValueOutOfRange: If `products` is not known.

        Examples:
            >>> x = np.arange(12.0).reshape(6, 2) ** 2
            >>> found = Moments.from_blocks(x[i : i + 2] for i in (0, 2, 4))
            >>> bool(np.allclose(found.covariance(), np.cov(x.T, bias=True)))
            True
        """
        return cls(*accumulate(blocks, products=products))

    def update(self, block: Float[np.ndarray, "row column"]) -> Moments:
        """Moments of these rows and those of a block together.

        Args:
            block: More rows with as many columns, at least one.

        Returns:
            New moments.
        """
        return self.merge(Moments.from_rows(block))

    def merge(self, other: Moments) -> Moments:
        """Moments of both sets of rows together.

        Args:
            other: Moments of other rows with as many columns.

        Returns:
            New moments.

        Raises:
            DataError: If the numbers of columns differ.
        """
        if self.mean.size != other.mean.size:
            raise DataError(
                f"`Moments.merge(other)` must have {self.mean.size} columns; "
                f"got {other.mean.size}."
            )
        n_rows = self.n_rows + other.n_rows
        shift = other.mean - self.mean
        weight = self.n_rows * other.n_rows / n_rows
        return Moments(
            n_rows,
            self.mean + shift * (other.n_rows / n_rows),
            self.scatter + other.scatter + weight * np.outer(shift, shift),
        )

    def covariance(self, *, ddof: int = 0) -> Float[np.ndarray, "column column"]:
        """Scatter divided by n_rows - ddof.

        Args:
            ddof: 0 for the mean over rows, 1 for an estimate without bias.

        Returns:
            Covariance.

        Raises:
            ValueOutOfRange: If `ddof` is not below the number of rows.
        """
        if ddof >= self.n_rows:
            raise ValueOutOfRange(
                f"`Moments.covariance(ddof=...)` must be below the {self.n_rows} rows "
                f"seen; got {ddof}. Add rows."
            )
        return self.scatter / (self.n_rows - ddof)

    @classmethod
    def _of_block(cls, block: np.ndarray) -> Moments:
        x = np.asarray(block, dtype=np.float64)
        mean = x.mean(axis=0)
        x = x - mean
        drift = x.mean(axis=0)  # what rounding left of the mean
        x -= drift
        return cls(x.shape[0], mean + drift, x.T @ x)


def ledoit_wolf_shrinkage(x: Float[np.ndarray, "row column"]) -> float:
    """Weight of the scaled identity that brings a covariance closest to the truth.

    Args:
        x: Rows.

    Returns:
        Weight in [0, 1].

    Examples:
        >>> ledoit_wolf_shrinkage(np.random.default_rng(0).normal(size=(20, 50))) > 0.5
        True

    References:
        [ledoit:04]
    """
    from sklearn.covariance import ledoit_wolf_shrinkage as shrinkage

    return float(shrinkage(np.asarray(x, dtype=np.float64)))


def training_covariance(
    x: Float[np.ndarray, "row column"],
) -> tuple[Float[np.ndarray, " column"], Float[np.ndarray, "column column"], float]:
    """Mean, covariance and shrinkage that every fit starts from.

    With fewer than 20 rows per column the eigenvalues are too spread; the covariance
    is then shrunk towards a multiple of the identity (Ledoit-Wolf). Constant columns
    stay constant.

    Args:
        x: Training rows.

    Returns:
        Mean "column", covariance "column column" and the shrinkage weight used, 0 if
        none was.

    Examples:
        >>> rows = np.random.default_rng(0).normal(size=(30, 4))
        >>> 0 < training_covariance(rows)[2] <= 1
        True
    """
    moments = Moments.from_rows(x)
    covariance = moments.covariance()
    live = np.diag(covariance) > 0
    if x.shape[0] >= ROWS_PER_COLUMN * live.sum() or live.sum() < 2:
        return moments.mean, covariance, 0.0
    weight = ledoit_wolf_shrinkage(x[:, live])
    target = np.where(live, np.trace(covariance) / live.sum(), 0.0)
    shrunk = (1.0 - weight) * covariance + weight * np.diag(target)
    return moments.mean, shrunk, weight


def second_moments(
    x: Float[np.ndarray, "row column"], about: Float[np.ndarray, " column"]
) -> Float[np.ndarray, "column column"]:
    """Mean of (x - about)(x - about)^T over the rows.

    Args:
        x: Rows, at least one.
        about: Point that they are taken about, e.g. the mean of other rows.

    Returns:
        Second moments; the covariance if `about` is the mean.

    Examples:
        >>> second_moments(np.array([[1.0], [3.0]]), np.zeros(1))
        array([[5.]])
    """
    moments = Moments.from_rows(x)
    offset = moments.mean - about
    return moments.covariance() + np.outer(offset, offset)
