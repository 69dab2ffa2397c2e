import numpy as np
import pytest
import torch
from scipy.linalg import expm

from isthmus.core.errors import DataError, ValueOutOfRange
from isthmus.core.random import as_rng
from isthmus.training.penalties import (
    Denoising,
    LearnedOrbit,
    OrbitCompletion,
    PenaltySum,
    fit_generators,
)
from isthmus.training.penalties.orbit_search import nearest_amounts, terms


def orbit_rows(seed, n_rows, frequencies, reach, n_input=12, noise=0.0):
    rng = as_rng(seed)
    frequencies = np.asarray(frequencies, float)
    size = np.square(frequencies).sum(axis=1) ** -0.75
    scale = np.concatenate([[1.0], size, size])[:, None]
    coefficients = scale * rng.normal(size=(1 + 2 * len(frequencies), n_input))
    amounts = reach * rng.random((n_rows, frequencies.shape[1]))
    x = terms(amounts, frequencies) @ coefficients
    return x + noise * rng.normal(size=x.shape), coefficients


def true_generator(coefficients, frequencies):
    m = len(frequencies)
    cosines, sines = coefficients[1 : 1 + m], coefficients[1 + m :]
    moved = [0 * coefficients[:1], frequencies[:, None] * sines]
    moved = np.concatenate([*moved, -frequencies[:, None] * cosines])
    return (np.linalg.pinv(coefficients) @ moved).T


HARMONICS = np.array([1.0, 2.0, 3.0])


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_known_generator_is_found_from_ten_rows_in_random_order(seed):
    x, coefficients = orbit_rows(seed, 10, HARMONICS[:, None], 2 * np.pi)
    orbit = fit_generators(x, rng=seed)
    truth = true_generator(coefficients, HARMONICS)
    found = orbit.generators[0]
    cosine = np.sum(found * truth) / np.linalg.norm(found) / np.linalg.norm(truth)
    assert orbit.trusted
    assert orbit.held_out < 1e-12
    assert orbit.period == pytest.approx(2 * np.pi)
    assert abs(cosine) == pytest.approx(1.0, abs=1e-6)


def test_generators_move_rows_along_the_orbit():
    x, _ = orbit_rows(3, 10, HARMONICS[:, None], 2 * np.pi)
    orbit = fit_generators(x, rng=0)
    moved = expm(0.7 * orbit.generators[0]) @ x[0]
    assert moved == pytest.approx(orbit.at(orbit.amounts[:1] + 0.7)[0], abs=1e-9)


def test_two_commuting_generators_are_found_from_a_patch():
    frequencies = [[1, 0], [0, 1], [1, 1]]
    x, coefficients = orbit_rows(4, 16, frequencies, np.pi)
    orbit = fit_generators(x, 2, rng=0)
    assert orbit.trusted
    assert orbit.period is None
    first, second = orbit.generators
    assert first @ second == pytest.approx(second @ first, abs=1e-6)
    truth = [true_generator(coefficients, w) for w in np.array(frequencies, float).T]
    basis = np.linalg.qr(np.stack([g.ravel() for g in truth], axis=1))[0]
    for found in (first, second):
        unit = found.ravel() / np.linalg.norm(found)
        assert np.linalg.norm(basis.T @ unit) == pytest.approx(1.0, abs=1e-6)


def test_rows_of_no_orbit_are_not_trusted():
    x = as_rng(0).normal(size=(12, 6))
    assert not fit_generators(x, n_starts=8, rng=0).trusted


@pytest.mark.parametrize("seed", [5, 6, 7])
def test_rows_with_much_noise_are_not_trusted(seed):
    x, _ = orbit_rows(seed, 10, HARMONICS[:, None], 2 * np.pi, noise=0.3)
    orbit = fit_generators(x, n_frequencies=3, n_starts=16, rng=0)
    assert orbit.residual < 0.1
    assert not orbit.trusted


def test_rows_left_out_find_their_place():
    rng = as_rng(6)
    frequencies, coefficients = HARMONICS[None, :, None], rng.normal(size=(1, 7, 9))
    amounts = 2 * np.pi * rng.random((1, 5, 1))
    points = terms(amounts, frequencies) @ coefficients
    start = amounts + 0.05
    found, squared = nearest_amounts(points, start, frequencies, coefficients)
    assert found == pytest.approx(amounts, abs=1e-6)
    assert squared == pytest.approx(0.0, abs=1e-10)


def test_refusals():
    with pytest.raises(DataError, match="determine 2 frequencies"):
        fit_generators(np.eye(4), n_frequencies=2, rng=0)
    x, _ = orbit_rows(0, 10, HARMONICS[:, None], 2 * np.pi)
    with pytest.raises(DataError, match="determine 4 frequencies"):
        fit_generators(x, n_frequencies=4, rng=0)
    with pytest.raises(DataError, match="determine 3 frequencies"):
        fit_generators(x[:9], rng=0)
    with pytest.raises(DataError, match="all are equal"):
        fit_generators(np.ones((6, 3)), rng=0)
    with pytest.raises(DataError, match="finite rows"):
        fit_generators(np.full((6, 3), np.nan), rng=0)
    with pytest.raises(ValueOutOfRange, match="n_frequencies"):
        fit_generators(np.eye(8), 2, n_frequencies=1, rng=0)


def circle(held_out, frequencies=((1.0,),)):
    made = np.array([[0.5, 0.0], [1.0, 0.0], [0.0, 1.0]])
    return LearnedOrbit(
        np.array([[0.0], [0.5]]), np.array(frequencies), made, 0.0, held_out
    )


def test_completion_covers_a_closed_orbit_evenly():
    torch.manual_seed(0)
    points = OrbitCompletion(circle(0.0)).points(4000)
    turned = points - torch.tensor([0.5, 0.0])
    assert turned.norm(dim=1).sub(1.0).abs().max() < 1e-5
    assert turned.mean(dim=0).abs().max() < 5 * (0.5 / 4000) ** 0.5


def test_completion_of_an_open_orbit_stays_near_the_rows():
    torch.manual_seed(0)
    open_orbit = LearnedOrbit(
        np.array([[0.0], [1.0]]),
        np.array([[1.0], [np.sqrt(2.0)]]),
        as_rng(0).normal(size=(5, 3)),
        0.0,
        0.0,
    )
    assert open_orbit.period is None
    amounts = OrbitCompletion(open_orbit)._amounts(1000)
    assert -0.3 <= amounts.min() < 0.0
    assert 1.0 < amounts.max() <= 1.3


def test_mistrusted_orbit_leaves_denoising():
    torch.manual_seed(0)
    penalty = OrbitCompletion(circle(1.0), fallback_std=0.1)
    given, wanted = penalty.pair(torch.zeros(2000, 2))
    assert given.std().item() == pytest.approx(0.1, rel=0.1)
    assert wanted.abs().max() == 0.0


def test_noise_after_completion_wants_the_clean_points_back():
    torch.manual_seed(0)
    both = PenaltySum(OrbitCompletion(circle(0.0), n_copies=2), Denoising(0.1))
    given, wanted = both.pair(torch.tensor([[1.5, 0.0]]))
    assert given.shape == wanted.shape == (3, 2)
    off = (wanted - torch.tensor([0.5, 0.0])).norm(dim=1) - 1.0
    assert off.abs().max() < 1e-5
    assert (given != wanted).all()


def test_rows_of_another_width_are_refused():
    with pytest.raises(ValueOutOfRange, match="2 coordinates"):
        OrbitCompletion(circle(0.0)).pair(torch.zeros(3, 5))
