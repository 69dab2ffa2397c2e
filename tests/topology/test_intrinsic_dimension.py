"""Estimates of the dimension: a table of known sets, and scikit-dimension."""

import importlib
import warnings

import numpy as np
import pytest
from scipy import optimize, special

from isthmus import topology
from isthmus.core import DataError, DataWarning, ValueOutOfRange
from isthmus.data import manifolds
from isthmus.topology.correlation import SHARES
from isthmus.topology.local_pca import _counts


def padded(points, n_columns):
    return np.hstack([points, np.zeros((len(points), n_columns - points.shape[1]))])


def noisy(k, n_columns):
    def draw(n, rng):
        inside = padded(manifolds.Sphere(k).sample(n, rng), n_columns)
        return manifolds.with_noise(inside, 0.01, rng)

    return draw


# At 2000 points: two-nn, gride at n = 2, 8, 32, mle, local-pca, correlation. Taken from an
# independent program, a draw each.
TABLE = {
    "circle": (manifolds.circle().sample, (0.95, 1.02, 1.00, 1.00, 1.00, 1.00, 1.01)),
    "S2": (manifolds.Sphere(2).sample, (2.08, 1.95, 2.00, 2.00, 2.01, 2.00, 2.02)),
    "S5": (manifolds.Sphere(5).sample, (4.85, 4.78, 4.85, 4.72, 4.85, 5.01, 4.80)),
    "S10": (manifolds.Sphere(10).sample, (9.67, 9.34, 8.88, 8.42, 8.97, 10.4, 8.72)),
    "cube10": (manifolds.Cube(10).sample, (8.84, 8.46, 7.85, 7.60, 8.05, 9.99, 7.80)),
    "cube20": (manifolds.Cube(20).sample, (15.7, 15.1, 14.3, 13.1, 14.4, 17.6, 13.4)),
    "swiss": (manifolds.SwissRoll().sample, (1.92, 2.01, 1.94, 1.90, 1.94, 2.00, 1.94)),
    "noisy S2": (noisy(2, 20), (5.67, 3.64, 2.40, 2.08, 2.56, 2.00, 2.19)),
    "noisy S5": (noisy(5, 50), (5.41, 5.23, 5.03, 4.83, 5.05, 5.01, 4.97)),
}


@pytest.mark.parametrize("name", TABLE)
def test_the_table(name, rng):
    # Relative standard errors of one draw, with the overlap of neighbourhoods: 3 % for
    # two-nn and gride(2), 2 to 3 % for the others. Two draws: 5 of sqrt(2) of these. A
    # scale off by a factor of 2 moves gride by more on the noisy spheres and cubes.
    draw, expected = TABLE[name]
    found = topology.nearest_neighbours(draw(2000, rng), 64)
    got = [
        topology.two_nn(found),
        *(topology.gride(found, n) for n in (2, 8, 32)),
        topology.levina_bickel(found),
        topology.local_pca(found),
        topology.correlation_dimension(found),
    ]
    allowed = (0.2, 0.15, 0.12, 0.12, 0.08, 0.02, 0.08)
    for one, value, room in zip(got, expected, allowed, strict=True):
        assert one.value == pytest.approx(value, rel=room), one


@pytest.mark.parametrize("name", TABLE)
def test_the_consensus(name, rng):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DataWarning)
        report = topology.intrinsic_dimension(TABLE[name][0](2000, rng))
    known = {"circle": 1, "swiss": 2, "S2": 2, "noisy S2": 2, "S5": 5, "noisy S5": 5}
    if name in known:
        assert report.dimension == known[name]
    else:  # neighbours are far apart in ten dimensions: estimates are low, and say so
        truth = int(name.strip("Scube"))
        assert 0.65 * truth < report.median < 0.96 * truth
        assert any("lower estimate" in told for told in report.warnings)
    votes = [report.estimates[m].value for m in ("gride", "mle", "local-pca")]
    assert report.median == sorted(votes)[1]
    assert report.spread == pytest.approx(np.ptp(votes) / report.median)


def test_the_scan_sees_through_noise(rng):
    scan = topology.gride_scan(topology.nearest_neighbours(noisy(2, 20)(2000, rng), 128))
    np.testing.assert_array_equal(scan.near, [1, 2, 4, 8, 16, 32])
    assert np.all(np.diff(scan.radius) > 0)
    assert scan.value[0] > 5.0
    assert scan.plateau < 2.6
    assert scan.value[-1] < 2.2


def log_likelihood(d, ratio, near):
    """Of ratios, written as the density stands in the paper."""
    normal = special.betaln(near, near)
    body = (near - 1) * np.log(ratio**d - 1) - ((2 * near - 1) * d + 1) * np.log(ratio)
    return np.sum(np.log(d) + body - normal)


@pytest.mark.parametrize("near", [1, 2, 16])
def test_gride_maximises_its_likelihood(near, rng):
    found = topology.nearest_neighbours(manifolds.Sphere(3).sample(800, rng), 2 * near)
    ratio = found.distances[:, 2 * near - 1] / found.distances[:, near - 1]
    loss = lambda d: -log_likelihood(d, ratio, near)  # noqa: E731
    best = optimize.minimize_scalar(
        loss, bounds=(1, 9), method="bounded", options={"xatol": 1e-10}
    )
    one = topology.gride(found, near)
    assert one.value == pytest.approx(best.x, rel=1e-6)
    h = 1e-3
    curvature = (loss(best.x + h) - 2 * loss(best.x) + loss(best.x - h)) / h**2
    assert one.standard_error == pytest.approx(curvature**-0.5, rel=1e-4)
    if near == 1:
        two = topology.two_nn(found)
        assert two.value == pytest.approx(one.value * 799 / 800, rel=1e-12)


