"""Closed curves other than the circle."""

from __future__ import annotations

import dataclasses

import numpy as np

from isthmus.core.errors import ValueOutOfRange
from isthmus.data.manifolds.base import Facts, positive
from isthmus.data.manifolds.parametrised import AbstractParametrised, search, wrapped

_CIRCLE = ((-np.pi, np.pi, True),)


@dataclasses.dataclass(frozen=True)
class Ellipse(AbstractParametrised):
    """Ellipse in the plane; its reach is minor^2 / major, the least radius of curvature.

    Attributes:
        major: Larger half axis, along the first coordinate.
        minor: Smaller half axis.

    Examples:
        >>> Ellipse(2.0, 1.0).reach
        0.5
    """

    major: float = 2.0
    minor: float = 1.0

    def __post_init__(self) -> None:
        """Check the half axes."""
        positive("Ellipse(minor=...)", self.minor)
        if positive("Ellipse(major=...)", self.major) < self.minor:
            raise ValueOutOfRange(
                f"`Ellipse(major=...)` must be at least `minor`; got {self.major} and "
                f"{self.minor}."
            )

    @property
    def facts(self) -> Facts:
        """Everything known exactly."""
        return Facts(1, 2, 2, (1, 1), (1, 1), self.minor**2 / self.major)

    @property
    def _box(self) -> tuple[tuple[float, float, bool], ...]:
        return _CIRCLE

    @property
    def _most_area(self) -> float:
        return self.major

    def _embed(self, u: np.ndarray) -> np.ndarray:
        t = u[:, 0]
        return np.stack([self.major * np.cos(t), self.minor * np.sin(t)], axis=1)

    def _jacobian(self, u: np.ndarray) -> np.ndarray:
        t = u[:, 0]
        return np.stack([-self.major * np.sin(t), self.minor * np.cos(t)], axis=1)[
            ..., None
        ]

    def _parameters(self, points: np.ndarray) -> np.ndarray:
        return wrapped(search(self, points))


@dataclasses.dataclass(frozen=True)
class Trefoil(AbstractParametrised):
    """Trefoil knot (sin t + 2 sin 2t, cos t - 2 cos 2t, -sin 3t).

    A knot is no obstruction: two code numbers suffice, as for every closed curve. The
    reach, found numerically, is half the distance of two strands.

    Examples:
        >>> Trefoil().embedding_dim
        2
    """

    @property
    def facts(self) -> Facts:
        """Everything known exactly, and the reach to five digits."""
        return Facts(1, 3, 2, (1, 1), (1, 1), 0.60715)

    @property
    def _box(self) -> tuple[tuple[float, float, bool], ...]:
        return _CIRCLE

    @property
    def _most_area(self) -> float:
        return float(np.sqrt(34.0))  # 17 + 8 cos 3t + 9 cos^2 3t

    def _embed(self, u: np.ndarray) -> np.ndarray:
        t = u[:, 0]
        x = np.sin(t) + 2.0 * np.sin(2.0 * t)
        y = np.cos(t) - 2.0 * np.cos(2.0 * t)
        return np.stack([x, y, -np.sin(3.0 * t)], axis=1)

    def _jacobian(self, u: np.ndarray) -> np.ndarray:
        t = u[:, 0]
        x = np.cos(t) + 4.0 * np.cos(2.0 * t)
        y = -np.sin(t) + 4.0 * np.sin(2.0 * t)
        return np.stack([x, y, -3.0 * np.cos(3.0 * t)], axis=1)[..., None]

    def _parameters(self, points: np.ndarray) -> np.ndarray:
        return wrapped(search(self, points))
