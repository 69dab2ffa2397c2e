import numpy as np
import pytest

from isthmus.core import ValueOutOfRange, as_rng, hold_out
from isthmus.data import draw_rows, sample_stream, stream

# Golden values: they change only if every split of a stream would change too.
GOLDEN_FEW = ([1, 2, 12, 13], [0, 3, 5, 7, 8, 9, 14, 15, 18, 19])
GOLDEN_MANY = (
    [171175390659, 248042353341, 555702449151],
    [237025999, 360928160, 419810222],
)


@pytest.mark.parametrize("n_rows", [10, 11, 99, 101, 250, 1000, 60_000, 10**11])
@pytest.mark.parametrize("n_train", [1, 40, 3000])
def test_no_row_is_on_both_sides(n_rows, n_train):
    drawn = draw_rows(n_rows, n_train, rng=as_rng(3))
    for part in (drawn.train, drawn.test):
        assert np.all(np.diff(part) > 0)
        assert part[0] >= 0
        assert part[-1] < n_rows
    assert not np.isin(drawn.train, drawn.test).any()
    assert drawn.test.size == min(max(round(0.2 * n_rows), 50), 10_000, n_rows // 2)
    assert drawn.train.size == min(n_train, n_rows - drawn.test.size)


def test_as_many_rows_as_in_memory(rng):
    for n_rows in (10, 120, 400):
        held = hold_out(rng.random((n_rows, 2)), rng=as_rng(0))
        drawn = draw_rows(n_rows, rng=as_rng(0))
        assert (drawn.train.size, drawn.test.size) == (held.train.size, held.test.size)
        every = np.sort(np.concatenate([drawn.train, drawn.test]))
        np.testing.assert_array_equal(every, np.arange(n_rows))


def test_a_seed_means_the_same_rows_on_every_machine():
    few = draw_rows(20, 4, rng=as_rng(0))
    assert (few.train.tolist(), few.test.tolist()) == GOLDEN_FEW
    many = draw_rows(10**12, 3, rng=as_rng(0))
    assert (many.train.tolist(), many.test[:3].tolist()) == GOLDEN_MANY


def test_held_out_rows_do_not_depend_on_how_many_are_fitted_on():
    tests = [draw_rows(5000, n, rng=as_rng(7)).test for n in (None, 10, 2000)]
    np.testing.assert_array_equal(tests[0], tests[1])
    np.testing.assert_array_equal(tests[0], tests[2])
    assert not np.array_equal(tests[0], draw_rows(5000, rng=as_rng(8)).test)


@pytest.mark.parametrize("n_train", [30, 4])  # shuffled; drawn until none repeats
def test_every_row_is_as_likely(n_train):
    # 4000 draws, rows of 100: counts are sums of Bernoullis; 5 standard errors each.
    counts = np.zeros((2, 100))
    rng = as_rng(0)
    for _ in range(4000):
        drawn = draw_rows(100, n_train, rng=rng)
        counts[0, drawn.train] += 1
        counts[1, drawn.test] += 1
    for count, share in zip(counts, (n_train / 100, 0.5), strict=True):
        error = np.sqrt(4000 * share * (1 - share))
        assert np.abs(count - 4000 * share).max() < 5 * error


@pytest.mark.parametrize("kind", ["npy", "csv"])
def test_a_sample_of_a_file(kind, tmp_path, rng):
    x = rng.standard_normal((200, 3))
    path = tmp_path / f"x.{kind}"
    if kind == "npy":
        np.save(path, x)
    else:
        path.write_text("\n".join(",".join(map(repr, row.tolist())) for row in x))
    train, test = sample_stream(stream(path, 30), 60, rng=as_rng(1))
    drawn = draw_rows(200, 60, rng=as_rng(1))
    np.testing.assert_array_equal(train, x[drawn.train])
    np.testing.assert_array_equal(test, x[drawn.test])


def test_draws_that_make_no_sense():
    with pytest.raises(ValueOutOfRange, match="at least 10; got 9"):
        draw_rows(9, rng=as_rng(0))
    with pytest.raises(ValueOutOfRange, match="at least 1; got 0"):
        draw_rows(100, 0, rng=as_rng(0))
