"""What every manifold that data are drawn from knows about itself."""

from __future__ import annotations

import abc
import dataclasses
from typing import TYPE_CHECKING

import numpy as np
from jaxtyping import Float

from isthmus.core.door import real_array, real_number, whole_number
from isthmus.core.errors import ValueOutOfRange
from isthmus.core.random import as_rng, random_normal
from isthmus.core.typing import Matrix

if TYPE_CHECKING:
    from isthmus.data.manifolds.charts import AbstractChart

_LARGEST = 1e60


@dataclasses.dataclass(frozen=True)
class Facts:
    """What is known of a manifold.

    Attributes:
        dim: Dimension.
        ambient_dim: Numbers per point.
        embedding_dim: Least code length at which nothing stands in the way of a perfect
            continuous autoencoder.
        betti: Betti numbers over the field of two elements, degrees 0 ... dim.
        betti_odd: The same over the field of three elements.
        reach: Distance within which nearest points are unique, input units; inf for
            convex sets, None where it is not known.
        closed: Compact without boundary.
        orientable: Whether orientations of tangent spaces can be chosen continuously.

    References:
        [aamari:19] for the reach
    """

    dim: int
    ambient_dim: int
    embedding_dim: int
    betti: tuple[int, ...]
    betti_odd: tuple[int, ...]
    reach: float | None
    closed: bool = True
    orientable: bool = True


class AbstractManifold(abc.ABC):
    """A compact manifold in Euclidean space, with or without boundary.

    A leaf brings the facts, the sampler, the nearest point and the tangent spaces.

    Examples:
        >>> from isthmus.data.manifolds import Torus
        >>> torus = Torus(2.0, 1.0)
        >>> torus.dim, torus.embedding_dim, torus.betti(), torus.reach
        (2, 3, (1, 2, 1), 1.0)
        >>> torus.projection(np.array([[5.0, 0.0, 0.0]]))
        array([[3., 0., 0.]])
    """

    @property
    @abc.abstractmethod
    def facts(self) -> Facts:
        """Everything known exactly, or to the digits given."""

    @abc.abstractmethod
    def _draw(self, n: int, rng: np.random.Generator) -> np.ndarray:
        """Independent points, uniform by volume."""

    @abc.abstractmethod
    def _project(self, points: np.ndarray) -> np.ndarray:
        """Nearest points."""

    @abc.abstractmethod
    def _tangents(self, points: np.ndarray) -> np.ndarray:
        """Orthonormal bases at the nearest points, "sample ambient dim"."""

    @abc.abstractmethod
    def _chart(self) -> AbstractChart:
        """Coordinates of all but a set of measure zero."""

    @property
    def dim(self) -> int:
        """Dimension."""
        return self.facts.dim

    @property
    def ambient_dim(self) -> int:
        """Numbers per point."""
        return self.facts.ambient_dim

    @property
    def embedding_dim(self) -> int:
        """Least code length at which nothing rules out a perfect autoencoder."""
        return self.facts.embedding_dim

    @property
    def reach(self) -> float | None:
        """Distance within which nearest points are unique; None where not known."""
        return self.facts.reach

    @property
    def closed(self) -> bool:
        """Compact without boundary."""
        return self.facts.closed

    @property
    def orientable(self) -> bool:
        """Whether tangent spaces can be oriented continuously."""
        return self.facts.orientable

    def betti(self, field: int = 2) -> tuple[int, ...]:
        """Betti numbers of degrees 0 ... dim.

        Args:
            field: 2 or 3, the number of elements of the field of coefficients.

        Raises:
            ValueOutOfRange: If `field` is another number.
        """
        if field not in (2, 3):
            raise ValueOutOfRange(f"`betti(field=...)` must be 2 or 3; got {field!r}.")
        return self.facts.betti if field == 2 else self.facts.betti_odd

    def sample(self, n: int, rng: object) -> Float[np.ndarray, "n ambient"]:
        """Draw independent points, uniform by length, area or volume.

        Args:
            n: How many, at least 1.
            rng: Seed or NumPy generator.

        Returns:
            Points, float64, exactly uniform (rejection or closed form).

        Raises:
            ValueOutOfRange: If `n` or `rng` is not usable.
        """
        return self._draw(whole_number("sample(n=...)", n, least=1), as_rng(rng))

    def projection(self, points: Matrix) -> Float[np.ndarray, "sample ambient"]:
        """Nearest point of the manifold to each of `points`; one of them if several are.

        Args:
            points: Any points, "sample ambient", input units.

        Returns:
            Points of the manifold, closed form or by Newton's method to 1e-10.

        Raises:
            ValueOutOfRange: If `points` have the wrong shape or are not finite.
        """
        return self._project(self._checked("projection", points))

    def tangents(self, points: Matrix) -> Float[np.ndarray, "sample ambient dim"]:
        """Orthonormal bases of the tangent spaces at the nearest points.

        Args:
            points: Points on or near the manifold, "sample ambient".

        Returns:
            One basis per point, its vectors in columns.

        Raises:
            ValueOutOfRange: If `points` have the wrong shape or are not finite.
        """
        return self._tangents(self._checked("tangents", points))

    def chart_autoencoder(self, delta: float) -> AbstractChart:
        """Autoencoder of `dim` code numbers that is exact but for a thin collar.

        The manifold is cut open and laid out flat; codes of points within delta / 2 of
        the cut are drawn back to the centre of the chart, so that the encoder is
        continuous on all of the manifold, as is the decoder on all codes.

        Args:
            delta: Width of the collar in units of the chart: radians for angles.

        Returns:
            The autoencoder: ``encode``, ``decode`` and ``exceptional``.

        Raises:
            ValueOutOfRange: If `delta` is not positive or wider than the chart.

        References:
            [kvalheim:24]
        """
        chart = self._chart()
        return chart.with_collar(real_number("chart_autoencoder(delta=...)", delta))

    def _checked(self, call: str, points: Matrix) -> np.ndarray:
        given = real_array(f"{call}(points=...)", points)
        if given.ndim != 2 or given.shape[1] != self.ambient_dim:
            raise ValueOutOfRange(
                f"`{call}(points=...)` must have rows of {self.ambient_dim} numbers; got "
                f"shape {given.shape}."
            )
        if not np.all(np.isfinite(given)):
            raise ValueOutOfRange(f"`{call}(points=...)` must be finite; it is not.")
        return given


