"""Codes against dense products, whatever arithmetic is in use."""

import numpy as np
import pytest
from helpers import unchecked
from scipy.linalg import hadamard as sylvester

from isthmus import codec, frames
from isthmus.core import DataError, ValueOutOfRange
from isthmus.core.bits import pack_signs, unpack_signs

SIZES = [
    (1, 1),
    (1, 2),
    (2, 1),
    (4, 4),
    (3, 8),
    (8, 3),
    (8, 8),
    (16, 16),
    (16, 11),
    (5, 64),
    (64, 64),
    (128, 100),
    (100, 256),
    (512, 512),
]


@pytest.fixture(params=codec.kernels())
def kernel(request, monkeypatch):
    monkeypatch.setenv("ISTHMUS_KERNEL", request.param)
    return request.param


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("rounds", [1, 2, 3])
def test_codes_are_signs_of_the_dense_product(kernel, size, rounds, rng):
    frame = frames.hadamard(*size, rng=3, rounds=rounds)
    x = rng.standard_normal((23, frame.n_input))
    centre = rng.standard_normal(frame.n_input)
    offset = 0.3 * rng.standard_normal(frame.n_code)
    z = (x - centre) @ frame.to_dense().T
    clear = np.abs(z - offset) > 1e-5  # float32 decides the others
    assert clear.mean() > 0.99
    codes = codec.encode_bits(frame, x, centre=centre, offset=offset)
    bits = unpack_signs(codes, frame.n_code) > 0
    np.testing.assert_array_equal(bits[clear], (z >= offset)[clear])
    assert not np.unpackbits(codes, axis=1, bitorder="little")[:, frame.n_code :].any()


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("rounds", [1, 2, 3])
def test_decoding_is_the_dense_adjoint(kernel, size, rounds, rng):
    frame = frames.hadamard(*size, rng=3, rounds=rounds)
    y = np.where(rng.random((9, frame.n_code)) < 0.5, 1.0, -1.0)
    centre, norms = rng.standard_normal(frame.n_input), rng.random(9)
    expected = norms[:, None] * (y @ frame.to_dense()) + centre
    x = codec.decode_bits(frame, pack_signs(y), scale=norms, centre=centre)
    assert x.dtype == np.float32
    np.testing.assert_allclose(x, expected, atol=5e-6)


@pytest.mark.parametrize("n", [2, 8, 64, 256])
def test_whole_numbers_are_exact_and_ties_count_as_one(kernel, n, rng):
    frame = frames.hadamard(n, n, rng=0)
    x = rng.integers(-3, 4, (40, n)).astype(np.float32)
    x[0] = 0
    z = (x * frame.signs) @ sylvester(n)
    assert (z == 0).sum() > n  # beside the row of zeros
    np.testing.assert_array_equal(codec.encode_bits(frame, x), pack_signs(z))
    exact = (np.where(z >= 0, 1.0, -1.0) @ sylvester(n)) * frame.signs
    scale = np.sqrt(n)
    back = codec.decode_bits(frame, pack_signs(z), scale=scale)
    np.testing.assert_allclose(back, exact, rtol=2e-7, atol=0)


def test_an_offset_is_in_units_of_the_frame(kernel):
    frame = frames.hadamard(512, 512, rng=0, rounds=3)
    x = 0.5 * np.linalg.inv(frame.to_dense())[:, :1].T  # its pre-activation 0 is 0.5
    for offset, bit in ((0.499, 1), (0.501, 0)):
        assert codec.encode_bits(frame, x, offset=offset)[0, 0] & 1 == bit


def test_rows_do_not_depend_on_their_neighbours(kernel, rng):
    frame = frames.hadamard(256, 200, rng=0, rounds=2)
    x = rng.standard_normal((1500, 200)).astype(np.float32)
    whole = codec.encode_bits(frame, x)
    picked = [0, 1, 511, 512, 513, 1499]
    one_by_one = [codec.encode_bits(frame, x[i : i + 1])[0] for i in picked]
    np.testing.assert_array_equal(whole[picked], one_by_one)
    back = codec.decode_bits(frame, whole)
    np.testing.assert_array_equal(back[picked], codec.decode_bits(frame, whole[picked]))


