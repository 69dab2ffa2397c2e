import cases
import numpy as np
import pytest

from isthmus import frames
from isthmus.core import ValueOutOfRange

GOLDEN = ([1.0, 1.0, 1.0, 1.0], [4, 5, 3, 1])


def test_every_frame_has_a_case():
    public = {
        thing
        for name in frames.__all__
        if isinstance(thing := getattr(frames, name), type)
        and not name.startswith("Abstract")
    }
    assert public == {type(frame) for frame in cases.FRAMES}


@pytest.mark.parametrize(
    "frame", cases.FRAMES, ids=lambda f: f"{type(f).__name__}-{f.n_code}-{f.n_input}"
)
class TestFrameContract:
    def test_partial_isometry(self, frame):
        w = frame.to_dense()
        assert w.shape == (frame.n_code, frame.n_input)
        gram = w @ w.T if frame.n_code <= frame.n_input else w.T @ w
        np.testing.assert_allclose(gram, np.eye(len(gram)), atol=1e-13)

    def test_forward_and_adjoint_are_the_dense_matrix(self, frame, rng):
        x = rng.standard_normal((9, frame.n_input))
        y = rng.standard_normal((9, frame.n_code))
        w = frame.to_dense()
        np.testing.assert_allclose(frame.forward(x), x @ w.T, atol=1e-13)
        np.testing.assert_allclose(frame.adjoint(y), y @ w, atol=1e-13)
        np.testing.assert_allclose(
            np.sum(frame.forward(x) * y),
            np.sum(x * frame.adjoint(y)),
            rtol=1e-11,
            atol=1e-12,
        )

    def test_float32_stays_float32(self, frame, rng):
        x = rng.standard_normal((3, frame.n_input)).astype(np.float32)
        y = frame.forward(x)
        assert y.dtype == np.float32
        assert frame.adjoint(y).dtype == np.float32

    def test_input_is_not_changed(self, frame, rng):
        x = rng.standard_normal((3, frame.n_input))
        before = x.copy()
        frame.adjoint(frame.forward(x))
        np.testing.assert_array_equal(x, before)


@pytest.mark.parametrize("make", [frames.dct, frames.haar])
def test_same_seed_same_frame(make):
    first, again, other = (make(20, 12, rng=seed).to_dense() for seed in (3, 3, 4))
    np.testing.assert_array_equal(first, again)
    assert np.abs(first - other).max() > 0.1


def test_dct_is_the_same_on_every_machine():
    frame = frames.dct(6, 4, rng=0)
    assert (frame.signs.tolist(), frame.places.tolist()) == GOLDEN


@pytest.mark.parametrize("make", [frames.dct, frames.haar])
@pytest.mark.parametrize(("n_code", "n_input"), [(0, 3), (3, 0), (-1, 3)])
def test_sizes_must_be_positive(make, n_code, n_input):
    with pytest.raises(ValueOutOfRange, match="at least 1"):
        make(n_code, n_input, rng=0)
