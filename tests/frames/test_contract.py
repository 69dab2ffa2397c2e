import cases
import numpy as np
import pytest
import torch
from helpers import unchecked
from scipy.linalg import hadamard as sylvester

from isthmus import frames
from isthmus.core import ValueOutOfRange

MAKERS = [frames.dct, frames.haar, frames.hadamard]
GOLDEN_PLACES = [4, 5, 3, 1]
GOLDEN_LATER = [[-1, -1, 1, 1, -1, 1, 1, 1], [1, 1, 1, -1, -1, -1, 1, 1]]
DTYPES = [(torch.float64, np.float64, 1e-12), (torch.float32, np.float32, 1e-5)]


def label(frame):
    later = len(getattr(frame, "later", ()))
    return f"{type(frame).__name__}-{frame.n_code}-{frame.n_input}-{1 + later}"


def test_every_frame_has_a_case():
    public = {
        thing
        for name in frames.__all__
        if isinstance(thing := getattr(frames, name), type)
        and not name.startswith("Abstract")
    }
    assert public == {type(operator) for operator in cases.OPERATORS}
    assert {type(frame) for frame in cases.FRAMES} == {
        thing for thing in public if issubclass(thing, frames.AbstractFrame)
    }


@pytest.mark.parametrize("frame", cases.FRAMES, ids=label)
def test_partial_isometry(frame):
    w = frame.to_dense()
    gram = w @ w.T if frame.n_code <= frame.n_input else w.T @ w
    np.testing.assert_allclose(gram, np.eye(len(gram)), atol=1e-13)


@pytest.mark.parametrize("operator", cases.OPERATORS, ids=label)
class TestOperatorContract:
    def test_forward_and_adjoint_are_the_dense_matrix(self, operator, rng):
        # 600 rows: more than one block
        x = rng.standard_normal((600, operator.n_input))
        y = rng.standard_normal((600, operator.n_code))
        w = operator.to_dense()
        assert w.shape == (operator.n_code, operator.n_input)
        assert operator.rate == operator.n_code / operator.n_input
        np.testing.assert_allclose(operator.forward(x), x @ w.T, atol=1e-12)
        np.testing.assert_allclose(operator.adjoint(y), y @ w, atol=1e-12)
        np.testing.assert_allclose(
            np.sum(operator.forward(x) * y), np.sum(x * operator.adjoint(y)), rtol=1e-9
        )

    def test_no_rows(self, operator):
        assert operator.forward(np.ones((0, operator.n_input))).shape == (
            0,
            operator.n_code,
        )
        y = torch.ones((0, operator.n_code))
        assert operator.adjoint(y).shape == (0, operator.n_input)

    def test_float32_stays_float32(self, operator, rng):
        x = rng.standard_normal((3, operator.n_input)).astype(np.float32)
        y = operator.forward(x)
        assert y.dtype == np.float32
        assert operator.adjoint(y).dtype == np.float32

    def test_input_is_not_changed(self, operator, rng):
        x = rng.standard_normal((3, operator.n_input))
        before = x.copy()
        operator.adjoint(operator.forward(x))
        np.testing.assert_array_equal(x, before)

    @pytest.mark.parametrize(("of_torch", "of_numpy", "atol"), DTYPES)
    def test_tensors_go_the_same_way(self, operator, of_torch, of_numpy, atol, rng):
        x = rng.standard_normal((5, operator.n_input)).astype(of_numpy)
        y = rng.standard_normal((5, operator.n_code)).astype(of_numpy)
        for method, rows in ((operator.forward, x), (operator.adjoint, y)):
            tensor = method(torch.from_numpy(rows))
            assert tensor.dtype == of_torch
            scale = max(1.0, np.abs(operator.to_dense()).max())
            np.testing.assert_allclose(tensor.numpy(), method(rows), atol=atol * scale)

    def test_tensors_stay_on_their_device(self, operator):
        x = torch.ones((2, operator.n_input), device="meta")
        y = operator.forward(x)
        assert y.device.type == "meta"
        assert operator.adjoint(y).device.type == "meta"

    def test_gradients_flow_through_tensors(self, operator, rng):
        x = torch.from_numpy(rng.standard_normal((3, operator.n_input)))
        y = torch.from_numpy(rng.standard_normal((3, operator.n_code)))
        x.requires_grad_(True)
        y.requires_grad_(True)
        torch.sum(operator.forward(x) * y.detach()).backward()
        np.testing.assert_allclose(x.grad, operator.adjoint(y).detach(), atol=1e-11)
        torch.sum(operator.adjoint(y) * x.detach()).backward()
        np.testing.assert_allclose(y.grad, operator.forward(x).detach(), atol=1e-11)

    def test_rows_of_another_shape_are_refused(self, operator):
        wide = np.ones((2, operator.n_input + 1))
        for bad, words in (
            (wide, "must have shape"),
            (wide[0, 1:], "matrix of one row"),
            (torch.ones(2, operator.n_input, dtype=torch.int64), "floating-point"),
        ):
            # past the type checks of the tests, as users are
            with pytest.raises(ValueOutOfRange, match=words):
                unchecked(type(operator).forward)(operator, bad)


