"""Second moments of a stream of blocks, without a copy of what was read."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
from jaxtyping import Float

from isthmus.core.errors import DataError, ValueOutOfRange

_BYTES = 2**26  # of the buffer that a block is centred in
_EXACT = 2**24  # float32 holds every whole number up to here
_ROUNDED = 1024  # rows per product where float32 may round
_WORTH = 512  # rows per product from which float32 beats float64
_NOISE = 1e-12  # of a column's size: float64 rounding, not a change
_WEAK = 1e-26  # sums of squares below this have lost digits in float32


def accumulate(
    blocks: Iterable[np.ndarray], *, products: str = "float64"
) -> tuple[int, Float[np.ndarray, " column"], Float[np.ndarray, "column column"]]:
    r"""Count, mean and centred second moment of all rows of some blocks.

    Every block is shifted by one fixed row s, near the mean of the first block, so that
    a large mean does not cancel:

    .. math:: \sum (x-m)(x-m)^T = \sum (x-s)(x-s)^T - N (m-s)(m-s)^T

    A first block of k rows cannot lie further from the mean than the data allow,
    \|m - s\|^2 \le (N/k) \lambda_1, so that at most log10(N/k) digits are lost.

    Small whole numbers (8-bit images) are multiplied in float32 over so few rows that
    every sum is exact, at twice the speed.

    Args:
        blocks: Rows, "row column", all with as many columns; a block is done with before
            the next is asked for, so that they may share a buffer.
        products: ``"float64"``, or ``"float32"`` for products of 1024 rows in float32 that
            are added up in float64: twice as fast, and good to 1e-6.

    Returns:
        Rows seen, their mean, and the scatter about it; the same in any order and any
        division into blocks, to 1e-10 relative to the largest eigenvalue (1e-6 with
        float32 products).

    Raises:
        DataError: If there are no rows, or the numbers of columns differ.
        ValueOutOfRange: If `products` is not known.

    Examples:
        >>> n_rows, mean, scatter = accumulate([np.eye(2), np.zeros((2, 2))])
        >>> n_rows, mean.tolist(), scatter.tolist()
        (4, [0.25, 0.25], [[0.75, -0.25], [-0.25, 0.75]])
    """
    if products not in ("float64", "float32"):
        raise ValueOutOfRange(
            "`Moments.from_blocks(products=...)` must be 'float64' or 'float32'; "
            f"got {products!r}."
        )
    sums: _Sums | None = None
    for block in blocks:
        rows = np.asarray(block)
        if rows.ndim != 2:
            raise DataError(
                "`Moments.from_blocks(blocks=...)` must have rows and columns; "
                f"got shape {rows.shape}."
            )
        if sums is not None and rows.shape[1] != sums.shift.size:
            raise DataError(
                f"`Moments.from_blocks(blocks=...)` must have {sums.shift.size} columns "
                f"in every block; got {rows.shape[1]}."
            )
        if rows.shape[0]:
            sums = _Sums(rows, products) if sums is None else sums
            sums.add(rows)
    if sums is None:
        raise DataError("`Moments.from_blocks(blocks=...)` must have rows; got none.")
    return sums.finish()


class _Sums:
    """Running sums about a fixed shift."""

    def __init__(self, first: np.ndarray, products: str):
        n_columns = first.shape[1]
        self.n_rows = 0
        # One shift for all columns keeps whole numbers whole; the middle of their range
        # keeps their squares small.
        middle = float(np.rint(0.5 * (float(first.min()) + float(first.max()))))
        self.small = _are_whole(first) and _exact_rows(first, middle) >= _WORTH
        self.single = products == "float32"
        if self.small:
            self.shift = np.full(n_columns, middle)
        else:
            constant = (first == first[0]).all(axis=0)
            mean = first.mean(axis=0, dtype=np.float64)
            self.shift = np.where(constant, first[0], mean).astype(np.float64)
        self.total = np.zeros(n_columns)
        # Upper triangles, in the order that BLAS adds to in place.
        self.products = np.zeros((n_columns, n_columns), order="F")
        self.piece = np.zeros((0, 0), np.float32, order="F")
        self.most = max(1, _BYTES // (8 * n_columns))
        self.buffer = np.empty((0, n_columns))
        self.means: list[np.ndarray] = []
        self.size = np.zeros(n_columns)  # of what rounds, where float32 may

    def add(self, rows: np.ndarray) -> None:
        """Add a block, a piece at a time."""
        self.n_rows += rows.shape[0]
        for start in range(0, rows.shape[0], self.most):
            piece = rows[start : start + self.most]
            exact = _exact_rows(piece, float(self.shift[0])) if self.small else 0
            if exact >= _WORTH and _are_whole(piece):
                for top in range(0, piece.shape[0], exact):
                    self._add_whole(piece[top : top + exact])
            elif self.single:
                for top in range(0, piece.shape[0], _ROUNDED):
                    self._add_rounded(piece[top : top + _ROUNDED])
            else:
                self._add_double(piece)

    def _add_double(self, rows: np.ndarray) -> None:
        if self.buffer.shape[0] < rows.shape[0]:
            self.buffer = np.empty(rows.shape)
        centred = np.subtract(rows, self.shift, out=self.buffer[: rows.shape[0]])
        self.total += centred.sum(axis=0)
        self._multiply_double(centred)

    def _add_whole(self, rows: np.ndarray) -> None:
        centred = rows.astype(np.float32) - np.float32(self.shift[0])
        self.total += centred.sum(axis=0, dtype=np.float64)
        self._multiply_single(centred)

    def _add_rounded(self, rows: np.ndarray) -> None:
        """About their own mean, so that float32 has only the spread to hold."""
        centred = rows - self.shift
        mean = centred.mean(axis=0)
        centred -= mean
        np.maximum(self.size, np.abs(mean) + np.abs(self.shift), out=self.size)
        self.total += rows.shape[0] * mean
        self._multiply_single(centred.astype(np.float32), centred)
        self.means.append(np.sqrt(rows.shape[0]) * mean)
        if len(self.means) == _ROUNDED:
            self._flush()

    def _flush(self) -> None:
        """Add what the means of the pieces contribute."""
        if self.means:
            self._multiply_double(np.stack(self.means))
            self.means = []

    def _multiply_double(self, centred: np.ndarray) -> None:
        from scipy.linalg.blas import dsyrk

        self.products = dsyrk(1.0, centred.T, beta=1.0, c=self.products, overwrite_c=1)

    def _multiply_single(
        self, centred: np.ndarray, exact: np.ndarray | None = None
    ) -> None:
        """In float32, unless columns that change there are too small for it."""
        from scipy.linalg.blas import ssyrk

        if not self.piece.size:
            self.piece = np.zeros(self.products.shape, np.float32, order="F")
        self.piece = ssyrk(1.0, centred.T, beta=0.0, c=self.piece, overwrite_c=1)
        if exact is not None:
            weak = np.flatnonzero(self.piece.diagonal() < _WEAK)
            if np.any(np.abs(exact[:, weak]).max(axis=0) > _NOISE * self.size[weak]):
                self._multiply_double(exact)
                return
        self.products += self.piece

    def finish(self) -> tuple[int, np.ndarray, np.ndarray]:
        """Mean and scatter about it."""
        self._flush()
        offset = self.total / self.n_rows
        scatter = np.triu(self.products)
        scatter += np.triu(scatter, 1).T
        both = np.outer(self.total, offset)
        scatter -= 0.5 * (both + both.T)
        still = np.diag(scatter) <= 0.0
        scatter[still] = scatter[:, still] = 0.0
        return self.n_rows, self.shift + offset, scatter


def _exact_rows(rows: np.ndarray, shift: float) -> int:
    """Rows whose sums of products about the shift float32 holds exactly."""
    least, largest = float(rows.min()), float(rows.max())
    if max(-least, largest) > _EXACT:
        return 0
    return int(_EXACT // max(largest - shift, shift - least, 1.0) ** 2)


def _are_whole(rows: np.ndarray) -> bool:
    """Whether all are whole numbers; mostly settled by the first row."""
    if rows.dtype.kind in "iub":
        return True
    return bool(np.all(rows[0] == np.rint(rows[0])) and np.all(rows == np.rint(rows)))
