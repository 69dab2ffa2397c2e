"""Manifolds by the names that data sets have."""

from __future__ import annotations

import difflib

from isthmus.core.errors import ValueOutOfRange
from isthmus.data.manifolds.bands import KleinBottle, Moebius, SwissRoll
from isthmus.data.manifolds.base import AbstractManifold
from isthmus.data.manifolds.curves import Ellipse, Trefoil
from isthmus.data.manifolds.flat import Annulus, Ball, Cube, Cylinder
from isthmus.data.manifolds.links import HopfLink
from isthmus.data.manifolds.projective import ProjectivePlane, Projectors
from isthmus.data.manifolds.rotations import Rotations
from isthmus.data.manifolds.spheres import Sphere
from isthmus.data.manifolds.tori import ProductTorus, Torus

NAMED: dict[str, AbstractManifold] = {
    "annulus": Annulus(),
    "circle": Sphere(1),
    "clifford-torus": ProductTorus(2),
    "cube": Cube(3),
    "cylinder": Cylinder(),
    "disc": Ball(2),
    "ellipse": Ellipse(),
    "hopf-link": HopfLink(),
    "klein-bottle": KleinBottle(),
    "moebius": Moebius(),
    "projective-plane": ProjectivePlane(),
    "projectors": Projectors(),
    "so3": Rotations(),
    "sphere": Sphere(2),
    "sphere-3": Sphere(3),
    "sphere-5": Sphere(5),
    "sphere-10": Sphere(10),
    "swiss-roll": SwissRoll(),
    "torus": Torus(),
    "trefoil": Trefoil(),
}


def named_manifold(name: str) -> AbstractManifold:
    """Manifold behind a built-in data set, with everything known about it.

    Args:
        name: One of the names in `NAMED`.

    Returns:
        The manifold.

    Raises:
        ValueOutOfRange: If there is none of that name.

    Examples:
        >>> named_manifold("klein-bottle").embedding_dim
        4
    """
    if name not in NAMED:
        near = difflib.get_close_matches(str(name), NAMED, n=1)
        hint = f"Did you mean {near[0]}? " if near else ""
        raise ValueOutOfRange(
            f"`named_manifold(name=...)` must be one of {', '.join(NAMED)}; got {name!r}. "
            f"{hint}".rstrip()
        )
    return NAMED[name]
