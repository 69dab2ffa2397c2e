"""All holes of one component: births, deaths, what they certify, how likely by chance."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np
from jaxtyping import Float, Int

from isthmus.topology.alpha import AlphaComplex
from isthmus.topology.components import longest_gap
from isthmus.topology.persistence import Intervals, alpha_intervals
from isthmus.topology.point_clouds import affine_span
from isthmus.topology.reduction import (
    BIRTH_FACTOR,
    MOST_DIM,
    Polyhedron,
    pairwise,
    polyhedron,
)
from isthmus.topology.rips import rips_bound, rips_diagram
from isthmus.topology.significance import ALPHA_POWER, RIPS_POWER, universal_p_values

_ROUNDING = 1.0 + 1e-9


@dataclasses.dataclass(frozen=True)
class Holes:
    """Classes of one component, of all degrees from one on, in no order.

    Attributes:
        degree: Degree of each class.
        birth: Radius at which it appears, input units.
        death: Radius at which it is filled.
        bound: Error that it certifies; negative where a Rips class certifies nothing.
        p_value: Each for itself; NaN where there is no test.
        max_birth: Largest birth of a class that counts.
        dim: Dimension of the space that was triangulated; of the span for Rips.
        kind: "alpha", "projected alpha" or "rips".
        jitter: Displacement of a degenerate cloud.
        intervals: Field -> degree -> intervals, for alpha complexes.
        body: The alpha polyhedron, if there is one.
        landmarks: The points of the Rips complex, if there is one.
    """

    degree: Int[np.ndarray, " hole"]
    birth: Float[np.ndarray, " hole"]
    death: Float[np.ndarray, " hole"]
    bound: Float[np.ndarray, " hole"]
    p_value: Float[np.ndarray, " hole"]
    max_birth: float
    dim: int
    kind: str
    jitter: float = 0.0
    intervals: Intervals = dataclasses.field(default_factory=dict)
    body: Polyhedron | None = None
    landmarks: Float[np.ndarray, "landmark rank"] | None = None

    @property
    def counts(self) -> np.ndarray:
        """Which classes are born early enough."""
        return self.birth <= self.max_birth

    def longest_edge(self, radius: float) -> tuple[float, float]:
        """Longest edge of the polyhedron at a radius, and the share of distances below."""
        if self.body is not None:
            longest = self.body.longest_edge(radius)
            return longest, self.body.quantile_of(longest)
        if self.landmarks is None:
            return 0.0, 0.0
        distances = pairwise(self.landmarks)
        longest = float(distances[distances <= 2.0 * radius * _ROUNDING].max(initial=0.0))
        return longest, float(np.mean(distances < longest))


def component_holes(
    points: Float[np.ndarray, "sample dim"],
    n_code: int,
    *,
    fields: tuple[int, ...] = (2,),
    max_birth: float | None = None,
    lowest: int | None = None,
    alpha: AlphaComplex | None = None,
) -> Holes:
    """Holes of degree at least `lowest` of one component.

    Args:
        points: Distinct points of the component.
        n_code: Latent dimension that chooses the projection of a cloud of more than four
            dimensions, and Rips from 4 on.
        fields: Primes; a class that several fields see at the same radii is listed once.
        max_birth: Largest birth radius; None for 3.5 times the last H_0 death.
        lowest: Lowest degree listed; `n_code` by default.
        alpha: Complex of the points in their span, if it is known already.
    """
    lowest = n_code if lowest is None else lowest
    span = affine_span(points)
    rank = span.points.shape[1]
    if rank <= lowest:
        return _none(rank)
    if rank > MOST_DIM and n_code >= MOST_DIM:
        return _rips_holes(span.points, n_code, fields, max_birth)
    body = polyhedron(span, n_code, max_birth, alpha)
    found = alpha_intervals(body.alpha, fields)
    jitter = body.alpha.jitter
    parts = []
    for degree in range(lowest, body.dim):
        births, deaths = _union([found[field][degree] for field in fields])
        p_values = universal_p_values(
            births, deaths, dim=body.dim, degree=degree, power=ALPHA_POWER
        )
        parts.append((degree, births, deaths, deaths - births - 2.0 * jitter, p_values))
    kind = "projected alpha" if body.projected else "alpha"
    return Holes(
        **_joined(parts),
        max_birth=body.max_birth,
        dim=body.dim,
        kind=kind,
        jitter=jitter,
        intervals=found,
        body=body,
    )


def _rips_holes(
    points: np.ndarray, degree: int, fields: tuple[int, ...], max_birth: float | None
) -> Holes:
    diagram = rips_diagram(points, degree, fields)
    landmarks = points[diagram.landmarks]
    if max_birth is None:
        max_birth = 0.5 * BIRTH_FACTOR * longest_gap(landmarks)
    births, deaths = _union([diagram.intervals[field][degree] for field in fields])
    kept = deaths > births * _ROUNDING
    births, deaths = births[kept], deaths[kept]
    bounds = rips_bound(births, deaths, degree)
    p_values = universal_p_values(
        births, deaths, dim=points.shape[1], degree=degree, power=RIPS_POWER
    )
    return Holes(
        **_joined([(degree, 0.5 * births, 0.5 * deaths, bounds, p_values)]),
        max_birth=max_birth,
        dim=points.shape[1],
        kind="rips",
        landmarks=landmarks,
    )


def _union(intervals: list[np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
    """Intervals of the first field, and those of the others that it does not have."""
    found = intervals[0]
    for more in intervals[1:]:
        known = np.isin(more[:, 0] + 1j * more[:, 1], found[:, 0] + 1j * found[:, 1])
        found = np.concatenate([found, more[~known]])
    finite = np.isfinite(found[:, 1])
    return found[finite, 0], found[finite, 1]


def _joined(parts: list[tuple]) -> dict[str, Any]:
    """Columns of a table from one tuple (degree, births, deaths, ...) per degree."""
    degrees = [np.full(part[1].size, part[0], np.int64) for part in parts]
    names = ("birth", "death", "bound", "p_value")
    return {"degree": np.concatenate(degrees)} | {
        name: np.concatenate([part[i] for part in parts]) for i, name in enumerate(names, 1)
    }


def _none(dim: int) -> Holes:
    nothing = np.empty(0)
    return Holes(
        np.empty(0, np.int64), nothing, nothing, nothing, nothing, 0.0, dim, "alpha"
    )
