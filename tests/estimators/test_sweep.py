"""Sweeps over code lengths: elbows, bad input, and shapes whose answers are known."""

import json

import numpy as np
import pytest
from helpers import unchecked

from isthmus.core.errors import DataError, ValueOutOfRange
from isthmus.estimators.elbows import end_of_obstruction, steepest_fall
from isthmus.estimators.sweep import sweep

CODES = np.array([1, 2, 3, 4])


def test_the_median_falls_at_the_steepest_step():
    assert steepest_fall(CODES, np.array([0.3, 0.01, 0.0014, 0.001]), 1.0) == 2
    assert steepest_fall(CODES, np.array([0.007, 0.0005, 0.0004, 0.0004]), 1.0) == 1
    # a fall spread over several dimensions counts for each of them
    assert steepest_fall(np.array([1, 8]), np.array([0.4, 0.1]), 1.0) == 1
    assert steepest_fall(CODES, np.array([0.9, 0.7, 0.5, 0.4]), 1.0) is None
    assert steepest_fall(CODES, np.array([0.5, 0.0, 0.0, 0.0]), 1.0) == 2


def test_the_largest_error_must_stay_below_half_the_certificate():
    bound = np.array([1.0, 0.8, 0.0, np.nan])
    assert end_of_obstruction(CODES, np.array([2.0, 1.9, 0.3, 0.01]), 2.0, bound) == 3
    assert end_of_obstruction(CODES, np.array([2.0, 1.9, 0.5, 0.01]), 2.0, bound) == 4
    # falling below once and rising again is no end
    assert end_of_obstruction(CODES, np.array([2.0, 0.1, 0.5, 0.1]), 2.0, bound) == 4
    assert end_of_obstruction(CODES, np.array([2.0, 1.9, 0.5, 0.4]), 2.0, bound) is None
    # nothing is ruled out: the steepest step
    none = np.zeros(4)
    assert end_of_obstruction(CODES, np.array([1.0, 0.1, 0.1, 0.1]), 1.2, none) == 2


def test_what_is_told_of_few_steps():
    angle = np.arange(60) * 2 * np.pi / 60
    circle = 3.0 * np.column_stack([np.cos(angle), np.sin(angle)])
    found = sweep(circle, [2, 1, 2], n_restarts=2, n_steps=4, rng=0)
    assert found.n_codes.tolist() == [1, 2]
    assert found.max[0] >= found.certificate[0] > 2.7
    assert found.certificate[1] == 0
    assert np.all(found.median <= found.p99)
    assert np.all(found.p99 <= found.max)
    for i, code in enumerate(found.n_codes):
        runs = [run for run in found.runs if run.n_code == code]
        assert [run.restart for run in runs] == [0, 1]
        best = min(runs, key=lambda run: run.train)
        assert (found.median[i], found.p99[i], found.max[i]) == (
            best.median,
            best.p99,
            best.max,
        )
    assert found.mean_max == pytest.approx(3.0, abs=0.5)
    json.dumps(found.to_dict(), allow_nan=False)


@pytest.mark.slow
def test_a_circle_needs_two_dimensions():
    angle = np.random.default_rng(0).uniform(0, 2 * np.pi, 300)
    circle = 3.0 * np.column_stack([np.cos(angle), np.sin(angle)])
    found = sweep(circle, [2, 1, 2], n_restarts=1, n_steps=400, rng=0)
    assert found.n_codes.tolist() == [1, 2]
    assert found.elbows.max == 2
    assert found.max[0] >= found.certificate[0] > 2.7
    assert found.certificate[1] == 0
    assert found.median[0] < 0.1 * found.mean_median
    assert found.n_train + found.n_test == 300
    json.dumps(found.to_dict(), allow_nan=False)


@pytest.mark.slow
def test_jobs_and_order_change_nothing():
    rows = np.random.default_rng(1).normal(size=(60, 3))
    first, second = (
        sweep(rows, codes, n_restarts=2, n_steps=20, n_jobs=jobs, rng=5)
        for codes, jobs in (([1, 2], 1), ([2, 1], 2))
    )
    assert first.to_dict() == second.to_dict()
    assert {(run.n_code, run.restart) for run in first.runs} == {
        (code, restart) for code in (1, 2) for restart in (0, 1)
    }


@pytest.mark.parametrize(
    ("change", "error", "words"),
    [
        ({"n_codes": []}, ValueOutOfRange, "at least one"),
        ({"n_codes": [0]}, ValueOutOfRange, "n_codes"),
        ({"n_codes": [1.5]}, ValueOutOfRange, "n_codes"),
        ({"n_restarts": 0}, ValueOutOfRange, "n_restarts"),
        ({"n_steps": 0}, ValueOutOfRange, "n_steps"),
        ({"X": np.eye(12)}, DataError, "20 rows"),
        ({"X": np.full((30, 2), np.nan)}, DataError, "finite"),
        (
            {"X_test": np.random.default_rng(0).normal(size=(30, 5))},
            ValueOutOfRange,
            "columns",
        ),
    ],
)
def test_bad_input(change, error, words):
    given = {"X": np.random.default_rng(0).normal(size=(40, 3)), "n_codes": [1]} | change
    with pytest.raises(error, match=words):
        sweep(given.pop("X"), given.pop("n_codes"), rng=0, **given)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"n_jobs": 0}, "n_jobs=...\\)` must be a whole number of at least 1"),
        ({"hidden_layer_sizes": 5}, "must be a sequence of whole numbers"),
        ({"hidden_layer_sizes": (0,)}, "hidden_layer_sizes=...\\)` must be a whole number"),
    ],
)
def test_jobs_and_widths_are_checked_before_training(options, words):
    with pytest.raises(ValueOutOfRange, match=words):
        unchecked(sweep)(np.eye(30), [1], rng=0, **options)
