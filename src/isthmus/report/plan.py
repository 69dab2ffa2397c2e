"""What a report will cost, before the work starts."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Any

import numpy as np

from isthmus.data.sampling import held_out_count
from isthmus.report.analysis import DEFAULT_RATES, checked_rates
from isthmus.report.reach import ENCODERS, descent_steps
from isthmus.report.records import to_plain

START_SECONDS = 1.8  # libraries, and writing the page, on a machine of its own
_START_BYTES = 1.8e8  # interpreter, libraries, and the page with its plotting library
_EIGH = 20.0  # operations per d^3, at the speed of a product
_COPIES = 3  # of all rows while equal ones are looked for
_PER_ROW = 150.0  # bytes of a row's entry in that table
_BLOCK = 4096  # rows that a fit works on at once


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
        n_codes: Code length at each rate.
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
    n_codes: tuple[int, ...]
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
    n_test = held_out_count(n)
    n_train = n - n_test
    codes = tuple(max(1, round(rate * d)) for rate in checked_rates(rates))
    describing = _describing(n, n_train, d)
    parts = {
        "start": speeds.start,
        "read": n / speeds.rows + 12.0 * n * d / speeds.entries,  # read, then checked
        "describe": describing.seconds(speeds),
    }
    operations = describing.flops
    for code in codes:
        for encoder in ENCODERS:
            work = _fit(n_train, n_test, d, code)
            if encoder == "descent":
                work = work + _descent(d, code)
            parts[f"{encoder}, {code} bits"] = work.seconds(speeds)
            operations += work.flops
    return Plan(
        name=size.name,
        n_rows=n,
        rows_known=size.rows_known,
        n_columns=d,
        dtype=size.dtype.name,
        n_train=n_train,
        n_test=n_test,
        n_codes=codes,
        memory_bytes=_peak(size, n_test, max(codes)),
        memory_free_bytes=memory_free,
        operations=operations,
        seconds=sum(parts.values()),
        parts=parts,
        speeds=speeds,
    )


@dataclasses.dataclass(frozen=True)
class _Work:
    """Operations of matrix products, and entries that are passed over."""

    flops: float
    entries: float

    def __add__(self, other: _Work) -> _Work:
        return _Work(self.flops + other.flops, self.entries + other.entries)

    def seconds(self, speeds: Speeds) -> float:
        return self.flops / speeds.flops + self.entries / speeds.entries


def _moments(n_train: int, d: int) -> _Work:
    """Covariance (a symmetric product) and its eigenvectors."""
    return _Work(float(n_train) * d**2 + _EIGH * d**3, 6.0 * n_train * d)


def _describing(n: int, n_train: int, d: int) -> _Work:
    """Copies, equal rows, kurtosis, and the covariance."""
    return _moments(n_train, d) + _Work(0.0, 12.0 * n * d)


def _fit(n_train: int, n_test: int, d: int, code: int) -> _Work:
    """Covariance, encoder, exact decoder, least squares from codes, measurement."""
    design = 8.0 * code * d**2 + 4.0 * code**2 * d + code**3 / 3
    # Codes are a float32 product mostly, at twice the speed; their covariance is
    # symmetric; the residual and what correlates with it are full ones.
    squares = n_train * (code**2 + 5.0 * code * d) + _EIGH * code**3
    measured = 2.0 * n_test * code * d
    passes = n_train * (7.0 * d + 4.0 * code) + 4.0 * n_test * (d + code)
    return _moments(n_train, d) + _Work(design + squares + measured, passes)


def _descent(d: int, code: int) -> _Work:
    """All steps that descent may take: products, a Cholesky factor, arcsines."""
    steps = descent_steps(code)
    step = 6.0 * code**2 * d + code**3 / 3
    return _Work(steps * step, steps * (10.0 * code**2 + 6.0 * code * d))


def _peak(size: Size, n_test: int, code: int) -> float:
    """Bytes at the larger of two heights: looking for equal rows, and fitting."""
    n, d = float(size.n_rows), size.n_columns
    values = n * d * size.dtype.itemsize
    looking = _COPIES * values + _PER_ROW * n
    matrices = 32.0 * (d + code) ** 2
    blocks = 16.0 * _BLOCK * (d + code)
    measured = n_test * (2.0 * d + code) * size.dtype.itemsize
    fitting = 2.0 * values + measured + matrices + blocks
    return _START_BYTES + max(looking, fitting)
