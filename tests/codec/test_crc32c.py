import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from isthmus.codec.crc32c import LONG, SHORT, crc32c

POLYNOMIAL = 0x11EDC6F41


def plain(data, value=0):
    """Bit by bit, as the definition has it."""
    register = value ^ 0xFFFFFFFF
    for byte in bytes(data):
        register ^= byte
        for _ in range(8):
            register = (register >> 1) ^ (0x82F63B78 if register & 1 else 0)
    return register ^ 0xFFFFFFFF


def remainder(exponent):
    """x**exponent modulo the polynomial, by squaring."""
    result, square = 1, 2
    while exponent:
        if exponent & 1:
            result = product(result, square)
        square = product(square, square)
        exponent >>= 1
    return result


def product(a, b):
    total = 0
    while b:
        total ^= a if b & 1 else 0
        a = a << 1 ^ (POLYNOMIAL if a >> 31 else 0)
        b >>= 1
    return total


@pytest.mark.parametrize(
    ("data", "value"),
    [
        (b"", 0x00000000),
        (b"a", 0xC1D04330),
        (b"123456789", 0xE3069283),
        (b"The quick brown fox jumps over the lazy dog", 0x22620404),
        (bytes(32), 0x8A9136AA),
        (b"\xff" * 32, 0x62A8AB43),
        (bytes(range(32)), 0x46DD794E),
        (bytes(range(31, -1, -1)), 0x113FDB5C),
        (
            bytes.fromhex(
                "01c00000000000000000000000000000140000000000040000000014"
                "00000018280000000000000002000000 00000000".replace(" ", "")
            ),
            0xD9963A56,
        ),
    ],
)
def test_known_values(data, value):
    # The last five are those of RFC 3720, B.4.
    assert crc32c(data) == value


@pytest.mark.parametrize("exponents", [LONG, SHORT])
@pytest.mark.parametrize("unit", [1, 8, 64])
def test_exponents_are_of_multiples_of_the_polynomial(exponents, unit):
    total = 1
    for exponent in exponents:
        total ^= remainder(unit * exponent)
    assert total == 0


@pytest.mark.parametrize("size", [437, 438, 3495, 3496, 3505, 54216, 54217, 54230, 60_003])
def test_every_stage_agrees_with_the_definition(size, rng):
    data = rng.integers(0, 256, size, dtype=np.uint8)
    assert crc32c(data) == plain(data)
    assert crc32c(data[5:], crc32c(data[:5])) == plain(data)


@given(st.binary(max_size=900), st.integers(0, 2**32 - 1), st.integers(0, 900))
def test_any_bytes_from_any_value_in_two_parts(data, value, cut):
    assert crc32c(data[cut:], crc32c(data[:cut], value)) == plain(data, value)


def test_long_messages_go_on_from_piece_to_piece(rng):
    data = rng.integers(0, 256, 2**20 + 2**16 + 3, dtype=np.uint8)
    half = 2**19 + 1
    assert crc32c(data) == crc32c(data[half:].tobytes(), crc32c(data[:half]))
    changed = data.copy()
    changed[2**20 + 5] ^= 4
    assert crc32c(changed) != crc32c(data)


def test_the_data_are_not_written_to(rng):
    data = rng.integers(0, 256, 10_000, dtype=np.uint8)
    before = data.copy()
    crc32c(data)
    np.testing.assert_array_equal(data, before)
    assert crc32c(data.view(np.float32).reshape(50, 50)) == crc32c(data)
