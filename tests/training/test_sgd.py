import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch

from isthmus import limits
from isthmus.core import DataError, NotConverged, ValueOutOfRange, as_rng, measure
from isthmus.training import train_straight_through
from isthmus.training.history import History, judge
from isthmus.training.samples import (
    check_samples,
    check_whole,
    draw_batches,
    learning_rates,
)

ROOT = Path(__file__).parents[2]


def white(rng, n_rows=3000, n_input=8):
    return rng.standard_normal((n_rows, n_input))


def coloured(rng, n_rows=4000, n_input=8):
    lam = np.arange(1, n_input + 1) ** -1.0
    turn = np.linalg.qr(rng.standard_normal((n_input, n_input)))[0]
    x = rng.standard_normal((n_rows, n_input)) * np.sqrt(lam) @ turn.T
    return x, turn * lam @ turn.T, turn * lam**-0.5 @ turn.T


def reconstruct(x, result):
    code = np.where(x @ result.encoder_weight.T >= 0, 1.0, -1.0)
    return code @ result.decoder_weight.T


def run_python(code):
    env = {**os.environ, "PYTHONPATH": str(ROOT / "src")}
    return subprocess.run(
        [sys.executable, "-c", code], env=env, capture_output=True, text=True
    )


def test_importing_training_and_models_loads_no_torch():
    code = (
        "import sys, isthmus.training, isthmus.models; "
        "assert 'train_straight_through' in isthmus.training.__all__; "
        "assert 'torch' not in sys.modules"
    )
    done = run_python(code)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize(
    "name", ["training.train_straight_through", "models.TwoLayerAutoencoder"]
)
def test_without_torch_the_error_names_the_extra(name):
    package, attribute = name.split(".")
    code = (
        "import sys; sys.modules['torch'] = None\n"
        f"import isthmus.{package}\n"
        "from isthmus.core import MissingDependency\n"
        f"try: isthmus.{package}.{attribute}\n"
        "except MissingDependency as error: print(error)"
    )
    done = run_python(code)
    assert done.stdout.strip() == (
        f"`isthmus.{name}` must have torch; it is not installed. "
        "Run pip install 'isthmus[torch]'."
    ), done.stderr


def test_unknown_names_stay_unknown():
    import isthmus.training

    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        _ = isthmus.training.nothing


@pytest.mark.parametrize("tied", [False, True])
def test_white_rows_end_near_the_limit(tied, rng):
    # d = n = 16, 20 000 rows. An untrained encoder is 44 % above the limit.
    x = white(rng, 20_000, 16)
    result = train_straight_through(x, 16, tied=tied, n_steps=2000, rng=1)
    decoder = limits.optimal_decoder(result.encoder_weight, np.eye(16))
    limit = limits.isotropic_limit(1.0)
    best = limits.population_risk(result.encoder_weight, decoder, np.eye(16))
    got = limits.population_risk(result.encoder_weight, result.decoder_weight, np.eye(16))
    assert limit - 1e-9 < best < 1.01 * limit
    assert best - 1e-9 < got < 1.015 * limit
    assert result.converged, result.reason


def test_validation_error_is_that_of_the_weights_returned(rng):
    x, _, whitening = coloured(rng)
    held, _, _ = coloured(rng, 500)
    result = train_straight_through(
        x, 12, whitening=whitening, validation=held, n_steps=120, dtype="float64", rng=0
    )
    assert result.history.step.tolist() == [50, 100, 120]
    expected = measure(held, reconstruct(held, result), np.zeros(8)).value
    assert result.history.validation_nmse[-1] == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize("tied", [False, True])
def test_units_do_not_matter(tied, rng):
    x, _, whitening = coloured(rng)
    kwargs = {"tied": tied, "n_steps": 60, "rng": 3}
    one = train_straight_through(x, 6, whitening=whitening, **kwargs)
    four = train_straight_through(4 * x, 6, whitening=whitening / 4, **kwargs)
    np.testing.assert_array_equal(four.encoder_weight, one.encoder_weight / 4)
    np.testing.assert_array_equal(four.decoder_weight, one.decoder_weight * 4)
    np.testing.assert_array_equal(four.history.nmse, one.history.nmse)


