"""Codecs at one budget: who wins, what was predicted, and what is refused."""

import dataclasses
import json
import sys

import numpy as np
import pytest

from isthmus import advise
from isthmus.core.errors import DataError, DataWarning, MissingDependency, ValueOutOfRange
from isthmus.estimators import codec_measures as measures
from isthmus.estimators.advise import OWN, PEERS, advise_rows
from isthmus.estimators.codec_ground import budget_of
from isthmus.estimators.codec_scores import label_of

RNG = np.random.default_rng(0)
MINE = ["linear", "quantised"]


def gaussian(rows, spread, seed=0):
    spread = np.asarray(spread, dtype=float)
    return np.random.default_rng(seed).normal(size=(rows, spread.size)) * spread


def brute(queries, rows, own, count):
    apart = ((queries[:, None] - rows[None]) ** 2).sum(-1)
    apart[np.arange(len(queries)), own] = np.inf
    return np.argsort(apart, axis=1)[:, :count]


def test_neighbours_are_those_of_brute_force_without_the_query_itself():
    rows = RNG.normal(size=(300, 5)).astype(np.float32)
    own = np.array([3, 77, 200])
    found = measures.Neighbours.exact(rows[own], rows, own=own, count=7)
    near = found.nearest(measures.plain_ranking(rows))
    wanted = brute(rows[own], rows, own, 7)
    assert [set(a) for a in near] == [set(a) for a in wanted]
    coded = rows + 0.3 * RNG.normal(size=rows.shape).astype(np.float32)
    after = brute(rows[own], coded, own, 7)
    shares = [len(set(a) & set(b)) / 7 for a, b in zip(wanted, after, strict=True)]
    np.testing.assert_allclose(found.recall(measures.plain_ranking(coded)), shares)
    assert min(shares) < 1


def test_equal_rows_are_neighbours_whichever_is_found():
    rows = np.repeat(np.eye(4, dtype=np.float32), 20, axis=0)
    own = np.array([0, 45])
    found = measures.Neighbours.exact(rows[own], rows, own=own, count=10)
    np.testing.assert_array_equal(found.recall(measures.plain_ranking(rows)), 1.0)


def test_a_norm_makes_up_for_shrunk_reconstructions():
    rows = RNG.normal(size=(400, 6)).astype(np.float32) * RNG.gamma(
        1, size=(400, 1)
    ).astype("f")
    own = np.arange(50)
    found = measures.Neighbours.exact(rows[own], rows, own=own)
    lengths = np.linalg.norm(rows, axis=1)
    turned = rows / (1 + lengths[:, None])  # right direction, wrong length
    assert found.recall(measures.norm_ranking(turned, lengths)).min() == 1.0
    assert found.recall(measures.plain_ranking(turned)).mean() < 0.9


def test_rows_of_one_length_are_ranked_by_direction():
    rows = RNG.normal(size=(300, 5)) + 2.0
    rows = (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32)
    mean = rows.mean(axis=0)
    own = np.arange(40)
    found = measures.Neighbours.exact((rows - mean)[own], rows - mean, own=own)
    shrunk = rows * RNG.uniform(0.2, 1.0, size=(300, 1)).astype(np.float32) - mean
    assert found.recall(measures.unit_ranking(shrunk, mean)).min() == 1.0
    assert found.recall(measures.plain_ranking(shrunk)).mean() < 0.5


@pytest.fixture(scope="module")
def white():
    return advise(gaussian(8000, np.ones(48)), codecs=MINE)


def test_predictions_hold_on_gaussian_rows(white):
    for one in white.scores:
        # Five standard errors, and the 2 % that covariance and code of this size leave.
        bound = 5 * one.nmse.standard_error + 0.02 * one.predicted
        assert abs(one.nmse.value - one.predicted) < bound, one.label
        assert one.trusted, one.label


def test_signs_and_one_bit_quantisers_tie_on_white_rows(white):
    # At one bit per column both have 1 - 2 / pi.
    first = white.score(white.reconstruction.label)
    assert first.nmse.value == pytest.approx(1 - 2 / np.pi, abs=0.01)
    both = {white.reconstruction.label, *white.reconstruction.tied}
    assert both == {"linear", "quantised"}


