"""What data look like before anything is fitted."""

from __future__ import annotations

import numpy as np

from isthmus.data import Principal
from isthmus.report.records import DataFacts
from isthmus.report.rows import Rows

SHOWN = 12
_LEVEL_ROWS = 5000
_LEVEL_COLUMNS = 256


def describe(rows: Rows, principal: Principal, fit: np.ndarray) -> DataFacts:
    """Facts of the training rows, with the eigenvalues that every limit uses.

    Args:
        rows: What was read, split and scaled, constant columns left out.
        principal: Axes and eigenvalues of all training rows.
        fit: Training rows that are looked at one by one: all, or a sample.

    Returns:
        The facts.
    """
    dataset = rows.dataset
    eigenvalues = principal.all_eigenvalues
    variance = np.square(principal.basis) @ principal.eigenvalues
    return DataFacts(
        name=dataset.name,
        n_rows=rows.n_rows,
        n_columns=dataset.values.shape[1] + len(dataset.left_out),
        n_input=dataset.values.shape[1],
        n_train=rows.n_train,
        n_test=rows.test.shape[0],
        split=rows.split,
        n_duplicate_rows=rows.n_duplicate_rows,
        left_out=dataset.left_out,
        eigenvalues=eigenvalues,
        shrinkage=principal.shrinkage,
        n_effective=float(eigenvalues.sum() ** 2 / np.sum(eigenvalues**2)),
        excess_kurtosis=_excess_kurtosis(fit, principal.mean),
        zero_fraction=float(np.count_nonzero(fit == 0) / fit.size),
        n_levels=_levels(fit),
        largest_column_share=float(variance.max() / variance.sum()),
        sample_shape=dataset.sample_shape,
        samples=rows.original(rows.test[:SHOWN]),
        n_rows_dropped=rows.n_rows_dropped,
        scale=rows.scaling.kind,
        unit_norm=rows.unit_norm,
        n_moment_rows=principal.n_rows,
        n_fit_rows=fit.shape[0],
    )


def _excess_kurtosis(x: np.ndarray, mean: np.ndarray) -> float:
    """Excess kurtosis of each column, averaged with the variances as weights."""
    second, fourth = np.zeros(x.shape[1]), np.zeros(x.shape[1])
    for start in range(0, x.shape[0], 4096):
        square = np.square(x[start : start + 4096] - mean)
        second += square.sum(axis=0)
        fourth += np.square(square).sum(axis=0)
    live = second > 0
    kurtosis = fourth[live] / second[live] ** 2 * x.shape[0] - 3.0
    return float(np.average(kurtosis, weights=second[live]))


def _levels(x: np.ndarray) -> float:
    columns = np.unique(
        np.linspace(0, x.shape[1] - 1, min(x.shape[1], _LEVEL_COLUMNS)).astype(int)
    )
    rows = x[:_LEVEL_ROWS]
    return float(np.median([np.unique(rows[:, c]).size for c in columns]))
