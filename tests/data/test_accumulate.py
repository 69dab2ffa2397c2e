"""Moments of blocks: any division and order agree with the exact ones."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from isthmus.core import DataError, ValueOutOfRange
from isthmus.data import Moments, stream


def exact(x):
    return np.cov(x.astype(np.longdouble).T, bias=True).astype(float)


def agrees(found, x):
    covariance = exact(x)
    largest = np.linalg.eigvalsh(covariance)[-1]
    assert found.n_rows == x.shape[0]
    assert np.abs(found.covariance() - covariance).max() <= 1e-10 * largest
    spread = np.sqrt(largest)
    size = np.abs(x).max()
    mean = x.mean(axis=0, dtype=np.longdouble).astype(float)
    assert np.abs(found.mean - mean).max() <= 1e-10 * spread + 1e-15 * size


@given(
    st.integers(0, 2**31),
    st.integers(1, 8),
    st.sampled_from([0.0, 100.0, 1e6]),
    st.sampled_from(["f4", "f8", ">f4", "u1", "i8"]),
)
def test_any_division_and_order_agree(seed, n_blocks, offset, dtype):
    rng = np.random.default_rng(seed)
    x = 30 * rng.standard_normal((300, 4)) @ rng.standard_normal((4, 4))
    x = x.clip(0, 255) if dtype == "u1" else x + offset
    x = x.astype(dtype)
    cuts = np.sort(rng.integers(0, 300, n_blocks - 1))
    blocks = np.split(x, cuts)
    order = rng.permutation(len(blocks))
    agrees(Moments.from_blocks(blocks[i] for i in order), x)
    pieces = [Moments.from_blocks([b]) for b in blocks if len(b)]
    total = pieces[0]
    for i in 1 + rng.permutation(len(pieces) - 1):
        total = pieces[i].merge(total) if i % 2 else total.merge(pieces[i])
    agrees(total, x)


def test_a_first_block_far_from_the_rest(rng):
    x = rng.standard_normal((5000, 3))
    x[0] = 1e4
    agrees(Moments.from_blocks([x[:1], x[1:]]), x)


@pytest.mark.parametrize("dtype", ["u1", "f4", "f8"])
def test_small_whole_numbers_are_summed_without_any_rounding(dtype, rng):
    # 3000 rows of 0 ... 255: sums of squares need more than 24 bits, so that one product
    # in float32 over all rows would round.
    x = rng.integers(0, 256, (3000, 5)).astype(dtype)
    found = Moments.from_blocks([x[:700], x[700:]])
    whole = x.astype(np.int64) - 128
    sums, products = whole.sum(axis=0), whole.T @ whole
    scaled = found.scatter * 3000
    want = 3000 * products - np.outer(sums, sums)
    np.testing.assert_allclose(scaled, want, rtol=1e-14)


@pytest.mark.parametrize(
    "x",
    [
        np.full((50, 2), 0.1),
        np.full((50, 2), 0.1, np.float32),
        np.full((50, 2), 7, np.uint8),
        np.full((50, 2), 1e15),
        np.full((50, 2), 2**40 + 1, np.int64),
    ],
)
def test_constant_columns_have_exactly_no_variance(x):
    found = Moments.from_blocks([x[:20], x[20:]])
    assert not found.scatter.any()
    np.testing.assert_array_equal(found.mean, x[0])


def test_whole_numbers_that_float32_does_not_hold(rng):
    # Near 2^30 float32 holds multiples of 64 only.
    x = 2**30 + rng.integers(0, 100, (900, 3))
    agrees(Moments.from_blocks([x[:5], x[5:]]), x)
    x = rng.integers(0, 100, (900, 3)).astype(np.float32)
    x[700] = 2.0**26  # the first block is small, a later one is not
    agrees(Moments.from_blocks([x[:600], x[600:]]), x)
    x[700] = 0.5
    agrees(Moments.from_blocks([x[:600], x[600:]]), x)


def test_blocks_that_cannot_be_added():
    with pytest.raises(DataError, match="must have rows; got none"):
        Moments.from_blocks([np.zeros((0, 3))])
    with pytest.raises(DataError, match="must have 3 columns in every block; got 2"):
        Moments.from_blocks([np.ones((4, 3)), np.ones((4, 2))])
    with pytest.raises(DataError, match="rows and columns"):
        Moments.from_blocks([np.ones(4)])


def test_moments_of_a_stream_are_those_of_the_rows(tmp_path, rng):
    x = (50 + rng.standard_normal((200, 3))).astype(np.float32)
    np.save(tmp_path / "x.npy", x)
    agrees(Moments.from_blocks(stream(tmp_path / "x.npy", 17).blocks()), x)


@pytest.mark.parametrize("offset", [0.0, 1e5])
@pytest.mark.parametrize("sort", [False, True])
def test_float32_products_are_good_to_a_millionth(offset, sort, rng):
    # Sorted rows: the first block lies far from the mean of all.
    x = (offset + rng.standard_normal((9000, 20)) @ rng.standard_normal((20, 20))).astype(
        np.float32
    )
    if sort:
        x = np.sort(x, axis=0)
    blocks = np.split(x, [10, 1500, 6000])
    covariance = exact(x)
    largest = np.linalg.eigvalsh(covariance)[-1]
    found = Moments.from_blocks(blocks, products="float32")
    error = np.abs(found.covariance() - covariance).max()
    assert error <= 1e-6 * largest
    assert error > 1e-11 * largest  # the other way would not round like this
    np.testing.assert_allclose(
        found.mean, x.mean(axis=0, dtype=float), rtol=1e-9, atol=1e-9
    )


def test_how_to_multiply_is_one_of_two():
    with pytest.raises(ValueOutOfRange, match=r"products=...\)` must be 'float64' or"):
        Moments.from_blocks([np.ones((4, 3))], products="float16")


@pytest.mark.parametrize("scale", [1e-25, [1.0, 1e-30, 1.0]])
@pytest.mark.parametrize("offset", [0.0, 3.0])
def test_float32_products_of_tiny_columns(scale, offset, rng):
    # Squares of these are below what float32 holds.
    x = rng.standard_normal((5000, 3)) * scale
    x[:, 2] += offset
    x = x.astype(np.float32)
    found = Moments.from_blocks([x[:2000], x[2000:]], products="float32").covariance()
    want = exact(x)
    size = np.sqrt(np.outer(np.diag(want), np.diag(want)))
    assert (np.abs(found - want) <= 1e-5 * size).all()


def test_float32_products_of_a_column_that_is_still_for_a_while(rng):
    x = rng.standard_normal((6000, 3)).astype(np.float32)
    x[:3000, 1], x[3000:, 1] = 0.1, 0.7
    found = Moments.from_blocks(np.split(x, 6), products="float32")
    np.testing.assert_allclose(found.covariance(), exact(x), atol=1e-6)
