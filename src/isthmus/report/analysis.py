"""Analyse data: split, fit, measure, compare, judge."""

from __future__ import annotations

import datetime
import importlib.metadata
import time
import warnings
from collections.abc import Callable, Sequence
from typing import Literal

import numpy as np

from isthmus.core.errors import DataWarning, ValueOutOfRange
from isthmus.core.lloyd_max import MAX_BITS
from isthmus.core.random import as_rng
from isthmus.core.tolerance import ROWS_PER_COLUMN
from isthmus.data import Dataset, training_covariance
from isthmus.data.moments import second_moments
from isthmus.data.scaling import ScaleName
from isthmus.limits import covariance_limit, rate_distortion, transform_coding
from isthmus.report.facts import describe
from isthmus.report.judgement import judge
from isthmus.report.reach import ENCODERS, reach
from isthmus.report.records import Analysis, DataFacts, LimitCurves, Method, Reached
from isthmus.report.rows import Reading, read_rows

Progress = Callable[[str, int, int], None]
DEFAULT_RATES = (0.25, 0.5, 1.0)
_PACKAGES = ("isthmus", "numpy", "scipy", "scikit-learn", "plotly")
_POINTS = 49
_HIGHEST_RATE = 1e6


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
    as_rng(seed)
    reading = Reading(columns, drop, drop_missing, scale)
    tell = progress or (lambda label, done, total: None)
    steps = 3 + len(rates) * len(ENCODERS)
    timings: dict[str, float] = {}
    started = time.perf_counter()
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always", DataWarning)
        tell("reading", 0, steps)
        rows = read_rows(data, X_test=X_test, split=split, seed=seed, reading=reading)
        _check_spread(rows.dataset)
        timings["read"] = time.perf_counter() - started
        tell("describing", 1, steps)
        facts = describe(rows)
        _warn_of_few_rows(facts)
        timings["describe"] = time.perf_counter() - started - timings["read"]
        codes = [max(1, round(rate * facts.n_input)) for rate in rates]
        tell("limits", 2, steps)
        curves = limit_curves(facts.eigenvalues, codes)
        mean, at_training, _ = training_covariance(rows.train)
        covariances = at_training, second_moments(rows.test, mean)
        reached: list[Reached] = []
        for n_code in codes:
            for encoder in ENCODERS:
                tell(f"{encoder} encoder, {n_code} bits", 3 + len(reached), steps)
                reached.append(
                    reach(rows.train, rows.test, n_code, encoder, facts, seed, covariances)
                )
                timings[f"{encoder}, {n_code} bits"] = reached[-1].seconds
        tell("done", steps, steps)
    for warning in caught:
        warnings.warn_explicit(
            warning.message, warning.category, warning.filename, warning.lineno
        )
    messages = [str(w.message) for w in caught if w.category is DataWarning]
    timings["total"] = time.perf_counter() - started
    return Analysis(
        data=facts,
        limits=curves,
        reached=tuple(reached),
        verdict=judge(facts, reached),
        warnings=tuple(dict.fromkeys(messages)),
        method=_method(
            command or f"isthmus.analyse({facts.name!r}{reading.arguments()})",
            seed,
            timings,
        ),
    )


def limit_curves(eigenvalues: np.ndarray, codes: Sequence[int]) -> LimitCurves:
    """The three curves over bits, with a point at every code length asked for.

    Args:
        eigenvalues: Of the training covariance.
        codes: Code lengths that must be among the points.

    Returns:
        Curves from an eighth of a bit per column to twice the longest code.
    """
    d = eigenvalues.size
    most = MAX_BITS * int(np.count_nonzero(eigenvalues))
    last = min(max(2 * d, 2 * max(codes)), most)
    grid = np.geomspace(max(1.0, min(d / 8, min(codes))), last, _POINTS)
    bits = np.unique(np.concatenate([np.rint(grid).astype(np.int64), codes]))
    bits = bits[bits <= most]
    limit = covariance_limit(eigenvalues, bits)
    return LimitCurves(
        bits=bits,
        rate=bits / d,
        reference=np.asarray(limit.nmse),
        status=tuple(limit.status),
        tightness=np.asarray(limit.tightness),
        transform_coding=np.asarray(transform_coding(eigenvalues, bits).nmse),
        rate_distortion=np.asarray(rate_distortion(eigenvalues, bits)),
    )


def _warn_of_few_rows(facts: DataFacts) -> None:
    if facts.n_train < ROWS_PER_COLUMN * facts.n_input:
        few = "fewer rows than columns" if facts.n_train < facts.n_input else "few rows"
        warnings.warn(
            f"{few.capitalize()}: {facts.n_train} training rows for {facts.n_input} "
            f"columns, less than {ROWS_PER_COLUMN} each. The eigenvalues were shrunk "
            f"(Ledoit-Wolf, weight {facts.shrinkage:.2g}), and a reference computed "
            "from them is optimistic.",
            DataWarning,
            stacklevel=2,
        )
    share = float(facts.largest_column_share)
    if share > 0.5 and facts.n_input > 1:
        warnings.warn(
            f"One column holds {100 * share:.0f} % of the variance: in different units? "
            "try --scale standard",
            DataWarning,
            stacklevel=2,
        )


def _check_spread(dataset: Dataset) -> None:
    from isthmus.estimators.parameters import check_spread

    check_spread(dataset.values, name=dataset.name)


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


def _method(command: str, seed: int, timings: dict[str, float]) -> Method:
    return Method(
        command=command,
        seed=seed,
        versions={name: importlib.metadata.version(name) for name in _PACKAGES},
        timings=timings,
        created=datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
    )
