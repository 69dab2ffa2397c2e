import math

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from limits.oracles import spectrum, water_fill, water_fill_all_subsets
from scipy import optimize, stats
from scipy.optimize import brentq

from isthmus import limits
from isthmus.core import ValueOutOfRange

D = 100
RATES = np.array([50, 100, 200])
ALPHA = np.pi / 2 - 1
AR1 = np.linalg.eigvalsh(0.95 ** np.abs(np.subtract.outer(np.arange(D), np.arange(D))))
SPECTRA = {
    "two blocks": (np.repeat([4.0, 1.0], 50), [0.49070, 0.32704, 0.19983]),
    "1/k": (np.arange(1, D + 1) ** -1.0, [0.36050, 0.24208, 0.14791]),
    "AR(1)": (AR1, [0.15289, 0.09946, 0.06065]),
    "1/k^2": (np.arange(1, D + 1) ** -2.0, [0.09697, 0.06100, 0.03655]),
}

spectra = st.lists(st.floats(1e-3, 1e3), min_size=1, max_size=30).map(np.array)


def water_filled(eigenvalues, n_code, alpha=ALPHA):
    """Second route: stationarity solved by a root finder in the logarithm of theta."""
    lam = np.sort(eigenvalues)[::-1]
    q = np.sqrt(lam[: min(n_code, lam.size)])

    def spent(log_theta):
        return np.maximum(alpha * (q / np.exp(log_theta) - 1), 0).sum() - n_code

    theta = np.exp(
        brentq(
            spent, np.log(q[0]) - 60, np.log(q[0]) + 1, xtol=1e-15, rtol=1e-15, maxiter=500
        )
    )
    mu = np.zeros(lam.size)
    mu[: q.size] = np.maximum(alpha * (q / theta - 1), 0)
    return np.sum(lam * alpha / (mu + alpha)) / lam.sum(), mu


@pytest.mark.parametrize(("eigenvalues", "expected"), SPECTRA.values(), ids=SPECTRA)
def test_values_of_four_spectra(eigenvalues, expected):
    result = limits.covariance_limit(eigenvalues, RATES)
    np.testing.assert_allclose(result.nmse, expected, atol=6e-6)


@pytest.mark.parametrize("n_code", [1, 25, 100, 150, 400])
def test_equal_eigenvalues_give_the_isotropic_limit(n_code):
    result = limits.covariance_limit(np.full(D, 3.7), n_code)
    assert result.nmse == pytest.approx(limits.isotropic_limit(n_code / D), rel=1e-13)
    assert result.gains.sum() == pytest.approx(n_code, rel=1e-13)
    assert result.n_active == min(n_code, D)


@given(spectra, st.integers(1, 60))
def test_agrees_with_an_independent_solver(eigenvalues, n_code):
    result = limits.covariance_limit(eigenvalues, n_code)
    nmse, mu = water_filled(eigenvalues, n_code)
    assert result.nmse == pytest.approx(nmse, rel=1e-9)
    np.testing.assert_allclose(
        np.sort(result.gains)[::-1], mu, rtol=1e-6, atol=1e-8 * n_code
    )


@given(spectra, st.integers(1, 60), st.integers(0, 2**31))
def test_no_other_allocation_is_better(eigenvalues, n_code, seed):
    rng = np.random.default_rng(seed)
    best = limits.covariance_limit(eigenvalues, n_code)
    k = min(n_code, eigenvalues.size)
    mu = np.zeros(eigenvalues.size)
    mu[rng.permutation(eigenvalues.size)[:k]] = n_code * rng.dirichlet(np.full(k, 0.7))
    risk = np.sum(eigenvalues * ALPHA / (mu + ALPHA)) / eigenvalues.sum()
    assert risk >= best.nmse * (1 - 1e-12)
    mine = np.sum(eigenvalues * ALPHA / (best.gains + ALPHA)) / eigenvalues.sum()
    assert mine == pytest.approx(best.nmse, rel=1e-10)


