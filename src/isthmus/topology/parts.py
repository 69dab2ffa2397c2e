"""A cloud made ready: distinct points, few enough, one component at a time."""

from __future__ import annotations

import dataclasses

import numpy as np
from jaxtyping import Float

from isthmus.core.door import whole_number
from isthmus.topology.alpha import AlphaComplex, alpha_complex
from isthmus.topology.components import connected_components
from isthmus.topology.cost import affordable_rows, covering_radius, random_rows
from isthmus.topology.point_clouds import affine_span, distinct
from isthmus.topology.reduction import MOST_DIM

_MOST_WIDE = 4000
"""Points of a cloud of more than four dimensions, whose distances are all computed."""


@dataclasses.dataclass(frozen=True)
class Parts:
    """Components of a cloud.

    Attributes:
        members: Distinct points of each, the largest component first.
        gap: No two components are nearer, input units.
        radius: Root mean square distance of all rows from their mean.
        n_points: Points in all components.
        covering_radius: Largest distance of a row to them.
        alpha: Complex of the whole cloud in its span, where it is one component.
    """

    members: tuple[Float[np.ndarray, "_ dim"], ...]
    gap: float
    radius: float
    n_points: int
    covering_radius: float
    alpha: AlphaComplex | None


def divided(
    call: str, rows: Float[np.ndarray, "sample dim"], max_points: int | None
) -> Parts:
    """Drop repetitions, sample what is too much, and cut into components."""
    if max_points is not None:
        max_points = whole_number(f"{call}(max_points=...)", max_points, least=2)
    radius = float(np.sqrt(np.square(rows - rows.mean(axis=0)).sum(axis=1).mean()))
    points, _ = distinct(rows)
    wide = points.shape[1] > MOST_DIM
    most = min(max_points or _MOST_WIDE, _MOST_WIDE) if wide else points.shape[0]
    kept = np.arange(points.shape[0])
    if points.shape[0] > most:
        kept = random_rows(points.shape[0], most)
    span = affine_span(points[kept])
    fewer = affordable_rows(call, span.points, max_points)
    if fewer is not None:
        kept = kept[fewer]
        span = affine_span(points[kept])
    covering = covering_radius(points, kept) if kept.size < points.shape[0] else 0.0
    alpha = edges = None
    if 1 <= span.points.shape[1] <= MOST_DIM:
        alpha = alpha_complex(span.points)
        edges = alpha.edges()[0]
    found = connected_components(span.points, edges)
    members = tuple(points[kept[found.labels == i]] for i in range(found.count))
    whole = alpha if found.count == 1 else None
    return Parts(members, found.gap, radius, kept.size, covering, whole)
