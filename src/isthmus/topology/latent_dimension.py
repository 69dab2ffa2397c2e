"""How many latent dimensions the shape of a cloud rules out."""

from __future__ import annotations

import dataclasses
import warnings
from collections.abc import Mapping

import numpy as np

from isthmus.core.door import whole_number
from isthmus.core.errors import DataError, DataWarning
from isthmus.core.typing import Matrix
from isthmus.topology.certificate import Certificate, check_birth, from_holes
from isthmus.topology.holes import Holes, component_holes
from isthmus.topology.intrinsic_dimension import N_NEIGHBOURS, intrinsic_dimension
from isthmus.topology.local_pca import local_pca
from isthmus.topology.neighbours import LEAST_POINTS, nearest_neighbours
from isthmus.topology.orientation import orientation
from isthmus.topology.parts import Parts, divided
from isthmus.topology.point_clouds import affine_span, checked_cloud
from isthmus.topology.significance import corrected
from isthmus.topology.torsion import TorsionCertificate, torsion_certificate

LEVEL = 0.05
"""Corrected p-value below which a hole is taken for more than chance."""

_STATUS = ("obstructed", "suspected", "undecided", "no obstruction exists")


@dataclasses.dataclass(frozen=True)
class LatentDimensionReport:
    """Latent dimensions ruled out, suspected to be too few, and enough.

    Attributes:
        dim: Intrinsic dimension, estimated or given.
        certified_lower: Least latent dimension that no significant hole rules out. The
            error of fewer is a theorem; that the hole is more than chance is a test.
        estimated_lower: The same by all rules, which rest on `dim` and on thresholds.
        reasons: Rule -> latent dimension that it asks for, and why.
        upper: Latent dimension from which on no obstruction exists, for a manifold.
        upper_is_theorem: Whether `upper` is the dimension of the data's span, which holds
            without any assumption; otherwise it rests on `dim`.
        certificates: Latent dimension -> certificate, tests counted from degree 1 on.
        p_values: Degree -> least corrected p-value of a hole born early enough.
        torsion: Certificates that two coefficient fields give together.
        orientable: Whether the components have two sides; None if undecided.
        n_components: Components of the cloud.
        holes: Of each component, the largest first: all classes of degree one and more.
        n_points: Distinct points that were triangulated, or landmarks drawn from.
        covering_radius: Largest distance of a row to them; 0 for all.
    """

    dim: int
    certified_lower: int
    estimated_lower: int
    reasons: Mapping[str, tuple[int, str]]
    upper: int
    upper_is_theorem: bool
    certificates: Mapping[int, Certificate]
    p_values: Mapping[int, float]
    torsion: tuple[TorsionCertificate, ...]
    orientable: bool | None
    n_components: int
    holes: tuple[Holes, ...]
    n_points: int
    covering_radius: float

    def status(self, n_code: int) -> str:
        """What is known of a latent dimension, in one or three words.

        "obstructed": a significant hole certifies an error. "suspected": estimates speak
        against it. "undecided": neither. "no obstruction exists": some continuous
        autoencoder is exact, if the data are the manifold that they look like.

        Raises:
            ValueOutOfRange: If `n_code` is not a whole number of at least 1.
        """
        n_code = whole_number("status(n_code=...)", n_code, least=1)
        limits = (self.certified_lower, self.estimated_lower, self.upper)
        return _STATUS[sum(n_code >= limit for limit in limits)]


def latent_dimension_report(
    X: Matrix,
    *,
    dim: int | None = None,
    max_birth: float | None = None,
    max_points: int | None = None,
) -> LatentDimensionReport:
    """Lower and upper bounds of the latent dimension that an exact autoencoder needs.

    Lower: one more than the highest degree of a significant hole (certified); the
    intrinsic dimension; one more than it without orientation; two more if it is closed as
    well. Upper: twice the intrinsic dimension (Whitney), or the dimension of the span.
    Linking and knotting play no role: any embedding extends to the whole space.

    Args:
        X: Samples along the first axis; images are flattened.
        dim: Intrinsic dimension; estimated if not given, on a grid by local principal
            components alone.
        max_birth: Largest birth radius of a hole that counts, input units.
        max_points: Most points to triangulate.

    Raises:
        ValueOutOfRange: If an argument is out of its range or too much is asked.
        DataError: If the rows are not finite numbers.
        MissingDependency: If gudhi is not installed.

    Examples:
        >>> rng = np.random.default_rng(0)
        >>> sphere = rng.standard_normal((500, 3))
        >>> sphere /= np.linalg.norm(sphere, axis=1, keepdims=True)
        >>> report = latent_dimension_report(sphere)
        >>> report.dim, report.certified_lower, report.upper, report.orientable
        (2, 3, 3, True)
        >>> report.status(2), report.status(3)
        ('obstructed', 'no obstruction exists')

    References:
        [kvalheim:24]
    """
    points = checked_cloud("latent_dimension_report(X=...)", X)
    check_birth("latent_dimension_report", max_birth)
    parts = divided("latent_dimension_report", points, max_points)
    if dim is None:
        dim = max(_local_dimension(part) for part in parts.members)
    dim = whole_number(
        "latent_dimension_report(dim=...)", dim, least=1, most=points.shape[1]
    )
    holes = [
        component_holes(
            part,
            min(dim, 3),
            fields=(2, 3),
            max_birth=max_birth,
            lowest=1,
            alpha=parts.alpha,
        )
        for part in parts.members
    ]
    spans = [affine_span(part).points for part in parts.members]
    rank = max(1, *(span.shape[1] for span in spans))
    orientable = _together(
        [orientation(s, min(dim, max(s.shape[1], 1))).orientable for s in spans]
    )
    return _concluded(parts, holes, dim, rank, orientable)


