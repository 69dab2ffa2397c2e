"""Codecs compared on the rows of a report, when the reader asks for it."""

from __future__ import annotations

import importlib.util
from collections.abc import Sequence

import numpy as np

from isthmus.core.progress import Progress
from isthmus.estimators.advise import LEAST_ROWS, advise_rows
from isthmus.estimators.codec_ground import budget_of
from isthmus.estimators.codec_scores import CodecAdvice
from isthmus.report.costs import EIGH, Task, Work, fit_work, transform_work
from isthmus.report.decoders import ROOM
from isthmus.report.reach import Ground

BUDGET_SHARE = 0.5
_CLUSTERS, _ROUNDS, _SLOW = 256, 25, 10.0
"""Of each subquantiser, rounds of k-means, and its cost over that of a product."""
_OPQ_ROUNDS = 60  # of k-means, in ten steps with a decomposition each


def advice_work(task: Task, bits_per_dim: float) -> Work:
    """Every codec without and with a norm, on one thread."""
    bits = max(1, round(bits_per_dim * task.n_input))
    own = fit_work(task, bits) + transform_work(task)
    flops = 2.0 * own.flops
    if importlib.util.find_spec("faiss") is not None:
        rounds = 2.0 * task.n_fit * _CLUSTERS * task.n_input * _SLOW
        flops += 2.0 * rounds * (2 * _ROUNDS + _OPQ_ROUNDS)
        flops += 10 * EIGH * float(task.n_input) ** 3
    return Work(2.0 * flops, 2.0 * own.entries)


def why_no_advice(task: Task, wanted: Sequence[float], budget: float) -> str:
    """Why no codecs are compared, in one sentence; empty if they are.

    Examples:
        >>> task = Task(10, 5, 5, 5, 4, False)
        >>> why_no_advice(task, [1.0], 120.0)
        'Codecs were not compared: that needs at least 20 rows.'
    """
    if task.n_fit + task.n_test < LEAST_ROWS:
        return f"Codecs were not compared: that needs at least {LEAST_ROWS} rows."
    needed = sum(advice_work(task, bits).assumed_seconds for bits in wanted)
    if needed > BUDGET_SHARE * budget:
        return (
            "Codecs were not compared: that needs a budget of about "
            f"{needed / BUDGET_SHARE:.0f} s. {ROOM}"
        )
    return ""


def measure_advice(
    ground: Ground, wanted: Sequence[float], name: str, tell: Progress
) -> tuple[CodecAdvice, ...]:
    """Compare codecs on the rows of a report, at each number of bits per column.

    Args:
        ground: Training and held-out rows.
        wanted: Bits per column.
        name: Of the data.
        tell: Told of every codec.

    Returns:
        One comparison for each.
    """
    return tuple(
        advise_rows(
            ground.fit,
            ground.test,
            bits_per_dim=bits,
            name=name,
            seed=ground.seed,
            progress=tell,
        )
        for bits in wanted
    )


def checked_advice(wanted: Sequence[float] | float | None, n_input: int) -> list[float]:
    """Bits per column that were asked for; none if nobody asked.

    Raises:
        ValueOutOfRange: If one is outside its domain.

    Examples:
        >>> checked_advice(None, 8), checked_advice(0.5, 8)
        ([], [0.5])
    """
    found = [] if wanted is None else [float(bits) for bits in np.atleast_1d(wanted)]
    for bits in found:
        budget_of(bits, n_input)
    return found
