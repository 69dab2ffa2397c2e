"""Variances along axes that few rows have chosen."""

import numpy as np
import pytest

from isthmus.core.random import as_rng
from isthmus.estimators import TransformCoder
from isthmus.estimators.held_out_spread import held_out_variances


def rows_of(rng, n_rows, lam):
    turn, _ = np.linalg.qr(rng.standard_normal((lam.size, lam.size)))
    return 3.0 + rng.standard_normal((n_rows, lam.size)) * np.sqrt(lam) @ turn.T


def test_they_add_up_to_the_distance_of_rows_left_out(rng):
    x = rows_of(rng, 30, np.arange(1, 61) ** -1.0)
    part = np.random.default_rng(0).permutation(30) % 5
    lengths = [np.sum((x[part == k] - x[part != k].mean(axis=0)) ** 2) for k in range(5)]
    found = held_out_variances(x, 60)
    assert found.sum() == pytest.approx(sum(lengths) / 30, rel=1e-12)
    assert np.all(np.diff(found) <= 0)


def test_they_are_those_of_axes_found_in_the_columns(rng):
    # The same without a Gram matrix; steep enough that no two axes are pooled.
    x = rows_of(rng, 40, 100.0 ** -np.arange(50.0))
    part = np.random.default_rng(0).permutation(40) % 5
    first = np.zeros(3)
    for k in range(5):
        rest = x[part != k]
        _, _, axes = np.linalg.svd(rest - rest.mean(axis=0), full_matrices=False)
        first += np.sum(((x[part == k] - rest.mean(axis=0)) @ axes[:3].T) ** 2, axis=0)
    np.testing.assert_allclose(held_out_variances(x, 50)[:3], first / 40, rtol=1e-9)


def test_equal_rows_stay_together(rng):
    # Copies in another part would make every axis as long as in the rows themselves.
    x = rows_of(rng, 12, np.ones(200))
    fourfold = np.repeat(x, 4, axis=0)
    assert held_out_variances(fourfold, 200)[0] < 3.0
    within = np.linalg.eigvalsh(np.cov(x.T, bias=True))[-1]
    assert within > 15.0


@pytest.mark.parametrize("ratio", [0.9, 0.97])
def test_more_bits_are_never_worse_with_few_rows(ratio):
    # Shrunk covariances put most bits where no row ever is: at ratio .9 the NMSE then
    # rises from .079 to .121 between half a bit and one, five times what it could be.
    lam = ratio ** np.arange(300.0)
    x = rows_of(as_rng(3), 2060, lam)
    coders = [TransformCoder(rate=r).fit(x[:60]) for r in (0.1, 0.25, 0.5, 1.0, 2.0)]
    found = np.array([1 - coder.score(x[60:]) for coder in coders])
    predicted = np.array([coder.predicted_nmse_ for coder in coders])
    assert np.all(np.diff(found) < 0), found
    # Five folds of 60 rows: each variance is known to some 1/sqrt(30).
    np.testing.assert_allclose(predicted, found, rtol=0.4)
