import numpy as np
import pytest

from isthmus.core import DataError
from isthmus.data import load


@pytest.fixture
def table(tmp_path):
    path = tmp_path / "x.csv"
    lines = [f"{i},{'ab'[i % 2]},{'' if i == 3 else i},{i / 4}" for i in range(12)]
    path.write_text("id,kind,gappy,size\n" + "\n".join(lines) + "\n")
    return path


def test_a_dropped_column_may_hold_gaps(table):
    with pytest.raises(DataError, match="line 5, column 'gappy' is ''"):
        load(table)
    back = load(table, drop=["gappy", "id"])
    assert back.column_names == ("size",)
    assert back.left_out == ("id (dropped)", "gappy (dropped)", "kind (not numbers)")


def test_only_the_columns_asked_for(table):
    back = load(table, columns=["size", "id"])
    assert back.column_names == ("id", "size")
    assert back.left_out == ("kind (not asked for)", "gappy (not asked for)")


@pytest.mark.parametrize(
    ("choice", "words"),
    [
        ({"drop": ["sise"]}, "no column 'sise'. Did you mean size"),
        ({"columns": ["zzz"]}, "no column 'zzz'. It has id, kind"),
        ({"drop": "size"}, "must be a list of names; got 'size'"),
        ({"drop": ["id", "kind", "gappy", "size"]}, "must keep a column"),
    ],
)
def test_choices_that_cannot_be(table, choice, words):
    with pytest.raises(DataError, match=words):
        load(table, **choice)


def test_arrays_archives_and_built_ins_choose_too(tmp_path):
    x = np.eye(12)
    x[0, 5] = np.nan
    np.save(tmp_path / "x.npy", x)
    np.savez(tmp_path / "x.npz", x=x)
    for source in (x, tmp_path / "x.npy", tmp_path / "x.npz"):
        assert load(source, drop=["column 5"]).values.shape == (12, 11)
    small = load("digits", drop=["pixel 0,1"])
    assert small.values.shape == (1797, 63)
    assert small.sample_shape is None


def test_names_of_a_frame_are_kept():
    class Frame:
        columns = ("a", "b")

        def __array__(self, dtype=None, copy=None):
            return np.ones((12, 2))

    assert load(Frame()).column_names == ("a", "b")
