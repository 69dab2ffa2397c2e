import html.parser
import json
import re

import numpy as np
import plotly.graph_objects as go
import pytest
from report import fixtures

from isthmus.report import style, thresholds
from isthmus.report.html import plotly_source, render, script_json
from isthmus.report.records import Sentence
from isthmus.report.sections import SECTIONS
from isthmus.report.sections.base import Table, thinned

HOSTILE = "<script>alert('x')</script><img src=x onerror=alert(1)>\u2028&amp;.csv"
VOID = {"meta", "link", "img", "br"}


class Reader(html.parser.HTMLParser):
    """Collects elements, text outside scripts, and unbalanced tags."""

    def __init__(self):
        super().__init__()
        self.tags, self.open, self.text, self.wrong = [], [], [], []

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        if not self.open or self.open.pop() != tag:
            self.wrong.append(tag)

    def handle_data(self, data):
        if not {"script", "style"} & set(self.open):
            self.text.append(data)


def read(page):
    """Parse without Plotly's 5 MB, which hold no tags."""
    reader = Reader()
    reader.feed(page.replace(plotly_source(), ""))
    reader.close()
    return reader


def words(page):
    return re.sub(r"\s+", " ", " ".join(read(page).text))


def attributes(reader, tag, name):
    return [attrs[name] for found, attrs in reader.tags if found == tag and name in attrs]


def sections(analysis):
    return {section.id: section for section in (build(analysis) for build in SECTIONS)}


@pytest.fixture(scope="module")
def page():
    return render(fixtures.analysis())


def test_order_of_sections():
    names = ["verdict", "data", "dimensions", "limits"]
    names += ["reached", "decoder", "fails", "generalises", "method"]
    assert list(sections(fixtures.analysis())) == names


def test_page_is_well_formed_and_holds_plotly_once(page):
    reader = read(page)
    assert reader.wrong == []
    assert reader.open == []
    assert page.startswith("<!doctype html>")
    assert page.count("plotly.js v") == plotly_source().count("plotly.js v")
    assert page.count(plotly_source()) == 1


def test_nothing_is_fetched(page):
    reader = read(page)
    sources = attributes(reader, "img", "src") + attributes(reader, "script", "src")
    sources += attributes(reader, "link", "href")
    assert len(sources) == 13
    assert all(source.startswith("data:") for source in sources)
    assert "@import" not in page.replace(plotly_source(), "")


def test_ids_are_unique_and_every_anchor_exists(page):
    reader = read(page)
    ids = [attrs["id"] for _, attrs in reader.tags if "id" in attrs]
    assert len(ids) == len(set(ids))
    anchors = [h[1:] for h in attributes(reader, "a", "href") if h.startswith("#")]
    assert len(anchors) == 9 + 4
    assert set(anchors) <= set(ids)


def test_verdict_and_warnings_are_shown_and_unknown_targets_have_no_link():
    analysis = fixtures.analysis(verdict=(Sentence("Alone.", "nowhere"),))
    page = render(analysis)
    assert "Alone." in words(page)
    assert "2 of 64 columns were left out." in words(page)
    assert "#nowhere" not in page


@pytest.mark.parametrize("figure", ["spectrum", "limits", "reached"])
def test_figures_are_valid_plotly_with_titled_axes(figure):
    built = sections(fixtures.analysis()).values()
    specs = {f.id: f.spec for section in built for f in section.figures}
    spec = specs[f"figure-{figure}"]
    drawn = go.Figure(spec)
    assert len(drawn.data) == len(spec["data"]) > 0
    axes = [value for key, value in spec["layout"].items() if key[1:5] == "axis"]
    assert len(axes) >= 2
    for axis in axes[1:]:
        assert axis["title"]["text"]


def test_series_have_one_look():
    built = sections(fixtures.analysis())
    traces = {t["name"]: t for t in built["limits"].figures[0].spec["data"]}
    assert traces["Gaussian reference"]["line"] == style.REFERENCE
    assert traces["transform coding"]["line"]["color"] == style.ORANGE
    assert traces["rate-distortion"]["line"]["color"] == style.GREY
    assert traces["predicted, design"]["line"] == {"color": style.BLUE, "width": 1}
    assert traces["measured, design"]["error_y"]["array"] == [0.0051, 0.0029, 0.0020]
    bars = {t["name"]: t for t in built["reached"].figures[0].spec["data"]}
    for name, bar in bars.items():
        assert bar["marker"]["color"] == traces[name]["marker"]["color"]


def test_bars_are_measured_minus_reference():
    bar = sections(fixtures.analysis())["reached"].figures[0].spec["data"][0]
    np.testing.assert_allclose(bar["y"], [-0.01158, -0.0033, 0.0039], atol=1e-12)


def test_tables_hold_every_measured_number():
    table = next(
        block
        for block in sections(fixtures.analysis())["reached"].blocks
        if isinstance(block, Table) and "beside its reference" in block.caption
    )
    first = dict(zip(table.head, table.rows[0], strict=True))
    assert first["NMSE"] == "0.416 ± 0.005"
    assert first["NMSE − reference"] == "−0.0116 ± 0.0051"
    assert first["in standard errors"] == "−2.3"
    assert first["Reference"] == "0.428"
    assert first["Predicted"] == "0.431"
    assert first["Bits per vector"] == "15"
    assert first["Time"] == "21 ms"
    assert len(table.rows) == 6


