"""What every frame can do."""

from __future__ import annotations

import abc

import numpy as np
from jaxtyping import Float


class AbstractFrame(abc.ABC):
    """Partial isometry from inputs to codes, applied without storing a matrix.

    Its dense form W ("code input") has orthonormal rows if n_code <= n_input and
    orthonormal columns if n_code >= n_input.
    """

    n_code: int
    n_input: int

    @property
    def rate(self) -> float:
        """Code symbols per input coordinate."""
        return self.n_code / self.n_input

    @abc.abstractmethod
    def forward(
        self, x: Float[np.ndarray, "sample input"]
    ) -> Float[np.ndarray, "sample code"]:
        """Rows times W transposed."""

    @abc.abstractmethod
    def adjoint(
        self, y: Float[np.ndarray, "sample code"]
    ) -> Float[np.ndarray, "sample input"]:
        """Rows times W."""

    def to_dense(self) -> Float[np.ndarray, "code input"]:
        """W itself."""
        return np.ascontiguousarray(self.forward(np.eye(self.n_input)).T)
