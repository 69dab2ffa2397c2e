"""Surfaces that are glued or rolled strips: Klein bottle, Moebius band, Swiss roll."""

from __future__ import annotations

import dataclasses

import numpy as np

from isthmus.core.errors import ValueOutOfRange
from isthmus.data.manifolds.base import Facts, positive
from isthmus.data.manifolds.parametrised import AbstractParametrised, search, wrapped

_ANGLE = (-np.pi, np.pi, True)


@dataclasses.dataclass(frozen=True)
class KleinBottle(AbstractParametrised):
    """Klein bottle without self-intersection in four dimensions.

    Points are ((2 + cos v) cos u, (2 + cos v) sin u, sin v cos(u/2), sin v sin(u/2)).
    Three code numbers do not suffice, although over one field alone its Betti numbers do
    not say so. The reach was found numerically.

    Examples:
        >>> KleinBottle().betti(2), KleinBottle().betti(3)
        ((1, 2, 1), (1, 1, 0))
    """

    @property
    def facts(self) -> Facts:
        """Everything known exactly, and the reach."""
        return Facts(2, 4, 4, (1, 2, 1), (1, 1, 0), 1.0, orientable=False)

    @property
    def _box(self) -> tuple[tuple[float, float, bool], ...]:
        return _ANGLE, _ANGLE

    @property
    def _most_area(self) -> float:
        return 3.0  # of the two sides: (2 + cos v)^2 + sin^2 v / 4 <= 9 and 1

    def _embed(self, u: np.ndarray) -> np.ndarray:
        a, v, half = u[:, 0], u[:, 1], 0.5 * u[:, 0]
        across, up = 2.0 + np.cos(v), np.sin(v)
        return np.stack(
            [across * np.cos(a), across * np.sin(a), up * np.cos(half), up * np.sin(half)],
            axis=1,
        )

    def _jacobian(self, u: np.ndarray) -> np.ndarray:
        a, v, half = u[:, 0], u[:, 1], 0.5 * u[:, 0]
        c, s, ch, sh = np.cos(a), np.sin(a), np.cos(half), np.sin(half)
        across, up, cv = 2.0 + np.cos(v), np.sin(v), np.cos(v)
        around = np.stack([-across * s, across * c, -0.5 * up * sh, 0.5 * up * ch], axis=1)
        tube = np.stack([-up * c, -up * s, cv * ch, cv * sh], axis=1)
        return np.stack([around, tube], axis=2)

    def _parameters(self, points: np.ndarray) -> np.ndarray:
        u = _twisted(search(self, points))
        return np.stack([u[:, 0], wrapped(u[:, 1])], axis=1)


@dataclasses.dataclass(frozen=True)
class Moebius(AbstractParametrised):
    """Moebius band around the unit circle in space.

    Attributes:
        half_width: Half of the width of the strip, below 1.

    Examples:
        >>> Moebius().betti(), Moebius().orientable, Moebius().embedding_dim
        ((1, 1, 0), False, 3)
    """

    half_width: float = 0.5

    def __post_init__(self) -> None:
        """Check the width."""
        if positive("Moebius(half_width=...)", self.half_width) >= 1.0:
            raise ValueOutOfRange(
                f"`Moebius(half_width=...)` must be below 1; got {self.half_width}."
            )

    @property
    def facts(self) -> Facts:
        """Everything known exactly; the reach is not."""
        return Facts(2, 3, 3, (1, 1, 0), (1, 1, 0), None, closed=False, orientable=False)

    @property
    def _box(self) -> tuple[tuple[float, float, bool], ...]:
        return _ANGLE, (-self.half_width, self.half_width, False)

    @property
    def _most_area(self) -> float:
        return float(np.hypot(1.0 + self.half_width, 0.5 * self.half_width))

    def _embed(self, u: np.ndarray) -> np.ndarray:
        a, v = u[:, 0], u[:, 1]
        across = 1.0 + v * np.cos(0.5 * a)
        x, y = across * np.cos(a), across * np.sin(a)
        return np.stack([x, y, v * np.sin(0.5 * a)], axis=1)

    def _jacobian(self, u: np.ndarray) -> np.ndarray:
        a, v = u[:, 0], u[:, 1]
        c, s, ch, sh = np.cos(a), np.sin(a), np.cos(0.5 * a), np.sin(0.5 * a)
        across, inward = 1.0 + v * ch, -0.5 * v * sh
        around = np.stack(
            [inward * c - across * s, inward * s + across * c, 0.5 * v * ch], axis=1
        )
        return np.stack([around, np.stack([ch * c, ch * s, sh], axis=1)], axis=2)

    def _parameters(self, points: np.ndarray) -> np.ndarray:
        return _twisted(search(self, points))


@dataclasses.dataclass(frozen=True)
class SwissRoll(AbstractParametrised):
    """Rolled-up sheet (t cos t, y, t sin t), t from 1.5 pi to 4.5 pi, y from 0 to height.

    The reach, found numerically, is half the least distance of two turns.

    Attributes:
        height: Width of the sheet.

    Examples:
        >>> SwissRoll().dim, SwissRoll().embedding_dim
        (2, 2)
    """

    height: float = 21.0

    def __post_init__(self) -> None:
        """Check the height."""
        positive("SwissRoll(height=...)", self.height)

    @property
    def facts(self) -> Facts:
        """Everything known exactly, and the reach to four digits."""
        return Facts(2, 3, 2, (1, 0, 0), (1, 0, 0), 3.111, closed=False)

    @property
    def _box(self) -> tuple[tuple[float, float, bool], ...]:
        return (1.5 * np.pi, 4.5 * np.pi, False), (0.0, self.height, False)

    @property
    def _most_area(self) -> float:
        return float(np.hypot(1.0, 4.5 * np.pi))

    def _embed(self, u: np.ndarray) -> np.ndarray:
        t = u[:, 0]
        return np.stack([t * np.cos(t), u[:, 1], t * np.sin(t)], axis=1)

    def _jacobian(self, u: np.ndarray) -> np.ndarray:
        t = u[:, 0]
        c, s, zero = np.cos(t), np.sin(t), np.zeros_like(t)
        along = np.stack([c - t * s, zero, s + t * c], axis=1)
        return np.stack([along, np.stack([zero, zero + 1.0, zero], axis=1)], axis=2)

    def _parameters(self, points: np.ndarray) -> np.ndarray:
        return search(self, points)


def _twisted(u: np.ndarray) -> np.ndarray:
    """First parameter in (-pi, pi]; every turn taken off flips the second."""
    angle = wrapped(u[:, 0])
    turns = np.rint((u[:, 0] - angle) / (2.0 * np.pi))
    flip = np.where(turns % 2 == 0, 1.0, -1.0)
    return np.stack([angle, flip * u[:, 1]], axis=1)
