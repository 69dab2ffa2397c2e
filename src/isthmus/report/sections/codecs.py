"""Which codec at which rate: every method at equal code length, a part of reached."""

from __future__ import annotations

from isthmus.report import style
from isthmus.report.comparison import TRANSFORM_CODING, choose, difference
from isthmus.report.records import Analysis, Reached
from isthmus.report.sections.base import Block, Table, Text

HEAD = (
    "Rate",
    "Codec",
    "NMSE",
    "minus the designed",
    "in standard errors",
    "Bits per vector",
    "Verdict",
)


def codec_blocks(analysis: Analysis) -> tuple[Block, ...]:
    """Every codec at every code length, best first, the winner marked.

    Args:
        analysis: The analysis.

    Returns:
        Blocks; none where nothing can be compared.
    """
    codes = sorted({row.n_code for row in analysis.reached})
    groups = [[row for row in analysis.reached if row.n_code == code] for code in codes]
    groups = [group for group in groups if len(group) > 1]
    if not groups:
        return ()
    lines = [line for group in groups for line in _lines(group)]
    words = (
        "Best first at each rate, on the same held-out rows; all bits stored for a row are "
        "counted. Differences are paired row by row. A codec within two standard errors "
        "of the best ties with it."
    )
    if all(row.encoder != TRANSFORM_CODING for row in analysis.reached):
        words += " Transform coding was not measured."
    return (
        Text("Which codec at which rate", "heading"),
        Text(words),
        Table(
            "Every codec at equal code length; all errors are NMSE",
            HEAD,
            tuple(cells for cells, _ in lines),
            words=2,
            marked=tuple(index for index, (_, best) in enumerate(lines) if best),
        ),
    )


def _lines(group: list[Reached]) -> list[tuple[tuple[str, ...], bool]]:
    choice = choose(group)
    if choice is None:
        return []
    designed = next((row for row in group if row.encoder == "design"), None)
    lines = []
    for row in sorted(group, key=lambda row: row.nmse):
        tied = any(row is other for other in choice.tied)
        best = row is choice.winner
        alone = len(choice.tied) == 1
        said = "best" if best and alone else "ties for best" if tied else ""
        lines.append((_cells(row, designed, said), tied))
    return lines


def _cells(row: Reached, designed: Reached | None, said: str) -> tuple[str, ...]:
    apart, errors = style.NONE, style.NONE
    if designed is not None and row is not designed:
        found = difference(row, designed)
        apart = style.with_error(found.value, found.standard_error, signed=True)
        errors = style.in_errors(found.z)
    return (
        style.number(row.rate),
        style.codec(row.encoder),
        style.with_error(row.nmse, row.standard_error),
        apart,
        errors,
        style.count(row.bits_per_vector),
        said,
    )
