import math
import warnings

import numpy as np
import pytest
from scipy import integrate, stats
from sklearn.datasets import load_digits
from sklearn.utils.estimator_checks import check_estimator

from isthmus.core import DataError, ValueOutOfRange, as_rng, hold_out, measure
from isthmus.core.linalg import descending_eigh
from isthmus.core.lloyd_max import lloyd_max_distortion, lloyd_max_quantiser
from isthmus.data import Principal
from isthmus.estimators import TransformCoder
from isthmus.estimators.cell_means import _gaussian_cells, shrunk_cell_means
from isthmus.estimators.cells import lloyd_max_cells
from isthmus.limits import rate_distortion, transform_coding

DIGITS = load_digits().data


@pytest.mark.parametrize("cells", ["means", "gaussian"])
def test_scikit_learn_checks(cells):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        results = check_estimator(TransformCoder(2, cells=cells), on_skip=None)
    ran = [r["check_name"] for r in results if r["status"] == "passed"]
    assert len(ran) >= 45, (len(ran), [r for r in results if r["status"] != "passed"])
    assert {r["status"] for r in results} <= {"passed", "skipped"}
    assert sum(r["status"] == "skipped" for r in results) <= 2


def gaussian(rng, n_rows, lam):
    turn = np.linalg.qr(rng.standard_normal((lam.size, lam.size)))[0]
    return 7.0 + rng.standard_normal((n_rows, lam.size)) * np.sqrt(lam) @ turn.T


@pytest.mark.parametrize("rate", [0.5, 1.0, 2.0])
def test_gaussian_rows_end_at_the_prediction(rate):
    # 15 000 held-out rows: standard error 0.3 % of the NMSE. One bit too few on one of
    # the leading directions costs 10 % or more. The eigenvalues of 40 000 rows are right
    # to 0.7 % each, which moves the NMSE by less than the standard error.
    lam = np.arange(1, 33) ** -1.0
    x = gaussian(as_rng(1), 55_000, lam)
    for cells in ("means", "gaussian"):
        coder = TransformCoder(rate=rate, cells=cells).fit(x[:40_000])
        assert coder.allocation_.sum() == coder.n_bits_ == round(32 * rate)
        test = x[40_000:]
        x_hat = coder.inverse_transform(coder.transform(test))
        got = measure(test, x_hat, coder.mean_)
        assert coder.score(test) == pytest.approx(1 - got.value, abs=1e-14)
        assert abs(got.value - coder.predicted_nmse_) < 4 * got.standard_error
        exact = transform_coding(lam, coder.n_bits_).nmse
        assert coder.predicted_nmse_ == pytest.approx(exact, rel=0.01)
        assert got.value > rate_distortion(lam, coder.n_bits_)


@pytest.mark.parametrize(("rate", "nmse"), [(1, 1 - 2 / math.pi), (2, 0.117482)])
def test_white_rows(rate, nmse):
    # Axes known, so that equal eigenvalues give every coordinate the same bits.
    x = as_rng(2).standard_normal((20_000, 12))
    coder = TransformCoder(rate=rate).fit_principal(
        Principal(np.zeros(12), np.eye(12), np.ones(12), 0.0, 20_000), x
    )
    assert coder.allocation_.tolist() == [rate] * 12
    assert coder.predicted_nmse_ == pytest.approx(nmse, abs=1e-6)
    test = as_rng(3).standard_normal((20_000, 12))
    got = measure(test, coder.inverse_transform(coder.transform(test)), coder.mean_)
    assert abs(got.value - nmse) < 4 * got.standard_error


def test_means_of_cells_pay_on_digits():
    # Paired over held-out rows of ten splits; never worse by more than the noise.
    gains = []
    for seed in range(10):
        split = hold_out(DIGITS, rng=as_rng(seed))
        gains.append(
            [
                np.subtract(
                    *(
                        TransformCoder(rate=rate, cells=cells)
                        .fit(DIGITS[split.train])
                        .score(DIGITS[split.test])
                        for cells in ("means", "gaussian")
                    )
                )
                for rate in (0.25, 0.5, 1.0)
            ]
        )
    mean = np.mean(gains, axis=0)
    error = np.std(gains, axis=0, ddof=1) / math.sqrt(10)
    assert np.all(mean > 2 * error), (mean, error)


