import numpy as np
import pytest
from helpers import unchecked
from scipy import integrate, stats
from topology.clouds import circle, drawn, sphere

from isthmus.core import ValueOutOfRange
from isthmus.topology.alpha import alpha_complex
from isthmus.topology.persistence import alpha_intervals
from isthmus.topology.rips import rips_diagram
from isthmus.topology.significance import (
    REFERENCE,
    RIPS_POWER,
    corrected,
    monte_carlo_p_value,
    universal_p_values,
)

pytest.importorskip("gudhi")


def test_p_values_of_the_law_itself_are_uniform(rng):
    """Ratios drawn from the left-skewed Gumbel law get uniform p-values."""
    heights = 2.0 * (np.log(rng.exponential(size=20_000)) + np.euler_gamma) - 4.0
    heights = heights[heights < np.log(600.0)]  # the others overflow as ratios
    p_values = universal_p_values(
        np.ones(heights.size), np.exp(np.exp(heights)), dim=2, degree=1
    )
    # The law's mean is estimated: sqrt(20000) x distance has a smaller spread than usual.
    assert stats.kstest(p_values, "uniform").statistic < 0.02


def test_law_has_mean_minus_euler_gamma():
    mean = integrate.quad(lambda x: x * np.exp(x - np.exp(x)), -60, 5)[0]
    assert mean == pytest.approx(-np.euler_gamma, abs=1e-9)


def test_one_interval_does_not_judge_itself():
    strong = universal_p_values(np.array([0.01]), np.array([1.0]), dim=2, degree=1)
    weak = universal_p_values(np.array([0.5]), np.array([0.6]), dim=2, degree=1)
    assert strong[0] < 1e-3 < 0.05 < weak[0]
    alone = np.exp(-np.exp(-np.euler_gamma))
    assert alone == pytest.approx(0.570, abs=5e-4)
    untested = universal_p_values(np.array([0.1]), np.array([1.0]), dim=7, degree=1)
    assert np.isnan(untested).all()
    assert corrected(float(untested[0]), 3) is None


@pytest.mark.parametrize("key", [(2, 1), (3, 1), (3, 2), (4, 1), (4, 2)])
def test_reference_values_are_those_of_uniform_clouds(key, rng):
    dim, degree = key
    points = rng.uniform(size=({2: 3000, 3: 2000, 4: 500}[dim], dim))
    found = alpha_intervals(alpha_complex(points))[2][degree]
    heights = np.log(np.log(found[:, 1] / found[:, 0]))
    error = 5 * heights.std() / np.sqrt(heights.size)
    # The table is rounded to .05, and a cloud's edge counts for a few hundredths more.
    assert abs(heights.mean() - REFERENCE[key]) < 0.1 + error


@pytest.mark.slow
def test_reference_value_of_the_highest_degree(rng):
    found = alpha_intervals(alpha_complex(rng.uniform(size=(1500, 4))))[2][3]
    heights = np.log(np.log(found[:, 1] / found[:, 0]))
    assert abs(heights.mean() - REFERENCE[4, 3]) < 0.25


@pytest.mark.slow
def test_constants_of_both_complexes_by_simulation(rng):
    """Uniform squares: p-values at A = 1/2 (alpha) and A = 1 (Rips) are near uniform."""
    alpha = [
        alpha_intervals(alpha_complex(rng.uniform(size=(1000, 2))))[2][1] for _ in range(10)
    ]
    alpha_p = np.concatenate([universal_p_values(*i.T, dim=2, degree=1) for i in alpha])
    rips = [rips_diagram(rng.uniform(size=(150, 2)), 1).intervals[2][1] for _ in range(10)]
    rips_p = np.concatenate(
        [universal_p_values(*i.T, dim=2, degree=1, power=RIPS_POWER) for i in rips]
    )
    assert stats.kstest(alpha_p, "uniform").statistic < 0.06
    assert stats.kstest(rips_p, "uniform").statistic < 0.12
    wrong = np.concatenate(
        [universal_p_values(*i.T, dim=2, degree=1, power=1.0) for i in alpha]
    )
    assert stats.kstest(wrong, "uniform").statistic > 0.12


def test_monte_carlo_agrees_on_what_is_clear():
    rng = np.random.default_rng(0)
    longest = alpha_intervals(alpha_complex(drawn(circle, rng, 100)))[2][1][0]
    assert monte_carlo_p_value(longest[1] / longest[0], 100, 1, n_draws=39, rng=1) == 1 / 40
    assert monte_carlo_p_value(1.2, 100, 1, n_draws=39, rng=1) == 1.0
    cavity = alpha_intervals(alpha_complex(sphere(rng, 150)))[2][2][0]
    assert monte_carlo_p_value(cavity[1] / cavity[0], 150, 2, n_draws=19, rng=1) == 1 / 20


def test_largest_ratio_in_the_square_at_its_published_quantile():
    """Of 40 clouds of 500 points the largest ratio exceeds 2.81 in about two."""
    p_value = monte_carlo_p_value(2.81, 500, 1, n_draws=39, rng=3)
    assert p_value <= 7 / 40  # six or more of 39 at 5 %: one in 70


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        ((0.5, 50, 1), "ratio"),
        (("2", 50, 1), "ratio"),
        ((2.0, 50, 4), "degree"),
        ((2.0, 3, 1), "n_po"),
    ],
)
def test_monte_carlo_refuses(arguments, named):
    with pytest.raises(ValueOutOfRange, match=named):
        unchecked(monte_carlo_p_value)(*arguments)
