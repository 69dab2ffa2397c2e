"""Progress bars: on a terminal, and nowhere else."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Callable, Iterator

Progress = Callable[[str, int, int], None]


@contextlib.contextmanager
def progress_bar(*, enabled: bool) -> Iterator[Progress | None]:
    """Offer a progress callback while the body runs.

    Args:
        enabled: Whether to draw at all.

    Yields:
        Function of a label, the steps done and the steps in all; None if nothing is
        drawn, because it is not wanted or standard error is no terminal.

    Examples:
        >>> with progress_bar(enabled=False) as tell:
        ...     tell is None
        True
    """
    if not enabled or not sys.stderr.isatty():
        yield None
        return
    from rich.console import Console
    from rich.progress import Progress as Bar

    with Bar(console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("starting")

        def tell(label: str, done: int, total: int) -> None:
            bar.update(task, description=label, completed=done, total=total)

        yield tell
