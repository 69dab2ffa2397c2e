import cases
import numpy as np
import pytest
from frames.test_contract import label

from isthmus import frames
from isthmus.core.bits import unpack_signs


@pytest.mark.parametrize("operator", cases.OPERATORS, ids=label)
def test_codes_are_the_signs_of_the_dense_product(operator, rng):
    x = rng.standard_normal((600, operator.n_input))
    z = x @ operator.to_dense().T
    signs = unpack_signs(frames.encode_signs(operator, x), operator.n_code)
    clear = np.abs(z) > 1e-9  # rounding decides the others
    assert clear.mean() > 0.99 or np.allclose(operator.to_dense(), 0)
    np.testing.assert_array_equal(signs[clear], np.sign(z[clear]))


def test_blocks_do_not_change_codes(rng):
    frame = frames.hadamard(4096, 4096, rng=0)
    x = rng.standard_normal((150, 4096)).astype(np.float32)
    whole = frames.encode_signs(frame, x)
    one_by_one = np.concatenate([frames.encode_signs(frame, row[None]) for row in x])
    # float32 rounding may differ with the shape of a product: one bit in 10**4 at most
    flipped = np.unpackbits(whole ^ one_by_one).mean()
    assert flipped < 1e-4


def test_no_rows():
    assert frames.encode_signs(frames.dct(12, 5, rng=0), np.ones((0, 5))).shape == (0, 2)


def test_memory_is_that_of_the_codes(rng):
    import tracemalloc

    frame = frames.hadamard(4096, 4096, rng=0)
    x = rng.standard_normal((512, 4096)).astype(np.float32)
    frames.encode_signs(frame, x[:1])
    tracemalloc.start()
    frames.encode_signs(frame, x)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    # Blocks of 2**18 float32 entries, a few of them: half of what one array of
    # pre-activations would take.
    assert peak < 0.5 * x.nbytes


@pytest.mark.parametrize("size", [64, 128, 512, 1024])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_planes_are_the_signs_of_the_transform(size, dtype, rng):
    # The square frame has a layout of its own; whole numbers make sums exact, zeros too.
    frame = frames.hadamard(size, size, rng=2)
    x = np.asfortranarray(rng.integers(-3, 4, (530, size)).astype(dtype))
    x[0] = 0
    z = (x * frame.signs) @ (np.sign(frame.to_dense()) * frame.signs).T
    expected = np.packbits(z >= 0, axis=-1, bitorder="little")
    np.testing.assert_array_equal(frames.encode_signs(frame, x), expected)
    assert (z == 0).sum() > size  # ties are there, and count as +1
