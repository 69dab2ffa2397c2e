"""Sentences of the verdict, each from the numbers that call for it."""

import pytest
from report import fixtures

from isthmus.report.comparison import choose, difference, nearest_to_one_bit
from isthmus.report.judgement import judge
from isthmus.report.reasons import dominating
from isthmus.report.records import Pair
from isthmus.report.sections.codecs import codec_blocks

TERMS = ("spectrum", "coherence", "decoder", "shift", "non_gaussianity")


def text(rows, **changes):
    return " ".join(s.text for s in judge(fixtures.facts(**changes), rows))


def designed(gap=None, **changes):
    """The designed encoder at rate 1 with a gap of given terms, others zero."""
    gap = dict.fromkeys(TERMS, 0.0) | (gap or {})
    values = {"nmse": 0.194 + sum(gap.values()), "standard_error": 0.002, "gap": gap}
    return fixtures.replaced(fixtures.reached()[2], **(values | changes))


def beside(row, encoder, apart, error):
    """Another codec measured on the same rows, `apart` from the designed one."""
    return fixtures.replaced(
        row,
        encoder=encoder,
        nmse=row.nmse + apart,
        versus={"design": Pair(apart, error)},
        gap={},
    )


@pytest.mark.parametrize(
    ("term", "words", "advice"),
    [
        ("spectrum", "spent on other directions", 'encoder="descent"'),
        ("coherence", "repeat each other", 'train on (encoder="descent")'),
        ("decoder", "not the best linear one", "more rows or with a larger ridge"),
        ("shift", "differ from the training rows", "more training rows"),
        ("non_gaussianity", "data that are not Gaussian", "another decoder"),
    ],
)
def test_the_dominating_term_is_named_with_its_size_and_what_to_do(term, words, advice):
    gap = {"spectrum": 0.01} | {term: 0.03}
    said = text([designed(gap, decoder="population")])
    assert "+0.03" in said
    assert words in said
    assert advice in said
    for other in {"repeat each other", "differ from the training rows"} - {words}:
        assert other not in said


@pytest.mark.parametrize(
    ("split", "advice"),
    [
        ("last", "shuffle if order means nothing"),
        ("given", "train on rows like the given ones"),
    ],
)
def test_advice_on_a_shift_depends_on_the_split(split, advice):
    assert advice in text([designed({"shift": 0.03})], split=split)


def test_norm_spread_is_named_where_it_is_the_larger_part():
    row = designed(
        {"non_gaussianity": 0.03}, n_code=64, norm_spread=0.02, norm_spread_error=0.001
    )
    said = text([row])
    assert (
        "+0.0300 ± 0.0020 with the decoder fitted to them, of which distances from the "
        "mean that vary +0.0200" in said
    )
    assert 'norm="float16"' in said
    assert "float16" not in text([fixtures.replaced(row, norm_spread=0.01)])
    assert (
        "float16"
        not in text([fixtures.replaced(row, norm="float16")]).split("that vary")[1]
    )


def test_terms_may_be_negative_and_two_may_dominate():
    row = designed({"coherence": 0.03, "non_gaussianity": -0.02})
    assert dominating(row) == ("coherence", "non_gaussianity")
    said = text([row])
    assert "(+0.0300)" in said
    assert "(−0.0200 ± 0.0020 with the decoder fitted to them)" in said
    assert "%" not in said.split("comes mainly from")[1].split(".")[0]
    gain = text([designed({"non_gaussianity": -0.03})])
    assert "−0.0300, comes mainly from data that are easier than Gaussian ones" in gain


def test_what_a_fitted_decoder_costs_and_earns_is_one_thing():
    gap = {"decoder": 0.05, "non_gaussianity": -0.01}
    row = designed(gap, standard_error=0.001)
    assert dominating(row) == ("non_gaussianity",)
    assert "(+0.0400 ± 0.0010 with the decoder fitted to them)" in text([row])
    assert "more rows to fit the decoder" not in text([row], n_fit_rows=20 * row.n_code)
    assert "more rows to fit the decoder on, or" in text([row], n_fit_rows=1000)
    apart = designed(gap, standard_error=0.001, decoder="population")
    assert dominating(apart) == ("decoder",)
    assert "larger ridge" in text([apart])


def test_a_gap_within_two_standard_errors_has_no_reason():
    assert "comes mainly" not in text([designed({"coherence": 0.03}, standard_error=0.016)])
    assert "comes mainly" in text([designed({"coherence": 0.03}, standard_error=0.014)])
    unsplit = fixtures.replaced(designed({"coherence": 0.03}), gap={})
    assert "above the Gaussian reference" in text([unsplit])
    assert "comes mainly" not in text([unsplit])


