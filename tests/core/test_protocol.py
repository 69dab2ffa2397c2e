import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from isthmus.core import DataError, as_rng, hold_out, measure, paired_difference, total_bits
from isthmus.core.protocol import group_of_row


def test_mean_scores_one_and_perfect_scores_zero(rng):
    x = rng.standard_normal((40, 3))
    mean = rng.standard_normal(3)
    assert measure(x, np.tile(mean, (40, 1)), mean).value == pytest.approx(1.0, rel=1e-14)
    assert measure(x, x, mean).value == 0.0


def test_nmse_is_a_ratio_of_sums(rng):
    x, y, mean = rng.standard_normal((3, 30, 4))
    expected = ((x - y) ** 2).sum() / ((x - mean[0]) ** 2).sum()
    assert measure(x, y, mean[0]).value == pytest.approx(expected, rel=1e-13)


def test_standard_error_is_the_spread_over_draws(rng):
    # 2000 draws: the spread itself is known to 1.6 %, the claim is tested at 8 %.
    values, errors = [], []
    for _ in range(2000):
        x = rng.standard_normal((400, 4)) * (1 + rng.random((400, 1)))
        result = measure(x, 0.4 * x + 0.3 * rng.standard_normal(x.shape), np.zeros(4))
        values.append(result.value)
        errors.append(result.standard_error)
    assert np.mean(errors) == pytest.approx(np.std(values), rel=0.08)


def test_paired_error_is_smaller_when_methods_fail_together(rng):
    x = rng.standard_normal((200, 5)) * rng.exponential(size=(200, 1))
    noise = rng.standard_normal(x.shape)
    worse = paired_difference(x, x + 0.5 * noise, x + 0.45 * noise, np.zeros(5))
    first = measure(x, x + 0.5 * noise, np.zeros(5))
    second = measure(x, x + 0.45 * noise, np.zeros(5))
    assert worse.value == pytest.approx(first.value - second.value, rel=1e-12)
    assert worse.standard_error < 0.5 * first.standard_error


@pytest.mark.parametrize(
    ("n_rows", "n_test"), [(10, 5), (99, 49), (150, 50), (1797, 359), (60_000, 10_000)]
)
def test_size_of_the_held_out_part(n_rows, n_test):
    x = np.arange(float(n_rows)).reshape(-1, 1)
    for split in ("random", "last"):
        held = hold_out(x, rng=as_rng(0), split=split)
        assert held.test.size == n_test
        assert sorted([*held.train, *held.test]) == list(range(n_rows))


def test_last_takes_the_last_rows():
    held = hold_out(np.arange(200.0).reshape(-1, 1), rng=as_rng(0), split="last")
    np.testing.assert_array_equal(held.test, np.arange(150, 200))


@given(st.integers(0, 2**31), st.integers(2, 40), st.sampled_from(["random", "last"]))
def test_no_held_out_row_equals_a_training_row(seed, n_values, split):
    rng = np.random.default_rng(seed)
    x = rng.integers(0, n_values, (120, 1)).astype(float)
    try:
        held = hold_out(x, rng=as_rng(seed), split=split)
    except DataError:
        assert n_values < 40
        return
    assert not set(x[held.train, 0]) & set(x[held.test, 0])
    assert held.n_duplicate_rows == 120 - np.unique(x).size


def test_split_is_the_same_for_the_same_seed_and_other_for_another():
    x = np.arange(300.0).reshape(-1, 1)
    draws = [hold_out(x, rng=as_rng(s)).test.tolist() for s in (1, 1, 2)]
    assert draws[0] == draws[1] != draws[2]


def test_equal_rows_cannot_be_split():
    with pytest.raises(DataError, match="Rows must differ"):
        hold_out(np.ones((50, 2)), rng=as_rng(0))


def test_minus_zero_equals_zero():
    assert group_of_row(np.array([[0.0], [-0.0], [1.0]])).tolist() == [0, 0, 1]


def test_unknown_split_and_norm_are_refused():
    with pytest.raises(ValueError, match="'random' or 'last'"):
        hold_out.__wrapped__(np.eye(20), rng=as_rng(0), split="first") if hasattr(
            hold_out, "__wrapped__"
        ) else hold_out(np.eye(20), rng=as_rng(0), split="first")
    with pytest.raises(ValueError, match="none, float16"):
        total_bits(8, norm="float32")


def test_measure_needs_variance():
    with pytest.raises(DataError, match="no denominator"):
        measure(np.ones((5, 2)), np.zeros((5, 2)), np.ones(2))


@pytest.mark.parametrize("seed", range(8))
def test_rows_that_most_others_equal_are_never_held_out(seed):
    x = np.vstack([np.zeros((60, 2)), np.arange(8.0).reshape(4, 2) + 1])
    assert hold_out(x, rng=as_rng(seed)).test.size <= 32


def test_equal_rows_are_one_observation(rng):
    x, mean = rng.standard_normal((60, 4)), np.zeros(4)
    x_hat = x + 0.3 * rng.standard_normal((60, 4))
    once = measure(x, x_hat, mean)
    often = measure(np.repeat(x, 50, axis=0), np.repeat(x_hat, 50, axis=0), mean)
    assert often.value == pytest.approx(once.value)
    assert often.standard_error == pytest.approx(once.standard_error)
    assert often.n_rows == 3000
    apart = paired_difference(x, x_hat, 0 * x, mean)
    again = paired_difference(
        *(np.repeat(part, 9, axis=0) for part in (x, x_hat, 0 * x)), mean
    )
    assert again.standard_error == pytest.approx(apart.standard_error)


def test_standard_error_of_repeated_rows_is_that_of_new_draws():
    values, errors = [], []
    for seed in range(200):
        rng = np.random.default_rng(seed)
        x = rng.standard_normal((40, 3))[rng.integers(0, 40, 400)]
        found = measure(x, 0.5 * np.sign(x), np.zeros(3))
        values.append(found.value)
        errors.append(found.standard_error)
    assert np.mean(errors) == pytest.approx(np.std(values), rel=0.25)
