"""The checks at the door of descent, and the change of coordinates behind it."""

from __future__ import annotations

import dataclasses

import numpy as np
from jaxtyping import Float

from isthmus.core.activations import Activation, resolve_activation
from isthmus.core.door import real_array, real_number, shown, whole_number
from isthmus.core.errors import ValueOutOfRange
from isthmus.core.linalg import check_not_negative, check_symmetric
from isthmus.core.memory import check_memory
from isthmus.core.tolerance import RELATIVE_RANK
from isthmus.limits.population import unit_rows

_LARGEST = 1e300
SCHEDULES = ("adaptive", "paper")


@dataclasses.dataclass(frozen=True)
class Whitening:
    """Eigen-directions that carry variance, in units of the mean eigenvalue.

    Attributes:
        lam: Eigenvalues above rounding over their mean over all coordinates.
        basis: Eigenvectors as columns; for independent coordinates their places.
        unit: Mean eigenvalue, input units squared.
        n_input: Coordinates.
    """

    lam: Float[np.ndarray, " direction"]
    basis: np.ndarray
    unit: float
    n_input: int

    def symmetric(
        self, rows: Float[np.ndarray, "code direction"]
    ) -> Float[np.ndarray, "code input"]:
        """From the eigenbasis to input coordinates."""
        if self.basis.ndim == 2:
            return np.asarray(rows @ self.basis.T)
        wide = np.zeros((rows.shape[0], self.n_input))
        wide[:, self.basis] = rows
        return wide

    def directions(
        self, wide: Float[np.ndarray, "code input"]
    ) -> Float[np.ndarray, "code direction"]:
        """From input coordinates to the eigenbasis."""
        if self.basis.ndim == 2:
            return np.asarray(wide @ self.basis)
        return np.ascontiguousarray(wide[:, self.basis])

    def raw_encoder(
        self, rows: Float[np.ndarray, "code direction"]
    ) -> Float[np.ndarray, "code input"]:
        """Encoder of pre-activations of unit variance."""
        return self.symmetric(rows / np.sqrt(self.lam * self.unit))

    def raw_decoder(
        self, decoder: Float[np.ndarray, "code direction"]
    ) -> Float[np.ndarray, "input code"]:
        """Decoder in input units."""
        return np.ascontiguousarray(self.symmetric(decoder * np.sqrt(self.unit)).T)


def whitening(covariance: object, n_code: int) -> Whitening:
    """Eigen-directions of a covariance, or of independent coordinates given as 1-d."""
    name = "descend(covariance=...)"
    given = real_array(name, covariance)
    if given.ndim == 0:
        raise ValueOutOfRange(
            f"`{name}` must be a matrix, or the variances of independent coordinates; "
            f"got {covariance!r}. For white data of dimension d pass np.ones(d)."
        )
    _check_memory(given.shape[0], n_code, given.ndim)
    if given.ndim == 1:
        values = given
        if not values.size or not np.all(np.isfinite(values)):
            raise ValueOutOfRange(f"`{name}` must hold finite variances; got {values[:3]}.")
    else:
        values, vectors = np.linalg.eigh(check_symmetric(name, given))
    check_not_negative(name, values)
    largest = float(values.max())
    if largest > _LARGEST / values.size:
        raise ValueOutOfRange(
            f"`{name}` must be small enough to add up; its largest variance is "
            f"{largest:.3g}. Divide it by a constant: the encoder is the same."
        )
    if not largest > 0:
        raise ValueOutOfRange(f"`{name}` must have some variance; all of it is zero.")
    # Directions below rounding noise are no data: their inverse would be noise.
    kept = np.flatnonzero(values > RELATIVE_RANK * largest)
    kept = kept[np.argsort(-values[kept], kind="stable")]
    unit = float(values[kept].sum() / values.size)
    basis = kept if given.ndim == 1 else np.ascontiguousarray(vectors[:, kept])
    return Whitening(values[kept] / unit, basis, unit, values.size)


def check_code_length(n_code: object) -> int:
    """A whole number of at least 1."""
    try:
        length: int = int(n_code)  # type: ignore[call-overload]
    except (TypeError, ValueError, OverflowError):
        length = 0
    if isinstance(n_code, bool) or length < 1 or length != n_code:
        raise ValueOutOfRange(
            f"`descend(n_code=...)` must be a whole number of at least 1; "
            f"got {shown(n_code)}."
        )
    return length


def check_activation(activation: object) -> Activation:
    """An activation whose exact gradient is known and that is not linear."""
    act = resolve_activation(activation)
    if act.alpha <= RELATIVE_RANK:
        raise ValueOutOfRange(
            f"`descend(activation=...)` must not be linear; got {act.name!r}. Nothing is "
            "left to train: any leading eigenvectors are optimal (principal components); "
            "take them from numpy.linalg.eigh(covariance)."
        )
    if act.kernel is None or act.kernel_derivative is None:
        raise ValueOutOfRange(
            f"`descend(activation=...)` must carry a kernel and its derivative; got "
            f"{act.name!r}. Pass isthmus.core.Activation(..., kernel=..., "
            "kernel_derivative=...)."
        )
    return act


def check_budget(max_steps: int, rtol: float, schedule: str) -> None:
    """Steps, tolerance and schedule of a descent."""
    whole_number("descend(max_steps=...)", max_steps, least=0)
    if not 0.0 <= real_number("descend(rtol=...)", rtol) < 1.0:
        raise ValueOutOfRange(f"`descend(rtol=...)` must lie in [0, 1); got {rtol}.")
    if schedule not in SCHEDULES:
        raise ValueOutOfRange(
            f"`descend(schedule=...)` must be one of {', '.join(SCHEDULES)}; "
            f"got {schedule!r}."
        )


def check_start(
    start: object, space: Whitening, n_code: int
) -> Float[np.ndarray, "code direction"]:
    """Unit rows in the eigenbasis from a whitened encoder in input coordinates."""
    if isinstance(start, str):
        if start in ("random", "design"):
            return np.empty((n_code, 0))
        raise ValueOutOfRange(
            "`descend(start=...)` must be 'random', 'design' or a whitened encoder; "
            f"got {start!r}."
        )
    wide = real_array("descend(start=...)", start)
    shape = (n_code, space.n_input)
    if wide.shape != shape or not np.all(np.isfinite(wide)):
        raise ValueOutOfRange(
            f"`descend(start=...)` must be a finite encoder of shape {shape}; "
            f"got shape {wide.shape}."
        )
    largest = np.abs(wide).max(axis=1, keepdims=True)
    wide = wide / np.where(largest > 0, largest, 1.0)  # so that no square overflows
    rows = space.directions(wide)
    size = np.linalg.norm(rows, axis=1)
    dark = np.flatnonzero(size <= RELATIVE_RANK * np.maximum(size.max(), 1e-300))
    if dark.size:
        raise ValueOutOfRange(
            "`descend(start=...)` must see some variance with every row; row "
            f"{dark[0]} is zero or lies where the data have none."
        )
    return unit_rows(rows)[0]


def _check_memory(n_input: int, n_code: int, n_axes: int) -> None:
    """Six code-by-code arrays, ten encoders, two covariances: a sixth above the peak."""
    numbers = 6 * n_code**2 + 10 * n_code * n_input
    numbers += 2 * n_input**2 if n_axes == 2 else 0
    check_memory(
        "descend(n_code=...)",
        n_code,
        8 * numbers,
        "Exact descent needs code-by-code matrices; a designed encoder "
        "(isthmus.frames.dct) stores none.",
    )
