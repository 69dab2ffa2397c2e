"""Sets with a boundary that are as flat as their codes, and the cylinder."""

from __future__ import annotations

import dataclasses

import numpy as np

from isthmus.core.door import whole_number
from isthmus.core.errors import ValueOutOfRange
from isthmus.data.manifolds.base import (
    AbstractManifold,
    Facts,
    directions,
    positive,
    uniform,
)
from isthmus.data.manifolds.charts import Chart, identity_chart
from isthmus.data.manifolds.spheres import unit


def _filled(dim: int) -> Facts:
    betti = (1, *(0,) * dim)
    return Facts(dim, dim, dim, betti, betti, np.inf, closed=False)


def _whole_space(points: np.ndarray) -> np.ndarray:
    return np.tile(np.eye(points.shape[1]), (points.shape[0], 1, 1))


@dataclasses.dataclass(frozen=True)
class Ball(AbstractManifold):
    """Solid ball about the origin: the disc for `dimension` 2.

    Attributes:
        dimension: At least 1.
        radius: Its radius.

    Examples:
        >>> Ball(2).reach
        inf
    """

    dimension: int = 2
    radius: float = 1.0

    def __post_init__(self) -> None:
        """Check dimension and radius."""
        dimension = whole_number("Ball(dimension=...)", self.dimension, least=1)
        object.__setattr__(self, "dimension", dimension)  # 2.0 counts as whole
        positive("Ball(radius=...)", self.radius)

    @property
    def facts(self) -> Facts:
        """Everything known exactly."""
        return _filled(self.dimension)

    def _draw(self, n: int, rng: np.random.Generator) -> np.ndarray:
        length = self.radius * uniform(rng, n, 1) ** (1.0 / self.dimension)
        return length * directions(rng, n, self.dimension)

    def _project(self, points: np.ndarray) -> np.ndarray:
        length = np.linalg.norm(points, axis=1, keepdims=True)
        return points * np.minimum(1.0, self.radius / np.maximum(length, self.radius))

    def _tangents(self, points: np.ndarray) -> np.ndarray:
        return _whole_space(points)

    def _chart(self) -> Chart:
        return identity_chart(self.dimension, self.radius)


@dataclasses.dataclass(frozen=True)
class Cube(AbstractManifold):
    """Solid cube from 0 to `side` in every coordinate.

    Attributes:
        dimension: At least 1.
        side: Length of an edge.

    Examples:
        >>> Cube(2).projection(np.array([[0.5, 7.0]]))
        array([[0.5, 1. ]])
    """

    dimension: int = 3
    side: float = 1.0

    def __post_init__(self) -> None:
        """Check dimension and side."""
        dimension = whole_number("Cube(dimension=...)", self.dimension, least=1)
        object.__setattr__(self, "dimension", dimension)  # 2.0 counts as whole
        positive("Cube(side=...)", self.side)

    @property
    def facts(self) -> Facts:
        """Everything known exactly."""
        return _filled(self.dimension)

    def _draw(self, n: int, rng: np.random.Generator) -> np.ndarray:
        return self.side * uniform(rng, n, self.dimension)

    def _project(self, points: np.ndarray) -> np.ndarray:
        return np.clip(points, 0.0, self.side)

    def _tangents(self, points: np.ndarray) -> np.ndarray:
        return _whole_space(points)

    def _chart(self) -> Chart:
        return identity_chart(self.dimension, self.side * self.dimension**0.5)


@dataclasses.dataclass(frozen=True)
class Annulus(AbstractManifold):
    """Disc with a hole: a loop, and no obstruction to two code numbers.

    Attributes:
        inner: Radius of the hole, which is the reach.
        outer: Radius of the disc.

    Examples:
        >>> Annulus().betti(), Annulus().embedding_dim
        ((1, 1, 0), 2)
    """

    inner: float = 0.5
    outer: float = 1.0

    def __post_init__(self) -> None:
        """Check the radii."""
        positive("Annulus(inner=...)", self.inner)
        if positive("Annulus(outer=...)", self.outer) <= self.inner:
            raise ValueOutOfRange(
                f"`Annulus(outer=...)` must be larger than `inner`; got {self.outer} and "
                f"{self.inner}."
            )

    @property
    def facts(self) -> Facts:
        """Everything known exactly."""
        return Facts(2, 2, 2, (1, 1, 0), (1, 1, 0), self.inner, closed=False)

    def _draw(self, n: int, rng: np.random.Generator) -> np.ndarray:
        inner, outer = self.inner**2, self.outer**2
        length = np.sqrt(inner + (outer - inner) * uniform(rng, n, 1))
        return length * directions(rng, n, 2)

    def _project(self, points: np.ndarray) -> np.ndarray:
        length = np.linalg.norm(points, axis=1, keepdims=True)
        inside = (length >= self.inner) & (length <= self.outer)
        return np.where(
            inside, points, np.clip(length, self.inner, self.outer) * unit(points)
        )

    def _tangents(self, points: np.ndarray) -> np.ndarray:
        return _whole_space(points)

    def _chart(self) -> Chart:
        return identity_chart(2, self.outer)


@dataclasses.dataclass(frozen=True)
class Cylinder(AbstractManifold):
    """Round band about the third axis; laid out as an annulus it needs no cut.

    Attributes:
        radius: Of the circle, and the reach.
        height: From one rim to the other.

    Examples:
        >>> Cylinder().orientable, Cylinder().embedding_dim
        (True, 2)
    """

    radius: float = 1.0
    height: float = 1.0

    def __post_init__(self) -> None:
        """Check radius and height."""
        positive("Cylinder(radius=...)", self.radius)
        positive("Cylinder(height=...)", self.height)

    @property
    def facts(self) -> Facts:
        """Everything known exactly."""
        return Facts(2, 3, 2, (1, 1, 0), (1, 1, 0), self.radius, closed=False)

    def _draw(self, n: int, rng: np.random.Generator) -> np.ndarray:
        up = self.height * (uniform(rng, n, 1) - 0.5)
        return np.concatenate([self.radius * directions(rng, n, 2), up], axis=1)

    def _project(self, points: np.ndarray) -> np.ndarray:
        up = np.clip(points[:, 2:], -0.5 * self.height, 0.5 * self.height)
        return np.concatenate([self.radius * unit(points[:, :2]), up], axis=1)

    def _tangents(self, points: np.ndarray) -> np.ndarray:
        out = unit(points[:, :2])
        basis = np.zeros((points.shape[0], 3, 2))
        basis[:, 0, 0], basis[:, 1, 0], basis[:, 2, 1] = -out[:, 1], out[:, 0], 1.0
        return basis

    def _chart(self) -> Chart:
        most = 0.5 * self.height

        def logarithm(points: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
            on = self._project(points)
            flat = (1.0 + most + on[:, 2:]) * on[:, :2] / self.radius
            return flat, np.full(points.shape[0], np.inf)

        def exponential(z: np.ndarray) -> np.ndarray:
            length = np.linalg.norm(z, axis=1, keepdims=True)
            up = np.clip(length - 1.0 - most, -most, most)
            around = self.radius * np.minimum(length, 1.0) * unit(z)
            return np.concatenate([around, up], axis=1)

        return Chart(logarithm, exponential, 2, 1.0 + self.height, np.inf)
