"""Constants, kernels and Hermite coefficients of every named activation."""

import math

import numpy as np
import pytest
from helpers import assert_mean_close
from scipy.special import erf

from isthmus import limits
from isthmus.core import (
    NotConverged,
    ValueOutOfRange,
    gaussian_mean,
    hermite_coefficients,
    resolve_activation,
)
from isthmus.core.kernels import measured_kernel, step_kernel
from isthmus.core.named_activations import NAMES
from isthmus.core.quadrature import smooth_pieces

ALL = [*NAMES, "tanh:2", "tanh:10", "erf:0.3", "sin:3", "clip:0.2", "lloyd-max:1"]
ALL += ["lloyd-max:4", "ternary:1", "soft-threshold:2", "softsign:3"]
M = np.array([-0.9, -0.3, 0.0, 0.2, 0.7])

# limits.md section 5: rho and the limits at rates 0.5, 1, 2 (None: not printed).
TABLE = {
    "identity": (1, 0.5, 0, 0),
    "sign": (0.63662, 0.6817, 0.3634, 0.2220),
    "erf": (0.91358, 0.5432, 0.0864, 0.0452),
    "erf:0.7071067811865476": (0.95493, None, None, None),
    "sin": (0.85092, 0.5746, 0.1491, 0.0805),
    "cube": (0.6, 0.7, 0.4, 0.25),
    "clip": (0.90312, 0.5484, 0.0969, 0.0509),
    "soft-threshold": (0.66821, 0.6659, 0.3318, 0.1989),
    "hard-threshold": (0.80126, 0.5994, 0.1987, 0.1103),
    "tanh": (0.93047, None, None, None),
    "tanh:2": (0.83767, None, None, None),
    "tanh:10": (0.68595, None, None, None),
    "ternary": (0.80983, 0.5951, 0.1902, 0.1051),
    "softsign": (0.93089, None, None, None),
    "arctan": (0.95600, None, None, None),
    "signed-sqrt": (0.92704, None, None, None),
}


@pytest.mark.parametrize("name", TABLE)
def test_table_of_the_theory(name):
    act = resolve_activation(name)
    rho, *values = TABLE[name]
    assert 1 / (1 + act.alpha) == pytest.approx(rho, abs=1.1e-5)
    for rate, value in zip((0.5, 1, 2), values, strict=True):
        if value is not None:
            found = limits.isotropic_limit(rate, activation=name)
            assert found == pytest.approx(value, abs=6e-5)


@pytest.mark.parametrize("name", ALL)
def test_constants_are_the_means_they_claim_to_be(name):
    # The quadrature is told of no kink: it has to find them.
    act = resolve_activation(name)
    c1 = gaussian_mean(lambda z: z * act.function(z))
    f1 = gaussian_mean(lambda z: act.function(z) ** 2)
    assert act.c1 == pytest.approx(c1, rel=1e-12)
    assert act.f1 == pytest.approx(f1, rel=1e-12)


@pytest.mark.parametrize("name", ALL)
def test_functions_are_odd_and_keep_single_precision(name):
    function = resolve_activation(name).function
    z = np.linspace(0.017, 4, 300, dtype=np.float32)
    assert function(z).dtype == np.float32
    np.testing.assert_allclose(function(-z), -function(z), rtol=1e-6)


@pytest.mark.parametrize("name", ALL)
def test_kernel_ends_at_f1_and_starts_with_c1(name):
    act = resolve_activation(name)
    ends = act.kernel(np.array([-1.0, 0.0, 1.0]))
    np.testing.assert_allclose(ends, [-act.f1, 0, act.f1], rtol=1e-9, atol=1e-12)
    assert act.kernel_derivative(np.zeros(1))[0] == pytest.approx(act.c1**2, rel=1e-10)


