"""What of a report fits into the time that there is, decided before it is begun."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

from isthmus.core.errors import ValueOutOfRange
from isthmus.report.comparison import SEARCH
from isthmus.report.costs import Task, job_work
from isthmus.report.large import FIT_ROWS
from isthmus.report.style import count, duration, number

DEFAULT_SECONDS = 120.0
READING_SHARE = 1.0 / 3.0
"""Share of the budget after which a large source is not read on."""
_FITTING_SHARE = 0.5
_LEAST_SECONDS, _MOST_SECONDS = 5.0, 1e7
ORDER = ("design", "transform-coding", "random", "descent", SEARCH)
"""What is kept first; searches, by far the dearest, last."""


@dataclasses.dataclass(frozen=True)
class Schedule:
    """What to fit, and on how many rows.

    Attributes:
        n_fit: Training rows to fit on.
        jobs: Method and code length of each fit, in the order to work in.
        left_out: One sentence on everything that there is no time for.
    """

    n_fit: int
    jobs: tuple[tuple[str, int], ...]
    left_out: tuple[str, ...]


def checked_budget(seconds: float) -> float:
    """A budget in seconds, or an error that says what it may be.

    Examples:
        >>> checked_budget(60)
        60.0
    """
    if not _LEAST_SECONDS <= seconds <= _MOST_SECONDS:
        raise ValueOutOfRange(
            f"`analyse(budget=...)` must be {_LEAST_SECONDS:g} to {_MOST_SECONDS:g} "
            f"seconds; got {seconds}."
        )
    return float(seconds)


def schedule(task: Task, codes: Sequence[int], budget: float) -> Schedule:
    """Choose rows and fits that a slow core does in half of the budget.

    Operations are counted and divided by an assumed speed, so that the same data and
    budget give the same report on every machine. Decoders are fitted on all training
    rows if there is time for that, else on at most 20 000 of them. What is too long
    then is left out: cheap methods and short codes are kept first. Searches, which learn
    from at most 20 000 rows in any case, have no part in that choice of rows. Where
    nothing is left, a shorter code takes the place of those asked for.

    Args:
        task: Rows and columns; its `n_fit` says how many rows there are to fit on.
        codes: Code lengths.
        budget: Seconds in all.

    Returns:
        The schedule.

    Examples:
        >>> task = Task(1000, 800, 800, 200, 64, False)
        >>> [encoder for encoder, _ in schedule(task, [32], 120.0).jobs]
        ['design', 'transform-coding', 'random', 'descent', 'search']
    """
    allowed = _FITTING_SHARE * budget
    wanted = [(encoder, code) for encoder in ORDER for code in sorted(codes)]
    needed = [job_work(task, *job).assumed_seconds for job in wanted if job[0] != SEARCH]
    if sum(needed) > allowed:
        task = dataclasses.replace(task, n_fit=min(task.n_fit, FIT_ROWS))
    kept: list[tuple[str, int]] = []
    left_out, spent = [], 0.0
    for encoder, code in wanted:
        seconds = job_work(task, encoder, code).assumed_seconds
        if spent + seconds <= allowed:
            spent += seconds
            kept.append((encoder, code))
        else:
            left_out.append(_told(encoder, code, code / task.n_input, seconds))
    if not any(encoder == "design" for encoder, _ in kept):
        code = _affordable(task, min(codes), 0.5 * (allowed - spent))
        for encoder in ORDER:
            seconds = job_work(task, encoder, code).assumed_seconds
            if spent + seconds <= allowed or encoder == "design":
                spent += seconds
                kept.append((encoder, code))
        left_out.append(f"A code of {count(code)} bits per vector was measured instead.")
    kept.sort(key=lambda job: (job[1], ORDER.index(job[0])))
    return Schedule(task.n_fit, tuple(kept), tuple(left_out))


def _affordable(task: Task, below: int, seconds: float) -> int:
    """Longest power of two, shorter than all codes asked for, that there is time for."""
    code = 1
    while (
        2 * code < below and job_work(task, "design", 2 * code).assumed_seconds <= seconds
    ):
        code *= 2
    return code


def _told(encoder: str, code: int, rate: float, seconds: float) -> str:
    return (
        f"{encoder} at rate {number(rate)} ({count(code)} bits per vector) was left out: "
        f"about {duration(seconds)} on two slow cores. A larger --budget has room for it."
    )
