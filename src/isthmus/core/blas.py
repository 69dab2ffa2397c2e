"""Matrix products through SciPy's BLAS, for loops that factor matrices in between.

NumPy and SciPy each bring a BLAS with a pool of threads, and a pool that has just worked
spins for a while before it sleeps. A loop that multiplies with one and factors with the
other makes the two fight over the cores: on two of them, descent with 192 code symbols
took three times as long as on one. What such a loop calls often goes through here, so that
one pool does it all.
"""

from __future__ import annotations

import numpy as np
from jaxtyping import Float


def product(
    a: Float[np.ndarray, "n k"], b: Float[np.ndarray, "k m"]
) -> Float[np.ndarray, "n m"]:
    """``a @ b`` in float64, in C order; neither is copied if it is in C order.

    Examples:
        >>> product(np.array([[1.0, 2.0]]), np.array([[3.0], [4.0]])).tolist()
        [[11.0]]
    """
    from scipy.linalg.blas import dgemm

    return np.asarray(dgemm(1.0, b.T, a.T)).T


def gram(rows: Float[np.ndarray, "n k"]) -> Float[np.ndarray, "n n"]:
    """``rows @ rows.T`` in float64, symmetric to the last bit.

    Examples:
        >>> gram(np.array([[1.0, 2.0], [0.0, 3.0]])).tolist()
        [[5.0, 6.0], [6.0, 9.0]]
    """
    from scipy.linalg.blas import dsyrk

    lower = np.asarray(dsyrk(1.0, rows.T, trans=1)).T
    _mirror(lower)
    return lower


def inner(a: Float[np.ndarray, "n k"], b: Float[np.ndarray, "n k"]) -> float:
    """Sum of the products of all entries, without BLAS: it is bound by memory.

    Examples:
        >>> inner(np.eye(2), np.eye(2))
        2.0
    """
    return float(np.einsum("ij,ij->", a, b))


def _mirror(lower: np.ndarray, size: int = 256) -> None:
    """Copy the lower triangle of a square matrix to the upper one, in tiles."""
    n = lower.shape[0]
    for start in range(0, n, size):
        stop = min(start + size, n)
        lower[start:stop, stop:] = lower[stop:, start:stop].T
        tile = lower[start:stop, start:stop]
        above = np.triu_indices(stop - start, 1)
        tile[above] = tile.T[above]
