"""Principal axes of training rows: where every fit starts, and what whitens."""

from __future__ import annotations

import dataclasses
import warnings

import numpy as np
from jaxtyping import Float

from isthmus.core.errors import DataError, DataWarning, ValueOutOfRange
from isthmus.core.linalg import descending_eigh, with_signs
from isthmus.core.tolerance import RELATIVE_RANK, ROWS_PER_COLUMN
from isthmus.data.moments import Moments, needs_shrinkage, shrinkage_weight

WIDEST = 4096
"""Columns up to which a basis of all directions is made."""

_BLOCK = 4096


@dataclasses.dataclass(frozen=True, eq=False)
class Principal:
    """Mean, eigenvalues and eigenvectors of a covariance, shrunk where rows are few.

    The basis has as many columns as there are directions. Fewer than all columns of the
    data are kept only where these are more than 4096 and the rows fewer than that: then
    the directions are those that the rows span, and shrinkage stays among them.

    Attributes:
        mean: Of the rows, "input".
        basis: Orthonormal columns, "input direction".
        eigenvalues: Variance along each, input units squared, largest first.
        shrinkage: Ledoit-Wolf weight in them; 0 at 20 or more rows per column.
        n_rows: Rows they come from.

    Examples:
        >>> rows = np.random.default_rng(0).normal(size=(400, 3)) * [3.0, 2.0, 1.0]
        >>> found = Principal.from_rows(rows)
        >>> np.round(np.sqrt(found.eigenvalues)).tolist(), found.rank
        ([3.0, 2.0, 1.0], 3)
    """

    mean: np.ndarray
    basis: np.ndarray
    eigenvalues: np.ndarray
    shrinkage: float
    n_rows: int

    def __post_init__(self) -> None:
        shape = (self.mean.size, self.eigenvalues.size)
        if self.mean.ndim != 1 or self.basis.shape != shape or self.eigenvalues.ndim != 1:
            raise ValueOutOfRange(
                "`Principal` must get a mean of shape (input,), a basis (input, direction) "
                f"and eigenvalues (direction,); got {self.mean.shape}, {self.basis.shape} "
                f"and {self.eigenvalues.shape}."
            )
        given = (self.mean, self.basis, self.eigenvalues)
        if not all(np.all(np.isfinite(array)) for array in given):
            raise ValueOutOfRange("`Principal` must get finite numbers.")
        if np.any(self.eigenvalues < 0) or np.any(np.diff(self.eigenvalues) > 0):
            raise ValueOutOfRange(
                "`Principal(eigenvalues=...)` must not be negative and not rise. Sort them "
                "and the columns of the basis, largest first."
            )

    @classmethod
    def from_rows(cls, x: Float[np.ndarray, "row input"]) -> Principal:
        """Principal axes of rows that are in memory.

        Where rows are fewer than columns, the eigenvalue problem has the size of the
        former.

        Args:
            x: Rows, finite, at least two.

        Returns:
            The axes.

        Raises:
            DataError: If there are no rows or columns, or a value is not finite.
        """
        if np.ndim(x) != 2 or 0 in np.shape(x):
            raise DataError(
                "`Principal.from_rows(x)` must have rows and columns; got shape "
                f"{np.shape(x)}."
            )
        x = np.asarray(x)
        if x.shape[0] >= x.shape[1]:
            moments = Moments.from_rows(x)
            return cls.from_moments(moments, mean_fourth_length(x, moments.mean))
        mean = x.mean(axis=0, dtype=np.float64)
        centred = x - mean
        live = np.ptp(x, axis=0) > 0
        centred[:, ~live] = 0.0
        values, basis = _of_span(centred)
        fourth = float(np.mean(np.einsum("ij,ij->i", centred, centred) ** 2))
        return cls._shrunk(mean, values, basis, live, fourth, x.shape[0])

    @classmethod
    def from_moments(cls, moments: Moments, mean_fourth: float | None = None) -> Principal:
        """Principal axes of rows that were added up.

        Args:
            moments: Of the rows.
            mean_fourth: Mean fourth power of the rows' distance from their mean, which
                tells how uncertain the covariance is; None for that of Gaussian rows.
                Used where there are fewer than 20 rows per column.

        Returns:
            The axes.
        """
        covariance = moments.covariance()
        if not np.isfinite(covariance).all():
            raise DataError(
                "`Principal` must come from finite rows, small enough to square. Leave out "
                "rows with missing values, or divide the data by a constant."
            )
        values, basis = descending_eigh(covariance)
        if mean_fourth is None:
            mean_fourth = float(values.sum() ** 2 + 2.0 * np.sum(values**2))
        live = np.diag(covariance) > 0
        return cls._shrunk(moments.mean, values, basis, live, mean_fourth, moments.n_rows)

    @classmethod
    def _shrunk(
        cls,
        mean: np.ndarray,
        values: np.ndarray,
        basis: np.ndarray,
        live: np.ndarray,
        fourth: float,
        n_rows: int,
    ) -> Principal:
        """Pull the eigenvalues of the live columns together where rows are few."""
        n_live = int(live.sum())
        if not needs_shrinkage(n_rows, n_live):
            return cls(mean, basis, values, 0.0, n_rows)
        weight = shrinkage_weight(values, fourth, n_live, n_rows)
        if n_live <= WIDEST:
            # All live directions take part, also those that no row has reached.
            basis = _completed(basis[:, : _rank(values)], live)
            size = n_live
        else:
            basis = basis[:, : _rank(values)]
            size = basis.shape[1]
        full = np.zeros(size)
        full[: min(values.size, size)] = values[:size]
        shrunk = (1.0 - weight) * full + weight * values.sum() / size
        return cls(mean, basis, shrunk, weight, n_rows)

    @property
    def n_input(self) -> int:
        """Columns of the data."""
        return int(self.mean.size)

    @property
    def rank(self) -> int:
        """Directions above rounding noise; below it, an inverse would be noise."""
        return _rank(self.eigenvalues)

    @property
    def n_changing(self) -> int:
        """Columns that the rows differ in."""
        kept = slice(self.rank)
        variance = np.square(self.basis[:, kept]) @ self.eigenvalues[kept]
        return int(np.count_nonzero(variance > 1e-20 * variance.max(initial=0.0)))

    @property
    def all_eigenvalues(self) -> Float[np.ndarray, " input"]:
        """One per column: zeros where there is no direction."""
        missing = self.n_input - self.eigenvalues.size
        return np.concatenate([self.eigenvalues, np.zeros(missing)])

    def coordinates(
        self, x: Float[np.ndarray, "row input"]
    ) -> Float[np.ndarray, "row direction"]:
        """Rows about the mean, along the axes; in the floating type of the rows."""
        centred = x - self.mean.astype(x.dtype, copy=False)
        return np.asarray(centred @ self.basis.astype(x.dtype, copy=False))

    def warn_of_few_rows(self) -> None:
        """Say that whitening rests on few rows, if it does.

        Warns:
            DataWarning: If the eigenvalues were shrunk.
        """
        if self.shrinkage > 0:
            warnings.warn(
                f"Whitening rests on {self.n_rows} rows for {self.n_input} columns, less "
                f"than {ROWS_PER_COLUMN} each: the eigenvalues were shrunk (Ledoit-Wolf, "
                f"weight {self.shrinkage:.2g}), and other rows come out less white.",
                DataWarning,
                stacklevel=3,
            )

    def whiten(
        self, x: Float[np.ndarray, "row input"], *, n_components: int | None = None
    ) -> Float[np.ndarray, "row component"]:
        """Rows in coordinates of unit variance; directions without any are left out.

        Args:
            x: Rows, any of the same columns.
            n_components: How many of the strongest directions; None for all of `rank`.

        Returns:
            White coordinates, in the floating type of the rows. Of other rows than those
            that the axes come from they are white as far as rows were enough.

        Warns:
            DataWarning: If there were fewer than 20 rows per column.

        Examples:
            >>> rows = np.random.default_rng(0).normal(size=(400, 3)) * [9.0, 5.0, 0.0]
            >>> white = Principal.from_rows(rows).whiten(rows)
            >>> np.round(np.cov(white.T, bias=True), 6).tolist()
            [[1.0, 0.0], [0.0, 1.0]]
        """
        self.warn_of_few_rows()
        kept = self.rank if n_components is None else min(n_components, self.rank)
        turn = self.basis[:, :kept] / np.sqrt(self.eigenvalues[:kept])
        centred = x - self.mean.astype(x.dtype, copy=False)
        return np.asarray(centred @ turn.astype(x.dtype, copy=False))

    def unwhiten(
        self, z: Float[np.ndarray, "row component"]
    ) -> Float[np.ndarray, "row input"]:
        """Rows that have these white coordinates, and nothing in other directions.

        Args:
            z: White coordinates, at most `rank` of them, strongest direction first.

        Returns:
            Rows in input units.
        """
        back = self.basis[:, : z.shape[1]] * np.sqrt(self.eigenvalues[: z.shape[1]])
        rows = z @ back.T.astype(z.dtype, copy=False)
        return np.asarray(rows + self.mean.astype(z.dtype, copy=False))


