"""No continuous autoencoder beats its certificate: random networks, searched densely."""

import functools
import itertools

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from topology.clouds import circle, drawn, sphere, torus

from isthmus.topology.certificate import certificate
from isthmus.topology.parts import divided

pytest.importorskip("gudhi")

CASES = {
    "circle": (lambda rng: drawn(circle, rng, 80), 1, 32),
    "sphere": (lambda rng: sphere(rng, 150), 2, 14),
    "torus": (lambda rng: drawn(torus, rng, 500), 2, 6),
}


@functools.cache
def polyhedron(name):
    """Bound, points of K_b, and how near to them every point of K_b is."""
    draw, n_code, parts = CASES[name]
    points = draw(np.random.default_rng(5))
    found = certificate(points, n_code)
    alpha = divided("f", points, None).alpha
    dense, spacing = [alpha.points], 0.0
    for size in range(2, len(alpha.simplices) + 1):
        inside = alpha.values[size - 1] <= found.birth**2 * (1 + 1e-12)
        corners = alpha.points[alpha.simplices[size - 1][:, inside]]
        if not corners.size:
            continue
        weights = np.array(
            [w for w in itertools.product(range(parts + 1), repeat=size) if sum(w) == parts]
        )
        dense.append(
            np.einsum("wv,vsd->wsd", weights / parts, corners).reshape(-1, points.shape[1])
        )
        # Rounding s fractions up and the others down moves a mass of s (1 - s / size) at
        # most, over edges that are at most two births long.
        mass = max(s * (1 - s / size) for s in range(1, size))
        spacing = max(spacing, mass * 2 * found.birth / parts)
    return found.bound, np.concatenate(dense), spacing, points.shape[1], n_code


def network(rng, sizes, gain):
    """Weights and biases; spectral norms multiply to a Lipschitz constant."""
    layers = []
    for n_in, n_out in itertools.pairwise(sizes):
        weight = rng.standard_normal((n_out, n_in))
        weight *= gain / np.linalg.norm(weight, 2)
        layers.append((weight, 0.3 * rng.standard_normal(n_out)))
    return layers


def run(layers, x):
    for i, (weight, bias) in enumerate(layers):
        x = x @ weight.T + bias
        if i % 3 != 2 and i < len(layers) - 1:  # the bottleneck, third, is linear
            x = np.maximum(x, 0.0)
    return x


@pytest.mark.parametrize("name", CASES)
@given(seed=st.integers(0, 2**32 - 1), gain=st.floats(0.3, 1.6), width=st.integers(1, 24))
@example(seed=0, gain=1.0, width=8)
@settings(max_examples=15)
def test_worst_error_is_at_least_the_certificate(name, seed, gain, width):
    bound, dense, spacing, n_input, n_code = polyhedron(name)
    sizes = (n_input, width, width, n_code, width, width, n_input)
    layers = network(np.random.default_rng(seed), sizes, gain)
    lipschitz = gain ** len(layers)
    worst = np.linalg.norm(run(layers, dense) - dense, axis=1).max()
    assert worst >= bound - (1 + lipschitz) * spacing


@pytest.mark.parametrize("name", CASES)
def test_one_dimension_more_is_enough(name):
    """The identity passes through n_code + 1: the certificate is about dimension alone."""
    bound, dense, _, n_input, n_code = polyhedron(name)
    assert n_input == n_code + 1
    assert bound > 0.25
    assert certificate(dense[:50], n_input).bound == 0.0


def test_an_unrolled_circle_comes_close():
    """Angle and back: exact but for the cut, where the error reaches nearly two."""
    bound, dense, spacing, _, _ = polyhedron("circle")
    angle = np.arctan2(dense[:, 1], dense[:, 0])
    slack = 0.05
    squeezed = angle * np.clip((np.pi - np.abs(angle)) / slack, 0.0, 1.0)
    error = np.linalg.norm(circle(squeezed) - dense, axis=1)
    assert np.median(error) < 0.06
    assert error.max() >= bound - (1 + 1 + np.pi / slack) * spacing
