"""Steps of message passing as layers of a network, every constant a parameter."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple, cast

import numpy as np
import torch
from torch import Tensor

from isthmus.decoders.learning import AbstractLearner
from isthmus.frames import AbstractFrame
from isthmus.limits.one_bit import one_bit_shift
from isthmus.limits.vamp_step import code_precision, input_precision

_LEAST, _MOST = 1e-6, 1e6
_RAREST = 1e-30
_MATRIX_STEP = 0.1

Map = Callable[[Tensor], Tensor]


class Mixture(NamedTuple):
    """Prior of inputs of power 1, "component 1" or "component input".

    Attributes:
        weights: Of the components.
        means: Of the components.
        variances: Of the components; zeros stay zero.
    """

    weights: np.ndarray
    means: np.ndarray
    variances: np.ndarray


class Layer(torch.nn.Module):
    """One step: its prior, and how far its messages are believed.

    At first shares are 1 and scales exp(0): the closed-form step, undamped. Components
    change their weight and variance by one factor for all coordinates.

    Args:
        mixture: Prior that the layer starts from.
        weight: W, "code input", where the layer has matrices of its own.
        is_last: Whether no step follows, and no message goes back.
    """

    _log_weights: Tensor
    _means: Tensor
    _variances: Tensor

    def __init__(self, mixture: Mixture, weight: np.ndarray | None, is_last: bool) -> None:
        super().__init__()
        self.code_share, self.prior_share = _number(1.0), _number(1.0)
        self.code_log_scale, self.prior_log_scale = _number(0.0), _number(0.0)
        count = mixture.weights.shape[0]
        self.log_odds = _parameter(np.zeros((count, 1)))
        self.log_stretch = _parameter(np.zeros((count, 1)))
        rare = np.maximum(mixture.weights, _RAREST)
        self.register_buffer("_log_weights", torch.tensor(np.log(rare)))
        self.register_buffer("_means", torch.tensor(mixture.means))
        self.register_buffer("_variances", torch.tensor(mixture.variances))
        self.to_input = None if weight is None else _parameter(weight)
        self.to_code = None if weight is None or is_last else _parameter(weight)

    def posterior(self, r: Tensor, noise: Tensor) -> tuple[Tensor, Tensor]:
        """Posterior mean and variance under the layer's own prior."""
        log_weights = torch.log_softmax(self._log_weights + self.log_odds, dim=0).to(r)
        variances = (self._variances * self.log_stretch.exp()).to(r)
        means = self._means.to(r)
        wide = [v + noise for v in variances]
        apart = [r - m for m in means]
        odds = [
            w - 0.5 * (v.log() + a.square() / v)
            for w, v, a in zip(log_weights, wide, apart, strict=True)
        ]
        shares = torch.softmax(torch.stack(odds), dim=0)
        gains = [v / total for v, total in zip(variances, wide, strict=True)]
        centres = [m + g * a for m, g, a in zip(means, gains, apart, strict=True)]
        mean = _weighted(shares, centres)
        spread = _weighted(shares, [(one - mean).square() for one in centres])
        return mean, _weighted(shares, gains) * noise + spread

    def hear(
        self, codes: Tensor, heard: tuple[Any, Any], old: tuple[Any, Any], flip: float
    ) -> tuple[Tensor, Tensor]:
        """Extrinsic message of the codes and its precision.

        Args:
            codes: ±1.
            heard: Message to the code and its precision; the message None is zero.
            old: This message one step ago, or (None, None).
            flip: Probability of a flipped bit.
        """
        z_seen, of_code = heard
        root = of_code.sqrt()
        u = torch.zeros_like(codes) if z_seen is None else codes * z_seen * root
        shift = bit_shift(u, flip)
        taken = (shift * (u + shift)).mean(dim=1, keepdim=True).clamp(_LEAST, 1.0 - _LEAST)
        value = codes * shift / (taken * root)
        if z_seen is not None:
            value = value + z_seen
        precision = of_code * (taken / (1.0 - taken))
        return _believed((value, precision), old, self.code_share, self.code_log_scale)

    def answer(
        self,
        seen: tuple[Tensor, Tensor],
        message: tuple[Tensor, Tensor],
        old: tuple[Any, Any],
    ) -> tuple[Tensor, Tensor]:
        """What the prior says by itself: posterior less message."""
        (mean, variance), (r, of_input) = seen, message
        total = 1.0 / variance.mean(dim=1, keepdim=True)
        precision = (total - of_input).clamp(_LEAST, _MOST)
        value = (mean * total - r * of_input) / precision
        return _believed((value, precision), old, self.prior_share, self.prior_log_scale)


