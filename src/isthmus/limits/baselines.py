"""What an autoencoder competes with: Shannon's bound and transform coding."""

from __future__ import annotations

import dataclasses

import numpy as np
from jaxtyping import Float

from isthmus.core.additive_levels import additive_distortion
from isthmus.core.door import real_array, real_number, shown
from isthmus.core.errors import ValueOutOfRange
from isthmus.core.lloyd_max import MAX_BITS, lloyd_max_distortion
from isthmus.core.typing import Numbers
from isthmus.limits.spectrum import check_eigenvalues, check_lengths

_SHALLOW = 6


@dataclasses.dataclass(frozen=True)
class TransformCoding:
    """Transform coding of Gaussian data at a budget.

    Attributes:
        nmse: Distortion divided by the mean eigenvalue; an array for several budgets.
        bits: Bits of each eigen-direction, in the order of the eigenvalues given; one
            more leading axis for several budgets.
    """

    nmse: float | np.ndarray
    bits: np.ndarray


def rate_distortion(
    eigenvalues: Numbers, bits: float | Numbers
) -> float | Float[np.ndarray, " m"]:
    r"""Shannon's least NMSE for Gaussian data at a number of bits, any block length.

    .. math::
        D = \sum_i \min(\theta, \lambda_i) \Big/ \sum_i \lambda_i, \qquad
        \sum_i \tfrac12 \log_2^+ (\lambda_i / \theta) = \text{bits}

    Reverse water-filling solved in closed form after one sort. No codec of Gaussian
    data with this covariance is below it, and reaching it takes long blocks.

    Args:
        eigenvalues: Of the covariance, any order, not negative.
        bits: Total bits per vector, not negative; an array computes all at once.

    Returns:
        NMSE; 1 at zero bits. Accurate to 1e-12 relative.

    Raises:
        ValueOutOfRange: If an eigenvalue or a number of bits is negative or not finite.

    Examples:
        >>> round(rate_distortion(np.ones(100), 100), 12)
        0.25

    References:
        [cover:06]
    """
    lam = check_eigenvalues("rate_distortion", eigenvalues)
    budget = real_array("rate_distortion(bits=...)", bits)
    if budget.ndim > 1 or not np.all(np.isfinite(budget)) or np.any(budget < 0):
        raise ValueOutOfRange(
            f"`rate_distortion(bits=...)` must be finite and not negative; "
            f"got {shown(bits)}."
        )
    positive = np.sort(lam[lam > 0])[::-1]
    log_lam = np.log2(positive)
    prefix = np.cumsum(log_lam)
    count = np.arange(1, positive.size + 1)
    needed = 0.5 * (prefix - count * log_lam)
    active = np.maximum(np.searchsorted(needed, np.atleast_1d(budget), "left"), 1)
    level = np.exp2((prefix[active - 1] - 2.0 * np.atleast_1d(budget)) / active)
    tail = np.append(np.cumsum(positive[::-1])[::-1], 0.0)
    nmse = (active * level + tail[active]) / tail[0]
    return float(nmse[0]) if budget.ndim == 0 else nmse


def transform_coding(eigenvalues: Numbers, bits: int | Numbers) -> TransformCoding:
    """NMSE of classical transform coding on Gaussian data.

    Eigenbasis, whole bits per direction, a Lloyd-Max quantiser each. Bits go one by one
    to the direction that gains most, which is optimal because each direction's
    distortion is convex in its bits.

    Args:
        eigenvalues: Of the covariance, any order, not negative.
        bits: Total bits per vector, whole, at most 12 per direction of positive
            variance; an array computes all at once.

    Returns:
        NMSE and the allocation. Exact to the 1e-13 of the quantisers.

    Raises:
        ValueOutOfRange: If `bits` is negative, not whole or beyond 12 per direction.

    Examples:
        >>> coding = transform_coding(np.array([4.0, 1.0]), 3)
        >>> coding.bits.tolist(), round(coding.nmse, 4)
        ([2, 1], 0.1667)

    References:
        [max:60], [lloyd:82]
    """
    lam = check_eigenvalues("transform_coding", eigenvalues)
    budget = check_lengths("transform_coding", "bits", bits, least=0)
    most = MAX_BITS * int(np.count_nonzero(lam))
    if budget.max() > most:
        raise ValueOutOfRange(
            f"`transform_coding(bits=...)` must be at most {MAX_BITS} per direction of "
            f"positive variance, here {most}; got {budget.max()}."
        )
    depth = int(min(MAX_BITS, budget.max()))
    table = np.array([lloyd_max_distortion(b) for b in range(depth + 1)])
    allocation = _allocated(lam, table, budget)
    nmse = table[allocation] @ lam / lam.sum()
    if np.ndim(bits) == 0:
        return TransformCoding(float(nmse[0]), allocation[0])
    return TransformCoding(nmse, allocation)


