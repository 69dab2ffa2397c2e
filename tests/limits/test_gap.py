"""Each term of the gap on data made so that it dominates."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from isthmus import frames, limits
from isthmus.core import ValueOutOfRange, as_rng

RNG = as_rng(11)


def design(lam, n_code, seed=0):
    limit = limits.covariance_limit(lam, n_code)
    k = limit.n_active
    rows = frames.haar(n_code, k, rng=seed).to_dense() * np.sqrt(limit.gains[:k])
    rows /= np.linalg.norm(rows, axis=1, keepdims=True)
    b = np.zeros((n_code, lam.size))
    b[:, :k] = rows / np.sqrt(lam[:k])
    return b


def share(split, name):
    """Of the sum of absolute terms."""
    sizes = {key: abs(value) for key, value in split.terms.items()}
    return sizes[name] / sum(sizes.values())


@given(st.integers(0, 2**32 - 1), st.sampled_from(["sign", "cube", "identity"]))
def test_terms_add_up_and_have_their_signs(seed, activation):
    rng = np.random.default_rng(seed)
    d, n = int(rng.integers(2, 6)), int(rng.integers(1, 7))
    root = rng.standard_normal((2, d, d))
    train, test = root @ root.transpose(0, 2, 1) + 0.1 * np.eye(d)
    b, a = rng.standard_normal((n, d)), rng.standard_normal((d, n))
    split = limits.gap_split(b, a, train, 1.7, test_covariance=test, activation=activation)
    # The cube's risks reach 1e6, and rounding is relative to the largest of them.
    rounding = 1e-13 * max(1e4, *map(abs, split.terms.values()))
    assert sum(split.terms.values()) == pytest.approx(split.gap, abs=rounding)
    assert split.spectrum >= -1e-7 * np.trace(train)
    assert split.decoder >= -1e-7 * np.trace(train)
    at_test = limits.population_risk(b, a, test, activation=activation)
    assert split.non_gaussianity == pytest.approx(1.7 - at_test, abs=1e-9 * abs(at_test))


def test_wrong_decoder():
    lam = np.ones(64)
    b = design(lam, 64)
    a = 1.5 * limits.optimal_decoder(b, np.eye(64))
    measured = limits.population_risk(b, a, np.eye(64))
    assert share(limits.gap_split(b, a, np.eye(64), measured), "decoder") > 0.99


def test_encoder_that_ignores_the_spectrum():
    lam = np.arange(1, 65) ** -1.0
    sigma = np.diag(lam)
    b = frames.haar(32, 64, rng=0).to_dense()
    a = limits.optimal_decoder(b, sigma)
    split = limits.gap_split(b, a, sigma, limits.population_risk(b, a, sigma))
    assert share(split, "spectrum") > 0.8


def test_first_columns_of_a_hadamard_matrix_are_coherent():
    # Tight, so that the spectrum is right, and half of the rows repeat.
    h = np.array([[1.0]])
    while len(h) < 128:
        h = np.block([[h, h], [h, -h]])
    b = h[:, :64] / 8
    with pytest.warns(UserWarning, match="repeat"):
        a = limits.optimal_decoder(b, np.eye(64))
    split = limits.gap_split(b, a, np.eye(64), limits.population_risk(b, a, np.eye(64)))
    assert share(split, "coherence") > 0.8
    assert split.gap == pytest.approx(0.36338 - 0.22203, abs=1e-5)


def test_repeated_rows_are_coherent():
    # Every row twice: tight, but half of the code says nothing new.
    b = np.repeat(frames.haar(32, 32, rng=0).to_dense(), 2, axis=0)
    with pytest.warns(UserWarning, match="repeat"):
        a = limits.optimal_decoder(b, np.eye(32))
    split = limits.gap_split(b, a, np.eye(32), limits.population_risk(b, a, np.eye(32)))
    assert share(split, "coherence") > 0.99


def test_few_rows_are_a_shift():
    # Designed for the covariance of N = 2 d rows, which flatters itself.
    rng = np.random.default_rng(3)
    x = rng.standard_normal((96, 48))
    sigma = x.T @ x / 96
    values, basis = np.linalg.eigh(sigma)
    b = design(values[::-1], 48) @ basis[:, ::-1].T
    a = limits.optimal_decoder(b, sigma)
    test = rng.standard_normal((20_000, 48))
    error = test - np.where(test @ b.T >= 0, 1.0, -1.0) @ a.T
    split = limits.gap_split(
        b, a, sigma, np.mean(error**2), test_covariance=test.T @ test / len(test)
    )
    assert share(split, "shift") > 0.8


def test_laplace_rows_are_not_gaussian():
    rng = np.random.default_rng(4)
    x = rng.laplace(size=(40_000, 16)) / np.sqrt(2)
    a = np.sqrt(2 / np.pi) * np.eye(16)
    error = x - np.where(x >= 0, 1.0, -1.0) @ a.T
    split = limits.gap_split(
        np.eye(16), a, np.eye(16), np.mean(error**2), test_covariance=x.T @ x / len(x)
    )
    assert share(split, "non_gaussianity") > 0.8
    assert split.gap == pytest.approx(2 * np.sqrt(2 / np.pi) * 0.0908, rel=0.05)


def test_shift_and_non_gaussianity():
    lam = np.ones(64)
    b = design(lam, 64)
    a = limits.optimal_decoder(b, np.eye(64))
    other = np.diag(np.repeat([2.0, 0.5], 32))
    split = limits.gap_split(
        b, a, np.eye(64), limits.population_risk(b, a, other), test_covariance=other
    )
    assert share(split, "shift") > 0.8
    # Rows of very different lengths and covariance 1: the norm-spread law.
    x = RNG.standard_normal((40_000, 64)) * RNG.exponential(size=(40_000, 1)) / np.sqrt(2)
    error = x - np.where(x @ b.T >= 0, 1.0, -1.0) @ a.T
    split = limits.gap_split(
        b, a, np.eye(64), np.mean(error**2), test_covariance=x.T @ x / len(x)
    )
    assert share(split, "non_gaussianity") > 0.8


def test_as_nmse_every_risk_is_over_its_own_variance():
    b = design(np.ones(8), 8)
    a = 1.2 * limits.optimal_decoder(b, np.eye(8))
    train, test = 2 * np.eye(8), 3 * np.eye(8)
    split = limits.gap_split(b, a, train, 1.4, test_covariance=test).as_nmse(2.0, 3.0)
    assert split.reference == pytest.approx(limits.isotropic_limit(1.0))
    assert split.measured == pytest.approx(1.4 / 3)
    assert sum(split.terms.values()) == pytest.approx(split.gap, abs=1e-12)
    at_test = limits.population_risk(b, a, test) / 3
    assert split.shift == pytest.approx(at_test - limits.population_risk(b, a, train) / 2)


@pytest.mark.parametrize(
    ("b", "a", "measured", "words"),
    [
        (np.eye(3), np.eye(2), 0.5, "shape"),
        (np.eye(2), np.ones((2, 3)), 0.5, "shape"),
        (np.eye(2), np.eye(2), np.nan, "finite"),
    ],
)
def test_arguments_that_teach(b, a, measured, words):
    with pytest.raises(ValueOutOfRange, match=words):
        limits.gap_split(b, a, np.eye(2), measured)


def test_a_test_covariance_of_another_size_is_named():
    with pytest.raises(ValueOutOfRange, match="shape of the training covariance"):
        limits.gap_split(np.eye(2), np.eye(2), np.eye(2), 0.5, test_covariance=np.eye(3))