def _local_dimension(part: np.ndarray) -> int:
    """Consensus of the estimators on one component, at least 1."""
    if part.shape[0] < LEAST_POINTS:
        return max(1, int(affine_span(part).points.shape[1]))
    near = nearest_neighbours(part, N_NEIGHBOURS)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DataWarning)  # told by intrinsic_dimension
            return intrinsic_dimension(near).dimension
    except DataError:  # neighbours are all equally far, as on a grid
        return max(1, round(local_pca(near).value))


def _concluded(
    parts: Parts, holes: list[Holes], dim: int, rank: int, orientable: bool | None
) -> LatentDimensionReport:
    p_values = _p_values(holes)
    found = (torsion_certificate(each, j) for each in holes for j in range(1, each.dim))
    torsion = tuple(each for each in found if each is not None)
    certified = 1 + max((j for j, p in p_values.items() if p < LEVEL), default=0)
    reasons = _reasons(dim, certified, p_values, torsion, orientable)
    estimated = min(rank, max(least for least, _ in reasons.values()))
    upper = min(rank, max(2 * dim, estimated))
    last = max(1, *(each.dim for each in holes))
    certificates = {
        n_code: from_holes(parts, holes, n_code, lowest=1) for n_code in range(1, last + 1)
    }
    return LatentDimensionReport(
        dim=dim,
        certified_lower=certified,
        estimated_lower=estimated,
        reasons=reasons,
        upper=upper,
        upper_is_theorem=upper == rank,
        certificates=certificates,
        p_values=p_values,
        torsion=torsion,
        orientable=orientable,
        n_components=len(holes),
        holes=tuple(holes),
        n_points=parts.n_points,
        covering_radius=parts.covering_radius,
    )


def _p_values(holes: list[Holes]) -> dict[int, float]:
    """Least corrected p-value of each degree among holes that are born early enough."""
    n_tests = sum(each.degree.size for each in holes)
    least: dict[int, float] = {}
    for each in holes:
        usable = each.counts & ~np.isnan(each.p_value)
        for degree in np.unique(each.degree[usable]).tolist():
            p = corrected(
                float(each.p_value[usable & (each.degree == degree)].min()), n_tests
            )
            least[degree] = min(least.get(degree, 1.0), 1.0 if p is None else p)
    return least


def _reasons(
    dim: int,
    certified: int,
    p_values: Mapping[int, float],
    torsion: tuple[TorsionCertificate, ...],
    orientable: bool | None,
) -> dict[str, tuple[int, str]]:
    reasons = {"dimension": (dim, f"the data have about {dim} dimensions locally")}
    if certified > 1:
        p = p_values[certified - 1]
        reasons["hole"] = (certified, f"a hole of degree {certified - 1}, p = {p:.2g}")
    if orientable is False:
        reasons["orientation"] = (dim + 1, "its tangent frames cannot be oriented")
    twisted = [each for each in torsion if each.degree == dim]
    if p_values.get(dim, 1.0) < LEVEL and (twisted or orientable is False):
        why = "it is closed and cannot be oriented"
        if twisted:
            bound = max(each.bound for each in twisted)
            why += f"; two fields certify an error of {bound:.3g} with {dim + 1} dimensions"
        reasons["closed without orientation"] = (dim + 2, why)
    return reasons


def _together(verdicts: list[bool | None]) -> bool | None:
    if False in verdicts:
        return False
    return None if None in verdicts else True
