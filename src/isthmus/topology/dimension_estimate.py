"""What every estimate of an intrinsic dimension says."""

from __future__ import annotations

import dataclasses

import numpy as np

from isthmus.core.errors import DataError
from isthmus.topology.neighbours import Neighbours


@dataclasses.dataclass(frozen=True)
class DimensionEstimate:
    """One estimate of the intrinsic dimension.

    Attributes:
        method: Who says so.
        value: The dimension, rarely a whole number.
        standard_error: As if points were independent, which neighbours are not: between
            samples the spread is up to about twice that. It knows nothing of bias, and is
            0 where all points say the same.
        n_points: Points that were looked at.
    """

    method: str
    value: float
    standard_error: float
    n_points: int


def log_ratios(found: Neighbours, near: int, far: int) -> np.ndarray:
    """Logarithms of the distance to neighbour `far` over that to `near`, counted from 1."""
    ratios = found.distances[:, far - 1] / found.distances[:, near - 1]
    return np.asarray(np.log(ratios))


def refuse_ties(total: float, method: str) -> None:
    """Refuse distances that are all equal: their ratios hold no dimension."""
    if not total > 0.0:
        raise DataError(
            f"`{method}` must see neighbours at different distances; here all are equally "
            "far, as on a grid or for one-hot rows. Use values that were not rounded, or "
            "IntrinsicDimension(method='local-pca')."
        )
