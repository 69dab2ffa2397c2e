"""Following a tear into a simplex by the codes that it pulls apart."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from jaxtyping import Float, Int

Function = Callable[[np.ndarray], np.ndarray]
Start = tuple[float, tuple[int, ...], np.ndarray]

_KEPT = 256  # cells that are halved on, those whose codes are farthest apart
_WORST = 64  # and those of the largest errors
_LEVELS = 60
_DONE = 1e-6  # of the largest distance of codes: cells that are one code


def chase(
    errors: Function,
    image: Function,
    x: Float[np.ndarray, "row input"],
    simplices: Int[np.ndarray, "simplex corner"],
) -> list[Start]:
    """Halve simplices where their codes are farthest apart; look at every midpoint.

    A tear maps a small place onto a large part of the codes: cells about it keep codes far
    apart however small they are, and cells elsewhere do not. So it is found inside a
    simplex without any point of it being looked at before, in a number of steps that grows
    with the logarithm of its size.

    Args:
        errors: Error of each of some points.
        image: Their codes, or what else jumps at a tear.
        x: Samples.
        simplices: Rows of `x` that span each.

    Returns:
        For each simplex that was followed, its largest error met, itself, and the
        barycentric coordinates of that place; the worst first.
    """
    if not len(simplices):
        return []
    cells = _Cells.of(image, x, simplices)
    cells = cells.some(np.argsort(-cells.spread(), kind="stable")[:_KEPT])
    least = _DONE * float(cells.spread().max())
    found: dict[int, tuple[float, np.ndarray]] = {}
    for _ in range(_LEVELS):
        cells = cells.some(np.flatnonzero(cells.spread() > least))
        if not len(cells.origin):
            break
        cells = cells.halved(errors, image, x, simplices)
        for i in np.argsort(-cells.error, kind="stable")[: 2 * _WORST]:
            at = int(cells.origin[i])
            if at not in found or cells.error[i] > found[at][0]:
                found[at] = (float(cells.error[i]), cells.middle[i])
        far = np.argsort(-cells.spread(), kind="stable")[:_KEPT]
        bad = np.argsort(-cells.error, kind="stable")[:_WORST]
        cells = cells.some(np.unique(np.concatenate([far, bad])))
    starts = [
        (error, tuple(simplices[at].tolist()), weights)
        for at, (error, weights) in found.items()
    ]
    return sorted(starts, key=lambda start: -start[0])


class _Cells:
    """Parts of simplices: corners as barycentric coordinates, and their codes."""

    def __init__(
        self,
        origin: np.ndarray,
        weights: np.ndarray,
        codes: np.ndarray,
        lengths: np.ndarray,
        error: np.ndarray,
        middle: np.ndarray,
    ) -> None:
        self.origin, self.weights, self.codes = origin, weights, codes
        self.lengths = lengths  # squared, of the codes of each two corners
        self.error, self.middle = error, middle  # of the last midpoint

    @classmethod
    def of(cls, image: Function, x: np.ndarray, simplices: np.ndarray) -> _Cells:
        """Whole simplices."""
        n, k = simplices.shape
        rows, place = np.unique(simplices, return_inverse=True)
        codes = image(x[rows]).reshape(len(rows), -1)[place.reshape(n, k)]
        weights = np.broadcast_to(np.eye(k), (n, k, k)).copy()
        lengths = np.zeros((n, k, k))
        for i in range(k):
            lengths[:, i] = _squared(codes, codes[:, i])
        return cls(np.arange(n), weights, codes, lengths, np.zeros(n), weights[:, 0])

    def some(self, index: np.ndarray) -> _Cells:
        """Chosen cells."""
        return _Cells(
            self.origin[index],
            self.weights[index],
            self.codes[index],
            self.lengths[index],
            self.error[index],
            self.middle[index],
        )

    def spread(self) -> np.ndarray:
        """Largest distance of two corners' codes."""
        return np.asarray(np.sqrt(self.lengths.max(axis=(1, 2), initial=0.0)))

    def halved(
        self, errors: Function, image: Function, x: np.ndarray, simplices: np.ndarray
    ) -> _Cells:
        """Both halves of each cell, cut between the corners whose codes are farthest."""
        n, k, _ = self.weights.shape
        first, second = np.divmod(self.lengths.reshape(n, -1).argmax(axis=1), k)
        cell = np.arange(n)
        middle = 0.5 * (self.weights[cell, first] + self.weights[cell, second])
        points = np.einsum("ck,ckd->cd", middle, x[simplices[self.origin]])
        code, error = image(points).reshape(n, -1), errors(points)
        halves = []
        for corner in (first, second):
            weights, codes = self.weights.copy(), self.codes.copy()
            lengths = self.lengths.copy()
            weights[cell, corner], codes[cell, corner] = middle, code
            new = _squared(codes, code)
            lengths[cell, corner], lengths[cell, :, corner] = new, new
            halves.append((weights, codes, lengths))
        weights, codes, lengths = map(np.concatenate, zip(*halves, strict=True))
        return _Cells(
            np.tile(self.origin, 2),
            weights,
            codes,
            lengths,
            np.tile(error, 2),
            np.tile(middle, (2, 1)),
        )


def _squared(codes: np.ndarray, one: np.ndarray) -> np.ndarray:
    """Squared distances of all corners of each cell to one place of it."""
    found = np.empty(codes.shape[:2])
    for i in range(codes.shape[1]):
        apart = codes[:, i] - one
        found[:, i] = np.einsum("ck,ck->c", apart, apart)
    return found