@given(spectra, st.integers(1, 60), st.floats(1e-6, 1e6), st.integers(0, 2**31))
def test_scale_and_order_do_not_matter(eigenvalues, n_code, scale, seed):
    order = np.random.default_rng(seed).permutation(eigenvalues.size)
    first = limits.covariance_limit(eigenvalues, n_code)
    other = limits.covariance_limit(scale * eigenvalues[order], n_code)
    assert other.nmse == pytest.approx(first.nmse, rel=1e-11)
    same = np.sort(first.gains), np.sort(other.gains)
    np.testing.assert_allclose(*same, rtol=1e-8, atol=1e-9 * n_code)


@given(spectra)
def test_many_code_lengths_at_once(eigenvalues):
    lengths = np.arange(1, 50)
    many = limits.covariance_limit(eigenvalues, lengths)
    ones = [limits.covariance_limit(eigenvalues, int(n)) for n in lengths]
    np.testing.assert_array_equal(many.nmse, [one.nmse for one in ones])
    np.testing.assert_array_equal(many.gains, [one.gains for one in ones])
    np.testing.assert_array_equal(many.tightness, [one.tightness for one in ones])
    assert many.status == tuple(one.status for one in ones)
    assert np.all(np.diff(many.nmse) < 0)
    np.testing.assert_allclose(many.gains.sum(axis=1), lengths, rtol=1e-10)


@settings(max_examples=300)
@given(spectra, st.integers(1, 60))
def test_above_rate_distortion_at_equal_bits(eigenvalues, n_code):
    # Not proved; held in thousands of random spectra.
    shannon = limits.rate_distortion(eigenvalues, n_code)
    assert limits.covariance_limit(eigenvalues, n_code).nmse > shannon


def test_identity_is_principal_components():
    lam = np.arange(10.0, 0.0, -1.0)
    for n_code in (1, 4, 10, 15):
        result = limits.covariance_limit(lam[::-1], n_code, activation="identity")
        assert result.nmse == pytest.approx(lam[n_code:].sum() / lam.sum(), abs=1e-15)
        assert result.gains.sum() == pytest.approx(n_code)


def test_zero_eigenvalues_receive_nothing():
    lam = np.array([0.0, 2.0, 0.0, 1.0])
    result = limits.covariance_limit(lam, 3)
    assert result.gains[[0, 2]].tolist() == [0.0, 0.0]
    assert result.nmse == pytest.approx(limits.covariance_limit(lam[lam > 0], 3).nmse)


def test_status_and_tightness():
    flat = limits.covariance_limit(np.ones(D), np.array([50, 100, 150]))
    assert flat.status == ("theorem", "theorem", "theorem (tied decoders)")
    spiky = limits.covariance_limit(np.arange(1, D + 1) ** -2.0, 100)
    assert spiky.status == "asymptotic"
    assert spiky.tightness == pytest.approx(spiky.gains.max() / 100, rel=1e-12)
    assert limits.covariance_limit(np.ones(4), 2).status == "theorem"  # attained exactly


@pytest.mark.parametrize("target", [0.9, 0.5, 0.2, 0.05])
@pytest.mark.parametrize("name", SPECTRA)
def test_code_length_is_the_least(name, target):
    lam = SPECTRA[name][0]
    n_code = limits.code_length_for(lam, target)
    assert limits.covariance_limit(lam, n_code).nmse <= target
    assert n_code == 1 or limits.covariance_limit(lam, n_code - 1).nmse > target


@pytest.mark.parametrize(
    ("eigenvalues", "words"),
    [
        ([1.0, -0.5], "must not be negative"),
        ([1.0, float("nan")], "must be finite; got nan at position 1"),
        ([], "at least one number"),
        ([0.0, 0.0], "must not all be zero"),
        (np.eye(3), "eigvalsh"),
    ],
)
def test_eigenvalues_that_are_none(eigenvalues, words):
    for function in (
        limits.covariance_limit,
        limits.rate_distortion,
        limits.transform_coding,
    ):
        with pytest.raises(ValueError, match=words):
            function(np.asarray(eigenvalues), 2)


