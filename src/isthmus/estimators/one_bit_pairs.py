"""Sign codes and the rows they came from, checked and in one unit."""

from __future__ import annotations

import dataclasses
import warnings
from typing import Any

import numpy as np
from jaxtyping import Float
from scipy.sparse import issparse
from sklearn.utils.validation import check_array

from isthmus.core.door import real_array
from isthmus.core.errors import DataError, DataWarning, ValueOutOfRange
from isthmus.decoders.base import checked_codes, checked_norms
from isthmus.estimators.parameters import check_spread

CALL = "OneBitDecoder"
_MOST_APART = 0.05
_ROOM = 1e4  # between a unit and the ends of a floating type
_LONGEST = 1e30  # units; float32 ends at 3e38
_FARTHEST = 1e4
"""Spreads between rows and centre beyond which float32 tells no rows apart."""


@dataclasses.dataclass(frozen=True, eq=False)
class Pairs:
    """Codes beside their rows, float32.

    Attributes:
        codes: ±1, columns that change.
        rows: About the point that signs are taken about, divided by the unit.
        lengths: Of the rows as they are sent, in the same unit; None if they are not.
    """

    codes: Float[np.ndarray, "sample code"]
    rows: Float[np.ndarray, "sample input"]
    lengths: Float[np.ndarray, " sample"] | None

    def taken(self, chosen: np.ndarray | slice) -> Pairs:
        """Some of them."""
        lengths = None if self.lengths is None else self.lengths[chosen]
        return Pairs(self.codes[chosen], self.rows[chosen], lengths)

    def of_length_one(self) -> Pairs:
        """Rows divided by their lengths, without those that have none."""
        if self.lengths is None:
            return self
        some = self if (self.lengths > 0).all() else self.taken(self.lengths > 0)
        assert some.lengths is not None
        return Pairs(some.codes, some.rows / some.lengths[:, None], None)


@dataclasses.dataclass(frozen=True, eq=False)
class Unit:
    """Where rows are centred, and their root mean square length from there.

    Attributes:
        center: Input units.
        scale: Input units, positive.
        live: Numbers of the code columns that change.
        n_code: Of all code columns.
        has_norms: Whether lengths come with the codes.
    """

    center: Float[np.ndarray, " input"]
    scale: float
    live: np.ndarray
    n_code: int
    has_norms: bool

    def pairs(self, codes: np.ndarray, x: np.ndarray, norms: np.ndarray | None) -> Pairs:
        """Checked codes and rows in this unit."""
        rows = ((x - self.center) / self.scale).astype(np.float32)
        return Pairs(*self.given(codes, norms, rows=rows))

    def given(
        self, codes: np.ndarray, norms: np.ndarray | None, *, rows: Any = None
    ) -> tuple[np.ndarray, Any, np.ndarray | None]:
        """Codes that change, rows as they are, and lengths in this unit."""
        single = codes.astype(np.float32, copy=False)
        if self.live.size < self.n_code:
            single = single[:, self.live]
        if norms is None:
            return single, rows, None
        relative = norms / self.scale
        if relative.size and relative.max() > _LONGEST:
            raise ValueOutOfRange(
                f"`{CALL}(norms=...)` must be lengths like those of the training rows, "
                f"{self.scale:.3g} on average; got {norms.max():.3g}."
            )
        return single, rows, relative.astype(np.float32)

    def back(self, rows: np.ndarray, dtype: Any) -> np.ndarray:
        """Rows in input units.

        Raises:
            ValueOutOfRange: If rows of this unit have no room in `dtype`.
        """
        room = np.finfo(dtype)
        if not float(room.tiny) * _ROOM < self.scale < float(room.max) / _ROOM:
            raise ValueOutOfRange(
                f"`{CALL}.inverse_transform(codes)` must be float64 for rows of length "
                f"{self.scale:.3g}, which {room.dtype} cannot hold; got codes that decode "
                f"to {room.dtype}. Take codes.astype(np.float64)."
            )
        center, scale = self.center.astype(dtype), np.dtype(dtype).type(self.scale)
        found = rows.astype(dtype, copy=False)
        found *= scale
        found += center
        return found


def check_given(
    codes: Any, x: Any, norms: Any, n_code: int | None
) -> tuple[np.ndarray, np.ndarray, np.ndarray | None]:
    """Codes, rows and lengths that fit together, or an error that says what does not."""
    rows = check_array(
        x, dtype=[np.float64, np.float32], ensure_min_samples=2, input_name="X"
    )
    check_spread(rows, name=f"{CALL}.fit(X)")
    signs, lengths = check_codes("fit", codes, norms, n_code)
    if len(signs) != len(rows):
        raise ValueOutOfRange(
            f"`{CALL}.fit(codes, X)` must have one code per row; got {len(signs)} codes "
            f"and {len(rows)} rows."
        )
    return signs, rows, lengths


