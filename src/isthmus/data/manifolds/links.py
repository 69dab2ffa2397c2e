"""Two linked circles."""

from __future__ import annotations

import dataclasses

import numpy as np

from isthmus.data.manifolds.base import AbstractManifold, Facts, uniform
from isthmus.data.manifolds.charts import Chart, JoinedCharts
from isthmus.data.manifolds.spheres import unit


@dataclasses.dataclass(frozen=True)
class PlacedCircle(AbstractManifold):
    """Unit circle in space.

    Attributes:
        centre: Its centre.
        axes: The two coordinate axes that its plane is parallel to.

    Examples:
        >>> PlacedCircle((1.0, 0.0, 0.0), (0, 2)).projection(np.array([[5.0, 9.0, 0.0]]))
        array([[2., 0., 0.]])
    """

    centre: tuple[float, float, float]
    axes: tuple[int, int]

    @property
    def facts(self) -> Facts:
        """Everything known exactly."""
        return Facts(1, 3, 2, (1, 1), (1, 1), 1.0)

    def _draw(self, n: int, rng: np.random.Generator) -> np.ndarray:
        return self.at(2.0 * np.pi * uniform(rng, n))

    def _project(self, points: np.ndarray) -> np.ndarray:
        return self._spread(self._direction(points)) + np.array(self.centre)

    def _tangents(self, points: np.ndarray) -> np.ndarray:
        out = self._direction(points)
        return self._spread(np.stack([-out[:, 1], out[:, 0]], axis=1))[:, :, None]

    def _chart(self) -> Chart:
        def logarithm(points: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
            out = self._direction(points)
            angle = np.arctan2(out[:, 1], out[:, 0])
            return angle[:, None], np.pi - np.abs(angle)

        return Chart(logarithm, lambda z: self.at(z[:, 0]), 1, np.pi, np.pi)

    def at(self, angle: np.ndarray) -> np.ndarray:
        """Points at angles."""
        out = np.stack([np.cos(angle), np.sin(angle)], axis=1)
        return self._spread(out) + np.array(self.centre)

    def _direction(self, points: np.ndarray) -> np.ndarray:
        return unit((points - np.array(self.centre))[:, self.axes])

    def _spread(self, plane: np.ndarray) -> np.ndarray:
        points = np.zeros((plane.shape[0], 3))
        points[:, self.axes] = plane
        return points


@dataclasses.dataclass(frozen=True)
class HopfLink(AbstractManifold):
    """Two unit circles, each through the centre of the other, at right angles.

    Its reach is 1/2, half the distance of the two circles; each alone has reach 1.

    Examples:
        >>> HopfLink().betti(), HopfLink().embedding_dim, HopfLink().components[0].reach
        ((2, 2), 2, 1.0)
    """

    @property
    def components(self) -> tuple[PlacedCircle, PlacedCircle]:
        """The two circles."""
        first = PlacedCircle((0.0, 0.0, 0.0), (0, 1))
        return first, PlacedCircle((1.0, 0.0, 0.0), (0, 2))

    @property
    def facts(self) -> Facts:
        """Everything known exactly."""
        return Facts(1, 3, 2, (2, 2), (2, 2), 0.5)

    def component(self, points: np.ndarray) -> np.ndarray:
        """Which circle is nearer, 0 or 1, to points "sample ambient"."""
        away = [
            np.linalg.norm(c.projection(points) - points, axis=1) for c in self.components
        ]
        return (away[1] < away[0]).astype(np.int64)

    def _draw(self, n: int, rng: np.random.Generator) -> np.ndarray:
        first, second = self.components
        angle = 4.0 * np.pi * uniform(rng, n)
        on_first = angle < 2.0 * np.pi
        return np.where(on_first[:, None], first.at(angle), second.at(angle))

    def _project(self, points: np.ndarray) -> np.ndarray:
        first, second = self.components
        choose = self.component(points)[:, None] == 0
        return np.where(choose, first.projection(points), second.projection(points))

    def _tangents(self, points: np.ndarray) -> np.ndarray:
        first, second = self.components
        choose = self.component(points)[:, None, None] == 0
        return np.where(choose, first.tangents(points), second.tangents(points))

    def _chart(self) -> JoinedCharts:
        return JoinedCharts(tuple(c._chart() for c in self.components), self.component)
