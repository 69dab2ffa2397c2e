"""Linear algebra that several floors need."""

from __future__ import annotations

import warnings

import numpy as np
from jaxtyping import Float

from isthmus.core.door import real_array
from isthmus.core.errors import DataWarning, ValueOutOfRange
from isthmus.core.tolerance import JITTER, RELATIVE_RANK, SYMMETRY

_LARGEST = 1e300


def descending_eigh(
    covariance: Float[np.ndarray, "d d"],
) -> tuple[Float[np.ndarray, " d"], Float[np.ndarray, "d d"]]:
    """Eigenvalues, largest first and never negative, and eigenvectors as columns.

    The largest entry of every eigenvector is positive, so that rounding does not turn
    one round.

    Examples:
        >>> values, vectors = descending_eigh(np.diag([1.0, 4.0]))
        >>> values.tolist(), vectors.tolist()
        ([4.0, 1.0], [[0.0, 1.0], [1.0, 0.0]])
    """
    values, vectors = np.linalg.eigh(covariance)
    return np.clip(values[::-1], 0.0, None), with_signs(vectors[:, ::-1])


def with_signs(vectors: Float[np.ndarray, "d k"]) -> Float[np.ndarray, "d k"]:
    """The same columns, their largest entries positive.

    Examples:
        >>> with_signs(np.array([[1.0, 2.0], [-3.0, 1.0]])).tolist()
        [[-1.0, 2.0], [3.0, 1.0]]
    """
    if not vectors.size:
        return vectors
    # Of entries equal to rounding the first one decides.
    size = np.abs(vectors)
    largest = np.argmax(size > (1.0 - 1e-6) * size.max(axis=0), axis=0)
    sign = np.where(np.take_along_axis(vectors, largest[None], axis=0) < 0, -1.0, 1.0)
    return vectors * sign


def check_covariance(name: str, covariance: object) -> Float[np.ndarray, "d d"]:
    """Symmetric positive semi-definite float64 copy, or an error that says why not."""
    sigma = check_symmetric(name, covariance)
    check_not_negative(name, np.linalg.eigvalsh(sigma))
    return sigma


def check_symmetric(name: str, covariance: object) -> Float[np.ndarray, "d d"]:
    """Symmetric float64 copy of a finite square matrix, or an error that says why not."""
    sigma = real_array(name, covariance)
    if sigma.ndim != 2 or sigma.shape[0] != sigma.shape[1] or sigma.shape[0] == 0:
        raise ValueOutOfRange(f"`{name}` must be a square matrix; got shape {sigma.shape}.")
    if not np.all(np.isfinite(sigma)):
        raise ValueOutOfRange(f"`{name}` must be finite; it holds NaN or infinity.")
    size = float(np.abs(sigma).max())
    if size > _LARGEST / sigma.shape[0]:
        raise ValueOutOfRange(
            f"`{name}` must be small enough to add up; its largest entry is {size:.3g}. "
            "Divide the data by a constant."
        )
    if float(np.abs(sigma - sigma.T).max()) > SYMMETRY * size:
        raise ValueOutOfRange(
            f"`{name}` must be symmetric; it differs from its transpose by "
            f"{np.abs(sigma - sigma.T).max():.3g}. Use (S + S.T) / 2 if that is noise."
        )
    return 0.5 * (sigma + sigma.T)


def check_not_negative(name: str, eigenvalues: Float[np.ndarray, " d"]) -> None:
    """Refuse eigenvalues of a covariance that are negative beyond rounding."""
    least = float(eigenvalues.min())
    if least < -SYMMETRY * float(np.abs(eigenvalues).max()):
        raise ValueOutOfRange(
            f"`{name}` must be positive semi-definite; its least eigenvalue is {least:.3g}."
        )


def solve_gram(
    gram: Float[np.ndarray, "n n"],
    right: Float[np.ndarray, "n m"],
    *,
    what: str | None = None,
) -> Float[np.ndarray, "n m"]:
    """Solve ``gram @ z = right`` for a positive semi-definite Gram matrix.

    Cholesky; where the matrix is singular the least-norm solution, with a warning that
    says `what` repeats itself, unless that is None.
    """
    from scipy import linalg

    eye = JITTER * np.trace(gram) / gram.shape[0]
    try:
        factor = linalg.cho_factor(gram, lower=True)
        pivots = np.diag(factor[0])
        if pivots.min() ** 2 > eye:
            solution: np.ndarray = linalg.cho_solve(factor, right)
            return solution
    except linalg.LinAlgError:
        pass
    if what is not None:
        warnings.warn(
            f"{what} repeat each other (the matrix to solve is singular); the repeated "
            "ones add nothing, and the least-norm solution is used.",
            DataWarning,
            stacklevel=3,
        )
    values, vectors = np.linalg.eigh(gram)
    keep = values > RELATIVE_RANK * values[-1]
    projected = (vectors[:, keep].T @ right) / values[keep, None]
    least_norm: np.ndarray = vectors[:, keep] @ projected
    return least_norm
