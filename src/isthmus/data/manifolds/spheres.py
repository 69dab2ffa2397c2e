"""Round spheres of any dimension; the circle is the first."""

from __future__ import annotations

import dataclasses

import numpy as np

from isthmus.core.door import whole_number
from isthmus.data.manifolds.base import AbstractManifold, Facts, directions, positive
from isthmus.data.manifolds.charts import Chart


@dataclasses.dataclass(frozen=True)
class Sphere(AbstractManifold):
    """Sphere about the origin: the circle for `dimension` 1.

    Attributes:
        dimension: Dimension k of the sphere in k + 1 coordinates, at least 1.
        radius: Its radius and its reach.

    Examples:
        >>> Sphere(3).betti(), Sphere(3).embedding_dim
        ((1, 0, 0, 1), 4)
    """

    dimension: int = 2
    radius: float = 1.0

    def __post_init__(self) -> None:
        """Check dimension and radius."""
        dimension = whole_number("Sphere(dimension=...)", self.dimension, least=1)
        object.__setattr__(self, "dimension", dimension)  # 2.0 counts as whole
        positive("Sphere(radius=...)", self.radius)

    @property
    def facts(self) -> Facts:
        """Everything known exactly."""
        k = self.dimension
        betti = (1, *(0,) * (k - 1), 1)
        return Facts(k, k + 1, k + 1, betti, betti, self.radius)

    def _draw(self, n: int, rng: np.random.Generator) -> np.ndarray:
        return self.radius * directions(rng, n, self.ambient_dim)

    def _project(self, points: np.ndarray) -> np.ndarray:
        return self.radius * unit(points)

    def _tangents(self, points: np.ndarray) -> np.ndarray:
        return complement(unit(points))

    def _chart(self) -> Chart:
        def logarithm(points: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
            flat, angle = from_pole(unit(points))
            return flat, np.pi - angle

        def exponential(z: np.ndarray) -> np.ndarray:
            return self.radius * to_sphere(z)

        return Chart(logarithm, exponential, self.dimension, np.pi, np.pi)


def circle(radius: float = 1.0) -> Sphere:
    """Circle in the plane: the sphere of dimension 1.

    Examples:
        >>> circle(2.0).reach
        2.0
    """
    return Sphere(1, radius)


def unit(points: np.ndarray) -> np.ndarray:
    """Directions of points; the first axis for the origin."""
    scale = np.abs(points).max(axis=1, keepdims=True)
    safe = points / np.where(scale > 0, scale, 1.0)
    safe[scale[:, 0] == 0, 0] = 1.0
    return safe / np.linalg.norm(safe, axis=1, keepdims=True)


def complement(v: np.ndarray) -> np.ndarray:
    """Orthonormal bases of what is orthogonal to unit vectors, by a reflection."""
    n, ambient = v.shape
    sign = np.where(v[:, 0] >= 0, 1.0, -1.0)
    axis = v.copy()
    axis[:, 0] += sign
    axis /= np.linalg.norm(axis, axis=1, keepdims=True)
    reflection = np.eye(ambient) - 2.0 * axis[:, :, None] * axis[:, None, :]
    return reflection[:, :, 1:]


def from_pole(v: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Angle times direction of unit vectors from the first axis, and the angle."""
    across = np.linalg.norm(v[:, 1:], axis=1)
    angle = np.arctan2(across, v[:, 0])
    flat = v[:, 1:] * (angle / np.where(across > 0, across, 1.0))[:, None]
    opposite = (across == 0) & (v[:, 0] < 0)
    flat[opposite, 0] = np.pi
    return flat, angle


def to_sphere(z: np.ndarray) -> np.ndarray:
    """Unit vectors at angle and direction z from the first axis."""
    angle = np.linalg.norm(z, axis=1, keepdims=True)
    return np.concatenate([np.cos(angle), np.sinc(angle / np.pi) * z], axis=1)
