"""Refuse what would not fit before allocating it."""

from __future__ import annotations

import os

from isthmus.core.errors import ValueOutOfRange


def check_memory(call: str, name: str, value: object, n_bytes: int) -> None:
    """Raise if `n_bytes` are more than the memory of this machine.

    Args:
        call: Function or class that is about to allocate.
        name: Its argument that sets the size.
        value: What was given.
        n_bytes: Estimate of the peak.

    Raises:
        ValueOutOfRange: If it does not fit; where the memory is unknown nothing is.

    Examples:
        >>> check_memory("f", "n", 10, 80)
    """
    there = total_memory()
    if there is not None and n_bytes > there:
        raise ValueOutOfRange(
            f"`{call}({name}=...)` must fit in memory; {value} needs about "
            f"{n_bytes / 2**30:.3g} GiB and this machine has {there / 2**30:.3g} GiB. "
            "Take a shorter one, or a machine with more."
        )


def total_memory() -> int | None:
    """Physical memory in bytes; None where the system does not tell."""
    try:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (AttributeError, ValueError, OSError):
        return None
