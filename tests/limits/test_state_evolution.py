import cases
import numpy as np
import pytest
from helpers import unchecked

from isthmus import limits, priors
from isthmus.core import ValueOutOfRange

# density, rate -> NMSE after steps 1, 2, 3, 6, 20.
PATHS = {
    (0.1, 0.5): (0.4021, 0.3129, 0.2867, 0.2733, 0.2726),
    (0.1, 1): (0.1175, 0.0793, 0.0681, 0.0614, 0.0608),
    (0.3, 0.5): (0.6150, 0.5959, 0.5937, 0.5935, 0.5935),
    (0.3, 1): (0.2560, 0.2419, 0.2401, 0.2399, 0.2399),
    (0.1, 2): (0.0557, 0.0257, 0.0178, 0.0128, 0.0122),
    (0.3, 2): (0.1363, 0.1009, 0.0913, 0.0866, 0.0864),
    (0.1, 4): (0.0257, 0.0080, 0.0044, 0.0025, 0.0023),
}
FIXED_POINTS = {
    0.05: {0.25: 0.3804, 0.5: 0.0907, 1: 0.0148, 2: 0.0026},
    0.1: {0.25: 0.6489, 0.5: 0.2726, 1: 0.0608, 2: 0.0122, 4: 0.0023},
    0.2: {0.5: 0.4981, 1: 0.1651, 2: 0.0469},
    0.3: {0.5: 0.5935, 1: 0.2399, 2: 0.0864},
    0.32: {1: 0.2513},
    0.5: {1: 0.3190, 2: 0.1483},
}


@pytest.mark.parametrize(("case", "row"), PATHS.items())
def test_paths_of_the_table(case, row):
    density, rate = case
    found = limits.state_evolution(priors.GaussBernoulli(density), rate).mse
    steps = np.minimum([0, 1, 2, 5, 19], found.size - 1)
    assert found[steps] == pytest.approx(row, abs=1e-4)


@pytest.mark.parametrize(
    ("density", "rate", "value"),
    [(p, r, value) for p, row in FIXED_POINTS.items() for r, value in row.items()],
)
def test_fixed_points_of_the_table(density, rate, value):
    path = limits.state_evolution(priors.GaussBernoulli(density), rate, n_iter=500)
    assert path.converged
    assert path.mse[-1] == pytest.approx(value, abs=1e-4)


@pytest.mark.parametrize("rate", [0.3, 1.0, 2.5])
@pytest.mark.parametrize("prior", cases.PRIORS, ids=repr)
def test_first_step_is_the_denoised_limit_and_no_step_is_worse(prior, rate):
    path = limits.state_evolution(prior, rate, n_iter=4)
    assert path.mse[0] == pytest.approx(limits.denoised_limit(prior, rate), rel=1e-8)
    assert np.all(np.diff(path.mse) <= 1e-8)
    assert np.all(path.mse >= 0)


@pytest.mark.parametrize("rate", [0.1, 0.5, 0.9, 1.0])
def test_gaussian_prior_stays_where_it_is_up_to_rate_one(rate):
    path = limits.state_evolution(priors.Gaussian(), rate)
    np.testing.assert_allclose(path.mse, limits.isotropic_limit(rate), rtol=1e-6)


@pytest.mark.parametrize(("rate", "ends"), [(2, (0.2220, 0.1997)), (4, (0.1249, 0.0803))])
def test_gaussian_prior_improves_above_rate_one(rate, ends):
    path = limits.state_evolution(priors.Gaussian(), rate, n_iter=200)
    assert path.mse[[0, -1]] == pytest.approx(ends, abs=1e-4)


def test_scale_cancels_and_equal_coordinates_are_one():
    one = priors.ScaleMixture([0.7, 0.3], [0.1, 2.0])
    wide = priors.ScaleMixture([0.7, 0.3], [10.0, 200.0])
    many = priors.CoordinatePriors.of([one] * 3)
    path = limits.state_evolution(one, 1.5)
    for other, tolerance in ((wide, 1e-9), (many, 1e-3)):
        end = limits.state_evolution(other, 1.5).mse[-1]
        assert end == pytest.approx(path.mse[-1], rel=tolerance)


def test_flipped_bits_cost_and_coin_flips_leave_the_prior():
    prior = priors.GaussBernoulli(0.1)
    ends = [
        limits.state_evolution(prior, 1.0, n_iter=300, flip_probability=flip).mse[-1]
        for flip in (0.0, 0.01, 0.1, 0.3, 0.4999)
    ]
    assert np.all(np.diff(ends) > 0)
    assert ends[-1] == pytest.approx(1.0, abs=1e-4)


@pytest.mark.parametrize("density", [0.05, 0.3, 1.0])
def test_bayes_limit_of_sparse_gaussians_is_one_number(density):
    prior = priors.GaussBernoulli(density)
    limit = limits.bayes_limit(prior, 0.75)
    assert limit.status == "conjecture"
    path = limits.state_evolution(prior, 0.75, n_iter=1000)
    assert limit.lower == pytest.approx(path.mse[-1], rel=2e-5)
    assert limit.upper == pytest.approx(path.mse[-1], rel=1e-7)


def test_bayes_limit_of_signs_has_two_ends():
    # Known signs stay known; from the prior they are found at rate 2.5, not at 1.
    hard, easy = (limits.bayes_limit(priors.SparseRademacher(1.0), r) for r in (1.0, 2.5))
    assert hard.status == "bound"
    assert hard.lower < 1e-6 < 0.25 < hard.upper
    assert easy.status == "conjecture"
    assert easy.upper < 1e-6


@pytest.mark.parametrize("rate", [0.0, -1.0, float("nan"), [1.0, 2.0]])
def test_rates_outside_the_domain(rate):
    with pytest.raises(ValueOutOfRange, match="rate=..."):
        unchecked(limits.state_evolution)(priors.Gaussian(), rate)


def test_what_is_no_prior():
    with pytest.raises(ValueOutOfRange, match="must be a prior"):
        unchecked(limits.state_evolution)("sparse", 1.0)


@pytest.mark.parametrize("flip", [-0.1, 0.5, float("nan")])
def test_bad_flips(flip):
    with pytest.raises(ValueOutOfRange, match="flip_probability"):
        limits.state_evolution(priors.Gaussian(), 1.0, flip_probability=flip)
