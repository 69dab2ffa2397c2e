import math

import numpy as np
import pytest
from helpers import assert_mean_close
from hypothesis import given
from hypothesis import strategies as st
from scipy import optimize, special, stats

from isthmus import limits

SIGN = {0.25: 0.840845, 0.5: 0.681690, 1: 0.363380, 1.5: 0.275641, 2: 0.222031}
SIGN |= {3: 0.159851, 4: 0.124879}


@pytest.mark.parametrize(("rate", "nmse"), SIGN.items())
def test_sign_values(rate, nmse):
    assert limits.isotropic_limit(rate) == pytest.approx(nmse, abs=5e-7)


def test_closed_form_at_two():
    alpha = np.pi / 2 - 1
    assert limits.isotropic_limit(2) == pytest.approx(alpha / (2 + alpha), rel=1e-14)


def test_continuous_at_one_and_decreasing():
    below, above = limits.isotropic_limit(1 - 1e-12), limits.isotropic_limit(1 + 1e-12)
    assert below == pytest.approx(above, abs=3e-12)
    grid = limits.isotropic_limit(np.linspace(0.01, 8, 500))
    assert np.all(np.diff(grid) < 0)


def test_identity_is_principal_components():
    assert limits.isotropic_limit(0.3, activation="identity") == pytest.approx(0.7)
    assert limits.isotropic_limit(2, activation="identity") == 0.0


@pytest.mark.parametrize(
    ("function", "at_half", "at_two"),
    [(np.sin, 0.5746, 0.0805), (lambda u: u**3, 0.7, 0.25), (np.tanh, 0.5348, 0.0360)],
)
def test_other_odd_activations(function, at_half, at_two):
    assert limits.isotropic_limit(0.5, activation=function) == pytest.approx(
        at_half, abs=6e-5
    )
    assert limits.isotropic_limit(2, activation=function) == pytest.approx(at_two, abs=6e-5)


@pytest.mark.parametrize("rate", [0.0, -1.0, float("nan"), float("inf"), [0.5, 0.0]])
def test_rates_outside_the_domain(rate):
    with pytest.raises(ValueError, match="must be positive and finite"):
        limits.isotropic_limit(np.asarray(rate))


@pytest.mark.parametrize("target", [0.05, 0.2, 0.3633, 0.5, 0.99])
def test_rate_for_is_the_inverse(target):
    rate = limits.isotropic_rate_for(target)
    assert limits.isotropic_limit(rate) == pytest.approx(target, rel=1e-13)


@pytest.mark.parametrize("target", [0.0, 1.0, -1.0, float("nan")])
def test_targets_outside_the_domain(target):
    with pytest.raises(ValueError, match="must lie in \\(0, 1\\)"):
        limits.isotropic_rate_for(target)
    with pytest.raises(ValueError, match="must lie in \\(0, 1\\)"):
        limits.code_length_for(np.ones(4), target)


def test_status():
    assert limits.isotropic_status(1.0) == "theorem"
    assert limits.isotropic_status(1.01) == "theorem (tied decoders)"


# Independent routes (oracles.py), written without sight of the implementation.
@given(st.floats(0.01, 20))
def test_the_limit_is_the_best_equal_mass(rate):
    # Per coordinate: share `active` of the directions gets mass rate / active each.
    alpha = math.pi / 2 - 1

    def risk(active):
        return 1 - active + active * alpha / (rate / active + alpha)

    best = optimize.minimize_scalar(
        risk, bounds=(1e-9, min(rate, 1.0)), method="bounded", options={"xatol": 1e-12}
    )
    expected = min(best.fun, risk(min(rate, 1.0)))
    assert limits.isotropic_limit(rate) == pytest.approx(expected, rel=1e-9)


@given(st.floats(1e-3, 50))
def test_shannon_and_the_large_rate_law_bracket_the_limit(rate):
    value = limits.isotropic_limit(rate)
    assert 2 ** (-2 * rate) < value < 1
    if rate >= 1:
        alpha = math.pi / 2 - 1
        assert alpha / rate - (alpha / rate) ** 2 < value < alpha / rate


def test_scalar_in_scalar_out_and_arrays_keep_their_shape():
    assert type(limits.isotropic_limit(0.5)) is float
    rates = np.array([[0.25, 0.5, 1.0], [1.5, 2.0, 4.0]])
    many = limits.isotropic_limit(rates)
    assert many.shape == (2, 3)
    one = [limits.isotropic_limit(float(r)) for r in rates.ravel()]
    np.testing.assert_allclose(many.ravel(), one, rtol=1e-15)


@pytest.mark.parametrize(
    ("function", "rho"),
    [
        (np.sin, 1 / math.sinh(1)),
        (lambda u: u**3, 0.6),
        (special.erf, (4 / (3 * math.pi)) / (2 / math.pi * math.asin(2 / 3))),
        (
            lambda u: special.erf(u / math.sqrt(2)),
            (1 / math.pi) / (2 / math.pi * math.asin(0.5)),
        ),
    ],
    ids=["sin", "cube", "erf", "probit"],
)
def test_smooth_activations_with_closed_constants(function, rho):
    for rate in (0.3, 1.0):
        value = limits.isotropic_limit(rate, activation=function)
        assert value == pytest.approx(1 - rho * rate, rel=1e-10)
    value = limits.isotropic_limit(3.0, activation=function)
    assert value == pytest.approx((1 - rho) / (1 + 2 * rho), rel=1e-10)


def test_steep_tanh_tends_to_the_sign_and_flat_tanh_to_pca():
    flat = limits.isotropic_limit(0.6, activation=lambda u: np.tanh(1e-3 * u))
    assert flat == pytest.approx(0.4, abs=1e-6)
    values = [
        limits.isotropic_limit(1, activation=lambda u, a=a: np.tanh(a * u))
        for a in (1, 2, 10)
    ]
    assert values == pytest.approx([0.06953, 0.16233, 0.31405], abs=6e-6)


def test_orthonormal_signs_measure_the_limit(rng):
    # 100 000 rows: standard error 0.0018 of the limit. 0.63 for 2/pi is 2.7 errors (the
    # closed form above catches that), a decoder scale off by 10 % is 2.6.
    z = rng.standard_normal((100_000, 8))
    rows = stats.ortho_group.rvs(8, random_state=rng)[:4]
    code = np.where(z @ rows.T >= 0, 1.0, -1.0)
    error = z - math.sqrt(2 / math.pi) * code @ rows
    assert_mean_close((error**2).mean(axis=1), limits.isotropic_limit(0.5))
