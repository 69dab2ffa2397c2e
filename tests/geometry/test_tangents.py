import numpy as np
import pytest

from isthmus.core.errors import DataError, ValueOutOfRange
from isthmus.geometry import local_tangents


def test_tangents_of_a_sphere_in_more_columns(rng):
    x = rng.normal(size=(3000, 3))
    x /= np.linalg.norm(x, axis=1, keepdims=True)
    embed = np.linalg.qr(rng.normal(size=(7, 3)))[0]
    rows = x @ embed.T
    tangents = local_tangents(rows, rows[:200], n_neighbours=20)
    assert tangents.shape == (200, 7, 2)  # the dimension is estimated
    np.testing.assert_allclose(
        np.einsum("bir,bis->brs", tangents, tangents),
        np.tile(np.eye(2), (200, 1, 1)),
        atol=1e-12,
    )
    lean = np.linalg.norm(np.einsum("bir,bi->br", tangents, rows[:200]), axis=1)
    assert np.median(lean) < 0.08  # neighbours are within 4 / sqrt(3000) = 0.07 or so
    everywhere = local_tangents(rows[:300], dim=2, n_neighbours=20)
    np.testing.assert_allclose(
        everywhere[:5], local_tangents(rows[:300], rows[:5], dim=2, n_neighbours=20)
    )


def test_rows_in_a_plane_have_that_plane_whatever_repeats(rng):
    basis = np.linalg.qr(rng.normal(size=(4, 2)))[0]
    rows = rng.normal(size=(30, 2)) @ basis.T + 5.0
    found = local_tangents(np.repeat(rows, 12, axis=0), dim=2)
    assert found.shape == (360, 4, 2)
    np.testing.assert_allclose(
        found @ found.swapaxes(1, 2), np.tile(basis @ basis.T, (360, 1, 1)), atol=1e-12
    )


ROWS = np.arange(30.0).reshape(10, 3)


@pytest.mark.parametrize(
    ("call", "kind", "said"),
    [
        (lambda: local_tangents(ROWS, ROWS[:, :2], dim=1), DataError, "columns"),
        (lambda: local_tangents(ROWS, dim=4), ValueOutOfRange, "from 1 to 3"),
        (lambda: local_tangents(ROWS, dim=2, n_neighbours=2), ValueOutOfRange, "from 3"),
        (lambda: local_tangents(ROWS * np.nan, dim=1), DataError, "NaN"),
        (lambda: local_tangents(ROWS[:0], dim=1), DataError, "rows and columns"),
    ],
)
def test_bad_input_is_refused(call, kind, said):
    with pytest.raises(kind, match=said):
        call()