def test_noise_of_the_measured_term_does_not_dominate():
    row = designed({"coherence": 0.01, "non_gaussianity": 0.008}, standard_error=0.005)
    assert dominating(row) == ("coherence",)
    unsure = designed({"coherence": 0.01, "non_gaussianity": 0.03}, standard_error=0.016)
    assert dominating(unsure) == ()
    half = designed({"coherence": 0.03, "non_gaussianity": 0.04}, standard_error=0.021)
    assert "+0.0700, owes most to code symbols that repeat each other" in text([half])
    assert "comes mainly" not in text([unsure])


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (0.002, "That is 5.0 standard errors: clear."),
        (0.003, "That is 3.3 standard errors: likely, but not certain."),
        (0.006, "tie within two standard errors"),
    ],
)
@pytest.mark.parametrize("sign", [-1, 1])
def test_certainty_of_the_codec_follows_the_paired_error(error, words, sign):
    row = designed(standard_error=0.05)
    coding = beside(row, "transform-coding", 0.01 * sign, error)
    said = text([row, coding])
    assert words in said
    first = "transform coding" if sign < 0 else "the designed sign autoencoder"
    assert f"{'no codec wins:' if 'tie' in words else 'use'} {first}" in said
    assert "60 bits = 8 bytes per vector, all counted" in said


def test_the_winner_must_beat_the_second_and_not_the_designed_one_alone():
    row = designed(standard_error=0.05)
    rows = [
        row,
        beside(row, "transform-coding", -0.1, 0.002),
        beside(row, "descent", -0.0988, 0.002),
    ]
    choice = choose(rows)
    assert choice.certainty == "tie"
    assert [r.encoder for r in choice.tied] == ["transform-coding", "descent"]
    assert choice.lead.standard_error == pytest.approx(0.1)
    assert not choice.lead.exact
    assert difference(rows[1], row).standard_error == 0.002
    both = {"design": Pair(-0.0988, 0.002), "transform-coding": Pair(0.0012, 0.004)}
    rows[2] = fixtures.replaced(rows[2], versus=both)
    lead = choose(rows).lead
    assert (lead.value, lead.standard_error) == (pytest.approx(0.0012), 0.004)
    assert lead.exact
    assert "0.0012 ± 0.0040, 0.3 standard errors" in text(rows)


def test_an_unpaired_difference_has_the_largest_error_it_can_have():
    row = designed(standard_error=0.01)
    other = fixtures.replaced(beside(row, "random", 0.05, 0.0), versus={})
    assert difference(other, row).standard_error == pytest.approx(0.02)
    assert "at least 2.5 standard errors: likely" in text(
        [row, fixtures.replaced(beside(row, "transform-coding", -0.05, 0.0), versus={})]
    )


def test_side_bits_of_the_second_are_told():
    row = designed()
    other = fixtures.replaced(
        beside(row, "random", 0.05, 0.001), norm="float16", bits_per_vector=76
    )
    said = text([row, beside(row, "transform-coding", 0.3, 0.001), other])
    assert "a random rotation with signs with 76 bits" in said


def test_without_the_classic_measured_its_prediction_is_told():
    row = designed()
    said = text([row, beside(row, "random", 0.05, 0.001)])
    assert "the prediction was not measured on these data" in said
    assert "all counted" not in said


def test_rate_nearest_to_one_bit_is_judged():
    rows = nearest_to_one_bit(fixtures.everything_reached())
    assert {row.rate for row in rows} == {1.0}
    assert len(rows) == 3
    assert nearest_to_one_bit(()) == ()


def test_a_rate_without_the_autoencoder_compares_nothing():
    row = fixtures.replaced(designed(), n_code=15, bits_per_vector=15, rate=0.25)
    long = fixtures.replaced(beside(row, "transform-coding", 0, 0), n_code=60, rate=1.0)
    rows = [row, beside(row, "transform-coding", -0.1, 0.01), long]
    assert (
        "At 0.250 bits per column (15 bits = 2 bytes per vector, all counted) use"
        in text(rows)
    )


@pytest.mark.parametrize("n_rates", [1, 2, 3, 4, 6])
def test_three_to_five_sentences_whatever_there_is_to_tell(n_rates):
    rows = []
    for k in range(n_rates):
        row = designed({"coherence": 0.03}, n_code=30 * (k + 1), rate=0.5 * (k + 1))
        below = fixtures.replaced(row, nmse=0.1) if k == 0 and n_rates > 1 else row
        rows += [below, beside(below, "transform-coding", -0.05, 0.001)]
    sentences = judge(fixtures.facts(), rows)
    assert 3 <= len(sentences) <= 5
    assert {s.section for s in sentences} <= {"data", "limits", "reached", "method"}
    if n_rates > 1:
        said = " ".join(s.text for s in sentences)
        assert "at 1.00 (60), " in said
        assert "comes mainly from" in said
        assert "no bound for these data" in said
    assert "use transform coding" in sentences[1].text


def test_nothing_measured_leaves_the_data():
    assert [s.section for s in judge(fixtures.facts(), [])] == ["data"]