def test_tables_are_as_wide_as_their_heads_and_at_most_fifty_rows():
    for section in sections(fixtures.analysis()).values():
        for block in section.blocks:
            if isinstance(block, Table):
                assert {len(row) for row in block.rows} == {len(block.head)}
                assert len(block.rows) <= 50
                if block.folded:
                    assert "report.json" in block.caption


def test_tally_counts_each_measurement_once():
    text = words(render(fixtures.analysis()))
    assert "errors below the reference: 1 of 6; within two: 2;" in text
    assert "more than two above: 3." in text
    assert "smaller error at equal bits in 6 of 6" in text


def test_page_never_oversells_the_reference(page):
    text = words(page).lower()
    assert "best possible" not in text
    assert "no bound for data that are not gaussian" in text
    for status in ("theorem", "theorem (tied decoders)", "asymptotic"):
        assert status in text


def test_classic_is_orange_everywhere_and_no_autoencoder_in_the_tally():
    built = sections(fixtures.everything())
    traces = {t["name"]: t for t in built["limits"].figures[0].spec["data"]}
    assert traces["measured, transform coding"]["marker"]["color"] == style.ORANGE
    assert "predicted, transform coding" not in traces
    bars = {f.id: f for f in built["reached"].figures}["figure-reached"].spec["data"]
    assert [bar["name"] for bar in bars] == ["measured, design", "measured, random"]
    text = words(render(fixtures.everything()))
    assert "errors below the reference: 1 of 6; within two: 2;" in text
    assert "in 6 of 6, and measured on these data in 6." in text


def test_only_the_classic_measured_makes_a_page():
    rows = tuple(r for r in fixtures.everything_reached() if r.decoder == "cell-means")
    built = sections(fixtures.everything(reached=rows, verdict=()))
    assert "figure-reached" not in [figure.id for figure in built["reached"].figures]
    assert read(render(fixtures.everything(reached=rows))).wrong == []


def test_rows_behind_numbers_are_said_where_they_are_not_all():
    text = words(render(fixtures.everything()))
    assert "covariance of 1,200 of the 1,438 training rows alone" in text
    assert "Decoders were fitted on 900 of the 1,438 training rows, errors" in text
    assert "Rows for fitting 900" in text
    text = words(render(fixtures.analysis()))
    assert "covariance of the 1,438 training rows alone" in text
    assert "Rows for fitting" not in text


def test_data_tell_scale_dropped_rows_and_equal_lengths():
    data = fixtures.facts(scale="log1p", unit_norm=True, n_rows_dropped=3)
    text = words(render(fixtures.analysis(data=data)))
    assert "Scale log1p log(1 + value) of every entry" in text
    assert "Rows dropped 3 had missing values" in text
    assert "Unit-norm rows yes all rows have the same length" in text
    assert "scaled units²" in text
    text = words(render(fixtures.analysis()))
    assert "Unit-norm rows no" in text
    assert "input units²" in text


def test_what_was_left_out_is_told_at_the_top_and_in_the_method():
    text = words(render(fixtures.everything()))
    assert "One part was left out for lack of time" in text
    assert "The descent encoder at 2,000 bits: a step takes 40 s." in text
    assert "left out for lack of time" not in words(render(fixtures.analysis()))
    two = render(fixtures.everything(left_out=("One.", HOSTILE)))
    assert "2 parts were left out" in words(two)
    assert "<img src=x" not in two


def test_method_shows_every_threshold():
    text = words(render(fixtures.analysis()))
    for threshold in thresholds.TABLE:
        assert threshold.meaning in text


@pytest.mark.parametrize(
    ("split", "phrase"),
    [
        ("random", "drawn at random with seed 7"),
        ("last", "The last 359 rows were held out"),
        ("given", "The 359 held-out rows were given by the user"),
    ],
)
def test_method_tells_the_split(split, phrase):
    page = render(fixtures.analysis(data=fixtures.facts(split=split)))
    assert phrase in words(page)


def test_references_of_a_shrunk_spectrum_are_called_rough():
    assert " rough" not in words(render(fixtures.analysis()))
    page = render(fixtures.analysis(data=fixtures.facts(shrinkage=0.2)))
    assert words(page).count(" rough") >= 2


def test_method_tells_what_each_encoder_is():
    from isthmus.report.budget import ORDER
    from isthmus.report.sections.method import MEANING

    told = {name for name, _ in MEANING}
    assert told >= {f"Encoder: {encoder}" for encoder in ORDER}


def test_method_cites_the_literature(page):
    keys = {"shevchenko:23", "max:60", "lloyd:82", "cover:06", "ledoit:04"}
    assert keys <= {attrs.get("id") for _, attrs in read(page).tags}
    assert "isthmus report digits --rate 0.25,1,2" in words(page)


