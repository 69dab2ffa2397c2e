import warnings

import numpy as np
import pytest

import isthmus
from isthmus.core import DataError, DataWarning
from isthmus.report.read import read_rows
from isthmus.report.rows import Reading

pytestmark = pytest.mark.filterwarnings("ignore::isthmus.core.DataWarning")


def test_held_out_rows_take_no_part_in_the_scale(rng):
    x = rng.standard_normal((500, 4)) * [1.0, 10.0, 100.0, 1.0]
    other = x.copy()
    other[400:] = other[400:] * 50 + 7
    first = isthmus.analyse(x, rates=[1.0], split="last", scale="standard")
    second = isthmus.analyse(other, rates=[1.0], split="last", scale="standard")
    np.testing.assert_array_equal(first.data.eigenvalues, second.data.eigenvalues)
    assert first.reached[0].predicted == second.reached[0].predicted
    assert first.reached[0].nmse != second.reached[0].nmse
    # Trace of a correlation matrix, on n - 1: nothing was shrunk.
    assert first.data.eigenvalues.sum() == pytest.approx(4.0, rel=0.01)


def test_scaling_first_or_here_is_the_same(rng):
    x = np.exp(rng.standard_normal((400, 3)))
    here = isthmus.analyse(x, rates=[1.0], scale="log1p")
    first = isthmus.analyse(np.log1p(x), rates=[1.0])
    assert here.reached[0].nmse == first.reached[0].nmse
    assert (here.data.scale, first.data.scale) == ("log1p", "none")
    assert any("log(1 + value)" in line for line in here.warnings)
    # Shown as they were read.
    np.testing.assert_array_equal(np.log1p(here.data.samples), first.data.samples)


def test_one_column_that_outweighs_the_others_is_said_and_cured(rng):
    x = rng.standard_normal((400, 3)) * [1.0, 1.0, 1000.0]
    words = "in different units? try --scale standard"
    plain = isthmus.analyse(x, rates=[1.0])
    assert any(words in line for line in plain.warnings)
    scaled = isthmus.analyse(x, rates=[1.0], scale="standard")
    assert not any(words in line for line in scaled.warnings)
    pair = isthmus.analyse(x[:, :2] * [1.0, 1.5], rates=[1.0])  # one of two always leads
    assert pair.data.largest_column_share > 0.6
    assert not any(words in line for line in pair.warnings)


def test_repeated_code_symbols_are_told_in_plain_words(rng):
    x = rng.standard_normal((600, 8)) * 10.0 ** np.arange(8)
    told = isthmus.analyse(x, rates=[0.5]).warnings
    words = "At 4 bits per vector the descent encoder repeats some code symbols"
    assert any(words in line for line in told)
    assert not any("Encoder rows" in line for line in told)


def test_given_rows_are_read_and_scaled_like_the_training_rows(rng, tmp_path):
    x = np.round(rng.standard_normal((300, 3)) * [1.0, 50.0, 7.0] + 3, 6)
    lines = [f"{a!r},{b!r},{c!r},7" for a, b, c in x.tolist()]
    lines[3] = "1,,1,7"
    (tmp_path / "a.csv").write_text("a,b,c,id\n" + "\n".join(lines[:200]))
    turned = [",".join(line.split(",")[::-1]) for line in lines[200:]]
    (tmp_path / "b.csv").write_text("id,c,b,a\n" + "\n".join(turned))
    reading = Reading(drop=["id"], drop_missing=True, scale="standard")
    rows = read_rows(tmp_path / "a.csv", X_test=tmp_path / "b.csv", reading=reading)
    train = np.delete(x[:200], 3, axis=0)
    np.testing.assert_allclose(rows.train, train / train.std(axis=0), rtol=1e-12)
    np.testing.assert_allclose(rows.test, x[200:] / train.std(axis=0), rtol=1e-12)
    assert (rows.n_rows_dropped, rows.split) == (1, "given")


