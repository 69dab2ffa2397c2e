"""The norm-spread term against rows whose lengths are made to vary, and others."""

import math

import numpy as np
import pytest
from helpers import assert_mean_close
from sklearn.datasets import load_digits

from isthmus import frames, limits
from isthmus.core import ValueOutOfRange, as_rng, resolve_activation
from isthmus.limits.norm_spread import _kappa, _row_figures
from isthmus.limits.population import code_moments

D = 32
SPECTRA = {"white": np.ones(D), "coloured": np.arange(1, D + 1) ** -1.5}


def scales(rng, kind, n_rows):
    if kind == "two":
        return rng.choice([0.3, 1.7], size=(n_rows, 1))
    return rng.lognormal(sigma=0.5, size=(n_rows, 1))


def gaussian(rng, n_rows, lam):
    return rng.standard_normal((n_rows, lam.size)) * np.sqrt(lam)


def coder(lam, n_code):
    b = frames.haar(n_code, lam.size, rng=1).to_dense() / lam**0.25
    return b, limits.optimal_decoder(b, np.diag(lam))


def term_and_rest(b, a, x):
    """The term, its error, measured minus R_te, and the standard error of measured."""
    sigma = x.T @ x / len(x)
    found = limits.norm_spread_gap(b, a, sigma, x)
    errors = np.mean((x - np.where(x @ b.T >= 0, 1.0, -1.0) @ a.T) ** 2, axis=1)
    gap = errors.mean() - limits.population_risk(b, a, sigma)
    return found, gap, errors.std() / math.sqrt(len(x))


@pytest.mark.parametrize("kind", ["two", "lognormal"])
@pytest.mark.parametrize("spectrum", SPECTRA)
@pytest.mark.parametrize("n_code", [16, 32, 48])
def test_it_is_all_of_the_non_gaussianity_of_elliptical_rows(kind, spectrum, n_code):
    # Twelve draws of 1500 rows. The difference has a standard error of 1 % of the term.
    # Lengths by the other rows, who have other scales: of order directions / rows, 2 %.
    lam = SPECTRA[spectrum]
    b, a = coder(lam, n_code)
    rng, terms, gaps = as_rng(n_code), [], []
    for _ in range(12):
        x = scales(rng, kind, 1500) * gaussian(rng, 1500, lam)
        (value, _), gap, _ = term_and_rest(b, a, x)
        terms.append(value)
        gaps.append(gap)
    assert np.mean(terms) > 0.8 * np.mean(gaps) > 0
    difference = np.subtract(gaps, terms)
    assert_mean_close(difference, 0.0, z=4, bias=0.02 * np.mean(terms))
    assert difference.std() / math.sqrt(12) < 0.03 * np.mean(terms)


def test_it_agrees_with_the_scale_that_made_the_rows():
    lam = SPECTRA["coloured"]
    b, a = coder(lam, 32)
    rng = as_rng(3)
    x = scales(rng, "two", 40_000) * gaussian(rng, 40_000, lam)
    value, error = limits.norm_spread_gap(b, a, x.T @ x / len(x), x)
    second, first = 0.5 * (0.3**2 + 1.7**2), 1.0
    cross = code_moments(b, second * np.diag(lam), resolve_activation("sign"))[0]
    exact = 2 * (1 - first / math.sqrt(second)) * np.sum(a * cross) / D
    # What lengths by the other rows leave out is of order directions / rows.
    assert abs(value - exact) < 4 * error + exact * D / len(x)
    assert error < 0.02 * exact


def test_standard_error_over_redraws():
    # The deviation of 200 values is known to 5 %.
    b, a = coder(SPECTRA["coloured"], 24)
    rng, found = as_rng(4), []
    for _ in range(200):
        x = scales(rng, "two", 400) * gaussian(rng, 400, SPECTRA["coloured"])
        found.append(limits.norm_spread_gap(b, a, x.T @ x / len(x), x))
    values, errors = np.array(found).T
    assert values.std() == pytest.approx(math.sqrt(np.mean(errors**2)), rel=0.2)


@pytest.mark.parametrize("spectrum", SPECTRA)
def test_gaussian_rows_have_none(spectrum):
    b, a = coder(SPECTRA[spectrum], 24)
    x = gaussian(as_rng(5), 20_000, SPECTRA[spectrum])
    value, error = limits.norm_spread_gap(b, a, x.T @ x / len(x), x)
    assert abs(value) < 4 * error
    assert error < 0.001 * SPECTRA[spectrum].mean()


def test_lengths_of_few_gaussian_rows_are_not_mistaken():
    # 60 rows and 6 directions: leverages are far from chi-square over the rows.
    rng, b = as_rng(6), np.eye(6)
    kappas = []
    for _ in range(300):
        x = rng.standard_normal((60, 6))
        rows = _row_figures(b, b, x.T @ x / 60, x, resolve_activation("sign"))
        kappas.append(_kappa(rows)[0])
    assert_mean_close(kappas, 1.0, z=4, bias=0.001)
    # Plain chi lengths would be held against 0.9599, odds against 0.9537.
    assert np.std(kappas) / math.sqrt(300) < 0.001


