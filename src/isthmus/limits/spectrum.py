"""Checks at the door of everything that takes eigenvalues."""

from __future__ import annotations

import numpy as np
from jaxtyping import Float, Int

from isthmus.core.door import real_array, shown
from isthmus.core.errors import ValueOutOfRange
from isthmus.core.tolerance import SYMMETRY

_LEAST, _MOST = 1e-290, 1e300
LONGEST_CODE = 2**62
"""Code lengths are int64."""


def check_eigenvalues(call: str, eigenvalues: object) -> Float[np.ndarray, " d"]:
    """Float64 eigenvalues, rounding noise below zero removed.

    Examples:
        >>> check_eigenvalues("f", [2, 1, -1e-17]).tolist()
        [2.0, 1.0, 0.0]
    """
    lam = real_array(f"{call}(eigenvalues=...)", eigenvalues)
    name = f"`{call}(eigenvalues=...)`"
    if lam.ndim != 1 or lam.size == 0:
        raise ValueOutOfRange(
            f"{name} must be a list of at least one number; got shape {lam.shape}. "
            "For a matrix pass numpy.linalg.eigvalsh(covariance)."
        )
    low, high = float(lam.min()), float(lam.max())
    if not np.isfinite(low) or not np.isfinite(high):
        raise ValueOutOfRange(f"{name} must be finite; got {_first_bad(lam)}.")
    if not high > 0:
        raise ValueOutOfRange(f"{name} must not all be zero or negative; got {lam[:3]}.")
    if not _LEAST <= high <= _MOST / lam.size:
        raise ValueOutOfRange(
            f"{name} must have a sum and quotients that floating point can hold; the "
            f"largest is {high:.3g}. Divide them by a constant: an NMSE stays the same."
        )
    if low < 0:
        if low < -SYMMETRY * high:
            raise ValueOutOfRange(
                f"{name} must not be negative; got {low:.6g}. "
                "Eigenvalues of a covariance never are."
            )
        lam = np.maximum(lam, 0.0)
    return lam


def check_lengths(
    call: str, name: str, value: object, *, least: int
) -> Int[np.ndarray, " m"]:
    """One-dimensional int64 lengths, each a whole number of at least `least`."""
    try:
        lengths = np.atleast_1d(np.asarray(value))
    except ValueError:  # rows of unequal length
        lengths = np.empty(0, dtype=object)
    if lengths.dtype.kind == "O" and all(type(n) is int for n in lengths.flat):
        lengths = lengths.astype(np.float64)  # integers beyond 64 bits
    whole = lengths.dtype.kind in "iuf" and np.all(np.isfinite(lengths))
    if lengths.ndim != 1 or not whole or np.any(lengths != np.floor(lengths)):
        raise ValueOutOfRange(
            f"`{call}({name}=...)` must be a whole number or a list of them; "
            f"got {shown(value)}."
        )
    if lengths.size == 0 or lengths.min() < least:
        raise ValueOutOfRange(
            f"`{call}({name}=...)` must be at least {least}; got {shown(value)}."
        )
    if lengths.max() > LONGEST_CODE:
        raise ValueOutOfRange(
            f"`{call}({name}=...)` must be at most 2**62; got {shown(value)}."
        )
    return lengths.astype(np.int64)


def _first_bad(values: np.ndarray) -> str:
    index = int(np.flatnonzero(~np.isfinite(values))[0])
    return f"{values[index]} at position {index}"
