import itertools

import numpy as np
import pytest

from isthmus.core import ValueOutOfRange
from isthmus.core.compiled import arithmetics
from isthmus.training import bit_search
from isthmus.training.bit_search import TENURE, BitSearch

KERNELS = arithmetics("isthmus.training._descent")[1:]


@pytest.fixture
def problem(rng):
    weight = rng.normal(size=(9, 12))
    x = 3 * rng.normal(size=(70, 9))
    return weight, x, np.where(x @ weight >= 0, 1, -1).astype(np.int8)


def energy(weight, x, signs):
    return np.sum((x - signs @ weight.T) ** 2, axis=1)


def all_signs(n):
    return np.array(list(itertools.product([-1, 1], repeat=n)), np.int8)


def test_gram_and_correlations_are_what_they_are_called(problem):
    weight, x, signs = problem
    search = BitSearch(weight)
    unit = search.unit
    np.testing.assert_allclose(search.gram * unit, weight.T @ weight, atol=0.51 * unit)
    c = (x - signs @ weight.T) @ weight
    # n + 1 roundings of half a unit each
    allowed = 0.51 * (signs.shape[1] + 1) * unit
    np.testing.assert_allclose(search.correlations(x, signs) * unit, c, atol=allowed)
    assert unit < 1e-5 * np.diag(weight.T @ weight).min()
    assert np.log2(unit) == int(np.log2(unit))


def test_every_flip_is_the_steepest_and_lowers_the_energy(problem, monkeypatch):
    weight, x, start = problem
    monkeypatch.setenv("ISTHMUS_KERNEL", "numpy")
    seen = []
    plain = bit_search._flip

    def watched(gram, c, signs, rows, place):
        gain = signs * c + np.diag(gram) // 2
        np.testing.assert_array_equal(place, gain.argmin(axis=1))
        assert (gain.min(axis=1) < 0).all()
        before = signs.copy()
        plain(gram, c, signs, rows, place)
        assert ((before != signs).sum(axis=1) == 1).all()
        seen.append((before, signs.copy(), c.copy()))

    monkeypatch.setattr(bit_search, "_flip", watched)
    search = BitSearch(weight)
    one = search(x[:1], start[:1])
    assert seen
    for before, after, c in seen:
        # c is carried along exactly: what it is when computed anew
        assert energy(weight, x[:1], after) < energy(weight, x[:1], before)
        np.testing.assert_array_equal(c, search.correlations(x[:1], after.astype(np.int8)))
    np.testing.assert_array_equal(one, seen[-1][1])


@pytest.mark.parametrize("extra", [0, 1, 7, 64])
def test_no_single_flip_improves_the_end(extra, problem):
    weight, x, start = problem
    found = BitSearch(weight)(x, start, extra)
    assert set(np.unique(found)) == {-1, 1}
    least = energy(weight, x, found)
    assert np.all(least <= energy(weight, x, start) + 1e-9)
    for j in range(start.shape[1]):
        other = found.copy()
        other[:, j] *= -1
        assert np.all(energy(weight, x, other) >= least - 1e-5)


def test_more_flips_are_never_worse_than_none(problem):
    weight, x, start = problem
    search = BitSearch(weight)
    none = energy(weight, x, search(x, start))
    some = energy(weight, x, search(x, start, 40))
    assert np.all(some <= none + 1e-6)
    assert some.sum() < none.sum()  # and of 70 rows some gain


def test_the_optimum_of_eight_bits(rng):
    weight, x = rng.normal(size=(6, 8)), 3 * rng.normal(size=(200, 6))
    every = all_signs(8)
    best = ((x[:, None] - every @ weight.T) ** 2).sum(axis=2).min(axis=1)
    search = BitSearch(weight)
    start = np.ones((200, 8), np.int8)
    one, more = (energy(weight, x, search(x, start, extra)) for extra in (0, 64))
    assert np.all(more >= best - 1e-5)
    assert np.mean(more <= best + 1e-5) > 0.8 > 0.7 > np.mean(one <= best + 1e-5)
    assert more.sum() < 1.03 * best.sum()
    # With orthogonal columns the first minimum is the only one.
    turn = np.linalg.qr(rng.normal(size=(8, 8)))[0]
    rows = rng.normal(size=(200, 8))
    signs = BitSearch(turn)(rows, start)
    np.testing.assert_array_equal(signs, np.where(rows @ turn >= 0, 1, -1))


@pytest.mark.parametrize("kernel", KERNELS)
@pytest.mark.parametrize(("n_input", "n_code"), [(5, 1), (5, 2), (3, 17), (20, 33)])
def test_all_kernels_give_the_same_signs(kernel, n_input, n_code, rng, monkeypatch):
    weight, x = rng.normal(size=(n_input, n_code)), 4 * rng.normal(size=(40, n_input))
    weight[:, 0] = weight[:, -1]  # ties: the first of equal bits is flipped
    start = np.where(rng.normal(size=(40, n_code)) >= 0, 1, -1).astype(np.int8)
    for extra in (0, 3, TENURE + 20):
        monkeypatch.setenv("ISTHMUS_KERNEL", "numpy")
        plain = BitSearch(weight)(x, start, extra)
        monkeypatch.setenv("ISTHMUS_KERNEL", kernel)
        np.testing.assert_array_equal(BitSearch(weight)(x, start, extra), plain)


def test_rows_do_not_depend_on_the_rows_beside_them(rng):
    weight, x = rng.normal(size=(16, 24)), 3 * rng.normal(size=(1100, 16))
    start = np.ones((1100, 24), np.int8)
    search = BitSearch(weight)
    whole = search(x, start, 16)
    for part in (slice(0, 1), slice(7, 30), slice(511, 514), slice(1000, 1100)):
        np.testing.assert_array_equal(search(x[part], start[part], 16), whole[part])


@pytest.mark.parametrize("scale", [1e-40, 1e40])
def test_units_do_not_matter_and_far_rows_get_their_signs(scale, problem):
    weight, x, start = problem
    power = 2.0 ** np.round(np.log2(scale))
    found = BitSearch(weight)(x, start, 9)
    np.testing.assert_array_equal(BitSearch(weight * power)(x * power, start, 9), found)
    far = 1e12 * x
    signs = np.where(far @ weight >= 0, 1, -1)
    np.testing.assert_array_equal(BitSearch(weight)(far, -start, 9), signs)


def test_a_decoder_of_zeros_keeps_the_start():
    start = np.array([[1, -1, 1]], np.int8)
    found = BitSearch(np.zeros((2, 3)))(np.ones((1, 2)), start, 0)
    np.testing.assert_array_equal(found, start)


def test_what_is_refused(rng):
    with pytest.raises(ValueOutOfRange, match="finite matrix, one column per bit"):
        BitSearch(np.full((2, 2), np.nan))
    with pytest.raises(ValueOutOfRange, match="extra"):
        BitSearch(np.eye(2))(np.ones((1, 2)), np.ones((1, 2), np.int8), -1)
