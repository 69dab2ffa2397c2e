"""Manifolds that are the image of a box: curves, tori, bands."""

from __future__ import annotations

import abc
import functools
import itertools

import numpy as np

from isthmus.data.manifolds.base import AbstractManifold, uniform
from isthmus.data.manifolds.charts import Chart
from isthmus.data.manifolds.newton import nearest_parameters


class AbstractParametrised(AbstractManifold):
    """Image of a box under an analytic map, one to one but for its identified walls.

    A periodic coordinate runs from -pi to pi. Points are drawn by rejection from the
    box, by the exact length or area element.
    """

    @property
    @abc.abstractmethod
    def _box(self) -> tuple[tuple[float, float, bool], ...]:
        """Least and largest value of each parameter, and whether its walls are glued."""

    @property
    @abc.abstractmethod
    def _most_area(self) -> float:
        """Upper bound of the length, area or volume element."""

    @abc.abstractmethod
    def _embed(self, u: np.ndarray) -> np.ndarray:
        """Points of parameters, real or complex, also outside the box."""

    @abc.abstractmethod
    def _jacobian(self, u: np.ndarray) -> np.ndarray:
        """Derivatives, "sample ambient dim"."""

    @abc.abstractmethod
    def _parameters(self, points: np.ndarray) -> np.ndarray:
        """Parameters in the box of the nearest points."""

    def _draw(self, n: int, rng: np.random.Generator) -> np.ndarray:
        low = np.array([side[0] for side in self._box])
        high = np.array([side[1] for side in self._box])
        kept, count = [], 0
        while count < n:
            size = n - count
            u = low + (high - low) * uniform(rng, size, low.size)
            keep = uniform(rng, size) * self._most_area <= self._area(u)
            kept.append(u[keep])
            count += kept[-1].shape[0]
        return self._embed(np.concatenate(kept))

    def _area(self, u: np.ndarray) -> np.ndarray:
        jacobian = self._jacobian(u)
        return np.sqrt(np.linalg.det(jacobian.swapaxes(1, 2) @ jacobian))

    def _project(self, points: np.ndarray) -> np.ndarray:
        return self._embed(self._parameters(points))

    def _tangents(self, points: np.ndarray) -> np.ndarray:
        return np.linalg.qr(self._jacobian(self._parameters(points)))[0]

    def _chart(self) -> Chart:
        glued = [j for j, side in enumerate(self._box) if side[2]]

        def logarithm(points: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
            u = self._parameters(points)
            margin = np.pi - np.abs(u[:, glued])
            return u, margin.min(axis=1, initial=np.inf)

        corner = [max(abs(side[0]), abs(side[1])) for side in self._box]
        width = np.pi if glued else np.inf
        return Chart(
            logarithm, self._embed, len(self._box), float(np.linalg.norm(corner)), width
        )


def search(manifold: AbstractParametrised, points: np.ndarray) -> np.ndarray:
    """Parameters of the nearest points: the best of a grid, refined by Newton's method.

    The result is a point at which the distance is stationary to 1e-10. Where two parts of
    the manifold are equally near but for the square of the grid's spacing, it may be on
    the one that is farther by that much.
    """
    tree, grid = _grid(manifold)
    start = grid[tree.query(points)[1]]
    box = manifold._box
    bounds = (
        np.array([-np.inf if glued else low for low, _, glued in box]),
        np.array([np.inf if glued else high for _, high, glued in box]),
    )
    return nearest_parameters(points, start, manifold._embed, manifold._jacobian, bounds)


def wrapped(angle: np.ndarray) -> np.ndarray:
    """Angles in (-pi, pi]."""
    return np.pi - (np.pi - angle) % (2.0 * np.pi)


@functools.lru_cache(maxsize=8)
def _grid(manifold: AbstractParametrised) -> tuple:
    from scipy.spatial import cKDTree

    per_side = {1: 4000, 2: 220}[len(manifold._box)]
    sides = [np.linspace(low, high, per_side) for low, high, _ in manifold._box]
    grid = np.array(list(itertools.product(*sides)))
    return cKDTree(manifold._embed(grid)), grid
