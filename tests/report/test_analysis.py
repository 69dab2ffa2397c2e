import dataclasses
import json

import numpy as np
import pytest

import isthmus
from isthmus.core import DataError, ValueOutOfRange
from isthmus.report.judgement import judge


def texts(sentences):
    return " ".join(s.text for s in sentences)


@pytest.fixture(scope="module")
def gaussian():
    rng = np.random.default_rng(3)
    x = rng.standard_normal((20_000, 32)) * np.sqrt(np.repeat([4.0, 1.0], 16))
    return isthmus.analyse(x, rates=[0.5, 1.0])


def test_gaussian_data_end_near_the_reference(gaussian):
    # 4000 held-out rows: standard errors of 0.4 %; the frame at d = 32 costs up to 3 %.
    for row in gaussian.reached:
        assert row.nmse == pytest.approx(row.predicted, abs=5 * row.standard_error + 0.002)
        if row.encoder in ("transform-coding", "search"):  # no signs of a linear map
            continue
        assert row.nmse > row.reference - 5 * row.standard_error
    assert "not Gaussian" not in texts(gaussian.verdict)
    assert abs(gaussian.data.excess_kurtosis) < 0.1
    assert gaussian.data.n_levels == 5000


def test_slow_descent_and_search_keep_nothing_else_waiting(rng):
    told = []
    x = rng.standard_normal((400, 8))
    found = isthmus.analyse(x, rates=[0.5, 1.0], progress=lambda *step: told.append(step))
    fits = [label.split(",")[0] for label, _, _ in told if label.endswith("bits")]
    assert fits.pop() == "decoders"
    quick = ["design", "transform-coding", "random"]
    assert fits == [*quick * 2, *["descent"] * 2, *["search"] * 2]
    assert [row.n_code for row in found.reached] == [4] * 5 + [8] * 5
    assert [row.encoder for row in found.reached[:5]] == [*quick, "descent", "search"]


def test_the_searched_code_is_the_one_that_a_user_fits(rng):
    rows = rng.choice([0.0, 0.0, 1.0], size=(1000, 12)) * rng.gamma(2.0, size=(1000, 12))
    rows[:, 0] = rng.gamma(2.0, size=1000)  # so that no two are equal
    train, test = rows[:700], rows[700:]
    result = isthmus.analyse(train, X_test=test, rates=[1.0])
    found = {row.encoder: row for row in result.reached}
    model = isthmus.ShallowAutoencoder(
        12, encoder="search", decoder="columns", random_state=0
    ).fit(train)
    # Held-out energy is about the training mean for both.
    assert found["search"].nmse == pytest.approx(1.0 - model.score(test), rel=1e-6)
    assert found["search"].decoder == model.decoder_used_ != "least-squares"
    assert found["search"].nmse < 0.8 * found["transform-coding"].nmse
    assert not found["search"].gap
    assert "use the searched sign code (encoder search, decoder columns)" in texts(
        result.verdict
    )
    few = isthmus.analyse(train[:250], X_test=test, rates=[1.0])
    assert "curve" not in {row.encoder: row for row in few.reached}["search"].decoder


def test_everything_is_json(gaussian):
    plain = json.loads(json.dumps(gaussian.to_dict(), allow_nan=False))
    assert plain["reached"][0]["reference"] == gaussian.reached[0].reference
    assert len(plain["data"]["eigenvalues"]) == 32


def test_curves_hold_the_measured_points(gaussian):
    for row in gaussian.reached:
        at = list(gaussian.limits.bits).index(row.n_code)
        assert gaussian.limits.reference[at] == row.reference
        assert gaussian.limits.transform_coding[at] == pytest.approx(row.transform_coding)
        assert gaussian.limits.rate_distortion[at] == pytest.approx(row.rate_distortion)


def test_each_case_of_the_verdict_says_what_the_numbers_say(gaussian):
    row = dataclasses.replace(
        gaussian.reached[0], reference=0.5, standard_error=0.01, transform_coding=0.3
    )
    at = judge(gaussian.data, [dataclasses.replace(row, nmse=0.51)])
    above = judge(gaussian.data, [dataclasses.replace(row, nmse=0.55)])
    below = judge(gaussian.data, [dataclasses.replace(row, nmse=0.45)])
    assert "within two standard errors" in texts(at)
    assert "10\xa0% above the Gaussian reference" in texts(above)
    assert "10\xa0% below the Gaussian reference" in texts(below)
    assert "no column statistic here stands out" in texts(below)
    assert "better" in texts(above)
    sparse = dataclasses.replace(gaussian.data, zero_fraction=0.9, excess_kurtosis=8.0)
    why = texts(judge(sparse, [dataclasses.replace(row, nmse=0.45)]))
    assert "90\xa0% of the entries are exactly zero, and tails are heavy" in why


def test_verdict_has_three_to_six_sentences_that_link_to_sections(gaussian):
    many = isthmus.analyse(
        np.random.default_rng(0).normal(size=(300, 8)), rates=[0.25, 0.5, 1, 2]
    )
    for analysis in (gaussian, many):
        assert 3 <= len(analysis.verdict) <= 6
        sections = {s.section for s in analysis.verdict}
        assert sections <= {"data", "dimensions", "limits", "reached", "method"}


def test_last_rows_of_a_series():
    x = np.random.default_rng(0).normal(size=(500, 3))
    x[400:] *= 3
    result = isthmus.analyse(x, rates=[1.0], split="last")
    assert result.data.split == "last"
    np.testing.assert_array_equal(result.data.samples[0], x[400])


def test_held_out_rows_take_no_part_in_anything():
    x = np.random.default_rng(0).normal(size=(500, 4))
    other = x.copy()
    other[400:] = np.random.default_rng(1).normal(size=(100, 4)) * 50 + 7
    first = isthmus.analyse(x, rates=[1.0], split="last")
    second = isthmus.analyse(other, rates=[1.0], split="last")
    np.testing.assert_array_equal(first.data.eigenvalues, second.data.eigenvalues)
    assert first.reached[0].predicted == second.reached[0].predicted
    assert first.reached[0].nmse != second.reached[0].nmse


def test_one_column_and_ten_rows():
    with pytest.warns(UserWarning, match="few rows|Few rows"):
        result = isthmus.analyse(np.arange(10.0).reshape(-1, 1) ** 2, rates=[1.0])
    assert result.data.n_test == 5
    assert np.isfinite(result.reached[0].nmse)


def test_arguments_outside_their_domain():
    x = np.random.default_rng(0).normal(size=(50, 3))
    for rates in ([], [0.0], [-1.0], [float("nan")]):
        with pytest.raises(ValueOutOfRange, match="rates"):
            isthmus.analyse(x, rates=rates)
    with pytest.raises(ValueOutOfRange, match="rng"):
        isthmus.analyse(x, seed=-1)
    with pytest.raises(DataError, match="must have the 3 columns"):
        isthmus.analyse(x, X_test=x[:, :2])
    with pytest.raises(DataError, match="is constant"):
        isthmus.analyse(np.ones((50, 3)))
