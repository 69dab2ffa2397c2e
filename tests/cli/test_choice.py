import html
import json
import shlex
from pathlib import Path

import pytest


@pytest.fixture
def table(tmp_path, rng):
    """A file with everything that gets in the way."""
    x = rng.standard_normal((300, 3)) * [1.0, 1.0, 500.0]
    lines = [
        f"r{i},{i},{a!r},{b!r},{c!r},{i % 3}" for i, (a, b, c) in enumerate(x.tolist())
    ]
    lines[7] = "r7,7,NA,1,1,0"
    header = 'name,id,a,"b, cm",c,label\n'
    (tmp_path / "t.csv").write_text(header + "\n".join(lines) + "\n")
    return "t.csv"


def test_report_with_columns_rows_and_scale_of_choice(isthmus, table):
    given = ("--drop", "id,label", "--drop-missing", "--scale", "standard", "--rate", "1")
    code, out, err = isthmus("report", table, *given, "--json")
    result = json.loads(out)
    assert code == 0
    data = result["data"]
    assert (data["n_rows"], data["n_rows_dropped"], data["n_input"]) == (299, 1, 3)
    assert data["scale"] == "standard"
    assert "1 of 300 rows has missing values" in err
    assert "scale standard" in err
    command = result["method"]["command"]
    assert "try --scale" not in err
    assert "looks like a label" not in err
    again = json.loads(isthmus(*shlex.split(command)[1:], "--json", "--out", "b")[1])
    assert again["reached"][0]["nmse"] == result["reached"][0]["nmse"]
    assert again["method"]["command"] == command
    page = Path(result["page"]).read_text()
    assert html.escape("--drop id,label --scale standard --drop-missing") in page


def test_an_option_given_twice_counts_twice(isthmus, table):
    given = ("--drop", "id", "--drop", "label", "--drop-missing", "--rate", "1")
    code, out, _ = isthmus("report", table, *given, "--json")
    result = json.loads(out)
    assert code == 0
    assert result["data"]["n_input"] == 3
    assert "--drop id,label" in result["method"]["command"]
    only = ("--columns", "a", "--columns", '"b, cm",c')
    code, out, _ = isthmus("plan", table, *only, "--drop-missing", "--json")
    assert (code, json.loads(out)["n_columns"]) == (0, 3)


def test_report_says_what_looks_wrong(isthmus, table):
    names = 'a,"b, cm",c,label'
    code, _, err = isthmus("report", table, "--columns", names, "--rate", "1")
    assert code == 2
    assert "line 9, column 'a' is 'NA'" in err
    assert "--drop-missing" in err
    columns = ("--columns", names, "--drop-missing")
    code, _, err = isthmus("report", table, *columns, "--rate", "1")
    assert code == 0
    assert "in different units? try --scale standard" in err
    assert "Column 'label' holds only 3 different integers" in err
    assert "drop it with --drop label" in err


@pytest.mark.parametrize(
    ("option", "value", "words"),
    [
        ("--scale", "minmax", "`--scale` must be none, standard or log1p; got 'minmax'"),
        ("--drop", " , ", "`--drop` must be names of columns between commas"),
        ("--columns", "aa", "no column 'aa'"),
        ("--scale", "log1p", "must be above -1 for scale log1p; row"),
    ],
)
def test_choices_that_cannot_be(option, value, words, isthmus, table, tmp_path):
    code, out, err = isthmus("report", table, "--drop-missing", option, value)
    assert (code, out) == (2, "")
    assert words in err
    assert [p.name for p in tmp_path.iterdir()] == ["t.csv"]


def test_fit_and_diagnose_with_columns_of_choice(isthmus, table):
    choice = ("--drop", "id,label", "--drop-missing")
    code, out, err = isthmus("fit", table, "-o", "m.safetensors", *choice, "--json")
    assert code == 0
    assert json.loads(out)["n_input"] == 3
    assert "1 of 300 rows has missing values" in err
    code, out, _ = isthmus("diagnose", "m.safetensors", table, *choice, "--json")
    assert code == 0
    assert json.loads(out)["n_rows"] == 299
    code, _, err = isthmus("diagnose", "m.safetensors", table, "--drop-missing")
    assert (code, "must have the 3 columns" in err) == (2, True)


def test_doctor_shows_which_data_are_there(isthmus, monkeypatch, tmp_path):
    monkeypatch.setenv("ISTHMUS_DATA", str(tmp_path))
    names = {"coil20", "ucr/<Name>", "mnist", "sift", "cifar10", "fashion-mnist"}
    names |= {"ecg", "gene-counts"}
    data = json.loads(isthmus("doctor", "--json")[1])["data"]
    assert {name for name, found in data.items() if not found} == names
    for file in ("coil20.npz", "ucr_subset.npz"):
        (tmp_path / file).touch()
    data = json.loads(isthmus("doctor", "--json")[1])["data"]
    assert [data[n] for n in ("coil20", "ucr/<Name>", "mnist")] == [True, True, False]
