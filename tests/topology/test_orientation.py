import numpy as np
import pytest
from topology.clouds import (
    annulus,
    circle,
    cylinder,
    drawn,
    klein,
    moebius,
    projective_plane,
    sphere,
    swiss_roll,
    torus,
)

from isthmus.topology.orientation import orientation
from isthmus.topology.point_clouds import affine_span

ONE_SIDED = {"moebius": moebius, "klein": klein}
TWO_SIDED = {"cylinder": cylinder, "torus": torus}


@pytest.mark.parametrize("seed", [0, 1])
def test_seams_are_found_and_none_invented(seed):
    for shape in ONE_SIDED.values():
        found = orientation(drawn(shape, np.random.default_rng(seed), 800), 2)
        assert found.orientable is False
        assert 0.15 < found.ratio < 0.6
    for shape in TWO_SIDED.values():
        found = orientation(drawn(shape, np.random.default_rng(seed), 800), 2)
        assert found.orientable is True
        assert found.ratio < 1e-6


def test_projective_plane_sphere_and_roll(rng):
    assert orientation(projective_plane(rng, 900), 2).orientable is False
    assert orientation(sphere(rng, 900), 2).orientable is True
    assert orientation(swiss_roll(rng, 1500), 2).orientable is True


@pytest.mark.slow
def test_moebius_strips_and_cylinders_of_many_seeds():
    """At least 19 of 20 strips are caught, at most one cylinder or annulus accused."""
    strips = [orientation(noisy(moebius, seed), 2).orientable for seed in range(20)]
    assert strips.count(False) >= 19
    for shape in (cylinder, annulus):
        accused = [orientation(noisy(shape, seed), 2).orientable for seed in range(20)]
        assert accused.count(False) <= 1
        assert accused.count(True) >= 19


def noisy(shape, seed):
    rng = np.random.default_rng(seed)
    points = drawn(shape, rng, 800)
    flat = np.zeros((800, 3))
    flat[:, : points.shape[1]] = points
    return flat + 0.03 * rng.standard_normal(flat.shape)


def test_what_needs_no_test(rng):
    assert orientation(drawn(circle, rng, 100), 1).orientable is True
    assert orientation(rng.standard_normal((100, 2)), 2).orientable is True
    assert orientation(rng.standard_normal((30, 3)), 2).orientable is None


def test_noise_of_full_dimension_is_undecided(rng):
    found = orientation(rng.standard_normal((600, 5)), 2)
    assert found.orientable is None
    assert found.share < 0.8


def test_turning_the_cloud_changes_nothing(rng):
    points = drawn(moebius, rng, 400)
    turned = points @ np.linalg.qr(rng.standard_normal((12, 12)))[0][:3] + 5.0
    one, other = orientation(points, 2), orientation(affine_span(turned).points, 2)
    assert other.ratio == pytest.approx(one.ratio, rel=1e-6)
