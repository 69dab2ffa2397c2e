"""Where a search for amounts along an orbit starts."""

from __future__ import annotations

import dataclasses

import numpy as np
from jaxtyping import Float

from isthmus.core.random import random_normal

_RANK = 1e-5  # of the largest singular value, as rows of float32 allow
_NEIGHBOURS = 5
_JITTER = 0.5  # radians


@dataclasses.dataclass(frozen=True, eq=False)
class Cloud:
    """Rows in their own span.

    Attributes:
        scores: About the mean, along principal axes in falling order, "row axis".
        paths: Multidimensional scaling of shortest paths between neighbours, every
            coordinate of variance 1, most spread first, "row coordinate".
        spread: Squared distances from the mean, summed.
    """

    scores: Float[np.ndarray, "row axis"]
    paths: Float[np.ndarray, "row coordinate"]
    spread: float


def cloud(rows: Float[np.ndarray, "row input"]) -> Cloud:
    """What starts are made of.

    Args:
        rows: At least two.

    Examples:
        >>> cloud(np.array([[0.0, 0.0], [1.0, 1.0], [3.0, 3.0]])).scores.shape
        (3, 1)
    """
    centred = rows - rows.mean(axis=0)
    left, values, _ = np.linalg.svd(centred, full_matrices=False)
    rank = int((values > _RANK * values[0]).sum())
    scores = left[:, :rank] * values[:rank]
    return Cloud(scores, _paths(scores), float(np.square(centred).sum()))


def starts(
    points: Cloud, m: int, k: int, n_starts: int, rng: np.random.Generator
) -> tuple[
    Float[np.ndarray, "start row generator"], Float[np.ndarray, "start frequency generator"]
]:
    """Amounts and frequencies.

    For one generator, half are angles in the plane of the two leading axes, a quarter in
    random planes of the leading four, all with jitter, and the rest random scales of the
    coordinate of paths; for several, random mixtures of these coordinates. Frequencies are
    harmonics of one generator, and random ones of several after the unit vectors.

    Args:
        points: Rows.
        m: Frequencies.
        k: Generators.
        n_starts: How many.
        rng: Draws them.
    """
    mixed = random_normal(rng, n_starts, k * k).reshape(n_starts, k, k)
    size = np.exp(0.5 * random_normal(rng, n_starts, 1))[..., None]
    amounts = points.paths[:, :k] @ (size * mixed)
    frequencies = np.zeros((n_starts, m, k))
    frequencies[:, :k] = np.eye(k)
    if k == 1:
        frequencies[:, :, 0] = np.arange(1, m + 1)
        round_trip = _angles(points.scores, n_starts, rng)
        angular = np.arange(n_starts) % 4 != 3
        amounts[angular] = round_trip[angular]
    else:
        drawn = random_normal(rng, n_starts, (m - k) * k)
        frequencies[:, k:] = 1.5 * drawn.reshape(n_starts, m - k, k)
    return amounts, frequencies


def _angles(scores: np.ndarray, n_starts: int, rng: np.random.Generator) -> np.ndarray:
    """In the leading plane, at every other start in a random one."""
    n = min(scores.shape[1], 4)
    if n == 1:
        scores, n = np.concatenate([scores, 0.0 * scores], axis=1), 2
    planes = random_normal(rng, n_starts * n, 2).reshape(n_starts, n, 2)
    planes[::2] = np.eye(n)[:, :2]
    seen = (scores[:, :n] / np.linalg.norm(scores[:, 0])) @ planes
    jitter = random_normal(rng, n_starts, len(scores))
    angle = np.arctan2(seen[..., 1], seen[..., 0]) + _JITTER * jitter
    return np.asarray(angle[..., None])


def _paths(scores: np.ndarray) -> np.ndarray:
    from scipy.sparse.csgraph import shortest_path

    n = len(scores)
    apart = np.linalg.norm(scores[:, None] - scores[None], axis=2)
    order = np.argsort(apart, axis=1)
    for near in range(min(_NEIGHBOURS, n - 1), n):
        kept = np.full_like(apart, np.inf)
        np.put_along_axis(
            kept,
            order[:, : near + 1],
            np.take_along_axis(apart, order[:, : near + 1], axis=1),
            axis=1,
        )
        far = shortest_path(np.minimum(kept, kept.T))
        if np.isfinite(far).all():
            break
    centre = np.eye(n) - 1.0 / n
    vectors = np.linalg.eigh(-0.5 * centre @ far**2 @ centre)[1]
    return np.asarray(np.sqrt(n) * vectors[:, ::-1])
