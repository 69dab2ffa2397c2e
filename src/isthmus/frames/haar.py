"""Uniformly random orthonormal rows or columns."""

from __future__ import annotations

import numpy as np

from isthmus.core.memory import check_memory
from isthmus.core.random import as_rng, random_normal
from isthmus.frames.dense import DenseFrame
from isthmus.frames.sizes import check_sizes


def haar(n_code: int, n_input: int, *, rng: np.random.Generator | int | None) -> DenseFrame:
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
    return DenseFrame(np.ascontiguousarray(q if n_code >= n_input else q.T))
