"""Message passing whose constants are learned from rows and their codes."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from array_api_compat import is_torch_array
from torch import Tensor

from isthmus.core.door import real_array, shown, whole_number
from isthmus.core.errors import DataError, NotConverged, ValueOutOfRange
from isthmus.core.protocol import hold_out
from isthmus.core.random import as_rng
from isthmus.decoders.base import (
    BLOCK_ENTRIES,
    AbstractDecoder,
    checked_codes,
    checked_norms,
)
from isthmus.decoders.door import AnyPrior, check_frame, check_prior
from isthmus.decoders.learning import LearningCurve, Plan, Rows, learn
from isthmus.decoders.unrolled import Mixture, Unrolled
from isthmus.frames import AbstractFrame
from isthmus.limits.state_evolution import check_flips
from isthmus.priors import CoordinatePriors
from isthmus.priors.scale_mixture import AbstractScaleMixture


class LearnedDecoder(AbstractDecoder):
    """A few steps of message passing, unrolled and trained end to end.

    Every layer has its own mixture prior, the share of a new message that replaces the
    old one, and a factor of both extrinsic precisions; with ``matrices=True`` its own
    forward and adjoint matrices too. Untrained it is :class:`MessagePassingDecoder`
    without damping, after as many steps. Training pays where the prior is known badly or
    rows are short; where it is known, nothing is left to learn.

    Args:
        frame: W, a partial isometry. It stays as it is; together with the decoder it is
            trained by :func:`isthmus.training.train_with_layers`.
        prior: That layers start from: Gaussian, GaussBernoulli, ScaleMixture or
            :class:`isthmus.priors.CoordinatePriors`, whose components learn one factor
            for all coordinates. Components that it lacks are not learned.
        n_layers: Steps.
        matrices: Whether W is learned anew for every layer and direction; costs 2 n_code
            n_input numbers a layer and as many more rows to learn them from.
        flip_probability: Of every bit, in [0, 1/2).

    Attributes:
        history: Errors along the last training, a :class:`LearningCurve`; None at first.

    Raises:
        ValueOutOfRange: If an argument is outside its domain.

    Examples:
        >>> from isthmus.frames import dct
        >>> from isthmus.priors import GaussBernoulli
        >>> frame, x = dct(256, 256, rng=0), GaussBernoulli(0.1).sample((600, 256), 1)
        >>> y, norms = np.where(frame.forward(x) >= 0, 1.0, -1.0), np.linalg.norm(x, axis=1)
        >>> decoder = LearnedDecoder(frame, GaussBernoulli(0.5))  # a wrong prior: 0.19
        >>> decoder = decoder.fit(y[:500], x[:500], norms[:500], n_steps=60, rng=0)
        >>> error = x[500:] - decoder.decode(y[500:], norms[500:])
        >>> bool((error**2).sum() < 0.1 * (x[500:] ** 2).sum())
        True

    References:
        [kogler:24], [schniter:16]
    """

    def __init__(
        self,
        frame: AbstractFrame,
        prior: AnyPrior,
        *,
        n_layers: int = 3,
        matrices: bool = False,
        flip_probability: float = 0.0,
    ):
        call = "LearnedDecoder"
        self.frame = check_frame(call, frame)
        self.prior = check_prior(call, prior, frame.n_input)
        if not isinstance(prior, AbstractScaleMixture | CoordinatePriors):
            raise ValueOutOfRange(
                f"`{call}(prior=...)` must be a mixture of Gaussians, whose weights and "
                f"variances can be learned; got {shown(prior)}. Start from "
                "isthmus.priors.fit_scale_mixture(X)."
            )
        self.n_layers = whole_number(f"{call}(n_layers=...)", n_layers, least=1)
        self.matrices = bool(matrices)
        self.flip_probability = check_flips(call, flip_probability)
        self._start_over()

    def _start_over(self) -> None:
        self.history: LearningCurve | None = None
        self._root = math.sqrt(self.prior.variance)
        self._net = Unrolled(
            self.frame,
            _mixture(self.prior),
            self.n_layers,
            matrices=self.matrices,
            flip_probability=self.flip_probability,
        )

    @property
    def network(self) -> Unrolled:
        """The layers as a torch module, for rows of power 1; training it trains this."""
        return self._net

    def with_frame(self, frame: AbstractFrame) -> LearnedDecoder:
        """The same layers, for the codes of another encoder of this size."""
        made = LearnedDecoder(
            frame,
            self.prior,
            n_layers=self.n_layers,
            matrices=self.matrices,
            flip_probability=self.flip_probability,
        )
        return made.restored(self.state())

    def state(self) -> dict[str, np.ndarray]:
        """All that was learned, as arrays by name; :meth:`restored` takes them."""
        found = {name: part.cpu().numpy() for name, part in self._net.state_dict().items()}
        return found | {"root": np.array(self._root)}

    def restored(self, state: dict[str, np.ndarray]) -> LearnedDecoder:
        """Become what :meth:`state` described; frame, prior and layers must be the same.

        Raises:
            DataError: If arrays are missing, or not of these layers.
        """
        parts = {name: torch.tensor(part) for name, part in state.items()}
        try:
            self._root = float(parts.pop("root"))
            self._net.load_state_dict(parts)
        except (KeyError, RuntimeError) as error:
            raise DataError(
                f"The state of a learned decoder does not fit: {error}"
            ) from error
        return self

    @property
    def _power(self) -> float:
        return self._root**2

    def _decode(self, codes: Any) -> Any:
        with torch.no_grad():
            if is_torch_array(codes):
                return self._root * self._net(codes)
            rows = np.empty((codes.shape[0], self.frame.n_input), codes.dtype)
            size = max(1, BLOCK_ENTRIES // max(codes.shape[1], rows.shape[1]))
            for start in range(0, codes.shape[0], size):
                part = slice(start, start + size)
                found = self._net(torch.tensor(codes[part]))
                rows[part] = self._root * found.cpu().numpy()
        return rows

    def fit(
        self,
        codes: Any,
        X: Any,
        norms: Any = None,
        *,
        n_steps: int = 300,
        batch_size: int = 64,
        learning_rate: float = 0.03,
        rng: object = None,
        progress: Callable[[int, int], object] | None = None,
    ) -> LearnedDecoder:
        """Learn from rows and their codes; starts over if it was fitted before.

        Adam on the squared error of the last layer, the learning rate falling to 0.3 and
        0.1 of itself. A fifth of the rows is held out; the parameters kept are the best
        on them of 21 check-ups, the untrained ones among these. Matrices move at a tenth
        of the rate, relative to their entries.

        Args:
            codes: ±1, "sample code"; tensors train on their device, float64 in float64.
            X: The rows, "sample input", at least four.
            norms: Their lengths, if :meth:`decode` will get them too.
            n_steps: Steps of the optimiser.
            batch_size: Rows a step.
            learning_rate: Of Adam, positive.
            rng: Seed or generator that draws held-out rows and batches; on one machine
                the same gives the same.
            progress: Called with the steps done and the steps in all.

        Returns:
            Itself.

        Raises:
            ValueOutOfRange: If shapes disagree or a number is outside its domain.
            DataError: If rows are not finite, or zero throughout.
            NotConverged: If ten batches in a row give no gradient; the decoder is then
                as it was before any training.
        """
        call = "LearnedDecoder.fit"
        plan = Plan.checked(call, n_steps, batch_size, learning_rate)
        given = checked_codes(call, codes, self.frame.n_code)
        bits = given if is_torch_array(given) else torch.tensor(given)
        x = _checked_rows(call, X, bits, self.frame.n_input)
        unit = self._lengths(call, bits, x, norms)
        generator = as_rng(rng)
        self._start_over()
        self._net.to(bits.device)
        if norms is None:
            self._root = float(unit[0])
        rows = Rows(bits, torch.where(unit > 0, x / unit, 0.0), unit)
        halves = hold_out(x.double().cpu().numpy(), rng=generator)
        train, test = (
            rows.some(torch.from_numpy(part).to(bits.device))
            for part in (halves.train, halves.test)
        )
        try:
            self.history = learn(self._net, train, test, plan, generator, progress)
        except NotConverged:
            self._start_over()
            raise
        return self

    def _lengths(self, call: str, bits: Tensor, x: Tensor, norms: Any) -> Tensor:
        """Length of each row over that of a row of power 1, a column."""
        if norms is None:
            return torch.full_like(x[:, :1], float(x.double().square().mean().sqrt()))
        length: Tensor = checked_norms(call, bits, norms)
        return length / math.sqrt(x.shape[1])


def _mixture(prior: AnyPrior) -> Mixture:
    """Components of a prior, brought to power 1."""
    assert isinstance(prior, AbstractScaleMixture | CoordinatePriors)
    whole = prior if isinstance(prior, CoordinatePriors) else CoordinatePriors.of([prior])
    unit = math.sqrt(prior.variance)
    return Mixture(whole.weights, whole.means / unit, whole.variances / prior.variance)


def _checked_rows(call: str, X: Any, bits: Tensor, n_input: int) -> Tensor:
    x = X if is_torch_array(X) else torch.tensor(real_array(f"{call}(X=...)", X))
    if tuple(x.shape) != (bits.shape[0], n_input) or bits.shape[0] < 4:
        raise ValueOutOfRange(
            f"`{call}(X)` must be one row per code, {bits.shape[0]}, at least 4 of them, "
            f"and {n_input} columns; got shape {tuple(x.shape)}."
        )
    if not bool(torch.isfinite(x).all()) or not bool((x != 0).any()):
        raise DataError(
            f"`{call}(X)` must be finite and not zero throughout. Leave rows with gaps out."
        )
    return x.to(bits)
