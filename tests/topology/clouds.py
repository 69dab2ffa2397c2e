"""Point clouds whose holes are known, with closed forms of the shapes themselves."""

import numpy as np

TURN = 2 * np.pi


def circle(u):
    return np.stack([np.cos(u), np.sin(u)], axis=-1)


def ellipse(u):
    return circle(u) * [2.0, 1.0]


def trefoil(u):
    x = np.sin(u) + 2 * np.sin(2 * u), np.cos(u) - 2 * np.cos(2 * u), -np.sin(3 * u)
    return np.stack(x, axis=-1)


def torus(u, v):
    radius = 2 + np.cos(v)
    return np.stack([radius * np.cos(u), radius * np.sin(u), np.sin(v)], axis=-1)


def clifford(u, v):
    return np.concatenate([circle(u), circle(v)], axis=-1)


def klein(u, v):
    radius, fold = 2 + np.cos(v), np.sin(v)
    x = radius * np.cos(u), radius * np.sin(u), fold * np.cos(u / 2), fold * np.sin(u / 2)
    return np.stack(x, axis=-1)


def moebius(u, v):
    width = v / TURN - 0.5
    radius = 1 + width * np.cos(u / 2)
    x = radius * np.cos(u), radius * np.sin(u), width * np.sin(u / 2)
    return np.stack(x, axis=-1)


def cylinder(u, v):
    return np.concatenate([circle(u), v[..., None] / TURN - 0.5], axis=-1)


def annulus(u, v):
    return circle(u) * (1.0 + v / TURN)[..., None]


def hopf(u, v):
    """Two unit circles, linked, one apart everywhere: v below or above half a turn."""
    flat = np.stack([np.cos(u), np.sin(u), 0 * u], axis=-1)
    upright = np.stack([1 + np.cos(u), 0 * u, np.sin(u)], axis=-1)
    return np.where((v < np.pi)[..., None], flat, upright)


def sphere(rng, n, dim=3):
    x = rng.standard_normal((n, dim))
    return x / np.linalg.norm(x, axis=1, keepdims=True)


def projective_plane(rng, n):
    x, y, z = sphere(rng, n).T
    return np.stack([x * y, x * z, y * z, (x**2 - y**2) / 2], axis=1)


def swiss_roll(rng, n):
    t, height = rng.uniform(1.5 * np.pi, 4.5 * np.pi, n), rng.uniform(0, 21, n)
    return np.stack([t * np.cos(t), height, t * np.sin(t)], axis=1)


def drawn(shape, rng, n):
    """Random parameters, uniform in each."""
    count = shape.__code__.co_argcount
    return shape(*rng.uniform(0, TURN, (count, n)))


def lattice(shape, n):
    """Points of the shape on a grid of parameters, n along each."""
    count = shape.__code__.co_argcount
    axis = np.arange(n) * TURN / n
    return shape(*(a.ravel() for a in np.meshgrid(*[axis] * count)))


def covering(sample, dense):
    """Largest distance of a dense point to the sample."""
    from scipy.spatial import cKDTree

    return float(cKDTree(sample).query(dense)[0].max())
