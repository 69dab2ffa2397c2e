"""What data look like before anything is fitted."""

from __future__ import annotations

import numpy as np

from isthmus.core.linalg import descending_eigh
from isthmus.data import training_covariance
from isthmus.report.records import DataFacts
from isthmus.report.rows import Rows

_LEVEL_ROWS = 5000
_LEVEL_COLUMNS = 256


def describe(rows: Rows) -> DataFacts:
    """Facts of the training rows, with the eigenvalues that every limit uses.

    Args:
        rows: What was read, split and scaled, constant columns left out.

    Returns:
        The facts.
    """
    dataset, train, test = rows.dataset, rows.train, rows.test
    mean, covariance, shrinkage = training_covariance(train)
    eigenvalues, _ = descending_eigh(covariance)
    variance = np.diag(covariance)
    n_rows = dataset.values.shape[0] + (test.shape[0] if rows.split == "given" else 0)
    return DataFacts(
        name=dataset.name,
        n_rows=n_rows,
        n_columns=dataset.values.shape[1] + len(dataset.left_out),
        n_input=dataset.values.shape[1],
        n_train=train.shape[0],
        n_test=test.shape[0],
        split=rows.split,
        n_duplicate_rows=rows.held.n_duplicate_rows,
        left_out=dataset.left_out,
        eigenvalues=eigenvalues,
        shrinkage=shrinkage,
        n_effective=float(eigenvalues.sum() ** 2 / np.sum(eigenvalues**2)),
        excess_kurtosis=_excess_kurtosis(train, mean),
        zero_fraction=float(np.count_nonzero(train == 0) / train.size),
        n_levels=_levels(train),
        largest_column_share=float(variance.max() / variance.sum()),
        sample_shape=dataset.sample_shape,
        samples=rows.shown,
        n_rows_dropped=rows.n_rows_dropped,
        scale=rows.scale,
        unit_norm=rows.unit_norm,
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
