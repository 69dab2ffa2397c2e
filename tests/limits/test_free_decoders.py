"""The inequality behind free decoders, and the identity that carries it to every case.

tr(M f(M)^-1) <= n / f(1) for every correlation matrix M, also for f without its linear
part; see docs/theory/limits.md.
"""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.optimize import minimize

from isthmus import limits
from isthmus.core import resolve_activation

NAMES = ["sign", "cube", "tanh:2", "ternary", "lloyd-max:2", "erf"]


def correlation(rows):
    rows = rows / np.linalg.norm(rows, axis=1, keepdims=True)
    m = np.clip(rows @ rows.T, -1, 1)
    np.fill_diagonal(m, 1.0)
    return m


def share(m, kernel, top):
    """tr(M k(M)^-1) k(1) / n, or 0 where k(M) cannot be inverted in double precision."""
    k = kernel(m)
    np.fill_diagonal(k, top)
    if np.linalg.eigvalsh(k)[0] < 1e-7 * top:
        return 0.0
    return float(np.trace(np.linalg.solve(k, m))) * top / len(m)


def kernels(name):
    act = resolve_activation(name)
    c = act.c1**2
    return {
        "whole": (act.kernel, act.f1),
        "without its linear part": (lambda m: act.kernel(m) - c * m, act.f1 - c),
    }


@given(
    st.integers(0, 2**32 - 1),
    st.integers(2, 8),
    st.integers(1, 8),
    st.sampled_from(NAMES),
    st.sampled_from(["whole", "without its linear part"]),
)
def test_no_correlation_matrix_breaks_the_inequality(seed, n, d, name, part):
    rows = np.random.default_rng(seed).standard_normal((n, d))
    assert share(correlation(rows), *kernels(name)[part]) <= 1 + 1e-7


@pytest.mark.parametrize("power", [3, 5, 7])
@pytest.mark.parametrize("seed", [0, 1])
def test_a_search_that_climbs_does_not_break_it_either(power, seed):
    # Pure powers are the hardest: at M = I and at M of rank one there is equality.
    rng = np.random.default_rng(seed)
    n, d = int(rng.integers(3, 6)), int(rng.integers(2, 5))

    def loss(v):
        return -share(correlation(v.reshape(n, d)), lambda m: m**power, 1.0)

    found = minimize(
        loss, rng.standard_normal(n * d), method="Nelder-Mead", options={"maxfev": 1500}
    )
    assert 0.8 < -found.fun <= 1 + 1e-7  # it climbs towards 1 and no further


@given(st.integers(0, 2**32 - 1), st.sampled_from(NAMES))
def test_woodbury_carries_it_to_every_covariance(seed, name):
    rng = np.random.default_rng(seed)
    d, n = int(rng.integers(2, 6)), int(rng.integers(1, 8))
    rows = rng.standard_normal((n, d))
    rows /= np.linalg.norm(rows, axis=1, keepdims=True)
    act = resolve_activation(name)
    m = correlation(rows)
    f = act.kernel(m)
    np.fill_diagonal(f, act.f1)
    h = f - act.c1**2 * m
    if np.linalg.eigvalsh(h)[0] < 1e-5:
        return
    p = act.c1**2 * rows.T @ np.linalg.solve(f, rows)
    left = p @ np.linalg.inv(np.eye(d) - p)
    right = act.c1**2 * rows.T @ np.linalg.solve(h, rows)
    np.testing.assert_allclose(left, right, rtol=1e-5, atol=1e-7)
    assert np.trace(left) <= n / act.alpha * (1 + 1e-7)
    # ... and so no encoder with its best decoder is below the limit, at any rate.
    lam = rng.exponential(size=d)
    b = rows / np.sqrt(lam)
    a = limits.optimal_decoder(b, np.diag(lam), activation=name)
    risk = limits.population_risk(b, a, np.diag(lam), activation=name)
    limit = limits.covariance_limit(lam, n, activation=name).nmse * lam.mean()
    assert risk >= limit * (1 - 1e-9)
