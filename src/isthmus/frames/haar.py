"""Uniformly random orthonormal rows or columns."""

from __future__ import annotations

import dataclasses

import numpy as np
from jaxtyping import Float

from isthmus.core.random import as_rng, random_normal
from isthmus.frames.base import AbstractFrame
from isthmus.frames.sizes import check_sizes


@dataclasses.dataclass(frozen=True, eq=False)
class HaarFrame(AbstractFrame):
    """Dense frame, uniform on the Stiefel manifold; made by :func:`haar`."""

    weight: Float[np.ndarray, "code input"]

    @property
    def n_code(self) -> int:  # type: ignore[override]
        """Rows of W."""
        return int(self.weight.shape[0])

    @property
    def n_input(self) -> int:  # type: ignore[override]
        """Columns of W."""
        return int(self.weight.shape[1])

    def forward(
        self, x: Float[np.ndarray, "sample input"]
    ) -> Float[np.ndarray, "sample code"]:
        """Rows times W transposed."""
        return x @ self.weight.T.astype(x.dtype, copy=False)

    def adjoint(
        self, y: Float[np.ndarray, "sample code"]
    ) -> Float[np.ndarray, "sample input"]:
        """Rows times W."""
        return y @ self.weight.astype(y.dtype, copy=False)


def haar(n_code: int, n_input: int, *, rng: np.random.Generator | int | None) -> HaarFrame:
    """Frame drawn from the rotation-invariant measure, memory n_code * n_input.

    Args:
        n_code: Rows.
        n_input: Columns.
        rng: Seed or generator.

    Returns:
        The frame.

    Raises:
        ValueOutOfRange: If a size is not a whole number of at least 1.

    Examples:
        >>> w = haar(3, 5, rng=0).to_dense()
        >>> bool(np.allclose(w @ w.T, np.eye(3)))
        True
    """
    check_sizes("haar", n_code, n_input)
    tall = max(n_code, n_input), min(n_code, n_input)
    q, r = np.linalg.qr(random_normal(as_rng(rng), *tall))
    q = q * np.where(np.diag(r) >= 0, 1.0, -1.0)
    return HaarFrame(np.ascontiguousarray(q if n_code >= n_input else q.T))
