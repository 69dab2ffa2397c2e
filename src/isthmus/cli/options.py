"""Options that several commands share, and what they are turned into."""

from __future__ import annotations

import contextlib
import json
import warnings
from collections.abc import Iterator
from typing import Annotated, Any

import typer

Json = Annotated[bool, typer.Option("--json", help="Print JSON for machines.")]
Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="No progress, no remarks.")]
Seed = Annotated[int, typer.Option("--seed", help="Seed of every draw.")]


def numbers(option: str, text: str) -> list[float]:
    """Positive numbers from a comma-separated list.

    Examples:
        >>> numbers("--rate", "0.25,0.5,1")
        [0.25, 0.5, 1.0]
    """
    from isthmus.core.errors import ValueOutOfRange

    try:
        values = [float(part) for part in text.split(",") if part.strip()]
    except ValueError:
        values = []
    if not values or any(not 0 < value < float("inf") for value in values):
        raise ValueOutOfRange(
            f"`{option}` must be positive numbers between commas, like 0.25,0.5,1; "
            f"got {text!r}."
        )
    return values


def print_json(value: Any) -> None:
    """Print strict JSON: no NaN, no infinity."""
    typer.echo(json.dumps(value, indent=2, allow_nan=False, ensure_ascii=False))


@contextlib.contextmanager
def told_warnings(quiet: bool) -> Iterator[None]:
    """Turn the library's warnings into one line each on standard error."""
    from isthmus.core.errors import DataWarning

    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always", DataWarning)
        yield
    if not quiet:
        for message in dict.fromkeys(str(w.message) for w in caught):
            typer.echo(f"warning: {message}", err=True)
