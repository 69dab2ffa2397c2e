"""``isthmus advise``: table, JSON, figure, and what it refuses."""

import json

import numpy as np
import pytest


@pytest.fixture
def rows(tmp_path):
    path = tmp_path / "rows.npy"
    np.save(path, np.random.default_rng(0).normal(size=(300, 6)) * np.linspace(4, 1, 6))
    return path


MINE = ("--codecs", "linear,quantised")


def test_a_table_names_the_winner(isthmus, rows):
    code, out, err = isthmus("advise", rows, "--bits-per-dim", 4, *MINE)
    assert (code, err) == (0, "")
    first, *lines = out.splitlines()
    assert first.startswith("At 4 bits per column (24 bits per vector, all counted)")
    assert "transform coding reconstructs best" in first
    assert lines[1].split()[0] == "Codec"
    assert lines[2].startswith("transform coding ")


def test_json_of_one_and_of_several_budgets(isthmus, rows):
    one = json.loads(isthmus("advise", rows, "--json", *MINE)[1])
    assert (one["budget"], one["n_input"]) == (6, 6)
    assert one["scores"][0]["label"] == one["reconstruction"]["label"]
    both = json.loads(isthmus("advise", rows, "--json", "--bits-per-dim", "1,2", *MINE)[1])
    assert [found["budget"] for found in both] == [6, 12]
    again = json.loads(isthmus("advise", rows, "--json", "--seed", 3, *MINE)[1])
    assert again["scores"][0]["nmse"] != one["scores"][0]["nmse"]


def test_a_figure_is_one_page_and_is_not_replaced(isthmus, rows, tmp_path):
    code, out, _ = isthmus("advise", rows, "--figure", "codecs.html", *MINE)
    assert code == 0
    assert out.rstrip().endswith("codecs.html")
    page = (tmp_path / "codecs.html").read_text()
    assert page.count('id="figure-advice"') == 1
    assert "http-equiv" in page
    code, _, err = isthmus("advise", rows, "--figure", "codecs.html", *MINE)
    assert code == 2
    assert "exists already" in err
    assert isthmus("advise", rows, "--figure", "codecs.html", "--force", *MINE)[0] == 0


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--bits-per-dim", "0"], "positive numbers"),
        (["--bits-per-dim", "13"], "at most 12"),
        (["--bits-per-dim", "0.05"], "must give every row a bit"),
        (["--codecs", "zip"], "must name at least one of linear"),
        (["--split", "first"], "random or last"),
    ],
)
def test_wrong_options(isthmus, rows, arguments, words):
    code, out, err = isthmus("advise", rows, *arguments)
    assert (code, out) == (2, "")
    assert words in err
    assert len(err.splitlines()) == 1


def test_missing_values_are_refused(isthmus, tmp_path):
    x = np.random.default_rng(0).normal(size=(50, 3))
    x[4, 1] = np.nan
    np.save(tmp_path / "gaps.npy", x)
    code, _, err = isthmus("advise", "gaps.npy")
    assert code == 2
    assert "--drop-missing" in err
    assert isthmus("advise", "gaps.npy", "--drop-missing", "-q", *MINE)[0] == 0
