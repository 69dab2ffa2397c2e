import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import optimize

from isthmus import frames, limits
from isthmus.core import ValueOutOfRange, as_rng


@pytest.mark.parametrize(
    ("rate", "nmse"), [(0.5, 0.7209), (1, 0.5222), (2, 0.3044), (4, 0.1533)]
)
def test_random_encoder_values(rate, nmse):
    assert limits.random_encoder_limit(rate) == pytest.approx(nmse, abs=5.1e-5)


@given(st.floats(0.01, 50), st.sampled_from(["sign", "tanh", "tanh:2", "cube"]))
def test_random_encoder_solves_its_quadratic(rate, activation):
    from isthmus.core import resolve_activation

    alpha = resolve_activation(activation).alpha
    m = optimize.brentq(
        lambda m: alpha * m * m + (alpha + rate - 1) * m - 1, 0, 1e6, xtol=1e-15, rtol=1e-14
    )
    found = limits.random_encoder_limit(rate, activation=activation)
    assert found == pytest.approx(alpha * m, rel=1e-9)
    # Training helps, and never below the limit.
    assert found > limits.isotropic_limit(rate, activation=activation) * (1 - 1e-12)


def test_random_encoder_of_a_linear_code_is_a_random_projection():
    found = limits.random_encoder_limit([0.3, 1.0, 2.0], activation="identity")
    np.testing.assert_allclose(found, [0.7, 0, 0], atol=1e-15)


@pytest.mark.parametrize("rate", [0.5, 1.0, 2.0])
def test_random_rows_come_as_close_as_their_number_allows(rate):
    # d = 200, five encoders. Corrections to Marchenko-Pastur fall like 1 / d: within
    # 0.005; the limit of trained encoders is 0.04 to 0.16 away.
    d, risks = 200, []
    for seed in range(5):
        b = as_rng(seed).standard_normal((round(rate * d), d))
        a = limits.optimal_decoder(b, np.eye(d))
        risks.append(limits.population_risk(b, a, np.eye(d)))
    error = np.std(risks, ddof=1) / math.sqrt(5)
    expected = limits.random_encoder_limit(rate)
    assert abs(np.mean(risks) - expected) < 5 * error + 0.005


@pytest.mark.parametrize("rate", [0.25, 0.5, 1.0])
def test_norm_spread_law_by_sampling(rate):
    # Student-like rows: Gaussian directions times a random length; d = 256, one fixed
    # best scale, exactly as the law says. 20 000 rows: standard error 1e-3, effect
    # (against equal lengths) 0.03 to 0.15.
    d, rng = 256, as_rng(3)
    z = rng.standard_normal((20_000, d)) * rng.exponential(size=(20_000, 1)) ** 0.5
    w = frames.haar(round(rate * d), d, rng=0).to_dense()
    y = np.where(z @ w.T >= 0, 1.0, -1.0) @ w
    scale = np.sum(z * y) / np.sum(y * y)
    energy = np.sum(z * z, axis=1)
    error = np.sum((z - scale * y) ** 2, axis=1)
    nmse = error.sum() / energy.sum()
    spread = np.std(error - nmse * energy) / energy.mean() / math.sqrt(len(z))
    expected = limits.norm_spread_limit(rate, np.sqrt(energy), n_input=d)
    assert abs(nmse - expected) < 5 * spread
    assert expected > limits.isotropic_limit(rate) + 20 * spread


def test_norm_spread_ends():
    assert limits.norm_spread_limit(0.5, [2.0] * 3) == pytest.approx(1 - 1 / math.pi)
    many = limits.norm_spread_limit([0.5, 2.0], [1.0, 2.0])
    assert many.shape == (2,)
    assert many[0] == pytest.approx(1 - (1 / math.pi) * 1.5**2 / 2.5, rel=1e-13)
    huge = limits.norm_spread_limit(1.0, [1e300, 2e300])
    assert huge == pytest.approx(limits.norm_spread_limit(1.0, [1.0, 2.0]), rel=1e-13)


@pytest.mark.parametrize("d", [1, 2, 5, 40, 1000])
def test_gaussian_lengths_give_the_limit_at_every_dimension(d):
    # E|z| = sqrt(2) Gamma((d + 1) / 2) / Gamma(d / 2) and E|z|^2 = d; a two-point sample
    # with those moments stands for the chi distribution.
    mean = math.sqrt(2) * math.exp(math.lgamma((d + 1) / 2) - math.lgamma(d / 2))
    spread = math.sqrt(d - mean**2)
    norms = [mean - spread, mean + spread] if mean > spread else None
    assert norms is not None
    for rate in (0.3, 1.0):
        found = limits.norm_spread_limit(rate, norms, n_input=d)
        assert found == pytest.approx(limits.isotropic_limit(rate), rel=1e-9)


@pytest.mark.parametrize("d", [2, 3, 40])
def test_length_sent_in_few_dimensions(d, rng):
    # 200 000 unit vectors: standard error 1e-3 of the NMSE; the correction to 1 - 2 / pi
    # is 0.15 (d = 2), 0.09 and 0.008.
    u = rng.standard_normal((200_000, d))
    u /= np.linalg.norm(u, axis=1, keepdims=True)
    y = np.where(u >= 0, 1.0, -1.0)
    scale = np.sum(u * y) / np.sum(y * y)
    error = np.sum((u - scale * y) ** 2, axis=1)
    expected = limits.norm_spread_limit(1.0, [1.0], n_input=d)
    assert abs(error.mean() - expected) < 5 * error.std() / math.sqrt(len(u))
    assert limits.norm_spread_limit(1.0, [1.0], n_input=10**6) == pytest.approx(
        limits.isotropic_limit(1.0), rel=1e-5
    )


@given(st.lists(st.floats(0.01, 100), min_size=1, max_size=20), st.floats(0.1, 4))
def test_spread_never_helps(norms, rate):
    assert limits.norm_spread_limit(rate, norms) >= limits.isotropic_limit(rate) - 1e-12


@pytest.mark.parametrize(
    ("norms", "activation", "words"),
    [
        ([], "sign", "finite and not negative"),
        ([-1.0], "sign", "finite and not negative"),
        ([float("nan")], "sign", "finite and not negative"),
        ([0.0, 0.0], "sign", "all be zero"),
        ([1.0], "tanh", "see no scale"),
    ],
)
def test_lengths_that_are_none(norms, activation, words):
    with pytest.raises(ValueOutOfRange, match=words):
        limits.norm_spread_limit(1.0, norms, activation=activation)


@pytest.mark.parametrize("rate", [0.0, -1.0, float("nan")])
def test_rates_that_are_none(rate):
    with pytest.raises(ValueOutOfRange, match="random_encoder_limit"):
        limits.random_encoder_limit(rate)
