"""Analyse data: split, fit, measure, compare, judge."""

from __future__ import annotations

import contextlib
import datetime
import importlib.metadata
import warnings
from collections.abc import Sequence
from typing import Literal

import numpy as np

from isthmus.core.errors import DataWarning
from isthmus.core.progress import Progress
from isthmus.core.random import as_rng
from isthmus.core.tolerance import ROWS_PER_COLUMN
from isthmus.data.scaling import ScaleName
from isthmus.estimators.parameters import check_spread
from isthmus.report.advice import checked_advice
from isthmus.report.budget import (
    DEFAULT_SECONDS,
    READING_SHARE,
    Schedule,
    checked_budget,
    schedule,
)
from isthmus.report.clock import Clock, Pace
from isthmus.report.curves import limit_curves
from isthmus.report.decoders import (
    ROOM,
)
from isthmus.report.facts import describe
from isthmus.report.in_time import (
    advice_in_time,
    decoders_in_time,
    deep_in_time,
    dimensions_in_time,
    penalties_in_time,
    sweep_in_time,
    tear_in_time,
)
from isthmus.report.judgement import judge
from isthmus.report.reach import Ground, examples, reach
from isthmus.report.read import read_rows
from isthmus.report.records import (
    Analysis,
    DataFacts,
    Examples,
    Method,
    Reached,
)
from isthmus.report.rows import Reading, Rows
from isthmus.report.tasks import (
    checked_rates,
    code_lengths,
    fit_rows,
    nearest_to_one,
    task_of,
)

DEFAULT_RATES = (0.25, 0.5, 1.0)
_PACKAGES = ("isthmus", "numpy", "scipy", "scikit-learn", "plotly")
_EXTRAS = ("torch", "gudhi", "faiss-cpu")
_LONG = ("descent", "search")
_OUTWEIGHS = 10.0  # times the variance of the others: a column in a smaller unit


def analyse(
    data: object,
    *,
    rates: Sequence[float] = DEFAULT_RATES,
    X_test: object | None = None,
    split: Literal["random", "last"] = "random",
    columns: Sequence[str] | None = None,
    drop: Sequence[str] = (),
    drop_missing: bool = False,
    scale: ScaleName = "none",
    budget: float = DEFAULT_SECONDS,
    compare_penalties: bool = False,
    advise: float | Sequence[float] | None = None,
    seed: int = 0,
    command: str | None = None,
    progress: Progress | None = None,
) -> Analysis:
    """Measure what a sign autoencoder does to data, beside what it could do.

    Args:
        data: Built-in name, path or array with rows first; see :func:`isthmus.data.load`.
        rates: Code symbols per column, each positive.
        X_test: Held-out rows in the same form; None draws them from `data`.
        split: How they are drawn: ``"random"``, or ``"last"`` for time series.
        columns: Names of the only columns to read; None reads all.
        drop: Names of columns to leave out; gaps and text in them do no harm.
        drop_missing: Leave out rows with a missing value, and count them.
        scale: ``"standard"`` divides columns by their standard deviations over the
            training rows, ``"log1p"`` takes log(1 + value); every number is then in
            these units. ``"none"`` leaves all as it is.
        budget: Seconds to keep to, about. A source of more than 256 MB is read for a
            third of them; fits that a slow core has no time for use fewer rows, or are
            left out and named.
        compare_penalties: Also train autoencoders with and without penalties, and tell
            which one helps; takes up to two fifths of the budget.
        advise: Bits per column at which codecs are compared, for storage and for search,
            those of faiss among them if it is installed; None compares none. Takes up to
            half of the budget.
        seed: Seed of the draw and of the frames.
        command: What to print as the command that makes this again.
        progress: Called with a label, the steps done and the steps in all.

    Returns:
        Every number of the report, on held-out rows and with standard errors.

    Raises:
        DataError: If the data cannot be used.
        ValueOutOfRange: If a rate or the seed is not positive and finite, or there is no
            such scale.

    Warns:
        DataWarning: If data were converted, scaled, left out, or are too few, or a
            column looks like a label.

    Examples:
        >>> import warnings
        >>> with warnings.catch_warnings():
        ...     warnings.simplefilter("ignore")
        ...     result = analyse("digits", rates=[0.5])
        >>> result.reached[0].encoder, 0.25 < result.reached[0].nmse < 0.35
        ('design', True)
    """
    rates = checked_rates(rates)
    budget = checked_budget(budget)
    as_rng(seed)
    reading = Reading(columns, drop, drop_missing, scale)
    tell = progress or (lambda label, done, total: None)
    clock = Clock()
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always", DataWarning)
        tell("reading", 0, 1)
        rows = read_rows(
            data,
            X_test=X_test,
            split=split,
            seed=seed,
            reading=reading,
            seconds=READING_SHARE * budget,
            progress=tell,
        )
        check_spread(rows.train, name=rows.dataset.name)
        wanted = checked_advice(advise, rows.train.shape[1])
        clock.lap("read")
        tell("covariance", 0, 1)
        principal = rows.principal()
        clock.lap("covariance")
        codes = code_lengths(rates, principal.n_input)
        task = task_of(rows)
        plan = schedule(task, codes, budget)
        fit = fit_rows(rows.train, plan.n_fit, seed)
        facts = describe(rows, principal, fit)
        _warn_of_few_rows(facts)
        clock.lap("describe")
        lengths = sorted({*codes, *(code for _, code in plan.jobs)})
        curves = limit_curves(facts.eigenvalues, lengths)
        ground = Ground.prepare(rows, task, principal, fit, seed)
        clock.lap("limits")
        reached, shown, late = _reach_all(rows, ground, plan, clock, budget, tell)
        nearest = nearest_to_one(plan.jobs, principal.n_input)
        decoders, no_decoders = decoders_in_time(ground, nearest, clock, budget, tell)
        shape, no_shape = dimensions_in_time(rows, ground, clock, budget, tell)
        tear = tear_in_time(rows, ground, shape, clock, budget, tell)
        deep, no_deep = deep_in_time(ground, shape, clock, budget, tell)
        compared, no_penalties = None, ""
        if compare_penalties:
            compared, no_penalties = penalties_in_time(ground, shape, clock, budget, tell)
        advice, no_advice = advice_in_time(ground, wanted, facts.name, clock, budget, tell)
        sweep, no_sweep = sweep_in_time(ground, shape, clock, budget, tell)
    for warning in caught:
        warnings.warn_explicit(
            warning.message, warning.category, warning.filename, warning.lineno
        )
    messages = [str(w.message) for w in caught if w.category is DataWarning]
    return Analysis(
        data=facts,
        limits=curves,
        reached=tuple(reached),
        verdict=judge(facts, reached, decoders, shape, advice),
        warnings=tuple(dict.fromkeys(messages)),
        method=_method(
            command or f"isthmus.analyse({facts.name!r}{reading.arguments()})",
            seed,
            clock.timings(),
        ),
        examples=shown,
        left_out=plan.left_out
        + late
        + tuple(
            why
            for why in (no_decoders, no_shape, no_sweep, no_deep, no_penalties, no_advice)
            if why.endswith(ROOM)
        ),
        decoders=decoders,
        no_decoders=no_decoders,
        dimensions=shape,
        no_dimensions=no_shape,
        tear=tear,
        sweep=sweep,
        no_sweep=no_sweep,
        deep=deep,
        no_deep=no_deep,
        penalties=compared,
        no_penalties=no_penalties,
        advice=advice,
        no_advice=no_advice,
    )


