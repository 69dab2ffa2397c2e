"""What a report will cost, before the work starts."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Any

import numpy as np

from isthmus.core.protocol import held_out_count
from isthmus.report import advice, deep, penalties, sweeps
from isthmus.report.analysis import DEFAULT_RATES
from isthmus.report.budget import (
    DEFAULT_SECONDS,
    READING_SHARE,
    checked_budget,
    schedule,
)
from isthmus.report.costs import (
    EIGH,
    Task,
    Work,
    describing_work,
    job_work,
    moments_work,
)
from isthmus.report.decoders import (
    BUDGET_SHARE,
    choose_encoders,
    decoders_work,
    why_no_decoders,
)
from isthmus.report.dimensions import (
    dimensions_work,
    rows_looked_at,
    why_no_dimensions,
)
from isthmus.report.large import FIT_ROWS, KEPT, LARGE
from isthmus.report.records import to_plain
from isthmus.report.tasks import checked_rates, code_lengths, nearest_to_one
from isthmus.report.tears import tear_work

START_SECONDS = 1.8  # libraries, and writing the page, on a machine of its own
_START_BYTES = 1.8e8  # interpreter, libraries, and the page with its plotting library
_PER_ROW = 150.0  # bytes of a row's entry in that table
_BLOCK = 4096  # rows that a fit works on at once
_TORCH_BYTES = 3.3e8  # its libraries; without the extra the plan errs upwards
_NEIGHBOUR_BYTES = 1.1e8, 18.0  # of a library for holes, and of a pair of rows looked at
_TRAINED_ROWS_BYTES = 20.0  # of an entry of the rows that deep networks are trained on
_KEPT = 3.0  # times the rows in memory: those read, to fit on and to measure on


@dataclasses.dataclass(frozen=True)
class Speeds:
    """What this machine does in a second, measured.

    Attributes:
        flops: Operations of a float64 matrix product.
        entries: Entries of a float64 array, read and written once.
        rows: Rows read from the file, decoded and checked.
        start: Seconds (not per second) for the libraries and the page.
    """

    flops: float
    entries: float
    rows: float
    start: float = START_SECONDS


@dataclasses.dataclass(frozen=True)
class Plan:
    """What ``isthmus report`` is expected to take.

    Attributes:
        name: Of the data.
        n_rows: Rows.
        rows_known: Whether the file says how many; otherwise estimated from its size.
        n_columns: Columns; constant ones, which the report leaves out, are not known yet.
        dtype: Of the rows in memory.
        n_train: Rows to fit on.
        n_test: Rows held out.
        n_fit: Training rows that decoders are fitted on.
        n_codes: Code length at each rate.
        left_out: What the budget has no time for.
        memory_bytes: Peak.
        memory_free_bytes: What there is now; None where the system does not tell.
        operations: Floating-point operations of the matrix products.
        seconds: In all.
        parts: Seconds of each part; they add up to `seconds`.
        speeds: What this machine was measured to do.
    """

    name: str
    n_rows: int
    rows_known: bool
    n_columns: int
    dtype: str
    n_train: int
    n_test: int
    n_fit: int
    n_codes: tuple[int, ...]
    left_out: tuple[str, ...]
    memory_bytes: float
    memory_free_bytes: int | None
    operations: float
    seconds: float
    parts: dict[str, float]
    speeds: Speeds

    @property
    def fits(self) -> bool | None:
        """Whether the peak fits into the memory that is free; None if not known."""
        if self.memory_free_bytes is None:
            return None
        return self.memory_bytes <= self.memory_free_bytes

    def to_dict(self) -> dict[str, Any]:
        """Plain Python; JSON takes it."""
        plain: dict[str, Any] = to_plain(self)
        return {**plain, "fits": self.fits}


@dataclasses.dataclass(frozen=True)
class Size:
    """What the header of a file tells.

    Attributes:
        name: Of the data.
        n_rows: Rows.
        n_columns: Columns.
        dtype: Of the rows in memory: float32 or float64.
        rows_known: Whether the number of rows is exact.
    """

    name: str
    n_rows: int
    n_columns: int
    dtype: np.dtype
    rows_known: bool = True


def plan_report(
    size: Size,
    speeds: Speeds,
    *,
    rates: Sequence[float] = DEFAULT_RATES,
    budget: float = DEFAULT_SECONDS,
    compare_penalties: bool = False,
    advise: Sequence[float] = (),
    memory_free: int | None = None,
) -> Plan:
    """Add up what a report of so many rows and columns takes.

    Matrix products, eigenvalue problems and passes over the rows are counted one by one;
    descent is taken to need all steps that it may take, and no column to be constant, so
    that the sum errs upwards where either is not so.

    Args:
        size: Rows and columns.
        speeds: Of this machine.
        rates: Code symbols per column.
        budget: Seconds to keep to; see :func:`isthmus.report.analyse`.
        compare_penalties: As there.
        advise: As there.
        memory_free: Bytes that may be used; None where not known.

    Returns:
        The plan.

    Raises:
        ValueOutOfRange: If a rate is not positive and finite, or there are too few rows.

    Examples:
        >>> size = Size("x", 50_000, 100, np.dtype(np.float32))
        >>> plan = plan_report(size, Speeds(1e11, 1e9, 1e6), rates=[1])
        >>> plan.n_codes, plan.operations > 3 * 50_000 * 100**2
        ((100,), True)
    """
    n, d = size.n_rows, size.n_columns
    codes = tuple(code_lengths(checked_rates(rates), d))
    streamed = n * d * size.dtype.itemsize > LARGE
    n_test = held_out_count(n)
    n_train = n - n_test
    n_fit = n_train
    if streamed:
        room = max(64, KEPT // (d * size.dtype.itemsize))
        n_test = min(n_test, room // 3)
        n_fit = min(FIT_ROWS, room - n_test)
    task = Task(n, n_train, n_fit, n_test, d, size.dtype == np.float32)
    chosen = schedule(task, codes, checked_budget(budget))
    task = dataclasses.replace(task, n_fit=chosen.n_fit)
    moments = moments_work(task)
    read = n / speeds.rows + 6.0 * n * d / speeds.entries  # read, then checked
    operations = 0.0
    if streamed:
        operations = float(n) * d**2
        seconds = read + operations * task.row_flop / speeds.flops
        read = min(seconds, READING_SHARE * budget)
        operations *= read / seconds
        moments = Work(EIGH * d**3)
    parts = {"start": speeds.start, "read": read}
    code = nearest_to_one(chosen.jobs, d)
    compared = []
    if code is not None and not why_no_decoders(task, code, budget):
        encoders, _ = choose_encoders(task, code, task.n_directions, BUDGET_SHARE * budget)
        work = decoders_work(task, code, encoders)
        compared.append((f"decoders, {code} bits", work))
    if not why_no_dimensions(task, budget):
        compared.append(("dimensions", dimensions_work(task)))
        compared.append(("between rows", tear_work(task)))
    compared += [(name, work) for name, work in _trained(task, budget) if work is not None]
    late = chosen.left_out
    if compare_penalties:
        trained = penalties.planned(task, budget)
        compared += [] if trained is None else [("penalties", trained)]
        late += _no_penalties(task, budget)
    if advise:
        refused = advice.why_no_advice(task, advise, budget)
        late += (refused,) if refused else ()
        works = [advice.advice_work(task, bits) for bits in advise if not refused]
        compared += [("codecs", sum(works, Work(0.0)))] if works else []
    for name, work in (
        ("covariance", moments),
        ("describe", describing_work(task)),
        *(
            (f"{name}, {code} bits", job_work(task, name, code))
            for name, code in chosen.jobs
        ),
        *compared,
    ):
        parts[name] = work.flops / speeds.flops + work.entries / speeds.entries
        operations += work.flops
    return Plan(
        name=size.name,
        n_rows=n,
        rows_known=size.rows_known,
        n_columns=d,
        dtype=size.dtype.name,
        n_train=n_train,
        n_test=n_test,
        n_fit=chosen.n_fit,
        n_codes=codes,
        left_out=late,
        memory_bytes=_peak(size, task, max(code for _, code in chosen.jobs))
        + _sections(task, [name for name, _ in compared]),
        memory_free_bytes=memory_free,
        operations=operations,
        seconds=sum(parts.values()),
        parts=parts,
        speeds=speeds,
    )


def _trained(task: Task, budget: float) -> tuple[tuple[str, Work | None], ...]:
    """Parts that train deep networks; None where they are left out."""
    return (
        ("deep autoencoder", deep.planned(task, budget)),
        ("latent dimensions", sweeps.planned(task, budget)),
    )


def _no_penalties(task: Task, budget: float) -> tuple[str, ...]:
    """Why penalties are not compared, or which are left out."""
    names = penalties.affordable(task, penalties.BUDGET_SHARE * budget)
    told = penalties.why_no_penalties(task, budget) or penalties.left_out(task, names)
    return (told,) if told else ()


def _sections(task: Task, names: Sequence[str]) -> float:
    """Bytes of the sections after the codecs: measured, and what grows with the rows."""
    found = 0.0
    if any(name.startswith(("decoders", "deep", "latent")) for name in names):
        found += _TORCH_BYTES
    if "dimensions" in names:
        fixed, pair = _NEIGHBOUR_BYTES
        found += fixed + pair * min(rows_looked_at(task.n_input), task.n_train) ** 2
    if any(name.startswith(("deep", "latent", "penalties")) for name in names):
        found += _TRAINED_ROWS_BYTES * task.n_fit * task.n_input
    return found


def _peak(size: Size, task: Task, code: int) -> float:
    """Bytes at the larger of two heights: reading, and fitting."""
    d, r = task.n_input, task.n_directions
    item = size.dtype.itemsize
    kept = float(task.n_fit + task.n_test) * d * item
    least = min(task.n_train, d)
    reading = _KEPT * kept + _PER_ROW * (task.n_fit + task.n_test) + 24.0 * least**2
    matrices = 8.0 * (4 * code**2 + 5 * code * d + 3 * code * r + d * r)
    blocks = 16.0 * _BLOCK * (d + code)
    return _START_BYTES + max(reading, _KEPT * kept + matrices + blocks)
