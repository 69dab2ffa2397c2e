"""The projective plane, in nine and in four dimensions."""

from __future__ import annotations

import dataclasses
import functools

import numpy as np

from isthmus.data.manifolds.base import AbstractManifold, Facts, directions, uniform
from isthmus.data.manifolds.charts import Chart
from isthmus.data.manifolds.newton import nearest_parameters
from isthmus.data.manifolds.spheres import complement, from_pole, to_sphere, unit

_BETTI, _BETTI_ODD = (1, 1, 1), (1, 0, 0)
_BOUNDS = (np.full(3, -np.inf), np.full(3, np.inf))


@dataclasses.dataclass(frozen=True)
class Projectors(AbstractManifold):
    """Projective plane as the projectors v v^T on lines in space, nine numbers each.

    Examples:
        >>> Projectors().facts.dim, Projectors().embedding_dim, Projectors().betti(3)
        (2, 4, (1, 0, 0))
    """

    @property
    def facts(self) -> Facts:
        """Everything known exactly."""
        reach = float(np.sqrt(0.5))
        return Facts(2, 9, 4, _BETTI, _BETTI_ODD, reach, orientable=False)

    def _draw(self, n: int, rng: np.random.Generator) -> np.ndarray:
        return _outer(directions(rng, n, 3))

    def _project(self, points: np.ndarray) -> np.ndarray:
        return _outer(_line(points))

    def _tangents(self, points: np.ndarray) -> np.ndarray:
        v = _line(points)
        basis = complement(v)
        half = np.einsum("ni,njk->nijk", v, basis)
        both = (half + half.swapaxes(1, 2)) * np.sqrt(0.5)
        return both.reshape(points.shape[0], 9, 2)

    def _chart(self) -> Chart:
        def logarithm(points: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
            return _upper(_line(points))

        def exponential(z: np.ndarray) -> np.ndarray:
            return _outer(to_sphere(z))

        return Chart(logarithm, exponential, 2, 0.5 * np.pi, 0.5 * np.pi)


@dataclasses.dataclass(frozen=True)
class ProjectivePlane(AbstractManifold):
    """Projective plane in four dimensions: (xy, xz, yz, (x^2 - y^2) / 2) of unit vectors.

    Examples:
        >>> ProjectivePlane().reach, ProjectivePlane().orientable
        (0.125, False)
    """

    @property
    def facts(self) -> Facts:
        """Everything known exactly."""
        return Facts(2, 4, 4, _BETTI, _BETTI_ODD, 0.125, orientable=False)

    def _draw(self, n: int, rng: np.random.Generator) -> np.ndarray:
        kept, count = [], 0
        while count < n:
            v = directions(rng, n - count, 3)
            q = v[:, 0] ** 2 + v[:, 1] ** 2
            area = np.sqrt(1.0 - 3.0 * q + 3.0 * q**2)
            kept.append(v[uniform(rng, n - count) <= area])
            count += kept[-1].shape[0]
        return _quadratic(np.concatenate(kept))

    def _project(self, points: np.ndarray) -> np.ndarray:
        return _quadratic(_preimage(points))

    def _tangents(self, points: np.ndarray) -> np.ndarray:
        v = _preimage(points)
        return np.linalg.qr(_quadratic_slope(v) @ complement(v))[0]

    def _chart(self) -> Chart:
        def logarithm(points: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
            return _upper(_preimage(points))

        def exponential(z: np.ndarray) -> np.ndarray:
            return _quadratic(to_sphere(z))

        return Chart(logarithm, exponential, 2, 0.5 * np.pi, 0.5 * np.pi)


def _outer(v: np.ndarray) -> np.ndarray:
    return (v[:, :, None] * v[:, None, :]).reshape(v.shape[0], 9)


def _line(points: np.ndarray) -> np.ndarray:
    matrix = points.reshape(-1, 3, 3)
    return np.linalg.eigh(matrix + matrix.swapaxes(1, 2))[1][:, :, -1]


def _upper(v: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    flat, angle = from_pole(np.where(v[:, :1] < 0, -v, v))
    return flat, 0.5 * np.pi - angle


def _quadratic(v: np.ndarray) -> np.ndarray:
    x, y, z = v.T
    return np.stack([x * y, x * z, y * z, 0.5 * (x - y) * (x + y)], axis=1)


def _quadratic_slope(v: np.ndarray) -> np.ndarray:
    x, y, z = v.T
    none = np.zeros_like(x)
    rows = [[y, x, none], [z, none, x], [none, z, y], [x, -y, none]]
    return np.stack([np.stack(row, axis=1) for row in rows], axis=1)


def _preimage(points: np.ndarray) -> np.ndarray:
    """Unit vectors of the nearest points: Newton's method from the best of a grid.

    The vectors are free in space; a fifth coordinate, their squared length, is to be 1.
    """
    tree, grid = _lattice()
    start = grid[tree.query(points)[1]]
    wanted = np.concatenate([points, np.ones((points.shape[0], 1))], axis=1)
    free = nearest_parameters(wanted, start, _lengthened, _lengthened_slope, _BOUNDS)
    return unit(free)


def _lengthened(w: np.ndarray) -> np.ndarray:
    square = np.sum(w * w, axis=1, keepdims=True)
    return np.concatenate([_quadratic(w) / square, square], axis=1)


def _lengthened_slope(w: np.ndarray) -> np.ndarray:
    square = np.sum(w * w, axis=1)[:, None, None]
    out = 2.0 * w[:, None, :]
    slope = _quadratic_slope(w) / square - _quadratic(w)[:, :, None] * out / square**2
    return np.concatenate([slope, out], axis=1)


@functools.lru_cache(maxsize=1)
def _lattice() -> tuple:
    from scipy.spatial import cKDTree

    number = np.arange(40_000) + 0.5
    height, turn = 1.0 - number / number.size, np.pi * (1.0 + 5.0**0.5) * number
    across = np.sqrt(1.0 - height**2)
    grid = np.stack([across * np.cos(turn), across * np.sin(turn), height], axis=1)
    return cKDTree(_quadratic(grid)), grid