def additive_coding(eigenvalues: Numbers, bits: int) -> TransformCoding:
    """Transform coding whose levels are sums of ± the steps of their bits.

    As :func:`transform_coding`, with the quantisers of
    :func:`~isthmus.core.additive_levels.additive_quantiser`, so that a code is decoded
    linearly. Their distortion is convex in the bits too.

    Args:
        eigenvalues: Of the covariance, any order, not negative.
        bits: Total bits per vector, whole, at most 12 per direction of positive variance.

    Returns:
        NMSE and the allocation.

    Raises:
        ValueOutOfRange: If `bits` is negative, not whole or beyond 12 per direction.

    Examples:
        >>> coding = additive_coding(np.array([64.0, 4.0, 1.0]), 6)
        >>> coding.bits.tolist(), round(coding.nmse, 4)
        ([4, 2, 0], 0.0319)
    """
    lam = check_eigenvalues("additive_coding", eigenvalues)
    budget = check_lengths("additive_coding", "bits", bits, least=0)
    most = MAX_BITS * int(np.count_nonzero(lam))
    if budget.max() > most:
        raise ValueOutOfRange(
            f"`additive_coding(bits=...)` must be at most {MAX_BITS} per direction of "
            f"positive variance, here {most}; got {budget.max()}. Take fewer bits."
        )
    depth = min(_SHALLOW, int(budget.max()))
    while True:  # deep quantisers take seconds to solve, and few spectra need them
        table = np.array([additive_distortion(b) for b in range(depth + 1)])
        allocation = np.zeros((1, lam.size), int)
        if budget.max() <= depth * np.count_nonzero(lam):
            allocation = _allocated(lam, table, budget)
            if allocation.max() < depth or depth in (MAX_BITS, budget.max()):
                break
        depth = min(depth + 2, MAX_BITS, int(budget.max()))
    nmse = table[allocation] @ lam / lam.sum()
    return TransformCoding(float(nmse[0]), allocation[0])


def _allocated(lam: np.ndarray, table: np.ndarray, budget: np.ndarray) -> np.ndarray:
    """Bits of each direction at each budget; `table` holds distortions, convex in bits."""
    depth = table.size - 1
    gain = (lam[:, None] * (table[:-1] - table[1:])).ravel()
    order = np.argsort(-gain, kind="stable")[: budget.max()]
    direction = order // max(depth, 1)
    return np.stack([np.bincount(direction[:n], minlength=lam.size) for n in budget])


def isotropic_transform_coding(rate: float) -> float:
    """NMSE of Lloyd-Max quantisers on white Gaussian data, long vectors.

    A share of the coordinates gets one bit more than the others, so that the distortion
    is linear between whole rates.

    Args:
        rate: Bits per coordinate, in [0, 12].

    Returns:
        NMSE.

    Raises:
        ValueOutOfRange: If `rate` is outside [0, 12].

    Examples:
        >>> round(isotropic_transform_coding(1.5), 6)
        0.240431

    References:
        [max:60], [lloyd:82]
    """
    rate = real_number("isotropic_transform_coding(rate=...)", rate)
    if not 0.0 <= rate <= MAX_BITS:
        raise ValueOutOfRange(
            f"`isotropic_transform_coding(rate=...)` must lie in [0, {MAX_BITS}]; "
            f"got {rate}."
        )
    low = min(int(rate), MAX_BITS - 1)
    below, above = lloyd_max_distortion(low), lloyd_max_distortion(low + 1)
    return below + (rate - low) * (above - below)
