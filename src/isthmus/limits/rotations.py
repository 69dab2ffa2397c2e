"""Sign codes of independent coordinates: which rotation comes before the sign."""

from __future__ import annotations

import dataclasses
import math

import numpy as np

from isthmus.core.door import real_number, shown, whole_number
from isthmus.core.errors import ValueOutOfRange
from isthmus.priors import AbstractPrior

LARGEST_BLOCK = 4096
_FEW_BLOCKS = 64
_STEP = 0.2
_NODES, _WEIGHTS = np.polynomial.legendre.leggauss(24)
_HAAR = math.sqrt(2.0 / math.pi)
_RESOLVED = 1e-9
_ROUNDING = 2e-15


@dataclasses.dataclass(frozen=True)
class BlockChoice:
    """A size of blocks of random rotations.

    Attributes:
        block: Coordinates per block; infinity is one rotation of everything.
        nmse: What the sign code leaves.
    """

    block: float
    nmse: float


def axes_limit(prior: AbstractPrior, rate: float) -> float:
    r"""NMSE of the signs of the coordinates themselves, best tied linear decoder.

    .. math:: 1 - r\, (E|x|)^2 / E[x^2] \qquad (r \le 1)

    of an encoder that keeps a share r of the coordinates. Exact in every dimension. No
    claim of optimality: where x may be 0 a rotation of pairs
    (:func:`givens_limit`) is always better.

    Args:
        prior: Of one coordinate; variance cancels.
        rate: Bits per coordinate, in (0, 1].

    Returns:
        NMSE, exact.

    Raises:
        ValueOutOfRange: If `prior` is not a prior or `rate` outside (0, 1].

    Examples:
        >>> from isthmus.priors import SparseRademacher
        >>> round(axes_limit(SparseRademacher(0.7), 1.0), 6)
        0.3

    References:
        [kogler:24]
    """
    share = _checked("axes_limit", prior, rate)
    return 1.0 - share * prior.mean_absolute**2 / prior.variance


def givens_angle(prior: AbstractPrior) -> float:
    r"""Angle of the rotation of pairs of coordinates that suits the sign best.

    The greatest of :math:`\psi(\theta) = E|\cos\theta\, x_1 + \sin\theta\, x_2|`, which
    with the tail U(a) = P(x > a) of independent symmetric coordinates is

    .. math:: (\cos\theta + \sin\theta) E|x|
        - 4 \sin\theta \int_0^\infty U(a \tan\theta) U(a)\, da \qquad (\theta \le \pi/4)

    For sparse signs of density p tan(theta) = 1 - p; for scale mixtures theta = pi/4.

    Args:
        prior: Of one coordinate.

    Returns:
        Angle in [0, pi/4], to 1e-7 (where psi is flat, only psi is that accurate).

    Raises:
        ValueOutOfRange: If `prior` is not a prior.

    Examples:
        >>> from isthmus.priors import SparseRademacher
        >>> round(math.tan(givens_angle(SparseRademacher(0.7))), 6)
        0.3
    """
    _checked("givens_angle", prior, 1.0)
    angles = np.linspace(0.0, 0.25 * math.pi, 33)
    at = int(np.argmax([_pair(prior, float(angle)) for angle in angles]))
    low, high = angles[max(at - 1, 0)], angles[min(at + 1, 32)]
    golden = 0.5 * (math.sqrt(5.0) - 1.0)
    while high - low > 1e-8:
        left, right = high - golden * (high - low), low + golden * (high - low)
        if _pair(prior, float(left)) < _pair(prior, float(right)):
            low = left
        else:
            high = right
    return max(
        (float(angles[at]), 0.5 * float(low + high)), key=lambda angle: _pair(prior, angle)
    )


