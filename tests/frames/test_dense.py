import numpy as np
import pytest

from isthmus import frames
from isthmus.core import DataError, ValueOutOfRange


@pytest.mark.parametrize("shape", [(3, 7), (7, 3), (5, 5)])
def test_polar_factor_is_the_nearest_partial_isometry(shape):
    rng = np.random.default_rng(0)
    b = rng.normal(size=shape)
    w = frames.polar(b).weight
    gram = w @ w.T if shape[0] <= shape[1] else w.T @ w
    np.testing.assert_allclose(gram, np.eye(min(shape)), atol=1e-12)
    near = np.linalg.norm(b - w)
    for seed in range(20):
        other = frames.haar(*shape, rng=seed).weight
        assert near < np.linalg.norm(b - other)
        turned = frames.polar(w + 0.01 * rng.normal(size=shape)).weight
        assert near <= np.linalg.norm(b - turned) + 1e-12


@pytest.mark.parametrize(
    ("weight", "error", "words"),
    [
        (np.ones((2, 3)), DataError, "full rank"),
        (np.array([[np.nan, 1.0]]), DataError, "finite"),
        (np.ones(3), ValueOutOfRange, "matrix"),
    ],
)
def test_polar_of_what_has_none(weight, error, words):
    with pytest.raises(error, match=words):
        frames.polar(weight)


@pytest.mark.parametrize("basis", [np.eye(3), 2 * np.eye(4), np.full((4, 4), np.nan)])
def test_bases_that_are_none(basis):
    with pytest.raises(ValueOutOfRange, match="rotated"):
        frames.rotated(frames.haar(2, 4, rng=0), basis)
