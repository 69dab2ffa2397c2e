"""The checksum CRC-32C (Castagnoli) at the speed of exclusive-or, in NumPy alone.

A checksum is the remainder of the message, as a polynomial over two elements, modulo a
polynomial P. Multiples of P with few terms, such as x^a + x^b + x^c + 1, shorten the
message first: x^a may be replaced by x^b + x^c + 1, which moves whole blocks at once by
exclusive-or. A square of such a multiple has every exponent doubled and is a multiple too,
so that the same exponents hold for bits, bytes and words of 64 bits.
"""

from __future__ import annotations

import functools

import numpy as np

_REVERSED = 0x82F63B78  # P without its leading term, the lowest power in the highest bit
_ONES = 0xFFFFFFFF
LONG = (6777, 484, 100)
"""Exponents of a multiple of P of four terms, the fourth being 1; the top stands alone."""
SHORT = (437, 177, 176, 171, 58)
"""Exponents of a multiple of six terms, far lower."""
_PIECE = 2**20  # bytes at a time: what is worked in stays in cache


def crc32c(data: bytes | bytearray | memoryview | np.ndarray, value: int = 0) -> int:
    """Checksum of bytes, as in RFC 3720 and in the instruction of x86 and ARM processors.

    Args:
        data: Bytes, or an array in C order, whose bytes are taken.
        value: Checksum of what came before.

    Returns:
        A number below 2**32; exact.

    Examples:
        >>> hex(crc32c(b"123456789"))
        '0xe3069283'
        >>> crc32c(b"6789", crc32c(b"12345")) == crc32c(b"123456789")
        True

    References:
        [satran:04]
    """
    whole = memoryview(data)  # type: ignore[arg-type]
    view = whole.cast("B") if whole.nbytes else memoryview(b"")
    register = value ^ _ONES
    for start in range(0, len(view), _PIECE):
        register = _updated(view[start : start + _PIECE], register)
    return register ^ _ONES


def _updated(piece: memoryview, register: int) -> int:
    """Register after some bytes."""
    if len(piece) > SHORT[0]:
        work = np.frombuffer(piece, np.uint8).copy()
        work[:4] ^= np.frombuffer(register.to_bytes(4, "little"), np.uint8)
        words = work[: work.size // 8 * 8].view(np.uint64)
        done = 8 * _fold(words, LONG)
        done += 8 * _fold(words[done // 8 :], SHORT)
        done += _fold(work[done:], SHORT)
        piece, register = work[done:].data, 0
    table = _table()
    for byte in piece.tobytes():
        register = table[(register ^ byte) & 0xFF] ^ (register >> 8)
    return register


def _fold(work: np.ndarray, exponents: tuple[int, ...]) -> int:
    """Move the front into the back until only the longest exponent is left; what is done.

    The first element is the highest power, and a block that is moved reaches no further
    than the two highest exponents lie apart.
    """
    longest, step = exponents[0], exponents[0] - exponents[1]
    end = max(work.size - longest, 0)
    for start in range(0, end, step):
        stop = min(start + step, end)
        front = work[start:stop]
        for exponent in (*exponents[1:], 0):
            target = work[start + longest - exponent : stop + longest - exponent]
            np.bitwise_xor(target, front, out=target)
    return end


@functools.cache
def _table() -> tuple[int, ...]:
    """What a byte at the low end of the register becomes after eight steps."""
    entries = []
    for byte in range(256):
        register = byte
        for _ in range(8):
            register = register >> 1 ^ (_REVERSED if register & 1 else 0)
        entries.append(register)
    return tuple(entries)
