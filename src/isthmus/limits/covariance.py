"""Limit of the two-layer autoencoder on Gaussian data of any covariance."""

from __future__ import annotations

import dataclasses
from functools import cached_property

import numpy as np

from isthmus.core.activations import resolve_activation
from isthmus.core.door import real_number
from isthmus.core.errors import ValueOutOfRange
from isthmus.core.tolerance import SPIKE
from isthmus.core.typing import Numbers
from isthmus.limits.spectrum import LONGEST_CODE, check_eigenvalues, check_lengths


@dataclasses.dataclass(frozen=True)
class CovarianceLimit:
    """The Gaussian reference and the encoder spectrum that attains it.

    Every attribute but `gains` has the shape of `n_code`; `gains` has one more axis.

    Attributes:
        nmse: Limit divided by the mean eigenvalue.
        threshold: Water level on the square roots of the eigenvalues, input units.
        n_active: Eigen-directions that receive any of the code.
        tightness: Largest gain / n_code: the share of the code on one direction. The
            limit can be approached when it is small; above 0.05 it can be loose.
        status: ``"theorem"``, ``"theorem (tied decoders)"`` (n_code > n_input; for free
            decoders a conjecture) or ``"asymptotic"``: the bound holds as before, but
            the spectrum is so spiky that no autoencoder of this size comes close.
    """

    nmse: float | np.ndarray
    threshold: float | np.ndarray
    n_active: int | np.ndarray
    tightness: float | np.ndarray
    status: str | tuple[str, ...]
    _root: np.ndarray = dataclasses.field(repr=False)
    _lengths: np.ndarray = dataclasses.field(repr=False)
    _alpha: float = dataclasses.field(repr=False)

    @cached_property
    def gains(self) -> np.ndarray:
        """Squared singular values of the whitened encoder, one per eigenvalue given.

        Made when first asked for: for many code lengths at once it is the one large
        array. Each row sums to n_code.
        """
        order = np.argsort(-self._root, kind="stable")
        rank = np.empty_like(order)
        rank[order] = np.arange(order.size)
        shape = (*np.shape(self.nmse), 1)
        active = rank < np.reshape(self.n_active, shape)
        if self._alpha == 0.0:
            mass = self._lengths.reshape(shape) / np.reshape(self.n_active, shape)
            return np.where(active, mass, 0.0)
        level = np.reshape(self.threshold, shape)
        excess = np.where(active, (self._root - level) / level, 0.0)
        return self._alpha * np.maximum(excess, 0.0)


def covariance_limit(
    eigenvalues: Numbers,
    n_code: int | Numbers,
    *,
    activation: object = "sign",
) -> CovarianceLimit:
    r"""Least NMSE of a two-layer autoencoder on Gaussian data, by water-filling.

    .. math::
        \min_{\mu \ge 0,\ \sum \mu_i = n,\ \#\{\mu_i > 0\} \le n}
        \sum_i \lambda_i \frac{\alpha}{\mu_i + \alpha} \Big/ \sum_i \lambda_i

    The square roots of the eigenvalues are filled, not their logarithms. One sort, then
    O(log d) per code length.

    Args:
        eigenvalues: Of the covariance, input units squared, any order, not negative.
        n_code: Code symbols per vector, at least 1; an array computes all at once.
        activation: Name, odd function or :class:`~isthmus.core.Activation`.

    Returns:
        The limit, accurate to 1e-13 relative.

    Raises:
        ValueOutOfRange: If an eigenvalue is negative or not finite, all are zero, or a
            code length is below 1.

    Examples:
        >>> round(covariance_limit(np.ones(100), 200).nmse, 6)
        0.222031
        >>> limit = covariance_limit(np.arange(1, 101) ** -1.0, 100)
        >>> round(limit.nmse, 5), float(limit.gains.sum().round(9))
        (0.24208, 100.0)

    References:
        [shevchenko:23]
    """
    lam = check_eigenvalues("covariance_limit", eigenvalues)
    lengths = check_lengths("covariance_limit", "n_code", n_code, least=1)
    alpha = resolve_activation(activation).alpha
    root = np.sqrt(lam)
    descending = np.sort(root)[::-1]
    tail, total = _tails(descending)
    if alpha == 0.0:
        n_active = np.minimum(lengths, int(np.count_nonzero(descending)))
        level = np.zeros(lengths.shape)
        nmse = tail[n_active] / total
        tightness = 1.0 / n_active
    else:
        prefix = np.cumsum(descending)
        n_active = _active(descending, prefix, lengths, alpha)
        filled = prefix[n_active - 1]
        level = filled / (n_active + lengths / alpha)
        nmse = (tail[n_active] + level * filled) / total
        tightness = alpha * (descending[0] - level) / (level * lengths)
    flat = descending[0] <= descending[np.minimum(n_active, lam.size) - 1] * (1 + 1e-12)
    exact = (lengths <= lam.size) & flat & (n_active == np.minimum(lengths, lam.size))
    status = tuple(
        _status(int(n), lam.size, float(t), bool(e))
        for n, t, e in zip(lengths, tightness, exact, strict=True)
    )
    many = np.ndim(n_code) > 0
    return CovarianceLimit(
        nmse if many else float(nmse[0]),
        level if many else float(level[0]),
        n_active if many else int(n_active[0]),
        tightness if many else float(tightness[0]),
        status if many else status[0],
        root,
        lengths.astype(np.float64),
        alpha,
    )


