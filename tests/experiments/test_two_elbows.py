import numpy as np
import pytest

from isthmus.experiments.kvalheim24_two_elbows import CLAIMS, TwoElbows, plot, run


def test_a_short_run_tells_what_it_measured():
    told = []
    rows = run(
        shapes=["circle"],
        seeds=[0],
        n_points=80,
        n_steps=4,
        n_restarts=1,
        progress=lambda *a: told.append(a),
    )
    assert told == [(1, 1)]
    row = rows[0]
    assert isinstance(row, TwoElbows)
    assert (row.dim, row.needed) == (1, 2)
    assert row.sweep.max[0] >= row.sweep.certificate[0] > 0.7
    median = row.sweep.median
    assert row.fall == pytest.approx(row.sweep.mean_median / median[0])
    assert len(CLAIMS) == 3
    assert len(plot(rows).data) == 3


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "seed"),
    [("circle", 0), ("sphere", 3), ("hopf-link", 0), ("hopf-link", 2)],
)
def test_both_elbows_are_where_theory_puts_them(name, seed):
    (row,) = run(shapes=[name], seeds=[seed], n_steps=4000)
    found = row.sweep
    assert row.holds, (row.fall, found.elbows, found.median, found.max)
    below = found.n_codes < row.needed
    # nothing beats a certificate, and it rules out nothing that works
    assert np.all(found.max[below] >= found.certificate[below])
    assert np.all(found.certificate[below] > 0.5 * found.certificate[0])
    assert np.all(found.certificate[~below] == 0)
    last = found.n_codes == row.needed - 1
    runs = [run for run in found.runs if run.n_code == row.needed - 1]
    assert min(run.train for run in runs) < 0.5 * found.certificate[last]