def test_errors_are_the_spread_between_samples(rng):
    # 40 draws tell a spread to 11 %. Neighbours share neighbours: up to twice the error.
    found = [topology.nearest_neighbours(rng.random((500, 2)), 32) for _ in range(40)]
    for method in (
        topology.two_nn,
        topology.gride,
        lambda f: topology.gride(f, 8),
        topology.levina_bickel,
        topology.correlation_dimension,
    ):
        made = [method(f) for f in found]
        spread = np.std([one.value for one in made], ddof=1)
        assert 0.5 < spread / np.mean([one.standard_error for one in made]) < 2.5


def test_scikit_dimension_agrees(rng):
    skdim = pytest.importorskip("skdim")
    x = manifolds.Sphere(5).sample(1000, rng)
    found = topology.nearest_neighbours(x, 20)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        two = skdim.id.TwoNN(method="mle", discard_fraction=0).fit(x).dimension_
        likelihood = skdim.id.MLE(K=20, unbiased=True)
        mean = likelihood.fit(x, n_neighbors=20, comb="mean").dimension_
        inverse = skdim.id.MLE(K=20).fit(x, n_neighbors=20, comb="mle").dimension_
        pca = skdim.id.lPCA(ver="FO", alphaFO=0.05)
        local = [pca.fit(x[[i, *found.indices[i]]]).dimension_ for i in range(100)]
    assert topology.two_nn(found).value == pytest.approx(two, rel=1e-9)
    assert topology.levina_bickel(found).value == pytest.approx(mean, rel=1e-9)
    assert topology.mackay_ghahramani(found).value == pytest.approx(inverse, rel=1e-9)
    counts = _counts(found, np.arange(100), 20)
    np.testing.assert_array_equal(counts, local)


def test_the_correlation_dimension_counts_pairs(rng):
    x = rng.random((300, 3))
    found = topology.nearest_neighbours(x, 1)
    apart = np.linalg.norm(x[:, None] - x[None], axis=2)[np.triu_indices(300, 1)]
    near, far = np.quantile(apart, SHARES, method="inverted_cdf")
    ratio = np.mean(apart <= far) / np.mean(apart <= near)
    expected = np.log(ratio) / np.log(far / near)
    assert topology.correlation_dimension(found).value == pytest.approx(expected, rel=1e-12)


def test_a_plane_of_whole_numbers_is_told_to_be_rounded(rng):
    grid = np.stack(np.meshgrid(np.arange(30.0), np.arange(30.0)), axis=-1).reshape(-1, 2)
    with pytest.raises(DataError, match="all are equally far"):
        topology.intrinsic_dimension(grid)
    coarse = np.unique(rng.integers(0, 60, (900, 2)), axis=0).astype(float)
    with pytest.warns(DataWarning) as caught:
        report = topology.intrinsic_dimension(coarse)
    assert any("values were rounded" in str(one.message) for one in caught)
    assert report.tied > 0.1
    assert report.estimates["local-pca"].value == 2.0


def test_parts_of_different_dimension_are_told(rng):
    line = padded(rng.random((500, 1)), 12)
    blob = 0.05 * rng.standard_normal((500, 12)) + 3.0
    with pytest.warns(DataWarning, match="apart .gride .*, mle .*, local-pca"):
        report = topology.intrinsic_dimension(np.vstack([line, blob]))
    assert report.spread > 0.2


@pytest.mark.parametrize("n", [10, 15, 39, 45, 200])
def test_few_points(n, rng):
    x = manifolds.circle().sample(n, rng)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DataWarning)
        report = topology.intrinsic_dimension(
            padded(x, 30)
        )  # fewer points than columns + 2
    assert report.n_points == n
    assert 1 <= report.dimension <= 2
    assert report.scan.near.tolist() == [1] if n < 80 else len(report.scan.near) >= 3
    assert report.scan.plateau in report.scan.value


def test_neighbours_are_shared(rng):
    x = manifolds.Sphere(2).sample(600, rng)
    once = topology.intrinsic_dimension(topology.nearest_neighbours(x, 128))
    assert once.estimates == topology.intrinsic_dimension(x).estimates


def test_local_pca_sees_every_second_of_many(rng, monkeypatch):
    found = topology.nearest_neighbours(manifolds.Sphere(2).sample(500, rng), 30)
    whole = topology.local_pca(found)
    module = importlib.import_module("isthmus.topology.local_pca")
    monkeypatch.setattr(module, "MOST_POINTS", 250)
    monkeypatch.setattr(module, "_BLOCK_BYTES", 50_000)
    half = module.local_pca(found)
    assert (whole.n_points, half.n_points) == (500, 250)
    assert half.value == pytest.approx(2.0, abs=0.01)


def test_arguments(rng):
    found = topology.nearest_neighbours(rng.random((50, 2)), 4)
    with pytest.raises(ValueOutOfRange, match="at most half of the 4 neighbours"):
        topology.gride(found, 3)
    with pytest.raises(ValueOutOfRange, match="at least 3 neighbours"):
        topology.levina_bickel(found, 2)
    with pytest.raises(ValueOutOfRange, match="gride.near"):
        topology.gride(found, 0)
