"""Which arithmetic codes rows: the compiled kernel at one of its levels, or NumPy."""

from __future__ import annotations

import functools
import importlib
import os
from typing import Any

import numpy as np
from jaxtyping import Float, UInt8

from isthmus.codec.layout import Layout
from isthmus.core.door import shown
from isthmus.core.errors import ValueOutOfRange

NUMPY = "numpy"
"""Name of the arithmetic that needs no compiler."""

LEVELS = ("portable", "avx2", "avx512")
"""Levels of the compiled kernel, the slowest first, as kernel.h numbers them."""

VARIABLE = "ISTHMUS_KERNEL"
"""Environment variable that names the arithmetic to use."""


def kernels() -> tuple[str, ...]:
    """Every arithmetic that runs here, the fastest last; all give the same bits.

    Examples:
        >>> kernels()[0]
        'numpy'
    """
    extension = _extension()
    if extension is None:
        return (NUMPY,)
    runs = (level for i, level in enumerate(LEVELS) if extension.runs(i))
    return (NUMPY, *runs)


def kernel_in_use() -> str:
    """Name of the arithmetic that codes rows: the fastest, or what ISTHMUS_KERNEL names.

    Raises:
        ValueOutOfRange: If the variable names none that runs here.

    Examples:
        >>> kernel_in_use() in kernels()
        True
    """
    wanted = os.environ.get(VARIABLE, "")
    runs = kernels()
    if not wanted:
        return runs[-1]
    if wanted not in runs:
        raise ValueOutOfRange(
            f"`{VARIABLE}` must name an arithmetic that runs here: {', '.join(runs)}; got "
            f"{shown(wanted)}. Unset it to take the fastest."
        )
    return wanted


def encode_native(
    level: str,
    layout: Layout,
    centre: Float[np.ndarray, " input"] | None,
    threshold: Float[np.ndarray, " code"] | None,
    x: Float[np.ndarray, "sample input"],
    codes: UInt8[np.ndarray, "sample byte"],
) -> int:
    """Fill `codes` with the signs of contiguous float32 rows.

    Returns:
        -1, or the first row with a sum that is not finite.
    """
    arrays = (layout.flips, layout.places, centre, threshold, x, codes)
    return _call("encode", level, layout, arrays)


def decode_native(
    level: str,
    layout: Layout,
    centre: Float[np.ndarray, " input"] | None,
    scales: Float[np.ndarray, " scale"],
    codes: UInt8[np.ndarray, "sample byte"],
    x: Float[np.ndarray, "sample input"],
) -> None:
    """Fill contiguous float32 rows from their codes; one scale for each row or for all."""
    _call("decode", level, layout, (layout.flips, layout.places, centre, scales, codes, x))


def _call(name: str, level: str, layout: Layout, arrays: tuple[Any, ...]) -> int:
    function = getattr(_extension(), name)
    sizes = (layout.n_code, layout.n_input, layout.rounds)
    return int(function(*sizes, *arrays, LEVELS.index(level)))


@functools.cache
def _extension() -> Any:
    """The compiled module, or None where the package was built without a compiler."""
    try:
        return importlib.import_module("isthmus.codec._kernel")
    except ImportError:
        return None
