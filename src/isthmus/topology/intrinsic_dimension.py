"""How many dimensions a cloud of points has: six opinions and what they agree on."""

from __future__ import annotations

import dataclasses
import warnings

import numpy as np

from isthmus.core.errors import DataWarning
from isthmus.core.typing import Matrix
from isthmus.topology.correlation import correlation_dimension
from isthmus.topology.dimension_estimate import DimensionEstimate, log_ratios
from isthmus.topology.likelihood import levina_bickel, mackay_ghahramani
from isthmus.topology.local_pca import local_pca
from isthmus.topology.neighbours import Neighbours, nearest_neighbours
from isthmus.topology.ratios import SCALES, ScaleScan, gride_scan, two_nn

N_NEIGHBOURS = 2 * SCALES[-1]
"""Neighbours that all opinions together look at."""

WIDE = 0.2
"""Relative spread of the three that vote above which a warning is given."""

TIED = 0.1
"""Share of points with equally far first and second neighbour that is warned of."""


@dataclasses.dataclass(frozen=True, eq=False)
class DimensionReport:
    """Intrinsic dimension of a cloud of points.

    Attributes:
        dimension: Rounded median of the three that vote: Gride's plateau, Levina and
            Bickel's likelihood, local principal components.
        median: The same, not rounded.
        spread: Largest less smallest of the three, over the median.
        estimates: All opinions by name; "gride" is its plateau.
        scan: Gride at growing scales.
        n_points: Different rows.
        n_duplicates: Rows that repeat an earlier one and were left out.
        tied: Share of points whose first two neighbours are equally far.
        warnings: What speaks against the answer, one sentence each.
    """

    dimension: int
    median: float
    spread: float
    estimates: dict[str, DimensionEstimate]
    scan: ScaleScan
    n_points: int
    n_duplicates: int
    tied: float
    warnings: tuple[str, ...]


def intrinsic_dimension(x: Matrix | Neighbours) -> DimensionReport:
    """Estimate how many numbers describe a point of the cloud, locally.

    Args:
        x: Rows, "sample column", finite; or neighbours found already, best 128 of each.

    Returns:
        The dimension, who says what, and what speaks against it.

    Raises:
        DataError: If there are fewer than ten different rows, or all distances are equal.

    Warns:
        DataWarning: If the three that vote are more than 20 % apart, if the dimension is
            larger than that many points can tell, or if many distances are tied.

    Examples:
        >>> angle = np.random.default_rng(0).random(500) * 7.0
        >>> spiral = np.stack([angle * np.cos(angle), angle * np.sin(angle)], axis=1)
        >>> report = intrinsic_dimension(spiral)
        >>> report.dimension, report.n_points
        (1, 500)

    References:
        [eckmann:92] for how large a dimension N points can tell
    """
    found = x if isinstance(x, Neighbours) else nearest_neighbours(x, N_NEIGHBOURS)
    scan = gride_scan(found)
    plateau = DimensionEstimate("gride", scan.plateau, scan.plateau_error, found.n_points)
    estimates = [
        plateau,
        levina_bickel(found),
        local_pca(found),
        two_nn(found),
        mackay_ghahramani(found),
        correlation_dimension(found),
    ]
    votes = np.array([one.value for one in estimates[:3]])
    median = float(np.median(votes))
    spread = float(np.ptp(votes)) / median
    tied = float(np.mean(log_ratios(found, 1, 2) < 1e-12))
    told = _doubts(found, estimates[:3], median, spread, tied)
    for sentence in told:
        warnings.warn(sentence, DataWarning, stacklevel=2)
    by_name = {one.method: one for one in estimates}
    dimension = max(1, min(round(median), found.points.shape[1]))
    return DimensionReport(
        dimension,
        median,
        spread,
        by_name,
        scan,
        found.n_points,
        found.n_duplicates,
        tied,
        told,
    )


def _doubts(
    found: Neighbours,
    votes: list[DimensionEstimate],
    median: float,
    spread: float,
    tied: float,
) -> tuple[str, ...]:
    told = []
    if spread > WIDE:
        said = ", ".join(f"{one.method} {one.value:.3g}" for one in votes)
        told.append(
            f"Estimates of the dimension are {100 * spread:.0f} % apart ({said}): noise, "
            "curvature or parts of different dimension. Look at them one by one."
        )
    most = 2.0 * np.log10(found.n_points)
    if median > most:
        told.append(
            f"The dimension of {found.n_points} different points was estimated as "
            f"{median:.3g}; above 2 log10(N) = {most:.3g} neighbours are too far apart to "
            "tell, and estimates are too low. Take it as a lower estimate."
        )
    if tied > TIED:
        told.append(
            f"{100 * tied:.0f} % of the points have their first two neighbours at the same "
            "distance: values were rounded. Estimates from ratios of distances suffer; "
            "local-pca does not."
        )
    return tuple(told)
