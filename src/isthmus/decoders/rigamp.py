"""Message passing by memory terms, the second route to the posterior mean."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from array_api_compat import array_namespace, device, is_numpy_array
from jaxtyping import Float

from isthmus.core.door import whole_number
from isthmus.core.errors import ValueOutOfRange
from isthmus.decoders.base import BLOCK_ENTRIES, AbstractDecoder
from isthmus.decoders.door import AnyPrior, check_frame, check_prior
from isthmus.decoders.onsager import MemoryStep, memory_steps
from isthmus.frames import AbstractFrame
from isthmus.limits.one_bit import one_bit_shift
from isthmus.limits.state_evolution import check_flips

MOST_STEPS = 8
_ASTRAY = 0.1
"""Relative error of a message's power beyond which state evolution has lost a row."""


class RIGAMP(AbstractDecoder):
    r"""Generalised approximate message passing for rotationally invariant frames.

    Every message is cleared of what it owes to earlier estimates, by coefficients made of
    the frame's free cumulants; what is left is the truth plus Gaussian noise. The other
    route, :class:`MessagePassingDecoder`, clears messages by precisions instead. In high
    dimension both leave the same error after every step; this one keeps all earlier
    estimates and serves to check the other. All coefficients come from state evolution,
    none from the codes, so that rows of a few hundred coordinates or of another prior fare
    worse; a row whose messages leave its path, by a tenth of their power, keeps the
    estimate that it had.

    Args:
        frame: W, a partial isometry, random or random-like.
        prior: Of one coordinate, or :class:`isthmus.priors.CoordinatePriors`.
        n_iter: Most steps, at most 8; fewer are made if a step would tell nothing new.
        flip_probability: Of every bit, in [0, 1/2).

    Attributes:
        predicted_nmse: After every step in high dimension, "step".

    Raises:
        ValueOutOfRange: If an argument is outside its domain.

    Examples:
        >>> from isthmus.frames import dct
        >>> from isthmus.priors import GaussBernoulli
        >>> prior, frame = GaussBernoulli(0.1), dct(2048, 2048, rng=0, rounds=2)
        >>> x = prior.sample((20, 2048), 1)
        >>> y = np.where(frame.forward(x) >= 0, 1.0, -1.0)
        >>> decoder = RIGAMP(frame, prior)
        >>> error = x - decoder.decode(y, norms=np.linalg.norm(x, axis=1))
        >>> round(float((error**2).sum() / (x**2).sum()), 2)
        0.06

    References:
        [venkataramanan:22], [kogler:24]
    """

    def __init__(
        self,
        frame: AbstractFrame,
        prior: AnyPrior,
        *,
        n_iter: int = MOST_STEPS,
        flip_probability: float = 0.0,
    ):
        call = "RIGAMP"
        self.frame = check_frame(call, frame)
        self.prior = check_prior(call, prior, frame.n_input)
        self.n_iter = whole_number(f"{call}(n_iter=...)", n_iter, least=1)
        if self.n_iter > MOST_STEPS:
            raise ValueOutOfRange(
                f"`{call}(n_iter=...)` must be at most {MOST_STEPS}; got {n_iter}. Its "
                "memory terms are alternating sums of Catalan numbers and its messages "
                "grow alike, so that rounding takes over; MessagePassingDecoder takes any "
                "number of steps."
            )
        self.flip_probability = check_flips(call, flip_probability)
        self._steps = memory_steps(prior, frame.rate, self.n_iter, self.flip_probability)

    @property
    def predicted_nmse(self) -> Float[np.ndarray, " step"]:
        """What each step leaves in high dimension; steps not needed repeat the last."""
        found = np.array([step.mse for step in self._steps])
        return found[np.minimum(np.arange(self.n_iter), found.size - 1)]

    @property
    def _power(self) -> float:
        return self.prior.variance

    def _decode(self, codes: Any) -> Any:
        given = codes if is_numpy_array(codes) else codes.detach().cpu().numpy()
        rows = np.empty((given.shape[0], self.frame.n_input))
        size = max(1, BLOCK_ENTRIES // max(given.shape[1], rows.shape[1]))
        for start in range(0, given.shape[0], size):
            part = slice(start, start + size)
            rows[part] = self._rows(given[part].astype(np.float64))
        if is_numpy_array(codes):
            return rows.astype(codes.dtype, copy=False)
        xp = array_namespace(codes)
        return xp.asarray(rows, dtype=codes.dtype, device=device(codes))

    def _rows(self, codes: np.ndarray) -> np.ndarray:
        """One block, in units of the prior's deviation until the end."""
        gain = math.sqrt(max(self.frame.rate, 1.0))
        unit = math.sqrt(self._power)
        first = one_bit_shift(np.zeros(1), self.flip_probability)
        scores = [first * codes]
        estimates: list[np.ndarray] = []
        to_input: list[np.ndarray] = []
        to_code: list[np.ndarray] = []
        best = np.zeros((codes.shape[0], self.frame.n_input))
        on_path = np.ones((codes.shape[0], 1), dtype=bool)
        for step in self._steps:
            x = gain * self.frame.adjoint(scores[-1])
            to_input.append(_less(x, step.of_estimates, estimates))
            seen = _mixed(step.input_mix, to_input)
            if estimates:
                power = np.mean(np.square(seen), axis=1, keepdims=True)
                on_path &= np.abs(power / (1.0 + 1.0 / step.snr) - 1.0) <= _ASTRAY
                x *= on_path
                seen *= on_path
            mean, _ = self.prior.posterior(unit * seen, self._power / step.snr)
            best = np.where(on_path, mean, best)
            if step is self._steps[-1] or not on_path.any():
                break
            estimates.append(on_path * mean / unit)
            z = gain * self.frame.forward(estimates[-1])
            to_code.append(_less(z, step.of_scores, scores))
            scores.append(on_path * self._score(codes, step, to_code))
        return best

    def _score(
        self, codes: np.ndarray, step: MemoryStep, messages: list[np.ndarray]
    ) -> np.ndarray:
        """Posterior less prior mean of z, times the precision."""
        root = math.sqrt(step.code_precision)
        u = codes * _mixed(step.code_mix, messages) * root
        score: np.ndarray = codes * one_bit_shift(u, self.flip_probability) * root
        return score


def _less(x: np.ndarray, shares: np.ndarray, earlier: list[np.ndarray]) -> np.ndarray:
    for share, one in zip(shares, earlier, strict=True):
        x -= share * one
    return x


def _mixed(weights: np.ndarray, messages: list[np.ndarray]) -> np.ndarray:
    total = np.zeros_like(messages[0])
    for weight, one in zip(weights, messages, strict=True):
        total += weight * one
    return total