def test_rows_of_one_length_have_less_than_none():
    x = gaussian(as_rng(7), 8000, np.ones(16))
    x *= 4 / np.linalg.norm(x, axis=1, keepdims=True)
    (value, error), gap, noise = term_and_rest(*coder(np.ones(16), 16), x)
    assert value < -10 * error
    assert abs(gap - value) < 4 * math.hypot(error, noise)


def test_laplace_coordinates():
    # An encoder that looks at the coordinates themselves misses their shape, of which
    # the lengths say little: 3 / 8d. A rotated one sees nothing but the lengths.
    x = as_rng(8).laplace(size=(20_000, D)) / math.sqrt(2)
    plain = np.eye(D), math.sqrt(2 / math.pi) * np.eye(D)
    (value, error), gap, noise = term_and_rest(*plain, x)
    assert 0 < value < 0.1 * gap
    (value, error), gap, noise = term_and_rest(*coder(np.ones(D), D), x)
    assert 4 * error < value < 0.03
    assert abs(gap - value) < 4 * math.hypot(error, noise)


def test_none_where_lengths_are_not_what_the_code_misses():
    # One heavy direction in a steep spectrum: no scale that all directions share.
    lam = np.arange(1, D + 1) ** -2.0
    rng = as_rng(9)
    x = gaussian(rng, 8000, lam)
    x[:, 0] *= scales(rng, "two", 8000)[:, 0]
    b, a = coder(lam, 16)
    assert limits.norm_spread_gap(b, a, x.T @ x / len(x), x) is None
    # Images: rows that are long in whitened units are not those with much to catch.
    digits = load_digits().data
    digits = digits[:, digits.std(axis=0) > 0.5]
    x = digits - digits.mean(axis=0)
    sigma = x.T @ x / len(x)
    b = frames.haar(24, x.shape[1], rng=0).to_dense()
    a = limits.optimal_decoder(b, sigma)
    assert limits.norm_spread_gap(b, a, sigma, x) is None


@pytest.mark.parametrize("activation", ["identity", "tanh", "cube", "ternary"])
def test_none_where_the_code_sees_scale(activation):
    x = gaussian(as_rng(10), 200, np.ones(4))
    eye, sigma = np.eye(4), x.T @ x / 200
    assert limits.norm_spread_gap(eye, eye, sigma, x, activation=activation) is None


def test_none_with_few_rows_or_without_a_decoder():
    x = gaussian(as_rng(11), 50, np.ones(4))
    eye = np.eye(4)
    few = x[:49]
    assert limits.norm_spread_gap(eye, eye, few.T @ few / 49, few) is None
    assert limits.norm_spread_gap(eye, eye, x.T @ x / 50, x) is not None
    assert limits.norm_spread_gap(eye, 0 * eye, x.T @ x / 50, x) is None


def test_units_are_those_of_a_risk():
    x = scales(as_rng(12), "two", 500) * gaussian(as_rng(13), 500, np.ones(6))
    b, a = coder(np.ones(6), 9)  # more symbols than inputs: overlaps have no inverse
    value, error = limits.norm_spread_gap(b, a, x.T @ x / 500, x)
    again = limits.norm_spread_gap(b, 10 * a, 100 * x.T @ x / 500, 10 * x)
    np.testing.assert_allclose(again, [100 * value, 100 * error], rtol=1e-9)


def test_influence_of_a_row_is_a_derivative():
    rng = as_rng(14)
    x, b, a = rng.standard_normal((9, 4)), rng.standard_normal((5, 4)), rng.random((4, 5))
    sign = resolve_activation("sign")
    sigma = x.T @ x / 9
    # Ten copies of the rows: as many as the directions ask for.
    rows = _row_figures(b, a, sigma, np.tile(x, (10, 1)), sign)
    step = 1e-6
    for row, influence in zip(x, rows.influence[:9], strict=True):
        ends = [
            np.sum(a * code_moments(b, sigma + h * np.outer(row, row), sign)[0])
            for h in (-step, step)
        ]
        assert (ends[1] - ends[0]) / (2 * step) == pytest.approx(influence, rel=1e-6)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"x": np.ones((60, 3))}, "rows of 2 columns"),
        ({"x": np.full((60, 2), np.nan)}, "finite"),
        ({"sigma": 2 * np.eye(2)}, "second moments of `centred_rows`"),
        ({"a": np.ones((2, 3))}, "shape"),
        ({"b": np.eye(3)}, "shape"),
    ],
)
def test_arguments_that_teach(change, words):
    x = gaussian(as_rng(15), 60, np.ones(2))
    given = {"b": np.eye(2), "a": np.eye(2), "sigma": x.T @ x / 60, "x": x} | change
    with pytest.raises(ValueOutOfRange, match=words):
        limits.norm_spread_gap(given["b"], given["a"], given["sigma"], given["x"])