def _reach_all(
    rows: Rows,
    ground: Ground,
    plan: Schedule,
    clock: Clock,
    budget: float,
    tell: Progress,
) -> tuple[list[Reached], Examples | None, tuple[str, ...]]:
    """Work through the schedule; what the clock leaves no time for is named.

    Descent and search, which can be had later and take longest, wait for all others.
    """
    reached: list[Reached] = []
    shown: Examples | None = None
    others: dict[int, dict[str, np.ndarray]] = {}
    late: list[str] = []
    nearest = nearest_to_one(plan.jobs, ground.principal.n_input)
    pace = Pace(ground.task)
    jobs = sorted(plan.jobs, key=lambda job: _LONG.index(job[0]) if job[0] in _LONG else -1)
    for done, (encoder, n_code) in enumerate(jobs):
        if reached and clock.seconds + pace.expected(encoder, n_code) > budget:
            late.append(
                f"{encoder} at {n_code} bits per vector was left out: this machine is "
                f"slower than assumed, and the budget of {budget:g} s would not do."
            )
            continue
        tell(f"{encoder}, {n_code} bits", done, len(jobs))
        before = others.setdefault(n_code, {})
        record, model, errors = reach(ground, n_code, encoder, before)
        before[encoder] = errors
        if encoder == "design" and (shown is None or n_code == nearest):
            shown = examples(rows, ground, model, errors)
        reached.append(record)
        pace.note(encoder, n_code, clock.lap(f"{encoder}, {n_code} bits"))
    tell("done", len(jobs), len(jobs))
    reached.sort(key=lambda row: plan.jobs.index((row.encoder, row.n_code)))
    return reached, shown, tuple(late)


def _warn_of_few_rows(facts: DataFacts) -> None:
    if facts.n_train < ROWS_PER_COLUMN * facts.n_input:
        few = "fewer rows than columns" if facts.n_train < facts.n_input else "few rows"
        warnings.warn(
            f"{few.capitalize()}: {facts.n_train:,} training rows for {facts.n_input:,} "
            f"columns, less than {ROWS_PER_COLUMN} each. The eigenvalues were shrunk "
            f"(Ledoit-Wolf, weight {facts.shrinkage:.2g}), and a reference computed "
            "from them is rough: optimistic for want of rows, higher for the shrinking.",
            DataWarning,
            stacklevel=2,
        )
    share = float(facts.largest_column_share)
    others = (1.0 - share) / max(facts.n_input - 1, 1)  # share of a typical other column
    if share > max(0.5, _OUTWEIGHS * others) and facts.n_input > 1:
        warnings.warn(
            f"One column holds {100 * share:.0f} % of the variance: in different units? "
            "try --scale standard",
            DataWarning,
            stacklevel=2,
        )


def _method(command: str, seed: int, timings: dict[str, float]) -> Method:
    return Method(
        command=command,
        seed=seed,
        versions=_versions(),
        timings=timings,
        created=datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
    )


def _versions() -> dict[str, str]:
    """Versions of what the numbers come from; of extras, those that are installed."""
    found = {name: importlib.metadata.version(name) for name in _PACKAGES}
    for name in _EXTRAS:
        with contextlib.suppress(importlib.metadata.PackageNotFoundError):
            found[name] = importlib.metadata.version(name)
    return found
