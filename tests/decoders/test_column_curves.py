import numpy as np
import pytest

from isthmus.decoders.column_curves import CELLS, ColumnCurves

NOISE, SHARE = 0.3, 0.2


def spike_and_slab(count, rng):
    """Two columns that are 0 or 2 + a standard normal, and what noise makes of them."""
    rows = np.where(rng.random((count, 2)) < SHARE, 2.0 + rng.normal(size=(count, 2)), 0.0)
    return rows, rows + NOISE * rng.normal(size=rows.shape)


def posterior_mean(seen):
    def density(middle, variance):
        return np.exp(-((seen - middle) ** 2) / (2 * variance)) / np.sqrt(variance)

    slab = SHARE * density(2.0, 1.0 + NOISE**2)
    given_slab = (seen + 2.0 * NOISE**2) / (1.0 + NOISE**2)
    return slab / (slab + (1 - SHARE) * density(0.0, NOISE**2)) * given_slab


def test_a_curve_is_the_posterior_mean(rng):
    rows, seen = spike_and_slab(40_000, rng)
    truth, fresh = spike_and_slab(40_000, rng)
    curves = ColumnCurves.fitted(seen, rows)
    best = np.mean((posterior_mean(fresh) - truth) ** 2)
    reached = np.mean((curves.apply(fresh) - truth) ** 2)
    assert reached == pytest.approx(best, rel=0.02)
    assert best < 0.75 * np.mean((fresh - truth) ** 2)
    inside = np.linspace(-0.6, 3.5, 50)[:, None].repeat(2, axis=1)
    np.testing.assert_allclose(curves.apply(inside), posterior_mean(inside), atol=0.15)


def test_jointly_gaussian_columns_lose_next_to_nothing(rng):
    truth = rng.normal(size=(30_000, 3))
    seen = 0.7 * truth + 0.4 * rng.normal(size=truth.shape)
    seen *= 0.7 / (0.49 + 0.16)  # as a decoder of least squares would
    curves = ColumnCurves.fitted(seen[:10_000], truth[:10_000])
    best = np.mean((seen[10_000:] - truth[10_000:]) ** 2)
    found = np.mean((curves.apply(seen[10_000:]) - truth[10_000:]) ** 2)
    assert best * (1 - 1e-9) < found < 1.003 * best


def test_pieces_are_lines_between_the_points_of_the_grid(rng):
    rows, seen = spike_and_slab(3000, rng)
    curves = ColumnCurves.fitted(seen, rows)
    points = curves.start + np.arange(CELLS + 1)[:, None] / curves.inverse_step
    for column in range(2):
        asked = rng.uniform(points[0, column], points[-1, column], size=500)
        wanted = np.interp(asked, points[:, column], curves.values[:, column])
        both = np.zeros((500, 2), np.float32)
        both[:, column] = asked
        found = curves.apply(both)[:, column]
        np.testing.assert_allclose(found, wanted, atol=2e-5)


def test_outside_a_curve_goes_on_with_a_slope_between_zero_and_one(rng):
    seen = rng.normal(size=(5000, 3))
    falling = np.column_stack([-seen[:, 0], 3.0 * seen[:, 1], 0.5 * seen[:, 2]])
    falling += 0.3 * (np.abs(seen) < 0.5)
    curves = ColumnCurves.fitted(seen, falling)
    far = np.array([[-50.0], [-30.0], [30.0], [50.0]]).repeat(3, axis=1)
    low, lower, high, higher = curves.apply(far)[[1, 0, 2, 3]]
    for slope in ((low - lower) / 20.0, (higher - high) / 20.0):
        assert slope[0] == pytest.approx(0.0, abs=1e-6)
        assert slope[1] == pytest.approx(1.0, abs=1e-5)
        assert slope[2] == pytest.approx(0.5, abs=0.2)


def test_columns_that_tell_nothing_become_their_mean(rng):
    rows = rng.normal(size=(2000, 2)) + 3.0
    seen = 1e-20 * rng.normal(size=(2000, 2))
    seen[:, 1] = rows[:, 1]
    found = ColumnCurves.fitted(seen, rows).apply(np.array([[0.0, 3.0], [7.0, 4.0]]))
    np.testing.assert_allclose(found[:, 0], rows[:, 0].mean(), rtol=1e-5)
    np.testing.assert_allclose(found[:, 1], [3.0, 4.0], atol=0.05)


@pytest.mark.parametrize("count", [2, 3, 149, 299])
def test_few_rows_give_straight_lines(count, rng):
    rows, seen = spike_and_slab(count, rng)
    np.testing.assert_allclose(ColumnCurves.fitted(seen, rows).apply(seen), seen)
    one = ColumnCurves.fitted(seen[:1], rows[:1]).apply(seen)
    np.testing.assert_array_equal(one, rows[:1].repeat(count, axis=0))


def test_columns_that_do_not_bend_stay_as_they_are(rng):
    truth = rng.normal(size=(300, 128))
    seen = truth + 0.5 * rng.normal(size=truth.shape)
    curves = ColumnCurves.fitted(seen, truth)
    fresh = rng.normal(size=(1000, 128))
    kept = np.isclose(curves.apply(fresh), fresh, atol=1e-9).all(axis=0)
    assert kept.mean() > 0.9  # one in 44 is above two standard errors by chance


@pytest.mark.parametrize("scale", [1e-42, 1e60])
def test_any_unit(scale, rng):
    rows, seen = spike_and_slab(2000, rng)
    plain = ColumnCurves.fitted(seen, rows).apply(seen)
    found = ColumnCurves.fitted(scale * seen, scale * rows).apply(scale * seen)
    np.testing.assert_allclose(found, scale * plain, rtol=1e-6, atol=1e-9 * scale)
