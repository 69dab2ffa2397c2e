"""Typical and largest errors against the latent dimension, as far as a report has time."""

from __future__ import annotations

import importlib.util
from typing import TYPE_CHECKING

import numpy as np

from isthmus.core.random import as_rng, random_subset
from isthmus.report.costs import Task, Work
from isthmus.report.dimension_records import Dimensions
from isthmus.report.reach import Ground

if TYPE_CHECKING:
    from isthmus.estimators import Sweep
    from isthmus.estimators.sweep_runs import Certificates

RESTARTS = 3
MOST_STEPS, LEAST_STEPS = 1000, 400
TRAIN_ROWS, TEST_ROWS, HUNTED_ROWS = 2000, 1000, 500
LEAST_ROWS = 50
BUDGET_SHARE = 0.2
HIDDEN = 64
BATCH = 128
MOST_CODES = 6
_MOST_CODE = 64
_STEP = 4e7  # operations that a step of the smallest network is worth
_HUNT_TRIES = 2e5
_HUNT = 2.5e10  # operations that a hunt in two columns is worth
_LOOKED_AT = 3  # latent dimensions that a report finds certificates of
NO_EXTRA = (
    "Errors against the latent dimension were not measured: that needs torch, which the "
    "extra brings: pip install 'isthmus[torch]'."
)


def sweep_codes(dimension: int, lower: int, most: int) -> list[int]:
    """Latent dimensions to train: about those that the rows were found to need.

    Args:
        dimension: Intrinsic dimension.
        lower: Least latent dimension, as far as estimated.
        most: Columns.

    Examples:
        >>> sweep_codes(1, 2, 5), sweep_codes(12, 12, 784)
        ([1, 2, 3], [1, 3, 6, 12, 24])
    """
    needed = max(dimension, lower)
    if needed <= MOST_CODES - 2:
        wanted = set(range(1, needed + 2))
    else:
        wanted = {1, needed // 4, needed // 2, dimension, needed, 2 * needed}
    return sorted(code for code in wanted if 1 <= code <= min(most, _MOST_CODE))


def sweep_work(task: Task, n_codes: int, n_steps: int) -> Work:
    """Training of all restarts, and errors of points between rows."""
    weights = 2.0 * HIDDEN * (task.n_input + HIDDEN)
    runs = float(RESTARTS * n_codes)
    training = n_steps * (6.0 * weights * BATCH + _STEP)
    return Work(runs * (training + 2.0 * weights * _HUNT_TRIES + _HUNT))


def steps_in(task: Task, n_codes: int, seconds: float) -> int:
    """Steps of each that fit, at most 1000."""
    none, one = (sweep_work(task, n_codes, n).assumed_seconds for n in (0, 1))
    return int(np.clip((seconds - none) / (one - none), 0, MOST_STEPS))


def has_rows(task: Task) -> bool:
    """Whether there are rows and columns enough."""
    return task.n_input >= 2 and min(task.n_fit, task.n_test) >= LEAST_ROWS


def why_no_sweep(task: Task, shape: Dimensions | None, budget: float) -> str:
    """Why it is not made, in one sentence; empty if it is, or if no dimension is known."""
    if shape is None or not has_rows(task):
        return ""
    if importlib.util.find_spec("torch") is None:
        return NO_EXTRA
    codes = len(sweep_codes(shape.dimension, shape.estimated_lower, task.n_input))
    if steps_in(task, codes, BUDGET_SHARE * budget) < LEAST_STEPS:
        seconds = sweep_work(task, codes, LEAST_STEPS).assumed_seconds / BUDGET_SHARE
        return (
            "Errors of autoencoders against the latent dimension were not measured: that "
            f"needs a budget of about {seconds:.0f} s. A larger --budget has room for it; "
            "in Python, isthmus.sweep makes them."
        )
    return ""


def planned(task: Task, budget: float) -> Work | None:
    """Of as many steps as there is time for at five code lengths; None if left out."""
    codes = MOST_CODES - 1
    n_steps = steps_in(task, codes, BUDGET_SHARE * budget)
    torch = importlib.util.find_spec("torch") is not None
    if n_steps < LEAST_STEPS or not (torch and has_rows(task)):
        return None
    return sweep_work(task, codes, n_steps)


def measure_sweep(ground: Ground, shape: Dimensions, n_steps: int) -> Sweep:
    """Train three autoencoders of each latent dimension; hunt their largest errors."""
    from isthmus.estimators.sweep import swept
    from isthmus.estimators.sweep_runs import Samples

    rng = as_rng(ground.seed)
    train = _some(ground.fit, TRAIN_ROWS, rng)
    test = _some(ground.test, TEST_ROWS, rng)
    most = min(ground.task.n_input, ground.principal.rank)
    codes = np.array(sweep_codes(shape.dimension, shape.estimated_lower, most))
    size = min(BATCH, len(train))
    return swept(
        codes,
        Samples(train, test, test[:HUNTED_ROWS]),
        _known(shape, codes),
        n_restarts=RESTARTS,
        n_jobs=None,
        rng=rng,
        hidden_layer_sizes=(HIDDEN, HIDDEN),
        activation="tanh",
        batch_size=size,
        learning_rate=3e-3,
        n_epochs=max(1, round(n_steps * size / len(train))),
    )


def _some(rows: np.ndarray, count: int, rng: np.random.Generator) -> np.ndarray:
    chosen = random_subset(rng, len(rows), min(len(rows), count))
    return np.asarray(rows[np.sort(chosen)], dtype=np.float64)


def _known(shape: Dimensions, codes: np.ndarray) -> Certificates:
    """What the section before found of each; nothing is looked for again."""
    from isthmus.estimators.sweep_runs import Certificates

    bound, p_value = np.full(codes.size, np.nan), np.full(codes.size, np.nan)
    if shape.no_holes:
        return Certificates(bound, p_value, shape.no_holes)
    bound[codes <= _LOOKED_AT] = 0.0
    for status in shape.codes:
        here = (codes >= status.n_code) & (codes <= status.last)
        if status.status == "obstructed" and status.certificate is not None:
            bound[here] = status.certificate.bound
            p_value[here] = status.certificate.p_value
    return Certificates(bound, p_value)
