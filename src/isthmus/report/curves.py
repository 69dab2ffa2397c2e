"""Distortion against bits, from the eigenvalues alone."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from isthmus.core.lloyd_max import MAX_BITS
from isthmus.limits import covariance_limit, rate_distortion, transform_coding
from isthmus.report.records import LimitCurves

_POINTS = 49


def limit_curves(eigenvalues: np.ndarray, codes: Sequence[int]) -> LimitCurves:
    """The three curves over bits, with a point at every code length asked for.

    Args:
        eigenvalues: Of the training covariance.
        codes: Code lengths that must be among the points.

    Returns:
        Curves from an eighth of a bit per column to twice the longest code.
    """
    d = eigenvalues.size
    most = MAX_BITS * int(np.count_nonzero(eigenvalues))
    last = min(max(2 * d, 2 * max(codes)), most)
    grid = np.geomspace(max(1.0, min(d / 8, min(codes))), last, _POINTS)
    bits = np.unique(np.concatenate([np.rint(grid).astype(np.int64), codes]))
    bits = bits[bits <= most]
    limit = covariance_limit(eigenvalues, bits)
    return LimitCurves(
        bits=bits,
        rate=bits / d,
        reference=np.asarray(limit.nmse),
        status=tuple(limit.status),
        tightness=np.asarray(limit.tightness),
        transform_coding=np.asarray(transform_coding(eigenvalues, bits).nmse),
        rate_distortion=np.asarray(rate_distortion(eigenvalues, bits)),
    )
