"""Orbits of one-parameter groups: when samples determine them, how far a surface strays."""

from __future__ import annotations

import dataclasses

import numpy as np
from jaxtyping import Complex, Float

from isthmus.core.door import real_array, real_number, whole_number
from isthmus.core.errors import DataError, ValueOutOfRange
from isthmus.core.tolerance import RELATIVE_RANK
from isthmus.core.typing import Matrix, Numbers

_ROUNDINGS = 64  # of a matrix exponential, per dimension


@dataclasses.dataclass(frozen=True, eq=False)
class Determination:
    r"""Whether samples of an orbit leave only one curve with no penalty.

    Attributes:
        determined: Whether they do.
        order: Derivative k that the penalty looks at, and the number of samples.
        smallest_singular_value: Of phi over the distance of the samples, no unit; 1 for
            close samples, 0 where they determine nothing. 1 at order 1.
        direction: Unit vector u whose change of velocity the second sample sees least:
            where it sees none, x(t) + phi_{t - t1}(G) u passes through both samples and
            has no penalty either.
        eigenvalue: lambda of G that is nearest to a resonance.
        winding: Whole number m != 0 of that resonance, distance times lambda = 2 pi i m.
        resonance_gap: :math:`|\Delta\lambda - 2\pi i m|`; 0 at a resonance.
    """

    determined: bool
    order: int
    smallest_singular_value: float
    direction: Float[np.ndarray, " dim"]
    eigenvalue: complex
    winding: int
    resonance_gap: float


def phi(generator: Matrix, delta: float) -> Float[np.ndarray, "dim dim"]:
    r"""Integral of the flow over a stretch of the orbit.

    .. math:: \phi_\Delta(G) = \int_0^\Delta e^{sG}\,ds
        = \Delta \Big[\exp \begin{pmatrix} \Delta G & I \\ 0 & 0 \end{pmatrix}\Big]_{12}

    Args:
        generator: G, "dim dim", 1 over the unit of `delta`.
        delta: Length Delta of the stretch in the parameter, of either sign.

    Returns:
        The integral, relative accuracy about 1e-15 times the norm of exp(Delta G).

    Raises:
        ValueOutOfRange: If `generator` is not square or `delta` not finite.

    Examples:
        >>> rotation = np.array([[0.0, -1.0], [1.0, 0.0]])
        >>> phi(rotation, np.pi).round(12) + 0.0
        array([[ 0., -2.],
               [ 2.,  0.]])

    References:
        [vanloan:78]
    """
    delta = _finite("phi(delta=...)", delta)
    return delta * _phi_one(delta * _generator("phi", generator))


def is_determined(
    generator: Matrix, delta: float = 1.0, *, order: int = 2
) -> Determination:
    r"""Say whether as many samples as derivatives pin an orbit down.

    A curve f with f^(k) = G f^(k-1) that meets the orbit exp(t G) x at k points is the
    orbit: for k = 1 always; for k = 2, with points Delta apart, if and only if
    phi_Delta(G) is invertible, that is, Delta is not 0 and no eigenvalue of G times Delta
    is a multiple of 2 pi i other than 0. G itself may be singular. The source asks for an
    invertible G instead, which is neither needed nor enough (a rotation, and points one
    turn apart).

    Args:
        generator: G, "dim dim", known.
        delta: Difference of the parameters of the two samples; not looked at for k = 1.
        order: k, 1 or 2.

    Returns:
        The answer, and what breaks it: `determined` is false where the smallest singular
        value is within rounding of 0, 64 dim eps times the largest or 1.

    Raises:
        ValueOutOfRange: If `generator` is not square, or `order` neither 1 nor 2.

    Examples:
        >>> rotation = np.array([[0.0, -1.0], [1.0, 0.0]])
        >>> [is_determined(rotation, delta).determined for delta in (3.0, 2 * np.pi)]
        [True, False]
        >>> is_determined(np.zeros((3, 3)), 1.0).determined
        True

    References:
        [cosentino:22]
    """
    call = "is_determined"
    order = whole_number(f"{call}(order=...)", order, least=1, most=2)
    matrix = _generator(call, generator)
    delta = _finite(f"{call}(delta=...)", delta)
    eigenvalue, winding, gap = _resonance(np.linalg.eigvals(matrix), delta)
    _, values, right = np.linalg.svd(_phi_one(delta * matrix))
    smallest = float(values[-1]) if delta != 0.0 else 0.0
    if order == 1:
        smallest, determined = 1.0, True
    else:
        rounding = _ROUNDINGS * len(matrix) * float(np.finfo(float).eps)
        determined = smallest > rounding * max(1.0, float(values[0]))
    return Determination(determined, order, smallest, right[-1], eigenvalue, winding, gap)


