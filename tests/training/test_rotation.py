import numpy as np
import pytest

import isthmus
from isthmus.core import DataError, DataWarning, ValueOutOfRange
from isthmus.frames import haar
from isthmus.priors import (
    GaussBernoulli,
    Gaussian,
    SparseLaplace,
    SparseRademacher,
    Uniform,
)
from isthmus.training import should_rotate
from isthmus.training.givens import givens_pairs
from isthmus.training.itq import row_magnitudes

ROOT = np.sqrt(2 / np.pi)


def advised(prior, n_rows=8000, n_input=16, seed=0, **kwargs):
    return should_rotate(prior.sample((n_rows, n_input), seed), rng=seed, **kwargs)


@pytest.mark.parametrize("prior", [Gaussian(), GaussBernoulli(0.2), SparseLaplace(1.0)])
def test_scale_mixtures_need_no_training(prior):
    advice = advised(prior)
    assert advice.recommendation == "haar"
    assert advice.excess_kurtosis.shape == (16,)
    if prior != Gaussian():
        # Jensen: no encoder is above a Gaussian's, and the axes are far below.
        assert max(advice.psi.values()) < ROOT + 5 * advice.standard_errors["haar"]
        assert advice.psi["identity"] < advice.psi["haar"] - 0.05
        assert advice.excess_kurtosis.min() > 1


@pytest.mark.parametrize(
    ("prior", "allowed"),
    [
        (SparseRademacher(0.9), {"givens", "itq"}),
        (SparseRademacher(2 / np.pi), {"itq"}),  # where Haar and identity are equal
        (SparseRademacher(1.0), {"identity"}),
        (Uniform(), {"identity"}),
    ],
)
def test_negative_kurtosis_has_more_to_give(prior, allowed):
    advice = advised(prior)
    assert advice.recommendation in allowed
    assert max(advice.excess_kurtosis) < -1
    errors = advice.standard_errors
    best = advice.psi[advice.recommendation]
    assert best > advice.psi["haar"] + 5 * (errors["haar"] + errors["itq"])
    # E|x| of a coordinate, whitened by 6400 rows.
    assert advice.psi["identity"] == pytest.approx(
        prior.mean_absolute, abs=5 * errors["identity"] + 0.003
    )


def test_the_formula_of_pairs():
    # 1 - p (1 + (1 - p)^2): 0.2370 at p = 0.7, against 0.30 of the axes.
    for p in (0.5, 0.7, 0.9):
        rows = SparseRademacher(p).sample((40_000, 8), 1)
        weight = givens_pairs(rows[:20_000], rng=np.random.default_rng(0))
        np.testing.assert_allclose(weight @ weight.T, np.eye(8), atol=1e-12)
        found = row_magnitudes(weight, rows[20_000:])
        psi, error = found.mean(), found.std() / np.sqrt(found.size)
        assert abs(1 - psi**2 - (1 - p * (1 + (1 - p) ** 2))) < 10 * psi * error
        assert np.count_nonzero(weight) == 16


def test_an_odd_coordinate_stays_alone():
    rows = SparseRademacher(0.7).sample((1000, 5), 0)
    weight = givens_pairs(rows, rng=np.random.default_rng(0))
    assert np.sum(np.count_nonzero(weight, axis=1) == 1) == 1


def test_the_identity_is_that_of_the_given_columns(rng):
    # Symmetric whitening finds the signs through unequal scales and a mean.
    rows = 5 + SparseRademacher(1.0).sample((9000, 8), 0) * np.arange(1, 9)
    assert should_rotate(rows, rng=0).recommendation == "identity"
    turned = rows @ haar(8, 8, rng=0).to_dense()
    again = should_rotate(turned, rng=0)
    assert again.recommendation == "itq"
    assert again.psi["itq"] > 0.9  # a local maximum; a random rotation has 0.8


def test_short_codes_take_the_coordinates_that_have_most_to_give():
    rows = np.hstack(
        [
            GaussBernoulli(0.2).sample((8000, 8), 0),
            SparseRademacher(1.0).sample((8000, 8), 1),
        ]
    )
    advice = should_rotate(rows, n_code=8, rng=0)
    assert advice.recommendation == "identity"
    assert advice.rate == 0.5
    assert advice.psi["identity"] > 0.97
    assert advice.nmse["identity"] == 1 - 0.5 * advice.psi["identity"] ** 2


def test_few_rows_are_said_and_do_not_look_like_a_gain():
    with pytest.warns(DataWarning, match="for 32 columns"):
        advice = advised(Gaussian(), n_rows=200, n_input=32)
    assert advice.recommendation == "haar"
    assert all(0.7 < psi < 0.88 for psi in advice.psi.values())


def test_columns_that_depend_on_each_other_and_float32(rng):
    rows = Gaussian().sample((2000, 3), 0) @ rng.standard_normal((3, 6))
    advice = should_rotate(rows.astype(np.float32), rng=0)
    assert advice.excess_kurtosis.shape == (3,)
    with pytest.raises(ValueOutOfRange, match="at most 3, the dimension"):
        should_rotate(rows, n_code=4, rng=0)


def test_a_seed_means_the_same_advice_and_progress_is_told():
    told = []
    first = advised(SparseRademacher(0.8), max_steps=7, progress=lambda *a: told.append(a))
    again = advised(SparseRademacher(0.8), max_steps=7)
    assert first.psi == again.psi
    assert told[-1] == (14, 14)
    assert isthmus.should_rotate is should_rotate


def test_bad_rows_are_refused():
    rows = np.random.default_rng(0).standard_normal((50, 3))
    with pytest.raises(DataError, match="constant"):
        should_rotate(np.ones((50, 3)), rng=0)
    with pytest.raises(DataError, match="at least 10 rows"):
        should_rotate(rows[:9], rng=0)
    rows[4, 1] = np.nan
    with pytest.raises(DataError, match="row 4"):
        should_rotate(rows, rng=0)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("prior", "expected"),
    [
        (GaussBernoulli(0.1), "haar"),
        (SparseLaplace(0.2), "haar"),
        (SparseRademacher(0.3), "haar"),
        (SparseRademacher(0.7), "itq"),
    ],
)
def test_advice_in_64_dimensions(prior, expected):
    # The table: 0.2370 for pairs and 0.2322 for a trained rotation at p = 0.7.
    advice = advised(prior, n_rows=50_000, n_input=64, max_steps=400)
    assert advice.recommendation == expected
    if expected == "itq":
        for name, loss in (("givens", 0.2370), ("itq", 0.2322)):
            allowed = 10 * np.sqrt(2) * advice.standard_errors[name]
            assert abs(advice.nmse[name] - loss) < allowed
