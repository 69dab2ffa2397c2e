import json
import os

import numpy as np
import pytest

import isthmus.experiments.cosentino22_penalties as study
import isthmus.experiments.cosentino22_protocol as protocol
from isthmus.core.errors import ValueOutOfRange
from isthmus.experiments.cosentino22_data import Samples, scaled
from isthmus.experiments.cosentino22_markdown import markdown
from isthmus.experiments.cosentino22_methods import METHODS
from isthmus.experiments.cosentino22_penalties import CLAIMS, plot, run
from isthmus.experiments.cosentino22_protocol import Job
from isthmus.experiments.cosentino22_runs import Recipe, Task, convergence
from isthmus.experiments.cosentino22_tables import mean_and_error, summary

TINY = Recipe(n_code=2, hidden_layer_sizes=(8,), n_steps_few=6, batch_size=16)
FEW = {"methods": ("pca", "plain", "weight decay"), "seeds": (0, 1), "recipe": TINY}


def waves(name="waves", seed=0, n_test=16):
    rng = np.random.default_rng(seed)
    phase = rng.uniform(0, 2 * np.pi, (24 + n_test, 1))
    rows = np.sin(phase + np.linspace(0, 3, 12)) + 0.05 * rng.normal(size=(len(phase), 12))
    return Samples(name, rows[:24].astype(np.float32), rows[24:].astype(np.float32))


class Sealed:
    """Rows whose test part nobody may open."""

    def __init__(self, samples):
        self.name, self.train = samples.name, samples.train

    @property
    def test(self):
        raise AssertionError("test rows were looked at")


@pytest.fixture
def calls(monkeypatch):
    """What was trained, in order, with the arrays that were given."""
    told = []
    for name in ("choose", "measure"):
        work = getattr(protocol, name)

        def spy(task, recipe, *rows, name=name, work=work):
            told.append((name, task, rows))
            return work(task, recipe, *rows)

        monkeypatch.setattr(protocol, name, spy)
    return told


def test_a_choice_does_not_open_test_rows(calls):
    sealed = Sealed(waves())
    jobs = protocol.choice_jobs(sealed, ["plain", "weight decay"], 0, 2)
    assert len(jobs) == 2  # plain has nothing to choose
    results = [job.work(TINY) for job in jobs]
    assert all(job.mark(TINY)["rows"] for job in jobs)
    chosen = protocol.chosen_weights(sealed, ["weight decay"], 2, jobs, results)
    errors = [result["validation"] for result in results]
    assert chosen[0].weight == jobs[int(np.argmin(errors))].task.weight
    with pytest.raises(AssertionError, match="looked at"):
        Job("final", sealed, jobs[0].task).work(TINY)


def test_weights_are_chosen_before_anything_is_measured_and_kept(calls):
    data = waves()
    found = run([data], n_weights=2, **FEW)
    kinds = [name for name, _, _ in calls]
    assert kinds == ["choose"] * 2 + ["measure"] * 8
    for name, task, rows in calls:
        if name == "choose":
            assert task.seed == 0
            assert len(rows) == 1
            seen = {row.tobytes() for row in rows[0]}
            assert not seen & {row.tobytes() for row in data.test}
    weights = {row.weight for row in found.rows if row.method == "weight decay"}
    assert weights == {one.weight for one in found.chosen if one.method == "weight decay"}


def test_other_test_rows_change_no_choice():
    one, other = waves(), waves()
    other = Samples(other.name, other.train, other.test[::-1] * 3.0 + 1.0)
    found = [run([data], longer=False, **FEW) for data in (one, other)]
    assert found[0].chosen == found[1].chosen
    assert found[0].rows[0].train == found[1].rows[0].train
    assert found[0].rows[0].test != found[1].rows[0].test


def test_every_seed_has_a_split_of_its_own_in_the_unit_of_its_rows():
    data = waves()
    parts = [scaled(data.train, data.test, seed, 0.25) for seed in (0, 1, 0)]
    assert np.array_equal(parts[0].fit, parts[2].fit)
    assert not np.array_equal(parts[0].fit, parts[1].fit)
    for part in parts:
        assert (len(part.fit), len(part.validation), len(part.test)) == (18, 6, 16)
        assert part.fit.mean(axis=0) == pytest.approx(np.zeros(12), abs=1e-6)
        assert np.square(part.fit).mean() == pytest.approx(1.0, rel=1e-5)


def test_a_stopped_study_goes_on_where_it_was(tmp_path, calls):
    path = tmp_path / "runs.jsonl"
    whole = run([waves()], n_weights=2, **FEW)
    n_runs = len(calls)
    assert n_runs == 2 + 3 * 2 + 2  # candidates, methods and seeds, twice as long
    calls.clear()

    def stop(done, total):
        if len(calls) == 5:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run([waves()], n_weights=2, ledger=path, progress=stop, **FEW)
    path.write_bytes(path.read_bytes()[:-9])  # torn by the kill
    calls.clear()
    told = []
    found = run(
        [waves()],
        n_weights=2,
        ledger=path,
        progress=lambda *done: told.append(done),
        **FEW,
    )
    assert len(calls) == n_runs - 4
    assert told[-1][0] == told[-1][1]
    for row, other in zip(found.rows, whole.rows, strict=True):
        assert (row.test, row.curve) == (other.test, other.curve)
    calls.clear()
    again = run([waves()], n_weights=2, ledger=path, **FEW)
    assert calls == []
    assert again.rows == found.rows
    run([waves(seed=1)], n_weights=2, ledger=path, **FEW)
    assert len(calls) == n_runs  # other rows are other runs


