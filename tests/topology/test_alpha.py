import numpy as np
import pytest
from topology.clouds import circle, clifford, drawn, hopf, klein, sphere, torus

from isthmus.topology.alpha import JITTER, AlphaComplex, alpha_complex
from isthmus.topology.circumspheres import circumspheres
from isthmus.topology.faces import facets
from isthmus.topology.persistence import alpha_intervals
from isthmus.topology.simplex_tree import persistence

gudhi = pytest.importorskip("gudhi")


def by_gudhi(points):
    """The yardstick: CGAL's exact alpha complex."""
    return gudhi.AlphaComplex(points=points, precision="exact").create_simplex_tree()


def as_dict(alpha: AlphaComplex):
    return {
        tuple(map(int, simplex)): value
        for simplices, values in zip(alpha.simplices, alpha.values, strict=True)
        for simplex, value in zip(simplices.T, values, strict=True)
    }


@pytest.mark.parametrize("seed", range(20))
def test_simplices_and_values_agree_with_exact_arithmetic(seed):
    rng = np.random.default_rng(seed)
    dim = 2 + seed % 3
    points = rng.standard_normal((40 if dim == 4 else 120, dim))
    if seed % 2:
        points = rng.uniform(size=points.shape) * rng.uniform(0.1, 10.0, dim)
    ours = as_dict(alpha_complex(points))
    tree = by_gudhi(points)
    theirs = {tuple(s): value for s, value in tree.get_filtration()}
    assert ours.keys() == theirs.keys()
    widest = np.square(np.ptp(points, axis=0)).sum()
    pairs = np.array([(ours[s], theirs[s]) for s in theirs if theirs[s] < widest])
    np.testing.assert_allclose(pairs[:, 0], pairs[:, 1], rtol=1e-8)


def grid(*sides):
    axes = [np.arange(float(side)) for side in sides]
    return np.stack(np.meshgrid(*axes), axis=-1).reshape(-1, len(sides))


def turned(points, seed=0):
    rng = np.random.default_rng(seed)
    return points @ np.linalg.qr(rng.standard_normal((points.shape[1],) * 2))[0]


DEGENERATE = {
    "grid of 8^3": grid(8, 8, 8),
    "turned grid": turned(grid(6, 6, 6)),
    "grid of 4^4": grid(4, 4, 4, 4),
    "plane grid": grid(9, 9),
    "part of a grid": grid(8, 8, 8)[np.random.default_rng(1).random(512) < 0.3],
    "part of a 4-d grid": grid(5, 5, 5, 5)[np.random.default_rng(1).random(625) < 0.3],
    "cube with centre": np.vstack([grid(2, 2, 2), [[0.5, 0.5, 0.5]]]),
    "tesseract": grid(2, 2, 2, 2),
    "circle": circle(np.arange(100) * 2 * np.pi / 100),
    "octahedron": np.vstack([np.eye(3), -np.eye(3)]),
    "sphere": sphere(np.random.default_rng(2), 300),
    "two planes": drawn(hopf, np.random.default_rng(3), 80),
    "clifford": drawn(clifford, np.random.default_rng(4), 120),
    "simplex": np.eye(3)[:, :2],
}


@pytest.mark.parametrize("name", DEGENERATE)
def test_degenerate_clouds_have_the_intervals_of_exact_arithmetic(name):
    points = DEGENERATE[name]
    dim, width = points.shape[1], np.linalg.norm(np.ptp(points, axis=0))
    alpha = alpha_complex(points)
    assert alpha.jitter in (0.0, JITTER * width)
    assert np.linalg.norm(alpha.points - points, axis=1).max() <= alpha.jitter
    ours = alpha_intervals(alpha)[2]
    theirs = persistence(by_gudhi(points), (2,), dim)[2]
    for degree in range(dim):
        expected = np.sqrt(theirs[degree])
        found = [
            each[each[:, 1] - each[:, 0] > 1e-6 * width]
            for each in (ours[degree], expected)
        ]
        assert len(found[0]) == len(found[1])
        for column in range(2):
            np.testing.assert_allclose(
                *(np.sort(each[:, column]) for each in found),
                rtol=0,
                atol=1.01 * JITTER * width,
            )


def test_a_triangulation_that_is_not_delaunay_is_refused(monkeypatch):
    """The other diagonal of a kite: a triangulation, and wrong by more than rounding."""
    kite = np.array([[0.0, 0.0], [2.0, 0.0], [1.0, 0.4], [1.0, -0.4]])
    wrong = np.array([[0, 0], [1, 1], [2, 3]])
    monkeypatch.setattr("isthmus.topology.alpha.delaunay_simplices", lambda points: wrong)
    assert alpha_complex(kite).jitter > 0.0  # trusted only after the points were moved
    monkeypatch.undo()
    assert alpha_complex(kite).jitter == 0.0


