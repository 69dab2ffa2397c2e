"""Posterior means of Gaussian rows from sign codes, in steps that are fixed beforehand."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from functools import cached_property

import numpy as np
from jaxtyping import Float

from isthmus.core.random import as_rng, random_normal
from isthmus.decoders.base import BLOCK_ENTRIES
from isthmus.limits.one_bit import hazard

DAMPING = 0.8
"""Share of a new message after the first step."""
JITTER = 1e-6
"""Variance added to every pre-activation, relative to their mean."""
SAMPLES = 2000
"""Rows that variances are averaged over."""
WORTH = 0.01
"""Share of the error that a further step must take away."""
_LEAST = 1e-9


@dataclasses.dataclass(frozen=True, eq=False)
class GaussianRows:
    """What is known of rows before their codes: two moments, and the encoder.

    Attributes:
        mean: "input", about the point that the signs are taken about.
        covariance: "input input".
        encoder_weight: B of y = sign(B x + noise), "code input".
        noise: Variance of that noise, relative to the mean variance of B x.
    """

    mean: Float[np.ndarray, " input"]
    covariance: Float[np.ndarray, "input input"]
    encoder_weight: Float[np.ndarray, "code input"]
    noise: float = 0.0

    @cached_property
    def code_mean(self) -> Float[np.ndarray, " code"]:
        """Mean of the pre-activations."""
        return np.asarray(self.encoder_weight @ self.mean)

    @cached_property
    def cross(self) -> Float[np.ndarray, "input code"]:
        """Covariance of rows with pre-activations."""
        return np.asarray(self.covariance @ self.encoder_weight.T)

    @cached_property
    def code_covariance(self) -> Float[np.ndarray, "code code"]:
        """Covariance of the pre-activations, noise included."""
        seen = self.encoder_weight @ self.cross
        unit = float(np.trace(seen)) / len(seen)
        return np.asarray(seen + (JITTER + self.noise) * unit * np.eye(len(seen)))

    def sample_codes(self, count: int, seed: int = 0) -> Float[np.ndarray, "sample code"]:
        """Codes of Gaussian rows."""
        root = np.linalg.cholesky(self.code_covariance)
        drawn = random_normal(as_rng(seed), count, len(root)) @ root.T
        return np.where(drawn + self.code_mean >= 0, 1.0, -1.0).astype(np.float32)


@dataclasses.dataclass(frozen=True, eq=False)
class CovariancePassing:
    """Expectation propagation for signs of correlated Gaussians, averaged variances.

    Each bit is replaced by a Gaussian observation of its pre-activation. Their precisions
    are averaged over rows when the decoder is made, one per bit and step: all rows share
    one matrix a step, and what a row decodes to depends on no other row.

    Attributes:
        code_mean: Mean of the pre-activations, "code".
        code_covariance: Their covariance, "code code".
        precisions: Of the observations after each step, "step code".
        weight: From observations to rows, "input code".
        offset: Row of an observation at the mean, "input".
    """

    code_mean: Float[np.ndarray, " code"]
    code_covariance: Float[np.ndarray, "code code"]
    precisions: Float[np.ndarray, "step code"]
    weight: Float[np.ndarray, "input code"]
    offset: Float[np.ndarray, " input"]

    def decode(
        self, codes: Float[np.ndarray, "sample code"]
    ) -> Float[np.ndarray, "sample input"]:
        """Rows from ±1, float32."""
        seen = self.observations(codes)
        rows = seen @ self.weight.T.astype(np.float32)
        rows += self.offset.astype(np.float32)
        return rows

    def observations(
        self, codes: Float[np.ndarray, "sample code"]
    ) -> Float[np.ndarray, "sample code"]:
        """What the last step makes of the bits: observations minus their mean, float32."""
        codes = codes.astype(np.float32, copy=False)
        size = max(1, 2 * BLOCK_ENTRIES // codes.shape[1])
        found = np.empty_like(codes)
        for start in range(0, codes.shape[0], size):
            block = slice(start, start + size)
            found[block] = self._observed(codes[block])
        return found

    def _observed(self, codes: np.ndarray) -> np.ndarray:
        message, seen = np.zeros_like(codes), codes
        for number, step in enumerate(self._steps):
            z = self._prior_mean if number == 0 else self._prior_mean + seen @ step.back
            _advance(codes, message, z, step, share_of(number))
            seen = message * (1.0 / step.precision)
            seen -= self._prior_mean
        return seen

    @cached_property
    def _prior_mean(self) -> np.ndarray:
        return self.code_mean.astype(np.float32)

    @cached_property
    def _steps(self) -> list[_Step]:
        return list(self._made())

    def _made(self) -> Iterator[_Step]:
        before, variance = np.zeros(self.code_mean.size), np.diag(self.code_covariance)
        back = None
        for number, precision in enumerate(self.precisions):
            yield _Step.between(before, precision, variance, back, share_of(number))
            gain, variance, _ = condition(self.code_covariance, precision)
            back, before = gain.T.astype(np.float32), precision


@dataclasses.dataclass(frozen=True, eq=False)
class _Step:
    """Constants of a step, float32, "code"; see :func:`_advance`.

    Attributes:
        inverse_variance: Of the belief about the pre-activations.
        inverse_cavity: Variance of the belief without the bit's own observation.
        root: Square root of its precision.
        sharpened: Precision after the bit.
        precision: Of the observations after the step.
        back: Observations to beliefs before the step, "code code"; None at first.
    """

    inverse_variance: np.ndarray
    inverse_cavity: np.ndarray
    root: np.ndarray
    sharpened: np.ndarray
    precision: np.ndarray
    back: np.ndarray | None

    @classmethod
    def between(
        cls,
        before: np.ndarray,
        after: np.ndarray,
        variance: np.ndarray,
        back: np.ndarray | None,
        share: float,
    ) -> _Step:
        cavity = 1.0 / variance - before
        new = (after - (1.0 - share) * before) / share
        parts = (1.0 / variance, 1.0 / cavity, np.sqrt(cavity), new + cavity, after)
        one, two, three, four, five = (part.astype(np.float32) for part in parts)
        return cls(one, two, three, four, five, back)


def share_of(number: int) -> float:
    """Share of a new message in a step."""
    return 1.0 if number == 0 else DAMPING


def condition(
    covariance: np.ndarray, precision: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Gain, remaining variances and K-inverse-like matrix of a Gaussian that is observed.

    Args:
        covariance: K, "code code".
        precision: Of the observation of every entry, positive.

    Returns:
        K Q, the diagonal of K - K Q K, and Q = (K + diag(1 / precision))^-1.

    Examples:
        >>> gain, left, _ = condition(np.eye(2), np.array([1.0, 3.0]))
        >>> np.diag(gain).tolist(), left.tolist()
        ([0.5, 0.75], [0.5, 0.25])
    """
    inverse = np.linalg.inv(covariance + np.diag(1.0 / precision))
    gain = covariance @ inverse
    left = np.diag(covariance) - np.einsum("ij,ij->i", gain, covariance)
    return gain, np.maximum(left, _LEAST * np.diag(covariance)), inverse