def test_means_of_cells_find_other_shapes():
    # Coordinates of two values: cell means must find them, Gaussian levels cannot.
    signs = np.where(as_rng(4).random((3000, 8)) < 0.5, -1.0, 1.0) * np.arange(8, 0, -1)
    train, test = signs[:2000], signs[2000:]
    axes = Principal(np.zeros(8), np.eye(8), np.arange(8.0, 0, -1) ** 2, 0.0, 2000)
    means = TransformCoder(8).fit_principal(axes, train)
    plain = TransformCoder(8, cells="gaussian").fit_principal(axes, train)
    used = np.sum(means.allocation_ > 0)
    unused = np.sum(np.arange(8.0 - used, 0, -1) ** 2) / np.sum(np.arange(1.0, 9) ** 2)
    assert 1 - means.score(test) < unused + 0.002
    assert 1 - plain.score(test) > unused + 0.03


@pytest.mark.parametrize("n_rows", [30, 100, 300])
def test_few_rows_do_not_mislead_the_levels(n_rows):
    # Without shrinkage 30 rows cost 10 % or more; the scale of 400 columns, 60 %.
    lam = np.arange(1, 201) ** -1.0
    x = gaussian(as_rng(n_rows), 1500, lam)
    scores = {
        cells: 1 - TransformCoder(rate=2, cells=cells).fit(x[:n_rows]).score(x[n_rows:])
        for cells in ("means", "gaussian")
    }
    assert scores["means"] < 1.01 * scores["gaussian"], scores


def test_shrinkage_ends():
    level = lloyd_max_quantiser(2)[0]
    count = np.array([[100.0, 300.0, 300.0, 100.0]])
    np.testing.assert_allclose(shrunk_cell_means(count, count * level, 2), [level])
    none = np.zeros((1, 4))
    np.testing.assert_allclose(shrunk_cell_means(none, none, 2), [level])
    # Rows that contradict the Gaussian: their means, up to the prior's one part in many.
    other = level + np.array([0.1, -0.1, 0.2, -0.2])
    far = shrunk_cell_means(1e6 * count, 1e6 * count * other, 2)
    np.testing.assert_allclose(far, [other], atol=1e-6)
    half = shrunk_cell_means(count, count * other, 2)
    assert np.all((half - level) * (other - level) > 0)
    assert np.all(np.abs(half - level) < np.abs(other - level))


@pytest.mark.parametrize("bits", [1, 2, 4, 7])
def test_variances_of_gaussian_cells(bits):
    level, variance = _gaussian_cells(bits)
    knots = np.concatenate([[-np.inf], lloyd_max_quantiser(bits)[1], [np.inf]])
    mass = np.diff(stats.norm.cdf(knots))
    assert np.sum(mass * variance) == pytest.approx(lloyd_max_distortion(bits), rel=1e-6)
    low, high = knots[-3], knots[-2]
    second = integrate.quad(
        lambda z: (z - level[-2]) ** 2 * stats.norm.pdf(z), low, high, epsabs=1e-15
    )[0]
    assert variance[-2] == pytest.approx(second / mass[-2], rel=1e-7)


@pytest.mark.parametrize("bits", range(1, 13))
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_cells_are_those_of_a_search(bits, dtype):
    thresholds = lloyd_max_quantiser(bits)[1].astype(dtype)
    near = [np.nextafter(thresholds, dtype(end)) for end in (-99, 99)]
    ends = np.array([-1e30, -9, 0, 9, 1e30], dtype=dtype)
    z = as_rng(bits).standard_normal(2000).astype(dtype)
    z = np.concatenate([z, thresholds, *near, ends])[:, None]
    out = np.empty(z.shape, dtype=np.uint16)
    lloyd_max_cells(z, bits, out)
    np.testing.assert_array_equal(out, np.searchsorted(thresholds, z, side="right"))


def test_known_axes_are_those_of_fit():
    centred = DIGITS - DIGITS.mean(axis=0)
    lam, basis = descending_eigh(centred.T @ centred / len(DIGITS))
    fitted = TransformCoder(rate=0.5).fit(DIGITS)
    known = TransformCoder(rate=0.5).fit_principal(
        Principal(DIGITS.mean(axis=0), basis, lam, 0.0, len(DIGITS)), DIGITS
    )
    assert fitted.predicted_nmse_ == pytest.approx(known.predicted_nmse_, rel=1e-9)
    assert fitted.score(DIGITS) == pytest.approx(known.score(DIGITS), rel=1e-6)
    # Axes that are left out count as lost.
    some = TransformCoder(rate=0.5).fit_principal(
        Principal(DIGITS.mean(axis=0), basis[:, :20], lam[:20], 0.0, len(DIGITS)), DIGITS
    )
    np.testing.assert_array_equal(some.allocation_, known.allocation_)
    assert some.score(DIGITS) == pytest.approx(known.score(DIGITS), rel=1e-6)


