"""Rate-distortion of one coordinate, computed with a certificate."""

from __future__ import annotations

import dataclasses
import math

import numpy as np

from isthmus.core.door import real_number
from isthmus.core.errors import ValueOutOfRange
from isthmus.limits.scalar_bounds import gaussian_bound
from isthmus.limits.scalar_quantiser import checked_bits, ecsq
from isthmus.priors import AbstractPrior

FINEST = 0.02
"""NMSE below which the grid would be too fine."""
_NODES, _WEIGHTS = np.polynomial.legendre.leggauss(8)
_PANEL = 2.0  # of the source, in standard deviations of the error
_SLOPES = 12
_BLAHUT_STEPS = 20
_NEWTON_STEPS = 60
_RARE = 1e-8
_FAR = 0.2


@dataclasses.dataclass(frozen=True)
class BlahutArimoto:
    """Least NMSE of any codec at a rate, computed.

    Attributes:
        lower: No codec is below.
        upper: Reached by codecs of long blocks.
        converged: Whether the ends are as close as was asked for.
    """

    lower: float
    upper: float
    converged: bool


def blahut_arimoto(
    prior: AbstractPrior, rate: float, *, accuracy: float = 0.001
) -> BlahutArimoto:
    r"""Rate-distortion function of independent coordinates, squared error.

    At a slope s the distribution q of the answers y that maximises E log Z, with
    :math:`Z(x) = \sum_y q(y) e^{-s (x - y)^2}`: Blahut's and Arimoto's iteration, ended by
    an interior point method where theirs would take thousands of steps. With
    :math:`c(y) = E[e^{-s (x - y)^2} / Z(x)]` any s and q prove (R in nats)

    .. math:: D(R) \ge (-E \log Z - \log \max_y c(y) - R) / s

    and their test channel reaches its own rate and error; the upper end is the chord
    between two channels around the rate. The source is integrated by Gauss-Legendre
    nodes four times as dense as the error's standard deviation, atoms apart, up to a
    tail of probability 1e-8 (in the upper end its variance is an error): both ends are
    those of the continuous source to 1e-5 relative. Answers lie on a grid of 0.25
    standard deviations of the error (0.8 at an accuracy of 0.01); c is taken on one twelve
    times as fine, and what it may be between is bounded by the convexity of log c + s y^2.

    Args:
        prior: Of one coordinate; variance cancels.
        rate: Bits per coordinate, positive and so small that a scalar quantiser leaves
            (or :func:`gaussian_bound`) an NMSE of at least 0.02.
        accuracy: How close the two ends should be, relative; 0.001 to 0.1. Seconds at
            0.001, a tenth at 0.01.

    Returns:
        Lower and upper end, and whether they are as close as asked.

    Raises:
        ValueOutOfRange: If `prior` is not a prior, `rate` no positive number or so large
            that the error is below 0.02, or `accuracy` outside its range.

    Examples:
        >>> from isthmus.priors import GaussBernoulli
        >>> found = blahut_arimoto(GaussBernoulli(0.2), 0.5, accuracy=0.01)
        >>> round(found.lower, 2), round(found.upper, 2), found.converged
        (0.16, 0.16, True)

    References:
        [blahut:72], [arimoto:72]
    """
    bits = checked_bits("blahut_arimoto", prior, rate)
    accuracy = real_number("blahut_arimoto(accuracy=...)", accuracy)
    if not 1e-3 <= accuracy <= 0.1:
        raise ValueOutOfRange(
            f"`blahut_arimoto(accuracy=...)` must lie in [0.001, 0.1]; got {accuracy}."
        )
    guess = min(ecsq(prior, bits).nmse, gaussian_bound(prior, bits))
    if guess < FINEST:
        raise ValueOutOfRange(
            f"`blahut_arimoto(rate=...)` must leave an error of at least {FINEST}; got "
            f"{bits}, where simple codecs leave {guess:.1e}. There the grid would be too "
            "fine: see distortion_bracket."
        )
    channel = _Channel(prior, guess * prior.variance, accuracy)
    return channel.bracket(bits * math.log(2.0))


