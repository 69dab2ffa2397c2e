"""Parts of a report that wait for all others, and are left out where time is short."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from isthmus.core.errors import DataError
from isthmus.core.progress import Progress
from isthmus.report import advice, deep, penalties, sweeps
from isthmus.report.clock import Clock
from isthmus.report.decoders import (
    BUDGET_SHARE,
    ROOM,
    choose_encoders,
    compare_decoders,
    decoders_work,
    why_no_decoders,
)
from isthmus.report.dimension_records import Dimensions
from isthmus.report.dimensions import (
    dimensions_or_why,
    dimensions_work,
    why_no_dimensions,
)
from isthmus.report.reach import Ground
from isthmus.report.records import Decoded
from isthmus.report.rows import Rows
from isthmus.report.tears import Tear, measure_tear, tear_work

if TYPE_CHECKING:
    from isthmus.estimators import CodecAdvice, PenaltyComparison, Sweep


def decoders_in_time(
    ground: Ground, n_code: int | None, clock: Clock, budget: float, tell: Progress
) -> tuple[tuple[Decoded, ...], str]:
    """Decoders of the code nearest to one bit per column, and what was left out, why."""
    why = why_no_decoders(ground.task, n_code, budget)
    if why or n_code is None:
        return (), why
    if clock.seconds + decoders_work(ground.task, n_code).assumed_seconds > budget:
        return (), (
            "Decoders were not compared: this machine is slower than assumed, and the "
            f"budget of {budget:g} s would not do. {ROOM}"
        )
    room = min(BUDGET_SHARE * budget, budget - clock.seconds)
    encoders, why = choose_encoders(ground.task, n_code, ground.principal.rank, room)
    tell(f"decoders, {n_code} bits", 0, 1)
    try:
        found = compare_decoders(ground, n_code, encoders)
    except DataError as error:
        return (), f"Decoders were not compared: {error}"
    clock.lap(f"decoders, {n_code} bits")
    return found, why


def dimensions_in_time(
    rows: Rows, ground: Ground, clock: Clock, budget: float, tell: Progress
) -> tuple[Dimensions | None, str]:
    """How many latent dimensions the training rows need, or why that is not told."""
    why = why_no_dimensions(ground.task, budget)
    if why:
        return None, why
    if clock.seconds + dimensions_work(ground.task).assumed_seconds > budget:
        return None, (
            "The dimension was not looked at: this machine is slower than assumed, and "
            f"the budget of {budget:g} s would not do. {ROOM}"
        )
    tell("dimensions", 0, 1)
    found = dimensions_or_why(rows.train, seed=ground.seed)
    clock.lap("dimensions")
    return found


def tear_in_time(
    rows: Rows,
    ground: Ground,
    shape: Dimensions | None,
    clock: Clock,
    budget: float,
    tell: Progress,
) -> Tear | None:
    """What principal components lose between rows, if there is time to look."""
    if clock.seconds + tear_work(ground.task).assumed_seconds > budget:
        return None
    tell("between rows", 0, 1)
    found = measure_tear(ground.principal, rows.test, shape)
    clock.lap("between rows")
    return found


def sweep_in_time(
    ground: Ground,
    shape: Dimensions | None,
    clock: Clock,
    budget: float,
    tell: Progress,
) -> tuple[Sweep | None, str]:
    """Errors against the latent dimension, or why there are none."""
    why = sweeps.why_no_sweep(ground.task, shape, budget)
    if why or shape is None or not sweeps.has_rows(ground.task):
        return None, why
    codes = len(
        sweeps.sweep_codes(shape.dimension, shape.estimated_lower, ground.task.n_input)
    )
    room = min(sweeps.BUDGET_SHARE * budget, budget - clock.seconds)
    n_steps = sweeps.steps_in(ground.task, codes, room)
    if n_steps < sweeps.LEAST_STEPS:
        return None, (
            "Errors of autoencoders against the latent dimension were not measured: this "
            f"machine is slower than assumed, and the budget of {budget:g} s would not do. "
            f"{ROOM}"
        )
    tell("latent dimensions", 0, 1)
    found = sweeps.measure_sweep(ground, shape, n_steps)
    clock.lap("latent dimensions")
    return found, ""


def deep_in_time(
    ground: Ground,
    shape: Dimensions | None,
    clock: Clock,
    budget: float,
    tell: Progress,
) -> tuple[deep.Deep | None, str]:
    """A deep autoencoder off its training rows, or why there is none."""
    why = deep.why_no_deep(ground.task, budget)
    if why:
        return None, why
    room = min(deep.BUDGET_SHARE * budget, budget - clock.seconds)
    n_steps = deep.steps_in(ground.task, room)
    if n_steps < deep.LEAST_STEPS:
        return None, (
            "No deep autoencoder was trained: this machine is slower than assumed, and the "
            f"budget of {budget:g} s would not do. {ROOM}"
        )
    tell("deep autoencoder", 0, 1)
    found = deep.measure_deep(ground, shape, n_steps)
    clock.lap("deep autoencoder")
    return found, ""


def penalties_in_time(
    ground: Ground,
    shape: Dimensions | None,
    clock: Clock,
    budget: float,
    tell: Progress,
) -> tuple[PenaltyComparison | None, str]:
    """Penalties compared on the rows, and which were left out or why all were."""
    task = ground.task
    why = penalties.why_no_penalties(task, budget)
    if why:
        return None, why
    room = min(penalties.BUDGET_SHARE * budget, budget - clock.seconds)
    names = penalties.affordable(task, room)
    if not names:
        return None, (
            "Penalties were not compared: this machine is slower than assumed, and the "
            f"budget of {budget:g} s would not do. {ROOM}"
        )
    n_steps = penalties.steps_in(task, names, room)
    try:
        found = penalties.measure_penalties(ground, shape, names, n_steps, tell)
    except DataError as error:
        return None, f"Penalties were not compared: {error}"
    clock.lap("penalties")
    late = set(penalties.affordable(task, penalties.BUDGET_SHARE * budget)) - set(names)
    return found, penalties.left_out(task, names, slower=bool(late))


def advice_in_time(
    ground: Ground,
    wanted: Sequence[float],
    name: str,
    clock: Clock,
    budget: float,
    tell: Progress,
) -> tuple[tuple[CodecAdvice, ...], str]:
    """Codecs compared at each number of bits per column, or why they were not."""
    if not wanted:
        return (), ""
    why = advice.why_no_advice(ground.task, wanted, budget)
    if why:
        return (), why
    needed = sum(advice.advice_work(ground.task, b).assumed_seconds for b in wanted)
    if clock.seconds + needed > budget:
        return (), (
            "Codecs were not compared: this machine is slower than assumed, and the "
            f"budget of {budget:g} s would not do. {ROOM}"
        )
    found = advice.measure_advice(ground, wanted, name, tell)
    clock.lap("codecs")
    return found, ""