def orbit_curvature(generator: Matrix, x: Matrix) -> Float[np.ndarray, " sample"]:
    r"""Curvature of the orbits through some points.

    .. math:: \kappa(x) = \|(I - v v^\top) G^2 x\| / \|G x\|^2, \qquad v = Gx / \|Gx\|,

    which is at most :math:`\|G^2x\| / \|Gx\|^2`, with equality where the speed is constant.
    Along an orbit of a skew G it is the same everywhere; of any other give points all
    along it and take the largest.

    Args:
        generator: G, "dim dim".
        x: Points, "sample dim".

    Returns:
        Curvature at each, 1 over the unit of `x`, exact to rounding.

    Raises:
        ValueOutOfRange: If shapes disagree.
        DataError: If a point does not move, Gx = 0, so that its orbit has no curvature.

    Examples:
        >>> rotation = np.array([[0.0, -1.0], [1.0, 0.0]])
        >>> orbit_curvature(rotation, np.array([[2.0, 0.0]]))
        array([0.5])
    """
    call = "orbit_curvature"
    matrix = _generator(call, generator)
    points = np.atleast_2d(real_array(f"{call}(x=...)", x))
    if points.ndim != 2 or points.shape[1] != len(matrix) or not np.isfinite(points).all():
        raise ValueOutOfRange(
            f"`{call}(x=...)` must be finite rows of {len(matrix)} columns, as many as the "
            f"generator has; got shape {points.shape}."
        )
    velocity = points @ matrix.T
    speed = np.linalg.norm(velocity, axis=1)
    still = speed <= RELATIVE_RANK * np.linalg.norm(matrix) * np.linalg.norm(points, axis=1)
    if still.any():
        raise DataError(
            f"`{call}(x=...)` must move; the generator leaves row {int(still.argmax())} "
            "where it is, and an orbit of one point has no curvature. Leave such rows out."
        )
    along = velocity / speed[:, None]
    bend = velocity @ matrix.T
    bend -= np.einsum("ij,ij->i", bend, along)[:, None] * along
    return np.asarray(np.linalg.norm(bend, axis=1) / speed**2)


def orbit_gap_bound(kappa: float, max_radius: float) -> float:
    r"""Largest distance of a surface of tangent pieces from the orbit that it touches.

    If every flat piece touches the orbit X at one point and lies in its tangent space
    there, then

    .. math:: \sup_{p \in \text{surface}} \operatorname{dist}(p, X)
        \le \tfrac12\, \kappa\, \max_\omega \mathrm{Rad}(\omega)^2 :

    the geodesic of X that leaves in the direction of p has acceleration at most kappa, so
    that after the length |p - x| it is within kappa |p - x|^2 / 2 of p. X must be complete
    (no edge within that length). Tight as pieces shrink.

    Args:
        kappa: Largest normal curvature of the orbit, 1 / length; for one parameter the
            largest :func:`orbit_curvature`.
        max_radius: Largest distance from a touching point to the end of its piece, length.

    Returns:
        The bound, length.

    Raises:
        ValueOutOfRange: If an argument is negative or not finite.

    Examples:
        >>> orbit_gap_bound(2.0, 0.1) == 0.5 * 2.0 * 0.1**2
        True
    """
    bend = _not_negative("orbit_gap_bound(kappa=...)", kappa)
    return 0.5 * bend * _not_negative("orbit_gap_bound(max_radius=...)", max_radius) ** 2


def theorem2_sum_bound(radii: Numbers) -> float:
    r"""The published bound of the same distance, which says nothing.

    It is the sum of the radii of all pieces. N pieces of a bounded surface of h dimensions
    have radii of the order N^(-1/h), whose sum grows as N^(1 - 1/h): it stays the same for
    curves and diverges for surfaces while the true distance falls as N^(-2/h). It is here
    to be shown beside :func:`orbit_gap_bound`, which does fall.

    Args:
        radii: Of all pieces, length.

    Returns:
        Their sum, length.

    Raises:
        ValueOutOfRange: If a radius is negative or not finite.

    Examples:
        >>> pieces = [8, 512]  # of a unit circle: tangents of half length tan(pi / n)
        >>> [round(theorem2_sum_bound([np.tan(np.pi / n)] * n), 2) for n in pieces]
        [3.31, 3.14]

    References:
        [cosentino:22]
    """
    given = real_array("theorem2_sum_bound(radii=...)", radii)
    if not np.all(np.isfinite(given)) or (given < 0).any():
        raise ValueOutOfRange(
            "`theorem2_sum_bound(radii=...)` must be finite and at least 0; it holds "
            "others. Leave out regions that are not bounded."
        )
    return float(given.sum())


def _phi_one(scaled: np.ndarray) -> np.ndarray:
    """Integral of exp(s M) for s from 0 to 1."""
    from scipy.linalg import expm

    n = len(scaled)
    block = np.zeros((2 * n, 2 * n))
    block[:n, :n] = scaled
    block[:n, n:] = np.eye(n)
    return np.asarray(expm(block)[:n, n:])


def _resonance(
    eigenvalues: Complex[np.ndarray, " dim"] | Float[np.ndarray, " dim"], delta: float
) -> tuple[complex, int, float]:
    turns = delta * eigenvalues.astype(complex) / (2.0 * np.pi)
    nearest = np.round(turns.imag)
    side = np.where(turns.imag < 0, -1.0, 1.0)
    nearest = np.where(nearest == 0, side, nearest)
    gaps = 2.0 * np.pi * np.abs(turns - 1j * nearest)
    worst = int(np.argmin(gaps))
    return complex(eigenvalues[worst]), int(nearest[worst]), float(gaps[worst])


def _generator(call: str, value: Matrix) -> np.ndarray:
    matrix = real_array(f"{call}(generator=...)", value)
    square = matrix.ndim == 2 and matrix.shape[0] == matrix.shape[1] and matrix.size > 0
    if not square or not np.isfinite(matrix).all():
        raise ValueOutOfRange(
            f"`{call}(generator=...)` must be a square matrix of finite numbers; got shape "
            f"{matrix.shape}. It is G in dx/dt = G x, one row and column per coordinate."
        )
    return matrix


def _finite(name: str, value: float) -> float:
    number = real_number(name, value)
    if not np.isfinite(number):
        raise ValueOutOfRange(f"`{name}` must be finite; got {number}.")
    return number


def _not_negative(name: str, value: float) -> float:
    number = _finite(name, value)
    if number < 0:
        raise ValueOutOfRange(f"`{name}` must be at least 0; got {number}.")
    return number