def test_what_a_jitter_is_for():
    """A grid needs one, a random cloud and cocircular points do not."""
    assert alpha_complex(grid(8, 8, 8)).jitter > 0.0
    assert alpha_complex(np.random.default_rng(0).standard_normal((50, 3))).jitter == 0.0
    assert alpha_complex(DEGENERATE["circle"]).jitter == 0.0


def test_points_of_a_line_and_a_single_simplex():
    line = alpha_complex(np.array([[3.0], [0.0], [1.0]]))
    assert as_dict(line) == {(0,): 0, (1,): 0, (2,): 0, (0, 2): 1.0, (1, 2): 0.25}
    triangle = as_dict(alpha_complex(np.array([[0.0, 0.0], [4.0, 0.0], [0.0, 2.0]])))
    assert triangle[0, 1, 2] == pytest.approx(5.0)
    assert triangle[1, 2] == pytest.approx(5.0)  # its midpoint is the centre: Gabriel
    assert triangle[0, 2] == pytest.approx(1.0)


def test_an_obtuse_edge_enters_with_its_triangle():
    alpha = as_dict(alpha_complex(np.array([[0.0, 0.0], [4.0, 0.0], [2.0, 0.5]])))
    assert alpha[0, 1] == alpha[0, 1, 2] == pytest.approx((4.0 + 0.25) ** 2)


def test_circumcentres_are_equidistant_and_in_the_span(rng):
    for size, dim in ((2, 3), (3, 4), (4, 4), (5, 4)):
        points = rng.standard_normal((30, dim))
        simplices = np.stack([rng.permutation(30)[:size] for _ in range(50)], axis=1)
        radii, weights, flat = circumspheres(points, simplices, 5.0)
        centres = np.einsum("vs,vsd->sd", weights, points[simplices])
        distance = np.linalg.norm(points[simplices] - centres, axis=2)
        assert not flat.any()
        np.testing.assert_allclose(
            distance, np.sqrt(radii)[None].repeat(size, 0), rtol=1e-6
        )
        np.testing.assert_allclose(weights.sum(axis=0), 1.0)


@pytest.mark.parametrize("n_points", [12, 2**40])
def test_facets_are_listed_once_whether_or_not_they_fit_an_integer(rng, n_points):
    simplices = np.stack([np.sort(rng.permutation(12)[:4]) for _ in range(60)], axis=1)
    simplices = np.unique(simplices, axis=1)
    found = facets(simplices, n_points)
    expected = {tuple(np.delete(s, i)) for s in simplices.T for i in range(4)}
    assert sorted(map(tuple, found.simplices.T)) == sorted(expected)
    for face, start, count in zip(
        found.simplices.T, found.starts, found.cofaces, strict=True
    ):
        for at in range(start, start + count):
            whole = simplices[:, found.owner[at]]
            assert tuple(np.delete(whole, found.opposite[at])) == tuple(face)


# Births and deaths found once with another program; the samples differ, hence the room.
TABLE = {
    "circle": (lambda rng: drawn(circle, rng, 300), 1, 0.08, 1.0),
    "sphere": (lambda rng: sphere(rng, 1500), 2, 0.17, 1.0),
    "torus": (lambda rng: drawn(torus, rng, 3000), 2, 0.33, 1.0),
    "noisy circle": (
        lambda rng: drawn(circle, rng, 200) + 0.05 * rng.standard_normal((200, 2)),
        1,
        0.09,
        0.88,
    ),
}


@pytest.mark.parametrize("name", TABLE)
def test_longest_intervals_of_known_shapes(name, rng):
    draw, degree, birth, death = TABLE[name]
    longest = alpha_intervals(alpha_complex(draw(rng)))[2][degree][0]
    assert longest[1] == pytest.approx(death, abs=0.04)
    assert birth / 2 < longest[0] < 2 * birth


@pytest.mark.slow
@pytest.mark.parametrize(
    ("draw", "degree", "birth"),
    [
        (lambda rng: drawn(clifford, rng, 1500), 2, 0.30),
        (lambda rng: drawn(klein, rng, 2500), 2, 0.38),
        (lambda rng: sphere(rng, 1200, 4), 3, 0.35),
    ],
    ids=["clifford", "klein", "3-sphere"],
)
def test_longest_intervals_in_four_dimensions(draw, degree, birth, rng):
    longest = alpha_intervals(alpha_complex(draw(rng)))[2][degree][0]
    assert longest[1] == pytest.approx(1.0, abs=0.04)
    assert birth / 1.6 < longest[0] < 1.6 * birth
