import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from limits.oracles import random_covariance, sign_moments
from limits.test_gradient import CUBE

from isthmus import limits
from isthmus.core import Activation, DataWarning, ValueOutOfRange, resolve_activation
from isthmus.core.random import as_rng
from isthmus.training import descend
from isthmus.training import door as door_module
from isthmus.training.descend import first_step
from isthmus.training.routes import random_rows

ERF = Activation(  # 2 / pi arcsin of half the correlation: erf(u / sqrt 2)
    "erf",
    lambda z: np.vectorize(math.erf)(z / math.sqrt(2)),
    1 / math.sqrt(math.pi),
    1 / 3,
    kernel=lambda m: 2 / np.pi * np.arcsin(m / 2),
    kernel_derivative=lambda m: 1 / np.pi / np.sqrt(1 - m * m / 4),
)
seeds = st.integers(0, 2**31)
GOLDEN_NMSE = [0.52257947764, 0.408003895887, 0.37709093]


@pytest.mark.parametrize("activation", ["sign", CUBE, ERF], ids=["sign", "cube", "erf"])
@pytest.mark.parametrize("tied", [False, True], ids=["free", "tied"])
@pytest.mark.parametrize("n_code", [25, 50])
def test_reaches_the_limit_exactly_below_rate_one(activation, tied, n_code):
    trained = descend(np.ones(100), n_code, activation=activation, tied=tied, rng=0)
    assert (trained.converged, trained.reason) == (True, "limit")
    assert trained.n_iter <= 12
    expected = limits.isotropic_limit(n_code / 100, activation=activation)
    assert trained.nmse == pytest.approx(expected, rel=1e-11)
    rows = trained.whitened_encoder
    np.testing.assert_allclose(rows @ rows.T, np.eye(n_code), atol=1e-5)


def test_rate_one_within_eight_steps():
    # How long it takes is how small the least singular value of the start is: of 60
    # seeds the median is 6 steps to 1e-8 and the slowest takes 9.
    steps = []
    for seed in range(15):
        trained = descend(np.ones(100), 100, rng=seed)
        assert trained.reason == "limit"
        steps.append(int(np.argmax(trained.history < trained.limit * (1 + 1e-8))))
    assert np.median(steps) <= 8
    assert max(steps) <= 11


def test_a_seed_means_the_same_descent():
    trained = descend(np.ones(100), 100, rng=0)
    np.testing.assert_allclose(trained.history[:3], GOLDEN_NMSE, rtol=1e-7)
    again = descend(np.ones(100), 100, rng=0)
    np.testing.assert_array_equal(trained.encoder_weight, again.encoder_weight)
    other = descend(np.ones(100), 100, rng=1)
    assert abs(other.history[0] - trained.history[0]) > 1e-6


@pytest.mark.parametrize("activation", ["sign", CUBE, ERF], ids=["sign", "cube", "erf"])
@pytest.mark.parametrize("tied", [False, True], ids=["free", "tied"])
def test_first_step_makes_convergence_quadratic(activation, tied):
    # The step removes the error of M to first order. A tenth more or less leaves a
    # tenth of it: the excess (its square) would fall by 100 a step and not square.
    act = resolve_activation(activation)
    lam = np.ones(64)
    step = first_step(lam, 32, act, tied=tied)
    rho = 1 / (1 + act.alpha)
    expected = 1 / (8 * rho**2) if tied else 1 / (8 * rho**2 * (1 - rho))
    assert step == pytest.approx(min(expected, 3.0), rel=1e-12)
    if step == 3.0:
        return
    near = np.eye(64)[:32] + 0.002 * np.random.default_rng(0).standard_normal((32, 64))
    trained = descend(lam, 32, activation=act, tied=tied, start=near, max_steps=1)
    excess = trained.history / trained.limit - 1
    assert 1e-6 < excess[0] < 1e-3
    assert excess[1] < 3 * excess[0] ** 1.5  # third order of the error, at the worst