def test_transform_coding_wins_where_the_spectrum_is_steep():
    found = advise(gaussian(4000, 0.8 ** np.arange(24)), codecs=MINE)
    assert found.reconstruction.label == "quantised"
    assert "linear" not in found.reconstruction.tied
    linear = found.score("linear")
    behind = linear.nmse.value - found.score("quantised").nmse.value
    assert linear.nmse_behind.value == pytest.approx(behind, rel=1e-9)
    # One direction takes much of the code.
    assert linear.tightness > 0.05
    assert linear.trusted is False


def test_a_prediction_is_not_trusted_where_rows_are_far_from_gaussian():
    rows = gaussian(4000, np.ones(64)) * np.random.default_rng(1).gamma(0.3, size=(4000, 1))
    linear = advise(rows, codecs=["linear"]).score("linear")
    assert linear.tightness < 0.05
    assert linear.nmse.value > 1.1 * linear.predicted
    assert linear.trusted is False


def test_a_prediction_is_not_trusted_where_few_rows_were_learnt_from():
    rows = gaussian(1000, 0.9 ** np.arange(24))
    found = advise(rows, bits_per_dim=2, codecs=["quantised"]).score("quantised")
    assert found.train_nmse == pytest.approx(found.predicted, rel=0.05)
    assert found.few_rows
    assert found.trusted is False


def test_norms_find_neighbours_that_signs_alone_do_not():
    rows = gaussian(4000, np.ones(48)) * np.random.default_rng(1).gamma(2, size=(4000, 1))
    found = advise(rows, codecs=["linear"])
    assert found.search.label == "linear + norm"
    assert found.score("linear").recall_behind.value < -0.1
    assert found.score("linear + norm").bits == found.score("linear").bits == 48
    assert found.score("linear + norm").side_bits == 16


@pytest.mark.parametrize(
    ("d", "bits_per_dim", "budget"), [(1, 1.0, 1), (3, 0.4, 1), (13, 1.5, 20), (7, 12, 84)]
)
def test_nobody_takes_more_than_the_budget(d, bits_per_dim, budget):
    found = advise(gaussian(200, np.linspace(2, 1, d)), bits_per_dim=bits_per_dim)
    assert found.budget == budget
    assert all(one.bits <= budget for one in found.scores)
    assert all(one.bits == one.payload_bits + one.side_bits for one in found.scores)
    assert {"linear", "quantised"} <= {one.label for one in found.scores}
    norms = [text for text in found.left_out if text.startswith("linear with a norm")]
    assert bool(norms) == (budget <= 16)
    json.dumps(found.to_dict(), allow_nan=False)


def test_same_seed_same_answer():
    rows = gaussian(300, np.linspace(3, 1, 6))

    def timeless(found):
        return [
            dataclasses.replace(
                one, train_seconds=0, coding_seconds=0, encode_rate=0, decode_rate=0
            )
            for one in found.scores
        ]

    once, again = (advise(rows, codecs=MINE, bits_per_dim=3, rng=4) for _ in range(2))
    assert timeless(once) == timeless(again)
    assert once.search == again.search


def test_scale_and_place_of_the_rows_do_not_matter():
    rows = gaussian(600, np.linspace(3, 1, 8))
    near = advise(rows, codecs=["quantised"]).scores[0]
    far = advise(1e-9 * (rows + 1e6), codecs=["quantised"]).scores[0]
    assert far.nmse.value == pytest.approx(near.nmse.value, rel=1e-3)
    assert far.recall.value == pytest.approx(near.recall.value, abs=0.02)
    assert not advise(rows + 1e6, codecs=["quantised"]).unit_norm
    assert far.cosine_error.value < 1e-9 < near.cosine_error.value


