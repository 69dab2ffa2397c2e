"""What every operator from inputs to codes can do."""

from __future__ import annotations

import abc
from typing import Any

import numpy as np
from jaxtyping import Float


class AbstractOperator(abc.ABC):
    """Linear map from inputs to codes, applied without storing its matrix.

    Its dense form is W, "code input". Rows go in and come out as NumPy arrays or as
    tensors of any array-API library, in their own floating type and on their own device.
    """

    n_code: int
    n_input: int

    @property
    def rate(self) -> float:
        """Code symbols per input coordinate."""
        return self.n_code / self.n_input

    @abc.abstractmethod
    def forward(self, x: Float[Any, "sample input"]) -> Float[Any, "sample code"]:
        """Rows times W transposed."""

    @abc.abstractmethod
    def adjoint(self, y: Float[Any, "sample code"]) -> Float[Any, "sample input"]:
        """Rows times W."""

    def to_dense(self) -> Float[np.ndarray, "code input"]:
        """W itself."""
        return np.ascontiguousarray(self.forward(np.eye(self.n_input)).T)


class AbstractFrame(AbstractOperator):
    """Partial isometry from inputs to codes.

    W has orthonormal rows if n_code <= n_input and orthonormal columns if
    n_code >= n_input.
    """