def test_what_training_on_brought_is_told_and_not_advised_where_it_failed():
    row = designed({"coherence": 0.03})
    helped = text([row, beside(row, "descent", -0.02, 0.005)])
    assert 'training on (encoder="descent"), which leaves 0.204 ± 0.002 here' in helped
    assert "What may help" not in text([row, beside(row, "descent", -0.007, 0.005)])


@pytest.mark.parametrize(("n_code", "advised"), [(2, False), (63, False), (64, True)])
def test_a_norm_is_advised_only_beside_a_long_code(n_code, advised):
    row = designed(
        {"non_gaussianity": 0.03}, n_code=n_code, norm_spread=0.02, norm_spread_error=0.001
    )
    said = text([row], n_fit_rows=20 * n_code)
    assert ("float16" in said) == advised
    assert ("another decoder" in said) != advised


def test_a_part_larger_than_the_whole_is_no_part():
    row = designed({"non_gaussianity": 0.03}, norm_spread=0.05, norm_spread_error=0.001)
    said = text([row])
    assert "of which" not in said
    assert "; distances from the mean that vary would alone cost +0.0500)" in said


def test_a_loose_reference_is_told_with_the_terms_that_it_bears_on():
    loose, tight = "The reference can be loose here", {"status": "theorem"}
    row = designed({"coherence": 0.03}, status="asymptotic")
    assert loose in text([row])
    assert loose not in text([fixtures.replaced(row, **tight)])
    assert loose not in text([designed({"shift": 0.03}, status="asymptotic")])


def test_few_rows_prove_no_trait():
    row = designed(nmse=0.15)
    few = {"n_levels": 18.0, "excess_kurtosis": 2.1, "zero_fraction": 0.0}
    assert "only 18 different values" in text([row], n_fit_rows=100, **few)
    said = text([row], n_fit_rows=99, **few)
    assert "18" not in said
    assert "heavy" not in said
    assert "no column statistic" in said


def test_below_a_reference_of_few_rows_is_put_down_to_them():
    row = designed(nmse=0.15)
    said = text([row], shrinkage=0.2, n_train=18)
    assert "With 18 training rows for 60 columns the reference is rough" in said
    assert "shrunk by 20\xa0%" in said
    assert "no bound for these data" not in said
    assert "no bound for these data" in text([row], shrinkage=0.1)


def test_the_winner_at_other_rates_is_told():
    rows = []
    for rate, apart in ((0.25, -0.1), (0.5, 0.001), (0.75, 0.1), (1.0, -0.1)):
        row = designed(n_code=round(60 * rate), rate=rate)
        rows += [row, beside(row, "transform-coding", apart, 0.002)]
    said = text(rows)
    assert "use transform coding" in said
    assert (
        "clear. It is also best at 0.250, ties for best at 0.500 and is not best at 0.750 "
        "(the designed sign autoencoder is) bits per column."
    ) in said
    assert "It is" not in text(rows[-2:])


def test_rates_share_one_sentence_and_large_ratios_are_ratios():
    rows = [
        designed(n_code=15, rate=0.25, nmse=0.3, reference=0.4, standard_error=0.02),
        designed(n_code=30, rate=0.5, nmse=0.3, reference=0.29, standard_error=0.02),
        designed(n_code=60, rate=1.0, nmse=0.3, reference=0.1, standard_error=0.02),
    ]
    assert (
        "leaves 0.300 ± 0.020 of the variance at 0.250 bits per column (15 per vector), "
        "25\xa0% below the Gaussian reference 0.400 (5.0 standard errors); 0.300 ± 0.020 "
        "at 0.500 (30), at the reference 0.290 within two standard errors; 0.300 ± 0.020 "
        "at 1.00 (60), 3.00 times the reference 0.100 (10.0 standard errors)."
    ) in text(rows)


def test_rows_of_equal_length_are_called_so():
    assert "all rows have the same norm" in text([designed()], unit_norm=True)
    assert "same norm" not in text([designed()])


def test_table_of_codecs_has_the_best_first_and_marked():
    table = codec_blocks(fixtures.everything())[-1]
    assert len(table.rows) == 9
    assert table.marked == (0, 3, 6)
    best = dict(zip(table.head, table.rows[3], strict=True))
    assert best["Codec"] == "transform coding"
    assert best["NMSE"] == "0.104 ± 0.002"
    assert best["minus the designed"] == "−0.0865 ± 0.0017"
    assert best["in standard errors"] == "−50.9"
    assert best["Bits per vector"] == "60"
    assert best["Verdict"] == "best"
    assert table.rows[4][1:5] == ("design", "0.191 ± 0.003", "–", "–")


def test_table_of_codecs_marks_all_that_tie():
    row = designed()
    rows = (row, beside(row, "random", 0.001, 0.001), beside(row, "itq", 0.1, 0.001))
    table = codec_blocks(fixtures.analysis(reached=rows))[-1]
    assert table.marked == (0, 1)
    assert [line[-1] for line in table.rows] == ["ties for best", "ties for best", ""]
    assert codec_blocks(fixtures.analysis(reached=(row,))) == ()
