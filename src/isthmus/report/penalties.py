"""Penalties compared on the rows of a report, when the reader asks for it."""

from __future__ import annotations

import importlib.util
from typing import TYPE_CHECKING

import numpy as np

from isthmus.core.progress import Progress
from isthmus.core.random import as_rng, random_subset
from isthmus.estimators.compare_penalties import (
    LEAST_ROWS,
    PENALTIES,
    compare_penalties,
)
from isthmus.report.costs import Task, Work
from isthmus.report.decoders import ROOM
from isthmus.report.deep import HIDDEN, MOST_COLUMNS, code_length
from isthmus.report.dimension_records import Dimensions
from isthmus.report.reach import Ground

if TYPE_CHECKING:
    from isthmus.estimators import PenaltyComparison

BUDGET_SHARE = 0.4
MOST_STEPS, LEAST_STEPS = 1500, 300
MOST_ROWS = 5000
SEEDS, WEIGHTS = 3, 2
COSTS = {
    "weight-decay": 1.4,
    "denoising": 1.3,
    "contractive": 1.7,
    "lie-1": 2.6,
    "cycle-consistency": 1.6,
    "higher-order-contractive": 2.0,
    "lie-2": 3.2,
    "orbit-augmentation": 3.9,
}
"""Time of a step over that of one without a penalty, measured."""
_BATCH = 128
_STEP = 4e7  # operations that a step of the smallest network is worth
NO_EXTRA = (
    "Penalties were not compared: that needs torch, which the extra brings: "
    "pip install 'isthmus[torch]'."
)


def penalties_work(task: Task, names: tuple[str, ...], n_steps: int) -> Work:
    """Training of all weights for one seed, and of the chosen ones for the others."""
    weights = 2.0 * (task.n_input * HIDDEN[0] + HIDDEN[0] * HIDDEN[1])
    step = 6.0 * weights * _BATCH + _STEP
    runs = SEEDS + (WEIGHTS + SEEDS - 1) * sum(COSTS[name] for name in names)
    return Work(runs * n_steps * step)


def steps_in(task: Task, names: tuple[str, ...], seconds: float) -> int:
    """Steps of each that fit, at most 1500."""
    one = penalties_work(task, names, 1).assumed_seconds
    return int(np.clip(seconds / one, 0, MOST_STEPS))


def affordable(task: Task, seconds: float) -> tuple[str, ...]:
    """As many penalties, the first ones first, as there is time to train with.

    Examples:
        >>> task = Task(1000, 800, 800, 200, 64, False)
        >>> len(affordable(task, 1e3)), affordable(task, 5.0), affordable(task, 1.0)
        (8, ('weight-decay',), ())
    """
    for count in range(len(PENALTIES), 0, -1):
        if steps_in(task, PENALTIES[:count], seconds) >= LEAST_STEPS:
            return PENALTIES[:count]
    return ()


def why_no_penalties(task: Task, budget: float) -> str:
    """Why none are compared, in one sentence; empty if some are."""
    if importlib.util.find_spec("torch") is None:
        return NO_EXTRA
    if task.n_fit + task.n_test < LEAST_ROWS:
        return f"Penalties were not compared: that needs at least {LEAST_ROWS} rows."
    if not 2 <= task.n_input <= MOST_COLUMNS:
        return (
            f"Penalties were not compared: a report does so for 2 to {MOST_COLUMNS:,} "
            "columns. In Python, isthmus.compare_penalties takes more."
        )
    if not affordable(task, BUDGET_SHARE * budget):
        needed = penalties_work(task, PENALTIES[:1], LEAST_STEPS).assumed_seconds
        return (
            "Penalties were not compared: one of them needs a budget of about "
            f"{needed / BUDGET_SHARE:.0f} s, all of them {_needed(task):.0f} s. {ROOM}"
        )
    return ""


def planned(task: Task, budget: float) -> Work | None:
    """Of as many penalties and steps as there is time for; None where left out."""
    if why_no_penalties(task, budget):
        return None
    names = affordable(task, BUDGET_SHARE * budget)
    return penalties_work(task, names, steps_in(task, names, BUDGET_SHARE * budget))


def left_out(task: Task, names: tuple[str, ...], *, slower: bool = False) -> str:
    """Which penalties there was no time for, and why; empty if there was.

    Args:
        task: Rows and columns.
        names: Of those that there was time for.
        slower: Whether others were planned, and the machine was slower than assumed.
    """
    missing = [name for name in PENALTIES if name not in names]
    if not missing:
        return ""
    if slower:
        return (
            f"No time for {', '.join(missing)}: this machine is slower than assumed. {ROOM}"
        )
    return (
        f"No time for {', '.join(missing)}: all penalties need a budget of about "
        f"{_needed(task):.0f} s. {ROOM}"
    )


def measure_penalties(
    ground: Ground,
    shape: Dimensions | None,
    names: tuple[str, ...],
    n_steps: int,
    tell: Progress,
) -> PenaltyComparison:
    """Compare penalties on the rows of a report, held-out ones among them.

    Nothing else is chosen by what comes out, so that the comparison may split all rows.

    Args:
        ground: Training and held-out rows.
        shape: How many dimensions the rows have; None if that is not known.
        names: Of the penalties.
        n_steps: Mini-batches of each.
        tell: Told of every run.

    Returns:
        The comparison.

    Raises:
        DataError: If the rows cannot be split.
    """
    rows = np.concatenate([ground.fit, ground.test])
    chosen = random_subset(as_rng(ground.seed), len(rows), min(len(rows), MOST_ROWS))
    return compare_penalties(
        rows[np.sort(chosen)],
        n_code=code_length(ground, shape)[0],
        penalties=names,
        n_seeds=SEEDS,
        rng=ground.seed,
        hidden_layer_sizes=HIDDEN,
        n_steps=n_steps,
        n_weights=WEIGHTS,
        progress=tell,
    )


def _needed(task: Task) -> float:
    """Budget in which all penalties fit, seconds."""
    work = penalties_work(task, PENALTIES, LEAST_STEPS)
    return 1.01 * work.assumed_seconds / BUDGET_SHARE