def test_any_memory_layout(kernel, rng):
    frame = frames.hadamard(64, 64, rng=0)
    x = rng.standard_normal((30, 64)).astype(np.float32)
    expected = codec.encode_bits(frame, x)
    frozen = x.copy()
    frozen.flags.writeable = False
    odd = np.zeros(30 * 64 * 4 + 1, np.uint8)[1:].view(np.float32).reshape(30, 64)
    odd[:] = x
    wide = np.zeros((60, 128), np.float32)
    wide[::2, 1::2] = x
    layouts = [np.asfortranarray(x), frozen, odd, wide[::2, 1::2], x[::-1][::-1]]
    for given in [*layouts, x.astype(np.float64), x.astype(">f4")]:
        np.testing.assert_array_equal(codec.encode_bits(frame, given), expected)
    back = codec.decode_bits(frame, expected)
    expected.flags.writeable = False
    mirrored = np.asfortranarray(expected)
    np.testing.assert_array_equal(codec.decode_bits(frame, mirrored), back)


def test_no_rows(kernel):
    frame = frames.hadamard(12, 16, rng=0)
    codes = codec.encode_bits(frame, np.ones((0, 16)))
    assert codes.shape == (0, 2)
    assert codec.decode_bits(frame, codes).shape == (0, 16)
    assert codec.decode_bits(frame, codes, scale=np.ones(0)).shape == (0, 16)


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf, 1e39])
@pytest.mark.parametrize("size", [(64, 64), (5, 64), (64, 40), (4, 4), (1, 1)])
def test_rows_that_are_not_finite_are_refused(kernel, value, size, rng):
    frame = frames.hadamard(*size, rng=0, rounds=2)
    x = rng.standard_normal((700, frame.n_input))
    x[[601, 650], -1] = value
    with pytest.raises(
        DataError, match=r"row 601: (1 entries|its largest entry is 1e\+39)"
    ):
        codec.encode_bits(frame, x)


def test_sums_too_large_for_float32_are_refused(kernel):
    frame = frames.hadamard(256, 256, rng=0)
    x = np.ones((3, 256), np.float32)
    x[1] = 3e38 * frame.signs
    with pytest.raises(DataError, match=r"row 1: its largest entry is 3e\+38"):
        codec.encode_bits(frame, x)


def test_tiny_numbers_keep_their_signs(kernel, rng):
    frame = frames.hadamard(128, 128, rng=0)
    x = rng.integers(-9, 10, (20, 128)).astype(np.float32)
    tiny = x * np.float32(2**-149)  # the least subnormal numbers
    assert tiny.any()
    np.testing.assert_array_equal(
        codec.encode_bits(frame, tiny), codec.encode_bits(frame, x)
    )


def test_wrong_arguments_are_named():
    encode, decode = unchecked(codec.encode_bits), unchecked(codec.decode_bits)
    frame, x = frames.hadamard(16, 8, rng=0), np.ones((2, 8))
    codes = np.zeros((2, 2), np.uint8)
    for message, call in {
        "encode_signs takes every other": lambda: encode(frames.dct(16, 8, rng=0), x),
        r"shape \(sample, 8\); got \(2, 7\)": lambda: encode(frame, x[:, 1:]),
        "floating-point": lambda: encode(frame, x.astype(int)),
        "centre=": lambda: encode(frame, x, centre=1.0),
        r"got shape \(7,\)": lambda: encode(frame, x, centre=np.ones(7)),
        "offset=": lambda: encode(frame, x, offset=np.ones(8)),
        "must be finite": lambda: encode(frame, x, offset=np.nan),
        r"uint8 of shape \(sample, 2\)": lambda: decode(frame, codes[:, :1]),
        "got int64": lambda: decode(frame, codes.astype(np.int64)),
        "got list": lambda: decode(frame, [[0, 0]]),
        "one per row": lambda: decode(frame, codes, scale=np.ones(3)),
        "scale=": lambda: decode(frame, codes, scale=np.inf),
    }.items():
        with pytest.raises(ValueOutOfRange, match=message):
            call()


def test_a_frame_too_long_is_refused_before_it_is_built():
    frame = frames.hadamard(8, 8, rng=0)
    huge = frames.HadamardFrame(2**25, 2**25, frame.signs, frame.places)
    with pytest.raises(ValueOutOfRange, match=r"at most 2\*\*24 .* got 33554432"):
        codec.encode_bits(huge, np.ones((0, 2**25), np.float32))


def test_memory_is_that_of_the_codes(kernel, rng):
    import tracemalloc

    frame = frames.hadamard(256, 256, rng=0)
    x = rng.standard_normal((50_000, 256), dtype=np.float32)
    codec.encode_bits(frame, x[:1])
    tracemalloc.start()
    codec.encode_bits(frame, x)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 0.25 * x.nbytes
