"""Tori: the tyre in space, and products of circles."""

from __future__ import annotations

import dataclasses
import math

import numpy as np

from isthmus.core.door import whole_number
from isthmus.core.errors import ValueOutOfRange
from isthmus.data.manifolds.base import Facts, positive
from isthmus.data.manifolds.parametrised import AbstractParametrised

_ANGLE = (-np.pi, np.pi, True)


@dataclasses.dataclass(frozen=True)
class Torus(AbstractParametrised):
    """Torus of revolution around the third axis.

    Attributes:
        major: Radius of the circle in the middle of the tube.
        minor: Radius of the tube, below `major`.

    Examples:
        >>> Torus(3.0, 1.0).sample(5, rng=0).shape
        (5, 3)
    """

    major: float = 2.0
    minor: float = 1.0

    def __post_init__(self) -> None:
        """Check the radii."""
        positive("Torus(minor=...)", self.minor)
        if positive("Torus(major=...)", self.major) <= self.minor:
            raise ValueOutOfRange(
                f"`Torus(major=...)` must be larger than `minor`; got {self.major} and "
                f"{self.minor}."
            )

    @property
    def facts(self) -> Facts:
        """Everything known exactly."""
        reach = min(self.minor, self.major - self.minor)
        return Facts(2, 3, 3, (1, 2, 1), (1, 2, 1), reach)

    @property
    def _box(self) -> tuple[tuple[float, float, bool], ...]:
        return _ANGLE, _ANGLE

    @property
    def _most_area(self) -> float:
        return self.minor * (self.major + self.minor)

    def _embed(self, u: np.ndarray) -> np.ndarray:
        across = self.major + self.minor * np.cos(u[:, 1])
        x, y = across * np.cos(u[:, 0]), across * np.sin(u[:, 0])
        return np.stack([x, y, self.minor * np.sin(u[:, 1])], axis=1)

    def _jacobian(self, u: np.ndarray) -> np.ndarray:
        (c, s), (cv, sv) = (
            (np.cos(u[:, 0]), np.sin(u[:, 0])),
            (np.cos(u[:, 1]), np.sin(u[:, 1])),
        )
        across = self.major + self.minor * cv
        around = np.stack([-across * s, across * c, np.zeros_like(s)], axis=1)
        tube = self.minor * np.stack([-sv * c, -sv * s, cv], axis=1)
        return np.stack([around, tube], axis=2)

    def _parameters(self, points: np.ndarray) -> np.ndarray:
        out = np.hypot(points[:, 0], points[:, 1]) - self.major
        around = np.arctan2(points[:, 1], points[:, 0])
        return np.stack([around, np.arctan2(points[:, 2], out)], axis=1)


@dataclasses.dataclass(frozen=True)
class ProductTorus(AbstractParametrised):
    """Product of unit circles, each in a plane of its own: two make the Clifford torus.

    Attributes:
        n_circles: Circles, at least 1.

    Examples:
        >>> ProductTorus(3).betti(), ProductTorus(3).embedding_dim
        ((1, 3, 3, 1), 4)
    """

    n_circles: int = 2

    def __post_init__(self) -> None:
        """Check the number of circles."""
        n_circles = whole_number("ProductTorus(n_circles=...)", self.n_circles, least=1)
        object.__setattr__(self, "n_circles", n_circles)  # 2.0 counts as whole

    @property
    def facts(self) -> Facts:
        """Everything known exactly."""
        k = self.n_circles
        betti = tuple(math.comb(k, j) for j in range(k + 1))
        return Facts(k, 2 * k, k + 1, betti, betti, 1.0)

    @property
    def _box(self) -> tuple[tuple[float, float, bool], ...]:
        return (_ANGLE,) * self.n_circles

    @property
    def _most_area(self) -> float:
        return 1.0 - 1e-9  # the element is 1 but for rounding

    def _embed(self, u: np.ndarray) -> np.ndarray:
        both = np.stack([np.cos(u), np.sin(u)], axis=2)
        return both.reshape(u.shape[0], 2 * self.n_circles)

    def _jacobian(self, u: np.ndarray) -> np.ndarray:
        n, k = u.shape
        made = np.zeros((n, k, 2, k), dtype=u.dtype)
        which = np.arange(k)
        made[:, which, 0, which] = -np.sin(u)
        made[:, which, 1, which] = np.cos(u)
        return made.reshape(n, 2 * k, k)

    def _parameters(self, points: np.ndarray) -> np.ndarray:
        return np.arctan2(points[:, 1::2], points[:, 0::2])