@pytest.mark.parametrize("name", ALL)
def test_kernel_is_the_hermite_series(name):
    # Two routes that share no line: quadrature in the plane or closed forms against
    # c_k^2 m^k; 0.9^400 = 5e-19, so that the series has ended.
    act = resolve_activation(name)
    c2 = hermite_coefficients(name, 400) ** 2
    k = np.arange(400)
    np.testing.assert_allclose(act.kernel(M), M[:, None] ** k @ c2, atol=1e-12 * act.f1)
    slope = M[:, None] ** k[:-1] @ (k[1:] * c2[1:])
    np.testing.assert_allclose(act.kernel_derivative(M), slope, rtol=1e-9)


@pytest.mark.parametrize("name", ["sign", "tanh:2", "hard-threshold", "ternary", "cube"])
@pytest.mark.parametrize("m", [-0.6, 0.95])
def test_kernel_is_a_mean_over_correlated_gaussians(name, m, rng):
    act = resolve_activation(name)
    z, w = rng.standard_normal((2, 400_000))
    product = act.function(z) * act.function(m * z + math.sqrt(1 - m * m) * w)
    assert_mean_close(product, float(act.kernel(np.array(m))))


@pytest.mark.parametrize("name", ALL)
def test_kernel_derivative_by_central_differences(name):
    act = resolve_activation(name)
    m, h = np.array([-0.99, -0.5, 0.1, 0.8, 0.999]), 1e-6
    by_difference = (act.kernel(m + h) - act.kernel(m - h)) / (2 * h)
    np.testing.assert_allclose(act.kernel_derivative(m), by_difference, rtol=2e-5)


def test_sign_coefficients_are_binomial():
    # c_{2l+1}^2 = (2 / pi) C(2l, l) / (4^l (2l + 1)).
    found = hermite_coefficients("sign", 200)[1::2] ** 2
    binomial = np.cumprod([1.0, *((2 * l - 1) / (2 * l) for l in range(1, 100))])
    expected = (2 / np.pi) * binomial / (2 * np.arange(100) + 1)
    np.testing.assert_allclose(found, expected, rtol=1e-9)


def test_cube_is_two_hermite_polynomials():
    found = hermite_coefficients("cube", 12)
    expected = np.zeros(12)
    expected[[1, 3]] = 3, math.sqrt(6)
    np.testing.assert_allclose(found, expected, atol=1e-12)


@pytest.mark.parametrize("name", ["sign", "clip", "tanh:10", "lloyd-max:3"])
def test_coefficients_sum_to_the_power(name):
    # Parseval; the tail of a function that jumps falls like 1 / sqrt(degree).
    act = resolve_activation(name)
    partial = np.cumsum(hermite_coefficients(name, 1000) ** 2)
    assert np.all(np.diff(partial) >= 0)
    missing = act.f1 - partial[[99, 399, 999]]
    assert np.all(missing > -1e-12)
    jumps = name in ("sign", "lloyd-max:3")
    if jumps:
        assert missing[1] / missing[0] == pytest.approx(0.5, abs=0.1)
    else:
        assert missing[1] < 0.2 * missing[0] + 1e-12


@pytest.mark.parametrize("a", [0.3, 1.0, 5.0])
def test_measured_kernel_of_erf(a):
    q = 2 * a * a / (1 + 2 * a * a)
    f1 = 2 / np.pi * np.arcsin(q)
    kernel = measured_kernel(lambda u: erf(a * u), f1)
    m = np.array([-0.99999, -0.4, 0.1, 0.9, 0.999])
    np.testing.assert_allclose(kernel(m), 2 / np.pi * np.arcsin(q * m), atol=1e-12 * f1)


def test_measured_kernel_finds_jumps_that_nobody_named():
    t = 0.612
    named = resolve_activation(f"ternary:{t}")
    measured = resolve_activation(lambda u: np.sign(u) * (np.abs(u) > t))
    assert measured.kinks == pytest.approx((-t, t), abs=1e-12)
    m = np.linspace(-0.999, 0.999, 41)
    np.testing.assert_allclose(measured.kernel(m), named.kernel(m), atol=1e-11)


