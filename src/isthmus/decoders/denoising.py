"""One-shot denoising decoder of sign codes."""

from __future__ import annotations

from typing import Any

from isthmus.core.door import shown
from isthmus.core.errors import ValueOutOfRange
from isthmus.decoders.base import AbstractDecoder, checked_codes
from isthmus.decoders.door import AnyPrior, check_frame, check_prior
from isthmus.decoders.gate import Gate, fit_gate
from isthmus.decoders.message_passing import MessagePassingDecoder
from isthmus.frames import AbstractFrame


class DenoisingDecoder(AbstractDecoder):
    r"""Posterior mean of each coordinate from the linear reconstruction :math:`W^\top y`.

    In high dimension a coordinate of :math:`W^\top y` is the input plus Gaussian noise;
    the decoder is one step of :class:`MessagePassingDecoder` and leaves
    :func:`isthmus.limits.denoised_limit`, below every linear decoder unless the prior is
    Gaussian. A :class:`Gate` in the prior's place is learned instead of derived.

    Args:
        frame: W, a partial isometry.
        prior: Of one coordinate, :class:`isthmus.priors.CoordinatePriors`, or a gate.
        flip_probability: Of every bit, in [0, 1/2); a gate has learned it.

    Raises:
        ValueOutOfRange: If an argument is outside its domain.

    Examples:
        >>> import numpy as np
        >>> from isthmus.frames import dct
        >>> from isthmus.priors import GaussBernoulli
        >>> prior, frame = GaussBernoulli(0.1), dct(2048, 2048, rng=0)
        >>> x = prior.sample((50, 2048), 1)
        >>> y = np.where(frame.forward(x) >= 0, 1.0, -1.0)
        >>> error = x - DenoisingDecoder(frame, prior).decode(y, np.linalg.norm(x, axis=1))
        >>> round(float((error**2).sum() / (x**2).sum()), 2)  # linear decoders: 0.36
        0.12

    References:
        [kogler:24]
    """

    def __init__(
        self,
        frame: AbstractFrame,
        prior: AnyPrior | Gate,
        *,
        flip_probability: float = 0.0,
    ):
        call = "DenoisingDecoder"
        self.frame = check_frame(call, frame)
        self.prior = prior
        if not isinstance(prior, Gate):
            check_prior(call, prior, frame.n_input)
            self._step = MessagePassingDecoder(
                frame, prior, n_iter=1, flip_probability=flip_probability
            )

    @classmethod
    def learned(cls, frame: AbstractFrame, codes: Any, X: Any) -> DenoisingDecoder:
        """Fit a gate to rows and their codes.

        Args:
            frame: W.
            codes: ±1, "sample code".
            X: The rows, "sample input", brought to one length if norms are sent: to the
                root of the number of coordinates.

        Returns:
            The decoder; decode with norms if X were brought to one length.

        Raises:
            ValueOutOfRange: If shapes disagree.

        Examples:
            >>> import numpy as np
            >>> from isthmus.frames import haar
            >>> frame, x = haar(8, 8, rng=0), np.random.default_rng(0).normal(size=(500, 8))
            >>> y = np.where(frame.forward(x) >= 0, 1.0, -1.0)
            >>> DenoisingDecoder.learned(frame, y, x).decode(y).shape
            (500, 8)
        """
        call = "DenoisingDecoder.learned"
        seen = check_frame(call, frame).adjoint(
            checked_codes(f"{call}", codes, frame.n_code)
        )
        if tuple(seen.shape) != tuple(getattr(X, "shape", ())):
            raise ValueOutOfRange(
                f"`{call}(X)` must be one row per code and {frame.n_input} columns; got "
                f"{shown(X)}."
            )
        return cls(frame, fit_gate(seen, X))

    @property
    def _power(self) -> float:
        return 1.0 if isinstance(self.prior, Gate) else self.prior.variance

    def _decode(self, codes: Any) -> Any:
        if isinstance(self.prior, Gate):
            return self.prior(self.frame.adjoint(codes))
        return self._step.decode(codes)
