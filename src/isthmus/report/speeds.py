"""What this machine does in a second, and the plan of a report from it."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Sequence
from functools import partial

import numpy as np

from isthmus.core.memory import available_memory
from isthmus.data import AbstractStream, load, stream
from isthmus.data.builtin import find_builtin
from isthmus.data.streams import is_one_array
from isthmus.report.analysis import DEFAULT_RATES
from isthmus.report.budget import DEFAULT_SECONDS
from isthmus.report.plan import START_SECONDS, Plan, Size, Speeds, plan_report

_SAMPLE_BYTES = 2**26
_SAMPLE_SECONDS = 0.5
_WIDEST = 768
_MEASURED_SECONDS = 0.4


def plan_data(
    data: str | os.PathLike[str],
    *,
    rates: Sequence[float] = DEFAULT_RATES,
    budget: float = DEFAULT_SECONDS,
    columns: Sequence[str] | None = None,
    drop: Sequence[str] = (),
    drop_missing: bool = False,
    compare_penalties: bool = False,
    advise: Sequence[float] = (),
) -> Plan:
    """Plan a report of a file from its header and a second of measurements.

    At most 64 MB of the file are read. The rows of a .csv file are estimated from the
    length of its lines there, unless it is shorter.

    Args:
        data: Path or built-in name; see :func:`isthmus.data.stream`.
        rates: Code symbols per column.
        budget: Seconds to keep to; see :func:`isthmus.report.analyse`.
        columns: Names of the only columns to read; None reads all.
        drop: Names of columns to leave out.
        drop_missing: Leave out rows with a missing value; they are counted as rows.
        compare_penalties: See :func:`isthmus.report.analyse`.
        advise: Bits per column; as there.

    Returns:
        The plan.

    Raises:
        DataNotFound: If there is no such file.
        DataError: If the file cannot be used.
        ValueOutOfRange: If a rate is not positive and finite.

    Warns:
        DataWarning: If integers or half precision will be converted.

    Examples:
        >>> plan = plan_data("digits", rates=[0.5])
        >>> plan.n_rows, plan.n_columns, plan.n_codes, plan.fits
        (1797, 64, (32,), True)
    """
    if isinstance(data, str) and find_builtin(data) and not is_one_array(data):
        started = time.perf_counter()
        values = load(data).values
        per_second = values.shape[0] / (time.perf_counter() - started)
        size = Size(str(data), values.shape[0], values.shape[1], values.dtype)
    else:
        source = stream(data, columns=columns, drop=drop, drop_missing=drop_missing)
        per_second = reading_speed(source)
        n_rows, known = row_count(source)
        size = Size(source.name, n_rows, source.n_columns, source.dtype, known)
    speeds = measure_speeds(size.n_columns, per_second)
    return plan_report(
        size,
        speeds,
        rates=rates,
        budget=budget,
        compare_penalties=compare_penalties,
        advise=advise,
        memory_free=available_memory(),
    )


def reading_speed(source: AbstractStream) -> float:
    """Rows read in a second: half a second or 64 MB of them.

    Args:
        source: The stream.

    Returns:
        Rows per second.

    Raises:
        DataError: If what is read is damaged or not finite.
    """
    item = 8 if source.stored_dtype is None else source.stored_dtype.itemsize
    most = max(1, _SAMPLE_BYTES // (source.n_columns * item))
    n_rows = 0
    started = time.perf_counter()
    for block in source.blocks():
        n_rows += block.shape[0]
        if n_rows >= most or time.perf_counter() - started > _SAMPLE_SECONDS:
            break
    return n_rows / (time.perf_counter() - started)


def row_count(source: AbstractStream) -> tuple[int, bool]:
    """Rows of a stream, and whether that is exact.

    Args:
        source: The stream.

    Returns:
        The number of rows, from the header or from the lines in the first 64 MB of text.

    Raises:
        DataError: If rows have to be counted and cannot be read.
    """
    if source.n_rows is not None:
        return source.n_rows, True
    stored = getattr(source, "stored_rows", None)
    if stored is not None:  # rows with gaps among them, which only reading finds
        return int(stored), False
    if source.n_bytes <= _SAMPLE_BYTES // 16:
        return sum(block.shape[0] for block in source.blocks()), True
    with source.path.open("rb") as file:
        text = file.read(_SAMPLE_BYTES // 4)
    return max(1, round(source.n_bytes * text.count(b"\n") / len(text))), False


def measure_speeds(n_columns: int, rows: float) -> Speeds:
    """Measure matrix products and passes over an array as wide as the data.

    Args:
        n_columns: Columns of the data.
        rows: Rows read in a second.

    Returns:
        The speeds, over 0.4 s each.
    """
    width = min(max(n_columns, 64), _WIDEST)
    tall = np.ones((2048, width))
    square = np.ones((width, width))
    entries = np.ones(2**20)
    out_product, out = np.empty_like(tall), np.empty_like(entries)
    product = _seconds(partial(np.matmul, tall, square, out=out_product))
    wall, own = time.perf_counter(), time.process_time()
    passed = _seconds(partial(np.subtract, entries, 1.0, out=out))
    wall, own = time.perf_counter() - wall, time.process_time() - own
    # One thread that is kept from running takes longer than it works.
    start = START_SECONDS * max(1.0, wall / max(own, 1e-3))
    flops = 2.0 * tall.shape[0] * width**2 / product
    return Speeds(flops, entries.size / passed, rows, start)


def _seconds(work: Callable[[], object]) -> float:
    """Mean time of many runs: where others share the machine, the mean meets them."""
    work()
    runs = 0
    started = time.perf_counter()
    while True:
        work()
        runs += 1
        spent = time.perf_counter() - started
        if spent > _MEASURED_SECONDS:
            return spent / runs