def givens_limit(prior: AbstractPrior, rate: float = 1.0) -> float:
    r"""NMSE of the signs of pairs of coordinates turned by their best angle.

    .. math:: 1 - r \max_\theta \psi(\theta)^2 / E[x^2], \qquad
        \psi(\theta) = E|\cos\theta\, x_1 + \sin\theta\, x_2|

    Best tied linear decoder, r <= 1. Sparse signs of density p leave
    1 - r p (1 + (1 - p)^2), less than in their own axes. Exact in every dimension, but
    no claim of optimality: rotations of more than two coordinates may be better still.

    Args:
        prior: Of one coordinate; variance cancels.
        rate: Bits per coordinate, in (0, 1].

    Returns:
        NMSE, to 1e-12.

    Raises:
        ValueOutOfRange: If `prior` is not a prior or `rate` outside (0, 1].

    Examples:
        >>> from isthmus.priors import SparseRademacher
        >>> round(givens_limit(SparseRademacher(0.7)), 6)
        0.237
    """
    share = _checked("givens_limit", prior, rate)
    return 1.0 - share * _pair(prior, givens_angle(prior)) ** 2 / prior.variance


def block_haar_limit(
    prior: AbstractPrior, block: float = math.inf, rate: float = 1.0
) -> float:
    r"""NMSE of signs after random rotations of blocks of k coordinates.

    .. math:: 1 - r \psi_k^2, \qquad
        \psi_k = E|u_1| \, E\|x_{1:k}\| = \sqrt{2/\pi} \left(1 - \frac{\kappa_4}{8k}
        + O(k^{-2}) \right)

    for u uniform on the unit sphere of k dimensions, x of unit variance and excess
    kurtosis kappa_4; best tied linear decoder, r <= 1. Exact for a finite block in the
    mean over rotations; without blocks 1 - 2r/pi, status ``"asymptotic"``. No claim of
    optimality: for a negative excess kurtosis blocks beat the full rotation, and other
    encoders may beat blocks.

    Args:
        prior: Of one coordinate; variance cancels.
        block: Coordinates per block, 1 to 4096, or infinity.
        rate: Bits per coordinate, in (0, 1].

    Returns:
        NMSE, to 1e-9.

    Raises:
        ValueOutOfRange: If `prior` is not a prior, `block` no such number or `rate`
            outside (0, 1].

    Examples:
        >>> from isthmus.priors import SparseRademacher
        >>> round(block_haar_limit(SparseRademacher(0.5), 6), 4)
        0.3468
        >>> round(block_haar_limit(SparseRademacher(0.5)), 4)
        0.3634

    References:
        [kogler:24]
    """
    share = _checked("block_haar_limit", prior, rate)
    if not (isinstance(block, float) and block == math.inf):
        block = whole_number(
            "block_haar_limit(block=...)", block, least=1, most=LARGEST_BLOCK
        )
    return 1.0 - share * _block_psi(prior, block) ** 2


def best_block(prior: AbstractPrior, rate: float = 1.0) -> BlockChoice:
    """Size of blocks of random rotations that suits the sign best, up to 4096.

    Every size to 64, then a geometric grid refined around its best. The best size does
    not depend on the rate. No claim of optimality beyond blocks of one size.

    Args:
        prior: Of one coordinate; variance cancels.
        rate: Bits per coordinate, in (0, 1].

    Returns:
        Block and NMSE; infinity where no block gains more than 1e-9.

    Raises:
        ValueOutOfRange: If `prior` is not a prior or `rate` outside (0, 1].

    Examples:
        >>> from isthmus.priors import GaussBernoulli, SparseRademacher
        >>> best_block(SparseRademacher(0.5)).block, best_block(GaussBernoulli(0.5)).block
        (6, inf)
    """
    share = _checked("best_block", prior, rate)
    coarse = np.geomspace(_FEW_BLOCKS, LARGEST_BLOCK, 25).round().astype(int).tolist()
    sizes = [*range(1, _FEW_BLOCKS), *coarse]
    psi = {k: _block_psi(prior, k) for k in sizes}
    block = max(sizes, key=psi.__getitem__)
    at = sizes.index(block)
    low, high = sizes[max(at - 1, 0)], sizes[min(at + 1, len(sizes) - 1)]
    while high - low > 2:
        left, right = low + (high - low) // 3, high - (high - low) // 3
        psi |= {k: _block_psi(prior, k) for k in (left, right)}
        low, high = (left, high) if psi[left] < psi[right] else (low, right)
    psi |= {k: _block_psi(prior, k) for k in range(low, high + 1)}
    block = max(psi, key=psi.__getitem__)
    if psi[block] <= _HAAR + _RESOLVED:
        return BlockChoice(math.inf, 1.0 - share * _HAAR**2)
    return BlockChoice(block, 1.0 - share * psi[block] ** 2)


