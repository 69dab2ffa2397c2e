"""How many dimensions rows have, as a scikit-learn estimator."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any, Literal

import numpy as np
from sklearn.base import BaseEstimator
from sklearn.utils.validation import validate_data

from isthmus.core.errors import DataWarning, ValueOutOfRange
from isthmus.topology import (
    DimensionEstimate,
    Neighbours,
    correlation_dimension,
    gride_scan,
    intrinsic_dimension,
    levina_bickel,
    local_pca,
    nearest_neighbours,
    two_nn,
)
from isthmus.topology.intrinsic_dimension import N_NEIGHBOURS

_CALL = "IntrinsicDimension"


class IntrinsicDimension(BaseEstimator):
    """Number of coordinates that describe the rows locally.

    Args:
        method: ``"consensus"`` for the rounded median of the next three;
            ``"gride"`` for ratios of neighbour distances at the scale where they agree,
            ``"mle"`` for Levina and Bickel's likelihood of 20 neighbours, ``"local-pca"``
            for the principal components of 30; ``"two-nn"`` for the ratio of the first
            two distances, ``"correlation"`` for the growth of the number of close pairs.

    Attributes:
        dimension_: The dimension as a whole number, at least 1, at most the columns.
        estimate_: The same, not rounded.
        standard_error_: Of `estimate_`, as if points were independent; for the consensus
            that of the method whose estimate is the median.
        report_: All opinions and doubts
            (:class:`~isthmus.topology.DimensionReport`); None unless ``"consensus"``.
        scan_: Gride at growing scales; None unless ``"consensus"`` or ``"gride"``.
        n_duplicates_: Rows that repeat an earlier one and were left out.

    Examples:
        >>> from isthmus.data import load
        >>> model = IntrinsicDimension().fit(load("swiss-roll").values)
        >>> model.dimension_, sorted(model.report_.estimates)[:3]
        (2, ['correlation', 'gride', 'local-pca'])

    References:
        [denti:22], [levina:04], [fukunaga:71], [facco:17], [grassberger:83]
    """

    def __init__(
        self,
        method: Literal[
            "consensus", "two-nn", "gride", "mle", "local-pca", "correlation"
        ] = "consensus",
    ):
        self.method = method

    def fit(self, X: Any, y: object = None) -> IntrinsicDimension:
        """Estimate the dimension.

        Args:
            X: Rows, "sample column", finite, at least ten different ones; flatten images
                first.
            y: Ignored.

        Returns:
            The fitted estimator.

        Raises:
            DataError: If there are fewer than ten different rows, or all their distances
                are equal.
            ValueOutOfRange: If there is no such method.

        Warns:
            DataWarning: If rows repeat earlier ones; for the consensus also as
                :func:`isthmus.topology.intrinsic_dimension`.
        """
        if not isinstance(self.method, str) or self.method not in _NEIGHBOURS:
            raise ValueOutOfRange(
                f"`{_CALL}(method=...)` must be one of {', '.join(_NEIGHBOURS)}; got "
                f"{self.method!r}."
            )
        x = validate_data(self, X, dtype=np.float64, ensure_min_samples=2)
        found = nearest_neighbours(x, _NEIGHBOURS[self.method])
        self.n_duplicates_ = found.n_duplicates
        if found.n_duplicates:
            warnings.warn(
                f"{found.n_duplicates} of {x.shape[0]} rows repeat earlier ones and were "
                "left out: a repeated row has no nearest neighbour.",
                DataWarning,
                stacklevel=2,
            )
        estimate = self._estimate(found)
        self.estimate_, self.standard_error_ = estimate.value, estimate.standard_error
        self.dimension_ = max(1, min(round(estimate.value), x.shape[1]))
        return self

    def _estimate(self, found: Neighbours) -> DimensionEstimate:
        self.report_, self.scan_ = None, None
        if self.method == "consensus":
            self.report_ = intrinsic_dimension(found)
            self.scan_ = self.report_.scan
            made = self.report_.estimates.values()
            return next(one for one in made if one.value == self.report_.median)
        if self.method == "gride":
            scan = self.scan_ = gride_scan(found)
            return DimensionEstimate(
                "gride", scan.plateau, scan.plateau_error, found.n_points
            )
        return _SIMPLE[self.method](found)


_SIMPLE: dict[str, Callable[[Neighbours], DimensionEstimate]] = {
    "two-nn": two_nn,
    "mle": levina_bickel,
    "local-pca": local_pca,
    "correlation": correlation_dimension,
}
_NEIGHBOURS = {
    "consensus": N_NEIGHBOURS,
    "two-nn": 2,
    "gride": N_NEIGHBOURS,
    "mle": 20,
    "local-pca": 30,
    "correlation": 1,
}