class _Channel:
    """Test channels of a source, in nats."""

    def __init__(self, prior: AbstractPrior, error: float, accuracy: float) -> None:
        width = math.sqrt(min(error, 0.5 * prior.variance))
        x, mass = _source(prior, width)
        seen = np.cumsum(mass[::-1])[::-1] > _RARE
        self.x, self.mass = x[seen], mass[seen] / mass[seen].sum()
        self.variance, self.accuracy = prior.variance, accuracy
        self.tail = float(mass[~seen] @ np.square(x[~seen]))
        spacing = 0.25 * math.sqrt(1e3 * accuracy) * width
        end = float(self.x[-1]) + spacing
        self.y, self.fine = np.arange(0.0, end, spacing), np.arange(0.0, end, spacing / 12)
        nonzero = 2.0 * float(prior.tail_moments(0.0)[0])
        self.slope = 0.5 * nonzero / width**2

    def bracket(self, nats: float) -> BlahutArimoto:
        """Tangents from below, chords from above; the next slope is that of the chord."""
        left, right = (0.0, self.variance), None
        slope, lower, upper = self.slope, 0.0, self.variance
        for _ in range(_SLOPES):
            rate, error, proved = self.at(slope, nats)
            lower = max(lower, (proved - nats) / slope)
            if rate <= nats:
                left = max(left, (rate, error))
            else:
                right = (rate, error) if right is None else min(right, (rate, error))
            if right is None:
                upper, slope = min(upper, left[1] + self.tail), 2.0 * slope
                continue
            share = (nats - left[0]) / (right[0] - left[0])
            chord = (1.0 - share) * left[1] + share * right[1]
            upper = min(upper, chord + self.tail)
            if upper - lower < self.accuracy * upper or right[1] >= left[1]:
                break
            slope = (right[0] - left[0]) / (left[1] - right[1])
        converged = bool(upper - lower < self.accuracy * upper)
        return BlahutArimoto(lower / self.variance, upper / self.variance, converged)

    def at(self, s: float, nats: float) -> tuple[float, float, float]:
        """Rate and error at a slope, and what is proved below rate + s error.

        Far from the rate that is asked for, a proof would be of no use.
        """
        kernel, shift = _kernel(s, self.x, self.y)
        q = _best_answers(kernel, self.mass, 0.02 * self.accuracy)
        value = kernel @ q
        near, far = np.square(self.x[:, None] - self.y), 4.0 * self.x[:, None] * self.y
        extra = far * np.exp(-s * far) / (1.0 + np.exp(-s * far))
        error = float(self.mass @ (((near + extra) * kernel) @ q / value))
        total = -float(self.mass @ (np.log(value) + shift))
        rate = total - s * error
        if abs(rate - nats) > _FAR * nats:
            return rate, error, -math.inf
        other, other_shift = _kernel(s, self.x, self.fine)
        weight = self.mass / value * np.exp(other_shift - shift)
        # log c + s y^2 is convex: between two points c is hardly more than at both.
        most = math.log(float((weight @ other).max()))
        between = 0.25 * s * float(self.fine[1]) ** 2
        return rate, error, total - most - between


def _best_answers(kernel: np.ndarray, mass: np.ndarray, gap: float) -> np.ndarray:
    """Answers of greatest E log Z: Blahut's steps, then an interior point method.

    Optimal where q >= 0, c <= 1 and q (1 - c) = 0, c = K' (mass / K q).
    """
    n = kernel.shape[1]
    q: np.ndarray = np.full(n, 1.0 / n)
    for _ in range(_BLAHUT_STEPS):
        q = q * (mass / (kernel @ q) @ kernel)
    q = 0.9 * q + 0.1 / n
    slack = np.full(n, 0.1)
    for _ in range(_NEWTON_STEPS):
        value = kernel @ q
        short = 1.0 - mass / value @ kernel
        if q @ slack < gap and np.abs(short - slack).max() < gap:
            break
        aim = 0.1 * float(q @ slack) / n
        scaled = kernel * (np.sqrt(mass) / value)[:, None]
        curvature = scaled.T @ scaled
        curvature.flat[:: n + 1] += slack / q
        step = np.linalg.solve(curvature, aim / q - short)
        slack_step = (aim - slack * step) / q - slack
        q = q + _inside(q, step) * step
        slack = slack + _inside(slack, slack_step) * slack_step
    return np.asarray(q / q.sum())


def _inside(at: np.ndarray, step: np.ndarray) -> float:
    """Longest step, at most 1, that keeps everything positive."""
    falling = step < 0
    return min(1.0, 0.95 * float(np.min(-at[falling] / step[falling], initial=np.inf)))


def _kernel(s: float, x: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """exp(-s (x - y)^2), mean over both signs of y, and the logarithm split off it."""
    near = -s * np.square(x[:, None] - y)
    shift = near.max(axis=1)
    folded = 0.5 * (1.0 + np.exp(-4.0 * s * x[:, None] * y))
    return np.asarray(np.exp(near - shift[:, None]) * folded), shift


def _source(prior: AbstractPrior, width: float) -> tuple[np.ndarray, np.ndarray]:
    """Sizes |x| and their masses: atoms, and Gauss-Legendre nodes between them."""
    points = prior.breakpoints
    reach = float(points[-1])
    coarse = np.arange(0.0, reach, _PANEL * width)
    fine = np.geomspace(1e-6, 1.0, 12) * min(_PANEL * width, reach)
    edges = np.unique(np.concatenate([points, coarse, fine]))
    half = 0.5 * np.diff(edges)
    x = ((edges[:-1] + half)[:, None] + half[:, None] * _NODES).ravel()
    # The density without atoms is that seen through next to no noise, away from them.
    noise = 1e-26 * prior.variance
    density = 2.0 * np.exp(prior.log_density(x, noise))
    mass = (half[:, None] * _WEIGHTS).ravel() * density
    below = prior.tail_moments(points * (1.0 - 1e-12))[0]
    atoms = 2.0 * (below - prior.tail_moments(points * (1.0 + 1e-12))[0])
    atoms[0] = 1.0 - 2.0 * float(prior.tail_moments(0.0)[0])
    x, mass = np.append(points, x), np.append(np.where(atoms > 1e-9, atoms, 0.0), mass)
    order = np.argsort(x, kind="stable")
    x, mass = x[order], mass[order]
    return x[mass > 0], mass[mass > 0]
