import builtins
import contextlib
import dataclasses

import numpy as np
import pytest
from topology.clouds import (
    annulus,
    circle,
    clifford,
    covering,
    drawn,
    ellipse,
    hopf,
    lattice,
    sphere,
    swiss_roll,
    torus,
    trefoil,
)

from isthmus.core import DataError, MissingDependency, NotConverged, ValueOutOfRange
from isthmus.topology import certificate
from isthmus.topology.components import connected_components
from isthmus.topology.cost import MOST_SIMPLICES, alpha_cost
from isthmus.topology.parts import divided

pytest.importorskip("gudhi")

# Shape, degree, radius at which its hole is filled, points.
KNOWN = {
    "circle": (circle, 1, 1.0, 100),
    "ellipse": (ellipse, 1, 1.0, 200),
    "trefoil": (trefoil, 1, 1.0, 500),
    "torus": (torus, 2, 1.0, 1500),
}


@pytest.mark.parametrize("name", KNOWN)
def test_stability(name):
    """Births and deaths are within the covering radius of the shape's own.

    More manifolds and seeds are in test_stability.py.
    """
    shape, degree, death, n_points = KNOWN[name]
    points = drawn(shape, np.random.default_rng(0), n_points)
    dense = lattice(shape, 20_000 if degree == 1 else 300)
    spacing = 0.01 if degree == 1 else 0.06  # of the dense points themselves
    radius = covering(points, dense) + spacing
    found = certificate(points, degree, max_birth=10.0)
    assert found.degree == degree
    assert found.birth <= radius
    assert abs(found.death - death) <= radius + found.jitter
    assert found.bound == pytest.approx(
        found.death - found.birth - 2 * found.jitter, abs=1e-12
    )


def test_sphere_and_its_dimensions():
    points = sphere(np.random.default_rng(0), 400)
    one, two, three = (certificate(points, n_code) for n_code in (1, 2, 3))
    assert one.bound == two.bound > 0.6
    assert one.n_tests > two.n_tests
    assert two.degree == 2
    assert two.p_value < 0.001
    assert (three.bound, three.p_value, three.degree) == (0.0, None, None)
    assert "No hole rules out 3 latent dimensions" in three.statement
    assert "2 latent dimensions errs by at least" in two.statement
    assert two.relative == pytest.approx(two.bound, rel=0.01)  # unit sphere


def test_linked_circles_are_taken_one_by_one():
    points = drawn(hopf, np.random.default_rng(1), 400)
    found = certificate(points, 1)
    assert found.n_components == 2
    assert found.separate
    assert found.bound > 0.8  # together they would die at one half
    assert "of component" in found.statement


def test_units_rotations_offsets_and_repetitions_do_not_matter(rng):
    points = drawn(circle, rng, 80) + 0.02 * rng.standard_normal((80, 2))
    base = certificate(points, 1)
    turn = np.linalg.qr(rng.standard_normal((5, 5)))[0][:2]
    for other, unit in (
        (1000.0 * points, 1000.0),
        (points @ turn + 7.0, 1.0),
        (np.repeat(points, 3, axis=0), 1.0),
        (1e-9 * points, 1e-9),
    ):
        found = certificate(other, 1)
        assert found.bound / unit == pytest.approx(base.bound, rel=1e-8)
        assert found.p_value == pytest.approx(base.p_value, rel=1e-6)
        assert found.n_points == 80
        assert found.kind == "alpha"


def test_images_of_integers(rng):
    angle = rng.uniform(0, 2 * np.pi, 60)
    images = np.zeros((60, 2, 2), np.uint8)
    images[:, 0] = np.stack([100 * np.cos(angle) + 128, 100 * np.sin(angle) + 128], axis=1)
    found = certificate(images, 1)
    assert 50 < found.bound < 100
    assert found.p_value < 0.05


def test_no_false_alarm_without_shape(rng):
    for _ in range(5):
        found = certificate(rng.standard_normal((300, 2)), 1)
        assert 0.0 < found.bound < 0.5
        assert found.smallest_p_value > 0.01
    rolled = certificate(swiss_roll(rng, 1000), 1)
    assert rolled.smallest_p_value > 0.01


def test_annulus_has_a_loop_that_two_dimensions_carry(rng):
    points = drawn(annulus, rng, 500)
    assert certificate(points, 1).bound > 0.7
    assert certificate(points, 2).bound == 0.0


