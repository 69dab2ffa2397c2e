import numpy as np
import pytest
from helpers import assert_mean_close
from hypothesis import given, settings
from hypothesis import strategies as st

from isthmus import frames, limits
from isthmus.core import Activation, DataWarning, ValueOutOfRange

C1 = np.sqrt(2 / np.pi)


def spd(rng, d):
    root = rng.standard_normal((d, d))
    return root @ root.T / d + 0.05 * np.eye(d)


def sign(z):
    return np.where(z >= 0, 1.0, -1.0)


@pytest.mark.parametrize("activation", ["sign", "identity"])
@pytest.mark.parametrize("n_code", [3, 9])
def test_risk_is_the_mean_over_samples(activation, n_code, rng):
    # 400 000 rows: the standard error is near 1e-3 of the risk; leaving the kernel
    # linear (2/pi m for the arcsine) would change it by several per cent.
    d = 5
    sigma, b, a = (
        spd(rng, d),
        rng.standard_normal((n_code, d)),
        rng.standard_normal((d, n_code)),
    )
    x = rng.multivariate_normal(np.zeros(d), sigma, 400_000)
    y = sign(x @ b.T) if activation == "sign" else x @ b.T
    risk = limits.population_risk(b, a, sigma, activation=activation)
    assert_mean_close(np.mean((x - y @ a.T) ** 2, axis=1), risk)


def test_best_decoder_is_least_squares_on_many_samples(rng):
    sigma, b = spd(rng, 4), rng.standard_normal((6, 4))
    x = rng.multivariate_normal(np.zeros(4), sigma, 400_000)
    fitted = np.linalg.lstsq(sign(x @ b.T), x, rcond=None)[0].T
    best = limits.optimal_decoder(b, sigma)
    np.testing.assert_allclose(best, fitted, atol=0.012)
    excess = limits.population_risk(b, fitted, sigma) - limits.population_risk(
        b, best, sigma
    )
    assert 0 <= excess < 2e-5


@given(st.integers(0, 2**31), st.integers(1, 8), st.integers(2, 6))
def test_decoder_excess_is_a_quadratic_form(seed, n_code, d):
    rng = np.random.default_rng(seed)
    sigma, b, a = (
        spd(rng, d),
        rng.standard_normal((n_code, d)),
        rng.standard_normal((d, n_code)),
    )
    best = limits.optimal_decoder(b, sigma)
    size = np.sqrt(np.einsum("ij,jk,ik->i", b, sigma, b))
    f = 2 / np.pi * np.arcsin(np.clip(b @ sigma @ b.T / np.outer(size, size), -1, 1))
    np.fill_diagonal(f, 1.0)
    excess = np.trace((a - best) @ f @ (a - best).T) / d
    total = limits.population_risk(b, best, sigma) + excess
    assert limits.population_risk(b, a, sigma) == pytest.approx(total, rel=1e-8)


@settings(max_examples=400)
@given(st.integers(0, 2**31), st.integers(1, 12), st.integers(2, 6), st.floats(0, 3))
def test_no_random_encoder_beats_the_limit(seed, n_code, d, decay):
    rng = np.random.default_rng(seed)
    lam = np.arange(1, d + 1) ** -decay
    turn = np.linalg.qr(rng.standard_normal((d, d)))[0]
    sigma = (turn * lam) @ turn.T
    b = rng.standard_normal((n_code, d))
    risk = limits.population_risk(b, limits.optimal_decoder(b, sigma), sigma)
    limit = limits.covariance_limit(lam, n_code).nmse * lam.mean()
    assert risk >= limit * (1 - 1e-10)


@pytest.mark.parametrize("n_code", [16, 32])
@pytest.mark.parametrize("make", [frames.haar, frames.dct])
def test_orthonormal_rows_reach_the_limit_exactly(make, n_code):
    b = make(n_code, 32, rng=0).to_dense()
    a = limits.optimal_decoder(b, np.eye(32))
    np.testing.assert_allclose(a, C1 * b.T, atol=1e-12)
    limit = limits.isotropic_limit(n_code / 32)
    assert limits.population_risk(b, a, np.eye(32)) == pytest.approx(limit, rel=1e-12)


