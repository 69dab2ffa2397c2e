"""Parts of a report that wait for all others, and are left out where time is short."""

from __future__ import annotations

from isthmus.core.progress import Progress
from isthmus.report.clock import Clock
from isthmus.report.decoders import (
    BUDGET_SHARE,
    ROOM,
    choose_encoders,
    compare_decoders,
    decoders_work,
    why_no_decoders,
)
from isthmus.report.dimensions import (
    Dimensions,
    dimensions_or_why,
    dimensions_work,
    why_no_dimensions,
)
from isthmus.report.reach import Ground
from isthmus.report.records import Decoded
from isthmus.report.rows import Rows
from isthmus.report.tears import Tear, measure_tear, tear_work


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
    found = compare_decoders(ground, n_code, encoders)
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
