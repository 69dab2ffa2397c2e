r"""Rows to packed sign bits and back, by the fastest arithmetic there is.

Symbol 8 b + i of a row is bit i (worth 2\ :sup:`i`) of byte b, 1 for z >= offset, as in
:func:`isthmus.core.bits.pack_signs`. All arithmetics add in the same order, in float32, and
give the same bits and the same floats.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from jaxtyping import Float, UInt8

from isthmus.codec.butterfly import Butterfly
from isthmus.codec.layout import Layout, layout_of
from isthmus.codec.native import NUMPY, decode_native, encode_native, kernel_in_use
from isthmus.codec.products import Products, fits_products
from isthmus.core.door import real_array
from isthmus.core.errors import DataError, ValueOutOfRange
from isthmus.core.typing import Numbers
from isthmus.frames.hadamard import HadamardFrame
from isthmus.frames.sizes import check_rows

_BLOCK = 2**22  # entries between two chances to be interrupted


def encode_bits(
    frame: HadamardFrame,
    x: Float[np.ndarray, "sample input"],
    *,
    centre: Numbers | None = None,
    offset: Numbers | float = 0.0,
) -> UInt8[np.ndarray, "sample byte"]:
    """Packed bits of W (x - centre) >= offset, W being the frame.

    The arithmetic is float32: bits of pre-activations that are zero to seven digits are
    what the fixed order of additions makes them.

    Args:
        frame: Made by :func:`isthmus.frames.hadamard`; up to 2**24 entries long.
        x: Rows; other types than float32 are converted first.
        centre: Subtracted from every row, input units; for instance the mean.
        offset: Least pre-activation of a 1, input units; one number, or one per symbol.

    Returns:
        Bytes, ceil(n_code / 8) per row.

    Raises:
        DataError: If a row holds NaN or infinity, or numbers whose sums exceed float32.
        ValueOutOfRange: If `frame` is none of these, rows are not as long as it is wide,
            or `centre` or `offset` are not finite numbers of its size.

    Examples:
        >>> from isthmus.frames import hadamard
        >>> encode_bits(hadamard(16, 16, rng=0), np.ones((2, 16))).shape
        (2, 2)
    """
    call = "encode_bits"
    layout = layout_of(call, frame)
    x = _checked(call, x, layout)
    mean = _vector(call, "centre", centre, layout.n_input)
    threshold = _vector(call, "offset", offset, layout.n_code, layout.scale)
    codes = np.empty((x.shape[0], layout.n_bytes), dtype=np.uint8)
    block_rows, work = _encoder(layout, mean, threshold)
    for start in range(0, x.shape[0], block_rows):
        block = slice(start, start + block_rows)
        with np.errstate(over="ignore"):  # what becomes infinite is refused below
            rows = np.ascontiguousarray(x[block], dtype=np.float32)
        bad = work(rows, codes[block])
        if bad >= 0:
            raise DataError(
                f"`{call}(x=...)` must be finite numbers whose sums fit float32; got row "
                f"{start + bad}: {_extent(x[start + bad])}. Leave such rows out, or divide "
                "all numbers by one: signs do not change."
            )
    return codes


def decode_bits(
    frame: HadamardFrame,
    codes: UInt8[np.ndarray, "sample byte"],
    *,
    scale: Numbers | float = 1.0,
    centre: Numbers | None = None,
) -> Float[np.ndarray, "sample input"]:
    """Rows scale * y W + centre in float32 from the bits of y, which are ±1.

    Args:
        frame: The one that made the codes.
        codes: Bytes of :func:`encode_bits`.
        scale: Factor of every row, or one per row; for instance norms.
        centre: Added to every row, input units.

    Returns:
        Float32 rows; bits beyond the last symbol are not looked at.

    Raises:
        ValueOutOfRange: If `frame` is no Hadamard frame of up to 2**24 entries, codes are
            not bytes of its length, or `scale` or `centre` are not finite numbers of these
            sizes.

    Examples:
        >>> from isthmus.frames import hadamard
        >>> frame = hadamard(64, 64, rng=0)
        >>> x = np.random.default_rng(0).standard_normal((500, 64))
        >>> back = decode_bits(frame, encode_bits(frame, x), scale=(2 / np.pi) ** 0.5)
        >>> bool(abs(np.mean((x - back) ** 2) - (1 - 2 / np.pi)) < 0.01)
        True
    """
    call = "decode_bits"
    layout = layout_of(call, frame)
    _check_codes(call, codes, layout)
    mean = _vector(call, "centre", centre, layout.n_input)
    scales = _scales(call, scale, codes.shape[0]) * layout.scale
    with np.errstate(over="ignore"):
        scales = scales.astype(np.float32)
    x = np.empty((codes.shape[0], layout.n_input), dtype=np.float32)
    level = kernel_in_use()
    numpy = Butterfly(layout) if level == NUMPY else None
    size = numpy.n_rows if numpy else max(1, _BLOCK // layout.n_long)
    for start in range(0, codes.shape[0], size):
        block = slice(start, start + size)
        factors = scales[block] if scales.size > 1 else scales
        rows = np.ascontiguousarray(codes[block])
        if numpy:
            numpy.decode(rows, mean, factors, x[block])
        else:
            decode_native(level, layout, mean, factors, rows, x[block])
    return x


def _encoder(
    layout: Layout, mean: np.ndarray | None, threshold: np.ndarray | None
) -> tuple[int, Callable[[np.ndarray, np.ndarray], int]]:
    """Rows at a time, and what fills the codes of so many."""
    level = kernel_in_use()
    if level != NUMPY:
        size = max(1, _BLOCK // layout.n_long)
        return size, lambda x, codes: encode_native(
            level, layout, mean, threshold, x, codes
        )
    if threshold is None and fits_products(layout):
        products = Products(layout)
        return products.n_rows, lambda x, codes: products.encode(x, mean, codes)
    numpy = Butterfly(layout)
    return numpy.n_rows, lambda x, codes: numpy.encode(x, mean, threshold, codes)


def _checked(call: str, x: Any, layout: Layout) -> np.ndarray:
    check_rows(f"{call}(x)", x, layout.n_input)
    if not isinstance(x, np.ndarray):
        raise ValueOutOfRange(
            f"`{call}(x)` must be a NumPy array; got {type(x).__name__}. Convert it first."
        )
    return x


def _check_codes(call: str, codes: Any, layout: Layout) -> None:
    fits = isinstance(codes, np.ndarray) and codes.dtype == np.uint8 and codes.ndim == 2
    if not fits or codes.shape[1] != layout.n_bytes:
        got = getattr(codes, "dtype", type(codes).__name__)
        raise ValueOutOfRange(
            f"`{call}(codes)` must be uint8 of shape (sample, {layout.n_bytes}) for "
            f"{layout.n_code} symbols; got {got} of shape {np.shape(codes)}."
        )


def _vector(
    call: str, name: str, given: object, size: int, scale: float = 1.0
) -> Float[np.ndarray, " size"] | None:
    """Finite float32 numbers over `scale`, or None if nothing or only zeros are given."""
    if given is None:
        return None
    full = f"{call}({name}=...)"
    values = real_array(full, given)
    if values.shape not in ((), (size,)) or (name == "centre" and values.ndim == 0):
        ways = f"{size} numbers" if name == "centre" else f"one number or {size}"
        raise ValueOutOfRange(f"`{full}` must be {ways}; got shape {values.shape}.")
    with np.errstate(over="ignore"):
        single = np.broadcast_to((values / scale).astype(np.float32), (size,))
    if not np.all(np.isfinite(single)):
        wrong = np.broadcast_to(values, (size,))[~np.isfinite(single)]
        raise ValueOutOfRange(
            f"`{full}` must be finite in float32, an offset also times the root of the "
            f"frame's length; got {wrong[0]}."
        )
    return np.ascontiguousarray(single) if single.any() else None


def _scales(call: str, scale: object, rows: int) -> Float[np.ndarray, " scale"]:
    values = np.atleast_1d(real_array(f"{call}(scale=...)", scale))
    if values.shape not in ((1,), (rows,)) or not np.all(np.isfinite(values)):
        raise ValueOutOfRange(
            f"`{call}(scale=...)` must be one finite number or one per row ({rows}); got "
            f"shape {values.shape}."
        )
    return values


def _extent(row: np.ndarray) -> str:
    if not np.all(np.isfinite(row)):
        return f"{np.count_nonzero(~np.isfinite(row))} entries are not finite"
    return f"its largest entry is {np.abs(row).max():.3g}"
