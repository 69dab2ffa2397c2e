import math

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from limits.oracles import random_covariance, sign_moments

from isthmus import limits
from isthmus.core import Activation, DataWarning, ValueOutOfRange, resolve_activation
from isthmus.limits.landscape import FreeRisk, TiedRisk

CUBE = Activation(
    "cube",
    lambda z: z**3,
    3.0,
    15.0,
    kernel=lambda m: 9 * m + 6 * m**3,
    degree=3,
    kernel_derivative=lambda m: 9 + 18 * m**2,
)
NAMED = {"sign": "sign", "identity": "identity", "cube": CUBE}
seeds = st.integers(0, 2**32 - 1)


def unit(rows):
    return rows / np.linalg.norm(rows, axis=1, keepdims=True)


def differences(risk, weight, step=1e-4):
    """Central differences in every entry, Richardson's step: error of order step^4."""
    slope = np.empty_like(weight)
    for place in np.ndindex(weight.shape):
        up = np.zeros_like(weight)
        up[place] = step

        def central(h, up=up / step):
            return (risk(weight + h * up) - risk(weight - h * up)) / (2 * h)

        slope[place] = (4 * central(step / 2) - central(step)) / 3
    return slope


def separate(rng, n_code, n_input):
    """Rows at correlation below 0.95, where fourth differences of an arcsine are small."""
    while True:
        b = rng.standard_normal((n_code, n_input))
        m = unit(b) @ unit(b).T - np.eye(n_code)
        if np.abs(m).max() < 0.95:
            return b


@pytest.mark.parametrize("name", NAMED)
@pytest.mark.parametrize("n_code", [3, 6])
@pytest.mark.parametrize("fixed", [True, False])
def test_raw_gradient_is_the_slope_of_the_risk(name, n_code, fixed, rng):
    if name == "identity" and not fixed:
        n_code = 3  # a linear code of six repeats itself in five dimensions
    sigma = random_covariance(rng, 5, 1.0)
    b = separate(rng, n_code, 5)
    a = rng.standard_normal((5, n_code)) if fixed else None
    act = NAMED[name]

    def risk(weight):
        best = limits.optimal_decoder(weight, sigma, activation=act) if a is None else a
        return 5 * limits.population_risk(weight, best, sigma, activation=act)

    g = limits.population_gradient(b, sigma, decoder_weight=a, activation=act)
    np.testing.assert_allclose(g, differences(risk, b), atol=1e-8 * np.abs(g).max())


@pytest.mark.parametrize("name", NAMED)
@pytest.mark.parametrize("kind", [FreeRisk, TiedRisk])
def test_whitened_gradient_is_the_slope_on_the_spheres(name, kind, rng):
    if name == "identity" and kind is FreeRisk:
        rows = separate(rng, 4, 5)
    else:
        rows = separate(rng, 7, 5)
    rows = unit(rows)
    risk = kind(np.sqrt(rng.uniform(0.5, 2, 5)), resolve_activation(NAMED[name]))
    g = risk.gradient(risk.at(rows))
    slope = differences(lambda w: risk.at(unit(w)).total, rows)
    np.testing.assert_allclose(g, slope, atol=1e-8 * np.abs(g).max())
    np.testing.assert_allclose(np.sum(g * rows, axis=1), 0, atol=1e-12 * np.abs(g).max())


@settings(deadline=None)
@given(seeds, st.integers(1, 6), st.integers(1, 6))
@example(3697, 2, 3)  # correlation 0.9999995
def test_landscapes_are_the_risk_of_their_decoders(seed, n_input, n_code):
    rng = np.random.default_rng(seed)
    # More cubes of linear forms in two variables than four depend on each other.
    n_code = min(n_code, {1: 1, 2: 4}.get(n_input, n_code))
    lam = rng.uniform(0.1, 3, n_input)
    rows = unit(rng.standard_normal((n_code, n_input)))
    b = rows / np.sqrt(lam)  # pre-activations of unit variance
    for name, act in NAMED.items():
        if name == "identity" and n_code > n_input:
            continue
        for kind in (FreeRisk, TiedRisk):
            risk = kind(np.sqrt(lam), resolve_activation(act))
            point = risk.at(rows)
            a = risk.decoder(point).T
            total = n_input * limits.population_risk(b, a, np.diag(lam), activation=act)
            # Two rows that nearly agree have a large decoder, whose square rounding bears.
            apart = max(1e-9, 1e-13 * float(np.square(a).max()))
            assert point.total == pytest.approx(total, rel=1e-8, abs=apart)


