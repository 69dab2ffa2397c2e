import numpy as np
import pytest
from hypothesis import given
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
