import numpy as np
import pytest
import torch
from helpers import unchecked

from isthmus import frames, priors
from isthmus.core import DataError, NotConverged, ValueOutOfRange
from isthmus.core.protocol import hold_out
from isthmus.core.random import as_rng
from isthmus.decoders import LearnedDecoder, MessagePassingDecoder
from isthmus.models.straight_through import code_layer
from isthmus.models.unrolled_autoencoder import UnrolledAutoencoder, polar_retraction
from isthmus.training import train_with_layers

SPARSE = priors.GaussBernoulli(0.2)


def signs(frame, x):
    return np.where(frame.forward(x) >= 0, 1.0, -1.0).astype(x.dtype)


def even(x):
    """Rows of power 1, as if their lengths were sent."""
    size = np.linalg.norm(x, axis=1, keepdims=True)
    return (x * np.sqrt(x.shape[1]) / np.maximum(size, 1e-9)).astype(np.float32)


def error(decoder, x):
    left = x - decoder.decode(signs(decoder.frame, x))
    return float(np.sum(left**2) / np.sum(x**2))


def waves(n_rows, n_input=16, rng=0):
    """Rows on a circle, which no prior of single coordinates describes."""
    start = np.random.default_rng(rng).uniform(0.0, 2.0 * np.pi, (n_rows, 1))
    return np.sqrt(2.0) * np.sin(np.linspace(0.0, 6.0, n_input) + start)


@pytest.fixture(scope="module")
def wave_fit():
    x = waves(600)
    start = LearnedDecoder(frames.haar(16, 16, rng=0), priors.Gaussian())
    return x, start, train_with_layers(start, x, n_steps=60, rng=3)


@pytest.mark.parametrize("matrices", [False, True])
@pytest.mark.parametrize("rate", [0.5, 1.0, 2.0])
def test_untrained_it_is_the_frozen_decoder(rate, matrices):
    frame = frames.dct(int(32 * rate), 32, rng=0)
    x = SPARSE.sample((40, 32), 1)
    decoder = LearnedDecoder(frame, SPARSE, matrices=matrices)
    with torch.no_grad():
        found = UnrolledAutoencoder(decoder.network)(torch.tensor(x)).numpy()
    np.testing.assert_allclose(found, decoder.decode(signs(frame, x)), atol=1e-10)


@pytest.mark.parametrize("matrices", [False, True])
@pytest.mark.parametrize("rate", [0.5, 2.0])
def test_gradient_is_that_of_the_surrogate(rate, matrices):
    # y + tanh(u / tau) - tanh(u0 / tau) equals the signs at W0 and has the surrogate's
    # slope there, so that its differences are the straight-through gradient.
    temperature = 0.7
    frame = frames.haar(int(16 * rate), 16, rng=0)
    x = torch.tensor(SPARSE.sample((12, 16), 2))
    net = LearnedDecoder(frame, SPARSE, matrices=matrices).network
    model = UnrolledAutoencoder(net, temperature=temperature)
    loss = (model(x) - x).square().mean()
    (slope,) = torch.autograd.grad(loss, model.weight)
    weight, gain = model.weight.detach(), max(rate, 1.0) ** 0.5
    codes = code_layer("sign").forward(x @ weight.T)
    move = torch.randn(weight.shape, generator=torch.Generator().manual_seed(1)).double()

    def smooth(size):
        moved = weight + size * move
        bend = [torch.tanh(gain * (x @ w.T) / temperature) for w in (moved, weight)]
        with torch.no_grad():
            return float((net(codes + bend[0] - bend[1], moved) - x).square().mean())

    step = 1e-4
    difference = (smooth(step) - smooth(-step)) / (2.0 * step)
    assert abs(difference) > 1e-3
    assert float((slope * move).sum()) == pytest.approx(difference, rel=5e-3)


@pytest.mark.parametrize("shape", [(5, 9), (9, 5), (7, 7)])
@pytest.mark.parametrize("size", [1e-8, 0.05, 3.0])
def test_retraction_is_the_polar_factor(shape, size):
    rng = np.random.default_rng(0)
    given = frames.haar(*shape, rng=0).to_dense() + size * rng.standard_normal(shape)
    found = polar_retraction(torch.tensor(given)).numpy()
    left, _, right = np.linalg.svd(given, full_matrices=False)
    np.testing.assert_allclose(found, left @ right, atol=1e-12)


def test_trained_encoder_is_a_partial_isometry_and_serves_dependent_rows(wave_fit):
    _, start, found = wave_fit
    weight = found.frame.to_dense()
    np.testing.assert_allclose(weight @ weight.T, np.eye(16), atol=1e-12)
    assert not np.allclose(weight, start.frame.to_dense(), atol=0.01)
    fresh = waves(2000, rng=9)
    frozen = LearnedDecoder(start.frame, start.prior)
    frozen.fit(signs(start.frame, fresh[:600]), fresh[:600], n_steps=100, rng=3)
    # 0.36 and 0.16; error of either on 1400 rows below 0.005.
    assert error(found, fresh[600:]) < 0.7 * error(frozen, fresh[600:])


