import json

import numpy as np
import pytest

from isthmus.cli.main import run


@pytest.fixture
def isthmus(capsys, tmp_path, monkeypatch):
    """Run a command in an empty folder: exit code, standard output, standard error."""
    monkeypatch.chdir(tmp_path)

    def call(*arguments):
        code = run([str(a) for a in arguments])
        return code, *capsys.readouterr()

    return call


def test_plan_as_text_and_as_json(isthmus):
    code, out, err = isthmus("plan", "digits", "--rate", "0.5")
    assert (code, err) == (0, "")
    assert (
        "1797 rows x 64 columns of float64, 1438 to train on (1438 for decoders), 359 held"
        in out
    )
    assert "GB at most" in out
    plan = json.loads(isthmus("plan", "digits", "--rate", "0.5,1", "--json")[1])
    assert plan["n_codes"] == [32, 64]
    assert plan["fits"] is True
    assert plan["seconds"] == pytest.approx(sum(plan["parts"].values()))


def test_a_plan_writes_nothing_and_reads_a_header(isthmus, tmp_path):
    # Forty gigabytes that take no room: the file is one hole.
    header = "{'descr': '<f4', 'fortran_order': False, 'shape': (10000000, 1000), }\n"
    with (tmp_path / "x.npy").open("wb") as file:
        file.write(b"\x93NUMPY\x01\x00" + len(header).to_bytes(2, "little"))
        file.write(header.encode())
        file.truncate(file.tell() + 4 * 10**10)
    code, out, _ = isthmus("plan", "x.npy", "--json")
    plan = json.loads(out)
    assert code == 0
    assert plan["n_rows"] == 10_000_000
    assert plan["memory_bytes"] < 2e9  # read in blocks
    assert plan["n_fit"] == 20_000
    assert [p.name for p in tmp_path.iterdir()] == ["x.npy"]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["no.npy"], "no such file"),
        (["digit"], "Did you mean digits"),
        (["digits", "--rate", "0"], "positive numbers"),
        (["empty.npy"], "empty"),
        (["fortran.npy"], "Fortran order"),
        (["objects.npy"], "never unpickled"),
        (["ragged.csv"], "line 15 has 3"),
    ],
)
def test_bad_input_is_one_clear_line_and_exit_code_two(arguments, words, isthmus, tmp_path):
    (tmp_path / "empty.npy").write_bytes(b"")
    np.save(tmp_path / "fortran.npy", np.ones((12, 3), order="F"))
    np.save(tmp_path / "objects.npy", np.full((12, 2), None), allow_pickle=True)
    (tmp_path / "ragged.csv").write_text("1,2\n" * 14 + "1,2,3\n")
    code, out, err = isthmus("plan", *arguments)
    assert (code, out) == (2, "")
    assert words in err
    assert len(err.splitlines()) == 1


def test_plan_of_a_table_with_columns_and_rows_left_out(isthmus, tmp_path, rng):
    lines = [
        f"{i},{a},name,{'' if i == 7 else b}"
        for i, (a, b) in enumerate(rng.random((40, 2)))
    ]
    (tmp_path / "x.csv").write_text("id,a,who,b\n" + "\n".join(lines) + "\n")
    words = ["plan", "x.csv", "--drop", "id", "--drop-missing", "--json", "--quiet"]
    code, out, _ = isthmus(*words)
    assert code == 0
    assert json.loads(out)["n_columns"] == 2
    x = rng.random((50, 3))
    x[4, 1] = np.nan
    np.save(tmp_path / "x.npy", x)
    code, out, _ = isthmus("plan", "x.npy", "--drop-missing", "--json", "--quiet")
    assert code == 0
    assert (json.loads(out)["n_rows"], json.loads(out)["rows_known"]) == (50, False)