def test_a_circle_in_many_dimensions_is_projected(rng):
    turn = np.linalg.qr(rng.standard_normal((30, 30)))[0][:2]
    points = drawn(circle, rng, 200) @ turn + 0.01 * rng.standard_normal((200, 30))
    found = certificate(points, 1)
    assert (found.kind, found.dim) == ("projected alpha", 2)
    assert found.bound > 0.8
    assert found.p_value < 0.05
    # The lifted edge is longer than the projected one, at most two births.
    assert found.longest_edge > 2 * found.birth
    assert "after projection to 2 dimensions" in found.statement


def test_four_code_dimensions_of_a_wide_cloud_use_landmarks(rng):
    found = certificate(sphere(rng, 40, 6), 4)
    assert (found.kind, found.bound) == ("rips", 0.0)
    axes = np.vstack([np.eye(5), -np.eye(5)])  # the cross-polytope bounds a 4-sphere
    crossed = certificate(axes, 4, max_birth=2.0)
    expected = 1.0 - np.sqrt(2.0) * np.sqrt(4 / 10)
    assert crossed.bound == pytest.approx(max(expected, 0.0))
    assert crossed.degree == 4
    assert crossed.p_value is None
    assert "landmarks" in crossed.statement


@pytest.mark.parametrize(
    "points",
    [
        np.ones((20, 3)),
        np.outer(np.arange(20.0), [1.0, 2.0, 3.0]),
        np.array([[0.0, 0.0, 5.0], [2.0, 0.0, 5.0], [0.0, 1.0, 5.0]]),
        np.zeros((1, 2)),
        np.array([[0.0, 0.0], [1.0, 1.0]]),
        np.arange(12.0)[:, None],
    ],
    ids=["equal", "collinear", "right triangle", "single", "pair", "one column"],
)
def test_clouds_without_holes(points):
    found = certificate(points, 1)
    assert (found.bound, found.degree) == (0.0, None)
    assert found.p_value is None


def test_grid_and_cocircular_points():
    axis = np.arange(8.0)
    grid = np.stack(np.meshgrid(axis, axis, axis), axis=-1).reshape(-1, 3)
    found = certificate(grid, 1)
    assert 0.0 < found.bound < 0.3  # sqrt(1/2) - 1/2 for loops of squares
    assert found.smallest_p_value > 0.5
    angle = 2 * np.pi * np.arange(6) / 6
    hexagon = certificate(np.stack([np.cos(angle), np.sin(angle)], axis=1), 1)
    assert hexagon.bound == pytest.approx(0.5)
    three = certificate(np.eye(4)[:3], 1)  # its edges are a loop until the circumradius
    assert three.bound == pytest.approx(np.sqrt(2 / 3) - np.sqrt(1 / 2))


@pytest.mark.parametrize(
    ("X", "n_code", "options", "error", "named"),
    [
        (np.ones((9, 2)), 0, {}, ValueOutOfRange, "from 1 to 2"),
        (np.ones((9, 2)), 3, {}, ValueOutOfRange, "from 1 to 2"),
        (np.ones((9, 2)), 1.5, {}, ValueOutOfRange, "whole number"),
        (np.full((9, 2), np.nan), 1, {}, DataError, "row 0"),
        (np.ones(9), 1, {}, DataError, "reshape"),
        (1e200 * np.eye(3), 1, {}, DataError, "another unit"),
        (1e-200 * np.eye(3), 1, {}, DataError, "another unit"),
        (np.ones((0, 3)), 1, {}, DataError, "rows and columns"),
        ([["a", "b"]], 1, {}, ValueOutOfRange, "real numbers"),
        (np.ones((9, 2)), 1, {"max_birth": -1.0}, ValueOutOfRange, "positive radius"),
        (np.ones((9, 2)), 1, {"max_birth": np.nan}, ValueOutOfRange, "positive radius"),
        (np.ones((9, 2)), 1, {"max_points": 0}, ValueOutOfRange, "max_points"),
    ],
)
def test_refusals_say_what_is_wrong(X, n_code, options, error, named):
    from helpers import unchecked

    with pytest.raises(error, match=named):
        unchecked(certificate)(X, n_code, **options)


def test_without_gudhi_the_extra_is_named(monkeypatch, rng):
    real = builtins.__import__

    def missing(name, *args, **kwargs):
        if name == "gudhi":
            raise ModuleNotFoundError("No module named 'gudhi'", name="gudhi")
        return real(name, *args, **kwargs)

    monkeypatch.setattr(builtins, "__import__", missing)
    with pytest.raises(MissingDependency, match=r"isthmus\[topology\]"):
        certificate(rng.standard_normal((20, 2)), 1)


