"""Claims about where training ends; minutes."""

import numpy as np
import pytest

from isthmus import limits
from isthmus.core import measure, paired_difference
from isthmus.frames import dct
from isthmus.training import train_straight_through

pytestmark = pytest.mark.slow
N_INPUT, N_ROWS, N_HELD = 64, 200_000, 50_000


def reconstruct(x, encoder, decoder):
    return np.where(x @ encoder.T >= 0, 1.0, -1.0) @ decoder.T


@pytest.mark.parametrize("seed", range(101, 106))
@pytest.mark.parametrize("rate", [0.5, 1.0, 2.0])
@pytest.mark.parametrize("tied", [False, True])
def test_white_rows_end_within_one_per_cent_of_the_limit(rate, tied, seed, rng):
    # Held-out standard error: 0.05 to 0.1 % of the NMSE. An untrained encoder with its
    # best decoder is 6, 44 and 37 % above the limit, so the claim has power.
    x = rng.standard_normal((N_ROWS, N_INPUT))
    result = train_straight_through(x, round(rate * N_INPUT), tied=tied, rng=seed)
    b, a, eye = result.encoder_weight, result.decoder_weight, np.eye(N_INPUT)
    limit = limits.isotropic_limit(rate)
    exact = limits.population_risk(b, a, eye)
    best = limits.population_risk(b, limits.optimal_decoder(b, eye), eye)
    held = rng.standard_normal((N_HELD, N_INPUT))
    got = measure(held, reconstruct(held, b, a), np.zeros(N_INPUT))
    assert limit * (1 - 1e-9) < best <= exact * (1 + 1e-9)
    assert exact < 1.01 * limit
    assert abs(got.value - exact) < 5 * got.standard_error
    assert result.converged, result.reason


SPECTRA = {
    "blocks": np.repeat([4.0, 1.0], N_INPUT // 2),
    "power": np.arange(1, N_INPUT + 1) ** -1.0,
}


def design(lam, n_code, turn):
    limit = limits.covariance_limit(lam, n_code)
    k = int(limit.n_active)
    gain = np.sqrt(limit.gains[:k] / lam[:k])
    return limit.nmse, (dct(n_code, k, rng=1).to_dense() * gain) @ turn[:, :k].T


@pytest.mark.parametrize("name", SPECTRA)
@pytest.mark.parametrize("rate", [0.5, 1.0, 2.0])
@pytest.mark.parametrize("tied", [False, True])
def test_from_the_design_training_loses_nothing(name, rate, tied, rng):
    # The design with its exact decoder against layers fitted to rows: a decoder of n
    # columns fitted to N rows loses n / N = 0.02 to 0.06 %, SGD's last steps 0.1 %.
    lam, n_code = SPECTRA[name] / SPECTRA[name].mean(), round(rate * N_INPUT)
    turn = np.linalg.qr(rng.standard_normal((N_INPUT, N_INPUT)))[0]
    sigma, root = turn * lam @ turn.T, turn * np.sqrt(lam) @ turn.T
    limit, start = design(lam, n_code, turn)
    x = rng.standard_normal((N_ROWS, N_INPUT)) @ root
    result = train_straight_through(
        x, n_code, start=start, whitening=np.linalg.inv(root), tied=tied, rng=7
    )
    b, a = result.encoder_weight, result.decoder_weight
    before = limits.optimal_decoder(start, sigma)
    held = rng.standard_normal((N_HELD, N_INPUT)) @ root
    one, two = reconstruct(held, b, a), reconstruct(held, start, before)
    change = paired_difference(held, one, two, np.zeros(N_INPUT))
    best = limits.population_risk(b, limits.optimal_decoder(b, sigma), sigma)
    assert best >= limit * (1 - 1e-9)
    assert change.value < 5 * change.standard_error + 0.002 * limit
    if name == "power":
        # No sampling in this comparison: the gain is 0.3 to 0.7 % of the limit.
        after = limits.population_risk(b, a, sigma)
        assert after < limits.population_risk(start, before, sigma)


def ternary(u):
    return np.sign(u) * (np.abs(u) > 0.612)


def two_bits(u):
    levels, thresholds = limits.lloyd_max_quantiser(2)
    return levels[np.searchsorted(thresholds, u, side="right")]


@pytest.mark.parametrize("activation", [ternary, two_bits, np.tanh])
@pytest.mark.parametrize("tied", [False, True])
def test_other_activations_end_at_their_limits(activation, tied, rng):
    # One symbol per coordinate; the limits lie at 0.190, 0.117 and 0.070. Held-out
    # standard error 0.1 % of each; 2 % is allowed for the end of SGD.
    x = rng.standard_normal((N_ROWS, N_INPUT))
    held = rng.standard_normal((N_HELD, N_INPUT))
    result = train_straight_through(x, N_INPUT, activation=activation, tied=tied, rng=9)
    guess = activation(held @ result.encoder_weight.T) @ result.decoder_weight.T
    got = measure(held, guess, np.zeros(N_INPUT))
    limit = limits.isotropic_limit(1.0, activation=activation)
    assert limit - 5 * got.standard_error < got.value < 1.02 * limit
