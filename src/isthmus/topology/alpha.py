"""Alpha complexes: the Delaunay triangulation, and the radius at which each face enters."""

from __future__ import annotations

import dataclasses

import numpy as np
from jaxtyping import Float, Int

from isthmus.core.errors import NotConverged
from isthmus.core.random import as_rng
from isthmus.topology.circumspheres import circumspheres
from isthmus.topology.delaunay import delaunay_simplices
from isthmus.topology.faces import Facets, facets

JITTER = 2.0**-27
"""Largest displacement of a point of a degenerate cloud, in diameters of the cloud."""

_ATTEMPTS = 3
_BLOCK = 8192
_INSIDE = 1e-9


@dataclasses.dataclass(frozen=True)
class AlphaComplex:
    r"""A filtered simplicial complex on distinct points.

    The simplices of value at most :math:`b^2` have the homotopy type of the union of
    balls of radius b, for all b at once, and their hulls make the polyhedron
    :math:`K_b`.

    Attributes:
        points: The points that the simplices speak of.
        simplices: For each dimension from 0, ascending vertices, one simplex per column.
        values: For each dimension, squared radii in squared input units.
        jitter: Largest distance by which a point was moved; 0 unless the cloud is
            degenerate. Every birth and death is right to this much.
    """

    points: Float[np.ndarray, "sample dim"]
    simplices: tuple[Int[np.ndarray, "_ _"], ...]
    values: tuple[Float[np.ndarray, " _"], ...]
    jitter: float = 0.0

    @property
    def n_simplices(self) -> int:
        """Number of simplices of all dimensions."""
        return sum(values.size for values in self.values)

    def edges(
        self, radius: float = np.inf
    ) -> tuple[Int[np.ndarray, "2 edge"], Float[np.ndarray, " edge"]]:
        """Edges of the polyhedron at a radius, and their lengths in input units."""
        if len(self.simplices) < 2:
            return np.empty((2, 0), np.int32), np.empty(0)
        pairs = self.simplices[1][:, self.values[1] <= radius * radius]
        ends = self.points[pairs]
        return pairs, np.sqrt(np.square(ends[0] - ends[1]).sum(axis=1))


def alpha_complex(points: Float[np.ndarray, "sample dim"]) -> AlphaComplex:
    r"""Alpha filtration of distinct points that span their space.

    Top simplices of the Delaunay triangulation have their squared circumradius. A face
    takes the least value of its cofaces if the vertex that some coface adds lies
    strictly inside the smallest circumsphere of the face, and otherwise its own squared
    circumradius (never more than a coface). Vertices have 0.

    Where Qhull returns no Delaunay triangulation (on a grid more than dim + 1 points share
    a sphere, which leaves flat simplices; near rounding points are lost or lie inside the
    spheres of others), every point is moved by at most ``JITTER`` = 2^-27 = 7.5e-9
    diameters along fixed pseudo-random directions. By the stability theorem births and
    deaths then move by at most as much.

    Args:
        points: Distinct finite points, none of them within rounding of another, not all
            in one hyperplane.

    Returns:
        All simplices and values, exact to rounding or to the jitter.

    Raises:
        NotConverged: If no jitter makes the triangulation valid; the points then are
            not distinct or do not span their space.

    Examples:
        >>> square = np.array([[0.0, 0.0], [2.0, 0.0], [0.0, 2.0], [2.0, 2.1]])
        >>> made = alpha_complex(square)
        >>> [len(values) for values in made.values], made.values[1].round(3).tolist()
        ([4, 5, 2], [1.0, 1.0, 2.0, 1.102, 1.002])

    References:
        [edelsbrunner:10], [cohensteiner:07]
    """
    scale = float(np.linalg.norm(np.ptp(points, axis=0)))
    step = JITTER * scale
    for attempt in range(_ATTEMPTS + 1):
        moved = points if attempt == 0 else _jittered(points, step, attempt)
        tops = delaunay_simplices(moved)
        made = None if tops is None else _filtered(moved, tops, scale, strict=not attempt)
        if made is not None:
            return dataclasses.replace(made, jitter=0.0 if attempt == 0 else step)
    raise NotConverged(
        "`alpha_complex(points=...)` must be distinct points that span their space; got "
        f"{points.shape[0]} points in {points.shape[1]} dimensions that have no "
        "triangulation. Remove near-duplicates, and outliers more than 10^5 times as far "
        "away as the rest is wide."
    )


def _jittered(points: np.ndarray, step: float, seed: int) -> np.ndarray:
    width = step / np.sqrt(points.shape[1])
    return points + as_rng(seed).uniform(-width, width, points.shape)


def _filtered(
    points: np.ndarray, tops: np.ndarray, scale: float, *, strict: bool
) -> AlphaComplex | None:
    """Values from the top down; None if the simplices do not triangulate a ball.

    A flat simplex inside a cell of cospherical points has that cell's radius, which its
    own vertices do not tell: strictly, that is no triangulation either.
    """
    simplices, values = [tops], []
    floor = np.full(tops.shape[1], np.inf)
    forced = np.zeros(tops.shape[1], bool)
    for size in range(tops.shape[0], 1, -1):
        radii, centres, flat = circumspheres(points, simplices[-1], scale)
        if size == tops.shape[0] and strict and flat.any():
            return None
        radii = np.where(forced, floor, np.minimum(radii, floor))
        values.append(radii)
        found = facets(simplices[-1], points.shape[0])
        if size == tops.shape[0] and (
            found.cofaces.max() > 2
            or (strict and not _is_delaunay(points, tops, found, radii, centres, scale))
        ):
            return None
        simplices.append(found.simplices)
        if size > 2:
            floor, forced = _from_cofaces(found, radii, centres)
    values.append(np.zeros(simplices[-1].shape[1]))
    euler = sum((-1) ** i * each.size for i, each in enumerate(reversed(values)))
    if euler != 1 or values[-1].size != points.shape[0]:
        return None
    return AlphaComplex(points, tuple(reversed(simplices)), tuple(reversed(values)))


def _is_delaunay(
    points: np.ndarray,
    tops: np.ndarray,
    found: Facets,
    radii: np.ndarray,
    centres: np.ndarray,
    scale: float,
) -> bool:
    """Whether no simplex has the far vertex of a neighbour inside its circumsphere.

    A triangulation of the hull of which this holds is Delaunay. Spheres wider than the
    cloud are not looked at, since no hole lives that long.
    """
    first = found.starts[found.cofaces == 2]
    owner, other = found.owner[first], found.owner[first + 1]
    small = radii[owner] <= scale * scale
    first, owner, other = first[small], owner[small], other[small]
    for start in range(0, owner.size, _BLOCK):
        part = slice(start, start + _BLOCK)
        corners = points[tops[:, owner[part]]]
        centre = np.einsum("vs,vsd->sd", centres[:, owner[part]], corners)
        far = points[tops[found.opposite[first[part] + 1], other[part]]]
        depth = np.sqrt(radii[owner[part]]) - np.linalg.norm(far - centre, axis=1)
        if depth.max() > _INSIDE * scale:
            return False
    return True


def _from_cofaces(
    found: Facets, radii: np.ndarray, centres: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Least value of the cofaces, and whether one of them has its vertex inside."""
    floor = np.minimum.reduceat(radii[found.owner], found.starts)
    inside = centres[found.opposite, found.owner] < 0.0
    return floor, np.logical_or.reduceat(inside, found.starts)