@pytest.mark.parametrize("n_code", [0, -3, 2.5])
def test_code_lengths_that_are_none(n_code):
    with pytest.raises(ValueError, match="whole number|at least 1"):
        limits.covariance_limit(np.ones(3), np.asarray([n_code]))


def test_rounding_noise_below_zero_is_removed():
    noisy = limits.covariance_limit(np.array([1.0, 1.0, -1e-15]), 2)
    assert noisy.nmse == pytest.approx(limits.isotropic_limit(1.0), rel=1e-13)


# Independent routes (oracles.py), written without sight of the implementation.
wild = st.lists(
    st.one_of(st.just(0.0), st.floats(-4, 4).map(lambda e: 10.0**e)),
    min_size=1,
    max_size=15,
).map(np.array)
wild = wild.filter(lambda lam: lam.max() > 0)


@pytest.mark.parametrize("n_code", [1, 7, 50, 100, 137, 200, 1000])
@pytest.mark.parametrize("name", ["white", "two-blocks", "k^-1", "k^-2", "ar.95"])
def test_gains_are_the_water_levels_in_the_given_order(name, n_code, rng):
    lam = rng.permutation(spectrum(name))
    result = limits.covariance_limit(lam, n_code)
    mu, nmse = water_fill(lam, n_code)
    assert result.nmse == pytest.approx(nmse, rel=1e-10)
    if name not in ("white", "two-blocks"):  # elsewhere a tie may be cut anywhere
        np.testing.assert_allclose(result.gains, mu, rtol=1e-7, atol=1e-9)
    spent = np.sum(lam * ALPHA / (result.gains + ALPHA)) / lam.sum()
    assert spent == pytest.approx(nmse, rel=1e-10)
    assert result.tightness == pytest.approx(mu.max() / n_code, rel=1e-9)


@given(wild, st.integers(1, 40))
def test_threshold_separates_the_active_directions(lam, n_code):
    result = limits.covariance_limit(lam, n_code)
    root, active = np.sqrt(lam), result.gains > 0
    assert result.gains.min() >= 0
    assert result.gains.sum() == pytest.approx(n_code, rel=1e-10)
    assert active.sum() == result.n_active <= min(n_code, lam.size)
    assert np.all(root[active] >= result.threshold * (1 - 1e-12))
    np.testing.assert_allclose(
        root[active], result.threshold * (1 + result.gains[active] / ALPHA), rtol=1e-9
    )
    if result.n_active < min(n_code, lam.size):  # not cut off by the code length
        assert np.all(root[~active] <= result.threshold * (1 + 1e-12))


@settings(max_examples=60)
@given(
    st.lists(st.floats(-2, 2).map(lambda e: 10.0**e), min_size=1, max_size=5),
    st.integers(1, 9),
)
@example([1.0, 1.0, 1.0], 2)
@example([5.0, 0.0, 0.0], 3)
def test_no_set_of_active_directions_is_better(lam, n_code):
    expected = water_fill_all_subsets(lam, n_code)
    found = limits.covariance_limit(np.array(lam), n_code).nmse
    assert found == pytest.approx(expected, rel=1e-11)


@pytest.mark.parametrize("n_code", [4, 6, 15])
def test_a_general_optimiser_finds_the_same(n_code, rng):
    lam = rng.exponential(size=4)
    result = optimize.minimize(
        lambda mu: np.sum(lam * ALPHA / (mu + ALPHA)) / lam.sum(),
        np.full(4, n_code / 4),
        jac=lambda mu: -lam * ALPHA / (mu + ALPHA) ** 2 / lam.sum(),
        bounds=[(0, None)] * 4,
        constraints={
            "type": "eq",
            "fun": lambda mu: mu.sum() - n_code,
            "jac": lambda mu: np.ones(4),
        },
        method="SLSQP",
        options={"ftol": 1e-14, "maxiter": 500},
    )
    found = limits.covariance_limit(lam, n_code).nmse
    assert found == pytest.approx(result.fun, rel=1e-8)


