"""What is measured of a codec: cosine error, neighbours found, seconds."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Callable
from typing import Any

import numpy as np
from jaxtyping import Float, Int

from isthmus.core.protocol import Measurement

_QUERIES = 64  # whose distances to all rows are in memory at a time
_TIE = 1e-5  # of a squared distance: float32 does not tell nearer from farther
_TICK = 1e-6  # seconds below which a clock says nothing
_LONG = 0.1  # seconds from which a call is not repeated


@dataclasses.dataclass(frozen=True, eq=False)
class Ranking:
    """Scores of decoded rows for a query q: offset - 2 <q, target>, least first.

    Attributes:
        target: "row input".
        offset: "row".
    """

    target: Float[np.ndarray, "row input"]
    offset: Float[np.ndarray, " row"]

    def scores(
        self, queries: Float[np.ndarray, "query input"]
    ) -> Float[np.ndarray, "query row"]:
        """Of every row for every query."""
        inner: np.ndarray = queries @ self.target.T
        inner *= -2.0
        inner += self.offset
        return inner


def plain_ranking(decoded: Float[np.ndarray, "row input"]) -> Ranking:
    """Squared distance of the query to each reconstruction, but for a constant."""
    return Ranking(decoded, _squares(decoded).astype(decoded.dtype))


def norm_ranking(
    decoded: Float[np.ndarray, "row input"], norms: Float[np.ndarray, " row"]
) -> Ranking:
    r"""Squared distance with the length known and the direction decoded.

    .. math:: \rho^2 - 2 \frac{\rho}{\|u\|} \langle q, u \rangle

    Where nothing was decoded, u = 0, that is the square of the length.

    Args:
        decoded: Reconstructions u about the mean.
        norms: Lengths rho of the rows about the mean.

    Examples:
        >>> found = norm_ranking(np.array([[0.5, 0.0], [0.0, 0.0]]), np.array([2.0, 3.0]))
        >>> found.target.tolist(), found.offset.tolist()
        ([[2.0, 0.0], [0.0, 0.0]], [4.0, 9.0])
    """
    length, norms = np.sqrt(_squares(decoded)), norms.astype(np.float64)
    ratio = np.divide(norms, length, out=np.zeros_like(norms), where=length > 0)
    ratio, square = ratio.astype(decoded.dtype), np.square(norms).astype(decoded.dtype)
    return Ranking(decoded * ratio[:, None], square)


def unit_ranking(
    decoded: Float[np.ndarray, "row input"], mean: Float[np.ndarray, " input"]
) -> Ranking:
    """For rows of one length, which is known: reconstructions are brought to it.

    Args:
        decoded: Reconstructions about the mean.
        mean: Of the training rows, in the same unit.
    """
    whole = decoded + mean
    length = np.linalg.norm(whole, axis=1, keepdims=True)
    target = np.divide(whole, length, out=np.zeros_like(whole), where=length > 0)
    return Ranking(target, -2.0 * (target @ mean))


def _squares(rows: np.ndarray) -> np.ndarray:
    found: np.ndarray = np.einsum(
        "ij,ij->i", rows, rows, dtype=np.float64, casting="same_kind"
    )
    return found


@dataclasses.dataclass(frozen=True, eq=False)
class Neighbours:
    """Exact nearest neighbours of queries among rows.

    Attributes:
        queries: "query input".
        rows: Searched, "row input".
        own: Row that each query is and may not find, "query"; None if it is none of them.
        radius: Squared distance of the farthest neighbour that counts, "query".
        count: How many there are.
    """

    queries: Float[np.ndarray, "query input"]
    rows: Float[np.ndarray, "row input"]
    own: Int[np.ndarray, " query"] | None
    radius: Float[np.ndarray, " query"]
    count: int

    @classmethod
    def exact(
        cls,
        queries: Float[np.ndarray, "query input"],
        rows: Float[np.ndarray, "row input"],
        *,
        own: Int[np.ndarray, " query"] | None = None,
        count: int = 10,
    ) -> Neighbours:
        """Search all rows; at least `count` of them besides the query itself.

        Examples:
            >>> line = np.arange(5.0)[:, None]
            >>> found = Neighbours.exact(line[:1], line, own=np.array([0]), count=2)
            >>> found.radius.tolist(), found.recall(plain_ranking(line)).tolist()
            ([4.0], [1.0])
        """
        blank = cls(queries, rows, own, np.zeros(len(queries)), count)
        near = blank.nearest(plain_ranking(rows))
        radius = blank.distances(near).max(axis=1)
        return dataclasses.replace(blank, radius=radius)

    def nearest(self, ranking: Ranking) -> Int[np.ndarray, "query neighbour"]:
        """Rows of least score for each query, in no order."""
        found = np.empty((len(self.queries), self.count), dtype=np.int64)
        for start in range(0, len(self.queries), _QUERIES):
            at = slice(start, start + _QUERIES)
            scores = ranking.scores(self.queries[at])
            if self.own is not None:
                scores[np.arange(len(scores)), self.own[at]] = np.inf
            found[at] = np.argpartition(scores, self.count - 1, axis=1)[:, : self.count]
        return found

    def distances(
        self, found: Int[np.ndarray, "query neighbour"]
    ) -> Float[np.ndarray, "query neighbour"]:
        """Squared distances of queries to some of the rows."""
        apart = self.rows[found] - self.queries[:, None, :]
        return np.einsum("ijk,ijk->ij", apart, apart, dtype=np.float64)

    def recall(self, ranking: Ranking) -> Float[np.ndarray, " query"]:
        """Share of each query's neighbours among as many rows of least score.

        A row as near as the farthest neighbour counts as one: which of several equal
        rows is found is chance.
        """
        near = self.distances(self.nearest(ranking)) <= self.radius[:, None] * (1 + _TIE)
        return np.asarray(near.mean(axis=1))


def mean_of(values: Float[np.ndarray, " row"]) -> Measurement:
    """Mean and standard error of independent values.

    Examples:
        >>> mean_of(np.array([0.0, 2.0]))
        Measurement(value=1.0, standard_error=1.0, n_rows=2)
    """
    if values.size < 2:
        return Measurement(float(values.mean()), float("nan"), values.size)
    error = float(values.std(ddof=1) / np.sqrt(values.size))
    return Measurement(float(values.mean()), error, values.size)


def cosine_errors(
    x: Float[np.ndarray, "row input"], x_hat: Float[np.ndarray, "row input"]
) -> Float[np.ndarray, " row"]:
    """1 - cos between each row and its reconstruction; 1 where either is zero.

    Examples:
        >>> rows = np.array([[3.0, 4.0], [1.0, 0.0]])
        >>> cosine_errors(rows, np.array([[6.0, 8.0], [0.0, 0.0]]))
        array([0., 1.])
    """
    x, x_hat = np.asarray(x, dtype=np.float64), np.asarray(x_hat, dtype=np.float64)
    both = np.einsum("ij,ij->i", x, x_hat)
    lengths = np.linalg.norm(x, axis=1) * np.linalg.norm(x_hat, axis=1)
    return 1.0 - np.divide(both, lengths, out=np.zeros_like(both), where=lengths > 0)


def timed(work: Callable[[], Any]) -> tuple[Any, float]:
    """What a call returns, and its processor seconds: least of three short ones."""
    least, found = float("inf"), None
    for _ in range(3):
        started = time.thread_time()
        found = work()
        least = min(least, time.thread_time() - started)
        if least > _LONG:
            break
    return found, max(least, _TICK)
