import numpy as np
import pytest

from isthmus import frames, limits
from isthmus.core import ValueOutOfRange


def ar1(d, rho=0.8):
    return rho ** np.abs(np.subtract.outer(np.arange(d), np.arange(d)))


def design(covariance, n_code, make):
    values, vectors = np.linalg.eigh(covariance)
    values, vectors = values[::-1], vectors[:, ::-1]
    limit = limits.covariance_limit(values, n_code)
    k = limit.n_active
    return (
        frames.coloured(
            make(n_code, k, rng=0), vectors[:, :k], values[:k], limit.gains[:k], rng=1
        ),
        limit,
    )


@pytest.mark.parametrize("make", [frames.dct, frames.haar, frames.hadamard])
def test_preactivations_have_unit_variance(make):
    sigma = ar1(64)
    operator, _ = design(sigma, 64, make)
    w = operator.to_dense()
    np.testing.assert_allclose(np.einsum("ij,jk,ik->i", w, sigma, w), 1.0, rtol=1e-12)


def test_it_is_the_product_of_its_parts():
    lam, mu = np.array([4.0, 2.0, 1.0]), np.array([3.0, 2.0, 1.0])
    basis = frames.haar(5, 3, rng=0).to_dense()
    frame = frames.hadamard(8, 3, rng=1)
    operator = frames.coloured(frame, basis, lam, mu, rng=2)
    order = [int(np.argmax(np.abs(column @ basis))) for column in operator.basis.T]
    assert sorted(order) == [0, 1, 2]
    o = frame.to_dense()
    # Hadamard rows have equal entries, so that their lengths are known
    expected = np.sqrt(8 / mu.sum()) * (o * np.sqrt(mu / lam)[order]) @ basis[:, order].T
    np.testing.assert_allclose(operator.to_dense(), expected, atol=1e-13)


@pytest.mark.parametrize("make", [frames.dct, frames.haar, frames.hadamard])
def test_it_comes_close_to_the_limit(make):
    # Bound on the ratio: twice the excess of 1.6 % measured for k^-1 at d = 100, r = 1.
    lam = np.arange(1, 129.0) ** -1
    operator, limit = design(np.diag(lam), 128, make)
    b = operator.to_dense()
    risk = limits.population_risk(b, limits.optimal_decoder(b, np.diag(lam)), np.diag(lam))
    assert 1.0 <= risk / lam.mean() / limit.nmse < 1.033


def test_in_order_the_directions_of_a_square_hadamard_frame_repeat_rows():
    # Why `coloured` shuffles: without it the strong directions share a subgroup.
    lam = np.arange(1, 129.0) ** -1
    limit = limits.covariance_limit(lam, 128)
    assert limit.n_active == 128
    frame = frames.hadamard(128, 128, rng=0)
    shuffled = frames.coloured(frame, np.eye(128), lam, limit.gains, rng=1).to_dense()
    in_order = frame.to_dense() * np.sqrt(limit.gains / lam)

    def excess(b):
        sigma = np.diag(lam)
        risk = limits.population_risk(b, limits.optimal_decoder(b, sigma), sigma)
        return risk / lam.mean() / limit.nmse - 1

    assert excess(in_order) > 3 * excess(shuffled)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"basis": np.eye(3)}, "must have 2 columns"),
        ({"eigenvalues": np.array([1.0, 0.0])}, "eigenvalues.*positive"),
        ({"gains": np.array([1.0, -1.0])}, "gains.*positive"),
        ({"frame": frames.DenseFrame(np.diag([1.0, 0.0]))}, "row 1"),
    ],
)
def test_parts_that_do_not_fit(change, words):
    parts = {
        "frame": frames.haar(4, 2, rng=0),
        "basis": np.eye(2),
        "eigenvalues": np.ones(2),
        "gains": np.ones(2),
    }
    with pytest.raises(ValueOutOfRange, match=words):
        unchecked(**{**parts, **change}, rng=0)


def unchecked(**parts):
    function = frames.coloured
    while hasattr(function, "__wrapped__"):
        function = function.__wrapped__
    return function(**parts)
