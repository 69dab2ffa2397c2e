import numpy as np
import pytest

from isthmus.core import DataWarning
from isthmus.data import Dataset, load
from isthmus.data.labels import label_like, warn_of_labels

N = 200


@pytest.fixture
def fractions(rng):
    return rng.standard_normal((N, 3))


def named(x, *names):
    return Dataset("x", np.asarray(x, float), names)


def test_last_column_or_a_name_that_says_so(fractions):
    kinds = np.arange(N) % 3
    last = np.column_stack([fractions, kinds])
    first = np.column_stack([kinds, fractions])
    assert label_like(named(last, "a", "b", "c", "d")) == {"d": 3}
    assert label_like(named(first, "a", "b", "c", "d")) == {}
    for name in ("label", "Class", "class_id", "TARGET", "labels", "classes", "y"):
        assert label_like(named(first, name, "b", "c", "d")) == {name: 3}
    assert label_like(named(first, "classic", "b", "c", "d")) == {}


def test_among_integers_only_a_sure_name_counts(rng):
    x = np.column_stack([rng.integers(0, 256, (N, 3)), np.arange(N) % 10])
    assert label_like(named(x, "a", "b", "c", "d")) == {}
    assert label_like(named(x, "a", "b", "c", "y")) == {}
    assert label_like(named(x, "a", "b", "c", "label")) == {"label": 10}


@pytest.mark.parametrize(
    ("column", "values"),
    [
        (np.arange(N) % 50, 50),
        (np.arange(N) % 51, 0),  # too many
        (np.arange(N) % 3 + 0.5, 0),  # no integers
        (np.zeros(N), 0),  # constant: left out anyway
    ],
)
def test_few_integers(column, values, fractions):
    dataset = named(np.column_stack([fractions, column]), "a", "b", "c", "label")
    assert label_like(dataset) == ({"label": values} if values else {})


def test_numbers_that_do_not_repeat_are_no_labels():
    x = np.column_stack([np.arange(12) / 7, np.arange(12)])
    assert label_like(named(x, "a", "b")) == {}


def test_images_and_single_columns_have_none(fractions):
    assert label_like(load(np.arange(N).reshape(-1, 1) % 3 * 1.0)) == {}
    assert label_like(load("digits")) == {}


@pytest.mark.parametrize(
    ("name", "option"),
    [("label", "label"), ("class id", "'class id'"), ("a, b", "'\"a, b\"'")],
)
def test_the_way_out_can_be_typed(name, option, fractions):
    x = np.column_stack([fractions, np.arange(N) % 2])
    with pytest.warns(DataWarning, match="only 2 different integers") as caught:
        warn_of_labels(named(x, "a", "b", "c", name))
    assert str(caught[0].message).endswith(f"drop it with --drop {option}.")