def test_types_and_names():
    coder = TransformCoder(rate=2).fit(DIGITS.astype(np.float32))
    codes = coder.transform(DIGITS.astype(np.float32))
    assert codes.dtype == np.uint8
    assert codes.shape == (1797, coder.allocation_.size)
    assert coder.inverse_transform(codes).dtype == np.float32
    double = TransformCoder(rate=2).fit(DIGITS)
    assert double.inverse_transform(codes).dtype == np.float64
    assert double.score(DIGITS) == pytest.approx(
        coder.score(DIGITS.astype(np.float32)), abs=1e-5
    )
    assert coder.get_feature_names_out()[0] == "transformcoder0"
    assert coder.bits_per_vector_ == coder.n_bits_ == 128
    assert coder.n_rows_ == 1797
    # Integers and whole floats are cells as well.
    np.testing.assert_array_equal(
        coder.inverse_transform(codes), coder.inverse_transform(codes.astype(float))
    )


def test_deep_directions_need_two_bytes():
    x = as_rng(5).standard_normal((500, 2)) * [1000.0, 1.0]
    coder = TransformCoder(16).fit(x)
    assert coder.allocation_.tolist() == [12, 4]
    codes = coder.transform(x)
    assert codes.dtype == np.uint16
    assert coder.score(x) > 1 - 1e-5


def test_low_rank_rows_and_the_most_bits(rng):
    x = rng.standard_normal((500, 3)) @ rng.standard_normal((3, 20))
    coder = TransformCoder(36).fit(x)
    assert coder.allocation_.tolist() == [12, 12, 12]
    with pytest.raises(ValueOutOfRange, match="3 directions of positive variance, here 36"):
        TransformCoder(37).fit(x)


def test_rows_that_say_nothing():
    with pytest.raises(DataError, match="rows that differ"):
        TransformCoder(2).fit(np.ones((20, 3)))
    with pytest.raises(ValueError, match="minimum of 2"):
        TransformCoder(2).fit(np.ones((1, 3)))


@pytest.mark.parametrize(
    ("parameters", "words"),
    [
        ({"n_bits": 3, "rate": 0.5}, "not both"),
        ({"n_bits": 0}, "at least 1"),
        ({"n_bits": 2.5}, "at least 1"),
        ({"n_bits": 10**6}, "at most 12 for each of the"),
        ({"rate": 0.0}, "positive and at most 12"),
        ({"rate": float("nan")}, "positive and at most 12"),
        ({"rate": 1e300}, "positive and at most 12"),
        ({"cells": "medians"}, "'means' or 'gaussian'"),
        ({"cells": ["means"]}, "'means' or 'gaussian'"),
    ],
)
def test_parameters_outside_their_domain(parameters, words):
    with pytest.raises(ValueOutOfRange, match=words):
        TransformCoder(**parameters).fit(DIGITS)


def test_axes_of_other_rows():
    axes = Principal(np.zeros(4), np.eye(4), np.ones(4), 0.0, 10)
    with pytest.raises(ValueOutOfRange, match="must have 4 columns"):
        TransformCoder(2).fit_principal(axes, np.eye(5))
    dark = Principal(np.zeros(4), np.eye(4), np.zeros(4), 0.0, 10)
    with pytest.raises(ValueOutOfRange, match="0 directions"):
        TransformCoder(2).fit_principal(dark, np.eye(4))


def test_codes_of_the_wrong_kind():
    coder = TransformCoder(4).fit(DIGITS)
    columns = coder.allocation_.size
    with pytest.raises(ValueOutOfRange, match=f"must have {columns} columns"):
        coder.inverse_transform(np.ones((2, columns + 1)))
    for wrong in (-1, 0.5, 2.0 ** coder.allocation_[0], 1e9):
        with pytest.raises(ValueOutOfRange, match="whole numbers from 0"):
            coder.inverse_transform(np.full((2, columns), wrong))
