import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from isthmus import limits
from isthmus.core import ValueOutOfRange, as_rng
from isthmus.limits.population import unit_rows
from isthmus.priors import GaussBernoulli
from isthmus.training import descend_masked, masked_gradient, masked_risk
from isthmus.training.masked import draw_masks

seeds = st.integers(0, 2**31)


def drawn(seed, n_code, n_input, density=0.6, n_masks=3):
    rng = np.random.default_rng(seed)
    weight = rng.standard_normal((n_code, n_input))
    return weight, draw_masks(density, n_masks, n_input, rng=rng)


@settings(max_examples=12)
@given(seeds, st.integers(1, 5), st.integers(1, 6), st.floats(0.1, 2.0))
def test_gradient_is_that_of_the_risk(seed, n_code, n_input, scale):
    weight, masks = drawn(seed, n_code, n_input)
    # A row that a mask hides has no direction, and where two rows look alike through a
    # mask the arcsine has a kink: central differences see neither.
    for mask in masks:
        seen = weight * mask
        length = np.linalg.norm(seen, axis=1)
        if length.min() == 0 or n_code == 1:
            continue
        rho = np.abs(seen @ seen.T / np.outer(length, length) - 2 * np.eye(n_code))
        if rho[~np.eye(n_code, dtype=bool)].max() > 0.99:
            continue
        one = mask[None]
        found = masked_gradient(weight, one, 0.6, scale)
        expected = np.empty_like(weight)
        for at in np.ndindex(*weight.shape):
            step = np.zeros_like(weight)
            step[at] = 1e-5 * length.min()
            above, below = (
                masked_risk(weight + sign * step, one, 0.6, scale=scale).nmse
                for sign in (1, -1)
            )
            expected[at] = n_input * (above - below) / (2 * step[at])
        size = max(1.0, float(np.abs(expected).max()))
        np.testing.assert_allclose(found / size, expected / size, atol=1e-6)


def test_gradient_to_1e7_in_the_middle_of_its_domain():
    weight, masks = unit_rows(drawn(0, 8, 20)[0])[0], drawn(0, 8, 20, n_masks=5)[1]
    found = masked_gradient(weight, masks, 0.6, 0.7)
    for at in [(0, 0), (3, 7), (7, 19)]:
        step = np.zeros_like(weight)
        step[at] = 1e-5
        above, below = (
            masked_risk(weight + sign * step, masks, 0.6, scale=0.7).nmse
            for sign in (1, -1)
        )
        assert found[at] == pytest.approx(20 * (above - below) / 2e-5, abs=1e-7)


def test_gradient_of_several_masks_is_their_mean():
    weight, masks = drawn(1, 4, 9)
    each = [masked_gradient(weight, mask[None], 0.6, 0.8) for mask in masks]
    whole = masked_gradient(weight, masks, 0.6, 0.8)
    np.testing.assert_allclose(whole, np.mean(each, axis=0), rtol=1e-12)


def test_the_best_scale_is_best():
    weight, masks = drawn(2, 4, 9)
    best = masked_risk(weight, masks, 0.6)
    for factor in (0.99, 1.01):
        other = masked_risk(weight, masks, 0.6, scale=factor * best.scale)
        assert other.nmse > best.nmse


def test_risk_is_that_of_sampled_sparse_rows():
    # 400 masks and 200 000 rows: 5 standard errors of both. Row norms are unequal.
    p, d = 0.4, 12
    weight = drawn(3, 7, d)[0] / 4
    masks = draw_masks(p, 400, d, rng=as_rng(0))
    exact = masked_risk(weight, masks, p, scale=0.6)
    rows = GaussBernoulli(p).sample((200_000, d), 1)
    guess = 0.6 * np.where(rows @ weight.T >= 0, 1.0, -1.0) @ weight
    # The energy of the rows is d, known: only its product with the guess is sampled.
    loss = 1 + np.mean(guess**2 - 2 * rows * guess, axis=1)
    error = np.hypot(loss.std() / np.sqrt(loss.size), exact.standard_error)
    assert abs(loss.mean() - exact.nmse) < 5 * error
    assert error < 0.01


def test_a_hidden_row_is_a_constant_bit():
    # Two rows that see nothing: their bits are +1, and so is their product.
    weight = np.array([[1.0, 0.0, 0.0], [1.0, 0.0, 0.0], [0.0, 1.0, 0.0]])
    found = masked_risk(weight, np.array([[0, 1, 1]]), 0.5, scale=1.0)
    seen = np.sqrt(2 / np.pi) / np.sqrt(0.5)
    # guess = (2, +-1, 0): its square is 5.
    assert found.nmse == pytest.approx(1 - 2 * seen / 3 + 5 / 3, rel=1e-12)
    gradient = masked_gradient(weight, np.array([[0, 1, 1]]), 0.5, 1.0)
    assert np.all(np.isfinite(gradient))


def test_density_one_is_the_exact_gaussian_risk():
    weight = unit_rows(drawn(4, 5, 8)[0])[0]
    found = masked_risk(weight, np.ones((1, 8)), 1.0)
    sign = limits.population_risk(weight, found.scale * weight.T, np.eye(8))
    assert found.nmse == pytest.approx(sign, rel=1e-12)
    assert found.standard_error == 0.0
    assert np.isnan(masked_risk(weight, drawn(0, 5, 8, n_masks=1)[1], 0.6).standard_error)


def test_gaussian_descent_ends_at_the_limit():
    trained = descend_masked(1.0, 60, 30, rng=0, noise=0.0)
    assert trained.history[-1] == pytest.approx(limits.isotropic_limit(0.5), rel=1e-9)
    gram = trained.encoder_weight @ trained.encoder_weight.T
    np.testing.assert_allclose(gram, np.eye(30), atol=1e-4)
    assert trained.scale == pytest.approx(np.sqrt(2 / np.pi), rel=1e-4)


def test_masks_have_their_density_and_seeds_their_runs():
    masks = draw_masks(0.3, 100, 1000, rng=as_rng(0))
    assert abs(masks.mean() - 0.3) < 5 * np.sqrt(0.21 / masks.size)
    told = []
    runs = [
        descend_masked(0.5, 12, 6, rng=0, n_steps=5, progress=lambda *a: told.append(a))
        for _ in range(2)
    ]
    np.testing.assert_array_equal(runs[0].encoder_weight, runs[1].encoder_weight)
    assert [step for step, _ in told] == [1, 2, 3, 4, 5] * 2
    assert runs[0].history.size == 6
    start = runs[0].encoder_weight
    again = descend_masked(0.5, 12, 6, rng=0, n_steps=0, start=start)
    np.testing.assert_allclose(again.encoder_weight, start, rtol=1e-12)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"density": 0.0}, "density"),
        ({"n_code": 9}, "at most n_input = 8"),
        ({"n_masks": 0}, "n_masks"),
        ({"step_size": 0.0}, "step_size"),
        ({"noise": -1.0}, "noise"),
        ({"start": np.zeros((4, 8))}, "zero row"),
        ({"start": np.eye(3)}, "shape"),
    ],
)
def test_wrong_arguments_teach(arguments, words):
    given_ = {"density": 0.5, "n_input": 8, "n_code": 4, "rng": 0, **arguments}
    with pytest.raises(ValueOutOfRange, match=words):
        descend_masked(**given_)
    with pytest.raises(ValueOutOfRange, match="zeros and ones"):
        masked_risk(np.eye(2), np.full((1, 2), 0.5), 0.5)