@given(wild, st.integers(1, 40), st.floats(0, 1))
def test_a_flatter_spectrum_is_harder(lam, n_code, t):
    flatter = (1 - t) * lam + t * lam.mean()
    steep = limits.covariance_limit(lam, n_code).nmse
    flat = limits.covariance_limit(flatter, n_code).nmse
    white = limits.isotropic_limit(n_code / lam.size)
    assert steep <= flat * (1 + 1e-11)
    assert flat <= white * (1 + 1e-11)


@given(wild, st.integers(1, 40), st.integers(2, 4))
def test_copies_of_a_spectrum_with_copies_of_the_code(lam, n_code, copies):
    once = limits.covariance_limit(lam, n_code)
    often = limits.covariance_limit(np.tile(lam, copies), copies * n_code)
    assert often.nmse <= once.nmse * (1 + 1e-11)
    if n_code >= lam.size or n_code == once.n_active:
        assert often.nmse == pytest.approx(once.nmse, rel=1e-11)


@given(wild)
def test_each_further_bit_helps_less_once_all_directions_may_be_active(lam):
    lengths = np.arange(lam.size, lam.size + 12)
    steps = -np.diff(limits.covariance_limit(lam, lengths).nmse)
    assert np.all(steps > 0)
    assert np.all(np.diff(steps) <= 1e-12)


@pytest.mark.parametrize("activation", ["sign", "identity"])
def test_scaling_moves_the_threshold_by_the_root(activation, rng):
    lam = rng.exponential(size=9)
    one = limits.covariance_limit(lam, 5, activation=activation)
    many = limits.covariance_limit(16 * lam, 5, activation=activation)
    assert many.nmse == pytest.approx(one.nmse, rel=1e-13)
    assert many.threshold == pytest.approx(4 * one.threshold, rel=1e-13)


def test_a_nearly_linear_activation_tends_to_pca(rng):
    lam = np.sort(rng.exponential(size=10))
    value = limits.covariance_limit(lam, 4, activation=lambda u: np.tanh(1e-2 * u))
    kept = limits.covariance_limit(lam, 4, activation="identity")
    assert value.nmse == pytest.approx(lam[:6].sum() / lam.sum(), rel=1e-3)
    assert kept.nmse == pytest.approx(lam[:6].sum() / lam.sum(), rel=1e-13)
    assert kept.nmse < value.nmse


def test_shapes_of_scalar_and_vector_answers():
    one = limits.covariance_limit(np.ones(6), 4)
    assert isinstance(one.nmse, float)
    assert isinstance(one.status, str)
    assert one.gains.shape == (6,)
    many = limits.covariance_limit(np.ones(6), np.array([2, 4, 9]))
    assert many.gains.shape == (3, 6)
    shapes = {np.shape(v) for v in (many.nmse, many.threshold, many.n_active)}
    assert shapes == {np.shape(many.tightness)} == {(3,)}


@pytest.mark.parametrize(
    ("lam", "n_code", "status"),
    [
        (np.ones(10), 5, "theorem"),
        (np.ones(10), 10, "theorem"),  # gains 1 of 10: spiky, yet attained exactly
        (np.ones(10), 20, "asymptotic"),
        (np.ones(100), 200, "theorem (tied decoders)"),
        (np.r_[1.0, np.zeros(9)], 1, "theorem"),
        # One direction and three bits: all bits agree, the risk stays at 1 - 2/pi while
        # the bound falls to 0.16: equal active eigenvalues alone are not enough.
        (np.r_[1.0, np.zeros(9)], 3, "asymptotic"),
        (np.r_[1.0, 1.0, np.zeros(8)], 2, "theorem"),
        (np.r_[1.0, 1.0, np.zeros(8)], 4, "asymptotic"),
        (np.r_[2.0, 1.0, np.zeros(8)], 2, "asymptotic"),
        (np.arange(1, 101) ** -2.0, 100, "asymptotic"),
        (np.arange(1, 101) ** -2.0, 200, "asymptotic"),
        (np.repeat([4.0, 1.0], 50), 100, "theorem"),
        (np.repeat([4.0, 1.0], 50), 200, "theorem (tied decoders)"),
    ],
)
def test_status(lam, n_code, status):
    assert limits.covariance_limit(lam, n_code).status == status


