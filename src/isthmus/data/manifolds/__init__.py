"""Manifolds with known topology: what estimates and certificates are checked against."""

from isthmus.data.manifolds.bands import KleinBottle, Moebius, SwissRoll
from isthmus.data.manifolds.base import AbstractManifold, Facts, with_noise
from isthmus.data.manifolds.charts import AbstractChart, Chart, JoinedCharts
from isthmus.data.manifolds.curves import Ellipse, Trefoil
from isthmus.data.manifolds.flat import Annulus, Ball, Cube, Cylinder
from isthmus.data.manifolds.links import HopfLink, PlacedCircle
from isthmus.data.manifolds.named import NAMED, named_manifold
from isthmus.data.manifolds.projective import ProjectivePlane, Projectors
from isthmus.data.manifolds.rotations import Rotations
from isthmus.data.manifolds.spheres import Sphere, circle
from isthmus.data.manifolds.tori import ProductTorus, Torus

__all__ = [
    "NAMED",
    "AbstractChart",
    "AbstractManifold",
    "Annulus",
    "Ball",
    "Chart",
    "Cube",
    "Cylinder",
    "Ellipse",
    "Facts",
    "HopfLink",
    "JoinedCharts",
    "KleinBottle",
    "Moebius",
    "PlacedCircle",
    "ProductTorus",
    "ProjectivePlane",
    "Projectors",
    "Rotations",
    "Sphere",
    "SwissRoll",
    "Torus",
    "Trefoil",
    "circle",
    "named_manifold",
    "with_noise",
]
