"""Which arithmetic codes rows: the compiled kernel at one of its levels, or NumPy."""

from __future__ import annotations

from typing import Any

import numpy as np
from jaxtyping import Float, UInt8

from isthmus.codec.layout import Layout
from isthmus.core.compiled import LEVELS, NUMPY, arithmetics, extension, in_use

__all__ = ["NUMPY", "decode_native", "encode_native", "kernel_in_use", "kernels"]

_MODULE = "isthmus.codec._kernel"


def kernels() -> tuple[str, ...]:
    """Every arithmetic that runs here, the fastest last; all give the same bits.

    Examples:
        >>> kernels()[0]
        'numpy'
    """
    return arithmetics(_MODULE)


def kernel_in_use() -> str:
    """Name of the arithmetic that codes rows: the fastest, or what ISTHMUS_KERNEL names.

    Raises:
        ValueOutOfRange: If the variable names none that runs here.

    Examples:
        >>> kernel_in_use() in kernels()
        True
    """
    return in_use(_MODULE)


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
    function = getattr(extension(_MODULE), name)
    sizes = (layout.n_code, layout.n_input, layout.rounds)
    return int(function(*sizes, *arrays, LEVELS.index(level)))