def test_given_held_out_rows_are_measured_on():
    rows = gaussian(400, np.linspace(3, 1, 6))
    wide = np.hstack([rows, np.ones((400, 1))])
    with pytest.warns(DataWarning, match="constant"):
        found = advise(wide[:300], X_test=wide[300:], codecs=["quantised"])
    assert (found.n_train, found.n_test, found.n_input) == (300, 100, 6)
    with pytest.raises(DataError, match="must have 6 columns"):
        advise(rows[:300], X_test=rows[300:, :5])


def test_few_rows_are_told():
    found = advise(gaussian(60, np.linspace(3, 1, 20)), codecs=["quantised"])
    assert found.search is None
    assert found.scores[0].recall is None
    assert found.scores[0].few_rows
    told = " ".join(found.notes)
    assert "Recall was not measured: 30 held-out rows" in told
    assert "Fewer than 30 training rows per bit" in told


def test_rows_of_one_length_are_recognised():
    rows = gaussian(400, np.linspace(3, 1, 8))
    rows /= np.linalg.norm(rows, axis=1, keepdims=True)
    found = advise(rows, codecs=["quantised"])
    assert found.unit_norm
    assert "same length" in found.notes[0]


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"bits_per_dim": 0.01}, "must give every row a bit"),
        ({"bits_per_dim": 0.0}, "positive and at most 12"),
        ({"bits_per_dim": float("nan")}, "positive and at most 12"),
        ({"bits_per_dim": 13}, "positive and at most 12"),
        ({"bits_per_dim": "one"}, "must be real numbers"),
        ({"codecs": ["lossless"]}, "must name at least one of linear"),
        ({"codecs": []}, "must name at least one of linear"),
        ({"codecs": [["linear"]]}, "must name at least one of linear"),
        ({"split": "first"}, "'random' or 'last'"),
    ],
)
def test_wrong_arguments(options, words):
    with pytest.raises(ValueOutOfRange, match=words):
        advise(gaussian(100, np.ones(4)), **options)


@pytest.mark.parametrize(
    ("rows", "words"),
    [
        (np.ones((50, 3)), "must have a column that changes"),
        (np.full((50, 3), np.nan), "NaN|not finite|missing"),
        (np.random.default_rng(0).normal(size=(12, 3)), "at least 20 rows"),
        (np.random.default_rng(0).normal(size=9), "rows and columns"),
    ],
)
def test_rows_that_cannot_be_used(rows, words):
    with pytest.raises(DataError, match=words):
        advise(rows)


def test_without_faiss_one_line_says_how_to_get_it(monkeypatch):
    monkeypatch.setitem(sys.modules, "faiss", None)
    rows = gaussian(100, np.ones(4))
    found = advise(rows, bits_per_dim=2)
    assert {one.name for one in found.scores} <= set(OWN)
    assert sum("isthmus[faiss]" in text for text in found.left_out) == 1
    with pytest.raises(MissingDependency, match="isthmus\\[faiss\\]"):
        advise(rows, codecs=["pq"])
    assert "isthmus[faiss]" not in " ".join(advise(rows, codecs=["linear"]).left_out)


def test_a_budget_that_fits_nobody_is_refused():
    pytest.importorskip("faiss")
    with pytest.raises(ValueOutOfRange, match="sends 64 bits beside its code"):
        advise(gaussian(100, np.ones(4)), codecs=["rabitq"])


def test_progress_names_every_codec():
    told = []
    rows = gaussian(200, np.ones(24))
    advise_rows(
        rows[:150],
        rows[150:],
        bits_per_dim=1,
        codecs=MINE,
        progress=lambda label, done, total: told.append((label, done, total)),
    )
    assert [label for label, _, _ in told] == [
        "linear",
        "quantised",
        "linear + norm",
        "quantised + norm",
        "done",
    ]
    assert told[-1][1:] == (4, 4)


def test_budgets_and_labels():
    assert budget_of(0.5, 5) == 2
    labels = {label_of(name, True) for name in (*OWN, *PEERS)}
    assert {"eden", "rabitq", "turboquant", "pca+eden"} < labels
    assert "opq + norm" in labels
