"""Posterior means of rows with independent mixtures from sign codes, in fixed steps."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from functools import cached_property

import numpy as np
from jaxtyping import Float

from isthmus.decoders.base import BLOCK_ENTRIES
from isthmus.decoders.covariance_passing import SAMPLES, WORTH, share_of
from isthmus.decoders.fixed_denoiser import FixedDenoiser
from isthmus.decoders.fixed_messages import BitStep, Messages, Step
from isthmus.decoders.mixing import Belief, Mixing
from isthmus.priors import CoordinatePriors


@dataclasses.dataclass(frozen=True, eq=False)
class MixturePassing:
    """Expectation propagation between per-coordinate mixtures and sign codes.

    Both sides send Gaussian messages whose precisions are averaged over rows when the
    decoder is made, one per coordinate, one per bit (one for all bits of a rotation) and
    step. A rotation then needs two products a step and no matrix but its own; any other
    encoder has two matrices a step that all rows share.

    Attributes:
        weight: W of y = sign(W c + noise) for coefficients c, "code k".
        prior: Of the coefficients.
        noise: Variance of the noise, in units of W c squared.
        bit_precisions: Messages of the bits after each step, "step code" or "step 1".
        precisions: Messages of the priors after each step, "step k".
    """

    weight: Float[np.ndarray, "code k"]
    prior: CoordinatePriors
    noise: float
    bit_precisions: Float[np.ndarray, "step b"]
    precisions: Float[np.ndarray, "step k"]

    def decode(
        self, codes: Float[np.ndarray, "sample code"]
    ) -> Float[np.ndarray, "sample k"]:
        """Coefficients from ±1, float32."""
        codes = codes.astype(np.float32, copy=False)
        size = max(1, BLOCK_ENTRIES // max(self.weight.shape))
        found = np.empty((codes.shape[0], self.weight.shape[1]), dtype=np.float32)
        for start in range(0, codes.shape[0], size):
            block = slice(start, start + size)
            found[block] = self._coefficients(codes[block])
        return found

    def _coefficients(self, codes: np.ndarray) -> np.ndarray:
        state = Messages.start(codes, self._mixing, self.prior)
        for number, step in enumerate(self._steps):
            last = number == len(self._steps) - 1
            found = state.advance(codes, step, self._mixing, last=last)
        return found

    @cached_property
    def _mixing(self) -> Mixing:
        return Mixing.of(self.weight)

    @cached_property
    def _steps(self) -> list[Step]:
        return list(self._made())

    def _made(self) -> Iterator[Step]:
        belief = Belief.start(self._mixing, self.prior)
        for number, after in enumerate(self.bit_precisions):
            share = share_of(number)
            cavity = 1.0 / belief.variance - belief.bits
            new = (after - (1.0 - share) * belief.bits) / share
            bits = BitStep.made(belief, cavity, new + cavity, self.noise)
            behind = self._mixing.cavity(after, belief.inputs)
            then = self.precisions[number]
            sharp = (then - (1.0 - share) * belief.inputs) / share + behind.precision
            belief = self._mixing.belief(after, then)
            yield Step(
                bits,
                behind,
                FixedDenoiser.of(self.prior, 1.0 / behind.precision),
                sharp.astype(np.float32),
                belief.out,
                np.float32(share),
            )


def fit_mixture_passing(
    weight: Float[np.ndarray, "code k"],
    prior: CoordinatePriors,
    codes: Float[np.ndarray, "sample code"],
    truth: Float[np.ndarray, "sample k"] | None = None,
    *,
    noise: float = 0.0,
    n_steps: int = 8,
) -> tuple[MixturePassing, float]:
    """Average variances over codes, step after step, and stop at the best step.

    Args:
        weight: W, "code k".
        prior: Of the coefficients.
        codes: ±1, of which the first 2000 are used.
        truth: Their coefficients: the step of least error is the last. None: the step of
            least predicted error.
        noise: Variance of what is added to W c, in its units.
        n_steps: Most steps.

    Returns:
        The decoder, and its mean squared error per row: that of `truth`, or predicted.

    Examples:
        >>> from isthmus.frames import haar
        >>> rng, turn = np.random.default_rng(0), haar(200, 200, rng=0).to_dense()
        >>> c = rng.normal(size=(500, 200)) * (rng.random((500, 200)) < 0.1)
        >>> prior = CoordinatePriors(*np.tile([[[0.9], [0.1]], [[0.0], [0.0]],
        ...     [[1e-6], [1.0]]], 200))
        >>> _, left = fit_mixture_passing(turn, prior, np.where(c @ turn.T >= 0, 1.0, -1.0))
        >>> 0.05 < left / 20 < 0.09  # linear decoders: 0.36
        True
    """
    codes = codes[:SAMPLES].astype(np.float32, copy=False)
    mixing = Mixing.of(weight)
    state, belief = Messages.start(codes, mixing, prior), Belief.start(mixing, prior)
    bits, inputs = [], []
    best, least = 0, np.inf
    for number in range(n_steps):
        share = share_of(number)
        step, after = _first_half(state, belief, codes, mixing, prior, noise, share)
        seen = state.seen_inputs(codes, step, mixing)
        mean, left = step.denoiser.moments(seen)
        error = float(left.sum())
        if truth is not None:
            missed = truth[: len(codes)] - mean
            error = float(np.einsum("ij,ij->", missed, missed)) / len(codes)
        precision = step.cavity.precision
        left = np.clip(left, 1e-12 / precision, 0.999 / precision)
        then = (1.0 - share) * belief.inputs + share * (1.0 / left - precision)
        bits.append(after)
        inputs.append(then)
        if error < least * (1.0 - WORTH):
            best, least = number, error
        elif number >= best + 2:
            break
        belief = mixing.belief(after, then)
        sharpened = (1.0 / left).astype(np.float32)
        step = dataclasses.replace(step, sharpened=sharpened, out=belief.out)
        state.answer(mean, seen, step, mixing)
    used = np.array(bits[: best + 1]), np.array(inputs[: best + 1])
    return MixturePassing(weight, prior, noise, *used), least


def _first_half(
    state: Messages,
    belief: Belief,
    codes: np.ndarray,
    mixing: Mixing,
    prior: CoordinatePriors,
    noise: float,
    share: float,
) -> tuple[Step, np.ndarray]:
    """A step up to the priors, averaged over rows, and the precisions of the bits."""
    cavity = 1.0 / belief.variance - belief.bits
    sharp = state.bit_precision(codes, belief, cavity, noise)
    after = (1.0 - share) * belief.bits + share * (sharp - cavity)
    behind = mixing.cavity(after, belief.inputs)
    step = Step(
        BitStep.made(belief, cavity, sharp, noise),
        behind,
        FixedDenoiser.of(prior, 1.0 / behind.precision),
        np.ones(1, np.float32),
        belief.out,
        np.float32(share),
    )
    return step, after
