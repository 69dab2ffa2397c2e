import numpy as np
import pytest

from isthmus.core import ValueOutOfRange, as_rng
from isthmus.core.additive_levels import additive_quantiser
from isthmus.training.bit_search import BitSearch
from isthmus.training.search import fit_search
from isthmus.training.successive_signs import SuccessiveSigns, along_axes


def test_successive_signs_reach_the_nearest_level(rng):
    z = 1.5 * rng.normal(size=(4000, 1))
    for bits in (1, 2, 3, 5):
        signs, decoder = along_axes(np.eye(1), np.ones(1), np.array([bits]))
        levels = np.sort(_levels(additive_quantiser(bits)[0]))
        nearest = levels[np.abs(z - levels).argmin(axis=1)]
        np.testing.assert_allclose(signs(z) @ decoder[0], nearest)


def _levels(steps):
    return (
        np.array([0.0])
        if not steps.size
        else np.concatenate([_levels(steps[1:]) - steps[0], _levels(steps[1:]) + steps[0]])
    )


def test_bits_of_several_axes(rng):
    basis = np.linalg.qr(rng.normal(size=(5, 5)))[0][:, :3]
    deviation, bits = np.array([4.0, 2.0, 1.0]), np.array([3, 0, 2])
    signs, decoder = along_axes(basis, deviation, bits)
    assert signs.weight.shape == (5, 5)
    x = rng.normal(size=(50, 5)) * 3
    found = signs(x) @ decoder.T
    for axis in (0, 2):
        own, one = along_axes(np.eye(1), deviation[[axis]], bits[[axis]])
        z = x @ basis[:, [axis]]
        np.testing.assert_allclose(found @ basis[:, axis], own(z) @ one[0], atol=1e-9)
    np.testing.assert_allclose(found @ basis[:, 1], 0, atol=1e-9)


@pytest.mark.parametrize("steps", [[0.5, 0.0], [0.0, -1.0], [0.0, np.inf]])
def test_steps_that_are_none(steps):
    with pytest.raises(ValueOutOfRange, match="the first one 0"):
        SuccessiveSigns(np.ones((2, 3)), np.array(steps))


def test_a_search_beats_the_signs_it_begins_with(rng):
    x = rng.normal(size=(1500, 8))
    starts = {"axes": along_axes(np.eye(8), np.ones(8), np.full(8, 2))}
    turn = np.linalg.qr(rng.normal(size=(16, 16)))[0][:, :8]
    starts["mixed"] = (SuccessiveSigns(turn, np.zeros(16)), 0.5 * turn.T)
    found = fit_search(x, starts, rng=as_rng(0), max_rounds=3)
    assert found.start == "mixed"  # axes of two bits have no better codes beside them
    assert found.history.shape == (4,)
    assert found.n_rounds == found.history.argmin() > 0
    assert found.history.min() < 0.117 < found.history[0] + 0.05  # Lloyd and Max: 0.1175
    assert found.trials["axes"] == pytest.approx(0.1175, abs=0.01)


def test_an_infinite_penalty_leaves_the_decoder(rng):
    start = along_axes(np.eye(4), np.ones(4), np.full(4, 2))
    found = fit_search(
        rng.normal(size=(60, 4)), {"axes": start}, rng=as_rng(0), ridge=np.inf
    )
    np.testing.assert_array_equal(found.decoder_weight, start[1])


def _error(found, rows):
    signs = BitSearch(found.decoder_weight)(rows, np.ones((len(rows), 12), np.int8), 16)
    return np.square(rows - signs @ found.decoder_weight.T).sum() / np.square(rows).sum()


def test_few_rows_learn_little(rng):
    # Fewer rows than bits: the decoder moves only along what the rows have shown.
    start6 = along_axes(np.eye(6), np.ones(6), np.full(6, 2))
    found = fit_search(rng.normal(size=(8, 6)), {"axes": start6}, rng=as_rng(0))
    assert np.isfinite(found.decoder_weight).all()
    # Rows set aside choose how far; many rows take the least penalty.
    rows, others = rng.normal(size=(30, 12)), rng.normal(size=(500, 12))
    start = along_axes(np.eye(12), np.ones(12), np.full(12, 1))
    errors = {
        ridge: _error(fit_search(rows, {"axes": start}, rng=as_rng(0), ridge=ridge), others)
        for ridge in (None, 1e-6, np.inf)
    }
    assert errors[None] < 0.95 * errors[1e-6]
    assert errors[None] < 1.05 * errors[np.inf]
    many = fit_search(rng.normal(size=(400, 6)), {"axes": start6}, rng=as_rng(0))
    assert many.ridge == 1e-6
    with pytest.raises(ValueOutOfRange, match="at least one start"):
        fit_search(rng.normal(size=(8, 6)), {}, rng=as_rng(0))


def test_rounds_that_gain_nothing_are_the_last(rng):
    # Axes of whole bits on independent columns: no code is better than the nearest levels.
    start = along_axes(np.eye(6), np.ones(6), np.full(6, 2))
    found = fit_search(rng.normal(size=(20_000, 6)), {"axes": start}, rng=as_rng(0))
    assert found.history.size == 3
    assert found.history.min() == pytest.approx(0.1175, rel=0.03)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_single_precision_searches_as_well(dtype, rng):
    rows = rng.normal(size=(900, 24)).astype(dtype)
    search = BitSearch(rng.normal(size=(24, 40)))
    start = np.ones((900, 40), np.int8)
    exact, single = (search(rows, start, 16, single=single) for single in (False, True))
    assert (exact != single).any(axis=1).mean() < 0.05
    energies = [
        np.square(rows - signs @ search.decoder_weight.T).sum() for signs in (exact, single)
    ]
    assert energies[1] == pytest.approx(energies[0], rel=1e-3)
    if dtype == np.float64:
        np.testing.assert_array_equal(exact, single)


def test_starts_are_told_apart_on_some_of_many_rows(rng, monkeypatch):
    seen = []
    known = BitSearch.__call__

    def counting(self, centred, start, extra=0, **more):
        seen.append(len(centred))
        return known(self, centred, start, extra, **more)

    monkeypatch.setattr(BitSearch, "__call__", counting)
    x = rng.normal(size=(2000, 6))
    turn = np.linalg.qr(rng.normal(size=(12, 12)))[0][:, :6]
    starts = {
        "axes": along_axes(np.eye(6), np.ones(6), np.full(6, 2)),
        "mixed": (SuccessiveSigns(turn, np.zeros(12)), 0.5 * turn.T),
    }
    fit_search(x, starts, rng=as_rng(0), max_rounds=3)
    held = 2000 - 1600
    trial = [held, *[400, held] * 2]  # a quarter of 1600 rows
    assert seen[:10] == trial * 2
    assert seen[10:] == [held, *[1600, held] * 3, 2000]