def check_codes(
    method: str, codes: Any, norms: Any, n_code: int | None
) -> tuple[np.ndarray, np.ndarray | None]:
    """Codes of ±1 and their lengths."""
    call = f"{CALL}.{method}"
    if not hasattr(codes, "shape"):
        codes = real_array(f"{call}(codes)", codes).astype(np.float32)
    elif issparse(codes):
        raise ValueOutOfRange(
            f"`{call}(codes)` must be a dense array; got {type(codes).__name__}. Take "
            "codes.toarray()."
        )
    shape = tuple(codes.shape)
    if len(shape) != 2 or 0 in shape[1:]:
        raise ValueOutOfRange(
            f"`{call}(codes)` must have one row per sample and one column per bit; got "
            f"shape {shape}. Of packed bytes make signs with isthmus.codec.decode_bits or "
            "isthmus.core.bits.unpack_signs."
        )
    if n_code is not None and shape[1] != n_code:
        raise ValueOutOfRange(
            f"`{call}(codes)` must have {n_code} columns, one per bit; got {shape[1]}. "
            "Packed bytes are no codes yet: unpack them first."
        )
    if isinstance(codes, np.ndarray) and codes.dtype == np.int8:
        codes = codes.astype(np.float32)
    signs = np.asarray(checked_codes(call, codes, shape[1]))
    if norms is None:
        return signs, None
    lengths = checked_norms(call, signs, real_array(f"{call}(norms=...)", norms))
    return signs, np.asarray(lengths, dtype=np.float64)[:, 0]


def unit_of(
    codes: np.ndarray, x: np.ndarray, norms: np.ndarray | None, center: Any
) -> Unit:
    """Centre, scale and live columns of training pairs.

    Raises:
        DataError: If no code column changes, or the norms are not those of the rows.
        ValueOutOfRange: If `center` is not one number per column.
    """
    middle = _center(x, center)
    with np.errstate(over="ignore"):  # a centre so far away is refused below
        centred = x - middle
        square = np.einsum("ij,ij->i", centred, centred, dtype=np.float64)
    scale = float(np.sqrt(square.mean()))
    spread = float(np.sqrt(x.var(axis=0, dtype=np.float64).sum()))
    if not scale < _FARTHEST * spread:
        raise ValueOutOfRange(
            f"`{CALL}(center=...)` must lie among the rows or near them; it is {scale:.3g} "
            f"away, and they are {spread:.3g} from their mean. None takes that mean."
        )
    if norms is not None:
        _check_norms(np.sqrt(square), norms, scale)
    live = np.flatnonzero((codes != codes[0]).any(axis=0))
    n_code = codes.shape[1]
    if live.size == 0:
        raise DataError(
            f"`{CALL}.fit(codes)` must have columns that change; all {n_code} are the "
            "same in every row. Take signs of the rows minus their mean."
        )
    if live.size < n_code:
        warnings.warn(
            f"{n_code - live.size} of {n_code} code columns are the same in every training "
            "row: they tell nothing and are left out. Signs of rows minus their mean would "
            "change.",
            DataWarning,
            stacklevel=4,
        )
    return Unit(middle, scale, live, n_code, norms is not None)


def _center(x: np.ndarray, center: Any) -> np.ndarray:
    if center is None:
        return x.mean(axis=0, dtype=np.float64)
    given = real_array(f"{CALL}(center=...)", center)
    given = np.broadcast_to(given, (x.shape[1],)) if given.ndim == 0 else given
    if given.shape != (x.shape[1],) or not np.isfinite(given).all():
        raise ValueOutOfRange(
            f"`{CALL}(center=...)` must be one finite number per column of X, "
            f"{x.shape[1]}, or one for all; got shape {given.shape}."
        )
    return np.array(given, dtype=np.float64)


def _check_norms(lengths: np.ndarray, norms: np.ndarray, scale: float) -> None:
    apart = float(np.median(np.abs(norms - lengths)) / scale)
    if apart > _MOST_APART:
        raise DataError(
            f"`{CALL}.fit(norms=...)` must be the lengths of the rows minus the centre; "
            f"half of them are off by {100 * apart:.3g} % of the mean length or more. Pass "
            "the centre that the codes were taken about as center=... (0 for none)."
        )
