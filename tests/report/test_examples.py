"""Where it fails: rows of largest error, drawn and told."""

import numpy as np
import plotly.graph_objects as go
import pytest
from report import fixtures

from isthmus.report.html import render
from isthmus.report.images import image_urls, pair_urls
from isthmus.report.sections import fails


def blocks(shape, n_columns=64, **changes):
    analysis = fixtures.everything(
        data=fixtures.facts(sample_shape=shape),
        examples=fixtures.examples(n_columns, **changes),
    )
    return {block.kind: block for block in fails.build(analysis).blocks}


def test_both_of_a_pair_share_one_scale():
    rows = np.array([[0.0, 4.0, 8.0, 8.0]])
    ((first, second),) = pair_urls(rows, 0.5 * rows, (2, 2))
    assert (first, second) == image_urls(np.vstack([rows, 0.5 * rows]), (2, 2))
    alone = image_urls(0.5 * rows, (2, 2))[0]
    assert second != alone
    assert first == alone  # alone, half the values would look the same as all


def test_each_pair_has_a_scale_of_its_own():
    rows = np.array([[0.0, 1.0, 2.0, 3.0], [0.0, 10.0, 20.0, 30.0]])
    first, second = pair_urls(rows, rows, (2, 2))
    assert first == second


@pytest.mark.parametrize("shape", [None, (3, 3), (4,)])
def test_rows_that_are_no_images_make_no_pairs(shape):
    assert pair_urls(np.zeros((2, 4)), np.zeros((2, 4)), shape) == ()
    assert pair_urls(np.full((1, 4), np.nan), np.full((1, 4), np.nan), (2, 2)) == ()


def test_images_are_paired_with_their_errors_in_words_and_table():
    section = fails.build(fixtures.everything())
    pairs = [block for block in section.blocks if block.kind == "pairs"]
    assert [len(block.pairs) for block in pairs] == [6, 6]
    assert pairs[0].pairs[1][2] == "Worst 2: 0.837"
    assert pairs[1].pairs[0][2] == "Typical 1: 0.170"
    table = section.blocks[-2]
    assert table.rows[0] == ("worst 1", "0.900", "4.72")  # NMSE of all is 0.1907
    assert table.rows[6] == ("typical 1", "0.170", "0.891")
    page = render(fixtures.everything())
    assert page.count('alt="original, ') == page.count('alt="reconstruction, ') == 12
    assert "0.900, 5.22 times the typical 0.173" in page
    assert "60 code symbols answers worst, out of 359 held-out rows" in page


@pytest.mark.parametrize(("n_worst", "drawn"), [(1, 1), (2, 2), (6, 3)])
def test_plain_rows_are_lines_of_the_worst(n_worst, drawn):
    shown = blocks(None, 100, n_worst=n_worst)
    spec = shown["figure"].spec
    assert len(go.Figure(spec).data) == 2 * drawn
    np.testing.assert_allclose(
        spec["data"][0]["y"], fixtures.examples(100, n_worst=n_worst).worst[0]
    )
    assert [t["name"] for t in spec["data"][:2]] == ["original", "reconstruction"]
    domains = [spec["layout"][f"yaxis{k or ''}"]["domain"] for k in (0, 2, 3)[:drawn]]
    assert domains[0][1] == 1.0
    assert domains[-1][0] == pytest.approx(0.0, abs=1e-12)
    assert all(
        low > high for (low, _), (_, high) in zip(domains, domains[1:], strict=False)
    )
    assert "pairs" not in shown


def test_rows_too_wide_or_too_narrow_to_draw_are_a_table_alone():
    assert "figure" not in blocks(None, 2001)
    assert "figure" in blocks(None, 2000)
    assert "figure" not in blocks(None, 1)
    wide = fixtures.everything(
        data=fixtures.facts(sample_shape=None), examples=fixtures.examples(2001)
    )
    assert "Rows of 2,001 columns are not drawn." in render(wide)


def test_an_analysis_without_examples_says_so():
    text = fails.build(fixtures.analysis()).blocks[0].text
    assert text == "No rows were reconstructed, so none can be shown."


def test_a_perfect_typical_row_is_no_divisor():
    perfect = fixtures.replaced(fixtures.examples(), typical_nmse=np.zeros(6))
    page = render(fixtures.everything(examples=perfect))
    assert "The worst row has an error of 0.900.</p>" in page
