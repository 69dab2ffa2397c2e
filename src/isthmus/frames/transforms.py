"""Orthonormal fast transforms of the last axis, on arrays of any array-API library."""

from __future__ import annotations

import functools
from typing import Any

import numpy as np
from array_api_compat import array_namespace, device, is_numpy_array
from jaxtyping import Float, Int

Spare = tuple[np.ndarray, np.ndarray] | None
"""Two arrays to work in, so that a loop over blocks touches the same memory again."""

FACTOR_BITS = 5
"""Hadamard matrices up to 2**5 are multiplied as matrices."""


def walsh_hadamard(
    x: Float[Any, "sample size"], spare: Spare = None
) -> Float[Any, "sample size"]:
    r"""Walsh-Hadamard transform of each row, in natural (Sylvester) order.

    .. math:: y = H x / \sqrt n, \qquad H_{ij} = (-1)^{\text{number of ones in } i \& j}

    H is a Kronecker product of small Hadamard matrices, and each of them one product of
    small matrices, at the speed of the machine's matrix product; a butterfly would run
    at the speed of its memory. It is its own inverse.

    Args:
        x: Rows whose length is a power of two; the caller makes sure.
        spare: Two NumPy arrays like `x`, overwritten, the first of them not `x` itself.

    Returns:
        Transformed rows, same type and device, in one of `spare` if that is given;
        accurate to rounding.

    Examples:
        >>> walsh_hadamard(np.eye(4)).tolist()[3]
        [0.5, -0.5, -0.5, 0.5]
    """
    rows, size = x.shape
    # Dispatching costs microseconds a call, as much as ten rows: not in a loop of blocks.
    xp = array_namespace(x) if spare is None else np
    z, behind = x, 1
    for turn, bits in enumerate(factor_bits(size)):
        factor = 1 << bits
        h = _factor(x, bits, size if behind == 1 else 1)
        ahead = rows * (size // (factor * behind))
        # the innermost axis is multiplied from the right: h is symmetric
        shape = (ahead, factor) if behind == 1 else (ahead, factor, behind)
        z = xp.reshape(z, shape)
        pair = (z, h) if behind == 1 else (h, z)
        if spare is None:
            z = xp.matmul(*pair)
        else:
            z = np.matmul(*pair, out=spare[turn % 2].reshape(shape))
        behind *= factor
    return xp.reshape(z, (rows, size))


def cosine(x: Float[Any, "sample size"]) -> Float[Any, "sample size"]:
    """Orthonormal cosine transform (type 2) of each row, any size.

    scipy's for NumPy arrays; otherwise one real Fourier transform of the even entries
    followed by the odd ones backwards (Makhoul), which has a gradient.

    Examples:
        >>> np.round(cosine(np.ones((1, 4))), 12).tolist()
        [[2.0, 0.0, 0.0, 0.0]]

    References:
        [makhoul:80]
    """
    if is_numpy_array(x):
        from scipy.fft import dct

        return dct(x, axis=1, norm="ortho")
    xp = array_namespace(x)
    order, _, turn = _makhoul(x.shape[1])
    spectrum = xp.fft.rfft(xp.take(x, index(x, order), axis=1), axis=1)
    turned = spectrum * like(spectrum, turn)
    rest = index(x, np.arange((x.shape[1] - 1) // 2, 0, -1))
    return xp.concat([xp.real(turned), -xp.take(xp.imag(turned), rest, axis=1)], axis=1)


def inverse_cosine(x: Float[Any, "sample size"]) -> Float[Any, "sample size"]:
    """Inverse of :func:`cosine`, which is its transpose.

    Examples:
        >>> x = np.arange(10.0).reshape(2, 5)
        >>> bool(np.allclose(inverse_cosine(cosine(x)), x))
        True

    References:
        [makhoul:80]
    """
    if is_numpy_array(x):
        from scipy.fft import idct

        return idct(x, axis=1, norm="ortho")
    xp = array_namespace(x)
    size = x.shape[1]
    _, back, turn = _makhoul(size)
    # Entry k beside entry size - k; entry size does not exist and counts as zero.
    mirror = xp.take(x, index(x, -np.arange(turn.size) % size), axis=1)
    absent = like(x, np.where(np.arange(turn.size) == 0, 0.0, 1.0))
    turned = x[:, : turn.size] - 1j * (mirror * absent)
    spectrum = turned * like(turned, 1.0 / turn)
    return xp.take(xp.fft.irfft(spectrum, n=size, axis=1), index(x, back), axis=1)


def like(x: Any, constant: np.ndarray) -> Any:
    """Put a constant beside `x`: its library, floating type and device.

    Examples:
        >>> like(np.zeros(2, dtype=np.float32), np.ones(1)).dtype
        dtype('float32')
    """
    if is_numpy_array(x):
        return constant.astype(x.dtype, copy=False)
    return array_namespace(x).asarray(constant, dtype=x.dtype, device=device(x))


def index(x: Any, places: Int[np.ndarray, " n"]) -> Any:
    """Put indices beside `x`: its library and device."""
    if is_numpy_array(x):
        return places
    return array_namespace(x).asarray(places, device=device(x))


def factor_bits(size: int) -> list[int]:
    """Logarithms of the Hadamard factors of a power of two, innermost first.

    Examples:
        >>> factor_bits(512), factor_bits(2**12), factor_bits(1)
        ([5, 4], [4, 4, 4], [0])
    """
    bits = size.bit_length() - 1
    count = max(1, -(-bits // FACTOR_BITS))
    return [bits // count + (i < bits % count) for i in range(count)]


def _factor(x: Any, bits: int, divisor: int) -> Any:
    if is_numpy_array(x):
        return hadamard_matrix(bits, divisor, x.dtype)
    return like(x, hadamard_matrix(bits, divisor, np.dtype(np.float64)))


@functools.lru_cache(maxsize=64)
def hadamard_matrix(bits: int, divisor: int, dtype: np.dtype) -> np.ndarray:
    """Hadamard matrix of size 2**bits over the root of `divisor`, Sylvester order."""
    h = np.full((1, 1), divisor**-0.5)
    for _ in range(bits):
        h = np.block([[h, h], [h, -h]])
    return h.astype(dtype)


@functools.lru_cache(maxsize=8)
def _makhoul(size: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Even entries then odd ones backwards, the way back, and scaled half turns."""
    order = np.concatenate([np.arange(0, size, 2), np.arange(1, size, 2)[::-1]])
    k = np.arange(size // 2 + 1)
    scale = np.sqrt(np.where(k == 0, 1.0, 2.0) / size)
    return order, np.argsort(order), scale * np.exp(-0.5j * np.pi * k / size)
