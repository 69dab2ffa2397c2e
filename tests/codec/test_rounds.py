import itertools

import numpy as np
import pytest
from helpers import unchecked

from isthmus import codec, frames
from isthmus.core import DataError


def mean_size(row):
    """E|z| of a sum of the entries with random signs, over all of them."""
    signs = np.array(list(itertools.product((-1.0, 1.0), repeat=row.size)))
    return np.abs(signs @ row).mean() / np.linalg.norm(row)


@pytest.mark.parametrize("k", [2, 4, 6, 8, 10])
def test_an_even_number_of_equal_entries_attains_the_bound(k):
    loss = codec.one_round_loss(np.array(k**-0.5))
    assert loss == pytest.approx(2 / np.pi - mean_size(np.ones(k)) ** 2, rel=1e-12)
    assert loss == pytest.approx(1 / (np.pi * k), rel=0.5 / k)  # p^2 / pi, first order


def test_no_row_loses_more(rng):
    for _ in range(200):
        k = int(rng.integers(2, 11))
        row = rng.standard_normal(k) if rng.random() < 0.5 else 1 + 0.1 * rng.random(k)
        peak = np.abs(row).max() / np.linalg.norm(row)
        loss = 2 / np.pi - mean_size(row) ** 2
        assert loss <= codec.one_round_loss(np.array(peak)) + 1e-12


def test_few_entries_need_two_rounds_and_many_one(rng):
    gaussian = rng.standard_normal((300, 64))
    assert codec.rounds_for(gaussian) == 1
    assert codec.rounds_for(np.eye(64)) == 2
    for k, rounds in ((2, 2), (4, 2), (8, 2), (9, 1), (32, 1)):
        x = np.zeros((50, 256), np.float32)
        for row in x:
            row[rng.permutation(256)[:k]] = 1
        assert codec.rounds_for(x) == rounds, k
        assert codec.rounds_for(-1e-30 * x) == rounds
    pair = np.eye(256)[:1] + np.eye(256)[1:2]
    for share, rounds in ((0.1, 1), (0.3, 2)):
        count = int(share * 1000)
        rest = rng.standard_normal((1000 - count, 256))
        assert codec.rounds_for(np.vstack([rest, np.tile(pair, (count, 1))])) == rounds


def test_two_rounds_gain_what_one_loses(rng):
    d = 256
    x = np.zeros((2000, d))
    for row in x:
        row[rng.permutation(d)[:2]] = 1
    nmse = {}
    for rounds in (1, codec.rounds_for(x)):
        frame = frames.hadamard(d, d, rng=5, rounds=rounds)
        back = codec.decode_bits(frame, codec.encode_bits(frame, x))
        scale = np.sum(x * back) / np.sum(back**2)
        nmse[rounds] = np.sum((x - scale * back) ** 2) / np.sum(x**2)
    assert nmse[1] == pytest.approx(0.5, abs=0.01)
    assert nmse[2] == pytest.approx(1 - 2 / np.pi, abs=0.02)


def test_rows_that_say_nothing():
    assert codec.rounds_for(np.zeros((5, 8))) == 1
    assert codec.rounds_for(np.ones((0, 8))) == 1
    assert codec.rounds_for(np.ones((3, 0))) == 1
    assert codec.rounds_for(np.vstack([np.zeros((99, 8)), np.eye(8)])) == 2
    assert codec.rounds_for(np.full((2, 100), 1e300)) == 1


def test_bad_data_are_refused():
    x = np.ones((3, 4))
    x[1, 2] = np.nan
    with pytest.raises(DataError, match="row 1"):
        codec.rounds_for(x)
    for wrong in (np.ones(4), np.array([["a"]]), [[1.0]]):
        with pytest.raises(DataError, match="matrix of real numbers"):
            unchecked(codec.rounds_for)(wrong)
