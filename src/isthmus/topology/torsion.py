"""Certificates of surfaces without orientation, from two coefficient fields at once."""

from __future__ import annotations

import dataclasses

import numpy as np
from jaxtyping import Float

from isthmus.topology.holes import Holes

_CANDIDATES = 64


@dataclasses.dataclass(frozen=True)
class TorsionCertificate:
    """A lower bound of the error for one latent dimension more than the degree.

    Attributes:
        bound: Error of every continuous autoencoder with `n_code` latent numbers,
            somewhere on the polyhedron at radius `birth`; input units.
        n_code: Degree of the classes plus one.
        degree: Degree of the classes.
        birth: Radius b at which the classes of the field of two elements are there.
        death: Radius t up to which more of them live than the field of three has.
    """

    bound: float
    n_code: int
    degree: int
    birth: float
    death: float


def torsion_certificate(holes: Holes, degree: int) -> TorsionCertificate | None:
    r"""What the fields of two and of three elements certify together.

    If the classes of degree j over Z_2 that are born by b and live until t outnumber
    those over Z_3 that live just before t, and the space has at most j + 2 dimensions,
    every continuous autoencoder with j + 1 latent numbers has an error of at least t - b
    on the polyhedron K_b. For U open in R^{j+1}, H_j(U; Z) is free and H_{j-1}(U; Z)
    has no torsion, so that classes over Z_2 come from integral ones; the neighbourhood V
    of radius just below t has no torsion in degree j, so that at most as many integral
    classes are there as Z_3 sees; the round trip factors through U.

    Args:
        holes: Of one component, with intervals over 2 and 3.
        degree: j, at least 1.

    Returns:
        The best certificate with a birth that counts, or None.
    """
    known = {2, 3} <= holes.intervals.keys() and degree < len(holes.intervals[2])
    if not known or holes.dim > degree + 2:
        return None
    two, three = (holes.intervals[field][degree] for field in (2, 3))
    best = None
    ends = np.unique(np.concatenate([two[:_CANDIDATES, 1], three[:_CANDIDATES, 0]]))
    for end in ends:
        birth = _birth(two, three, float(end))
        bound = float(end) - birth - 2.0 * holes.jitter
        if birth <= holes.max_birth and bound > (best.bound if best else 0.0):
            best = TorsionCertificate(bound, degree + 1, degree, birth, float(end))
    return best


def _birth(
    two: Float[np.ndarray, "interval 2"], three: Float[np.ndarray, "other 2"], end: float
) -> float:
    """Radius from which on classes over Z_2 that reach `end` outnumber those over Z_3."""
    rivals = int(np.sum((three[:, 0] < end) & (three[:, 1] >= end)))
    births = np.sort(two[(two[:, 1] >= end) & (two[:, 0] < end), 0])
    return float(births[rivals]) if births.size > rivals else np.inf
