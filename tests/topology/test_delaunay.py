import numpy as np
import pytest
from scipy.spatial import Delaunay
from topology.clouds import circle, clifford, drawn, sphere, trefoil

from isthmus.topology.delaunay import cospherical, delaunay_simplices


def volume(points, tops):
    edges = (points[tops[1:]] - points[tops[0]]).transpose(1, 0, 2)
    return np.abs(np.linalg.det(edges)).sum()


def test_cospherical_points_are_recognised_wherever_they_are(rng):
    for cloud in (drawn(circle, rng, 200), sphere(rng, 200), drawn(clifford, rng, 200)):
        moved = 50.0 * (cloud @ np.linalg.qr(rng.standard_normal((cloud.shape[1],) * 2))[0])
        assert cospherical(cloud)
        assert cospherical(moved + 3.0)
        assert not cospherical(cloud * np.linspace(1.0, 1.001, len(cloud))[:, None])
    assert not cospherical(drawn(trefoil, rng, 200))
    odd = sphere(rng, 200)
    odd[77] *= 1 - 1e-6  # one point off, which the first look may miss
    assert not cospherical(odd)


def test_a_cone_fills_the_hull_as_qhull_does(rng):
    for cloud in (drawn(circle, rng, 60), sphere(rng, 100), drawn(clifford, rng, 80)):
        tops = delaunay_simplices(cloud)
        qhull = Delaunay(cloud).simplices.T
        assert abs(volume(cloud, tops) / volume(cloud, qhull) - 1) < 1e-12
        assert (np.diff(tops, axis=0) > 0).all()


def test_general_points_get_qhulls_simplices(rng):
    cloud = rng.standard_normal((50, 3))
    found = {tuple(t) for t in delaunay_simplices(cloud).T}
    assert found == {tuple(sorted(t)) for t in Delaunay(cloud).simplices}


def test_points_that_are_lost_are_no_triangulation():
    cloud = np.array([[0.0, 0.0], [1.0, 0.0], [0.0, 1.0], [0.3, 0.4], [0.3, 0.4]])
    assert delaunay_simplices(cloud) is None


@pytest.mark.parametrize("dim", [2, 3, 4])
@pytest.mark.parametrize("scale", [1e-99, 1e-40, 1e99])
def test_units_do_not_matter(dim, scale, rng):
    cloud = rng.standard_normal((30, dim))
    power = 2.0 ** int(np.log2(scale))
    found = delaunay_simplices(power * cloud)
    assert found is not None
    np.testing.assert_array_equal(found, delaunay_simplices(cloud))
    ball = cloud / np.linalg.norm(cloud, axis=1, keepdims=True)
    np.testing.assert_array_equal(
        delaunay_simplices(power * ball), delaunay_simplices(ball)
    )
