"""Precisions that message passing hands from code to input and back.

A partial isometry mixes so well that its messages are Gaussian channels, of the inputs
and of the pre-activations. Decoder and state evolution both pass their precisions through
these two maps; numbers and arrays alike.
"""

from __future__ import annotations

from typing import Any


def input_precision(rate: float, from_prior: Any, from_code: Any) -> Any:
    """Precision with which the code's message shows an input coordinate.

    Args:
        rate: Code symbols per input coordinate.
        from_prior: Extrinsic precision of the prior's message; matters below rate 1,
            where the code does not see every direction.
        from_code: Extrinsic precision of the one-bit channel's message.

    Examples:
        >>> input_precision(0.5, 1.0, 1.0), input_precision(2.0, 1.0, 3.0)
        (0.3333333333333333, 6.0)
    """
    if rate > 1.0:
        return rate * from_code
    return rate / ((1.0 - rate) / from_prior + 1.0 / from_code)


def code_precision(rate: float, from_prior: Any, from_code: Any) -> Any:
    """Precision with which the prior's message shows a pre-activation.

    Above rate 1 other symbols speak of it too: `from_code` is their precision.

    Examples:
        >>> code_precision(0.5, 1.0, 3.0), code_precision(2.0, 1.0, 3.0)
        (1.0, 4.0)
    """
    return from_prior + max(rate - 1.0, 0.0) * from_code
