"""What a report works on: code lengths, rows to fit on, and what the work depends on."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from isthmus.core.errors import ValueOutOfRange
from isthmus.core.random import as_rng, random_subset
from isthmus.report.costs import Task
from isthmus.report.rows import Rows

_HIGHEST_RATE = 1e6


def code_lengths(rates: Sequence[float], n_input: int) -> list[int]:
    """Different code lengths at these rates, at least 1, ascending.

    Examples:
        >>> code_lengths([0.25, 0.5, 1.0], 2)
        [1, 2]
    """
    return sorted({max(1, round(rate * n_input)) for rate in rates})


def task_of(rows: Rows) -> Task:
    """What the work depends on."""
    return Task(
        n_rows=rows.n_rows,
        n_train=rows.n_train,
        n_fit=rows.train.shape[0],
        n_test=rows.test.shape[0],
        n_input=rows.train.shape[1],
        single=rows.train.dtype == np.float32,
    )


def fit_rows(train: np.ndarray, n_fit: int, seed: int) -> np.ndarray:
    """So many of the rows, drawn at random; all if there are no more.

    Examples:
        >>> fit_rows(np.eye(5), 3, seed=0).shape
        (3, 5)
    """
    if n_fit >= train.shape[0]:
        return train
    chosen = np.sort(random_subset(as_rng(seed), train.shape[0], n_fit))
    return np.asarray(train[chosen])


def nearest_to_one(jobs: Sequence[tuple[str, int]], n_input: int) -> int | None:
    """Designed code length nearest to one symbol per column; None if there is none.

    Examples:
        >>> nearest_to_one([("design", 16), ("design", 60), ("random", 64)], 64)
        60
    """
    designed = [code for encoder, code in jobs if encoder == "design"]
    return min(designed, key=lambda code: abs(code - n_input), default=None)


def checked_rates(rates: Sequence[float]) -> tuple[float, ...]:
    """Different rates in ascending order, or an error that says what a rate is."""
    values = tuple(float(rate) for rate in np.atleast_1d(np.asarray(rates, dtype=float)))
    if not values:
        raise ValueOutOfRange("`analyse(rates=...)` must name at least one rate.")
    for rate in values:
        if not 0 < rate <= _HIGHEST_RATE:
            raise ValueOutOfRange(
                f"`analyse(rates=...)` must be positive and at most {_HIGHEST_RATE:g}; "
                f"got {rate}."
            )
    return tuple(sorted(set(values)))
