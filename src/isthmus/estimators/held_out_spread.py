"""How far other rows spread along principal axes that few rows have chosen."""

from __future__ import annotations

import numpy as np
from jaxtyping import Float
from sklearn.isotonic import isotonic_regression

from isthmus.core.linalg import descending_eigh
from isthmus.core.protocol import group_of_row
from isthmus.core.tolerance import RELATIVE_RANK

_FOLDS = 5


def held_out_variances(
    x: Float[np.ndarray, "row input"], n_directions: int
) -> Float[np.ndarray, " direction"]:
    r"""Variances of rows left out, along the principal axes of the others.

    Axes that were chosen for the spread of few rows have less of it in other rows, and
    directions that no row reaches have more than none. Five-fold: axes and mean from four
    parts, squares of the fifth along each axis, averaged by the axes' order and made not
    to rise. What the axes do not reach is spread evenly over the other directions.

    Everything is read off the Gram matrix of the rows, so that the cost does not grow
    with their columns but for that matrix.

    Args:
        x: Rows, fewer than columns. Equal rows stay in one part.
        n_directions: Directions in all, at least as many as there are rows.

    Returns:
        One variance per direction, input units squared, not rising. Their sum is the mean
        squared distance of a row from the mean of the other parts.

    Examples:
        >>> x = np.random.default_rng(0).standard_normal((40, 400))
        >>> found = held_out_variances(x, 400)
        >>> bool(abs(found.sum() / 400 - 1) < 0.1), bool(0.5 < found[0] < 1.5)
        (True, True)

    References:
        [ledoit:04], [bartz:16]
    """
    group = group_of_row(x)
    n_folds = min(_FOLDS, int(group.max()) + 1)
    part = np.random.default_rng(0).permutation(int(group.max()) + 1)[group] % n_folds
    rows = x - x.mean(axis=0, dtype=np.float64)
    gram = rows @ rows.T
    found = [_of_fold(gram, part == fold) for fold in range(n_folds)]
    reached = min(squares.size for squares, _ in found)
    total = sum(lengths for _, lengths in found) / x.shape[0]
    along = sum(squares[:reached] for squares, _ in found) / x.shape[0]
    variance = np.empty(n_directions)
    variance[:reached] = along
    rest = max(0.0, total - float(np.sum(along)))
    variance[reached:] = rest / max(1, n_directions - reached)
    return np.asarray(isotonic_regression(variance, increasing=False))


def _of_fold(gram: np.ndarray, out: np.ndarray) -> tuple[np.ndarray, float]:
    """Sums of squares of some rows along the axes of the others, and of all of them.

    Centring about the mean of the others turns a block of the Gram matrix into that of
    the centred rows.
    """
    inner, cross = gram[np.ix_(~out, ~out)], gram[np.ix_(out, ~out)]
    row = inner.mean(axis=1)
    middle = float(row.mean())
    across = cross - cross.mean(axis=1, keepdims=True) - row + middle
    length = np.diag(gram)[out] - 2.0 * cross.mean(axis=1) + middle
    values, vectors = descending_eigh(inner - row - row[:, None] + middle)
    rank = int(np.sum(values > RELATIVE_RANK * max(values[0], 0.0)))
    squares = np.square(across @ vectors[:, :rank]).sum(axis=0) / values[:rank]
    return squares, float(length.sum())
