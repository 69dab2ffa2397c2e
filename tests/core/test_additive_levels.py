import numpy as np
import pytest
from scipy import integrate, stats

from isthmus.core import ValueOutOfRange
from isthmus.core.additive_levels import (
    additive_distortion,
    additive_quantiser,
    sign_table,
)
from isthmus.core.lloyd_max import lloyd_max_distortion


def distortion(steps):
    levels = sign_table(steps.size) @ steps
    knots = np.concatenate([[-12.0], (levels[1:] + levels[:-1]) / 2, [12.0]])
    total = 0.0
    for level, left, right in zip(levels, knots[:-1], knots[1:], strict=True):
        total += integrate.quad(
            lambda z, level=level: (z - level) ** 2 * stats.norm.pdf(z), left, right
        )[0]
    return total


@pytest.mark.parametrize("bits", [1, 2, 3, 4])
def test_levels_are_stationary_and_the_distortion_is_theirs(bits):
    steps, found = additive_quantiser(bits)
    assert found == pytest.approx(distortion(steps), abs=1e-8)
    for k in range(bits):
        for change in (-1e-3, 1e-3):
            moved = steps.copy()
            moved[k] += change
            # A minimum: the same second-order rise on both sides, no slope.
            assert 0 < distortion(moved) - found < 1e-5


@pytest.mark.parametrize("bits", [1, 2])
def test_one_and_two_bits_are_lloyd_and_max(bits):
    assert additive_distortion(bits) == pytest.approx(lloyd_max_distortion(bits), abs=1e-12)


def test_more_bits_lose_little_and_are_convex():
    found = np.array([additive_distortion(b) for b in range(8)])
    best = np.array([lloyd_max_distortion(b) for b in range(8)])
    assert np.all(found >= best - 1e-12)
    assert np.all(found[3:] > best[3:])
    assert np.all(np.diff(found, 2) > 0)
    steps, _ = additive_quantiser(7)
    assert np.all(steps[:-1] > np.cumsum(steps[::-1])[::-1][1:])


def test_domain():
    with pytest.raises(ValueOutOfRange, match="bits"):
        additive_quantiser(0)
