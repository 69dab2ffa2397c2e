"""Penalties compared: splits, paired differences by hand, winners and refusals."""

import json

import numpy as np
import pytest
from scipy import stats

from isthmus import compare_penalties
from isthmus.core.errors import DataError, ValueOutOfRange
from isthmus.estimators.compare_penalties import PENALTIES, weights_tried
from isthmus.estimators.penalty_runs import PLAIN, PRINCIPAL, PenaltyRun, Splits
from isthmus.estimators.penalty_scores import clear_factor, compared
from isthmus.training.penalties.named import NAMED

SETTINGS = {"n_code": 2, "hidden_layer_sizes": (4,), "n_steps": 5}


def runs_of(tests, name, weight=None, choice=0.5, fall=0.0):
    return [
        PenaltyRun(name, weight, seed, 0.1, choice, test, fall)
        for seed, test in enumerate(tests)
    ]


def gathered(*, fall=0.0, **penalties):
    """A comparison from test errors of each split, without any training."""
    rows = np.arange(80.0).reshape(40, 2)
    splits = Splits.drawn(rows, 3, np.random.default_rng(0))
    runs = runs_of([0.30, 0.40, 0.50], PLAIN, fall=fall)
    runs += runs_of([0.60, 0.70, 0.80], PRINCIPAL)
    chosen = {PRINCIPAL: None, PLAIN: None}
    for name, tests in penalties.items():
        runs += runs_of(tests, name, 0.1) + runs_of(tests[:1], name, 1.0, choice=0.9)
        chosen[name] = 0.1
    return compared(runs, chosen, splits, SETTINGS)


def test_rows_that_choose_are_never_measured_on():
    rows = np.repeat(np.arange(60.0).reshape(30, 2), 2, axis=0)  # every row twice
    found = Splits.drawn(rows, 4, np.random.default_rng(1))
    assert found.choice.size == 12
    values = [{tuple(row) for row in rows[at]} for at in (found.choice, *found.test)]
    for seed in range(4):
        fit = {tuple(row) for row in rows[found.fit[seed]]}
        assert not fit & values[seed + 1]
        assert not values[0] & (fit | values[seed + 1])
        together = found.choice.size + found.fit[seed].size + found.test[seed].size
        assert together == 60
    assert any((found.test[0] != other).any() for other in found.test[1:])


def test_differences_are_paired_and_allow_for_shared_rows():
    found = gathered(small=[0.28, 0.37, 0.48])
    score = found.score("small")
    apart = np.array([-0.02, -0.03, -0.02])
    spread = np.sqrt(1 / 3 + found.n_test / found.n_fit)
    assert score.versus_plain.value == pytest.approx(apart.mean())
    assert score.versus_plain.standard_error == pytest.approx(spread * apart.std(ddof=1))
    assert score.nmse == pytest.approx(np.mean([0.28, 0.37, 0.48]))
    assert score.versus_principal.value == pytest.approx(-0.3 + apart.mean())
    assert (score.weight, score.choices) == (0.1, {0.1: 0.5, 1.0: 0.9})
    plain = found.score(PLAIN)
    assert (plain.versus_plain, plain.weight, plain.choices) == (None, None, {})


def test_two_standard_errors_of_few_seeds_are_more():
    assert clear_factor(3) == pytest.approx(stats.t.ppf(stats.norm.cdf(2.0), 2))
    assert clear_factor(10**6) == pytest.approx(2.0, abs=1e-4)


def test_the_winner_is_clear_of_none_or_there_is_none():
    assert gathered(small=[0.28, 0.37, 0.48]).winner == "small"
    found = gathered(small=[0.28, 0.37, 0.48], large=[0.2, 0.3, 0.4], wild=[0.0, 0.4, 0.3])
    assert found.score("wild").nmse < found.score("large").nmse
    assert not found.score("wild").versus_plain.clear
    assert found.winner == "large"
    assert gathered(wild=[0.0, 0.4, 0.3]).winner == "none"
    assert gathered(worse=[0.4, 0.5, 0.6]).winner == "none"
    assert gathered(same=[0.3, 0.4, 0.5]).winner == "none"


