"""Arguments that must be numbers, checked before anything is computed with them."""

from __future__ import annotations

import operator

import numpy as np
from jaxtyping import Float

from isthmus.core.errors import ValueOutOfRange

_LONGEST = 60  # characters of a value in a message


def real_array(name: str, value: object) -> Float[np.ndarray, "*s"]:
    """Float64 array of real numbers; text, complex numbers and ragged lists are refused.

    Args:
        name: Call and argument, as in ``"descend(covariance=...)"``.
        value: What was given.

    Raises:
        ValueOutOfRange: If it is no array of real numbers.

    Examples:
        >>> real_array("f(x=...)", [1, True])
        array([1., 1.])
    """
    try:
        if isinstance(value, np.ma.MaskedArray) and np.ma.is_masked(value):
            value = np.ma.filled(
                value.astype(np.float64), np.nan
            )  # what is masked is missing
        given = np.asarray(value)
        if given.dtype.kind in "fiubO" and value is not None:
            return given.astype(np.float64, copy=False)
        found = given.dtype.name
    except (TypeError, ValueError, RuntimeError, OverflowError):
        found = "rows of unequal length, or no numbers"
    raise ValueOutOfRange(
        f"`{name}` must be real numbers, as a list or array; got {shown(value)} ({found}). "
        "Convert it with numpy.asarray(..., dtype=float) first."
    )


def real_number(name: str, value: object) -> float:
    """One real number as a float; it may still be NaN or infinite.

    Raises:
        ValueOutOfRange: If it is no number, or several.

    Examples:
        >>> real_number("f(x=...)", 2)
        2.0
    """
    given = real_array(name, value)
    if given.ndim:
        raise ValueOutOfRange(f"`{name}` must be one number; got {shown(value)}.")
    return float(given)


def whole_number(name: str, value: object, *, least: int, most: int | None = None) -> int:
    """A whole number in a range as an int; 2.0 counts as whole, True does not.

    Raises:
        ValueOutOfRange: If it is anything else.

    Examples:
        >>> whole_number("f(n=...)", 2.0, least=1)
        2
    """
    number = None
    if not isinstance(value, (bool, np.bool_)):
        try:
            number = operator.index(value)  # type: ignore[arg-type]
        except TypeError:
            if isinstance(value, (float, np.floating)) and float(value).is_integer():
                number = int(value)
    if number is None or number < least or (most is not None and number > most):
        span = f"of at least {least}" if most is None else f"from {least} to {most}"
        raise ValueOutOfRange(
            f"`{name}` must be a whole number {span}; got {shown(value)}."
        )
    return number


def shown(value: object) -> str:
    """A value in one short line.

    Examples:
        >>> shown(list(range(100)))
        '[0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 1...'
    """
    text = " ".join(repr(value).split())
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}..."
