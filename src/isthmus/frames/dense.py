"""Frames that are stored as a matrix, and frames seen in other coordinates."""

from __future__ import annotations

import dataclasses
from functools import cached_property
from typing import Any

import numpy as np
from array_api_compat import is_numpy_array
from jaxtyping import Float

from isthmus.core.door import real_array
from isthmus.core.errors import DataError, ValueOutOfRange
from isthmus.core.typing import Matrix
from isthmus.frames.base import AbstractFrame
from isthmus.frames.sizes import check_rows
from isthmus.frames.transforms import like

_ORTHONORMAL = 1e-6
_FULL_RANK = 1e-10


@dataclasses.dataclass(frozen=True, eq=False)
class DenseFrame(AbstractFrame):
    """Frame stored as a matrix; made by :func:`haar` and :func:`polar`."""

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
        check_rows("DenseFrame.forward(x)", x, self.n_input)
        return x @ self._like(x).T

    def adjoint(self, y: Float[Any, "sample code"]) -> Float[Any, "sample input"]:
        """Rows times W."""
        check_rows("DenseFrame.adjoint(y)", y, self.n_code)
        return y @ self._like(y)

    def _like(self, x: Any) -> Any:
        """W in the type of x; the conversion of many blocks is done once."""
        if is_numpy_array(x) and x.dtype == np.float32:
            return self._single
        return like(x, self.weight)

    @cached_property
    def _single(self) -> Float[np.ndarray, "code input"]:
        return self.weight.astype(np.float32, copy=False)


@dataclasses.dataclass(frozen=True, eq=False)
class RotatedFrame(AbstractFrame):
    """Frame that meets its inputs in an orthonormal basis: W U; made by :func:`rotated`.

    Attributes:
        frame: W, code by input.
        basis: U, as many orthonormal columns as rows.
    """

    frame: AbstractFrame
    basis: Float[np.ndarray, "input input"]

    @property
    def n_code(self) -> int:  # type: ignore[override]
        """Rows of W."""
        return self.frame.n_code

    @property
    def n_input(self) -> int:  # type: ignore[override]
        """Coefficients in the basis."""
        return self.frame.n_input

    def forward(self, x: Float[Any, "sample input"]) -> Float[Any, "sample code"]:
        """Rows of coefficients times (W U) transposed."""
        check_rows("RotatedFrame.forward(x)", x, self.n_input)
        return self.frame.forward(x @ like(x, self.basis).T)

    def adjoint(self, y: Float[Any, "sample code"]) -> Float[Any, "sample input"]:
        """Rows times W U."""
        check_rows("RotatedFrame.adjoint(y)", y, self.n_code)
        return self.frame.adjoint(y) @ like(y, self.basis)


def polar(weight: Matrix) -> DenseFrame:
    """Partial isometry nearest to a matrix: its singular values all become 1.

    Args:
        weight: B, "code input", of full rank.

    Returns:
        The frame; the nearest one in the Frobenius norm.

    Raises:
        DataError: If `weight` is not finite or not of full rank.
        ValueOutOfRange: If it is no matrix of numbers.

    Examples:
        >>> polar(np.array([[2.0, 0.0], [0.0, 3.0]])).weight.tolist()
        [[1.0, 0.0], [0.0, 1.0]]
    """
    b = real_array("polar(weight=...)", weight)
    if b.ndim != 2 or b.size == 0:
        raise ValueOutOfRange(
            f"`polar(weight=...)` must be a matrix, code by input; got shape {b.shape}."
        )
    if not np.isfinite(b).all():
        raise DataError("`polar(weight=...)` must be finite.")
    u, s, vt = np.linalg.svd(b, full_matrices=False)
    if not s[-1] > _FULL_RANK * s[0]:
        raise DataError(
            "`polar(weight=...)` must have full rank; its smallest singular value is "
            f"{s[-1]:.3g} of a largest of {s[0]:.3g}. Leave out repeated rows."
        )
    return DenseFrame(u @ vt)


def rotated(frame: AbstractFrame, basis: Matrix) -> RotatedFrame:
    """The same code, seen from the coefficients of its inputs in an orthonormal basis.

    With x = U c a code sign(W x) is sign((W U) c): decoders may work in whichever basis
    the data are sparse or uncorrelated in.

    Args:
        frame: W.
        basis: U, orthonormal columns, "input input".

    Returns:
        W U, applied as two steps.

    Raises:
        ValueOutOfRange: If `basis` has another size or is not orthonormal to 1e-6.

    Examples:
        >>> from isthmus.frames import haar
        >>> w, u = haar(2, 3, rng=0), haar(3, 3, rng=1).to_dense()
        >>> bool(np.allclose(rotated(w, u).to_dense(), w.to_dense() @ u))
        True
    """
    u = real_array("rotated(basis=...)", basis)
    size = frame.n_input
    if u.shape != (size, size):
        raise ValueOutOfRange(
            f"`rotated(basis=...)` must be {size} by {size}, as the frame has columns; got "
            f"shape {u.shape}."
        )
    if not np.abs(u.T @ u - np.eye(size)).max() <= _ORTHONORMAL:
        raise ValueOutOfRange(
            "`rotated(basis=...)` must have orthonormal columns, to 1e-6. Take the "
            "eigenvectors of a covariance, or isthmus.frames.polar(basis).weight."
        )
    return RotatedFrame(frame, u)
