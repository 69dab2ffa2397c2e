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
        if row.encoder == "transform-coding":
            assert not row.gap
            continue
        assert sum(row.gap.values()) == pytest.approx(row.nmse - row.reference, abs=1e-9)
        assert row.gap["spectrum"] > -1e-9
        trained = row.encoder == "descent"
        assert (row.history.size > 1) == trained
        if trained:
            assert row.history[-1] == pytest.approx(row.predicted, rel=1e-9)
