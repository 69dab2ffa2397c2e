"""What the parameters of the shallow autoencoder may be."""

from __future__ import annotations

import numpy as np

from isthmus.core.errors import ValueOutOfRange
from isthmus.core.memory import check_memory

_CALL = "ShallowAutoencoder"


def code_length(n_code: int | None, rate: float | None, n_input: int) -> int:
    """Code symbols per row from a number, a rate or neither (rate 1).

    Examples:
        >>> code_length(None, 0.5, 64), code_length(None, None, 64)
        (32, 64)
    """
    if n_code is not None and rate is not None:
        raise ValueOutOfRange(
            f"`{_CALL}` must get `n_code` or `rate`, not both; "
            f"got n_code={n_code} and rate={rate}."
        )
    if n_code is not None:
        if n_code != int(n_code) or n_code < 1:
            raise ValueOutOfRange(
                f"`{_CALL}(n_code=...)` must be a whole number of at least 1; got {n_code}."
            )
        return int(n_code)
    wanted = 1.0 if rate is None else float(rate)
    if not (wanted > 0 and np.isfinite(wanted)):
        raise ValueOutOfRange(
            f"`{_CALL}(rate=...)` must be positive and finite; got {wanted}."
        )
    return max(1, round(wanted * n_input))


def check_size(n_code: int, n_input: int) -> None:
    """Refuse a code whose moments and weights do not fit into memory, before the work."""
    needed = 8 * (4 * n_code**2 + 6 * n_code * n_input + 4 * n_input**2)
    way_out = "Take a shorter code, or columns that were projected first."
    check_memory(f"{_CALL}(n_code=...)", n_code, needed, way_out)


def check_choices(**choices: tuple[object, tuple[str, ...]]) -> None:
    """Refuse a name that is not among those allowed."""
    for name, (value, allowed) in choices.items():
        if value not in allowed:
            raise ValueOutOfRange(
                f"`{_CALL}({name}=...)` must be one of {', '.join(allowed)}; got {value!r}."
            )


def check_numbers(ridge: object, n_steps: object) -> None:
    """Refuse a penalty below zero and steps that are not whole."""
    if ridge != "gcv" and not (isinstance(ridge, (int, float)) and ridge >= 0):
        raise ValueOutOfRange(
            f"`{_CALL}(ridge=...)` must be 'gcv' or a number >= 0; got {ridge!r}."
        )
    whole = isinstance(n_steps, (int, np.integer)) and n_steps >= 1
    if n_steps is not None and not whole:
        raise ValueOutOfRange(
            f"`{_CALL}(n_steps=...)` must be None or a whole number of at least 1; "
            f"got {n_steps!r}."
        )
