"""What the commands about archives share: options, models, ranges of rows."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from isthmus.codec import AbstractCoder, Damage

Archive = Annotated[Path, typer.Argument(help="An .isth file, as encode writes it.")]
Model = Annotated[
    Path | None,
    typer.Option(
        "-m",
        "--model",
        help="A model that fit has written, or an archive that holds one; not needed "
        "where the archive itself holds it.",
    ),
]
Rows = Annotated[
    str | None,
    typer.Option("--rows", metavar="A-B", help="Only rows A to B, counted from 0."),
]


def coder_from(model: Path) -> AbstractCoder:
    """The coder of a saved model, or of the model that an archive holds."""
    from isthmus.codec import ArchiveReader, coder_of
    from isthmus.codec.decoding import coder_for

    if model.suffix.lower() == ".isth":
        with ArchiveReader(model) as archive:
            return coder_for(archive, None)
    from isthmus.estimators import codec_spec, load

    return coder_of(codec_spec(load(model)))


def row_range(text: str | None) -> tuple[int, int] | None:
    """First row and one behind the last, from ``A-B`` or a single number.

    Examples:
        >>> row_range("10-19"), row_range("7"), row_range(None)
        ((10, 20), (7, 8), None)
    """
    from isthmus.core.errors import ValueOutOfRange

    if text is None:
        return None
    first, _, last = text.partition("-")
    if not first.isdecimal() or not (last or first).isdecimal():
        raise ValueOutOfRange(
            f"`--rows` must be two row numbers, the first is 0, like 100-199; got {text!r}."
        )
    start, stop = int(first), int(last or first) + 1
    if stop <= start:
        raise ValueOutOfRange(f"`--rows` must not go backwards; got {text!r}.")
    return start, stop


def tell_damages(damages: tuple[Damage, ...]) -> None:
    """A line for each, or for the first twenty."""
    for damage in damages[:20]:
        typer.echo(f"- {damage}")
    if len(damages) > 20:
        typer.echo(f"- and {len(damages) - 20} more (--json has them all)")


def counted(number: int, name: str) -> str:
    """Number and noun.

    Examples:
        >>> counted(1, "row"), counted(400, "row")
        ('1 row', '400 rows')
    """
    return f"{number} {name}{'' if number == 1 else 's'}"


def size(n_bytes: int) -> str:
    """Bytes in a unit that is easy to read.

    Examples:
        >>> size(1536), size(3 * 10**8)
        ('1.54 kB', '300 MB')
    """
    for unit, name in ((10**9, "GB"), (10**6, "MB"), (10**3, "kB")):
        if n_bytes >= unit:
            return f"{n_bytes / unit:.3g} {name}"
    return f"{n_bytes} bytes"
