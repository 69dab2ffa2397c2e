import numpy as np
import pytest
from sklearn.covariance import ledoit_wolf

from isthmus.core import DataError, DataWarning, ValueOutOfRange
from isthmus.data import Moments, Principal, principal
from isthmus.data.principal import mean_fourth_length

SIZES = [(400, 6), (60, 6), (20, 30), (40, 30), (7, 30)]


def dense(found):
    return (found.basis * found.eigenvalues) @ found.basis.T


@pytest.mark.parametrize(("n", "d"), SIZES)
@pytest.mark.parametrize("offset", [0.0, 1e3])
def test_axes_are_those_of_the_shrunk_covariance(rng, n, d, offset):
    x = offset + rng.standard_normal((n, d)) * np.arange(1, d + 1)
    found = Principal.from_rows(x)
    exact = np.cov(x.T, bias=True)
    if n < 20 * d:
        exact, weight = ledoit_wolf(x)
        assert found.shrinkage == pytest.approx(weight, rel=1e-9)
    else:
        assert found.shrinkage == 0
    np.testing.assert_allclose(dense(found), exact, atol=1e-9 * np.trace(exact))
    np.testing.assert_allclose(found.basis.T @ found.basis, np.eye(d), atol=1e-12)
    assert np.all(np.diff(found.eigenvalues) <= 1e-9 * found.eigenvalues[0])
    np.testing.assert_allclose(found.mean, x.mean(axis=0), rtol=1e-12)


@pytest.mark.parametrize(("n", "d"), SIZES)
def test_sums_say_the_same_as_rows(rng, n, d):
    x = rng.standard_normal((n, d)) ** 3
    moments = Moments.from_rows(x)
    summed = Principal.from_moments(moments, mean_fourth_length(x, moments.mean))
    found = Principal.from_rows(x)
    assert summed.shrinkage == pytest.approx(found.shrinkage, rel=1e-9)
    np.testing.assert_allclose(
        dense(summed), dense(found), atol=1e-10 * found.eigenvalues[0]
    )


@pytest.mark.parametrize("n", [12, 300])
def test_constant_columns_stay_without_variance(rng, n):
    x = rng.standard_normal((n, 20))
    x[:, 3] = 5.0
    found = Principal.from_rows(x)
    assert found.shrinkage > 0
    assert not dense(found)[3].any()
    assert found.rank == 19
    np.testing.assert_allclose(
        dense(found)[np.ix_(*[np.arange(20) != 3] * 2)],
        ledoit_wolf(np.delete(x, 3, axis=1))[0],
        atol=1e-12,
    )


def test_wide_rows_keep_the_directions_that_they_span(rng, monkeypatch):
    monkeypatch.setattr(principal, "WIDEST", 10)
    x = rng.standard_normal((8, 30))
    found = Principal.from_rows(x)
    assert found.basis.shape == (30, 7)
    assert found.all_eigenvalues.shape == (30,)
    assert found.eigenvalues.sum() == pytest.approx(x.var(axis=0).sum())
    centred = x - x.mean(axis=0)
    np.testing.assert_allclose(found.coordinates(x) @ found.basis.T, centred, atol=1e-12)


def test_equal_rows_and_weak_directions(rng):
    x = np.repeat(rng.standard_normal((1, 50)), 12, axis=0)
    assert Principal.from_rows(x).rank == 0
    x += 1e-4 * rng.standard_normal((12, 1)) * rng.standard_normal((1, 50))
    x += rng.standard_normal((12, 2)) @ rng.standard_normal((2, 50))
    found = Principal.from_rows(x)
    np.testing.assert_allclose(found.basis.T @ found.basis, np.eye(50), atol=1e-12)


def test_whitening_and_back(rng):
    x = rng.standard_normal((2000, 5)) @ rng.standard_normal((5, 9)) + 3.0
    found = Principal.from_rows(x)
    white = found.whiten(x)
    assert found.rank == 5
    assert white.shape == (2000, 5)
    np.testing.assert_allclose(np.cov(white.T, bias=True), np.eye(5), atol=1e-8)
    np.testing.assert_allclose(found.unwhiten(white), x, atol=1e-8)
    assert found.whiten(x.astype(np.float32), n_components=2).dtype == np.float32
    assert found.whiten(x, n_components=2).shape == (2000, 2)


def test_whitening_by_few_rows_is_said(rng):
    x = rng.standard_normal((40, 5))
    with pytest.warns(DataWarning, match="40 rows for 5 columns, less than 20 each"):
        Principal.from_rows(x).whiten(x)


def test_moments_without_some_rows(rng):
    x = 10 + rng.standard_normal((500, 4))
    left = Moments.from_rows(x).without(Moments.from_rows(x[:100]))
    exact = Moments.from_rows(x[100:])
    np.testing.assert_allclose(left.mean, exact.mean, rtol=1e-13)
    np.testing.assert_allclose(left.scatter, exact.scatter, atol=1e-9)
    assert left.n_rows == 400


def test_moments_of_scaled_columns(rng):
    x = rng.standard_normal((50, 4))
    kept, divisor = np.array([2, 0]), np.array([2.0, 0.5])
    found = Moments.from_rows(x).of_columns(kept, divisor)
    exact = Moments.from_rows(x[:, kept] / divisor)
    np.testing.assert_allclose(found.scatter, exact.scatter, rtol=1e-12)
    np.testing.assert_allclose(found.mean, exact.mean, rtol=1e-12)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"mean": np.zeros(3)}, "a mean of shape"),
        ({"basis": np.eye(4)[:, :2]}, "a mean of shape"),
        ({"eigenvalues": np.arange(4.0)}, "not rise"),
        ({"eigenvalues": -np.arange(4.0)}, "not be negative"),
        ({"mean": np.full(4, np.nan)}, "finite"),
    ],
)
def test_axes_that_are_none(change, words):
    given = {"mean": np.zeros(4), "basis": np.eye(4), "eigenvalues": np.ones(4)} | change
    with pytest.raises(ValueOutOfRange, match=words):
        Principal(**given, shrinkage=0.0, n_rows=10)


@pytest.mark.parametrize(
    ("rows", "words"),
    [
        (np.ones((5, 0)), "rows and columns"),
        (np.ones((0, 5)), "rows and columns"),
        (np.full((5, 3), np.nan), "finite rows"),
        (np.array([[1e200, 0.0], [-1e200, 1.0]]), "small enough to square"),
    ],
)
def test_rows_without_axes_are_refused(rows, words):
    with np.errstate(all="ignore"), pytest.raises(DataError, match=words):
        Principal.from_rows(rows)