def test_largest_birth_only_chooses(rng):
    points = drawn(torus, rng, 800)
    wide, narrow = (
        certificate(points, 2, max_birth=5.0),
        certificate(points, 2, max_birth=0.01),
    )
    assert wide.bound > 0.2
    assert (narrow.bound, narrow.degree) == (0.0, None)
    assert narrow.n_tests == wide.n_tests  # tests are counted before the filter


def test_components_need_a_clear_gap(rng):
    blob = rng.standard_normal((100, 2))
    assert connected_components(blob).count == 1
    three = np.vstack([blob, blob[:60] + 100.0, blob[:30] - 100.0])
    found = connected_components(three)
    assert np.bincount(found.labels).tolist() == [100, 60, 30]
    outlier = np.vstack([blob, [[1000.0, 0.0]]])
    assert connected_components(outlier).count == 1  # a part of one point is no component


def test_work_is_told_beforehand_and_sampled_when_too_much(rng, monkeypatch):
    points = rng.uniform(size=(4000, 3))
    cost = alpha_cost(points)
    made = divided("f", points, None).alpha.n_simplices
    assert made / 1.5 < cost.simplices < 1.5 * made
    curve = drawn(clifford, rng, 1200)
    assert alpha_cost(curve).simplices < MOST_SIMPLICES
    monkeypatch.setattr("isthmus.topology.cost.MOST_SIMPLICES", 30_000)
    found = certificate(points, 2)
    assert 500 < found.n_points < 2000
    assert 0.0 < found.covering_radius < 0.5
    with pytest.raises(ValueOutOfRange, match="fewer dimensions") as refused:
        certificate(points, 2, max_points=3000)
    fewer = int(str(refused.value).split("max_points=")[-1].split(",")[0])
    assert certificate(points, 2, max_points=fewer).n_points == fewer


def test_an_outlier_is_harmless_until_rounding_hides_the_rest(rng):
    points = drawn(circle, rng, 80)
    base = certificate(points, 1, max_birth=0.5)
    for far in (1e2, 1e5):
        found = certificate(np.vstack([points, [[far, 0.0]]]), 1, max_birth=0.5)
        assert found.bound == pytest.approx(base.bound, rel=1e-9)
    for far in (1e6, 1e7, 1e8):  # near the rounding of squares: never too much
        with contextlib.suppress(NotConverged):
            found = certificate(np.vstack([points, [[far, 0.0]]]), 1, max_birth=0.5)
            assert found.bound <= base.bound + 1e-9 * far


def share_of_alarms(draw, n_code, n_draws, seed=0):
    rng = np.random.default_rng(seed)
    found = [certificate(draw(rng), n_code).smallest_p_value for _ in range(n_draws)]
    return np.mean([p is not None and p < 0.05 for p in found])


@pytest.mark.slow
def test_false_alarms_are_rare_and_clear_circles_found():
    """At level .05: clouds without shape at most .05 + 3 standard errors (of 150 draws)."""

    def arc(rng):
        return circle(rng.uniform(0, 3, 60)) + 0.02 * rng.standard_normal((60, 2))

    def noisy(rng, noise):
        return drawn(circle, rng, 60) + noise * rng.standard_normal((60, 2))

    for draw in (
        lambda r: r.standard_normal((200, 2)),
        lambda r: r.uniform(size=(150, 3)),
        arc,
    ):
        assert share_of_alarms(draw, 1, 150) <= 0.05 + 3 * np.sqrt(0.05 * 0.95 / 150)
    assert share_of_alarms(lambda r: noisy(r, 0.0), 1, 100) == 1.0
    # .92 and .52 were found before, with 5 standard errors of 150 draws.
    assert abs(share_of_alarms(lambda r: noisy(r, 0.01), 1, 150) - 0.92) < 0.11
    assert abs(share_of_alarms(lambda r: noisy(r, 0.05), 1, 150) - 0.52) < 0.21
    assert share_of_alarms(lambda r: sphere(r, 300), 2, 20) == 1.0


def test_answer_is_frozen(rng):
    found = certificate(rng.standard_normal((20, 2)), 1)
    with pytest.raises(dataclasses.FrozenInstanceError):
        found.bound = 1.0


def test_masked_entries_are_missing(rng):
    points = drawn(circle, rng, 40)
    assert certificate(np.ma.masked_array(points), 1) == certificate(points, 1)
    with pytest.raises(DataError, match="NaN or infinity in 1 of 40 rows"):
        certificate(np.ma.masked_equal(points, points[3, 0]), 1)
