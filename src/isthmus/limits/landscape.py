"""Risk and gradient over unit encoder rows, free and tied decoders: what descent needs.

Everything is in the eigenbasis of the covariance, where its square root is a vector.
Nothing is checked here.
"""

from __future__ import annotations

import abc
import dataclasses
import warnings
from collections.abc import Callable

import numpy as np
from jaxtyping import Float

from isthmus.core.activations import Activation
from isthmus.core.blas import gram, inner, product
from isthmus.core.errors import DataWarning, ValueOutOfRange
from isthmus.core.tolerance import CORRELATION_GAP, JITTER


@dataclasses.dataclass(frozen=True)
class Point:
    """An encoder and what computing its risk leaves behind for the gradient.

    Attributes:
        rows: Unit rows in the eigenbasis, "code input".
        total: n_input times the risk.
        correlation: Of the pre-activations, zero on the diagonal.
        solved: Half-solved decoder (free) or the decoder's scale (tied).
        factor: Cholesky factor of the code's second moments (free), else None.
        repeated: Whether rows repeat each other, so that the moments are singular.
    """

    rows: Float[np.ndarray, "code input"]
    total: float
    correlation: Float[np.ndarray, "code code"]
    solved: np.ndarray | float
    factor: np.ndarray | None = None
    repeated: bool = False


@dataclasses.dataclass(frozen=True)
class AbstractRisk(abc.ABC):
    """Risk as a function of unit encoder rows in the eigenbasis of the covariance.

    Attributes:
        root: Square roots of the eigenvalues.
        activation: With a kernel and its derivative.
    """

    root: Float[np.ndarray, " input"]
    activation: Activation

    @abc.abstractmethod
    def at(self, rows: Float[np.ndarray, "code input"]) -> Point:
        """Risk at unit rows."""

    @abc.abstractmethod
    def decoder(self, point: Point) -> Float[np.ndarray, "code input"]:
        """Transposed decoder of least risk, eigenbasis."""

    @abc.abstractmethod
    def gradient(self, point: Point) -> Float[np.ndarray, "code input"]:
        """Tangent gradient of n_input times the risk."""


class FreeRisk(AbstractRisk):
    """Risk with the best linear decoder: one Cholesky factorisation, one solve."""

    def at(self, rows: Float[np.ndarray, "code input"]) -> Point:
        """Risk at unit rows."""
        from scipy import linalg

        correlation = _correlation(rows)
        kernel = _kernel(correlation, self.activation)
        floor = JITTER * self.activation.f1
        repeated = False
        try:
            # The transpose is in the order of LAPACK: factored in place.
            factor, _ = linalg.cho_factor(
                kernel.T, lower=True, overwrite_a=True, check_finite=False
            )
            repeated = float(np.diag(factor).min()) ** 2 <= floor
        except linalg.LinAlgError:
            repeated = True
        if repeated:
            factor = _factor_of_repeated(_kernel(correlation, self.activation), floor)
        solved = linalg.solve_triangular(
            factor,
            np.asfortranarray(rows * self.root),
            lower=True,
            overwrite_b=True,
            check_finite=False,
        )
        explained = self.activation.c1**2 * inner(solved, solved)
        total = float(self.root @ self.root) - explained
        return Point(rows, total, correlation, solved, factor, repeated)

    def decoder(self, point: Point) -> Float[np.ndarray, "code input"]:
        """Transposed decoder of least risk, eigenbasis."""
        from scipy import linalg

        solved: np.ndarray = linalg.solve_triangular(
            point.factor, point.solved, lower=True, trans="T", check_finite=False
        )
        solved *= self.activation.c1
        return solved

    def gradient(self, point: Point) -> Float[np.ndarray, "code input"]:
        """Tangent gradient of n_input times the risk."""
        decoder = np.ascontiguousarray(self.decoder(point))
        return _gradient(point.rows, decoder, point.correlation, self)


def _factor_of_repeated(kernel: np.ndarray, floor: float) -> np.ndarray:
    """Cholesky factor with the least jitter, from this floor on, that rounding admits."""
    from scipy import linalg

    while True:
        raised = kernel.copy()
        raised.flat[:: kernel.shape[0] + 1] += floor
        try:
            return np.asarray(linalg.cho_factor(raised.T, lower=True, overwrite_a=True)[0])
        except linalg.LinAlgError:
            if floor > np.abs(kernel).max():
                raise
            floor *= 100.0


