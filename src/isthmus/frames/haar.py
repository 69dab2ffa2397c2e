"""Uniformly random orthonormal rows or columns."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np
from jaxtyping import Float

from isthmus.core.memory import check_memory
from isthmus.core.random import as_rng, random_normal
from isthmus.frames.base import AbstractFrame
from isthmus.frames.sizes import check_rows, check_sizes
from isthmus.frames.transforms import like


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

    def forward(self, x: Float[Any, "sample input"]) -> Float[Any, "sample code"]:
        """Rows times W transposed."""
        check_rows("HaarFrame.forward(x)", x, self.n_input)
        return x @ like(x, self.weight).T

    def adjoint(self, y: Float[Any, "sample code"]) -> Float[Any, "sample input"]:
        """Rows times W."""
        check_rows("HaarFrame.adjoint(y)", y, self.n_code)
        return y @ like(y, self.weight)


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
    n_code, n_input = check_sizes("haar", n_code, n_input)
    needed = 8 * 4 * n_code * n_input
    check_memory("haar(n_code=...)", n_code, needed, "Use dct, which stores no matrix.")
    tall = max(n_code, n_input), min(n_code, n_input)
    q, r = np.linalg.qr(random_normal(as_rng(rng), *tall))
    q = q * np.where(np.diag(r) >= 0, 1.0, -1.0)
    return HaarFrame(np.ascontiguousarray(q if n_code >= n_input else q.T))
