import numpy as np
import pytest

from isthmus.experiments.kogler24_staircase import CLAIMS, plot, run


def test_few_dimensions_already_have_a_staircase():
    told = []
    row = run(
        densities=[0.9],
        n_input=24,
        n_rows=6000,
        n_test=20_000,
        n_steps=100,
        progress=lambda *a: told.append(a),
    )[0]
    assert told[-1] == (100, 100)
    assert np.all(np.diff(row.nmse) < 1e-6)
    assert (row.settled[0], row.settled[-1]) == (0.0, 1.0)
    assert row.held_out < row.axes - 5 * row.standard_error
    assert row.steepest > 3
    assert len(CLAIMS) == 3
    assert len(plot([row]).data) == 3


@pytest.mark.slow
def test_the_staircase_of_the_paper_and_what_it_ends_at():
    # 20 000 held-out rows: standard errors 0.0005 to 0.0008.
    below, above, well_above = run()
    for row in (above, well_above):
        assert row.density > row.critical
        # Random rotation for a while (a fifth of the way after 25 steps at most) ...
        early = row.nmse[row.step <= 25]
        assert early[0] > row.random_rotation - 0.01
        assert early[-1] > 0.8 * row.nmse[0] + 0.2 * row.nmse[-1]
        # ... then all rows settle, in a fall many times as steep as its mean ...
        assert row.plateau > 25
        assert row.steepest > 5
        assert (row.settled[0], row.settled[-1]) == (0.0, 1.0)
        # ... below the axes, near the best pairs.
        assert row.held_out < row.axes - 5 * row.standard_error
        assert abs(row.held_out - row.pairs) < 0.01
    # Below the critical density neither the axes nor a random rotation are best.
    assert below.density < below.critical
    assert below.held_out < below.random_rotation - 5 * below.standard_error
    assert below.held_out < below.pairs < below.axes
