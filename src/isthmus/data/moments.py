"""Mean and covariance that can be added up in pieces."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable

import numpy as np
from jaxtyping import Float

from isthmus.core.errors import DataError, ValueOutOfRange
from isthmus.core.tolerance import ROWS_PER_COLUMN
from isthmus.data.accumulate import accumulate


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
        return cls(*accumulate([x]))

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

    def without(self, other: Moments) -> Moments:
        """Moments of these rows but some of them, whose moments are given.

        Args:
            other: Moments of fewer rows, all of them among these.

        Returns:
            New moments. Digits are lost where hardly a row is left.

        Raises:
            DataError: If the numbers of columns differ, or no row is left.
        """
        if self.mean.size != other.mean.size or other.n_rows >= self.n_rows:
            raise DataError(
                f"`Moments.without(other)` must have {self.mean.size} columns and fewer "
                f"than {self.n_rows} rows; got {other.mean.size} and {other.n_rows}."
            )
        n_rows = self.n_rows - other.n_rows
        shift = self.mean - other.mean
        mean = self.mean + shift * (other.n_rows / n_rows)
        weight = self.n_rows * other.n_rows / n_rows
        scatter = self.scatter - other.scatter - weight * np.outer(shift, shift)
        np.fill_diagonal(scatter, np.maximum(np.diag(scatter), 0.0))
        return Moments(n_rows, mean, scatter)

    def of_columns(
        self, kept: np.ndarray, divisor: Float[np.ndarray, " kept"] | None = None
    ) -> Moments:
        """Moments of some columns, each divided by a number.

        Args:
            kept: Their numbers, or a mask.
            divisor: One positive number per column kept; None leaves the units.

        Returns:
            New moments.

        Examples:
            >>> moments = Moments.from_rows(np.array([[0.0, 2.0], [0.0, 4.0]]))
            >>> moments.of_columns(np.array([1]), np.array([2.0])).mean.tolist()
            [1.5]
        """
        mean, scatter = self.mean[kept], self.scatter[kept][:, kept]
        if divisor is not None:
            mean, scatter = mean / divisor, scatter / np.outer(divisor, divisor)
        return Moments(self.n_rows, mean, scatter)

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


def needs_shrinkage(n_rows: int, n_columns: int) -> bool:
    """Whether rows are too few for their eigenvalues: below 20 per column.

    Args:
        n_rows: Rows.
        n_columns: Columns that change.

    Returns:
        False also for a single column, which has nothing to be shrunk to.

    Examples:
        >>> needs_shrinkage(100, 5), needs_shrinkage(99, 5)
        (False, True)
    """
    return n_columns > 1 and n_rows < ROWS_PER_COLUMN * n_columns


def shrinkage_weight(
    eigenvalues: Float[np.ndarray, " direction"],
    mean_fourth: float,
    n_columns: int,
    n_rows: int,
) -> float:
    r"""Ledoit and Wolf's weight of the scaled identity, from a few sums.

    .. math:: \frac{\tfrac1N (E\|x\|^4 - \|S\|_F^2)}
        {\|S\|_F^2 - \tfrac1d (\mathrm{tr}\,S)^2}

    Args:
        eigenvalues: Of the covariance S; zero ones may be missing.
        mean_fourth: Mean fourth power of the rows' distance from their mean.
        n_columns: Columns d, those of zero variance not counted.
        n_rows: Rows N.

    Returns:
        Weight in [0, 1].

    Examples:
        >>> shrinkage_weight(np.array([1.0, 1.0]), 8.0, 2, 10)
        1.0

    References:
        [ledoit:04]
    """
    square = float(np.sum(eigenvalues**2))
    noise = (mean_fourth - square) / n_rows
    spread = square - float(eigenvalues.sum()) ** 2 / n_columns
    if noise <= 0.0:
        return 0.0
    return 1.0 if spread <= noise else noise / spread


def second_moments(
    x: Float[np.ndarray, "row column"] | Iterable[np.ndarray],
    about: Float[np.ndarray, " column"],
) -> Float[np.ndarray, "column column"]:
    """Mean of (x - about)(x - about)^T over the rows.

    Args:
        x: Rows, at least one; or blocks of them.
        about: Point that they are taken about, e.g. the mean of other rows.

    Returns:
        Second moments; the covariance if `about` is the mean.

    Examples:
        >>> second_moments(np.array([[1.0], [3.0]]), np.zeros(1))
        array([[5.]])
    """
    moments = Moments.from_blocks([x] if isinstance(x, np.ndarray) else x)
    offset = moments.mean - about
    return moments.covariance() + np.outer(offset, offset)
