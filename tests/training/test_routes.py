import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from limits.oracles import spectrum

from isthmus import frames, limits
from isthmus.core import NotConverged, ValueOutOfRange
from isthmus.training import descend, orthonormal_rows, tight_frame, water_filled_rows
from isthmus.training.routes import frame_error


@settings(deadline=None)
@given(st.integers(0, 2**31), st.integers(1, 8), st.integers(0, 6))
def test_both_ways_give_orthonormal_rows_of_the_same_span(seed, n_code, more):
    rng = np.random.default_rng(seed)
    u, _, vt = np.linalg.svd(rng.standard_normal((n_code, n_code + more)))
    w = u @ (rng.uniform(0.05, 30, n_code)[:, None] * vt[:n_code])
    for method in ("qr", "newton-schulz"):
        x = orthonormal_rows(w, method=method)
        np.testing.assert_allclose(x @ x.T, np.eye(n_code), atol=1e-12)
        np.testing.assert_allclose(x.T @ x, vt[:n_code].T @ vt[:n_code], atol=1e-10)
    # Newton-Schulz stays nearest to where it came from: the polar factor.
    np.testing.assert_allclose(x, u @ vt[:n_code], atol=1e-10)


@pytest.mark.parametrize("method", ["qr", "newton-schulz"])
def test_orthonormal_rows_attain_the_limit(method, rng):
    x = orthonormal_rows(rng.standard_normal((50, 100)), method=method)
    trained = descend(np.ones(100), 50, start=x)
    assert (trained.reason, trained.n_iter) == ("limit", 0)


@pytest.mark.parametrize("method", ["qr", "newton-schulz"])
@pytest.mark.parametrize(
    "weight", [np.ones((2, 3)), np.zeros((2, 3)), np.array([[1.0, 0], [0, 0]])]
)
def test_dependent_rows_are_refused(method, weight):
    with pytest.raises(NotConverged, match="independent|zero"):
        orthonormal_rows(weight, method=method)


@pytest.mark.parametrize(
    ("weight", "method", "words"),
    [
        (np.ones((3, 2)), "qr", "tight_frame"),
        (np.ones(3), "qr", "shape"),
        (np.full((1, 2), np.inf), "qr", "finite"),
        (np.eye(2), "svd", "qr, newton-schulz"),
    ],
)
def test_what_cannot_be_made_orthonormal(weight, method, words):
    with pytest.raises(ValueOutOfRange, match=words):
        orthonormal_rows(weight, method=method)


@pytest.mark.parametrize(("n_code", "n_input"), [(30, 20), (40, 20), (61, 20), (8, 20)])
def test_tight_frames_are_tight_with_unit_rows(n_code, n_input):
    w = tight_frame(n_code, n_input, rng=0)
    assert w.shape == (n_code, n_input)
    np.testing.assert_allclose(np.sum(w**2, axis=1), 1, rtol=1e-12)
    singular = np.linalg.svd(w, compute_uv=False)
    np.testing.assert_allclose(singular, max(n_code / n_input, 1) ** 0.5, rtol=1e-5)
    assert frame_error(w) <= 1e-6
    np.testing.assert_array_equal(w, tight_frame(n_code, n_input, rng=0))


def test_alternation_shrinks_the_frame_error():
    errors = [frame_error(tight_frame(30, 20, rng=0, max_steps=k)) for k in (1, 4, 12)]
    assert errors[0] > 3 * errors[1] > 9 * errors[2]


def test_frame_error_is_the_relative_frobenius_distance():
    # Three rows in the plane, one doubled: gram 2/3 (2, 1) - 1 = (1/3, -1/3).
    rows = np.array([[1.0, 0], [1, 0], [0, 1]])
    assert frame_error(rows) == pytest.approx(1 / 3)


@pytest.mark.parametrize(("rate", "excess"), [(1.5, 0.00105), (2, 0.0034), (3, 0.0098)])
def test_tight_frames_come_close_to_the_limit(rate, excess):
    # Means of 5 seeds at d = 100; single ones are within 4 % of them.
    n_code = round(100 * rate)
    w = tight_frame(n_code, 100, rng=1, max_steps=12)
    trained = descend(np.ones(100), n_code, start=w, max_steps=0)
    assert trained.ratio - 1 == pytest.approx(excess, rel=0.15)


@pytest.mark.parametrize("make", [frames.dct, frames.haar])
@pytest.mark.parametrize("name", ["two-blocks", "k^-1", "k^-2"])
@pytest.mark.parametrize("n_code", [37, 100, 160])
def test_water_filled_rows_carry_the_gains(make, name, n_code):
    lam = spectrum(name)[::-1]
    rows = water_filled_rows(lam, n_code, frame=make, rng=0)
    np.testing.assert_allclose(np.sum(rows**2, axis=1), 1, rtol=1e-12)
    gains = limits.covariance_limit(lam, n_code).gains
    assert np.all(rows[:, gains == 0] == 0)
    assert np.all(np.any(rows != 0, axis=0) == (gains > 0))
    # Row norms of O sqrt(mu) vary, so the spectrum of the unit rows is the gains only
    # on average; their order must survive.
    mass = np.sum(rows**2, axis=0)
    assert np.corrcoef(mass, gains)[0, 1] > 0.9 or name == "two-blocks"
    assert mass.sum() == pytest.approx(n_code)


def test_few_directions_have_no_dark_rows():
    for n_code in range(2, 30):
        rows = water_filled_rows(np.array([2.0, 1.0]), n_code, rng=n_code)
        assert np.all(np.isfinite(rows))
        np.testing.assert_allclose(np.sum(rows**2, axis=1), 1)