def test_training_starts_where_it_is_told(rng):
    x, sigma, whitening = coloured(rng)
    start = rng.standard_normal((5, 8))
    decoder = limits.optimal_decoder(start, sigma)
    result = train_straight_through(
        x,
        5,
        start=start,
        decoder_start=decoder,
        whitening=whitening,
        learning_rate=1e-12,
        n_steps=1,
        dtype="float64",
        rng=0,
    )
    spread = np.sqrt(np.einsum("ij,jk,ik->i", start, sigma, start))
    expected = start / spread[:, None]
    np.testing.assert_allclose(result.encoder_weight, expected, rtol=1e-9, atol=1e-10)
    np.testing.assert_allclose(result.decoder_weight, decoder, rtol=1e-9, atol=1e-10)


@pytest.mark.parametrize("tied", [False, True])
def test_the_first_decoder_fits_the_start(tied, rng):
    x, sigma, whitening = coloured(rng, 20_000)
    result = train_straight_through(
        x, 6, whitening=whitening, tied=tied, learning_rate=1e-12, n_steps=1, rng=0
    )
    b, a = result.encoder_weight, result.decoder_weight
    got = limits.population_risk(b, a, sigma)
    if not tied:
        best = limits.population_risk(b, limits.optimal_decoder(b, sigma), sigma)
        # 4096 rows for 6 codes: an excess of n / N = 0.15 % of the risk is expected.
        assert best <= got < 1.01 * best
        return
    for scale in (0.9, 1.1):
        assert got < limits.population_risk(b, scale * a, sigma)


def test_pre_activations_have_unit_variance_with_whitening(rng):
    x, sigma, whitening = coloured(rng)
    b = train_straight_through(x, 9, whitening=whitening, n_steps=70, rng=0).encoder_weight
    np.testing.assert_allclose(np.einsum("ij,jk,ik->i", b, sigma, b), 1.0, rtol=1e-5)


def test_a_seed_gives_one_result(rng):
    x = white(rng)
    first, same, other = (
        train_straight_through(x, 4, n_steps=60, rng=s) for s in (5, 5, 6)
    )
    np.testing.assert_array_equal(first.encoder_weight, same.encoder_weight)
    np.testing.assert_array_equal(first.decoder_weight, same.decoder_weight)
    assert np.abs(first.encoder_weight - other.encoder_weight).max() > 0.1


def test_global_seeds_are_neither_used_nor_moved(rng):
    x = white(rng)
    state = torch.get_rng_state()
    first = train_straight_through(x, 4, n_steps=20, rng=5).encoder_weight
    assert torch.equal(torch.get_rng_state(), state)
    torch.manual_seed(1)
    again = train_straight_through(x, 4, n_steps=20, rng=5).encoder_weight
    np.testing.assert_array_equal(first, again)
    torch.set_rng_state(state)


def test_what_a_seed_draws():
    assert draw_batches(as_rng(0), 2, 3, 1000).tolist() == [
        [737, 325, 596],
        [909, 542, 263],
    ]
    assert draw_batches(as_rng(0), 2, 3, 3).tolist() == [[0, 1, 2], [0, 1, 2]]


def test_progress_ends_at_the_total(rng):
    calls = []
    train_straight_through(
        white(rng), 4, n_steps=110, rng=0, progress=lambda *c: calls.append(c)
    )
    assert calls == [(50, 110), (100, 110), (110, 110)]


def test_a_batch_of_all_rows_is_full_gradient_descent(rng):
    x = white(rng, 40)
    start = rng.standard_normal((4, 8))
    results = [
        train_straight_through(x, 4, start=start, batch_size=b, n_steps=30, rng=s)
        for b, s in [(40, 0), (1000, 1)]
    ]
    np.testing.assert_array_equal(results[0].encoder_weight, results[1].encoder_weight)
    assert results[0].history.nmse[-1] < 0.9


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_any_rows_and_the_type_asked_for(dtype, rng):
    x = np.asfortranarray(white(rng, 300))[:, ::2]
    x.flags.writeable = False
    result = train_straight_through(x, 3, n_steps=5, dtype=dtype, device="cpu", rng=0)
    assert result.encoder_weight.dtype == result.decoder_weight.dtype == dtype
    whole = train_straight_through(np.eye(4, dtype=int), 2, n_steps=3, rng=0)
    assert np.all(np.isfinite(whole.decoder_weight))


