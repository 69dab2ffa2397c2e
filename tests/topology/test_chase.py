"""Tears smaller than any search by chance would meet, and gaps that they hide in."""

import numpy as np
import pytest

from isthmus.topology import fold_report
from isthmus.topology.chase import chase


def punctured(radius):
    """A sphere flattened from a pole: exact but for a cap, in which codes run to 0.

    At the pole's code, 0, the other pole is decoded: an error of 2. Continuous.
    """

    def encode(x):
        plane = x[:, :2] / np.maximum(1.0 - x[:, 2:], 1e-12)
        far = np.linalg.norm(x[:, :2], axis=1, keepdims=True)
        north = x[:, 2:] > 0
        inside = north & (far < radius)
        rim = (1.0 + np.sqrt(1.0 - radius**2)) / radius  # length of a code there
        return np.where(inside, x[:, :2] / radius * rim * (far / radius), plane)

    def decode(z):
        square = (z**2).sum(axis=1, keepdims=True)
        return np.concatenate([2 * z, square - 1.0], axis=1) / (square + 1.0)

    return encode, decode


def sphere(rng, n_rows, gap):
    """Points of a sphere, none within `gap` of the pole."""
    x = rng.normal(size=(n_rows, 3))
    x /= np.linalg.norm(x, axis=1, keepdims=True)
    return x[np.linalg.norm(x - [0.0, 0.0, 1.0], axis=1) > gap]


def test_the_autoencoder_of_these_tests_is_exact_outside_its_cap(rng):
    encode, decode = punctured(1e-4)
    x = sphere(rng, 500, 1e-3)
    np.testing.assert_allclose(decode(encode(x)), x, atol=1e-9)
    pole = np.array([[0.0, 0.0, 1.0]])
    np.testing.assert_allclose(decode(encode(pole)), -pole, atol=1e-12)
    just = np.array([[1e-4, 0.0, np.sqrt(1 - 1e-8)]])
    below, above = (encode(just * [s, 1, 1]) for s in (1 - 1e-9, 1 + 1e-9))
    np.testing.assert_allclose(below, above, rtol=1e-6)


@pytest.mark.parametrize("radius", [1e-2, 1e-4, 1e-6])
def test_a_tear_within_one_triangle_is_followed_in(rng, radius):
    # By chance one of 64 points of a triangle falls into the cap with odds of 1e-9 to 0.1.
    found = fold_report(punctured(radius), sphere(rng, 1000, 0.02))
    assert found.max_at_samples < 1e-6
    assert found.max_error > 1.9


def test_a_tear_in_a_gap_between_samples_is_found(rng):
    # Twelve nearest rows on each row's own side: no edge among them crosses the gap.
    x = sphere(rng, 2000, 0.14)
    found = fold_report(punctured(1e-3), x)
    assert found.max_error > 1.9
    assert found.location[2] > 0.9


def test_codes_that_stay_together_are_not_followed(rng):
    x = rng.normal(size=(4, 2))
    simplices = np.array([[0, 1, 2], [1, 2, 3]])
    assert (
        chase(lambda p: np.zeros(len(p)), lambda p: np.zeros((len(p), 1)), x, simplices)
        == []
    )
    assert chase(lambda p: np.zeros(len(p)), lambda p: p, x, simplices[:0]) == []


def test_places_are_told_in_their_simplex(rng):
    x = rng.normal(size=(6, 3))
    simplices = np.array([[0, 1, 2], [3, 4, 5]])

    def errors(points):
        return points[:, 0]

    starts = chase(errors, lambda p: p, x, simplices)
    assert len(starts) == 2
    for error, vertices, weights in starts:
        assert weights.sum() == pytest.approx(1.0)
        assert weights.min() >= 0
        assert error == pytest.approx(errors(weights[None] @ x[list(vertices)])[0])
    assert starts[0][0] >= starts[1][0]