def fit_covariance_passing(
    rows: GaussianRows,
    codes: Float[np.ndarray, "sample code"] | None = None,
    truth: Float[np.ndarray, "sample input"] | None = None,
    *,
    n_steps: int = 8,
) -> tuple[CovariancePassing, float]:
    """Average variances over codes, step after step, and stop at the best step.

    Args:
        rows: Moments and encoder.
        codes: ±1, of which the first 2000 are used; None draws Gaussian rows.
        truth: Their rows: the step of least error is the last. None: the step of least
            predicted error.
        n_steps: Most steps.

    Returns:
        The decoder, and its mean squared error per row: that of `truth`, or predicted.

    Examples:
        >>> white = GaussianRows(np.zeros(4), np.eye(4), np.eye(4))
        >>> _, left = fit_covariance_passing(white)
        >>> round(left / 4, 2)  # 1 - 2 / pi
        0.36
    """
    given = rows.sample_codes(SAMPLES) if codes is None else codes[:SAMPLES]
    given = given.astype(np.float32, copy=False)
    prior, mean = rows.code_covariance, rows.code_mean.astype(np.float32)
    message, z = np.zeros_like(given), np.broadcast_to(mean, given.shape)
    before, variance = np.zeros(mean.size), np.diag(prior)
    precisions: list[np.ndarray] = []
    best, least, kept = 0, np.inf, np.zeros_like(rows.cross)
    for number in range(n_steps):
        share = share_of(number)
        after = _averaged(given, message, z, before, variance, share)
        step = _Step.between(before, after, variance, None, share)
        _advance(given, message, z, step, share)
        precisions.append(after)
        gain, variance, inverse = condition(prior, after)
        seen, weight = message / step.precision - mean, rows.cross @ inverse
        left = _left(rows, weight, seen, truth)
        if left < least * (1.0 - WORTH):
            best, least, kept = number, left, weight
        elif number >= best + 2:
            break
        z, before = mean + seen @ gain.T.astype(np.float32), after
    used = np.array(precisions[: best + 1])
    return CovariancePassing(rows.code_mean, prior, used, kept, rows.mean), least


def _left(
    rows: GaussianRows, weight: np.ndarray, seen: np.ndarray, truth: np.ndarray | None
) -> float:
    """Mean squared error per row, measured on the truth or predicted."""
    if truth is None:
        total = float(np.trace(rows.covariance))
        return total - float(np.einsum("ij,ij->", weight, rows.cross))
    found = seen @ weight.T.astype(np.float32) + rows.mean.astype(np.float32)
    missed = truth[: len(seen)] - found
    return float(np.einsum("ij,ij->", missed, missed)) / len(seen)


def _averaged(
    codes: np.ndarray,
    message: np.ndarray,
    z: np.ndarray,
    before: np.ndarray,
    variance: np.ndarray,
    share: float,
) -> np.ndarray:
    """Precision of the observations after a step, averaged over rows."""
    cavity = 1.0 / variance - before
    mean = (z * (1.0 / variance).astype(np.float32) - message) / cavity.astype(np.float32)
    u = codes * mean * np.sqrt(cavity).astype(np.float32)
    h = hazard(u)
    left = 1.0 - np.mean(h * (u + h), axis=0, dtype=np.float64)
    new = cavity / np.clip(left, _LEAST, 1.0 - _LEAST) - cavity
    return np.asarray((1.0 - share) * before + share * new)


def _advance(
    codes: np.ndarray, message: np.ndarray, z: np.ndarray, step: _Step, share: float
) -> None:
    """New messages of the bits, precision times mean, in place of the old ones."""
    mean = z * step.inverse_variance
    mean = mean - message
    mean *= step.inverse_cavity
    u = mean * step.root
    u *= codes
    shift = hazard(u)
    shift *= codes
    shift /= step.root
    shift += mean
    shift *= step.sharpened
    mean *= 1.0 / step.inverse_cavity
    shift -= mean
    if share < 1.0:
        message *= np.float32(1.0 - share)
        shift *= np.float32(share)
    message += shift