class TiedRisk(AbstractRisk):
    """Risk with the decoder tied to the encoder up to one scale: nothing to solve."""

    def at(self, rows: Float[np.ndarray, "code input"]) -> Point:
        """Risk at unit rows."""
        act = self.activation
        correlation = _correlation(rows)
        first = act.c1 * float(np.square(rows).sum(axis=0) @ self.root)
        second = inner(correlation, _kernel(correlation, act))
        second += rows.shape[0] * act.f1
        total = float(self.root @ self.root) - first**2 / second
        return Point(rows, total, correlation, first / second)

    def decoder(self, point: Point) -> Float[np.ndarray, "code input"]:
        """Transposed decoder of least risk, eigenbasis."""
        return point.rows * point.solved

    def gradient(self, point: Point) -> Float[np.ndarray, "code input"]:
        """Tangent gradient of n_input times the risk."""
        act, m, scale = self.activation, point.correlation, float(point.solved)
        weight = _derivative(m, act)
        weight *= m
        weight += _kernel(m, act)
        np.fill_diagonal(weight, 0.0)
        gradient = product(weight, point.rows)
        gradient *= 2.0 * scale**2
        gradient -= (4.0 * scale * act.c1) * (point.rows * self.root)
        return _tangent(point.rows, gradient)


def fixed_gradient(
    rows: Float[np.ndarray, "code input"],
    decoder: Float[np.ndarray, "code input"],
    risk: AbstractRisk,
) -> Float[np.ndarray, "code input"]:
    """Tangent gradient at a transposed decoder that need not be the best one."""
    return _gradient(rows, decoder, _correlation(rows), risk)


def warn_of_repeated_rows(
    correlation: Float[np.ndarray, "code code"], *, stacklevel: int = 3
) -> None:
    """Name one pair of encoder rows that are equal up to sign, if there is one."""
    size = np.abs(correlation)
    first, second = np.unravel_index(int(np.argmax(size)), size.shape)
    which = "Encoder rows depend on each other"
    if size[first, second] >= 1.0 - CORRELATION_GAP:
        which = f"Encoder rows {min(first, second)} and {max(first, second)} repeat"
    warnings.warn(
        f"{which}: the code's second moments are singular, and what repeats adds "
        "nothing. Start from other rows: only rounding parts equal ones.",
        DataWarning,
        stacklevel=stacklevel,
    )


def _correlation(rows: np.ndarray) -> np.ndarray:
    correlation = gram(rows)
    np.clip(correlation, -1.0, 1.0, out=correlation)
    np.fill_diagonal(correlation, 0.0)
    return correlation


def _kernel(correlation: np.ndarray, activation: Activation) -> np.ndarray:
    """Second moments of the code; f(1) is set and not computed where rows coincide."""
    kernel = _applied("kernel", activation.kernel, correlation, activation.name)
    close = 1.0 - CORRELATION_GAP
    if correlation.max() >= close or correlation.min() <= -close:
        kernel[correlation >= close] = activation.f1
        kernel[correlation <= -close] = -activation.f1
    np.fill_diagonal(kernel, activation.f1)
    return kernel


def _derivative(correlation: np.ndarray, activation: Activation) -> np.ndarray:
    return _applied(
        "kernel_derivative", activation.kernel_derivative, correlation, activation.name
    )


def _applied(
    which: str,
    function: Callable[[np.ndarray], np.ndarray] | None,
    correlation: np.ndarray,
    name: str,
) -> np.ndarray:
    """Values in an array that may be overwritten."""
    if function is None:
        raise ValueOutOfRange(
            f"`activation={name}` must carry `{which}` for exact gradients; "
            f"pass isthmus.core.Activation(..., {which}=...)."
        )
    values = np.asarray(function(correlation), dtype=np.float64)
    if np.may_share_memory(values, correlation) or not values.flags.writeable:
        return values.copy()
    return values


def _gradient(
    rows: np.ndarray, decoder: np.ndarray, correlation: np.ndarray, risk: AbstractRisk
) -> np.ndarray:
    weight = _derivative(correlation, risk.activation)
    weight *= gram(decoder)
    np.fill_diagonal(weight, 0.0)
    gradient = product(weight, rows)
    gradient -= risk.activation.c1 * (decoder * risk.root)
    gradient *= 2.0
    return _tangent(rows, gradient)


def _tangent(rows: np.ndarray, gradient: np.ndarray) -> np.ndarray:
    gradient -= np.einsum("ij,ij->i", rows, gradient)[:, None] * rows
    return gradient