def test_the_sign_step_of_the_note():
    sign = resolve_activation("sign")
    step = first_step(np.ones(10), 10, sign, tied=False)
    assert step == pytest.approx(0.84877, abs=5e-6)
    assert first_step(7 * np.ones(10), 10, sign, tied=False) == pytest.approx(step / 7)


@pytest.mark.parametrize("tied", [False, True], ids=["free", "tied"])
@pytest.mark.parametrize(("n_code", "excess"), [(45, 0.002), (60, 0.003)])
def test_comes_close_above_rate_one(tied, n_code, excess):
    trained = descend(np.ones(30), n_code, tied=tied, rng=0, max_steps=60)
    assert 0 < trained.ratio - 1 < 5 * excess
    assert np.all(np.diff(trained.history) <= 0)


@settings(max_examples=40, deadline=None)
@given(seeds, st.integers(1, 6), st.integers(1, 9), st.floats(0, 3), st.booleans())
def test_never_rises_and_never_beats_the_limit(seed, n_input, n_code, decades, tied):
    rng = np.random.default_rng(seed)
    sigma = random_covariance(rng, n_input, decades)
    n_code = min(n_code, 1) if n_input == 1 else n_code
    trained = descend(sigma, n_code, tied=tied, rng=seed, max_steps=25)
    assert np.all(np.diff(trained.history) <= 0)
    assert trained.history.shape == (trained.n_iter + 1,)
    assert trained.ratio >= 1 - 1e-11
    lam = np.linalg.eigvalsh(sigma)
    assert trained.limit == pytest.approx(limits.covariance_limit(lam, n_code).nmse)


@settings(max_examples=40, deadline=None)
@given(seeds, st.integers(2, 6), st.integers(1, 8), st.booleans())
def test_weights_are_what_the_numbers_say(seed, n_input, n_code, tied):
    # Raw weights, measured by the independent route of tests/limits/oracles.py.
    rng = np.random.default_rng(seed)
    sigma = random_covariance(rng, n_input)
    trained = descend(sigma, n_code, tied=tied, rng=seed, max_steps=5)
    b, a = trained.encoder_weight, trained.decoder_weight
    f, cross = sign_moments(b, sigma)
    total = np.trace(sigma) - 2 * np.sum(a * cross) + np.sum((a @ f) * a)
    assert trained.nmse == pytest.approx(total / np.trace(sigma), rel=1e-7)
    np.testing.assert_allclose(np.einsum("ij,jk,ik->i", b, sigma, b), 1, rtol=1e-9)
    lam, u = np.linalg.eigh(sigma)
    white = b @ (u * np.sqrt(lam)) @ u.T
    np.testing.assert_allclose(white, trained.whitened_encoder, atol=1e-9)
    make = limits.tied_decoder if tied else limits.optimal_decoder
    np.testing.assert_allclose(a, make(b, sigma), atol=1e-6 * np.abs(a).max())


@settings(deadline=None)
@given(seeds, st.integers(2, 5), st.integers(1, 6))
def test_decoder_gap_is_a_quadratic_form(seed, n_input, n_code):
    rng = np.random.default_rng(seed)
    sigma = random_covariance(rng, n_input)
    trained = descend(sigma, n_code, rng=seed, max_steps=2)
    b, best = trained.encoder_weight, trained.decoder_weight
    a = best + rng.standard_normal(best.shape)
    f, _ = sign_moments(b, sigma)
    gap = np.trace((a - best) @ f @ (a - best).T) / n_input
    least = trained.nmse * np.trace(sigma) / n_input
    assert limits.population_risk(b, a, sigma) == pytest.approx(least + gap, rel=1e-7)


def test_units_and_turns_do_not_matter(rng):
    lam = np.array([5.0, 2.0, 1.0, 0.5])
    q = np.linalg.qr(rng.standard_normal((4, 4)))[0]
    start = rng.standard_normal((6, 4))
    plain = descend(lam, 6, start=start, max_steps=9)
    sigma = 1e4 * (q * lam) @ q.T
    turned = descend((sigma + sigma.T) / 2, 6, start=start @ q.T, max_steps=9)
    np.testing.assert_allclose(turned.history, plain.history, rtol=1e-9)
    np.testing.assert_allclose(
        turned.encoder_weight, plain.encoder_weight @ q.T / 100, atol=1e-8
    )
    np.testing.assert_allclose(
        turned.decoder_weight, 100 * q @ plain.decoder_weight, atol=1e-4
    )
    dense = descend(np.diag(lam), 6, start=start, max_steps=9)
    np.testing.assert_allclose(dense.encoder_weight, plain.encoder_weight, atol=1e-9)