def test_what_is_kept_is_the_best_on_rows_held_out(wave_fit):
    x, start, found = wave_fit
    curve = found.history
    held = x[hold_out(x, rng=as_rng(3)).test]
    assert curve.held_out_nmse[0] == pytest.approx(error(start, held), rel=1e-9)
    assert curve.held_out_nmse.min() == pytest.approx(error(found, held), rel=1e-9)
    assert curve.checked[np.argmin(curve.held_out_nmse)] == curve.best_step


def test_a_step_that_spoils_the_held_out_rows_is_taken_back():
    x = even(SPARSE.sample((300, 16), 0))
    start = LearnedDecoder(frames.haar(16, 16, rng=0), SPARSE)
    found = train_with_layers(start, x, n_steps=1, learning_rate=0.3, rng=0)
    assert found.history.held_out_nmse[1] > 1.1 * found.history.held_out_nmse[0]
    assert found.history.best_step == 0
    np.testing.assert_allclose(found.frame.to_dense(), start.frame.to_dense(), atol=1e-12)
    assert error(found, x) == pytest.approx(error(start, x), rel=1e-5)


def test_equal_seeds_give_equal_encoders_and_the_start_stays(wave_fit):
    x, start, found = wave_fit
    before = start.state()
    again = train_with_layers(start, x, n_steps=60, rng=3)
    np.testing.assert_array_equal(again.frame.to_dense(), found.frame.to_dense())
    other = train_with_layers(start, x, n_steps=5, rng=4)
    assert not np.array_equal(other.history.nmse, found.history.nmse[:5])
    for name, part in start.state().items():
        np.testing.assert_array_equal(part, before[name])


def test_weights_say_which_coordinates_matter():
    x = even(SPARSE.sample((800, 16), 0))
    start = LearnedDecoder(frames.haar(6, 16, rng=0), SPARSE)
    weights = np.r_[np.ones(3), np.zeros(13)]
    found = train_with_layers(start, x, weights=weights, n_steps=60, rng=0)
    share = np.square(found.frame.to_dense()[:, :3]).sum()
    assert share > 1.5 * np.square(start.frame.to_dense()[:, :3]).sum()  # most is 3


def test_layers_with_matrices_train_with_the_encoder():
    x = waves(400)
    start = LearnedDecoder(frames.haar(8, 16, rng=0), priors.Gaussian(), matrices=True)
    found = train_with_layers(start, x, n_steps=60, rng=0)
    assert found.matrices
    assert error(found, waves(1000, rng=5)) < 0.8 * error(start, waves(1000, rng=5))


@pytest.mark.slow
@pytest.mark.parametrize("density", [0.1, 0.3])
def test_independent_sparse_rows_lose_nothing(density):
    # Over four seeds of 8000 held-out rows the difference has a standard error of 0.2 to
    # 0.4 % of the error: a loss of 3 % would be seen at seven of them or more.
    prior, apart, frozen = priors.GaussBernoulli(density), [], []
    for seed in range(4):
        x = even(prior.sample((12_000, 64), seed))
        train, test = x[:4000], x[4000:]
        frame = frames.haar(64, 64, rng=seed)
        start = LearnedDecoder(frame, prior).fit(signs(frame, train), train, rng=seed)
        found = train_with_layers(start, train, n_steps=300, rng=seed)
        frozen.append(error(start, test))
        apart.append(error(found, test) - frozen[-1])
    spread = np.std(apart, ddof=1) / 2.0
    assert spread < 0.007 * np.mean(frozen)
    assert np.mean(apart) < 4.0 * max(spread, 0.002 * np.mean(frozen))


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"temperature": 0.0}, "temperature=...\\)` must be positive"),
        ({"learning_rate": -1.0}, "learning_rate=...\\)` must be positive"),
        ({"n_steps": 0}, "n_steps"),
        ({"batch_size": 1.5}, "batch_size"),
        ({"weights": np.ones(3)}, "one per column; got shape \\(3,\\)"),
        ({"weights": -np.ones(16)}, "finite numbers >= 0"),
        ({"weights": np.zeros(16)}, "not all be zero"),
    ],
)
def test_numbers_outside_their_domain(given, words):
    start = LearnedDecoder(frames.haar(16, 16, rng=0), priors.Gaussian())
    with pytest.raises(ValueOutOfRange, match=words):
        unchecked(train_with_layers)(start, waves(20), **{"rng": 0} | given)


def test_rows_and_decoders_that_cannot_be_used():
    start = LearnedDecoder(frames.haar(16, 16, rng=0), priors.Gaussian())
    with pytest.raises(DataError, match="finite; row 1"):
        train_with_layers(start, np.r_[waves(1), np.full((1, 16), np.nan)], rng=0)
    with pytest.raises(ValueOutOfRange, match="must have 16 columns"):
        train_with_layers(start, waves(20, 15), rng=0)
    closed = MessagePassingDecoder(start.frame, start.prior)
    with pytest.raises(ValueOutOfRange, match="must be a LearnedDecoder"):
        unchecked(train_with_layers)(closed, waves(20), rng=0)
    huge = waves(40).astype(np.float32)
    huge[::2] *= np.float32(1e25)
    with pytest.raises(NotConverged, match="train_with_layers\\(learning_rate"):
        train_with_layers(start, huge, rng=0, n_steps=20)
