"""Gaussian messages between sign bits and priors, whose precisions all rows share."""

from __future__ import annotations

import dataclasses

import numpy as np

from isthmus.decoders.fixed_denoiser import FixedDenoiser
from isthmus.decoders.mixing import Belief, Cavity, Mixing
from isthmus.limits.one_bit import hazard
from isthmus.priors import CoordinatePriors

_LEAST = 1e-9


@dataclasses.dataclass(frozen=True, eq=False)
class BitStep:
    """Constants of a bit's new message, float32, "code" or "1"."""

    inverse_variance: np.ndarray
    cavity: np.ndarray
    root: np.ndarray
    pull: np.ndarray
    sharpened: np.ndarray

    @classmethod
    def made(
        cls,
        belief: Belief,
        cavity: np.ndarray,
        sharp: np.ndarray,
        noise: float,
    ) -> BitStep:
        """From precisions without the bits, and after them."""
        root = 1.0 / np.sqrt(1.0 / cavity + noise)
        parts = (1.0 / belief.variance, cavity, root, root / cavity, sharp)
        return cls(*(np.asarray(part, dtype=np.float32) for part in parts))


@dataclasses.dataclass(frozen=True, eq=False)
class Step:
    """One exchange: bits, mixing, priors, mixing."""

    bits: BitStep
    cavity: Cavity
    denoiser: FixedDenoiser
    sharpened: np.ndarray
    out: np.ndarray
    share: np.float32


@dataclasses.dataclass(eq=False)
class Messages:
    """Messages of some rows, each a precision times a mean.

    Attributes:
        bits: From the bits, "sample code".
        inputs: From the priors, "sample k".
        z: Belief about the pre-activations, "sample code".
        summed: Messages of the bits as the coefficients see them, "sample k".
    """

    bits: np.ndarray
    inputs: np.ndarray
    z: np.ndarray
    summed: np.ndarray

    @classmethod
    def start(cls, codes: np.ndarray, mixing: Mixing, prior: CoordinatePriors) -> Messages:
        """Before the first bit."""
        mean = np.sum(prior.weights * prior.means, axis=0)
        variance = np.maximum(prior.powers - np.square(mean), 1e-30)
        inputs = np.tile((mean / variance).astype(np.float32), (len(codes), 1))
        z = np.tile((mixing.weight @ mean).astype(np.float32), (len(codes), 1))
        return cls(np.zeros_like(codes), inputs, z, inputs)

    def bit_precision(
        self, codes: np.ndarray, belief: Belief, cavity: np.ndarray, noise: float
    ) -> np.ndarray:
        """Precision of the pre-activations after their bits, averaged over rows."""
        made = BitStep.made(belief, cavity, cavity, noise)
        mean = (self.z * made.inverse_variance - self.bits) / made.cavity
        u = codes * mean * made.root
        h = hazard(u)
        gone = np.mean(h * (u + h), axis=0, dtype=np.float64)
        gone = gone * np.square(made.root.astype(np.float64)) / cavity
        if belief.bits.size == 1:
            gone = np.array([gone.mean()])
        return np.asarray(cavity / np.clip(1.0 - gone, _LEAST, 1.0 - _LEAST))

    def seen_inputs(self, codes: np.ndarray, step: Step, mixing: Mixing) -> np.ndarray:
        """New messages of the bits, and coefficients as all but their priors see them."""
        bits = step.bits
        mean = self.z
        mean *= bits.inverse_variance
        mean -= self.bits
        mean /= bits.cavity
        u = mean * bits.root
        u *= codes
        new = hazard(u)
        new *= codes
        new *= bits.pull
        new += mean
        new *= bits.sharpened
        mean *= bits.cavity
        new -= mean
        _blend(self.bits, new, step.share)
        self.summed = self.bits @ mixing.single
        cavity = step.cavity
        precision = cavity.precision.astype(np.float32)
        if cavity.matrix is None:
            return np.asarray(self.summed / precision)
        seen = (self.summed + self.inputs) @ cavity.matrix
        seen *= cavity.inverse_variance.astype(np.float32)
        seen -= self.inputs
        seen /= precision
        return np.asarray(seen)

    def answer(
        self, mean: np.ndarray, seen: np.ndarray, step: Step, mixing: Mixing
    ) -> None:
        """New messages of the priors, and the belief they leave of the pre-activations."""
        new = mean * step.sharpened
        seen *= step.cavity.precision.astype(np.float32)
        new -= seen
        _blend(self.inputs, new, step.share)
        np.add(self.summed, self.inputs, out=new)
        if mixing.rotation:
            new *= step.out
            self.z = new @ mixing.single.T
        else:
            self.z = new @ step.out

    def advance(
        self, codes: np.ndarray, step: Step, mixing: Mixing, *, last: bool
    ) -> np.ndarray:
        """Go one step; the estimate of the coefficients."""
        seen = self.seen_inputs(codes, step, mixing)
        mean = step.denoiser.mean(seen)
        if not last:
            self.answer(mean, seen, step, mixing)
        return mean


def _blend(old: np.ndarray, new: np.ndarray, share: np.float32) -> None:
    """Put a share of the new message in place of the old one, in place."""
    if share < 1.0:
        old *= np.float32(1.0) - share
        new *= share
        old += new
    else:
        old[...] = new