@pytest.mark.parametrize("tied", [False, True], ids=["free", "tied"])
def test_directions_without_variance_get_nothing(tied, rng):
    lam = np.array([3.0, 0.0, 1.0, 1e-14, 2.0])
    start = rng.standard_normal((4, 5))
    trained = descend(lam, 4, tied=tied, start=start, max_steps=20)
    small = descend(lam[[0, 2, 4]], 4, tied=tied, start=start[:, [0, 2, 4]], max_steps=20)
    np.testing.assert_allclose(trained.history, small.history, rtol=1e-10)
    assert np.all(trained.encoder_weight[:, [1, 3]] == 0)
    assert np.all(trained.decoder_weight[[1, 3]] == 0)
    matrix = descend(np.diag(lam), 4, tied=tied, start=start, max_steps=20)
    np.testing.assert_allclose(matrix.history, small.history, rtol=1e-9)


def test_design_is_a_better_start_than_chance():
    lam = np.arange(1, 41.0) ** -1
    chance = descend(lam, 40, rng=0, max_steps=0)
    design = descend(lam, 40, start="design", rng=0, max_steps=0)
    assert chance.reason == design.reason == "max_steps"
    assert not design.converged
    assert design.ratio < 1.05 < 1.3 < chance.ratio
    # On white data the design is the answer.
    white = descend(np.ones(40), 40, start="design", rng=0)
    assert (white.reason, white.n_iter) == ("limit", 0)


def test_the_papers_schedule_is_gradient_descent_with_one_step(rng):
    # Four steps written out with the public gradient.
    lam = np.array([2.0, 1.0, 1.0, 0.5, 0.5])
    rows = random_rows(4, 5, rng=as_rng(3))
    trained = descend(lam, 4, start=rows, schedule="paper", max_steps=4)
    sigma, root = np.diag(lam), np.sqrt(lam)
    for _ in range(4):
        g = limits.population_gradient(rows / root, sigma, coordinates="whitened")
        rows = rows - g / np.sqrt(5) / lam.mean()
        rows /= np.linalg.norm(rows, axis=1, keepdims=True)
    np.testing.assert_allclose(trained.whitened_encoder, rows, atol=1e-10)
    risk = limits.population_risk(
        rows / root, limits.optimal_decoder(rows / root, sigma), sigma
    )
    assert trained.nmse == pytest.approx(risk / lam.mean(), rel=1e-10)


def test_the_papers_schedule_converges_linearly_below_rate_one():
    # Local rate per step of the squared error: (1 - 8 eta rho^2 (1 - rho))^2.
    trained = descend(np.ones(100), 50, schedule="paper", rng=0, rtol=0, max_steps=60)
    excess = trained.history / trained.limit - 1
    rho = 2 / np.pi
    rate = (1 - 0.8 * rho**2 * (1 - rho)) ** 2
    np.testing.assert_allclose(excess[41:50] / excess[40:49], rate, rtol=0.01)


def test_progress_sees_every_step():
    seen = []
    trained = descend(
        np.ones(10), 5, rng=0, progress=lambda step, nmse: seen.append((step, nmse))
    )
    assert [step for step, _ in seen] == list(range(1, trained.n_iter + 1))
    np.testing.assert_array_equal([nmse for _, nmse in seen], trained.history[1:])


@pytest.mark.parametrize("factor", [1.0, -3.0])
def test_repeated_rows_are_reported_and_survive(factor, rng):
    start = rng.standard_normal((4, 6))
    start[2] = factor * start[0]
    with pytest.warns(DataWarning, match="rows 0 and 2 repeat"):
        trained = descend(np.ones(6), 4, start=start)
    # While the pair is one row, three orthonormal rows are the best there is; once
    # rounding has parted it, four are.
    assert trained.nmse <= limits.isotropic_limit(3 / 6) * (1 + 1e-6)
    assert trained.nmse >= limits.isotropic_limit(4 / 6) * (1 - 1e-11)
    assert np.all(np.isfinite(trained.decoder_weight))