def test_whitened_and_raw_gradients_are_one(rng):
    # d/dt of the risk along any raw change, both ways.
    sigma = random_covariance(rng, 4)
    b = separate(rng, 5, 4)
    lam, u = np.linalg.eigh(sigma)
    root = (u * np.sqrt(lam)) @ u.T
    step = rng.standard_normal(b.shape)
    raw = np.sum(limits.population_gradient(b, sigma) * step)
    nu = np.linalg.norm(b @ root, axis=1, keepdims=True)
    rows = b @ root / nu
    moved = step @ root / nu
    moved -= np.sum(moved * rows, axis=1, keepdims=True) * rows
    white = limits.population_gradient(b, sigma, coordinates="whitened")
    assert np.sum(white * moved) == pytest.approx(raw, rel=1e-9)


def test_orthonormal_rows_are_stationary():
    g = limits.population_gradient(np.eye(6)[:4], np.eye(6))
    np.testing.assert_allclose(g, 0, atol=1e-14)


@pytest.mark.parametrize("factor", [1.0, -2.0])
@pytest.mark.parametrize("activation", ["sign", CUBE])
def test_repeated_rows_are_reported_and_harmless(factor, activation, rng):
    sigma = random_covariance(rng, 4)
    b = rng.standard_normal((3, 4))
    twice = np.vstack([b, factor * b[1:2]])
    with pytest.warns(DataWarning, match="rows 1 and 3 repeat"):
        g = limits.population_gradient(
            twice, sigma, activation=activation, coordinates="whitened"
        )
    once = limits.population_gradient(
        b, sigma, activation=activation, coordinates="whitened"
    )
    # The pair shares the pull on the one row.
    np.testing.assert_allclose(g[[0, 2]], once[[0, 2]], atol=1e-6)
    pulled = g[1] + math.copysign(1, factor) * g[3]
    np.testing.assert_allclose(pulled, once[1], atol=1e-6)


def test_dependent_rows_are_reported():
    rows = np.array([[1.0, 0.0], [0.0, 1.0], [1.0, 1.0]])
    with pytest.warns(DataWarning, match="depend on each other"):
        limits.population_gradient(rows, np.eye(2), activation="identity")


@settings(deadline=None)
@given(seeds, st.integers(1, 5), st.integers(1, 8))
def test_tied_decoder_is_the_best_of_its_family(seed, n_input, n_code):
    rng = np.random.default_rng(seed)
    sigma = random_covariance(rng, n_input)
    b = rng.standard_normal((n_code, n_input))
    a = limits.tied_decoder(b, sigma)
    lam, u = np.linalg.eigh(sigma)
    root = (u * np.sqrt(lam)) @ u.T
    rows = unit(b @ root)
    f, _ = sign_moments(b, sigma)
    first = math.sqrt(2 / math.pi) * np.trace(root @ rows.T @ rows)
    second = np.trace(rows @ rows.T @ f)
    np.testing.assert_allclose(a, first / second * rows.T, atol=1e-7 * np.abs(a).max())
    risk = limits.population_risk(b, a, sigma)
    expected = (np.trace(sigma) - first**2 / second) / n_input
    assert risk == pytest.approx(expected, rel=1e-7)


def test_tied_decoder_undoes_the_scale_of_a_cubic_code(rng):
    sigma = random_covariance(rng, 4)
    b = rng.standard_normal((6, 4))
    scales = np.array([1, 2, 0.5, 3, 1, 0.1])[:, None]
    risks = [
        limits.population_risk(
            w, limits.tied_decoder(w, sigma, activation=CUBE), sigma, activation=CUBE
        )
        for w in (b, scales * b)
    ]
    assert risks[1] == pytest.approx(risks[0], rel=1e-10)


def test_tied_equals_free_on_orthonormal_rows():
    rows = np.eye(6)[:4]
    np.testing.assert_allclose(
        limits.tied_decoder(rows, np.eye(6)),
        limits.optimal_decoder(rows, np.eye(6)),
        atol=1e-15,
    )


@settings(max_examples=30, deadline=None)
@given(seeds)
def test_a_small_step_against_the_gradient_lowers_the_risk(seed):
    rng = np.random.default_rng(seed)
    risk = FreeRisk(np.sqrt(rng.uniform(0.1, 4, 5)), resolve_activation("sign"))
    point = risk.at(unit(separate(rng, 6, 5)))
    g = risk.gradient(point)
    after = risk.at(unit(point.rows - 1e-4 * g)).total
    fall = 1e-4 * np.sum(g * g)
    assert point.total - after == pytest.approx(fall, rel=0.05)


def test_what_has_no_gradient():
    plain = Activation("plain", np.sign, 0.8, 1.0, kernel=lambda m: m, degree=0)
    with pytest.raises(ValueOutOfRange, match="plain.*kernel_derivative"):
        limits.population_gradient(np.eye(2), np.eye(2), activation=plain)
    with pytest.raises(ValueOutOfRange, match="coordinates.*raw"):
        limits.population_gradient(np.eye(2), np.eye(2), coordinates="polar")
    with pytest.raises(ValueOutOfRange, match="decoder_weight.*shape"):
        limits.population_gradient(np.eye(2), np.eye(2), decoder_weight=np.ones((3, 2)))
