import numpy as np
import pytest
from report import fixtures

import isthmus
from isthmus.report.html import render
from isthmus.report.sections.gap import gap_blocks
from isthmus.report.sections.training import training_blocks

GAP = {
    "spectrum": 0.02,
    "coherence": 0.004,
    "decoder": -0.0001,
    "shift": 0.001,
    "non_gaussianity": -0.0365,
}


def with_gap(**changes):
    first = fixtures.replaced(fixtures.reached()[0], gap=GAP, **changes)
    return fixtures.analysis(reached=(first, *fixtures.reached()[1:]))


def test_negative_terms_are_gains_with_a_sign():
    blocks = {block.kind: block for block in gap_blocks(with_gap())}
    row = blocks["table"].rows[0]
    assert row[0] == "design"
    assert row[2] == "+0.0200"
    assert row[4].startswith("−0.0001")
    assert row[6].startswith("−0.0365 ± 0.0051")
    assert row[7] == "−0.0116"
    bars = blocks["figure"].spec["data"][0]
    assert bars["x"] == list(GAP.values())
    assert bars["error_x"]["array"] == [None] * 4 + [0.0051]
    page = render(with_gap())
    assert "figure-gap" in page
    assert "−0.0365 ± 0.0051" in page


def test_rounding_is_no_term():
    row = fixtures.replaced(fixtures.reached()[0], gap=GAP | {"decoder": -8.9e-16})
    table = next(
        b for b in gap_blocks(fixtures.analysis(reached=(row,))) if b.kind == "table"
    )
    assert table.rows[0][4] == "0"


def spread_bars(analysis):
    figure = next(b for b in gap_blocks(analysis) if b.kind == "figure")
    return figure.spec["data"]


def test_norm_spread_is_a_hatched_bar_and_a_column_where_it_is_known():
    analysis = with_gap(norm_spread=0.0012, norm_spread_error=0.0003)
    (bar,) = spread_bars(analysis)
    assert bar["y"][-1] == "Of which norm spread"
    assert bar["x"] == [*GAP.values(), 0.0012]
    assert bar["error_x"]["array"][-1] == 0.0003
    assert bar["marker"]["pattern"]["shape"] == [""] * 5 + ["/"]
    table = next(b for b in gap_blocks(analysis) if b.kind == "table")
    assert table.rows[0][-2:] == ("−0.0116", "+0.00120 ± 0.00030")
    assert len(table.head) == len(table.rows[0])
    page = render(analysis)
    assert "+0.00120 ± 0.00030" in page


def test_norm_spread_of_one_rate_leaves_a_dash_at_the_others():
    rows = fixtures.everything_reached()
    bare = fixtures.replaced(rows[0], norm_spread=None, norm_spread_error=None)
    analysis = fixtures.analysis(reached=(bare, *rows[1:]))
    assert spread_bars(analysis)[0]["x"][-1] is None
    table = next(b for b in gap_blocks(analysis) if b.kind == "table")
    assert [row[-1] for row in table.rows][:2] == ["–", "+0.00370 ± 0.00040"]
    assert len(table.rows) == 6  # transform coding has no gap to split


def test_no_sign_of_the_norm_spread_where_it_is_unknown():
    (bar,) = spread_bars(with_gap())
    assert len(bar["x"]) == 5
    assert "Of which norm spread" not in render(with_gap())


def test_nothing_to_show_without_a_gap_or_a_history():
    assert gap_blocks(fixtures.analysis()) == ()
    assert training_blocks(fixtures.analysis()) == ()
    assert "figure-gap" not in render(fixtures.analysis())


def test_training_curve_is_relative_to_the_reference():
    history = np.array([0.5, 0.44, 0.43])
    analysis = with_gap(encoder="descent", history=history)
    figure, table = training_blocks(analysis)
    reference, curve = figure.spec["data"]
    assert reference["y"] == [1.0, 1.0]
    np.testing.assert_allclose(curve["y"], history / 0.428)
    assert table.rows[0][1:] == ("2", "0.500", "0.430", "0.428", "1.0047")
    assert "figure-training" in render(analysis)


@pytest.mark.filterwarnings("ignore::isthmus.core.DataWarning")
def test_terms_of_an_analysis_add_up_to_what_it_measured():
    rng = np.random.default_rng(0)
    x = rng.laplace(size=(3000, 12)) * np.arange(1, 13) ** -0.5
    x[2400:] *= 1.2
    result = isthmus.analyse(x, rates=[0.5, 1.0], split="last")
    for row in result.reached:
        if row.encoder in ("transform-coding", "search"):
            assert not row.gap
            continue
        assert sum(row.gap.values()) == pytest.approx(row.nmse - row.reference, abs=1e-9)
        assert row.gap["spectrum"] > -1e-9
        trained = row.encoder == "descent"
        assert (row.history.size > 1) == trained
        if trained:
            assert row.history[-1] == pytest.approx(row.predicted, rel=1e-9)
