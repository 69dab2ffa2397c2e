"""Encoder for data of any covariance: gains on eigen-directions, mixed by a frame."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np
from jaxtyping import Float

from isthmus.core.door import real_array, shown
from isthmus.core.errors import ValueOutOfRange
from isthmus.core.random import as_rng, random_subset
from isthmus.frames.base import AbstractFrame, AbstractOperator
from isthmus.frames.blocks import block_slices
from isthmus.frames.sizes import check_rows
from isthmus.frames.transforms import like


@dataclasses.dataclass(frozen=True, eq=False)
class ColouredFrame(AbstractOperator):
    """W = diag(row_scales) (frame) diag(scales) basis^T; made by :func:`coloured`.

    No partial isometry: its rows measure whitened data.

    Attributes:
        frame: Mixes the active directions, n_code x active.
        basis: Active directions as columns.
        scales: Weight of each active direction.
        row_scales: Weight of each code symbol.
    """

    frame: AbstractFrame
    basis: Float[np.ndarray, "input active"]
    scales: Float[np.ndarray, " active"]
    row_scales: Float[np.ndarray, " code"]

    @property
    def n_code(self) -> int:  # type: ignore[override]
        """Rows of W."""
        return self.frame.n_code

    @property
    def n_input(self) -> int:  # type: ignore[override]
        """Columns of W."""
        return int(self.basis.shape[0])

    def forward(self, x: Float[Any, "sample input"]) -> Float[Any, "sample code"]:
        """Rows times W transposed."""
        check_rows("ColouredFrame.forward(x)", x, self.n_input)
        active = x @ like(x, self.basis) * like(x, self.scales)
        return self.frame.forward(active) * like(x, self.row_scales)

    def adjoint(self, y: Float[Any, "sample code"]) -> Float[Any, "sample input"]:
        """Rows times W."""
        check_rows("ColouredFrame.adjoint(y)", y, self.n_code)
        active = self.frame.adjoint(y * like(y, self.row_scales))
        return active * like(y, self.scales) @ like(y, self.basis).T


def coloured(
    frame: AbstractFrame,
    basis: Float[np.ndarray, "input active"],
    eigenvalues: Float[np.ndarray, " active"],
    gains: Float[np.ndarray, " active"],
    *,
    rng: np.random.Generator | int | None,
) -> ColouredFrame:
    r"""Encoder of water-filled gains, in the coordinates of the data.

    .. math:: W = \mathrm{diag}(1/\nu)\, O\, \mathrm{diag}(\sqrt{\mu/\lambda})\, U^\top

    for eigenvalues :math:`\lambda` with eigenvectors U, gains :math:`\mu` and a frame O.
    Row i is divided by the standard deviation :math:`\nu_i` of its output, so that every
    pre-activation has unit variance. The directions are shuffled before they enter the
    frame: in descending order, the strong ones would share a subgroup of the columns of
    a Hadamard frame, and rows would nearly repeat.

    Args:
        frame: O, n_code x active.
        basis: U, active eigenvectors as orthonormal columns.
        eigenvalues: Of the active directions, input units squared, positive.
        gains: Of the active directions, positive, as in
            :attr:`isthmus.limits.CovarianceLimit.gains`.
        rng: Seed or generator of the shuffle.

    Returns:
        The operator. Its row lengths cost one pass of the frame over the unit vectors.

    Raises:
        ValueOutOfRange: If sizes disagree, an eigenvalue or gain is not positive, or a
            row of the frame is zero.

    Examples:
        >>> from isthmus.frames import dct
        >>> eigenvalues = np.array([4.0, 1.0])
        >>> w = coloured(
        ...     dct(6, 2, rng=0), np.eye(2), eigenvalues, np.array([4.0, 2.0]), rng=0
        ... ).to_dense()
        >>> np.sum(w**2 * eigenvalues, axis=1).round(12).tolist()
        [1.0, 1.0, 1.0, 1.0, 1.0, 1.0]

    References:
        [shevchenko:23]
    """
    if not isinstance(frame, AbstractFrame):
        raise ValueOutOfRange(
            f"`coloured(frame=...)` must be a frame of isthmus.frames; got {shown(frame)}."
        )
    active = frame.n_input
    basis = real_array("coloured(basis=...)", basis)
    eigenvalues = real_array("coloured(eigenvalues=...)", eigenvalues)
    gains = real_array("coloured(gains=...)", gains)
    if basis.ndim != 2 or basis.shape[1] != active:
        raise ValueOutOfRange(
            f"`coloured(basis=...)` must have {active} columns, as many as the frame has; "
            f"got shape {basis.shape}. Pass the active directions alone."
        )
    if not np.all(np.isfinite(basis)):
        raise ValueOutOfRange("`coloured(basis=...)` must be finite.")
    for name, values in (("eigenvalues", eigenvalues), ("gains", gains)):
        if values.shape != (active,) or not np.all((values > 0) & np.isfinite(values)):
            raise ValueOutOfRange(
                f"`coloured({name}=...)` must be {active} positive numbers; "
                f"got {shown(values)}. "
                "Leave out directions without gain."
            )
    order = random_subset(as_rng(rng), active, active)
    masses = gains[order]
    spread = np.sqrt(_row_energy(frame, masses))
    dark = np.flatnonzero(spread <= 1e-12 * np.sqrt(masses.max()))
    if dark.size:
        raise ValueOutOfRange(
            f"`coloured(frame=...)` must have no zero rows; row {dark[0]} is one. "
            "A cosine frame of one or two columns has them: use haar."
        )
    scales = np.sqrt(masses / eigenvalues[order])
    return ColouredFrame(frame, basis[:, order], scales, 1.0 / spread)


def _row_energy(
    frame: AbstractFrame, masses: Float[np.ndarray, " active"]
) -> Float[np.ndarray, " code"]:
    """Sum over columns of the squared entries times `masses`, a block at a time."""
    energy = np.zeros(frame.n_code)
    for block in block_slices(frame.n_input, max(frame.n_code, frame.n_input)):
        unit = np.eye(block.stop - block.start, frame.n_input, block.start)
        energy += masses[block] @ frame.forward(unit) ** 2
    return energy