@pytest.mark.parametrize(
    ("make", "rate", "ratio"),
    [("dct", 1.5, 1.0003), ("dct", 2, 1.0008), ("haar", 2, 1.0013)],
)
def test_tight_frames_come_close_above_rate_one(make, rate, ratio):
    # Ratios measured at d = 512; frames are random, so a fifth of the excess is slack.
    n_code = round(512 * rate)
    b = getattr(frames, make)(n_code, 512, rng=0).to_dense()
    risk = limits.population_risk(b, limits.optimal_decoder(b, np.eye(512)), np.eye(512))
    excess = risk / limits.isotropic_limit(rate) - 1
    assert 0 <= excess < 1.5 * (ratio - 1) + 1e-4


def test_first_columns_of_hadamard_repeat_rows():
    from scipy.linalg import hadamard

    b = hadamard(64)[:, :32].astype(float)
    with pytest.warns(DataWarning, match="repeat each other"):
        a = limits.optimal_decoder(b, np.eye(32))
    risk = limits.population_risk(b, a, np.eye(32))
    assert risk == pytest.approx(limits.isotropic_limit(1.0), rel=1e-9)  # and not .2220


def test_antipodal_rows_add_nothing(rng):
    b, sigma = rng.standard_normal((3, 4)), spd(rng, 4)
    twice = np.vstack([b, -2 * b[:1], 3 * b[1:2]])
    with pytest.warns(DataWarning, match="repeat"):
        a = limits.optimal_decoder(twice, sigma)
    once = limits.population_risk(b, limits.optimal_decoder(b, sigma), sigma)
    assert limits.population_risk(twice, a, sigma) == pytest.approx(once, rel=1e-8)


def test_row_scale_matters_for_the_identity_and_not_for_the_sign(rng):
    b, sigma, a = rng.standard_normal((3, 4)), spd(rng, 4), rng.standard_normal((4, 3))
    sign_risk = limits.population_risk(b, a, sigma)
    assert limits.population_risk(5 * b, a, sigma) == pytest.approx(sign_risk, rel=1e-12)
    linear = limits.population_risk(b, a, sigma, activation="identity")
    scaled = limits.population_risk(5 * b, a / 5, sigma, activation="identity")
    assert scaled == pytest.approx(linear, rel=1e-12)


def test_identity_reduces_to_principal_components(rng):
    sigma = spd(rng, 6)
    values, vectors = np.linalg.eigh(sigma)
    b = vectors[:, -2:].T
    a = limits.optimal_decoder(b, sigma, activation="identity")
    np.testing.assert_allclose(a, b.T, atol=1e-10)
    risk = limits.population_risk(b, a, sigma, activation="identity")
    assert risk == pytest.approx(values[:-2].sum() / 6, rel=1e-10)


def test_rank_one_data_see_one_bit():
    e = np.ones((5, 1)) / np.sqrt(5)
    sigma = 3 * e @ e.T
    with pytest.warns(DataWarning, match="repeat"):
        a = limits.optimal_decoder(np.ones((3, 5)), sigma)
    risk = limits.population_risk(np.ones((3, 5)), a, sigma)
    assert 5 * risk == pytest.approx(3 * (1 - 2 / np.pi), rel=1e-8)


@pytest.mark.parametrize(
    ("b", "sigma", "words"),
    [
        (np.zeros((1, 2)), np.eye(2), "row 0 is zero"),
        (np.array([[0.0, 1.0]]), np.diag([1.0, 0.0]), "where the data have none"),
        (np.eye(2), np.array([[1.0, 0.5], [0.0, 1.0]]), "must be symmetric"),
        (np.eye(2), np.array([[1.0, 2.0], [2.0, 1.0]]), "positive semi-definite"),
        (np.eye(2), np.ones((2, 3)), "square matrix"),
        (np.eye(3), np.eye(2), "must have shape"),
        (np.eye(2), np.array([[1.0, np.nan], [np.nan, 1.0]]), "must be finite"),
        (np.array([[np.inf, 1.0]]), np.eye(2), "must be finite"),
    ],
)
def test_arguments_that_have_no_risk(b, sigma, words):
    with pytest.raises(ValueOutOfRange, match=words):
        limits.optimal_decoder(b, sigma)


def test_decoder_of_the_wrong_shape():
    with pytest.raises(ValueOutOfRange, match="decoder_weight"):
        limits.population_risk(np.eye(2), np.ones((3, 2)), np.eye(2))


def test_an_activation_without_a_kernel_is_named():
    act = Activation("mine", np.tanh, 0.6, 0.4)
    with pytest.raises(ValueOutOfRange, match="mine.*kernel"):
        limits.optimal_decoder(np.eye(2), np.eye(2), activation=act)
