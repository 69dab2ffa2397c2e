"""The checks at the door of every frame."""

from typing import Any

import numpy as np
from array_api_compat import array_namespace, is_array_api_obj

from isthmus.core.door import shown, whole_number
from isthmus.core.errors import ValueOutOfRange

ROUNDS = (1, 2, 3)


def check_sizes(call: str, n_code: int, n_input: int) -> tuple[int, int]:
    """Both sizes as ints; they must be whole and at least 1."""
    return (
        whole_number(f"{call}(n_code=...)", n_code, least=1),
        whole_number(f"{call}(n_input=...)", n_input, least=1),
    )


def check_rounds(call: str, rounds: int) -> None:
    """One to three rounds of sign flips."""
    if isinstance(rounds, (bool, float)) or rounds not in ROUNDS:
        raise ValueOutOfRange(
            f"`{call}(rounds=...)` must be 1, 2 or 3; got {shown(rounds)}. "
            "Two are enough for vectors with few entries; more than three add nothing."
        )


def check_power_of_two(call: str, n_code: int, n_input: int) -> None:
    """The longer size must be a power of two, or the frame would not be tight."""
    name, value = ("n_code", n_code) if n_code >= n_input else ("n_input", n_input)
    if int(value) & (int(value) - 1):
        below = 1 << (int(value).bit_length() - 1)
        raise ValueOutOfRange(
            f"`{call}({name}=...)`, the longer side, must be a power of two; got {value}. "
            f"Take {below} or {2 * below}, or isthmus.frames.dct, which has any size."
        )


def check_rows(call: str, x: Any, width: int) -> None:
    """Rows of floating-point numbers, as long as the operator is wide."""
    if not is_array_api_obj(x) or isinstance(x, np.ma.MaskedArray):
        raise ValueOutOfRange(
            f"`{call}` must be an array or tensor of shape (sample, {width}); got "
            f"{shown(x)}. Convert it with numpy.asarray(..., dtype=float) first."
        )
    if x.ndim != 2 or x.shape[1] != width:
        raise ValueOutOfRange(
            f"`{call}` must have shape (sample, {width}); got {tuple(x.shape)}. "
            "Give a single vector as a matrix of one row."
        )
    if not array_namespace(x).isdtype(x.dtype, "real floating"):
        raise ValueOutOfRange(
            f"`{call}` must hold floating-point numbers; got {x.dtype}. "
            "Convert them to float32 or float64 first."
        )
