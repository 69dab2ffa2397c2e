"""The check at the door of every frame."""

from isthmus.core.errors import ValueOutOfRange


def check_sizes(call: str, n_code: int, n_input: int) -> None:
    """Both sizes must be whole and at least 1."""
    for name, value in (("n_code", n_code), ("n_input", n_input)):
        if value != int(value) or value < 1:
            raise ValueOutOfRange(
                f"`{call}({name}=...)` must be a whole number of at least 1; got {value}."
            )
