"""Autoencoders in closed form: cut a manifold open and lay it out flat."""

from __future__ import annotations

import abc
import dataclasses
from collections.abc import Callable

import numpy as np
from jaxtyping import Bool, Float

from isthmus.core.door import real_array
from isthmus.core.errors import ValueOutOfRange
from isthmus.core.typing import Matrix


class AbstractChart(abc.ABC):
    """Encoder and decoder, continuous, exact off a collar around the cut."""

    @abc.abstractmethod
    def encode(self, points: Matrix) -> Float[np.ndarray, "sample dim"]:
        """Codes of points on or near the manifold (projected first)."""

    @abc.abstractmethod
    def decode(self, codes: Matrix) -> Float[np.ndarray, "sample ambient"]:
        """Points that belong to any codes."""

    @abc.abstractmethod
    def exceptional(self, points: Matrix) -> Bool[np.ndarray, " sample"]:
        """Whether points lie in the collar, off which the round trip is exact."""

    @abc.abstractmethod
    def with_collar(self, delta: float) -> AbstractChart:
        """The same chart with a collar of another width."""


@dataclasses.dataclass(frozen=True)
class Chart(AbstractChart):
    """Chart of a connected manifold: radial coordinates about a point, or a box.

    Attributes:
        logarithm: Points -> flat coordinates and their distance to the cut.
        exponential: Flat coordinates -> points, continuous on all of them.
        dim: Code length.
        radius: Largest length of flat coordinates.
        width: Largest distance to the cut; inf if nothing had to be cut.
        delta: Width of the collar: twice the distance to the cut within which codes are
            drawn back to the origin.
    """

    logarithm: Callable[[np.ndarray], tuple[np.ndarray, np.ndarray]]
    exponential: Callable[[np.ndarray], np.ndarray]
    dim: int
    radius: float
    width: float
    delta: float = 0.0

    def with_collar(self, delta: float) -> Chart:
        """The same chart with a collar of another width."""
        if not 0.0 < delta < 2.0 * self.width:
            raise ValueOutOfRange(
                f"`chart_autoencoder(delta=...)` must lie between 0 and "
                f"{2.0 * self.width:.4g}, the width of the chart; got {delta}."
            )
        return dataclasses.replace(self, delta=delta)

    def encode(self, points: Matrix) -> Float[np.ndarray, "sample dim"]:
        """Codes of points on or near the manifold."""
        flat, margin = self.logarithm(real_array("encode(points=...)", points))
        return np.clip(margin / (0.5 * self.delta), 0.0, 1.0)[:, None] * flat

    def decode(self, codes: Matrix) -> Float[np.ndarray, "sample ambient"]:
        """Points that belong to any codes."""
        return self.exponential(checked_codes(codes, self.dim))

    def exceptional(self, points: Matrix) -> Bool[np.ndarray, " sample"]:
        """Whether points lie in the collar."""
        margin = self.logarithm(real_array("exceptional(points=...)", points))[1]
        return margin < 0.5 * self.delta


@dataclasses.dataclass(frozen=True)
class JoinedCharts(AbstractChart):
    """Charts of several components, laid out side by side along the first code number.

    Between the charts the decoder blends to the mean of their centres, so that it is
    continuous on all codes.

    Attributes:
        charts: One per component.
        nearest: Points -> number of the component that each belongs to.
    """

    charts: tuple[Chart, ...]
    nearest: Callable[[np.ndarray], np.ndarray]

    @property
    def offsets(self) -> np.ndarray:
        """Centres of the charts along the first code number."""
        radii = np.array([chart.radius for chart in self.charts])
        gaps = 2.5 * (radii[:-1] + radii[1:])
        centres = np.concatenate([[0.0], np.cumsum(gaps)])
        return centres - centres.mean()

    def with_collar(self, delta: float) -> JoinedCharts:
        """The same charts with collars of another width."""
        charts = tuple(chart.with_collar(delta) for chart in self.charts)
        return dataclasses.replace(self, charts=charts)

    def encode(self, points: Matrix) -> Float[np.ndarray, "sample dim"]:
        """Codes of points on or near the manifold."""
        given = real_array("encode(points=...)", points)
        number = self.nearest(given)
        codes = np.empty((given.shape[0], self.charts[0].dim))
        for m, chart in enumerate(self.charts):
            codes[number == m] = chart.encode(given[number == m])
        codes[:, 0] += self.offsets[number]
        return codes

    def decode(self, codes: Matrix) -> Float[np.ndarray, "sample ambient"]:
        """Points that belong to any codes."""
        given = checked_codes(codes, self.charts[0].dim)
        origin = np.zeros((1, given.shape[1]))
        middle = np.mean([chart.decode(origin)[0] for chart in self.charts], axis=0)
        points = np.tile(middle, (given.shape[0], 1))
        for chart, offset in zip(self.charts, self.offsets, strict=True):
            local = given.copy()
            local[:, 0] -= offset
            away = np.linalg.norm(local, axis=1) / chart.radius
            near = away < 2.0
            blend = np.clip(away[near] - 1.0, 0.0, 1.0)[:, None]
            points[near] = (1.0 - blend) * chart.decode(local[near]) + blend * middle
        return points

    def exceptional(self, points: Matrix) -> Bool[np.ndarray, " sample"]:
        """Whether points lie in the collar of their component."""
        given = real_array("exceptional(points=...)", points)
        number = self.nearest(given)
        inside = np.zeros(given.shape[0], dtype=bool)
        for m, chart in enumerate(self.charts):
            inside[number == m] = chart.exceptional(given[number == m])
        return inside


def checked_codes(codes: Matrix, dim: int) -> np.ndarray:
    """Codes of the right length as float64."""
    given = real_array("decode(codes=...)", codes)
    if given.ndim != 2 or given.shape[1] != dim:
        raise ValueOutOfRange(
            f"`decode(codes=...)` must have rows of {dim} numbers; got shape {given.shape}."
        )
    return given


def identity_chart(dim: int, radius: float) -> Chart:
    """Chart of a set that is as flat as its codes."""
    return Chart(
        lambda x: (x, np.full(x.shape[0], np.inf)), lambda z: z, dim, radius, np.inf
    )