def test_step_kernel_of_several_levels_against_orthants():
    # E[s(X) s(Y)] is a sum of bivariate normal orthant probabilities.
    from scipy.stats import multivariate_normal

    levels, thresholds = limits.lloyd_max_quantiser(2)
    jumps, m = np.diff(levels), 0.6
    plane = multivariate_normal(cov=[[1, m], [m, 1]])
    both = sum(
        a * b * plane.cdf([-s, -t])
        for s, a in zip(thresholds, jumps, strict=True)
        for t, b in zip(thresholds, jumps, strict=True)
    )
    expected = both - levels[-1] ** 2  # the levels start at -levels[-1], jumps from there
    kernel = step_kernel(thresholds, jumps, 1 - limits.lloyd_max_distortion(2))
    assert float(kernel(np.array(m))) == pytest.approx(expected, abs=1e-5)


def test_a_panel_whose_middle_is_the_jump_is_split():
    # Halves of such a panel agree with the whole; so do parts whose jump lies between an
    # end and the first node. Jumps everywhere, ends and middles of the first panels too.
    ends = np.linspace(-11.937, 12.061, 51)[18:32]
    for jump in [*np.linspace(-3, 3, 101), *ends, *(ends + 3e-4), *(ends - 3e-4)]:
        found = gaussian_mean(lambda z, t=jump: np.where(z > t, 1.0, 0.0))
        assert found == pytest.approx(0.5 * math.erfc(jump / math.sqrt(2)), abs=1e-13)


def test_kinks_of_a_function():
    edges, kinks = smooth_pieces(lambda z: np.clip(z, -0.7, 1.0))
    assert kinks == pytest.approx([-0.7, 1.0], abs=1e-5)
    assert set(kinks) <= set(edges)
    assert smooth_pieces(np.tanh)[1].size == 0


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("tahn", "Did you mean 'tanh'"),
        ("sign:2", "takes no parameter"),
        ("tanh:0", "positive number"),
        ("tanh:x", "positive number"),
        ("tanh:", "positive number"),
        ("lloyd-max:1.5", "whole b from 1 to 12"),
        ("lloyd-max:13", "whole b from 1 to 12"),
        ("gelu", "even part"),
    ],
)
def test_names_that_are_none(name, words):
    with pytest.raises(ValueOutOfRange, match=words):
        resolve_activation(name)


@pytest.mark.parametrize("count", [0, 1001])
def test_numbers_of_coefficients_that_are_none(count):
    with pytest.raises(ValueOutOfRange, match="from 1 to 1000"):
        hermite_coefficients("sign", count)


def test_too_rough_a_function_is_refused_when_its_kernel_is_asked_for():
    wild = resolve_activation(lambda u: np.sign(u) + np.sin(400 * u))
    with pytest.raises(NotConverged, match="too rough"):
        wild.kernel(np.array([0.5]))


@pytest.mark.parametrize(
    ("name", "bits"), [("sign", 1), ("lloyd-max:3", 3), ("tanh", None)]
)
def test_bits_of_a_symbol(name, bits):
    act = resolve_activation(name)
    assert act.quantised == (bits is not None)
    assert act.bits == (bits or float("inf"))


@pytest.mark.parametrize("bits", [1, 2, 3, 4])
def test_multi_bit_symbols_on_white_data(bits):
    # limits.md 3.3: b bits a symbol at R bits a coordinate; rates r = R / b.
    table = {
        1: {1: 0.3634, 1.5: 0.2756, 2: 0.2220, 3: 0.1599, 4: 0.1249},
        2: {1: 0.5587, 1.5: 0.3381, 2: 0.1175, 3: 0.0815, 4: 0.0624},
        3: {1: 0.6782, 1.5: 0.5173, 2: 0.3564, 3: 0.0345, 4: 0.0261},
        4: {1: 0.7524, 4: 0.0095},
    }
    for total, value in table[bits].items():
        act = f"lloyd-max:{bits}"
        found = limits.isotropic_limit(total / bits, activation=act)
        assert found == pytest.approx(value, abs=6e-5)
        white = limits.covariance_limit(
            np.ones(120), int(120 * total) // bits, activation=act
        )
        assert white.nmse == pytest.approx(found, rel=1e-12)


