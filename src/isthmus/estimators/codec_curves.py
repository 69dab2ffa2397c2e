"""What Gaussian rows of a covariance would allow at numbers of bits around a budget."""

from __future__ import annotations

import numpy as np
from jaxtyping import Float

from isthmus.core.lloyd_max import MAX_BITS
from isthmus.estimators.codec_scores import CodecCurves
from isthmus.limits.baselines import rate_distortion, transform_coding
from isthmus.limits.covariance import covariance_limit

_POINTS = 49


def codec_curves(eigenvalues: Float[np.ndarray, " input"], budget: int) -> CodecCurves:
    """From a quarter of the budget to twice as much, the budget among them.

    Examples:
        >>> curves = codec_curves(np.array([4.0, 1.0]), 2)
        >>> curves.bits.tolist(), bool(np.all(np.diff(curves.transform_coding) < 0))
        ([1, 2, 3, 4], True)
    """
    most = MAX_BITS * int(np.count_nonzero(eigenvalues))
    last = min(2 * budget, most)
    grid = np.geomspace(max(1.0, min(budget / 4, last)), last, _POINTS)
    bits = np.unique(np.append(np.rint(grid).astype(np.int64), min(budget, most)))
    return CodecCurves(
        bits,
        np.asarray(covariance_limit(eigenvalues, bits).nmse),
        np.asarray(transform_coding(eigenvalues, bits).nmse),
        np.asarray(rate_distortion(eigenvalues, bits)),
    )
