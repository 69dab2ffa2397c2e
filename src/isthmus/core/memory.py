"""How much memory there is, asked before it is needed."""

from __future__ import annotations

import os
from pathlib import Path

from isthmus.core.door import shown
from isthmus.core.errors import ValueOutOfRange

_GROUP = Path("/sys/fs/cgroup")


def available_memory() -> int | None:
    """Bytes that this process may still use; None where the system does not tell.

    The least of what the kernel says is available and what the container's memory
    limit leaves.

    Examples:
        >>> memory = available_memory()
        >>> memory is None or memory > 0
        True
    """
    known = [size for size in (_of_machine(), _of_container(_GROUP)) if size is not None]
    return min(known) if known else None


def check_memory(argument: str, value: int, needed: int, way_out: str) -> None:
    """Refuse a size whose arrays cannot fit, before the first of them is made.

    Args:
        argument: Call and argument, as in ``"descend(n_code=...)"``.
        value: The size asked for.
        needed: Bytes that it takes.
        way_out: What to do instead, one sentence.

    Raises:
        ValueOutOfRange: If `needed` is more than :func:`available_memory`.

    Examples:
        >>> check_memory("f(n=...)", 3, 72, "Use less.")
    """
    available = available_memory()
    if available is not None and needed > available:
        size = f"{needed / 1e9:.1f} GB" if needed < 2**60 else "more than 10^9 GB"
        raise ValueOutOfRange(
            f"`{argument}` must fit into memory; got {shown(value)}, which takes {size} "
            f"where {available / 1e9:.1f} GB are free. {way_out}"
        )


def _of_machine() -> int | None:
    try:
        for line in Path("/proc/meminfo").read_text().splitlines():
            if line.startswith("MemAvailable:"):
                return int(line.split()[1]) * 1024
    except (OSError, ValueError):
        pass
    try:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (OSError, ValueError, AttributeError):
        return None


def _of_container(root: Path) -> int | None:
    layouts = (
        (root, "memory.max", "memory.current", "inactive_file"),
        (
            root / "memory",
            "memory.limit_in_bytes",
            "memory.usage_in_bytes",
            "total_inactive_file",
        ),
    )
    for folder, limit, used, cache in layouts:
        try:
            free = int((folder / limit).read_text()) - int((folder / used).read_text())
        except (OSError, ValueError):  # no such group, or "max": no limit
            continue
        return max(free + _statistic(folder / "memory.stat", cache), 0)
    return None


def _statistic(file: Path, name: str) -> int:
    """Pages of files that count as used but are given back when memory is short."""
    try:
        words = file.read_text().split()
        return int(words[words.index(name) + 1])
    except (OSError, ValueError, IndexError):
        return 0
