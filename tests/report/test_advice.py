"""Codecs in a report: what it costs, what it says, and what it never says."""

import dataclasses

import numpy as np
import pytest
from report import fixtures

from isthmus import analyse
from isthmus.core.protocol import Measurement
from isthmus.estimators import CodecAdvice, CodecCurves, CodecScore, Winner
from isthmus.report import advice
from isthmus.report.advice_words import HEAD, about_advice, cells, codec_name
from isthmus.report.costs import Task
from isthmus.report.html import render, render_section
from isthmus.report.judgement import judge
from isthmus.report.plan import Size, Speeds, plan_report
from isthmus.report.sections import reached
from isthmus.report.sections.advice import advice_section
from isthmus.report.sections.base import Table, Text

TASK = Task(1000, 800, 800, 200, 64, False)


def score(label, nmse, recall, **changes):
    name, plus, _ = label.partition(" + ")
    values = {
        "label": label,
        "name": label if label == "pca+eden" else name,
        "norm": bool(plus),
        "ours": name in ("linear", "quantised"),
        "bits": 64,
        "payload_bits": 48 if plus else 64,
        "side_bits": 16 if plus else 0,
        "nmse": Measurement(nmse, 0.002, 200),
        "train_nmse": 0.9 * nmse,
        "cosine_error": Measurement(nmse / 3, 0.001, 200),
        "recall": None if recall is None else Measurement(recall, 0.01, 200),
        "predicted": None,
        "tightness": None,
        "trusted": None,
        "few_rows": False,
        "train_seconds": 0.5,
        "coding_seconds": 0.01,
        "encode_rate": 123456.0,
        "decode_rate": 2e6,
        "nmse_behind": Measurement(nmse - 0.1, 0.001, 200),
    }
    return CodecScore(**(values | changes))


def found(*scores, tied=(), search="opq + norm", level=(), **changes):
    bits = np.array([16, 32, 64, 128])
    curve = 1 / (1 + bits / 16)
    values = {
        "name": "digits",
        "bits_per_dim": 1.0,
        "budget": 64,
        "n_input": 64,
        "n_train": 800,
        "n_test": 200,
        "n_queries": 200,
        "n_neighbours": 10,
        "unit_norm": False,
        "scores": scores,
        "reconstruction": Winner(scores[0].label, tied),
        "search": None if search is None else Winner(search, level),
        "curves": CodecCurves(bits, curve, 0.8 * curve, 0.5 * curve),
        "left_out": ("rabitq was left out: it sends 64 bits.",),
        "notes": ("A note.",),
    }
    return CodecAdvice(**(values | changes))


THREE = (
    score("opq", 0.1, 0.8),
    score("quantised", 0.12, 0.7, predicted=0.11, trusted=True),
    score("opq + norm", 0.13, 0.85),
)


def test_both_winners_are_named_with_their_numbers_though_they_are_not_ours():
    words = about_advice(found(*THREE))
    assert words == (
        "At 1 bit per column (64 bits per vector, all counted) OPQ reconstructs best: it "
        "leaves 0.100 ± 0.002 of the variance of 200 held-out rows, 0.0200 ± 0.0010 less "
        "than transform coding. For search the best is OPQ + norm: it finds "
        "85\N{NO-BREAK SPACE}% of the 10 nearest neighbours, OPQ 80\N{NO-BREAK SPACE}%."
    )


def test_ties_are_called_ties():
    words = about_advice(found(*THREE, tied=("quantised",), level=("opq", "quantised")))
    assert "held-out rows, a tie with transform coding." in words
    assert "neighbours, a tie with OPQ and transform coding." in words
    assert "less than" not in words


def test_without_recall_nothing_is_said_of_search():
    one = found(score("linear", 0.3, None), search=None, bits_per_dim=0.5, budget=1)
    words = about_advice(one)
    assert words.startswith("At 0.5 bits per column (1 bit per vector, all counted)")
    assert "search" not in words
    assert len(cells(one.scores[0])) == len(HEAD)