def test_singular_whitening_leaves_dead_directions_alone(rng):
    x = white(rng)
    x[:, 5:] = 0
    whitening = np.diag(np.where(np.arange(8) < 5, 1.0, 0.0))
    start = rng.standard_normal((4, 8))
    b = train_straight_through(
        x, 4, start=start, whitening=whitening, n_steps=50, rng=0
    ).encoder_weight
    assert np.all(b[:, 5:] == 0)
    np.testing.assert_allclose(np.linalg.norm(b, axis=1), 1.0, rtol=1e-5)
    start[2, :5] = 0
    with pytest.raises(ValueOutOfRange, match=r"start=.*row 2 is zero"):
        train_straight_through(x, 4, start=start, whitening=whitening, rng=0)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"n_code": 0}, r"n_code=.*whole number"),
        ({"n_steps": 0}, r"n_steps=.*whole number"),
        ({"batch_size": 0}, r"batch_size=.*whole number"),
        ({"evaluate_every": 0}, r"evaluate_every=.*whole number"),
        ({"temperature": 0.0}, r"temperature=.*positive"),
        ({"learning_rate": -1.0}, r"learning_rate=.*positive"),
        ({"learning_rate": np.inf}, r"learning_rate=.*positive"),
        ({"activation": "relu"}, "must be odd"),
        ({"activation": np.cos}, "must be odd"),
        ({"schedule": ((0.8, 0.1), (0.2, 0.1))}, "schedule"),
        ({"schedule": ((0.5, -1.0),)}, "schedule"),
        ({"start": np.eye(4)}, r"start=.*\(4, 8\)"),
        ({"start": np.zeros((4, 8))}, "row 0 is zero"),
        ({"start": np.full((4, 8), np.nan)}, "must be finite"),
        ({"decoder_start": np.eye(8)}, r"decoder_start=.*\(8, 4\)"),
        ({"decoder_start": np.ones((8, 4)), "tied": True}, "must be None where tied"),
        ({"whitening": np.eye(3)}, "whitening"),
        ({"whitening": np.triu(np.ones((8, 8)))}, "symmetric"),
        ({"validation": np.ones((5, 3))}, "8 columns"),
        ({"device": "nowhere"}, r"device=.*Use one of cpu"),
        ({"device": "meta"}, r"device=.*Use one of cpu"),
        ({"dtype": "float16"}, r"dtype=.*float32"),
        ({"rng": -1}, "non-negative"),
    ],
)
def test_bad_arguments_are_named(change, message, rng):
    kwargs = {"n_code": 4, "n_steps": 5, "rng": 0, **change}
    with pytest.raises(ValueOutOfRange, match=message):
        train_straight_through(white(rng, 50), kwargs.pop("n_code"), **kwargs)


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        (np.array([[1.0, 2.0], [np.nan, 1.0]]), "row 1 holds NaN"),
        (np.array([[np.inf, 2.0], [3.0, 1.0]]), "row 0 holds NaN"),
        (np.zeros((5, 2)), "not zero"),
        (np.zeros((0, 2)), "shape"),
        (np.zeros(5), "shape"),
    ],
)
def test_bad_rows_are_named(rows, message):
    with pytest.raises(DataError, match=message):
        train_straight_through(rows, 2, rng=0)


def test_what_type_checkers_refuse_is_refused_without_them_too():
    for value in (2.5, np.nan, np.inf, "4", None, [4], True):
        with pytest.raises(ValueOutOfRange, match="whole number of at least 1; got"):
            check_whole("f", n_code=value)
    check_whole("f", n_code=4.0)
    with pytest.raises(DataError, match="numbers of shape"):
        check_samples("f", np.array([["a", "b"]]), None)


def test_divergence_is_an_error_with_a_way_out(rng):
    with pytest.raises(NotConverged, match=r"learning_rate=.*Divide the rate"):
        train_straight_through(white(rng), 4, learning_rate=1e38, n_steps=60, rng=0)
    x = white(rng)
    x[3] *= 1e15
    with pytest.raises(NotConverged, match="outliers in x"):
        train_straight_through(
            x, 4, activation=lambda u: u**3, n_steps=3000, batch_size=3000, rng=0
        )


def test_settled_or_not():
    step = np.arange(50, 3001, 50)
    noise = 1e-4 * np.where(step % 100 == 0, 1.0, -1.0)
    schedule = ((0.85, 0.02),)
    flat = History(step, 0.4 + noise, None)
    falling = History(step, 0.4 + noise - 1e-5 * step, None)
    assert judge(flat, schedule, 3000)[0]
    assert not judge(falling, schedule, 3000)[0]
    assert "too few" in judge(History(step[:2], step[:2], None), schedule, 100)[1]


def test_learning_rates_follow_the_schedule():
    rates = learning_rates("f", 2.0, ((0.5, 0.1), (0.75, 0.01)), 8)
    np.testing.assert_allclose(rates, [2, 2, 2, 2, 0.2, 0.2, 0.02, 0.02])
    assert learning_rates("f", 2.0, (), 2) == [2.0, 2.0]