def _checked(call: str, prior: AbstractPrior, rate: float) -> float:
    if not isinstance(prior, AbstractPrior):
        raise ValueOutOfRange(
            f"`{call}(prior=...)` must be a prior; got {shown(prior)}. Pass e.g. "
            "isthmus.priors.SparseRademacher(0.5)."
        )
    share = real_number(f"{call}(rate=...)", rate)
    if not 0.0 < share <= 1.0:
        raise ValueOutOfRange(
            f"`{call}(rate=...)` must lie in (0, 1]; got {shown(rate)}. There are no more "
            "orthonormal rows than coordinates: above 1 see isotropic_limit and "
            "denoised_limit."
        )
    return share


def _pair(prior: AbstractPrior, angle: float) -> float:
    """E|cos x_1 + sin x_2| for an angle in [0, pi/4]."""
    slope = math.tan(angle)
    points = prior.breakpoints
    reach = points[-1]
    turned = points[points < slope * reach] / slope if slope > 0 else []
    fine = np.geomspace(1e-9 * reach, reach, 60)
    edges = np.unique(np.concatenate([points, turned, fine]))
    half = 0.5 * np.diff(edges)
    a = (edges[:-1] + half)[:, None] + half[:, None] * _NODES
    product = prior.tail_moments(a)[0] * prior.tail_moments(slope * a)[0]
    both = float(half @ (product @ _WEIGHTS))
    sine, cosine = math.sin(angle), math.cos(angle)
    return (cosine + sine) * prior.mean_absolute - 4.0 * sine * both


def _block_psi(prior: AbstractPrior, block: float) -> float:
    r"""E|u_1| E||x_{1:k}|| for unit variance.

    E sqrt(S) = int (1 - E exp(-t S)) t^{-3/2} dt / (2 sqrt(pi)); less the same of a
    Gaussian, for which all of it is sqrt(2/pi), the integrand falls exponentially in
    log t on both sides and the trapezoidal rule converges exponentially.
    """
    if block == math.inf:
        return _HAAR
    # Where what is cut off, spread / k t^(3/2), equals rounding, k t^(-1/2).
    spread = max(prior.excess_kurtosis + 2.0, 2.0)
    low = 0.5 * math.log(_ROUNDING * block**2 / spread)
    log_t = np.arange(low, 62.0, _STEP)
    t = np.exp(log_t)
    difference = np.exp(-0.5 * block * np.log1p(2.0 * t / block)) - np.exp(
        block * _log_laplace(prior, t / block)
    )
    integral = _STEP * float(difference @ np.exp(-0.5 * log_t))
    # sqrt(k) E|u_1|
    sphere = math.exp(
        0.5 * math.log(block) + math.lgamma(0.5 * block) - math.lgamma(0.5 * block + 0.5)
    ) / math.sqrt(math.pi)
    return _HAAR + sphere * integral / (2.0 * math.sqrt(math.pi))


def _log_laplace(prior: AbstractPrior, t: np.ndarray) -> np.ndarray:
    """Logarithm of E exp(-t x^2) for unit variance: the density at 0 through noise 1/2t."""
    noise = 0.5 * prior.variance / t
    zero = np.zeros_like(noise)
    log = prior.log_density(zero, noise) + 0.5 * np.log(2.0 * math.pi * noise)
    return np.minimum(log, 0.0)
