"""Search among decoded rows: scores of asymmetric distances, and recall."""

from __future__ import annotations

import numpy as np
from jaxtyping import Float, Int

from isthmus.core.errors import ValueOutOfRange
from isthmus.estimators.codec_measures import norm_ranking, plain_ranking


def asymmetric_scores(
    queries: Float[np.ndarray, "query input"],
    decoded: Float[np.ndarray, "row input"],
    norms: Float[np.ndarray, " row"] | None,
    mean: Float[np.ndarray, " input"],
) -> Float[np.ndarray, "query row"]:
    r"""Squared distances of queries to decoded rows, less what a query adds to all.

    With the lengths :math:`\rho = |x - m|` that were sent, and u the decoded row about
    the mean, the row is taken for one of that length in the direction of u:

    .. math:: \rho^2 - 2 \frac{\rho}{|u|} \langle q - m, u \rangle

    A decoded row is shorter than the row was, by an amount that differs from row to row;
    with its own length put back, neighbours are found far more often than its error says.
    Where u is zero only :math:`\rho^2` counts. Without lengths it is
    :math:`|u|^2 - 2 \langle q - m, u \rangle`.

    Args:
        queries: q, not coded.
        decoded: Reconstructions, input units.
        norms: Lengths of the centred rows, input units, not negative; or None.
        mean: m, of the training rows.

    Returns:
        Scores; the nearest row of a query has the least. Products are of the type of the
        queries.

    Raises:
        ValueOutOfRange: If sizes differ or a length is negative or not finite.

    Examples:
        >>> rows = np.array([[2.0, 0.0], [0.0, 1.0]])
        >>> scores = asymmetric_scores(
        ...     np.array([[4.0, 0.0]]), rows, np.array([4.0, 1.0]), np.zeros(2)
        ... )
        >>> scores.tolist()
        [[-16.0, 1.0]]
    """
    size = mean.shape[0]
    if queries.shape[1] != size or decoded.shape[1] != size:
        raise ValueOutOfRange(
            f"`asymmetric_scores` must get queries and rows of {size} columns, those of "
            f"the mean; got {queries.shape[1]} and {decoded.shape[1]}."
        )
    kind = queries.dtype
    about = queries - mean.astype(kind, copy=False)
    rows = (decoded - mean.astype(decoded.dtype, copy=False)).astype(kind, copy=False)
    if norms is None:
        return plain_ranking(rows).scores(about)
    if norms.shape != (decoded.shape[0],) or not np.all((norms >= 0) & np.isfinite(norms)):
        raise ValueOutOfRange(
            "`asymmetric_scores(norms=...)` must be one finite length >= 0 for each row, "
            f"|x - m| in input units; got shape {norms.shape} for {decoded.shape[0]} rows."
        )
    return norm_ranking(rows, norms).scores(about)


def recall_at(
    scores: Float[np.ndarray, "query row"], neighbours: Int[np.ndarray, "query k"]
) -> float:
    """Share of the true k neighbours among the k rows of least score.

    Args:
        scores: As :func:`asymmetric_scores` gives them.
        neighbours: Numbers of the k rows truly nearest to each query.

    Returns:
        Mean over queries, in [0, 1]. Of equal scores the row of lower number counts.

    Raises:
        ValueOutOfRange: If there are fewer rows than k, or other queries.

    Examples:
        >>> recall_at(np.array([[0.0, 2.0, 1.0]]), np.array([[0, 1]]))
        0.5
    """
    k = neighbours.shape[1]
    if not 1 <= k <= scores.shape[1] or scores.shape[0] != neighbours.shape[0]:
        raise ValueOutOfRange(
            f"`recall_at(neighbours=...)` must hold 1 to {scores.shape[1]} row numbers for "
            f"each of {scores.shape[0]} queries; got shape {neighbours.shape}."
        )
    found = np.argsort(scores, axis=1, kind="stable")[:, :k]
    hits = [np.isin(a, b).sum() for a, b in zip(found, neighbours, strict=True)]
    return float(np.sum(hits) / neighbours.size)