def test_a_run_that_exploded_wins_nothing():
    found = gathered(bad=[0.1, np.inf, 0.1])
    assert found.winner == "none"
    plain = json.loads(json.dumps(found.to_dict(), allow_nan=False))
    assert plain["scores"][-1]["nmse"] is None


def test_unsettled_training_is_told():
    assert gathered(same=[0.3, 0.4, 0.5]).settled
    assert not gathered(same=[0.3, 0.4, 0.5], fall=0.2).settled


def test_a_small_comparison_from_end_to_end():
    rows = np.random.default_rng(0).normal(size=(30, 4)) * [3.0, 2.0, 1.0, 0.1]
    told = []
    settings = {
        "n_code": 1,
        "penalties": ["denoising", "weight-decay"],
        "n_seeds": 2,
        "hidden_layer_sizes": (8,),
        "n_steps": 4,
        "n_weights": 2,
    }
    found = compare_penalties(
        rows, rng=0, progress=lambda *at: told.append(at[1:]), **settings
    )
    names = [PRINCIPAL, PLAIN, "denoising", "weight-decay"]
    assert [score.name for score in found.scores] == names
    assert (found.n_fit, found.n_choice, found.n_test) == (18, 6, 6)
    assert told == [(done, 10) for done in range(1, 11)]
    for score in found.scores[2:]:
        assert score.weight == min(score.choices, key=score.choices.get)
        assert tuple(score.choices) == weights_tried(score.name, 2)
    assert compare_penalties(rows, rng=0, **settings).to_dict() == found.to_dict()
    json.dumps(found.to_dict(), allow_nan=False)


def test_principal_components_are_those_of_the_fitted_rows():
    rows = np.outer(np.linspace(-1, 1, 24), [1.0, 2.0, -1.0]) + [5.0, 0.0, 1.0]
    found = compare_penalties(
        rows, n_code=1, penalties="weight-decay", n_seeds=2, n_steps=1, rng=0
    )
    assert found.score(PRINCIPAL).nmse == pytest.approx(0.0, abs=1e-12)


def test_every_default_has_a_name():
    assert set(PENALTIES) == set(NAMED)


@pytest.mark.parametrize(
    ("shape", "options", "error", "told"),
    [
        ((19, 3), {}, DataError, "at least 20 rows; got 19"),
        ((40, 1), {}, DataError, "at least 2 columns"),
        ((40, 3), {"penalties": ["lie-3"]}, ValueOutOfRange, "one of contractive"),
        ((40, 3), {"penalties": []}, ValueOutOfRange, "at least one"),
        ((40, 3), {"n_seeds": 1}, ValueOutOfRange, "n_seeds"),
        ((40, 3), {"n_steps": 0}, ValueOutOfRange, "n_steps"),
        ((40, 3), {"n_code": 0}, ValueOutOfRange, "n_code"),
        ((40, 3), {"hidden_layer_sizes": (0,)}, ValueOutOfRange, "hidden_layer_sizes"),
    ],
)
def test_refusals(shape, options, error, told):
    rows = np.random.default_rng(0).normal(size=shape)
    with pytest.raises(error, match=told):
        compare_penalties(rows, rng=0, **options)


@pytest.mark.slow
def test_noise_helps_where_a_plain_autoencoder_learns_noise():
    rng = np.random.default_rng(0)
    rows = rng.normal(size=(60, 2)) @ rng.normal(size=(2, 60))
    rows += 0.5 * rng.normal(size=rows.shape)
    found = compare_penalties(
        rows, n_code=8, penalties=["denoising"], n_seeds=5, n_steps=600, rng=0
    )
    assert found.winner == "denoising"
    assert found.score("denoising").versus_plain.value < 0
