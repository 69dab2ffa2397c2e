"""Autoencoders in closed form: exact off the collar, continuous, as bad as they must be."""

import numpy as np
import pytest
from cases import MANIFOLDS

from isthmus.core import ValueOutOfRange
from isthmus.data import manifolds

each = pytest.mark.parametrize("manifold", MANIFOLDS, ids=repr)


def errors(chart, x):
    return np.linalg.norm(chart.decode(chart.encode(x)) - x, axis=1)


@each
def test_exact_off_the_collar_and_wrong_in_it(manifold, rng):
    x = manifold.sample(2000, rng)
    chart = manifold.chart_autoencoder(0.5)
    collar = chart.exceptional(x)
    assert errors(chart, x)[~collar].max() < 1e-9
    assert chart.encode(x).shape == (2000, manifold.dim)
    if manifold.closed:
        narrow = manifold.chart_autoencoder(0.05).exceptional(x)
        assert np.all(collar[narrow])
        assert narrow.mean() <= collar.mean() < 0.6
    if manifold.embedding_dim == manifold.dim:
        assert not collar.any()


@pytest.mark.parametrize("delta", [0.4, 0.1, 0.02])
def test_shares_of_the_collar(delta, rng):
    x = manifolds.circle().sample(20_000, rng)
    torus = manifolds.ProductTorus(2)
    side = 1 - delta / (2 * np.pi)
    for manifold, points, share in (
        (manifolds.circle(), x, 1 - side),
        (torus, torus.sample(20_000, rng), 1 - side**2),
        (manifolds.Sphere(2), None, 0.5 * (1 - np.cos(delta / 2))),
    ):
        points = manifold.sample(20_000, rng) if points is None else points
        found = manifold.chart_autoencoder(delta).exceptional(points).mean()
        assert abs(found - share) < 5 * np.sqrt(share / 20_000) + 1e-4


@pytest.mark.parametrize("delta", [0.4, 0.1, 0.02])
def test_the_largest_error_is_a_diameter(delta):
    # On the cut itself the code is 0 and the answer the centre of the chart.
    angle = np.pi - np.linspace(0.0, delta, 20_001)
    point = np.stack([np.cos(angle), np.sin(angle)], axis=1)
    none = np.zeros_like(angle)
    for manifold, x, sup in (
        (manifolds.circle(), point, 2.0),
        (manifolds.Sphere(2), np.column_stack([point, none]), 2.0),
        (manifolds.ProductTorus(2), np.hstack([point, point]), np.sqrt(8.0)),
    ):
        e = errors(manifold.chart_autoencoder(delta), x)
        assert sup - 1e-6 < e.max() <= sup + 1e-12
    # The length of the arc with an error above 1/2, as found by an independent program.
    e = errors(manifolds.circle().chart_autoencoder(delta), point)
    length = 2 * delta * np.mean(e > 0.5)
    assert {0.4: 0.330, 0.1: 0.0839, 0.02: 0.0168}[delta] == pytest.approx(length, rel=0.02)


@pytest.mark.parametrize(
    "manifold", [m for m in MANIFOLDS if m.closed and m.dim < 5], ids=repr
)
def test_no_chart_beats_the_reach(manifold, rng):
    # Every continuous autoencoder of `dim` code numbers errs by the reach somewhere.
    chart = manifold.chart_autoencoder(1.0)
    x = manifold.sample(20_000, rng)
    assert errors(chart, x[chart.exceptional(x)]).max() >= manifold.reach


@each
def test_the_encoder_is_continuous_on_the_manifold(manifold, rng):
    x = manifold.sample(4000, rng)
    chart, step = manifold.chart_autoencoder(0.8), 1e-7
    close = manifold.projection(x + step * rng.standard_normal(x.shape))
    moved = np.linalg.norm(chart.encode(close) - chart.encode(x), axis=1)
    apart = np.maximum(np.linalg.norm(close - x, axis=1), 1e-9)
    assert (moved / apart).max() < 200


def test_the_encoder_has_no_jump_at_the_cut():
    for manifold in (manifolds.circle(), manifolds.Sphere(2), manifolds.Torus()):
        chart = manifold.chart_autoencoder(0.4)
        scale = np.linalg.norm(manifold.sample(1, 0))
        sides = np.zeros((2, manifold.ambient_dim))
        sides[:, 0], sides[:, 1] = -scale, [1e-9, -1e-9]
        codes = chart.encode(sides)
        assert np.abs(codes[0] - codes[1])[0] < 1e-6


@each
def test_the_decoder_is_continuous_on_all_codes(manifold, rng):
    chart, step = manifold.chart_autoencoder(0.3), 1e-7
    codes = 8.0 * rng.standard_normal((4000, manifold.dim))
    codes[:3] *= 1e-9
    shifted = codes + step * rng.standard_normal(codes.shape)
    moved = np.linalg.norm(chart.decode(shifted) - chart.decode(codes), axis=1)
    assert moved.max() < 500 * step * np.sqrt(manifold.dim)


def test_components_are_laid_out_apart(rng):
    link = manifolds.HopfLink()
    chart = link.chart_autoencoder(0.1)
    x = link.sample(4000, rng)
    codes, number = chart.encode(x)[:, 0], link.component(x)
    assert codes[number == 0].max() + 1.0 < codes[number == 1].min()
    for m in (0, 1):
        assert errors(chart, x[number == m]).max() >= 1.0  # the reach of each circle alone
    middle = chart.decode(np.array([[1e6], [-1e6], [0.0]]))
    np.testing.assert_allclose(middle, np.tile([1.5, 0.0, 0.0], (3, 1)), atol=1e-12)
    one, two = link.components
    np.testing.assert_array_equal(
        chart.exceptional(x)[number == 0],
        one.chart_autoencoder(0.1).exceptional(x[number == 0]),
    )
    assert two.chart_autoencoder(0.1).encode(x[:3]).shape == (3, 1)


@pytest.mark.parametrize("delta", [0.0, -1.0, 7.0, np.nan, np.inf])
def test_widths_that_do_not_fit(delta):
    with pytest.raises(
        ValueOutOfRange, match="between 0 and 6.283, the width of the chart"
    ):
        manifolds.circle().chart_autoencoder(delta)
    with pytest.raises(ValueOutOfRange, match="the width of the chart"):
        manifolds.HopfLink().chart_autoencoder(delta)


def test_codes_of_another_length_are_refused():
    for manifold in (manifolds.Torus(), manifolds.HopfLink()):
        with pytest.raises(ValueOutOfRange, match="must have rows of"):
            manifold.chart_autoencoder(0.1).decode(np.zeros((2, 5)))
