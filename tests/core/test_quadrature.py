import math

import numpy as np
import pytest

from isthmus.core import Activation, ValueOutOfRange, gaussian_mean, resolve_activation


@pytest.mark.parametrize(("power", "moment"), [(0, 1), (2, 1), (4, 3), (6, 15), (10, 945)])
def test_moments(power, moment):
    assert gaussian_mean(lambda z: z**power) == pytest.approx(moment, rel=1e-13)


@pytest.mark.parametrize("jump", [-2.0, 0.1234567, 0.612, 3.3])
def test_a_jump_nobody_named_is_found(jump):
    exact = 0.5 * math.erfc(jump / math.sqrt(2))
    assert gaussian_mean(lambda z: z > jump) == pytest.approx(exact, abs=1e-12)


def test_sign_constants_come_from_quadrature_too():
    act = resolve_activation("sign")
    assert gaussian_mean(lambda z: z * act.function(z)) == pytest.approx(act.c1, abs=1e-12)
    assert act.alpha == pytest.approx(np.pi / 2 - 1, rel=1e-14)


def test_sign_kernel_is_a_mean_over_correlated_gaussians(rng):
    # One million pairs: standard error 1e-3, effect (against m itself) 0.09 to 0.2.
    z, w = rng.standard_normal((2, 1_000_000))
    for m in (-0.7, 0.3, 0.9):
        other = m * z + math.sqrt(1 - m * m) * w
        product = np.sign(z) * np.sign(other)
        error = product.std() / 1000
        kernel = resolve_activation("sign").kernel(np.array([m]))[0]
        assert abs(product.mean() - kernel) < 5 * error


@pytest.mark.parametrize(
    ("function", "alpha"),
    [
        (np.tanh, 0.07473),
        (np.sin, 0.17520),
        (lambda u: u**3, 2 / 3),
        (lambda u: np.clip(u, -1, 1), 0.10727),
        (lambda u: u * (np.abs(u) > 1), 0.24804),
        (lambda u: np.sign(u) * (np.abs(u) > 0.612), 0.23483),
    ],
)
def test_measured_activations_have_the_known_alpha(function, alpha):
    assert resolve_activation(function).alpha == pytest.approx(alpha, abs=1e-5)


@pytest.mark.parametrize(
    ("activation", "words"),
    [
        ("relu", "even part"),
        ("step", "one of sign, identity"),
        (3, "one of sign, identity"),
        (np.square, "must be odd"),
        (np.exp, "must be odd"),
        (lambda u: u**3 - 3 * u, "E\\[Z s\\(Z\\)\\] != 0"),
    ],
)
def test_activations_that_the_theory_does_not_cover(activation, words):
    with pytest.raises(ValueOutOfRange, match=words):
        resolve_activation(activation)


def test_an_activation_is_handed_through():
    own = Activation("own", np.tanh, 0.6, 0.4)
    assert resolve_activation(own) is own


def test_sign_of_zero_is_plus_one():
    function = resolve_activation("sign").function
    codes = function(np.array([-1.0, -0.0, 0.0, 1.0], dtype=np.float32))
    np.testing.assert_array_equal(codes, [-1, 1, 1, 1])
    assert codes.dtype == np.float32
