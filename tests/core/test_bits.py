import numpy as np
import pytest

from isthmus.core import ValueOutOfRange
from isthmus.core.bits import pack_signs, unpack_signs

LENGTHS = [1, 7, 8, 9, 64, 1001]


@pytest.mark.parametrize("n_code", LENGTHS)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_bits_are_those_of_numpy_and_come_back(n_code, dtype, rng):
    z = rng.standard_normal((5, n_code)).astype(dtype)
    z[0, 0], z[1, 0] = 0.0, -0.0  # zero is positive, whatever its sign
    packed = pack_signs(z)
    expected = np.packbits(z >= 0, axis=-1, bitorder="little")
    np.testing.assert_array_equal(packed, expected)
    signs = unpack_signs(packed, n_code, dtype)
    assert signs.dtype == dtype
    np.testing.assert_array_equal(signs, np.where(z >= 0, 1, -1))
    np.testing.assert_array_equal(pack_signs(signs), packed)


def test_the_order_of_bits_is_little_end_first():
    z = np.array([[1, -1, -1, -1, -1, -1, -1, 1, -1, 1]], dtype=float)
    assert pack_signs(z).tolist() == [[0b10000001, 0b00000010]]


def test_no_rows():
    packed = pack_signs(np.ones((0, 12)))
    assert packed.shape == (0, 2)
    assert unpack_signs(packed, 12).shape == (0, 12)


def test_what_comes_back_may_be_written_to(rng):
    packed = pack_signs(rng.standard_normal((2, 8)))
    first = unpack_signs(packed, 8)
    first[:] = 0
    assert np.all(unpack_signs(packed, 8) != 0)


@pytest.mark.parametrize(
    ("packed", "n_code"),
    [(np.zeros((2, 2), np.uint8), 8), (np.zeros((2, 2), np.uint8), 17)],
)
def test_bytes_that_do_not_fit(packed, n_code):
    with pytest.raises(ValueOutOfRange, match=f"for {n_code} symbols"):
        unpack_signs(packed, n_code)
