"""How long the steps of a report take, and how much slower than assumed they are."""

from __future__ import annotations

import time

from isthmus.report.costs import Task, job_work

_LEAST = 1.0  # second: shorter steps tell nothing of a machine


class Clock:
    """Seconds of every step."""

    def __init__(self) -> None:
        self._started = self._last = time.perf_counter()
        self._laps: dict[str, float] = {}

    @property
    def seconds(self) -> float:
        """Since the start."""
        return time.perf_counter() - self._started

    def lap(self, step: str) -> float:
        """Note that a step has ended, and return its seconds."""
        now = time.perf_counter()
        self._laps[step] = now - self._last
        self._last = now
        return self._laps[step]

    def timings(self) -> dict[str, float]:
        """Step -> seconds, and the total."""
        return {**self._laps, "total": self.seconds}


class Pace:
    """Seconds that fits take over those that were assumed; never taken to be less."""

    def __init__(self, task: Task) -> None:
        self._task = task
        self._assumed = self._taken = 0.0

    def note(self, encoder: str, n_code: int, seconds: float) -> None:
        """A fit has taken so long."""
        self._assumed += job_work(self._task, encoder, n_code).assumed_seconds
        self._taken += seconds

    def expected(self, encoder: str, n_code: int) -> float:
        """Seconds that another one will take.

        Examples:
            >>> pace = Pace(Task(20_000, 16_000, 16_000, 4000, 512, True))
            >>> before = pace.expected("descent", 512)
            >>> pace.note("design", 512, 60.0)
            >>> pace.expected("descent", 512) > 5 * before
            True
        """
        assumed = job_work(self._task, encoder, n_code).assumed_seconds
        slower = (self._taken + _LEAST) / (self._assumed + _LEAST)
        return assumed * max(1.0, slower)
