"""Penalties in a report: what it costs, what it says, and what it never says."""

import re

import numpy as np
import pytest
from report import fixtures

from isthmus import analyse
from isthmus.estimators import PairedDifference, PenaltyComparison, PenaltyScore
from isthmus.estimators.compare_penalties import PENALTIES
from isthmus.report import penalties
from isthmus.report.costs import Task
from isthmus.report.html import render
from isthmus.report.plan import Size, Speeds, plan_report
from isthmus.report.sections import generalise
from isthmus.report.sections.base import Table, Text

TASK = Task(1000, 800, 800, 200, 64, False)


def score(name, nmse, apart=None, error=0.001, linear=-0.1, factor=4.5):
    def pair(value):
        if value is None:
            return None
        return PairedDifference(value, error, abs(value) > factor * error)

    return PenaltyScore(
        name,
        None if name in ("plain", "principal components") else 0.01,
        {},
        nmse / 2,
        nmse,
        0.01,
        (nmse - 0.01, nmse, nmse + 0.01),
        None if name == "plain" else pair(apart),
        None if name == "principal components" else pair(linear),
    )


def comparison(*scores, winner="none", settled=True):
    usual = (score("principal components", 0.4, 0.1), score("plain", 0.3))
    return PenaltyComparison(
        scores=(*usual, *scores),
        winner=winner,
        factor=4.5,
        n_code=3,
        hidden_layer_sizes=(128, 64),
        n_steps=400,
        n_seeds=3,
        n_fit=60,
        n_choice=20,
        n_test=20,
        settled=settled,
    )


def section(found, why=""):
    return generalise.build(fixtures.analysis(penalties=found, no_penalties=why))


def texts(built):
    return " ".join(block.text for block in built.blocks if isinstance(block, Text))


def table(built):
    return next(block for block in built.blocks if isinstance(block, Table))


def test_the_winner_is_named_and_bold():
    found = comparison(
        score("denoising", 0.28, -0.02), score("lie-1", 0.299, -0.001), winner="denoising"
    )
    built = section(found)
    assert "The penalty denoising (weight 0.01) helps on these rows" in texts(built)
    assert "clearly more" in texts(built)
    shown = table(built)
    assert [shown.rows[i][0] for i in shown.marked] == ["denoising"]


def test_nothing_inside_two_standard_errors_is_bold():
    found = comparison(score("lie-1", 0.299, -0.001), score("lie-2", 0.31, 0.01))
    built = section(found)
    assert "No penalty helps on these rows beyond two standard errors" in texts(built)
    assert "The best of them, lie-1," in texts(built)
    assert table(built).marked == ()


def test_better_principal_components_are_told():
    found = comparison(score("lie-1", 0.28, -0.02, linear=0.1), winner="lie-1")
    assert "But as many principal components leave" in texts(section(found))
    level = comparison(score("lie-1", 0.28, -0.02, linear=0.001), winner="lie-1")
    assert "not clearly apart from lie-1" in texts(section(level))


def test_bars_are_what_must_be_cleared():
    found = comparison(score("denoising", 0.28, -0.02), score("bad", np.inf, np.inf))
    figure = next(f for f in section(found).figures if f.id == "figure-penalties")
    seeds, means = figure.spec["data"]
    assert means["y"] == ["denoising"]
    assert means["x"] == [-0.02]
    assert means["error_x"]["array"] == [pytest.approx(0.0045)]
    assert seeds["x"] == pytest.approx([-0.02] * 3)


def test_unsettled_training_and_missing_time_are_told():
    found = comparison(score("lie-1", 0.299, -0.001), settled=False)
    words = texts(section(found, "No time for lie-2."))
    assert "had not settled" in words
    assert words.endswith("No time for lie-2.")
    assert "Penalties" not in texts(section(None))
    assert "Penalties were not compared" in texts(section(None, penalties.NO_EXTRA))


def test_steps_and_penalties_grow_with_the_time_there_is():
    assert set(penalties.COSTS) == set(PENALTIES)
    counts = [len(penalties.affordable(TASK, seconds)) for seconds in (0, 5, 20, 1e4)]
    assert counts == sorted(counts)
    assert (counts[0], counts[-1]) == (0, len(PENALTIES))
    steps = [penalties.steps_in(TASK, PENALTIES, seconds) for seconds in (0, 10, 50, 1e5)]
    assert steps == sorted(steps)
    assert steps[-1] == penalties.MOST_STEPS
    assert "slower than assumed" in penalties.left_out(TASK, (), slower=True)
    needed = float(re.search(r"about (\d+) s", penalties.left_out(TASK, ()))[1])
    assert not penalties.left_out(
        TASK, penalties.affordable(TASK, penalties.BUDGET_SHARE * needed)
    )


@pytest.mark.parametrize(
    ("change", "budget", "told"),
    [
        ({"n_fit": 9, "n_test": 9}, 120.0, "at least 20 rows"),
        ({"n_input": 1}, 120.0, "2 to 4,096 columns"),
        ({}, 5.0, "needs a budget of about"),
    ],
)
def test_why_none_are_compared(change, budget, told):
    assert told in penalties.why_no_penalties(Task(**(vars(TASK) | change)), budget)
    assert penalties.why_no_penalties(TASK, 120.0) == ""


def test_without_torch_the_extra_is_named(monkeypatch):
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    assert "isthmus[torch]" in penalties.why_no_penalties(TASK, 120.0)


def test_a_plan_counts_them_only_when_asked():
    size, speeds = Size("x", 1797, 64, np.dtype(float)), Speeds(1e10, 1e9, 1e6)
    without = plan_report(size, speeds)
    asked = plan_report(size, speeds, compare_penalties=True)
    assert set(asked.parts) - set(without.parts) == {"penalties"}
    short = plan_report(size, speeds, budget=5.0, compare_penalties=True)
    assert any("needs a budget of about" in text for text in short.left_out)
    assert not any("enalties" in text for text in plan_report(size, speeds).left_out)


@pytest.mark.filterwarnings("ignore::isthmus.core.errors.DataWarning")
def test_a_report_that_was_asked(monkeypatch):
    monkeypatch.setattr(penalties, "PENALTIES", ("weight-decay",))
    for name, value in {"LEAST_STEPS": 1, "MOST_STEPS": 3, "SEEDS": 2}.items():
        monkeypatch.setattr(penalties, name, value)
    rows = np.random.default_rng(0).normal(size=(60, 5)) * [3.0, 2.0, 1.0, 1.0, 0.5]
    found = analyse(rows, rates=[1.0], compare_penalties=True)
    assert found.penalties.n_steps == 3
    assert {"plain", "weight-decay"} < {one.name for one in found.penalties.scores}
    assert found.to_dict()["penalties"]["n_test"] == found.penalties.n_test
    assert "penalties" in found.method.timings
    page = render(found)
    assert page.count('id="figure-penalties"') == 1
    assert analyse(rows, rates=[1.0]).penalties is None
