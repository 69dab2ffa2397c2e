import numpy as np
import pytest

from isthmus.core import ValueOutOfRange
from isthmus.estimators import ShallowAutoencoder
from isthmus.estimators.ranking import asymmetric_scores, recall_at


def test_exact_rows_and_lengths_give_distances(rng):
    queries, rows, mean = rng.normal(size=(5, 7)), rng.normal(size=(30, 7)), np.ones(7)
    distance = ((queries[:, None] - rows) ** 2).sum(axis=2)
    offset = ((queries - mean) ** 2).sum(axis=1)[:, None]
    norms = np.linalg.norm(rows - mean, axis=1)
    for given in (None, norms):
        found = asymmetric_scores(queries, rows, given, mean)
        np.testing.assert_allclose(found, distance - offset)
    # Rows that were shortened: lengths put them back.
    shorter = mean + (rows - mean) * rng.uniform(0.1, 0.9, size=(30, 1))
    again = asymmetric_scores(queries, shorter, norms, mean)
    np.testing.assert_allclose(again, distance - offset)


def test_a_row_decoded_to_the_mean_is_ranked_by_its_length():
    scores = asymmetric_scores(
        np.ones((1, 2)), np.zeros((2, 2)), np.array([3.0, 2.0]), np.zeros(2)
    )
    assert scores.tolist() == [[9.0, 4.0]]


def test_recall():
    scores = np.array([[3.0, 1.0, 2.0, 0.0], [0.0, 0.0, 1.0, 2.0]])
    assert recall_at(scores, np.array([[3, 1], [0, 1]])) == 1.0
    assert recall_at(scores, np.array([[3, 0], [2, 3]])) == 0.25


def test_lengths_raise_recall(rng):
    rows = rng.normal(size=(2200, 16)) * np.linspace(2, 0.5, 16)
    rows *= np.exp(0.4 * rng.normal(size=(2200, 1)))
    model = ShallowAutoencoder(16, encoder="search", norm="float16", random_state=0)
    model.fit(rows[:1500])
    codes = model.transform(rows[1500:2100])
    decoded, queries = model.inverse_transform(codes), rows[2100:]
    near = ((queries[:, None] - rows[None, 1500:2100]) ** 2).sum(axis=2)
    near = near.argsort(axis=1)[:, :10]
    recall = [
        recall_at(asymmetric_scores(queries, decoded, norms, model.mean_), near)
        for norms in (codes[:, -1], None)
    ]
    assert recall[0] > recall[1] + 0.02
    assert recall[0] > 0.4


def test_what_is_refused():
    with pytest.raises(ValueOutOfRange, match="4 columns"):
        asymmetric_scores(np.ones((1, 3)), np.ones((2, 4)), None, np.zeros(4))
    with pytest.raises(ValueOutOfRange, match="one finite length"):
        asymmetric_scores(
            np.ones((1, 3)), np.ones((2, 3)), np.array([1.0, -1.0]), np.ones(3)
        )
    with pytest.raises(ValueOutOfRange, match="row numbers"):
        recall_at(np.ones((1, 3)), np.zeros((1, 4), int))
