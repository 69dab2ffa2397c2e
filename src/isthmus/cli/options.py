"""Options that several commands share, and what they are turned into."""

from __future__ import annotations

import contextlib
import json
import warnings
from collections.abc import Iterator, Sequence
from typing import Annotated, Any

import typer

Json = Annotated[bool, typer.Option("--json", help="Print JSON for machines.")]
Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="No progress, no remarks.")]
Columns = Annotated[
    list[str] | None,
    typer.Option("--columns", metavar="<str>", help="Only these columns, with commas."),
]
Drop = Annotated[
    list[str] | None,
    typer.Option("--drop", metavar="<str>", help="Leave these columns out, with commas."),
]
DropMissing = Annotated[
    bool, typer.Option("--drop-missing", help="Leave out rows with missing values.")
]
ComparePenalties = Annotated[
    bool,
    typer.Option(
        "--compare-penalties",
        help="Also tell which penalty makes a deep autoencoder generalise, if any.",
    ),
]
Advise = Annotated[
    str | None,
    typer.Option(
        "--advise",
        help="Also compare codecs at so many bits per column, with commas.",
    ),
]
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


def joined(texts: Sequence[str] | None) -> str | None:
    """One comma-separated list from an option that may be given more than once.

    Examples:
        >>> joined(["id", "label,name"]), joined([])
        ('id,label,name', None)
    """
    return ",".join(texts) if texts else None


def names(option: str, texts: Sequence[str] | None) -> list[str] | None:
    """Names from comma-separated lists; quotes keep a comma inside a name.

    Examples:
        >>> names("--drop", ['id,"size, cm"', "label"])
        ['id', 'size, cm', 'label']
    """
    import csv

    from isthmus.core.errors import ValueOutOfRange

    text = joined(texts)
    if text is None:
        return None
    try:
        lines = list(csv.reader([text], skipinitialspace=True, strict=True))
    except csv.Error:
        lines = []
    found = [name.strip() for line in lines for name in line if name.strip()]
    if not found:
        raise ValueOutOfRange(
            f"`{option}` must be names of columns between commas, like id,label; got "
            f"{text!r}."
        )
    return found


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
