"""The checks at the door of every frame."""

from typing import Any

from array_api_compat import array_namespace

from isthmus.core.errors import ValueOutOfRange

ROUNDS = (1, 2, 3)


def check_sizes(call: str, n_code: int, n_input: int) -> None:
    """Both sizes must be whole and at least 1."""
    for name, value in (("n_code", n_code), ("n_input", n_input)):
        if value != int(value) or value < 1:
            raise ValueOutOfRange(
                f"`{call}({name}=...)` must be a whole number of at least 1; got {value}."
            )


def check_rounds(call: str, rounds: int) -> None:
    """One to three rounds of sign flips."""
    if rounds not in ROUNDS:
        raise ValueOutOfRange(
            f"`{call}(rounds=...)` must be 1, 2 or 3; got {rounds!r}. "
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