def test_rounding_does_not_undo_equality():
    q = stats.ortho_group.rvs(8, random_state=0)
    lam = np.linalg.eigvalsh(q @ q.T)
    assert limits.covariance_limit(lam, 8).status == "theorem"


def test_one_direction():
    for n_code in (1, 2, 5):
        result = limits.covariance_limit(np.array([0.0, 3.0, 0.0]), n_code)
        assert result.nmse == pytest.approx(ALPHA / (ALPHA + n_code), rel=1e-13)
        assert result.gains == pytest.approx([0, n_code, 0])


def test_small_negative_eigenvalues_are_rounding_and_larger_ones_are_not():
    clean = limits.covariance_limit(np.array([1.0, 0.5, 0.0]), 2).nmse
    noisy = limits.covariance_limit(np.array([1.0, 0.5, -9e-9]), 2).nmse
    assert noisy == pytest.approx(clean, rel=1e-13)
    with pytest.raises(ValueOutOfRange):
        limits.covariance_limit(np.array([1.0, 0.5, -2e-8]), 2)


@pytest.mark.parametrize("n_input", [3, 100])
@pytest.mark.parametrize("target", [0.9, 0.5, 0.3634, 0.3, 0.1, 1e-4])
def test_code_length_of_white_data(target, n_input):
    if target >= 1 - 2 / math.pi:
        expected = math.ceil(n_input * (1 - target) * math.pi / 2)
    else:
        expected = math.ceil(n_input * ALPHA * (1 - target) / target)
    assert limits.code_length_for(np.full(n_input, 2.5), target) == expected


@given(wild, st.floats(0.01, 0.99))
def test_code_length_is_the_least_for_any_spectrum(lam, target):
    n_code = limits.code_length_for(lam, target)
    assert limits.covariance_limit(lam, n_code).nmse <= target
    assert n_code == 1 or limits.covariance_limit(lam, n_code - 1).nmse > target


def test_code_length_of_the_identity_counts_components():
    lam = np.array([1.0, 4.0, 2.0, 3.0])  # discarded: .6, .3, .1, 0
    for target, n_code in ((0.65, 1), (0.31, 2), (0.29, 3), (0.05, 4)):
        assert limits.code_length_for(lam, target, activation="identity") == n_code


@pytest.mark.parametrize("target", [0.0, 1.0, -0.2, 1.5, math.nan])
def test_targets_outside_the_domain(target):
    with pytest.raises(ValueOutOfRange):
        limits.code_length_for(np.ones(3), target)


@pytest.mark.parametrize("n_code", [2**63, 10**30, True])
def test_code_lengths_beyond_int64(n_code):
    with pytest.raises(ValueOutOfRange) as caught:
        limits.covariance_limit([4.0, 2.0], n_code)
    assert len(str(caught.value)) < 250


@pytest.mark.parametrize("bad", [[1.7e308] * 2, [5e-324]])
def test_eigenvalues_that_cannot_be_added_up(bad):
    for call in (
        lambda: limits.covariance_limit(bad, 3),
        lambda: limits.rate_distortion(bad, 3),
        lambda: limits.code_length_for(bad, 0.5),
    ):
        with pytest.raises(ValueOutOfRange, match="by a constant"):
            call()


def test_targets_that_no_code_length_reaches():
    with pytest.raises(ValueOutOfRange, match="at most 2"):
        limits.code_length_for([4.0, 2.0], 1e-300)


def test_huge_rates_of_random_encoders_do_not_overflow():
    assert limits.random_encoder_limit(1e300) == pytest.approx(ALPHA / 1e300)
