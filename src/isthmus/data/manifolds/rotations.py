"""Rotations of space."""

from __future__ import annotations

import dataclasses

import numpy as np

from isthmus.data.manifolds.base import AbstractManifold, Facts, directions
from isthmus.data.manifolds.charts import Chart

_SKEW = np.array(
    [
        [[0, 0, 0], [0, 0, -1], [0, 1, 0]],
        [[0, 0, 1], [0, 0, 0], [-1, 0, 0]],
        [[0, -1, 0], [1, 0, 0], [0, 0, 0]],
    ],
    dtype=np.float64,
)


@dataclasses.dataclass(frozen=True)
class Rotations(AbstractManifold):
    """SO(3): rotation matrices, nine numbers each, row by row.

    Examples:
        >>> Rotations().dim, Rotations().betti(2), Rotations().betti(3)
        (3, (1, 1, 1, 1), (1, 0, 0, 1))
    """

    @property
    def facts(self) -> Facts:
        """Everything known exactly."""
        return Facts(3, 9, 5, (1, 1, 1, 1), (1, 0, 0, 1), float(np.sqrt(2.0)))

    def _draw(self, n: int, rng: np.random.Generator) -> np.ndarray:
        return _matrices(directions(rng, n, 4))

    def _project(self, points: np.ndarray) -> np.ndarray:
        return _matrices(_quaternions(points))

    def _tangents(self, points: np.ndarray) -> np.ndarray:
        rotation = self._project(points).reshape(-1, 3, 3)
        moved = np.einsum("nij,mjk->nikm", rotation, _SKEW) * np.sqrt(0.5)
        return moved.reshape(points.shape[0], 9, 3)

    def _chart(self) -> Chart:
        def logarithm(points: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
            q = _quaternions(points)
            q = np.where(q[:, :1] < 0, -q, q)
            length = np.linalg.norm(q[:, 1:], axis=1)
            angle = 2.0 * np.arctan2(length, q[:, 0])
            scale = angle / np.where(length > 0, length, 1.0)
            return q[:, 1:] * scale[:, None], np.pi - angle

        def exponential(z: np.ndarray) -> np.ndarray:
            angle = np.linalg.norm(z, axis=1, keepdims=True)
            vector = 0.5 * np.sinc(0.5 * angle / np.pi) * z
            return _matrices(np.concatenate([np.cos(0.5 * angle), vector], axis=1))

        return Chart(logarithm, exponential, 3, np.pi, np.pi)


def _matrices(q: np.ndarray) -> np.ndarray:
    w, v = q[:, 0], q[:, 1:]
    turn = np.einsum("nm,mij->nij", v, _SKEW)
    whole = (w**2 - np.sum(v**2, axis=1))[:, None, None] * np.eye(3)
    made = whole + 2.0 * v[:, :, None] * v[:, None, :] + 2.0 * w[:, None, None] * turn
    return made.reshape(-1, 9)


def _quaternions(points: np.ndarray) -> np.ndarray:
    """Unit quaternions q of the nearest rotations: they maximise tr(R(q)^T M)."""
    matrix = points.reshape(-1, 3, 3)
    trace = np.trace(matrix, axis1=1, axis2=2)
    form = np.empty((matrix.shape[0], 4, 4))
    form[:, 0, 0] = trace
    form[:, 0, 1:] = form[:, 1:, 0] = np.einsum("mij,nij->nm", _SKEW, matrix)
    both = matrix + matrix.swapaxes(1, 2)
    form[:, 1:, 1:] = both - trace[:, None, None] * np.eye(3)
    return np.linalg.eigh(form)[1][:, :, -1]
