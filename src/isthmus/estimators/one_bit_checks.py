"""Parameters of a decoder of sign codes, and what a user's own decoder gives."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from isthmus.core.door import real_array, shown, whole_number
from isthmus.core.errors import ValueOutOfRange
from isthmus.estimators.one_bit_pairs import CALL

Baseline = Callable[[Any, Any], Any]
"""Rows from codes and norms."""


def check_parameters(decoder: Any, methods: Sequence[str]) -> None:
    """Refuse parameters outside their domain.

    Raises:
        ValueOutOfRange: If one is.
    """
    if decoder.method not in methods:
        raise ValueOutOfRange(
            f"`{CALL}(method=...)` must be one of {', '.join(methods)}; got "
            f"{shown(decoder.method)}."
        )
    for name in ("n_steps", "hidden", "network_steps"):
        whole_number(f"{CALL}({name}=...)", getattr(decoder, name), least=1)
    ridge: Any = decoder.ridge
    ok = ridge == "gcv" if isinstance(ridge, str) else False
    if isinstance(ridge, (int, float, np.number)) and not isinstance(ridge, bool):
        ok = bool(ridge >= 0)
    if not ok:
        raise ValueOutOfRange(
            f"`{CALL}(ridge=...)` must be 'gcv' or a number >= 0; got {shown(ridge)}."
        )
    if decoder.baseline is not None and not callable(decoder.baseline):
        raise ValueOutOfRange(
            f"`{CALL}(baseline=...)` must be a function of codes and norms that gives "
            f"rows; got {shown(decoder.baseline)}."
        )


def checked_baseline(given: Baseline, size: int) -> Baseline:
    """The same function, whose rows are looked at.

    Args:
        given: Of codes and norms.
        size: Columns that rows must have.

    Raises:
        ValueOutOfRange: When called, if rows are not finite or of another shape.
    """

    def checked(codes: Any, norms: Any) -> np.ndarray:
        rows = real_array(f"{CALL}(baseline=...)", given(codes, norms))
        if rows.shape != (len(codes), size) or not np.isfinite(rows).all():
            raise ValueOutOfRange(
                f"`{CALL}(baseline=...)` must give {size} finite numbers per code; got "
                f"shape {rows.shape} of {len(codes)} codes."
            )
        return rows

    return checked