def mean_fourth_length(
    x: Float[np.ndarray, "row input"], mean: Float[np.ndarray, " input"]
) -> float:
    """Mean fourth power of the rows' distance from their mean, a block at a time.

    Examples:
        >>> mean_fourth_length(np.array([[2.0], [0.0]]), np.ones(1))
        1.0
    """
    total = 0.0
    for start in range(0, x.shape[0], _BLOCK):
        centred = x[start : start + _BLOCK] - mean
        total += float(np.sum(np.einsum("ij,ij->i", centred, centred) ** 2))
    return float(total / x.shape[0])


def _rank(eigenvalues: np.ndarray) -> int:
    return int(np.sum(eigenvalues > RELATIVE_RANK * np.max(eigenvalues, initial=0.0)))


def _of_span(centred: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Eigenvalues and axes of what few rows span, through their Gram matrix."""
    values, left = descending_eigh(centred @ centred.T / centred.shape[0])
    rank = _rank(values)
    turned = centred.T @ left[:, :rank]
    # Weak axes lose orthogonality to rounding; the factorisation gives it back and
    # keeps their order.
    basis, _ = np.linalg.qr(turned)
    return values[:rank], with_signs(basis)


def _completed(basis: np.ndarray, live: np.ndarray) -> np.ndarray:
    """The same columns, and more until they span all live columns of the data."""
    inside = basis[live]
    size, rank = inside.shape
    if rank == size:
        square = inside
    else:
        square, _ = np.linalg.qr(inside, mode="complete")
        square[:, :rank] = inside
    full = np.zeros((live.size, size))
    full[live] = square
    return full
