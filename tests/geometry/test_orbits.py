import numpy as np
import pytest
from scipy.linalg import expm

from isthmus.core.errors import DataError, ValueOutOfRange
from isthmus.geometry import (
    is_determined,
    orbit_curvature,
    orbit_gap_bound,
    phi,
    theorem2_sum_bound,
)

TURN = np.array([[0.0, -1.0], [1.0, 0.0]])


def skew(n, seed):
    matrix = np.random.default_rng(seed).normal(size=(n, n))
    return matrix - matrix.T


@pytest.mark.parametrize("delta", [-2.0, 0.0, 0.3, 4.0])
def test_phi_is_the_integral_of_the_flow(delta):
    generator = np.random.default_rng(0).normal(size=(3, 3))
    nodes, weights = np.polynomial.legendre.leggauss(60)
    parts = [
        0.5 * delta * w * expm(0.5 * delta * (t + 1.0) * generator)
        for t, w in zip(nodes, weights, strict=True)
    ]
    np.testing.assert_allclose(
        phi(generator, delta), np.sum(parts, axis=0), rtol=1e-12, atol=1e-12
    )


def test_phi_where_the_generator_can_be_inverted_and_where_it_is_zero():
    generator = skew(4, 1)
    closed = np.linalg.solve(generator, expm(0.7 * generator) - np.eye(4))
    np.testing.assert_allclose(phi(generator, 0.7), closed, atol=1e-13)
    np.testing.assert_array_equal(phi(np.zeros((3, 3)), 2.5), 2.5 * np.eye(3))


def test_the_published_condition_is_neither_needed_nor_enough():
    # A rotation is invertible, and one whole turn apart two samples are one.
    resonant = is_determined(TURN, 2.0 * np.pi)
    assert not resonant.determined
    assert resonant.smallest_singular_value < 1e-14
    assert resonant.resonance_gap < 1e-14
    assert abs(resonant.winding) == 1
    # Every skew matrix of odd size is singular, and two samples are enough.
    odd = skew(5, 2)
    assert abs(np.linalg.det(odd)) < 1e-12
    assert is_determined(odd, 0.3).determined


def test_a_resonant_direction_makes_another_curve_without_penalty():
    delta, start = 2.0 * np.pi, np.array([1.0, 0.0])
    u = is_determined(TURN, delta).direction
    other = [expm(t * TURN) @ start + phi(TURN, t) @ u for t in (0.0, delta, 2.0)]
    np.testing.assert_allclose(other[0], start, atol=1e-14)
    np.testing.assert_allclose(other[1], expm(delta * TURN) @ start, atol=1e-13)
    # |phi_2| = |exp(2i) - 1| = 2 sin 1, in every direction
    assert np.linalg.norm(other[2] - expm(2.0 * TURN) @ start) == pytest.approx(
        2 * np.sin(1.0)
    )


@pytest.mark.parametrize("delta", [0.5, 3.0, -4.0, 6.0])
def test_two_samples_recover_the_curve_exactly_if_determined(delta):
    generator, start = skew(3, 3) + 0.1 * np.eye(3), np.array([1.0, 2.0, -1.0])
    assert is_determined(generator, delta).determined
    velocity = np.linalg.solve(
        phi(generator, delta), expm(delta * generator) @ start - start
    )
    np.testing.assert_allclose(velocity, generator @ start, atol=1e-10)


def test_smallest_singular_value_of_a_rotation_in_closed_form():
    for delta in (0.1, 1.0, 5.0):
        found = is_determined(TURN, delta)
        assert found.smallest_singular_value == pytest.approx(2 * np.sin(delta / 2) / delta)
        assert found.resonance_gap == pytest.approx(2 * np.pi - delta)


def test_first_order_needs_one_sample_and_no_condition():
    assert is_determined(TURN, 2.0 * np.pi, order=1).determined
    assert not is_determined(np.eye(2), 0.0).determined  # the same sample twice


def test_growth_is_no_resonance():
    found = is_determined(np.diag([25.0, 0.0]), 1.0)
    assert found.determined
    assert found.smallest_singular_value == pytest.approx(1.0)


def test_curvature_of_circles_ellipses_and_straight_orbits():
    angle = np.linspace(0.0, 2.0 * np.pi, 721)
    ellipse = np.column_stack([3.0 * np.cos(angle), np.sin(angle)])
    stretched = np.diag([3.0, 1.0]) @ TURN @ np.diag([1.0 / 3.0, 1.0])
    found = orbit_curvature(stretched, ellipse)
    assert found.max() == pytest.approx(3.0)  # a / b^2
    assert found.min() == pytest.approx(1.0 / 9.0)  # b / a^2
    np.testing.assert_allclose(
        orbit_curvature(np.diag([1.0, 2.0]), np.array([[5.0, 0.0]])), 0.0
    )


@pytest.mark.parametrize("radius", [1.0, 2.5])
@pytest.mark.parametrize("n", [8, 64, 512])
def test_gap_of_tangent_pieces_of_a_circle(n, radius):
    half = radius * np.tan(np.pi / n)
    ends = np.hypot(radius, half) - radius  # exact distance of the farthest points
    kappa = orbit_curvature(TURN, np.array([[radius, 0.0]]))[0]
    bound = orbit_gap_bound(kappa, half)
    assert ends <= bound
    assert bound <= ends * (1.0 + 3.0 / n**2 * np.pi**2)  # tight to second order
    assert theorem2_sum_bound([half] * n) >= np.pi * radius  # never falls


def test_gap_of_tangent_planes_of_a_sphere():
    # Normal curvature of the unit sphere is 1; the farthest points are a square's corners.
    grid = np.linspace(-1.0, 1.0, 101)
    for half in (1.0, 0.1, 0.01):
        u, v = np.meshgrid(half * grid, half * grid)
        gap = np.sqrt(1.0 + u**2 + v**2).max() - 1.0
        bound = orbit_gap_bound(1.0, half * np.sqrt(2.0))
        assert gap <= bound <= gap * (1.0 + half**2)


@pytest.mark.parametrize(
    ("call", "kind", "said"),
    [
        (lambda: phi(np.zeros((2, 3)), 1.0), ValueOutOfRange, "square"),
        (lambda: phi(TURN, np.inf), ValueOutOfRange, "finite"),
        (lambda: is_determined(TURN, 1.0, order=3), ValueOutOfRange, "from 1 to 2"),
        (lambda: is_determined(TURN * np.nan), ValueOutOfRange, "finite"),
        (lambda: orbit_curvature(TURN, np.zeros((1, 2))), DataError, "row 0"),
        (lambda: orbit_curvature(TURN, np.ones((1, 3))), ValueOutOfRange, "2 columns"),
        (lambda: orbit_gap_bound(-1.0, 1.0), ValueOutOfRange, "at least 0"),
        (lambda: theorem2_sum_bound([1.0, np.inf]), ValueOutOfRange, "bounded"),
    ],
)
def test_bad_input_is_refused(call, kind, said):
    with pytest.raises(kind, match=said):
        call()
