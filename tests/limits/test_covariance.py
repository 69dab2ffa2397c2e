import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import brentq

from isthmus import limits

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
