"""A prior learned from codes alone, while messages are passed."""

from __future__ import annotations

from typing import Any

import numpy as np
from jaxtyping import Float

from isthmus.core.door import shown, whole_number
from isthmus.core.errors import ValueOutOfRange
from isthmus.decoders.base import checked_codes
from isthmus.decoders.door import check_frame
from isthmus.decoders.gvamp import Schedule, pass_messages
from isthmus.frames import AbstractFrame
from isthmus.limits.state_evolution import check_flips
from isthmus.priors import ScaleMixture
from isthmus.priors.mixture import mixture_posterior, mixture_shares
from isthmus.priors.scale_mixture import AbstractScaleMixture

MOST_ROWS = 512
"""Rows whose posteriors are pooled."""


class _Learning:
    """Posterior of a mixture that takes a step of expectation maximisation at each use."""

    def __init__(self, prior: AbstractScaleMixture):
        weights, variances = prior._components
        self.weights, self.variances = np.array(weights), np.array(variances)
        self.power = prior.variance

    def __call__(self, r: np.ndarray, noise: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        weights, variances = self.weights.tolist(), self.variances.tolist()
        shares = mixture_shares(weights, variances, r, noise)
        mass = np.array([max(float(share.mean()), 1e-12) for share in shares])
        second = np.zeros_like(mass)
        for k, (share, v) in enumerate(zip(shares, variances, strict=True)):
            gain = v / (v + noise)
            square = np.square(gain * r) + gain * noise
            second[k] = float((share * square).mean()) / mass[k]
        self.weights = mass / mass.sum()
        self.variances = second * (self.power / float(self.weights @ second))
        order = np.argsort(self.variances, kind="stable")
        self.weights, self.variances = self.weights[order], self.variances[order]
        mean, variance = mixture_posterior(weights, variances, r, noise)
        return mean, variance


def learn_prior(
    frame: AbstractFrame,
    codes: Float[Any, "sample code"],
    start: AbstractScaleMixture,
    *,
    n_iter: int = 40,
    flip_probability: float = 0.0,
) -> ScaleMixture:
    """Fit a mixture to rows of which only the codes are known.

    Messages are passed with the current mixture; after every step its weights and
    variances become what the posteriors of all coordinates say (expectation
    maximisation). Use it where no rows are at hand to fit a prior to:
    :func:`isthmus.priors.fit_scale_mixture` on rows is better. A spike in `start` stays
    one.

    Args:
        frame: W, a partial isometry.
        codes: ±1, "sample code"; at most 512 of them are used.
        start: Mixture to start from; its variance is kept. Components are not added.
        n_iter: Steps.
        flip_probability: Of every bit, in [0, 1/2).

    Returns:
        The mixture, for :class:`MessagePassingDecoder`.

    Raises:
        ValueOutOfRange: If `start` is no mixture of Gaussians, or an argument is outside
            its domain.

    Examples:
        >>> from isthmus.frames import dct
        >>> from isthmus.priors import GaussBernoulli
        >>> frame, x = dct(1024, 1024, rng=0), GaussBernoulli(0.1).sample((100, 1024), 1)
        >>> y = np.where(frame.forward(x) >= 0, 1.0, -1.0)
        >>> learned = learn_prior(frame, y, GaussBernoulli(0.5))
        >>> round(learned.weights[1], 2)
        0.1

    References:
        [kogler:24]
    """
    call = "learn_prior"
    check_frame(call, frame)
    if not isinstance(start, AbstractScaleMixture):
        raise ValueOutOfRange(
            f"`{call}(start=...)` must be a mixture of Gaussians; got {shown(start)}. "
            "Start from e.g. isthmus.priors.GaussBernoulli(0.5)."
        )
    steps = whole_number(f"{call}(n_iter=...)", n_iter, least=1)
    flip = check_flips(call, flip_probability)
    given = checked_codes(call, codes, frame.n_code)
    if given.shape[0] == 0:
        raise ValueOutOfRange(f"`{call}(codes)` must hold at least one row; got none.")
    rows = np.asarray(given[:MOST_ROWS], dtype=np.float64)
    learning = _Learning(start)
    power = np.full((rows.shape[0], 1), start.variance)
    pass_messages(frame, learning, rows, power, Schedule(steps, 0.8, flip, steps))
    return ScaleMixture(learning.weights, learning.variances)
