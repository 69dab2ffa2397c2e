import warnings

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from isthmus.core import DataError, DataWarning
from isthmus.data import load

LOST = "3 of 20 rows have missing values and were left out"


@pytest.fixture
def gappy(rng):
    x = rng.standard_normal((20, 4))
    x[2, 1] = x[7, 3] = x[19, :2] = np.nan
    return x


def written(folder, x, kind):
    path = folder / f"x.{kind}"
    if kind == "npy":
        np.save(path, x)
    elif kind == "npz":
        np.savez(path, x=x)
    else:
        cells = [["" if np.isnan(v) else repr(float(v)) for v in row] for row in x]
        path.write_text("a,b,c,d\n" + "".join(",".join(row) + "\n" for row in cells))
    return path


@pytest.mark.parametrize("kind", ["npy", "npz", "csv", "array", "masked"])
def test_rows_with_gaps_are_left_out_and_counted(kind, gappy, tmp_path):
    if kind == "array":
        source = gappy
    elif kind == "masked":
        source = np.ma.masked_invalid(gappy)
    else:
        source = written(tmp_path, gappy, kind)
    with pytest.raises(DataError, match="--drop-missing|drop_missing"):
        load(source)
    with pytest.warns(DataWarning, match=LOST):
        back = load(source, drop_missing=True)
    np.testing.assert_array_equal(back.values, np.delete(gappy, [2, 7, 19], axis=0))
    assert back.n_rows_dropped == 3
    assert [back.original_row(i) for i in (1, 2, 16)] == [1, 3, 18]


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    x=hnp.arrays(
        np.float64,
        st.tuples(st.integers(20, 30), st.just(4)),
        elements=st.floats(-1e6, 1e6),
    ),
    gaps=st.sets(st.tuples(st.integers(0, 9), st.integers(0, 3)), min_size=1),
    kind=st.sampled_from(["npy", "npz", "csv"]),
)
def test_the_rows_that_stay_are_those_without_gaps(x, gaps, kind, tmp_path):
    for row, column in gaps:
        x[row, column] = np.nan
    path = written(tmp_path, x, kind)
    with pytest.warns(DataWarning, match="left out"):
        back = load(path, drop_missing=True)
    np.testing.assert_array_equal(back.values, x[~np.isnan(x).any(axis=1)])
    assert back.n_rows_dropped == len({row for row, _ in gaps})


def test_a_gap_in_a_column_left_out_costs_no_row(gappy, tmp_path):
    path = written(tmp_path, gappy, "csv")
    with pytest.warns(DataWarning, match="2 of 20 rows have"):
        assert load(path, drop=["b"], drop_missing=True).n_rows_dropped == 2
    back = load(path, columns=["c"], drop_missing=True)
    assert (back.n_rows_dropped, back.kept_rows) == (0, None)


def test_images_keep_their_shape(rng):
    x = rng.standard_normal((12, 3, 5))
    x[4, 1, 1] = np.nan
    with pytest.warns(DataWarning, match="1 of 12 rows has missing values and was"):
        back = load(x, drop_missing=True)
    assert (back.values.shape, back.sample_shape) == ((11, 15), (3, 5))
    with pytest.warns(DataWarning, match="left out"):
        assert load(x, drop=["column 0"], drop_missing=True).sample_shape is None


@pytest.mark.parametrize("kind", ["npy", "csv"])
def test_infinity_is_no_gap(kind, gappy, tmp_path):
    gappy[11, 2] = np.inf
    words = {
        "csv": "line 13, column 'c' is 'inf'",
        "npy": "row 11, 'column 2' is inf",
    }
    path = written(tmp_path, gappy, kind)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DataWarning)
        with pytest.raises(DataError, match=words[kind]):
            load(path, drop_missing=True)


def test_too_few_complete_rows(gappy):
    gappy[:18, 2] = np.nan
    with pytest.raises(DataError, match=r"19 of 20 have missing.*18 of them in 'column 2'"):
        load(gappy, drop_missing=True)


def test_masked_entries_without_permission(gappy):
    with pytest.raises(DataError, match="4 entries are masked"):
        load(np.ma.masked_invalid(gappy))