def test_constant_columns_are_left_out_of_given_rows_too(rng):
    x = rng.standard_normal((60, 3))
    x[:40, 1] = 5.0
    rows = read_rows(x[:40], X_test=x[40:])
    np.testing.assert_array_equal(rows.test, x[40:][:, [0, 2]])
    assert rows.original(rows.test)[0].tolist() == [x[40, 0], 5.0, x[40, 2]]


def test_rows_dropped_are_counted_in_the_facts(rng):
    x = rng.standard_normal((200, 3))
    x[[5, 9], 1] = np.nan
    facts = isthmus.analyse(x, rates=[1.0], drop_missing=True).data
    assert (facts.n_rows, facts.n_rows_dropped) == (198, 2)
    assert facts.n_train + facts.n_test == 198


def test_unit_norm_rows_are_recognised(rng):
    x = rng.standard_normal((300, 8))
    unit = (3.0 * x / np.linalg.norm(x, axis=1, keepdims=True)).astype(np.float32)
    assert isthmus.analyse(unit, rates=[0.5]).data.unit_norm
    assert isthmus.analyse(unit, rates=[0.5], scale="standard").data.unit_norm
    assert not isthmus.analyse(x, rates=[0.5]).data.unit_norm
    half = unit.astype(np.float16)
    with pytest.warns(DataWarning, match="float16"):
        assert isthmus.analyse(half, rates=[0.5]).data.unit_norm
    unit[-1] *= 1.01
    assert not isthmus.analyse(unit, rates=[0.5], split="last").data.unit_norm


def test_what_was_asked_for_stands_in_the_command(rng):
    x = rng.standard_normal((100, 3))
    x[0, 0] = np.nan
    options = {"drop": ["column 1"], "drop_missing": True, "scale": "standard"}
    command = isthmus.analyse(x, rates=[1.0], **options).method.command
    assert command == (
        "isthmus.analyse('X', drop=['column 1'], drop_missing=True, scale='standard')"
    )
    assert Reading(("a",)).arguments() == ", columns=['a']"
    assert Reading().arguments() == ""


def test_arguments_outside_their_domain(rng):
    x = rng.standard_normal((50, 3))
    with pytest.raises(DataError, match="must be above -1 for scale log1p"):
        isthmus.analyse(x * 100, scale="log1p")
    with pytest.raises(DataError, match="must be above -1 for scale log1p"):
        isthmus.analyse(np.abs(x), X_test=x * 100, scale="log1p")


def test_a_label_left_in_is_said_once(rng):
    x = np.column_stack([rng.standard_normal((100, 3)), np.arange(100) % 4])
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always", DataWarning)
        rows = read_rows(x)
    said = [str(w.message) for w in caught if "label" in str(w.message)]
    assert len(said) == 1
    assert "--drop 'column 3'" in said[0]
    assert rows.dataset.values.shape[1] == 4


@pytest.mark.parametrize(("header", "said"), [("a,b,c", 0), ("c,b,a", 0), ("a,b,d", 1)])
def test_given_rows_with_other_names_are_said_to_be_taken_by_place(
    rng, tmp_path, header, said
):
    for name, first in (("train", "a,b,c"), ("test", header)):
        rows = rng.standard_normal((100, 3))
        np.savetxt(tmp_path / f"{name}.csv", rows, "%.6f", ",", header=first, comments="")
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        read_rows(tmp_path / "train.csv", X_test=tmp_path / "test.csv", reading=Reading())
    told = [str(w.message) for w in caught if w.category is DataWarning]
    assert [("'d' is not there" in text) for text in told] == [True] * said


def test_given_rows_without_names_are_taken_by_place_in_silence(rng, tmp_path):
    rows = rng.standard_normal((100, 3))
    np.savetxt(tmp_path / "x.csv", rows, "%.6f", ",", header="a,b,c", comments="")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        read_rows(
            tmp_path / "x.csv", X_test=rng.standard_normal((50, 3)), reading=Reading()
        )


def test_held_out_rows_do_not_follow_how_the_points_were_placed():
    # Both circles, each with its share of 400 held-out rows: standard error .025.
    for seed in range(3):
        rows = read_rows("hopf-link", seed=seed)
        second = np.abs(rows.test[:, 1]) < 1e-9
        assert abs(second.mean() - 0.5) < 0.15
