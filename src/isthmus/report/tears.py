"""Where a continuous autoencoder of a given code length tears, as the page shows it."""

from __future__ import annotations

import dataclasses
import warnings
from typing import TYPE_CHECKING

import numpy as np

from isthmus.core.errors import SearchWarning
from isthmus.data import Principal
from isthmus.report.costs import Task, Work

if TYPE_CHECKING:
    from isthmus.report.dimension_records import Dimensions
    from isthmus.topology import ErrorCurve, FoldReport

MOST_ROWS = 2000
MOST_COLUMNS = 1000
_LEAST_ROWS = 20
_TRIES = 6e5  # points whose error is asked for
_CODE = 10  # latent dimensions that a plan assumes


@dataclasses.dataclass(frozen=True, eq=False)
class Tear:
    """Errors of principal components, as many as are ruled out or as the rows vary in.

    Lengths are in input units; an error is the distance from the reconstruction.

    Attributes:
        n_code: Latent dimensions, the leading principal axes.
        bound: Error that every continuous autoencoder with as many makes; 0 if none is
            certain.
        n_rows: Different rows among at most 2000 held-out ones, evenly spaced.
        median: Median error at them.
        max_at_rows: Largest error at them.
        max_error: Largest error found at or between them.
        location: Where, along the drawn axes.
        rows: Held-out rows along the leading axes, "row axis", two or three.
        error: Their errors.
        curve: Share of rows above each error, with its upper bound.
        parts: Rows at the ends of edges with an error above `epsilon`, by connected part.
        epsilon: That error.
    """

    n_code: int
    bound: float
    n_rows: int
    median: float
    max_at_rows: float
    max_error: float
    location: np.ndarray
    rows: np.ndarray
    error: np.ndarray
    curve: ErrorCurve
    parts: tuple[int, ...]
    epsilon: float


def tear_work(task: Task) -> Work:
    """Errors of many points between rows; nothing where columns are one or too many."""
    if not 2 <= task.n_input <= MOST_COLUMNS:
        return Work(0.0)
    tries = _TRIES + 100.0 * min(task.n_test, MOST_ROWS)
    return Work(4.0 * tries * task.n_input * _CODE, 3.0 * tries * task.n_input)


def measure_tear(
    principal: Principal, test: np.ndarray, shape: Dimensions | None
) -> Tear | None:
    """Hunt the worst error of principal components between held-out rows.

    Args:
        principal: Axes of the training rows.
        test: Held-out rows.
        shape: How many dimensions the rows have.

    Returns:
        The record; None where no dimension is known, where as many components leave
        nothing, or where different rows are too few or too wide.
    """
    from isthmus.topology.neighbours import different_rows

    n_input = principal.n_input
    if shape is None or not 2 <= n_input <= MOST_COLUMNS or len(test) < _LEAST_ROWS:
        return None
    certain = shape.certified_lower > 1
    n_code = shape.certified_lower - 1 if certain else shape.dimension
    if n_code >= principal.rank:
        return None
    rows = different_rows(test[:: -(-len(test) // MOST_ROWS)].astype(np.float64))[0]
    if len(rows) < _LEAST_ROWS:
        return None
    basis = principal.basis[:, :n_code]
    found = _folds(rows, principal.mean, basis)
    drawn = principal.basis[:, : min(3, principal.basis.shape[1])]
    along = (rows - principal.mean) @ drawn
    bound = shape.certificate.bound if certain and shape.certificate else 0.0
    centred = rows - principal.mean
    error = np.linalg.norm(centred - (centred @ basis) @ basis.T, axis=1)
    return Tear(
        n_code=n_code,
        bound=float(bound),
        n_rows=len(rows),
        median=found.median,
        max_at_rows=found.max_at_samples,
        max_error=found.max_error,
        location=(found.location - principal.mean) @ drawn,
        rows=along,
        error=error,
        curve=found.curve,
        parts=found.components,
        epsilon=found.epsilon,
    )


def _folds(rows: np.ndarray, mean: np.ndarray, basis: np.ndarray) -> FoldReport:
    from isthmus.topology import fold_report

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", SearchWarning)
        return fold_report(
            (lambda x: (x - mean) @ basis, lambda z: z @ basis.T + mean), rows
        )
