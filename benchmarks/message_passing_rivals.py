"""What others decode sparse rows from signs with, tuned on rows of their own."""

from __future__ import annotations

import warnings

import numpy as np

STEPS = (0.02, 0.1, 0.2, 0.3, 0.4, 0.6)
ALPHAS = (0.02, 0.05, 0.1, 0.15, 0.2, 0.3, 0.45)


def binary_thresholding(
    weight: np.ndarray,
    codes: np.ndarray,
    norms: np.ndarray,
    other: tuple,
    n_kept: int,
    n_iter: int = 100,
) -> np.ndarray:
    """Binary iterative hard thresholding that knows how many entries are not zero.

    Steps along the normalised gradient, of a length that is the best of six on other
    rows; rows of unit length, times the norm sent and the best multiple there.

    Args:
        weight: W, "code input".
        codes: ±1, "sample code".
        norms: Lengths of the rows.
        other: Rows, their codes and their norms, to tune with.
        n_kept: Entries that are not zero.
        n_iter: Steps.
    """
    x, y, lengths = other
    tried = []
    for step in STEPS:
        unit = _thresholded(weight, y, n_kept, step, n_iter) * lengths[:, None]
        multiple = np.sum(unit * x) / np.sum(unit * unit)
        tried.append((np.sum((multiple * unit - x) ** 2), step, multiple))
    _, step, multiple = min(tried)
    unit = _thresholded(weight, codes, n_kept, step, n_iter)
    return multiple * norms[:, None] * unit


def _thresholded(
    weight: np.ndarray, codes: np.ndarray, n_kept: int, step: float, n_iter: int
) -> np.ndarray:
    x = _kept(codes @ weight, n_kept)
    for _ in range(n_iter):
        wrong = codes - np.where(x @ weight.T >= 0, 1, -1).astype(codes.dtype)
        uphill = wrong @ weight
        length = np.linalg.norm(uphill, axis=1, keepdims=True)
        x = _kept(x + step * uphill / np.maximum(length, 1e-9), n_kept)
    return x


def _kept(x: np.ndarray, n_kept: int) -> np.ndarray:
    """The largest entries of each row, at unit length."""
    size = np.abs(x)
    least = np.partition(size, -n_kept, axis=1)[:, -n_kept, None]
    x = np.where(size >= least, x, 0)
    return x / np.linalg.norm(x, axis=1, keepdims=True)


def lasso(
    weight: np.ndarray, codes: np.ndarray, norms: np.ndarray, other: tuple
) -> np.ndarray:
    """Lasso of the signs on W; penalty and multiple of the norm are the best on other rows.

    Args:
        weight: W, "code input".
        codes: ±1, "sample code".
        norms: Lengths of the rows.
        other: Rows, their codes and their norms, to tune with.
    """
    x, y, lengths = other
    tried = []
    for alpha in ALPHAS:
        found = _sparse(weight, y[:12], alpha) * lengths[:12, None]
        multiple = np.sum(found * x[:12]) / max(np.sum(found * found), 1e-30)
        tried.append((np.sum((multiple * found - x[:12]) ** 2), alpha, multiple))
    _, alpha, multiple = min(tried)
    return multiple * norms[:, None] * _sparse(weight, codes, alpha)


def _sparse(weight: np.ndarray, codes: np.ndarray, alpha: float) -> np.ndarray:
    """Coefficients; the penalty is a share of the least one that leaves nothing."""
    from sklearn.linear_model import Lasso

    most = float(np.abs(codes @ weight).max(axis=1).mean()) / len(weight)
    model = Lasso(
        alpha=alpha * most,
        fit_intercept=False,
        precompute=np.asarray(weight.T @ weight),
        max_iter=300,
        tol=1e-3,
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # a thousandth of the gap is enough
        return model.fit(weight, codes.T).coef_.astype(np.float32)
