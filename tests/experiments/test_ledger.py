import json

import pytest

from isthmus.core.errors import DataError, OutputError
from isthmus.experiments.ledger import Ledger


def filled(path, count=3):
    ledger = Ledger(path)
    for seed in range(count):
        ledger.add({"seed": seed}, {"error": seed / 4})
    return path


def test_what_was_written_is_found_again(tmp_path):
    path = filled(tmp_path / "runs.jsonl")
    ledger = Ledger(path)
    assert len(ledger) == 3
    assert ledger.found({"seed": 2}) == {"error": 0.5}
    assert ledger.found({"seed": 3}) is None


def test_a_run_is_known_by_all_that_determines_it():
    ledger = Ledger()
    ledger.add({"seed": 0, "sizes": (4, 2)}, {"error": 1.0})
    assert ledger.found({"sizes": [4, 2], "seed": 0}) == {"error": 1.0}
    assert ledger.found({"seed": 0, "sizes": (4, 3)}) is None
    assert ledger.found({"seed": 0}) is None


@pytest.mark.parametrize("cut", [1, 2, 30])
def test_a_torn_last_line_is_dropped_and_written_anew(tmp_path, cut):
    path = filled(tmp_path / "runs.jsonl")
    whole = path.read_bytes()
    path.write_bytes(whole[:-cut])
    ledger = Ledger(path)
    assert len(ledger) == 2
    assert ledger.found({"seed": 2}) is None
    ledger.add({"seed": 2}, {"error": 0.5})
    assert path.read_bytes() == whole


def test_a_last_line_of_rubbish_is_dropped(tmp_path):
    path = filled(tmp_path / "runs.jsonl")
    whole = path.read_bytes()
    path.write_bytes(whole + b"\0" * 40 + b"\n")
    assert len(Ledger(path)) == 3
    assert path.read_bytes() == whole


def test_damage_before_the_last_line_is_refused(tmp_path):
    path = filled(tmp_path / "runs.jsonl")
    lines = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(lines[0] + lines[1][:-20] + b"\n" + lines[2])
    with pytest.raises(DataError, match="line 2 is damaged"):
        Ledger(path)


def test_a_line_whose_run_was_changed_is_not_taken_for_another(tmp_path):
    path = filled(tmp_path / "runs.jsonl", count=2)
    lines = path.read_text().splitlines()
    entry = json.loads(lines[0])
    entry["run"]["seed"] = 7
    path.write_text(json.dumps(entry) + "\n" + lines[1] + "\n")
    with pytest.raises(DataError, match="line 1 is damaged"):
        Ledger(path)


def test_numbers_that_are_none_are_not_written(tmp_path):
    path = filled(tmp_path / "runs.jsonl")
    before = path.read_bytes()
    ledger = Ledger(path)
    with pytest.raises(ValueError, match="JSON"):
        ledger.add({"seed": 9}, {"error": float("nan")})
    assert path.read_bytes() == before
    assert ledger.found({"seed": 9}) is None


def test_a_ledger_that_cannot_be_written_says_so(tmp_path):
    with pytest.raises(OutputError, match="cannot be written"):
        Ledger(tmp_path / "none" / "runs.jsonl").add({"seed": 0}, {})
