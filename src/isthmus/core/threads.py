"""Small steps on one thread: a second one gains little and may cost all."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

_WORTH_TWO = 2e8
"""Operations of a step from which on several threads are worth their waiting."""


@contextlib.contextmanager
def threads_for(operations: float) -> Iterator[None]:
    """Let OpenMP, which torch computes with, use one thread where steps are small.

    Threads meet after every operation and spin while they wait. If another process has the
    second core, each meeting waits for the scheduler: on two busy cores a small network
    trained forty times slower on two threads than on one.

    Args:
        operations: Of one step, additions and multiplications.

    Examples:
        >>> with threads_for(1e6):
        ...     pass
    """
    if operations >= _WORTH_TWO:
        yield
        return
    from threadpoolctl import threadpool_limits

    with threadpool_limits(1):
        yield
