"""What the parts of a report multiply and pass over; plan and budget count with it."""

from __future__ import annotations

import dataclasses

import numpy as np

from isthmus.data.principal import WIDEST

EIGH = 20.0
"""Operations of an eigenvalue problem over d^3, at the speed of a product."""
ASSUMED_FLOPS = 4e10
"""Operations a second that a budget is divided by: those of two slow cores."""
NORM_ROWS = 4000
"""Held-out rows at most whose lengths are looked at."""
SEARCH_ROWS = 20_000
"""Training rows at most that searched codes are learnt from."""
_SVD = 2.0 * EIGH
_PASSES = 9.0
"""Times that a search codes its rows: two rounds from three starts on some, then seven."""
_DESCENT_FLOPS = 1.6e11
_NORM_SECONDS = 5.0


@dataclasses.dataclass(frozen=True)
class Work:
    """Operations of matrix products, at the speed of float64, and entries passed over."""

    flops: float
    entries: float = 0.0

    def __add__(self, other: Work) -> Work:
        return Work(self.flops + other.flops, self.entries + other.entries)

    @property
    def assumed_seconds(self) -> float:
        """Seconds on two slow cores: the same on every machine."""
        return (self.flops + 10.0 * self.entries) / ASSUMED_FLOPS


@dataclasses.dataclass(frozen=True)
class Task:
    """Rows and columns that a report works on.

    Attributes:
        n_rows: Rows of the source.
        n_train: Training rows.
        n_fit: Training rows to fit on.
        n_test: Held-out rows.
        n_input: Columns.
        single: Whether the rows are float32.
    """

    n_rows: int
    n_train: int
    n_fit: int
    n_test: int
    n_input: int
    single: bool

    @property
    def n_directions(self) -> int:
        """Principal axes."""
        return self.n_input if self.n_input <= WIDEST else min(self.n_train, self.n_input)

    @property
    def row_flop(self) -> float:
        """Cost of an operation on rows: float32 runs at twice the speed."""
        return 0.5 if self.single else 1.0


def moments_work(task: Task) -> Work:
    """Covariance (a symmetric product) or Gram matrix, eigenvectors, held-out moments."""
    n, d, r = task.n_train, task.n_input, task.n_directions
    least = min(n, d)
    turned = 0.0 if n >= d else 2.0 * n * d * least + 4.0 * d * r * least
    held = 2.0 * task.n_test * r * (d + r)
    flops = float(n) * d * least + EIGH * least**3 + turned + held
    return Work(flops, 6.0 * n * d + 6.0 * task.n_test * d)


def describing_work(task: Task) -> Work:
    """Copies, equal rows and kurtosis."""
    return Work(0.0, 12.0 * (task.n_fit + task.n_test) * task.n_input)


def fit_work(task: Task, code: int) -> Work:
    """Encoder, exact decoder, least squares, measurement and gap."""
    n, d, r = task.n_fit, task.n_input, task.n_directions
    design = 6.0 * code * d * r + 4.0 * code**2 * r + code**3 / 3.0
    squares = 2.0 * n * code * (2.0 * d + code) * task.row_flop
    squares += EIGH * min(code, n) ** 3 + 2.0 * code * min(code, n) * (d + code)
    measured = 4.0 * task.n_test * code * d * task.row_flop
    gap = 4.0 * code * d * r + 8.0 * code**2 * r + 4.0 * code * r**2 + code**3
    entries = n * (4.0 * d + 3.0 * code) + task.n_test * (6.0 * d + 3.0 * code)
    return Work(design + squares + measured + gap, entries + 30.0 * code**2)


def norm_work(task: Task, code: int) -> Work:
    """What the lengths of the rows explain of the designed encoder's gap."""
    rows, r = min(NORM_ROWS, task.n_test), task.n_directions
    least = min(code, r)
    solved = 0.25 * EIGH * least**3 + (EIGH * r**3 if code > r else 0.0)
    products = 2.0 * rows * r * (3.0 * code + r) + 6.0 * code * r * max(code, r)
    return Work(products + solved, 10.0 * rows * code)


def norm_has_time(task: Task, code: int) -> bool:
    """Whether the lengths of the rows are looked at: not where it takes long."""
    return norm_work(task, code).assumed_seconds <= _NORM_SECONDS


def descent_work(task: Task, code: int) -> Work:
    """All steps that descent may take: products, a Cholesky factor, arcsines."""
    steps, r = descent_steps(code), task.n_directions
    step = 6.0 * code**2 * r + code**3 / 3.0
    return Work(steps * step, steps * (10.0 * code**2 + 6.0 * code * r))


def rotation_work(task: Task, code: int, n_rows: int, n_steps: int) -> Work:
    """A rotation learnt by polar factors: signs of all rows and one SVD a step."""
    products = 4.0 * n_rows * code * task.n_input * task.row_flop
    solved = _SVD * code * min(code, task.n_input) * task.n_input
    return Work(n_steps * (products + solved), n_steps * 2.0 * n_rows * code)


def transform_work(task: Task) -> Work:
    """Transform coding: rows along the axes, cells, and back."""
    n, d, r = task.n_fit, task.n_input, task.n_directions
    flops = 2.0 * (n + 2.0 * task.n_test) * d * r * task.row_flop
    return Work(flops, 20.0 * (n + task.n_test) * r)


def search_work(task: Task, code: int) -> Work:
    """Codes looked for bit by bit, and least squares between."""
    n, d = min(SEARCH_ROWS, task.n_fit), task.n_input
    row = 2.0 * code * (d + code)
    coded = _PASSES * n + 4096.0 + task.n_test
    flops = (coded + _PASSES * n) * row * task.row_flop + 500.0 * coded * code
    return Work(flops + _PASSES * code**2 * (code + d), 50.0 * coded * code)


def job_work(task: Task, encoder: str, code: int) -> Work:
    """Fit and measure one method at one code length.

    Examples:
        >>> task = Task(1000, 800, 800, 200, 64, False)
        >>> all(job_work(task, "descent", 64).flops > job_work(task, name, 64).flops
        ...     for name in ("random", "transform-coding"))
        True
    """
    if encoder == "transform-coding":
        return transform_work(task)
    if encoder == "search":
        return search_work(task, code)
    work = fit_work(task, code)
    if encoder == "design" and norm_has_time(task, code):
        return work + norm_work(task, code)
    return work + descent_work(task, code) if encoder == "descent" else work


def descent_steps(n_code: int) -> int:
    """Steps of descent that fit into a few seconds, at least ten."""
    return int(np.clip(_DESCENT_FLOPS / (6.4 * n_code**3), 10, 200))