def test_errors_are_those_of_the_rows_and_add_up():
    data = waves()
    found = run([data], **(FEW | {"methods": ("pca",)}), longer=False)
    for row in found.rows:
        assert row.test == pytest.approx(row.manifold_gap + row.encoder_gap, rel=1e-4)
        assert row.encoder_gap < 1e-9
        rows = scaled(data.train, data.test, row.seed, TINY.validation_share)
        fit, test = rows.fit.astype(float), rows.test.astype(float)
        _, _, axes = np.linalg.svd(fit, full_matrices=False)
        left = test - test @ axes[:2].T @ axes[:2]
        assert row.test == pytest.approx(
            np.square(left).sum() / np.square(test).sum(), 1e-4
        )


def test_all_methods_make_a_table(tmp_path):
    recipe = Recipe(n_code=2, hidden_layer_sizes=(8,), n_steps_few=2, batch_size=16)
    found = run(
        [waves("CBF"), waves("b", 1)],
        seeds=(0, 1),
        recipe=recipe,
        n_weights=1,
        longer=False,
    )
    assert [row.method for row in found.rows[::2]] == [*METHODS] * 2
    table = summary(found)
    assert json.loads(json.dumps(table, allow_nan=False))["seeds"] == [0, 1]
    assert set(table["ranks"]["mean"]) == set(METHODS)
    cell = table["table"]["b"]["methods"]["lie-1"]
    mine = np.array([r.test for r in found.rows if (r.dataset, r.method) == ("b", "lie-1")])
    plain = np.array(
        [r.test for r in found.rows if (r.dataset, r.method) == ("b", "plain")]
    )
    assert cell["test"][0] == pytest.approx(mine.mean(), rel=1e-4)
    assert cell["to_plain"] == pytest.approx(mean_and_error(mine - plain))
    text = markdown(table | {"claims": list(CLAIMS)})
    assert "62.38 / " in text  # the paper beside it
    assert text.count("\n| b ") == 2
    assert len(plot(found).data) == 2


def test_no_bold_face_within_two_standard_errors():
    found = run([waves()], **FEW, longer=False, n_weights=1)
    table = summary(found)
    row = table["table"]["waves"]
    for sure in (True, False):
        row["least_is_sure"] = sure
        assert ("**" in markdown(table)) == sure
    errors = {m: [r.test for r in found.rows if r.method == m] for m in row["methods"]}
    least = min(errors, key=lambda m: np.mean(errors[m]))
    others = [np.subtract(errors[m], errors[least]) for m in errors if m != least]
    sure = all(d.mean() > 2 * d.std(ddof=1) / np.sqrt(2) for d in others)
    assert summary(found)["table"]["waves"]["least_is_sure"] == sure


def test_the_command_writes_its_tables(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(study, "QUICK_SETS", (waves(),))
    monkeypatch.setattr(study, "QUICK", FEW | {"n_weights": 2})
    study.main(["--quick", "--methods", "pca,plain", "--jobs", "1", "--out", str(tmp_path)])
    stem = tmp_path / "cosentino22_penalties_quick"
    table = json.loads(stem.with_suffix(".json").read_text())
    assert table["claims"] == list(CLAIMS)
    assert table["machine"]["torch"]
    assert stem.with_suffix(".md").read_text().startswith("# Penalties")
    assert stem.with_suffix(".ledger.jsonl").read_bytes().count(b"\n") == 2 * 2 + 1
    assert "min left" in capsys.readouterr().err
    study.main(["--quick", "--methods", "pca,plain", "--jobs", "1", "--out", str(tmp_path)])
    assert json.loads(stem.with_suffix(".json").read_text())["table"] == table["table"]


def test_convergence_is_judged_by_the_last_tenth():
    falling = np.geomspace(1.0, 0.01, 400)
    fall, converged = convergence(falling)
    # means of two windows of 20 epochs, 40 epochs apart
    assert fall == pytest.approx(1 - 0.01 ** (40 / 399), rel=1e-5)
    assert not converged
    assert convergence(np.concatenate([falling, np.full(100, 0.01)])) == (0.0, True)
    assert convergence(falling * 1e-2)[1] is True  # nothing left that matters
    assert convergence(np.array([1.0, np.inf])) == (0.0, False)


@pytest.mark.parametrize(
    ("wrong", "message"),
    [({"methods": ["ridge"]}, "must be of pca"), ({"seeds": []}, "at least one")],
)
def test_what_is_asked_for_must_exist(wrong, message):
    with pytest.raises(ValueOutOfRange, match=message):
        run([waves()], **wrong)


def test_a_task_is_the_same_in_every_process():
    task = Task("plain", 0.0, 3)
    first, second = (Job("final", waves(), task).work(TINY) for _ in range(2))
    assert first | {"seconds": 0} == second | {"seconds": 0}


@pytest.mark.slow
@pytest.mark.skipif("ISTHMUS_DATA" not in os.environ, reason="ISTHMUS_DATA is not set")
def test_what_the_paper_compares_and_what_it_leaves_out():
    found = run(
        ["ucr/CBF"],
        methods=("pca", "plain", "contractive", "lie-1"),
        seeds=(0, 1, 2),
        recipe=Recipe(n_steps_few=400),
        n_weights=2,
        longer=False,
    )
    cells = summary(found)["table"]["CBF"]["methods"]
    # what the paper has no column for: 0.12 and 0.04 below plain, 0.006 standard error
    for method, times in (("pca", 5), ("contractive", 2)):
        gain, error = cells[method]["to_plain"]
        assert gain < -times * error, (method, cells)
    assert cells["pca"]["test"][0] < cells["lie-1"]["test"][0] - 0.05  # 0.44 and 0.57
    assert all(row.converged for row in found.rows)
