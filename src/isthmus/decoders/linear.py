"""The best linear decoder of the signs of a frame."""

from __future__ import annotations

import math
from typing import Any

from isthmus.core.door import real_number
from isthmus.core.errors import ValueOutOfRange
from isthmus.decoders.base import AbstractDecoder
from isthmus.decoders.door import check_frame
from isthmus.frames import AbstractFrame
from isthmus.limits.state_evolution import check_flips


class LinearDecoder(AbstractDecoder):
    r"""Reconstruction :math:`\alpha W^\top y`, the best linear one in high dimension.

    .. math:: \alpha = \sqrt{2/\pi} \;(r \le 1), \qquad
        \frac{\sqrt{2r/\pi}}{1 + 2(r-1)/\pi} \;(r \ge 1)

    times the power's root, for uncorrelated coordinates of equal power. It leaves the
    isotropic limit of the sign, whatever their distribution.

    Args:
        frame: W, a partial isometry.
        variance: Mean square of an input coordinate.
        flip_probability: Of every bit, in [0, 1/2).

    Raises:
        ValueOutOfRange: If an argument is outside its domain.

    Examples:
        >>> import numpy as np
        >>> from isthmus.frames import dct
        >>> frame = dct(512, 1024, rng=0)
        >>> x = np.random.default_rng(0).normal(size=(200, 1024))
        >>> y = np.where(frame.forward(x) >= 0, 1.0, -1.0)
        >>> round(float(np.mean((x - LinearDecoder(frame).decode(y)) ** 2)), 2)  # 1 - 1/pi
        0.68

    References:
        [shevchenko:23]
    """

    def __init__(
        self,
        frame: AbstractFrame,
        *,
        variance: float = 1.0,
        flip_probability: float = 0.0,
    ):
        call = "LinearDecoder"
        self.frame = check_frame(call, frame)
        self.variance = real_number(f"{call}(variance=...)", variance)
        if not 0.0 < self.variance < math.inf:
            raise ValueOutOfRange(
                f"`{call}(variance=...)` must be positive and finite; got {variance}."
            )
        self.flip_probability = check_flips(call, flip_probability)

    @property
    def _power(self) -> float:
        return self.variance

    def _decode(self, codes: Any) -> Any:
        sure = 1.0 - 2.0 * self.flip_probability
        over = max(self.frame.rate, 1.0)
        mean = math.sqrt(2.0 / math.pi) * sure
        alpha = math.sqrt(over) * mean / (1.0 + mean * mean * (over - 1.0))
        return self.frame.adjoint(codes) * (alpha * math.sqrt(self.variance))
