"""What an encoder matrix does to Gaussian messages whose precisions all rows share."""

from __future__ import annotations

import dataclasses

import numpy as np

from isthmus.priors import CoordinatePriors

ORTHONORMAL = 1e-4
"""Largest entry of W W^T - 1 at which a square matrix counts as a rotation."""


@dataclasses.dataclass(frozen=True, eq=False)
class Belief:
    """Precisions of all messages, and what they leave of the pre-activations.

    Attributes:
        bits: Precisions of the bits' messages, "code" or "1".
        inputs: Of the priors' messages, "k".
        variance: Of the pre-activations given all of them, like `bits`.
        out: Matrix from summed messages to pre-activations; for a rotation the variances
            of the coefficients.
    """

    bits: np.ndarray
    inputs: np.ndarray
    variance: np.ndarray
    out: np.ndarray

    @classmethod
    def start(cls, mixing: Mixing, prior: CoordinatePriors) -> Belief:
        """Before the first bit."""
        mean = np.sum(prior.weights * prior.means, axis=0)
        inputs = 1.0 / np.maximum(prior.powers - np.square(mean), 1e-30)
        return mixing.belief(np.zeros(1 if mixing.rotation else mixing.n_code), inputs)


@dataclasses.dataclass(frozen=True, eq=False)
class Cavity:
    """Coefficients without their own prior's message.

    Attributes:
        precision: "k".
        matrix: From summed messages to coefficients, "k k"; None of a rotation.
        inverse_variance: Of the coefficients with that message, "k".
    """

    precision: np.ndarray
    matrix: np.ndarray | None
    inverse_variance: np.ndarray


@dataclasses.dataclass(frozen=True, eq=False)
class Mixing:
    """What an encoder matrix does to messages.

    Attributes:
        weight: W, float64.
        single: W in float32.
        rotation: Whether it is square with orthonormal rows.
    """

    weight: np.ndarray
    single: np.ndarray
    rotation: bool

    @classmethod
    def of(cls, weight: np.ndarray) -> Mixing:
        """Of an encoder matrix, "code k"."""
        rows, columns = weight.shape
        rotation = rows == columns and bool(
            np.abs(weight @ weight.T - np.eye(rows)).max() < ORTHONORMAL
        )
        wide = weight.astype(np.float64, copy=False)
        return cls(wide, weight.astype(np.float32), rotation)

    @property
    def n_code(self) -> int:
        """Bits of a code."""
        return int(self.weight.shape[0])

    def _covariance(self, bits: np.ndarray, inputs: np.ndarray) -> np.ndarray:
        weighed = self.weight * bits[:, None]
        return np.linalg.inv(np.diag(inputs) + self.weight.T @ weighed)

    def belief(self, bits: np.ndarray, inputs: np.ndarray) -> Belief:
        """What all messages of these precisions leave."""
        if self.rotation:
            each = 1.0 / (inputs + bits)
            return Belief(bits, inputs, np.array([each.mean()]), each.astype(np.float32))
        out = self._covariance(bits, inputs) @ self.weight.T
        variance = np.einsum("ij,ji->i", self.weight, out)
        return Belief(bits, inputs, variance, out.astype(np.float32))

    def cavity(self, bits: np.ndarray, inputs: np.ndarray) -> Cavity:
        """What the bits alone, and other coefficients, tell of each coefficient."""
        if self.rotation:
            precision = np.repeat(bits, inputs.size)
            return Cavity(precision, None, precision + inputs)
        matrix = self._covariance(bits, inputs)
        inverse = 1.0 / np.diag(matrix)
        least = 1e-6 * inverse
        return Cavity(
            np.maximum(inverse - inputs, least), matrix.astype(np.float32), inverse
        )