def test_hostile_names_are_text():
    data = fixtures.facts(name=HOSTILE, left_out=(f"{HOSTILE} (not numbers)",))
    rows = tuple(fixtures.replaced(row, encoder=HOSTILE) for row in fixtures.reached())
    method = fixtures.replaced(fixtures.analysis().method, command=HOSTILE)
    page = render(
        fixtures.analysis(
            data=data,
            reached=rows,
            method=method,
            warnings=(HOSTILE,),
            verdict=(Sentence(HOSTILE, HOSTILE),),
        )
    )
    clean, reader = read(render(fixtures.analysis())), read(page)
    count = [tag for tag, _ in reader.tags].count
    assert count("script") == [tag for tag, _ in clean.tags].count("script")
    assert count("img") == 12
    assert not any(name[:2] == "on" for _, attrs in reader.tags for name in attrs)
    assert reader.wrong == []
    data = re.search(r'id="figure-data">(.*?)</script>', page, re.DOTALL)[1]
    assert not re.search("[<>&\u2028]", data)
    assert any(HOSTILE in t["name"] for t in json.loads(data)["figure-limits"]["data"])


def test_script_json_round_trips_what_could_break_out():
    value = {"a": "</script><!--&\u2028\u2029", "b": [1.5, float("nan"), np.int64(3)]}
    text = script_json(value)
    assert not re.search("[<>&\u2028\u2029]", text)
    assert json.loads(text) == {"a": value["a"], "b": [1.5, None, 3]}


@pytest.mark.parametrize(
    "changes",
    [
        {"reached": ()},
        {"reached": fixtures.reached()[:1]},
        {"verdict": (), "warnings": ()},
        {"reached": fixtures.everything_reached(), "examples": fixtures.examples()},
        {"examples": fixtures.examples(n_worst=0, n_typical=0)},
        {"examples": fixtures.examples(n_columns=3000, n_typical=0)},
        {"data": fixtures.facts(sample_shape=None)},
        {"data": fixtures.facts(eigenvalues=np.zeros(3))},
        {"data": fixtures.facts(eigenvalues=np.array([1.0]), n_input=1)},
        {"data": fixtures.facts(eigenvalues=np.r_[np.ones(5000), np.zeros(9)])},
        {"data": fixtures.facts(excess_kurtosis=float("nan"))},
        {"limits": fixtures.replaced(fixtures.curves(), bits=np.array([]))},
        {
            "reached": tuple(
                fixtures.replaced(row, standard_error=float("nan"), nmse=0.0)
                for row in fixtures.reached()
            )
        },
    ],
)
def test_odd_analyses_still_make_a_page(changes):
    page = render(fixtures.analysis(**changes))
    assert read(page).wrong == []
    specs = re.search(r'id="figure-data">(.*?)</script>', page, re.DOTALL)[1]
    for spec in json.loads(specs).values():
        go.Figure(spec)
    text = words(page)
    assert "nan" not in re.findall(r"[a-z]+", text.lower())
    assert "None" not in text


def test_what_does_not_apply_says_so_in_one_line():
    text = words(render(fixtures.analysis(reached=(), verdict=())))
    assert "No autoencoder was trained" in text
    assert "This analysis came to no verdict." in text


@pytest.mark.parametrize("size", [1, 50, 51, 77, 1000, 100_000])
def test_thinned_keeps_both_ends(size):
    chosen = thinned(size)
    assert chosen[0] == 0
    assert chosen[-1] == size - 1
    assert len(chosen) <= 50
    assert chosen == sorted(set(chosen))


def test_signed_difference_shows_two_digits_of_its_error():
    assert style.with_error(-0.0119, 0.0051, signed=True) == "−0.0119 ± 0.0051"
    assert style.with_error(0.5, float("nan")) == "0.500"
    assert style.number(float("inf")) == "–"
    assert style.number(-1234.5) == "−1,234"


def test_rows_that_time_left_out_are_not_called_unreconstructed():
    late = fixtures.analysis(examples=None, left_out=("design at 60 bits was left out.",))
    assert "was left out for lack of time; see Method" in words(render(late))
    assert "No rows were reconstructed" in words(render(fixtures.analysis(examples=None)))


def test_one_strong_direction_is_told_in_the_singular():
    flat = fixtures.facts(eigenvalues=np.array([9.0, 1.0, 0.5]))
    page = words(render(fixtures.analysis(data=flat)))
    assert "the strongest one holds half of the variance, 2 hold 90 % and 3 hold" in page
    steep = fixtures.facts(eigenvalues=np.array([95.0, 4.9, 0.1]))
    page = words(render(fixtures.analysis(data=steep)))
    assert "the strongest one holds 90 % of the variance and 2 hold 99 %." in page


def test_last_rows_of_a_large_source_claim_nothing_of_equal_rows():
    from isthmus.report.sections.method import _split_words

    whole = fixtures.facts(split="last", n_moment_rows=1438, n_fit_rows=1438)
    sampled = fixtures.facts(split="last", n_moment_rows=10**6, n_fit_rows=20_000)
    assert "were left out" in _split_words(whole, 0)
    assert "were left out" not in _split_words(sampled, 0)