def test_one_coordinate_has_one_bit():
    with pytest.warns(DataWarning, match="repeat"):
        trained = descend(np.ones(1), 3, rng=0)
    assert trained.nmse == pytest.approx(1 - 2 / np.pi, rel=1e-8)


def test_a_minimum_is_stationary_or_flat(rng):
    start = descend(np.ones(3), 4, rng=0, rtol=1e-14).whitened_encoder
    again = descend(np.ones(3), 4, start=start)
    assert again.converged
    assert again.reason in ("stationary", "rtol")
    assert again.nmse == pytest.approx(0.30215, abs=1e-5)


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"n_code": 0}, "n_code.*at least 1; got 0"),
        ({"n_code": 1.5}, "n_code.*whole number.*got 1.5"),
        ({"n_code": True}, "n_code.*got True"),
        ({"n_code": float("inf")}, "n_code.*got inf"),
        ({"n_code": 10**7}, r"n_code.*must fit into memory.*GB.*frames\.dct"),
        ({"covariance": np.array([[1.0, 0.5], [0.0, 1.0]])}, "must be symmetric"),
        ({"covariance": np.array([[1.0, 2.0], [2.0, 1.0]])}, "semi-definite"),
        ({"covariance": np.ones((2, 3))}, "square matrix"),
        ({"covariance": np.array(5)}, r"np\.ones\(d\)"),
        ({"covariance": np.array([1.0, -1.0])}, "semi-definite.*-1"),
        ({"covariance": np.array([1.0, np.nan])}, "finite"),
        ({"covariance": np.zeros(3)}, "some variance"),
        ({"activation": "identity"}, "not be linear.*principal components.*eigh"),
        ({"activation": Activation("bare", np.tanh, 0.6, 0.4)}, "bare.*kernel"),
        ({"activation": "relu"}, "odd"),
        ({"start": "warm"}, "start.*'random', 'design'.*'warm'"),
        ({"start": np.ones((2, 3))}, r"start.*shape \(2, 2\)"),
        ({"start": np.array([[1.0, 0.0], [0.0, 0.0]])}, "row 1 is zero"),
        ({"start": np.full((2, 2), np.nan)}, "finite"),
        ({"schedule": "cosine"}, "schedule.*adaptive, paper"),
        ({"max_steps": -1}, "max_steps"),
        ({"rtol": -1.0}, "rtol"),
    ],
)
def test_arguments_that_teach(given, words):
    arguments = {"covariance": np.ones(2), "n_code": 2, "rng": 0, **given}
    with pytest.raises(ValueOutOfRange, match=words):
        descend(arguments.pop("covariance"), arguments.pop("n_code"), **arguments)


def test_a_start_where_the_data_have_nothing():
    with pytest.raises(ValueOutOfRange, match="row 1 .* where the data have none"):
        descend(np.array([1.0, 0.0]), 2, start=np.eye(2))


def test_memory_is_asked_before_anything_is_made(monkeypatch):
    asked = []
    monkeypatch.setattr(door_module, "check_memory", lambda *given: asked.append(given))
    descend(np.ones(4), 3, rng=0)
    ((argument, value, needed, _),) = asked
    assert (argument, value) == ("descend(n_code=...)", 3)
    assert needed >= 8 * 5 * 9


def test_variances_that_cannot_be_added_up():
    with pytest.raises(ValueOutOfRange, match="by a constant"):
        descend(np.array([1.7e308, 1.7e308]), 2, rng=0)


def test_starts_of_any_length():
    rows = np.eye(3)[:2] + 0.1
    plain = descend(np.ones(3), 2, start=rows, rng=0)
    long = descend(np.ones(3), 2, start=1e200 * rows, rng=0)
    assert long.nmse == pytest.approx(plain.nmse, rel=1e-12)
