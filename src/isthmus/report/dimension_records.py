"""What is known of the dimensions of rows: estimates, holes, codes ruled out."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from isthmus.topology import Certificate


@dataclasses.dataclass(frozen=True)
class Estimate:
    """One opinion on the intrinsic dimension."""

    method: str
    value: float
    standard_error: float


@dataclasses.dataclass(frozen=True)
class CodeStatus:
    """What is known of a latent dimension.

    Attributes:
        n_code: Latent dimension; the first of those that share all that follows.
        last: The last of them.
        status: "obstructed", "suspected", "undecided" or "no obstruction exists".
        certificate: The error that it must make somewhere; None from degrees on that
            were not looked at.
    """

    n_code: int
    last: int
    status: str
    certificate: Certificate | None


@dataclasses.dataclass(frozen=True)
class Hole:
    """One hole of the cloud: radii in input units at which it appears and is filled."""

    degree: int
    birth: float
    death: float
    component: int
    p_value: float | None


@dataclasses.dataclass(frozen=True, eq=False)
class Dimensions:
    """How many latent dimensions the rows need, as far as can be told.

    Attributes:
        n_rows: Different rows that neighbours were looked for among.
        dimension: Intrinsic dimension, the consensus.
        median: The same, not rounded.
        spread: Largest less smallest of the three that vote, over the median.
        estimates: All opinions.
        scan_radius: Scales of Gride, input units.
        scan_value: Dimension at each.
        scan_error: Its standard error.
        doubts: What speaks against the estimate, one sentence each.
        certified_lower: Least latent dimension that no significant hole rules out.
        estimated_lower: The same by all rules, estimates among them.
        reasons: Sentences, one for each rule.
        upper: Latent dimension from which on no obstruction exists.
        upper_is_theorem: Whether that holds without the assumption of a manifold.
        orientable: Whether the cloud has two sides; None if undecided.
        n_components: Pieces that the cloud falls into.
        codes: Every latent dimension up to `upper`.
        holes: The longest of each degree.
        n_points: Points that were triangulated.
        covering_radius: Largest distance of one of the rows to them; input units.
        n_columns: Dimensions in which they were.
        no_holes: Why none were looked for or found out about; empty if they were.
    """

    n_rows: int
    dimension: int
    median: float
    spread: float
    estimates: tuple[Estimate, ...]
    scan_radius: np.ndarray
    scan_value: np.ndarray
    scan_error: np.ndarray
    doubts: tuple[str, ...]
    certified_lower: int = 1
    estimated_lower: int = 1
    reasons: tuple[str, ...] = ()
    upper: int = 0
    upper_is_theorem: bool = False
    orientable: bool | None = None
    n_components: int = 1
    codes: tuple[CodeStatus, ...] = ()
    holes: tuple[Hole, ...] = ()
    n_points: int = 0
    covering_radius: float = 0.0
    n_columns: int = 0
    no_holes: str = ""

    @property
    def certificate(self) -> Certificate | None:
        """That of the largest latent dimension that is ruled out for certain."""
        for code in self.codes:
            if code.n_code <= self.certified_lower - 1 <= code.last:
                return code.certificate
        return None
