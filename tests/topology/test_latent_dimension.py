import numpy as np
import pytest
from topology.clouds import (
    circle,
    clifford,
    cylinder,
    drawn,
    hopf,
    klein,
    moebius,
    projective_plane,
    sphere,
    torus,
)

from isthmus.core import DataError, ValueOutOfRange
from isthmus.topology import certificate, latent_dimension_report
from isthmus.topology.holes import component_holes
from isthmus.topology.latent_dimension import _local_dimension
from isthmus.topology.torsion import torsion_certificate

pytest.importorskip("gudhi")

# Shape, points: dimension, certified and estimated lower limit, upper limit.
CASES = {
    "circle": (circle, 200, (1, 2, 2, 2)),
    "hopf": (hopf, 400, (1, 2, 2, 2)),
    "torus": (torus, 1000, (2, 3, 3, 3)),
    "clifford": (clifford, 400, (2, 3, 3, 4)),
    "moebius": (moebius, 600, (2, 1, 3, 3)),
    "cylinder": (cylinder, 600, (2, 1, 2, 3)),
}


@pytest.mark.parametrize("name", CASES)
def test_limits_of_known_shapes(name):
    shape, n_points, expected = CASES[name]
    report = latent_dimension_report(drawn(shape, np.random.default_rng(0), n_points))
    found = (report.dim, report.certified_lower, report.estimated_lower, report.upper)
    assert found == expected
    assert report.upper_is_theorem
    assert not report.torsion
    assert report.orientable is (name != "moebius")
    assert report.n_components == (2 if name == "hopf" else 1)


def test_status_of_every_latent_dimension():
    report = latent_dimension_report(drawn(moebius, np.random.default_rng(0), 600))
    assert [report.status(n) for n in (1, 2, 3, 9)] == [
        "suspected",
        "suspected",
        "no obstruction exists",
        "no obstruction exists",
    ]
    report = latent_dimension_report(drawn(clifford, np.random.default_rng(0), 400))
    assert [report.status(n) for n in (1, 2, 3, 4)] == [
        "obstructed",
        "obstructed",
        "undecided",
        "no obstruction exists",
    ]
    with pytest.raises(ValueOutOfRange, match="at least 1"):
        report.status(0)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["klein", "projective plane"])
def test_closed_surfaces_without_orientation_need_four(name):
    rng = np.random.default_rng(0)
    points = drawn(klein, rng, 900) if name == "klein" else projective_plane(rng, 900)
    report = latent_dimension_report(points)
    assert (report.certified_lower, report.estimated_lower, report.upper) == (3, 4, 4)
    assert report.orientable is False
    assert report.status(3) == "suspected"
    [twisted] = report.torsion
    assert (twisted.degree, twisted.n_code) == (2, 3)
    assert 0.0 < twisted.bound <= report.certificates[2].bound


def test_two_fields_tell_a_projective_plane_from_a_torus(rng):
    """A cavity over Z_2 that Z_3 does not see; a torus has the same over both."""
    holes = component_holes(projective_plane(rng, 800), 1, fields=(2, 3), lowest=1)
    two, three = holes.intervals[2][2], holes.intervals[3][2]
    longest = two[0]
    assert longest[1] - longest[0] > 0.05
    assert np.diff(three[0]) < 0.3 * np.diff(longest)  # artefacts of the thickened set
    found = torsion_certificate(holes, 2)
    assert found.bound > 0.04
    assert found.birth >= longest[0]
    plain = component_holes(drawn(torus, rng, 400), 1, fields=(2, 3), lowest=1)
    np.testing.assert_array_equal(plain.intervals[2][2], plain.intervals[3][2])
    assert torsion_certificate(plain, 2) is None


def test_torsion_needs_room_for_no_torsion(rng):
    """In more than j + 2 dimensions, or with one field, the argument does not hold."""
    plane = component_holes(projective_plane(rng, 200), 1, lowest=1)
    assert torsion_certificate(plane, 2) is None
    both = component_holes(projective_plane(rng, 200), 1, fields=(2, 3), lowest=1)
    assert torsion_certificate(both, 1) is None
    assert torsion_certificate(both, 7) is None


def test_certificates_are_those_of_certificate_with_more_tests(rng):
    points = sphere(rng, 300)
    report = latent_dimension_report(points, dim=2)
    alone = certificate(points, 2)
    assert report.certificates[2].bound == alone.bound
    assert report.certificates[2].n_tests == certificate(points, 1).n_tests > alone.n_tests
    assert report.certificates[2].p_value == pytest.approx(
        alone.p_value * report.certificates[2].n_tests / alone.n_tests, rel=1e-6
    )
    assert report.certificates[3].bound == 0.0


def test_given_dimension_is_used(rng):
    points = drawn(circle, rng, 100)
    assert latent_dimension_report(points, dim=2).estimated_lower == 2
    with pytest.raises(ValueOutOfRange, match="from 1 to 2"):
        latent_dimension_report(points, dim=3)
    with pytest.raises(DataError, match="NaN"):
        latent_dimension_report(np.full((30, 2), np.nan))


@pytest.mark.parametrize(
    "points",
    [np.ones((20, 3)), np.zeros((1, 2)), np.outer(np.arange(40.0), [1.0, 2.0]), np.eye(4)],
    ids=["equal", "single", "collinear", "simplex"],
)
def test_small_and_flat_clouds_have_a_report(points):
    report = latent_dimension_report(points)
    assert report.certified_lower == 1
    assert report.certificates[1].p_value is None or report.certificates[1].p_value > 0.01


@pytest.mark.parametrize("dim", [2, 3])
def test_a_grid_has_a_dimension_and_no_hole(dim):
    axes = np.meshgrid(*[np.arange(6.0)] * dim)
    report = latent_dimension_report(np.stack(axes, axis=-1).reshape(-1, dim))
    assert (report.dim, report.certified_lower, report.upper) == (dim, 1, dim)


def test_circle_in_many_dimensions(rng):
    turn = np.linalg.qr(rng.standard_normal((20, 20)))[0][:2]
    points = drawn(circle, rng, 200) @ turn + 1e-3 * rng.standard_normal((200, 20))
    report = latent_dimension_report(points, dim=1)
    assert (report.certified_lower, report.upper) == (2, 2)
    assert not report.upper_is_theorem


@pytest.mark.parametrize(("dim", "ambient"), [(1, 3), (2, 2), (3, 5)])
def test_local_dimension_of_cubes(dim, ambient, rng):
    flat = (
        rng.uniform(size=(800, dim))
        @ np.linalg.qr(rng.standard_normal((ambient,) * 2))[0][:dim]
    )
    assert _local_dimension(flat) == dim