def with_noise(
    points: Matrix, deviation: float, rng: object
) -> Float[np.ndarray, "sample ambient"]:
    """Points with independent Gaussian noise on every coordinate.

    Args:
        points: "sample ambient".
        deviation: Standard deviation of the noise per coordinate, at least 0.
        rng: Seed or NumPy generator.

    Returns:
        New points, float64.

    Raises:
        ValueOutOfRange: If `deviation` is negative or not finite.

    Examples:
        >>> float(with_noise(np.zeros((50_000, 2)), 0.1, rng=0).std().round(3))
        0.1
    """
    given = real_array("with_noise(points=...)", points)
    scale = positive("with_noise(deviation=...)", deviation, least=0.0)
    noise = random_normal(as_rng(rng), 1, given.size).reshape(given.shape)
    return given + scale * noise


def positive(name: str, value: object, *, least: float | None = None) -> float:
    """A finite number above zero, or at least `least`; squares of areas must be numbers."""
    number = real_number(name, value)
    fits = number > 0 if least is None else number >= least
    if not (fits and np.isfinite(number)):
        rule = "positive" if least is None else f"at least {least:g}"
        raise ValueOutOfRange(f"`{name}` must be {rule} and finite; got {number}.")
    if number > _LARGEST or 0.0 < number < 1.0 / _LARGEST:
        raise ValueOutOfRange(
            f"`{name}` must be between {1.0 / _LARGEST:g} and {_LARGEST:g}; got {number}. "
            "Choose another unit."
        )
    return number


def uniform(rng: np.random.Generator, *shape: int) -> np.ndarray:
    """Uniform numbers in (0, 1) from raw words."""
    words = rng.integers(0, 2**64, size=shape, dtype=np.uint64)
    return ((words >> np.uint64(11)).astype(np.float64) + 0.5) * 2.0**-53


def directions(rng: np.random.Generator, n: int, dim: int) -> np.ndarray:
    """Uniform unit vectors."""
    normal = random_normal(rng, n, dim)
    return normal / np.linalg.norm(normal, axis=1, keepdims=True)
