from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from isthmus.core import DataError, ValueOutOfRange
from isthmus.data import Moments, Principal


@given(st.integers(0, 2**31), st.integers(2, 6), st.sampled_from([0.0, 1.0, 1e6]))
def test_pieces_merge_in_any_order(seed, n_pieces, offset):
    rng = np.random.default_rng(seed)
    x = offset + rng.standard_normal((200, 4)) @ rng.standard_normal((4, 4))
    cuts = np.sort(rng.integers(1, 199, n_pieces - 1))
    pieces = [Moments.from_rows(p) for p in np.split(x, cuts) if len(p)]
    total = None
    for i in rng.permutation(len(pieces)):
        total = pieces[i] if total is None else total.merge(pieces[i])
    exact = np.cov(x.astype(np.longdouble).T, bias=True).astype(float)
    largest = np.linalg.eigvalsh(exact)[-1]
    assert np.abs(total.covariance() - exact).max() <= 1e-10 * largest
    assert total.n_rows == 200
    np.testing.assert_allclose(total.mean, x.mean(axis=0), rtol=1e-12, atol=1e-12)


def test_many_blocks_of_float32(rng):
    x = (100 + rng.standard_normal((10_000, 3))).astype(np.float32)
    exact = np.cov(x.astype(float).T, bias=True)
    np.testing.assert_allclose(
        Moments.from_rows(x).covariance(), exact, rtol=1e-11, atol=1e-12
    )


def test_columns_must_agree():
    with pytest.raises(DataError, match="must have 2 columns; got 3"):
        Moments.from_rows(np.ones((3, 2))).merge(Moments.from_rows(np.ones((3, 3))))


def test_shrinkage_brings_few_rows_closer_to_the_truth(rng):
    # 40 rows of 30 columns: the raw error is about 30^2/40 = 22, shrunk near 1.
    x = rng.standard_normal((40, 30))
    found = Principal.from_rows(x)
    raw = np.linalg.eigvalsh(np.cov(x.T, bias=True))
    assert 0.5 < found.shrinkage <= 1
    assert np.sum((found.eigenvalues - 1) ** 2) < 0.2 * np.sum((raw - 1) ** 2)
    assert found.eigenvalues.sum() == pytest.approx(raw.sum())


def test_update_is_a_merge_with_the_rows(rng):
    x = rng.standard_normal((50, 3))
    grown = Moments.from_rows(x[:20]).update(x[20:])
    np.testing.assert_allclose(grown.covariance(ddof=1), np.cov(x.T), rtol=1e-12)


def test_moments_of_too_few_rows():
    with pytest.raises(DataError, match="must have rows"):
        Moments.from_rows(np.zeros((0, 3)))
    with pytest.raises(ValueOutOfRange, match="below the 1 rows"):
        Moments.from_rows(np.ones((1, 3))).covariance(ddof=1)


def exact_moments(x):
    """Mean and covariance in fractions, for small whole multiples of 2^-10."""
    whole = [[Fraction(float(v)) for v in row] for row in x]
    n, d = len(whole), len(whole[0])
    mean = [sum(row[j] for row in whole) / n for j in range(d)]
    cov = [
        [sum((r[i] - mean[i]) * (r[j] - mean[j]) for r in whole) / n for j in range(d)]
        for i in range(d)
    ]
    return np.array(mean, dtype=float), np.array(cov, dtype=float)


@st.composite
def hard_rows(draw):
    """Rows far from the origin, with columns that never change and of unequal spread."""
    rng = np.random.default_rng(draw(st.integers(0, 2**31)))
    n_rows, n_columns = draw(st.integers(1, 40)), draw(st.integers(1, 4))
    spread = 10.0 ** rng.uniform(-3, 3, n_columns)
    x = rng.standard_normal((n_rows, n_columns)) * spread
    x += draw(st.sampled_from([0.0, 1.0, 1e4])) * spread * rng.standard_normal(n_columns)
    for column in range(n_columns):
        if draw(st.booleans()):
            x[:, column] = x[0, column]
    if draw(st.booleans()):
        x = np.rint(x)
    return x


def in_pieces(data, x):
    """Cut rows anywhere, also into pieces of one row."""
    cuts = data.draw(st.lists(st.integers(0, len(x)), max_size=len(x)), label="cuts")
    return [piece for piece in np.split(x, sorted(cuts)) if len(piece)]


def assert_exact(found, x):
    mean, covariance = exact_moments(x)
    largest = np.linalg.eigvalsh(covariance)[-1]
    # What any method leaves: the rounding of the mean, squared, beside 1e-10 of the spread.
    rounding = (2.0**-52 * np.abs(x).max()) ** 2
    error = np.abs(found.covariance() - covariance).max()
    assert error <= 1e-10 * largest + 4 * rounding
    np.testing.assert_allclose(found.mean, mean, rtol=1e-14, atol=1e-14 * np.abs(x).max())
    assert found.n_rows == len(x)
    constant = (x == x[0]).all(axis=0)
    assert not np.diag(found.covariance())[constant].any()


@settings(max_examples=60)
@given(x=hard_rows(), data=st.data())
def test_any_tree_of_merges_is_exact(x, data):
    pieces = [Moments.from_rows(piece) for piece in in_pieces(data, x)]
    while len(pieces) > 1:
        order = data.draw(st.permutations(range(len(pieces))), label="pair")
        a, b = pieces[order[0]], pieces[order[1]]
        pieces = [pieces[i] for i in order[2:]] + [a.merge(b)]
    assert_exact(pieces[0], x)


@settings(max_examples=60)
@given(x=hard_rows(), data=st.data())
def test_rows_and_blocks_agree_with_fractions(x, data):
    assert_exact(Moments.from_rows(x), x)
    blocks = in_pieces(data, x)
    assert_exact(Moments.from_blocks(blocks), x)
    assert_exact(Moments.from_blocks(data.draw(st.permutations(blocks))), x)


@settings(max_examples=20)
@given(seed=st.integers(0, 2**31), offset=st.sampled_from([0.0, 1e4]))
def test_many_rows_agree_with_extended_precision(seed, offset):
    rng = np.random.default_rng(seed)
    x = offset + rng.standard_normal((9000, 3)) @ rng.standard_normal((3, 3))
    wide = x.astype(np.longdouble)
    wide -= wide.mean(axis=0)
    exact = (wide.T @ wide / len(x)).astype(float)
    largest = np.linalg.eigvalsh(exact)[-1]
    blocks = np.split(x, np.sort(rng.integers(0, 9001, 5)))
    for found in (Moments.from_rows(x), Moments.from_blocks(blocks)):
        assert np.abs(found.covariance() - exact).max() <= 1e-10 * largest
