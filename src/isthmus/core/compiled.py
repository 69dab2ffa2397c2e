"""Compiled kernels, which are optional: what runs here, and which of it is in use."""

from __future__ import annotations

import functools
import importlib
import os
from typing import Any

from isthmus.core.door import shown
from isthmus.core.errors import ValueOutOfRange

NUMPY = "numpy"
"""Name of the arithmetic that needs no compiler."""

LEVELS = ("portable", "avx2", "avx512")
"""Levels of a compiled kernel, the slowest first, as the C sources number them."""

VARIABLE = "ISTHMUS_KERNEL"
"""Environment variable that names the arithmetic to use."""


@functools.cache
def extension(module: str) -> Any:
    """A compiled module, or None where the package was built without a compiler."""
    try:
        return importlib.import_module(module)
    except ImportError:
        return None


def arithmetics(module: str) -> tuple[str, ...]:
    """What can do a kernel's work here, the fastest last; all give the same bits.

    Args:
        module: Of the kernel; its ``runs(level)`` says which levels the processor has.

    Examples:
        >>> arithmetics("isthmus.no_such_kernel")
        ('numpy',)
    """
    found = extension(module)
    if found is None:
        return (NUMPY,)
    return (NUMPY, *(level for i, level in enumerate(LEVELS) if found.runs(i)))


def in_use(module: str) -> str:
    """The fastest arithmetic, or what ISTHMUS_KERNEL names.

    Args:
        module: Of the kernel.

    Raises:
        ValueOutOfRange: If the variable names none that runs here.

    Examples:
        >>> in_use("isthmus.codec._kernel") in arithmetics("isthmus.codec._kernel")
        True
    """
    wanted, runs = os.environ.get(VARIABLE, ""), arithmetics(module)
    if not wanted:
        return runs[-1]
    if wanted not in runs:
        raise ValueOutOfRange(
            f"`{VARIABLE}` must name an arithmetic that runs here: {', '.join(runs)}; got "
            f"{shown(wanted)}. Unset it to take the fastest."
        )
    return wanted
