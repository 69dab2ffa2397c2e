import numpy as np
import pytest

from isthmus.experiments.kogler24_sparse_descent import CLAIMS, plot, run


def test_a_short_run_goes_down_to_the_limit_of_gaussian_data():
    told = []
    rows = run(
        densities=[1.0, 0.5],
        rates=[0.5],
        n_input=48,
        n_steps=80,
        progress=lambda *a: told.append(a),
    )
    assert told == [(1, 2), (2, 2)]
    for row in rows:
        assert row.history[0] > row.limit + 0.05
        excess = row.finite_size + row.unevenness
        assert abs(row.nmse - row.limit - excess) < 5 * row.standard_error + 1e-4
    assert len(CLAIMS) == 2
    assert len(plot(rows).data) == 3


@pytest.mark.slow
def test_every_density_ends_at_the_limit_of_gaussian_data():
    # d = 200: standard errors 0.0008 to 0.0027. Coordinates of density 0.2 have a best
    # nonlinear decoder at 0.55 (rate 0.5), and axes as encoder would leave 0.93.
    for row in run():
        excess = row.finite_size + row.unevenness
        assert excess < 0.009, row
        assert abs(row.nmse - row.limit - excess) < 5 * row.standard_error + 1e-6, row
        assert row.history[0] > row.limit + 0.05
        assert 0.85 < row.smallest <= row.largest < 1.1, row
        assert row.largest_entry < 0.4  # of unit rows: 0.07 if spread evenly
        if row.density == 1.0:
            np.testing.assert_allclose([row.smallest, row.largest], 1, atol=0.01)