def test_predictions_say_whether_they_hold():
    at = HEAD.index("Prediction")
    told = [
        cells(score("linear", 0.3, 0.5, predicted=0.25, trusted=trusted))[at]
        for trusted in (True, False)
    ]
    assert told == ["holds", "not trusted"]
    assert cells(THREE[0])[at] == "–"
    assert cells(THREE[0])[-2:] == ("120", "2,000")


def test_winners_and_ties_are_bold_and_notes_stand_below():
    shown = reached.build(fixtures.analysis(advice=(found(*THREE, tied=("quantised",)),)))
    table = next(
        block
        for block in shown.blocks
        if isinstance(block, Table) and block.caption.startswith("Codecs at 64 bits")
    )
    assert [table.rows[i][0] for i in table.marked] == [
        "OPQ",
        "transform coding",
        "OPQ + norm",
    ]
    texts = [block.text for block in shown.blocks if isinstance(block, Text)]
    assert {"A note.", "RaBitQ was left out: it sends 64 bits."} < set(texts)


def test_the_figure_has_curves_and_every_codec_at_its_bits():
    twice = dataclasses.replace(found(*THREE), budget=128, bits_per_dim=2.0)
    section = advice_section((found(*THREE), twice))
    lines = section.figures[0].spec["data"]
    assert [line["name"] for line in lines[:3]] == [
        "Gaussian reference",
        "transform coding, Gaussian",
        "rate-distortion",
    ]
    points = {line["name"]: line for line in lines[3:]}
    assert set(points) == {"OPQ", "transform coding", "OPQ + norm"}
    assert points["OPQ"]["x"] == [64, 64]
    assert points["OPQ + norm"]["marker"]["symbol"].endswith("-open")
    assert sum(isinstance(block, Table) for block in section.blocks) == 2
    page = render_section(section, "isthmus advise")
    assert page.count('id="figure-advice"') == 1
    assert "isthmus advise" in page


def test_nobody_asked():
    shown = reached.build(fixtures.analysis())
    assert not any("store and to search" in getattr(b, "text", "") for b in shown.blocks)
    why = reached.build(fixtures.analysis(no_advice="Codecs were not compared: few."))
    texts = [block.text for block in why.blocks if isinstance(block, Text)]
    assert "Codecs were not compared: few." in texts


def test_the_verdict_names_the_codec_nearest_to_one_bit():
    half = found(*THREE, bits_per_dim=0.5, budget=32)
    plain = judge(fixtures.facts(), fixtures.reached())
    told = judge(fixtures.facts(), fixtures.reached(), advice=(half, found(*THREE)))
    assert len(told) == len(plain)
    assert told[1].text == about_advice(found(*THREE))
    assert told[1].section == "reached"


def test_what_there_is_no_time_for_is_told_and_planned():
    assert advice.why_no_advice(TASK, [1.0], 120.0) == ""
    words = advice.why_no_advice(TASK, [1.0], 0.01)
    assert "that needs a budget of about" in words
    size, speeds = Size("x", 1797, 64, np.dtype(float)), Speeds(1e10, 1e9, 1e6)
    without, asked = plan_report(size, speeds), plan_report(size, speeds, advise=[1.0, 2.0])
    assert set(asked.parts) - set(without.parts) == {"codecs"}
    long = Size("x", 60_000, 2000, np.dtype(float))
    short = plan_report(long, speeds, budget=5.0, advise=[1.0])
    assert any("Codecs were not compared" in text for text in short.left_out)


@pytest.mark.filterwarnings("ignore::isthmus.core.errors.DataWarning")
def test_a_report_that_was_asked():
    rows = np.random.default_rng(0).normal(size=(120, 5)) * [3.0, 2.0, 1.0, 1.0, 0.5]
    result = analyse(rows, rates=[1.0], advise=[1, 2])
    assert [one.budget for one in result.advice] == [5, 10]
    plain = result.to_dict()["advice"][1]
    assert plain["scores"][0]["label"] == plain["reconstruction"]["label"]
    assert "codecs" in result.method.timings
    said = [sentence.text for sentence in result.verdict]
    assert sum("1 bit per column (5 bits per vector, all" in text for text in said) == 1
    assert render(result).count('id="figure-advice"') == 1
    assert analyse(rows, rates=[1.0]).advice == ()
    assert codec_name("pca+eden") == "principal axes with EDEN"