class Unrolled(AbstractLearner):
    """Message passing between priors and signs, a layer a step.

    Args:
        frame: W; every layer has its transforms, or starts from its matrix.
        mixture: Prior that every layer starts from.
        n_layers: Steps.
        matrices: Whether layers have matrices of their own.
        flip_probability: Of every bit.
    """

    def __init__(
        self,
        frame: AbstractFrame,
        mixture: Mixture,
        n_layers: int,
        *,
        matrices: bool,
        flip_probability: float,
    ) -> None:
        super().__init__()
        self.frame, self.flip_probability = frame, flip_probability
        weight = frame.to_dense() if matrices else None
        self.layers = torch.nn.ModuleList(
            Layer(mixture, weight, step + 1 == n_layers) for step in range(n_layers)
        )

    def forward(self, codes: Tensor, weight: Tensor | None = None) -> Tensor:
        """Rows of power 1 from codes, in their type and on their device.

        Args:
            codes: ±1, "sample code".
            weight: W, "code input", where it is trained too; then it stands for the
                frame in layers that have no matrices of their own.
        """
        rate = self.frame.rate
        gain = max(rate, 1.0) ** 0.5
        unit = torch.ones_like(codes[:, :1])
        prior_message: tuple[Any, Any] = (None, unit)
        code_message: tuple[Any, Any] = (None, None)
        heard: tuple[Any, Any] = (None, unit)
        mean = codes
        for layer in cast("list[Layer]", list(self.layers)):
            code_message = layer.hear(codes, heard, code_message, self.flip_probability)
            told, from_code = code_message
            x_seen, of_prior = prior_message
            of_input = input_precision(rate, of_prior, from_code)
            if rate > 1.0:
                r = self._adjoint(layer, told, weight) / gain
            elif x_seen is None:
                r = self._adjoint(layer, told, weight) / rate
            else:
                r = x_seen + self._adjoint(layer, told - heard[0], weight) / rate
            mean, variance = layer.posterior(r, 1.0 / of_input)
            if layer is self.layers[-1]:
                break
            prior_message = layer.answer((mean, variance), (r, of_input), prior_message)
            x_seen, of_prior = prior_message
            of_code = code_precision(rate, of_prior, from_code)
            if rate > 1.0:
                mixed = of_prior * x_seen + (rate * from_code) * r
                seen = gain * self._forward(layer, mixed, weight)
                z_seen = (seen - from_code * told) / of_code
            else:
                z_seen = self._forward(layer, x_seen, weight)
            heard = z_seen, of_code
        return mean

    def step_size(self, parameter: Tensor) -> float:
        """1 for numbers, a tenth of the size of their entries for matrices."""
        is_matrix = any(
            parameter is own
            for layer in cast("list[Layer]", list(self.layers))
            for own in (layer.to_input, layer.to_code)
        )
        longest = max(self.frame.n_code, self.frame.n_input)
        return _MATRIX_STEP / longest**0.5 if is_matrix else 1.0

    def settle(self) -> None:
        """Nothing: every parameter may have any value."""

    def _adjoint(self, layer: Layer, y: Tensor, weight: Tensor | None) -> Tensor:
        own = weight if layer.to_input is None else layer.to_input
        if own is not None:
            return y @ own.to(y)
        return transform(y, self.frame.adjoint, self.frame.forward)

    def _forward(self, layer: Layer, x: Tensor, weight: Tensor | None) -> Tensor:
        own = weight if layer.to_code is None else layer.to_code
        if own is not None:
            return x @ own.to(x).T
        return transform(x, self.frame.forward, self.frame.adjoint)


def bit_shift(u: Tensor, flip_probability: float) -> Tensor:
    """:func:`isthmus.limits.one_bit.one_bit_shift` k(u), with gradient -k (u + k).

    Examples:
        >>> u = torch.zeros(1, requires_grad=True)
        >>> bit_shift(u, 0.0).backward()
        >>> round(float(u.grad), 4)  # -2 / pi
        -0.6366
    """
    return cast(Tensor, _BitShift.apply(u, flip_probability))  # type: ignore[no-untyped-call]


def transform(x: Tensor, apply: Map, transposed: Map) -> Tensor:
    """Linear map of rows whose gradient goes through its transpose.

    Examples:
        >>> x = torch.ones(1, 1, requires_grad=True)
        >>> transform(x, lambda v: 2.0 * v, lambda v: 2.0 * v).backward()
        >>> float(x.grad)
        2.0
    """
    return cast(Tensor, _Transform.apply(x, apply, transposed))  # type: ignore[no-untyped-call]


class _BitShift(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, u: Tensor, flip_probability: float) -> Tensor:
        shift: Tensor = one_bit_shift(u, flip_probability)
        ctx.save_for_backward(u, shift)
        return shift

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> tuple[Tensor, None]:
        u, shift = ctx.saved_tensors
        return -grads[0] * shift * (u + shift), None


class _Transform(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor, apply: Map, transposed: Map) -> Tensor:
        ctx.transposed = transposed
        return apply(x)

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> tuple[Tensor, None, None]:
        return ctx.transposed(grads[0]), None, None


def _believed(
    new: tuple[Tensor, Tensor], old: tuple[Any, Any], share: Tensor, log_scale: Tensor
) -> tuple[Tensor, Tensor]:
    """A message between old and new, its precision scaled and kept in range."""
    value, precision = new
    precision = (precision * log_scale.exp().to(precision)).clamp(_LEAST, _MOST)
    if old[0] is None:
        return value, precision
    part = share.to(value)
    value = old[0] + part * (value - old[0])
    return value, old[1] * (precision / old[1]) ** part


def _weighted(shares: Tensor, values: list[Tensor]) -> Tensor:
    total = shares[0] * values[0]
    for share, value in zip(shares[1:], values[1:], strict=True):
        total = total + share * value
    return total


def _number(value: float) -> torch.nn.Parameter:
    return _parameter(np.array(value))


def _parameter(value: np.ndarray) -> torch.nn.Parameter:
    return torch.nn.Parameter(torch.tensor(value, dtype=torch.float64))
