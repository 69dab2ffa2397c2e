"""faiss's codecs inside the comparison: bits, scalings, and what theory says of them."""

import numpy as np
import pytest

from isthmus.estimators import codec_peers as peers
from isthmus.estimators.advise import advise_rows
from isthmus.estimators.codec_fits import LeftOut
from isthmus.estimators.codec_ground import prepared
from isthmus.estimators.codec_products import fit_product

faiss = pytest.importorskip("faiss", reason="the extra faiss is not installed")


def ground(spread, rows=3000, seed=0):
    x = np.random.default_rng(seed).normal(size=(rows, len(spread))) * spread
    return prepared(x, unit_norm=False, seed=3)[0]


def loss(fitted, rows):
    back = fitted.decode(fitted.encode(rows))
    assert back.shape == rows.shape
    return float(np.sum((rows - back) ** 2) / np.sum(rows**2))


WHITE = ground(np.ones(96))


@pytest.mark.parametrize(
    ("fit", "side", "bits"),
    [
        (peers.fit_rotation("eden"), 16, 1),
        (peers.fit_rotation("eden"), 16, 2),
        (peers.fit_rotation("turboquant"), 16, 1),
        (peers.fit_rotation("turboquant"), 16, 2),
        (peers.fit_rabitq, 64, 1),
    ],
)
def test_rotations_reach_lloyd_and_max_on_white_rows(fit, side, bits):
    fitted = fit(WHITE, bits * 96 + side, False)
    assert (fitted.payload_bits, fitted.side_bits) == (bits * 96, side)
    # A short vector's length is sent: a few percent below the quantiser of a Gaussian.
    assert loss(fitted, WHITE.train) == pytest.approx(fitted.predicted, rel=0.04)


@pytest.mark.parametrize(
    ("fit", "side"), [(peers.fit_rabitq, 64), (peers.fit_rotation("eden"), 16)]
)
def test_products_with_queries_are_estimated_without_bias(fit, side):
    fitted = fit(WHITE, 96 + side, False)
    rows = WHITE.train
    codes = fitted.encode(rows)
    square = np.einsum("ij,ij->i", rows, rows)
    raw = np.einsum("ij,ij->i", rows, fitted.estimate(codes)) / square
    assert raw.mean() == pytest.approx(1.0, abs=0.01)
    least = np.einsum("ij,ij->i", rows, fitted.decode(codes)) / square
    assert least.mean() == pytest.approx(2 / np.pi, abs=0.02)


def test_the_unbiased_scaling_of_rabitq_is_not_charged_to_it():
    fitted = peers.fit_rabitq(WHITE, 96 + 64, False)
    codes = fitted.encode(WHITE.train)
    raw = np.sum((WHITE.train - fitted.estimate(codes)) ** 2) / np.sum(WHITE.train**2)
    assert raw == pytest.approx(np.pi / 2 - 1, abs=0.03)
    assert loss(fitted, WHITE.train) < 0.38


def test_side_bits_are_paid_with_directions():
    spread = np.linspace(3, 0.1, 32)
    short = peers.fit_rotation("eden")(ground(spread), 32, False)
    assert (short.payload_bits, short.side_bits) == (16, 16)
    kept = np.sort(spread**2)[::-1]
    wanted = 1 - kept[:16].sum() / kept.sum() * (2 / np.pi)
    assert short.predicted == pytest.approx(wanted, rel=0.02)
    assert "16 of 32 directions" in short.note
    best = peers.fit_best_axes(ground(spread), 64, False)
    assert best.payload_bits <= 48
    plain = peers.fit_rotation("eden")(ground(spread), 32 + 16, False)
    best = peers.fit_best_axes(ground(spread), 32 + 16, False)
    assert loss(best, ground(spread).train) < 0.8 * loss(plain, ground(spread).train)


@pytest.mark.parametrize("learn", [False, True])
@pytest.mark.parametrize(("d", "bits"), [(13, 20), (13, 48), (8, 3), (1, 1), (2, 12)])
def test_product_quantisers_take_any_number_of_columns(learn, d, bits):
    given = ground(np.linspace(2, 1, d), rows=500)
    fitted = fit_product(learn)(given, bits, False)
    assert 0 < fitted.payload_bits <= bits
    codes = fitted.encode(given.train)
    assert codes.shape[1] == -(-fitted.payload_bits // 8)
    assert loss(fitted, given.train) < 1


def test_opq_wins_back_what_a_rotation_takes_from_pq():
    spread = 0.7 ** np.arange(16)
    turn, _ = np.linalg.qr(np.random.default_rng(1).normal(size=(16, 16)))
    x = np.random.default_rng(0).normal(size=(3000, 16)) * spread @ turn
    given = prepared(x, unit_norm=False, seed=0)[0]
    plain, learnt = (fit_product(learn)(given, 32, False) for learn in (False, True))
    assert loss(learnt, given.train) < 0.8 * loss(plain, given.train)


def test_columns_that_do_not_change_in_training_rows_and_few_rows_are_taken():
    x = np.random.default_rng(0).normal(size=(60, 80)) * np.linspace(2, 1, 80)
    x[:50, 7] = 0.0
    found = advise_rows(x[:50], x[50:], bits_per_dim=2)
    assert {one.name for one in found.scores} > {"pq", "opq", "eden", "pca+eden"}


def test_too_few_bits_are_told():
    for fit in (peers.fit_rabitq, peers.fit_rotation("eden"), peers.fit_best_axes):
        assert isinstance(fit(WHITE, 16, False), LeftOut)


def test_all_at_one_budget():
    rows = np.random.default_rng(0).normal(size=(1200, 40)) * 0.9 ** np.arange(40)
    before = faiss.omp_get_max_threads()
    found = advise_rows(rows[:1000], rows[1000:], bits_per_dim=2)
    assert faiss.omp_get_max_threads() == before
    names = {one.name for one in found.scores}
    assert {"pq", "opq", "rabitq", "eden", "turboquant", "pca+eden"} < names
    assert all(one.bits <= 80 for one in found.scores)
    assert {one.side_bits for one in found.scores if one.name == "rabitq"} == {64}
    assert found.score("opq + norm").recall.value > found.score("rabitq").recall.value
    assert not any("isthmus[faiss]" in text for text in found.left_out)
