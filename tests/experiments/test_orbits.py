import json

import numpy as np
import pytest

from isthmus.experiments.cosentino22_orbits import (
    CLAIMS,
    FROZEN,
    OrbitRun,
    draw,
    gains,
    plot,
    run,
)


@pytest.mark.parametrize("setting", ["circle", "patch"])
def test_rows_lie_on_the_orbit(setting):
    rows = draw(setting, 3, n_test=200)
    n_terms = 1 + 2 * len(rows.frequencies)
    assert np.linalg.matrix_rank(rows.train) == n_terms
    off = rows.test - rows.test @ np.linalg.pinv(rows.train) @ rows.train
    assert off == pytest.approx(0.0, abs=1e-10)
    phase = rows.amounts @ rows.frequencies.T
    made = np.concatenate([np.ones((len(phase), 1)), np.cos(phase), np.sin(phase)], axis=1)
    assert made @ rows.coefficients == pytest.approx(rows.train, abs=1e-12)


def test_a_turned_pattern_turns():
    rows = draw("circle", 0)
    phase = rows.frequencies[:, 0] * np.pi / 2
    made = np.concatenate([[1.0], np.cos(phase), np.sin(phase)]) @ rows.coefficients
    start = np.concatenate([np.ones(4), np.zeros(3)]) @ rows.coefficients
    assert made.reshape(8, 8) == pytest.approx(np.rot90(start.reshape(8, 8)), abs=1e-12)


def test_the_ledger_is_taken_up(tmp_path):
    ledger = tmp_path / "runs.jsonl"
    options = {"methods": ["plain"], "seeds": [0, 1], "n_steps": 2, "ledger": ledger}
    first = run(**options)
    assert [row.seed for row in first] == [0, 1]
    told = []
    again = run(**options, progress=lambda *a: told.append(a))
    assert [row.test_mse for row in again] == [row.test_mse for row in first]
    assert told == [(1, 1)]
    written = [json.loads(line) for line in ledger.read_text().splitlines()]
    assert [line["method"] for line in written] == ["plain", "plain"]
    assert len(plot(first).data[0].x) == 2


def test_seeds_trained_together_are_those_trained_alone():
    both = run(methods=["plain"], seeds=[4, 5], n_steps=20)
    alone = [run(methods=["plain"], seeds=[seed], n_steps=20)[0] for seed in (4, 5)]
    for one, other in zip(both, alone, strict=True):
        assert one.test_mse == pytest.approx(other.test_mse, rel=1e-3)


def test_every_frozen_method_trains():
    for setting, choice in FROZEN["settings"].items():
        rows = run(setting=setting, seeds=[0], n_steps=2)
        assert [row.method for row in rows] == list(choice["methods"])
        assert all(np.isfinite(row.test_mse) for row in rows)
    assert len(CLAIMS) == 2


def test_no_seed_is_used_twice():
    finals = [final["seeds"] for final in FROZEN["finals"]]
    assert [len(seeds) for seeds in finals] == [20, 20]
    every = [*FROZEN["development"]["seeds"], *finals[0], *finals[1]]
    assert len(set(every)) == len(every)


def test_gains_are_paired_t_intervals():
    seeds = range(20)
    noise = np.random.default_rng(0).normal(size=(2, 20))
    rows = [
        OrbitRun("circle", name, seed, 0.0, level + noise[0, seed] + some, 0.0, 0.0, 0.0)
        for name, level, extra in (("a", 1.0, 0.0), ("b", 3.0, 0.1))
        for seed in seeds
        for some in [extra * noise[1, seed]]
    ]
    (gain,) = gains(rows, "a")
    expected = 2.0 + 0.1 * noise[1]
    assert gain.mean == pytest.approx(expected.mean())
    assert gain.half_width == pytest.approx(
        2.861 * expected.std(ddof=1) / 20**0.5, rel=1e-3
    )
    assert gain.is_sure
    assert (gain.n_better, gain.n_seeds) == (20, 20)
    (ratio,) = gains(rows[:3] + rows[20:23], "a", ratio=True)
    errors = np.array([row.test_mse for row in rows])
    assert ratio.mean == pytest.approx(np.log10(errors[20:23] / errors[:3]).mean())


@pytest.mark.slow
def test_completed_orbits_generalise_and_plain_training_does_not():
    rows = run(methods=["plain", "completion"], seeds=[2000, 2001, 2002, 2003, 2004, 2005])
    (gain,) = gains(rows, "completion")
    assert gain.mean > 0.0
    learnt = [row for row in rows if row.method == "completion"]
    plain = [row for row in rows if row.method == "plain"]
    trusted = [row.held_out < 1e-6 for row in learnt]
    assert sum(trusted) >= 4
    for mine, theirs, known in zip(learnt, plain, trusted, strict=True):
        assert not known or mine.test_mse < 0.2 * theirs.test_mse