@pytest.mark.parametrize("make", MAKERS)
def test_same_seed_same_frame(make):
    first, again, other = (make(32, 12, rng=seed).to_dense() for seed in (3, 3, 4))
    np.testing.assert_array_equal(first, again)
    assert np.abs(first - other).max() > 0.1


@pytest.mark.parametrize("make", [frames.dct, frames.hadamard])
def test_draws_are_the_same_on_every_machine(make):
    # Golden values: they change only if saved models would change too.
    frame = make(8, 4, rng=0, rounds=3)
    assert frame.signs.tolist() == [1, 1, 1, 1]
    assert frame.places.tolist() == GOLDEN_PLACES
    assert [flips.tolist() for flips in frame.later] == GOLDEN_LATER
    first = make(8, 4, rng=0)
    assert (first.signs.tolist(), first.places.tolist()) == ([1, 1, 1, 1], GOLDEN_PLACES)
    assert first.later == ()


def test_dct_of_any_size_is_the_same_on_every_machine():
    frame = frames.dct(6, 4, rng=0)
    assert (frame.signs.tolist(), frame.places.tolist()) == ([1, 1, 1, 1], [4, 5, 3, 1])


def test_a_square_hadamard_frame_keeps_its_inputs_in_order():
    frame = frames.hadamard(8, 8, rng=0, rounds=2)
    expected = sylvester(8) @ np.diag(frame.later[0]) @ sylvester(8) * frame.signs / 8
    np.testing.assert_allclose(frame.to_dense(), expected, atol=1e-15)
    assert frame.signs.tolist() == [1, 1, 1, 1, -1, 1, -1, 1]


def test_hadamard_columns_are_chosen_at_random_and_its_rows_too():
    tall, wide = frames.hadamard(64, 24, rng=5), frames.hadamard(24, 64, rng=5)
    expected = sylvester(64)[:, tall.places] * tall.signs / 8
    np.testing.assert_allclose(tall.to_dense(), expected, atol=1e-15)
    expected = sylvester(64)[wide.places] * wide.signs / 8
    np.testing.assert_allclose(wide.to_dense(), expected, atol=1e-15)
    assert np.unique(tall.to_dense(), axis=0).shape[0] == 64  # no row twice


@pytest.mark.parametrize("make", MAKERS)
@pytest.mark.parametrize(("n_code", "n_input"), [(0, 3), (3, 0), (-1, 3)])
def test_sizes_must_be_positive(make, n_code, n_input):
    with pytest.raises(ValueOutOfRange, match="at least 1"):
        make(n_code, n_input, rng=0)


@pytest.mark.parametrize(
    ("n_code", "n_input", "words"),
    [(12, 8, "n_code.*got 12. Take 8 or 16"), (8, 12, "n_input.*got 12"), (5, 5, "dct")],
)
def test_the_longer_side_of_hadamard_is_a_power_of_two(n_code, n_input, words):
    with pytest.raises(ValueOutOfRange, match=words):
        frames.hadamard(n_code, n_input, rng=0)


@pytest.mark.parametrize("make", [frames.dct, frames.hadamard])
@pytest.mark.parametrize("rounds", [0, 4, -1])
def test_rounds_are_one_to_three(make, rounds):
    with pytest.raises(ValueOutOfRange, match="1, 2 or 3"):
        make(8, 4, rng=0, rounds=rounds)


@pytest.mark.parametrize("make", MAKERS)
@pytest.mark.parametrize("size", [True, 2**40])
def test_sizes_that_are_none_or_do_not_fit(make, size):
    with pytest.raises(ValueOutOfRange):
        make(size, 2, rng=0)