@pytest.mark.parametrize("name", ["tanh:2", "clip", "cube", "ternary", "lloyd-max:2"])
def test_population_risk_of_every_kind_by_sampling(name, rng):
    # 200 000 rows; leaving the kernel's third-order term out is tens of errors.
    act = resolve_activation(name)
    covariance = np.diag([3.0, 1.0, 0.5])
    b = rng.standard_normal((5, 3))
    b /= np.sqrt(np.einsum("ij,jk,ik->i", b, covariance, b))[:, None]
    a = limits.optimal_decoder(b, covariance, activation=name) * 1.1
    x = rng.standard_normal((200_000, 3)) * np.sqrt(np.diag(covariance))
    error = np.sum((x - act.function(x @ b.T) @ a.T) ** 2, axis=1) / 3
    assert_mean_close(error, limits.population_risk(b, a, covariance, activation=name))


def test_pre_activations_of_other_variance_are_refused_unless_homogeneous():
    b = 2 * np.eye(2)
    assert limits.optimal_decoder(b, np.eye(2), activation="cube")[0, 0] > 0
    with pytest.raises(ValueOutOfRange, match="unit variance.*standard deviation 2"):
        limits.optimal_decoder(b, np.eye(2), activation="tanh")


def boom(z):
    raise RuntimeError("boom\nsecond line")


@pytest.mark.parametrize(
    ("function", "words"),
    [
        (math.tanh, "numpy.vectorize"),
        (boom, "RuntimeError: boom second line"),
        (lambda z: z + 0j, "real numbers"),
        (lambda z: z[:3], "shape"),
        (lambda z: np.tanh(z).astype(np.float32), "float64 for float64"),
        (lambda z: np.where(np.abs(z - 1.234) < 1e-3, np.nan, z), "finite"),
        (lambda z: 1e200 * z, "small enough to square"),
        (lambda z: 1 / z, "negligible"),
        (lambda z: 0 * z, "!= 0"),
        (lambda z: np.abs(z) + 1e-12 * z, "odd"),
    ],
)
def test_odd_callables_get_one_line(function, words):
    with pytest.raises(ValueOutOfRange, match=words) as caught:
        resolve_activation(function)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    "function",
    [
        lambda z: np.sign(z).astype(int),
        lambda z: np.sign(z).astype(np.float32),
        lambda z: np.sign(z).tolist(),
    ],
)
def test_functions_of_other_types_are_converted(function):
    act = resolve_activation(function)
    assert act.c1 == pytest.approx(math.sqrt(2 / math.pi), abs=1e-13)
    assert act.function(np.ones(2, np.float32)).dtype == np.float32
    assert act.kernel(np.array(0.5)) == pytest.approx(1 / 3, abs=1e-10)


@pytest.mark.parametrize(
    "name", ["ternary:50", "sin:30", "erf:1e300", "clip:1e300", "tanh:1e-300"]
)
def test_parameters_that_leave_nothing_are_refused(name):
    with pytest.raises(ValueOutOfRange):
        resolve_activation(name)


def test_kernel_of_the_sine_at_tiny_and_large_gains():
    small, large = resolve_activation("sin:1e-6"), resolve_activation("sin:6")
    assert small.kernel(np.array(-0.5)) == pytest.approx(-0.5e-12, rel=1e-9)
    assert large.kernel(np.array(1.0)) == pytest.approx(large.f1, rel=1e-13)
