import dataclasses
from importlib.util import find_spec

import numpy as np
import pytest

from isthmus import ShallowAutoencoder, analyse, priors
from isthmus.report import decoders
from isthmus.report.costs import Task
from isthmus.report.html import render
from isthmus.report.records import Pair
from isthmus.report.sections import decoders as section
from isthmus.report.thresholds import TIE

pytestmark = pytest.mark.filterwarnings("ignore::isthmus.core.errors.DataWarning")


@pytest.fixture(scope="module", autouse=True)
def learning_goes_on():
    """As in a report; tests of other parts hardly learn."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(decoders, "LEARNING_STEPS", 150)
        yield


@pytest.fixture(scope="module")
def sparse():
    rows = priors.GaussBernoulli(0.1).sample((1500, 96), 0)
    return analyse(rows, rates=[1.0], seed=0)


def by(analysis):
    return {(row.encoder, row.decoder): row for row in analysis.decoders}


def test_sparse_rows_are_read_by_message_passing(sparse):
    rows = by(sparse)
    learned = 0 if find_spec("torch") is None else 1
    assert len(rows) == 9 + learned
    assert sparse.no_decoders == ""
    chosen = rows["random", "message-passing"]
    assert section.recommended(sparse.decoders).decoder in {"message-passing", "learned"}
    if learned:
        layers = rows["random", "learned"]
        assert layers.nmse < 0.75 * rows["random", "denoised"].nmse
    assert chosen.nmse < 0.4 * rows["random", "linear"].nmse
    assert chosen.versus_linear.difference < -5 * chosen.versus_linear.standard_error
    assert chosen.nmse == pytest.approx(chosen.predicted, rel=0.35)
    assert chosen.bits_per_vector == 96 + 16
    assert chosen.path[0] > 1.4 * chosen.path[-1]
    assert chosen.predicted_path[0] > 1.4 * chosen.predicted_path[-1]


def test_recommendation_is_near_the_best_measured(sparse):
    row = section.recommended(sparse.decoders)
    apart = row.versus_best
    assert apart.difference <= TIE.value * apart.standard_error
    digits = analyse("digits", rates=[1.0], seed=0)
    row = section.recommended(digits.decoders)
    apart = row.versus_best
    assert apart.difference <= TIE.value * apart.standard_error


def test_differences_are_those_of_the_rows(sparse):
    for row in sparse.decoders:
        linear = by(sparse)[row.encoder, "linear"]
        assert row.versus_linear.difference == pytest.approx(row.nmse - linear.nmse)
        best = min(one.nmse for one in sparse.decoders)
        assert row.versus_best.difference == pytest.approx(row.nmse - best)


def test_page_and_verdict_tell_it(sparse):
    page = render(sparse)
    assert "Which decoder" in page
    assert "figure-decoders" in page
    sentences = [s.text for s in sparse.verdict if s.section == "decoder"]
    assert len(sentences) == 1
    assert "message passing, the sign bits of a random rotation leave" in sentences[0]
    rows = sparse.to_dict()["decoders"]
    known = {"linear", "denoised", "message-passing"}
    assert {row["decoder"] for row in rows} - {"learned"} == known


def test_what_is_said_of_a_miss_and_of_a_tie(sparse):
    rows = [
        dataclasses.replace(
            row, recommended=row.decoder == "linear" and row.encoder == "random"
        )
        for row in sparse.decoders
    ]
    assert section.said(tuple(rows)).endswith("missed it.")
    near = [dataclasses.replace(r, versus_best=Pair(0.001, 0.001)) for r in rows]
    assert section.said(tuple(near)).endswith("a tie.")


def test_a_learnt_rotation_reads_digits_better_than_the_design():
    digits = analyse("digits", rates=[0.5], seed=0)
    rows = by(digits)
    learnt, designed = rows["itq", "linear"], rows["design", "linear"]
    # 0.25 and 0.28, each with a standard error of 0.004 and on the same rows.
    assert learnt.nmse < 0.94 * designed.nmse
    assert section.recommended(digits.decoders).encoder == "itq"
    page = render(digits)
    assert "a learnt rotation with signs, " in page
    assert "No rotation was learnt" not in page


def test_a_code_longer_than_the_directions_has_no_rotation():
    rows = np.random.default_rng(0).normal(size=(400, 6))
    rows = np.column_stack([rows, rows @ np.ones(6), rows[:, 0] - rows[:, 1]])
    found = analyse(rows, rates=[1.0], seed=0)
    assert {row.encoder for row in found.decoders} == {"random", "design"}
    assert "in which the rows vary, 6 here, and the code has 8" in found.no_decoders
    assert found.no_decoders in render(found)


def test_the_rotation_waits_for_a_budget_that_has_room():
    task = Task(10_000, 8000, 8000, 2000, 784, True)
    without = decoders.decoders_work(task, 784).assumed_seconds
    with_it = decoders.decoders_work(task, 784, ("random", "design", "itq"))
    usual = decoders.BUDGET_SHARE * 120
    assert without < usual < with_it.assumed_seconds
    names, why = decoders.choose_encoders(task, 784, 700 + 84, usual)
    assert names == decoders.ENCODERS
    assert f"about {with_it.assumed_seconds:.0f} s on two slow cores" in why
    names, why = decoders.choose_encoders(task, 784, 784, with_it.assumed_seconds)
    assert (names, why) == (("random", "design", "itq"), "")


def test_linear_decoders_are_those_of_a_linear_fit(sparse):
    row = by(sparse)["random", "linear"]
    rows = priors.GaussBernoulli(0.1).sample((2500, 96), 0)
    model = ShallowAutoencoder(96, encoder="random", norm="float16", random_state=0)
    left = 1.0 - model.fit(rows[:1200]).score(rows[1500:])
    assert row.nmse == pytest.approx(left, abs=5.0 * row.standard_error)
    assert row.predicted == pytest.approx(model.predicted_nmse_, rel=0.02)


def test_why_there_are_none():
    few = analyse(np.random.default_rng(0).normal(size=(100, 5)), rates=[1.0])
    assert few.decoders == ()
    assert "priors need 100 training rows" in few.no_decoders
    assert few.no_decoders in render(few)


def test_wide_data_need_a_larger_budget():
    small, wide = (Task(5000, 4000, 4000, 1000, d, True) for d in (64, 6000))
    seconds = [decoders.decoders_work(t, t.n_input).assumed_seconds for t in (small, wide)]
    assert seconds[0] < 4 < decoders.BUDGET_SHARE * 120 < seconds[1]


@pytest.mark.parametrize(("ahead", "chosen"), [(0.001, "linear"), (0.2, "message-passing")])
def test_the_simplest_of_those_within_an_error_is_recommended(sparse, ahead, chosen):
    # Message passing ahead by `ahead` on each of 40 rows, give or take .5: standard
    # error .08. Equal rows are one observation, the same for each in a pair.
    rng = np.random.default_rng(0)
    trial = rng.standard_normal((40, 96))
    base = rng.uniform(1.0, 2.0, size=40)
    noise = rng.uniform(-0.5, 0.5, size=40)
    tried = {"linear": base, "message-passing": base + noise - noise.mean() - ahead}
    found = [
        decoders._Measured(
            dataclasses.replace(
                by(sparse)["random", name], trial_nmse=float(errors.mean())
            ),
            errors,
            errors,
            None,
        )
        for name, errors in tried.items()
    ]
    best = decoders._simplest_near_best(found, trial, np.zeros(96))
    assert best.record.decoder == chosen


@pytest.mark.parametrize("unit", [1e-30, 1e30])
def test_units_that_decoders_have_no_room_for_leave_the_rest_of_the_report(unit):
    rows = unit * np.random.default_rng(0).normal(size=(300, 5))
    found = analyse(rows, rates=[1.0])
    assert found.decoders == ()
    assert "Decoders were not compared: decoder=" in found.no_decoders
    assert "single precision" in found.no_decoders
    assert 0 < found.reached[0].nmse < 1
