import math

import numpy as np
import pytest
from scipy.special import log_ndtr
from scipy.stats import norm

from isthmus.limits import one_bit

U = np.linspace(-40, 12, 20_001)


def exact(u):
    return np.exp(-0.5 * u * u - 0.5 * math.log(2 * math.pi) - log_ndtr(u))


def test_hazard_in_double_precision():
    np.testing.assert_allclose(one_bit.hazard(U), exact(U), rtol=5e-13)


def test_hazard_in_single_precision():
    u = U.astype(np.float32)
    found = one_bit.hazard(u)
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, exact(u.astype(float)), rtol=5e-6)
    np.testing.assert_allclose(one_bit.hazard(u[::7]), found[::7], rtol=1e-6)
    zeros = one_bit.hazard(np.array([0.0, -0.0], dtype=np.float32))
    np.testing.assert_allclose(zeros, math.sqrt(2 / math.pi), rtol=5e-6)


def test_hazard_far_away_is_harmless():
    u = np.array([-1e9, -1e5, 13, 1e5, 1e9], dtype=np.float32)
    found = one_bit.hazard(u)
    np.testing.assert_allclose(found[:2], [1e9, 1e5], rtol=1e-5)
    assert np.all((found[2:] >= 0) & (found[2:] < 1e-36))


def test_hazard_of_tensors():
    torch = pytest.importorskip("torch")
    u = torch.linspace(-30, 12, 1001)
    np.testing.assert_allclose(
        one_bit.hazard(u).numpy(), exact(u.numpy().astype(float)), rtol=5e-6
    )


@pytest.mark.parametrize("flip", [0.0, 0.01, 0.3])
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_shift_with_flipped_bits(flip, dtype):
    u = np.linspace(-12, 12, 101).astype(dtype)
    wide = u.astype(float)
    sure = 1 - 2 * flip
    expected = sure * norm.pdf(wide) / (flip + sure * norm.cdf(wide))
    np.testing.assert_allclose(one_bit.one_bit_shift(u, flip), expected, rtol=1e-5)


@pytest.mark.parametrize("flip", [0.0, 0.1])
@pytest.mark.parametrize("u", [-3.0, 0.0, 1.5])
def test_shift_is_the_posterior_mean_by_integration(u, flip):
    z = u + np.linspace(-12, 12, 240_001)
    weight = norm.pdf(z - u) * np.where(z >= 0, 1 - flip, flip)
    mean = np.sum(weight * z) / np.sum(weight)
    variance = np.sum(weight * (z - mean) ** 2) / np.sum(weight)
    shift = float(one_bit.one_bit_shift(np.array([u]), flip)[0])
    assert u + shift == pytest.approx(mean, abs=1e-4)  # the grid's own error at the jump
    assert 1 - shift * (u + shift) == pytest.approx(variance, abs=1e-4)


@pytest.mark.parametrize("flip", [0.0, 0.1])
@pytest.mark.parametrize("precision", [1.2, 1.9999, 2.0001, 30.0])
def test_mmse_by_integration_over_what_was_seen(precision, flip):
    # p is N(0, 1 - 1/t) and z given p is N(p, 1/t); the bit's two values one by one.
    spread, sigma = math.sqrt(1 - 1 / precision), 1 / math.sqrt(precision)
    nodes, weights = np.polynomial.legendre.leggauss(400)
    p = 8 * spread * nodes
    total = 0.0
    for low, high in ((-9, 0), (0, 9)):
        z = (0.5 * (high - low) * nodes + 0.5 * (high + low))[:, None]
        density = 4.5 * weights[:, None] * norm.pdf(z, p, sigma)
        density = density * 8 * spread * weights * norm.pdf(p, 0, spread)
        for sign in (-1, 1):
            said = 1 - flip if sign * (low + high) > 0 else flip
            shift = sign * one_bit.one_bit_shift(sign * p / sigma, flip)
            total += said * np.sum(density * (z - p - sigma * shift) ** 2)
    assert one_bit.one_bit_mmse(precision, flip) == pytest.approx(total, rel=1e-9)


def test_mmse_has_no_seam_and_falls():
    across = [one_bit.one_bit_gain(2.0 + h) for h in (-1e-9, 1e-9)]
    assert across[0] == pytest.approx(across[1], rel=2e-9)
    t = np.geomspace(1, 1e8, 60)
    values = [one_bit.one_bit_mmse(one) for one in t]
    assert np.all(np.diff(values) < 0)
    assert values[0] == pytest.approx(1 - 2 / math.pi, rel=1e-13)
    assert np.all(np.array(values) * t <= 1)


def test_coin_flips_tell_nothing():
    assert one_bit.one_bit_gain(3.0, 0.5 - 1e-9) == pytest.approx(0.0, abs=1e-15)