def code_length_for(
    eigenvalues: Numbers,
    target_nmse: float,
    *,
    activation: object = "sign",
) -> int:
    """Least code length whose Gaussian reference meets a target.

    Args:
        eigenvalues: Of the covariance, any order, not negative.
        target_nmse: NMSE to reach, in (0, 1).
        activation: Name, odd function or :class:`~isthmus.core.Activation`.

    Returns:
        n_code. Exact: the limit at n_code - 1 is above the target.

    Raises:
        ValueOutOfRange: If the target is outside (0, 1) or an eigenvalue is negative.

    Examples:
        >>> code_length_for(np.ones(100), 0.5)
        79

    References:
        [shevchenko:23]
    """
    target_nmse = real_number("code_length_for(target_nmse=...)", target_nmse)
    if not 0.0 < target_nmse < 1.0:
        raise ValueOutOfRange(
            f"`code_length_for(target_nmse=...)` must lie in (0, 1); got {target_nmse}. "
            "1 is what the mean alone reaches, 0 would be lossless."
        )
    lam = check_eigenvalues("code_length_for", eigenvalues)

    def limit(n: int) -> float:
        return float(covariance_limit(lam, n, activation=activation).nmse)

    high = 1
    while limit(high) > target_nmse:
        high *= 2
        if high > LONGEST_CODE:
            raise ValueOutOfRange(
                "`code_length_for(target_nmse=...)` must be reached by at most 2**62 code "
                f"symbols; got {target_nmse}. Ask for more error."
            )
    low = high // 2
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if limit(middle) > target_nmse else (low, middle)
    return high


def _tails(descending: np.ndarray) -> tuple[np.ndarray, float]:
    """Sums of the eigenvalues behind each position, smallest added first."""
    tail = np.zeros(descending.size + 1)
    np.cumsum(np.square(descending[::-1]), out=tail[-2::-1])
    return tail, float(tail[0])


def _active(
    q: np.ndarray, prefix: np.ndarray, lengths: np.ndarray, alpha: float
) -> np.ndarray:
    """Largest k with q_k (k + n / alpha) > S_k; the left side minus the right falls."""
    low = np.ones(lengths.shape, dtype=np.int64)
    high = np.minimum(lengths, q.size)
    while np.any(low < high):
        k = (low + high + 1) // 2
        fits = q[k - 1] * (k + lengths / alpha) > prefix[k - 1]
        low, high = np.where(fits, k, low), np.where(fits, high, k - 1)
    return low


def _status(n_code: int, n_input: int, tightness: float, exact: bool) -> str:
    if tightness > SPIKE and not exact:
        return "asymptotic"
    return "theorem" if n_code <= n_input else "theorem (tied decoders)"
