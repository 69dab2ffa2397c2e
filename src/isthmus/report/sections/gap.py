"""The gap to the reference, term by term, a part of the section reached."""

from __future__ import annotations

import math
from typing import Any

from isthmus.report import style
from isthmus.report.records import Analysis, Reached
from isthmus.report.sections.base import Block, Figure, Table, Terms, Text

TERMS = {
    "spectrum": (
        "Spectrum",
        "The encoder spends its code on other directions than the optimal ones, or in "
        "other shares.",
    ),
    "coherence": (
        "Coherence",
        "Code symbols repeat each other more than their overlap demands; it vanishes as "
        "the dimension grows.",
    ),
    "decoder": (
        "Decoder",
        "The decoder is not the best linear one for Gaussian data. A decoder fitted to "
        "rows that are not Gaussian pays here and earns more under non-Gaussianity.",
    ),
    "shift": (
        "Shift",
        "The held-out rows differ from the training rows in covariance.",
    ),
    "non_gaussianity": (
        "Non-Gaussianity",
        "The rows are not Gaussian with the held-out covariance. Only this term is "
        "measured; its standard error is that of the NMSE.",
    ),
}
NORM_SPREAD = (
    "Of which norm spread",
    "The part of non-Gaussianity that lengths varying from row to row explain. A length "
    "sent beside the code (norm float16, 16 bits per vector) takes it away.",
)
_ROUNDING = 1e-12
_SHADES = (style.BLUE, style.PURPLE, style.GREEN, style.VERMILLION)


def gap_blocks(analysis: Analysis) -> tuple[Block, ...]:
    """Signed bars of the designed encoder, and every method in a table.

    Args:
        analysis: The analysis.

    Returns:
        Blocks; none if no gap was split.
    """
    split = [row for row in analysis.reached if row.gap]
    designed = [row for row in split if row.encoder == "design"]
    if not designed:
        return ()
    return (
        Text("Where the difference comes from", "heading"),
        Text(
            "NMSE minus reference is the sum of five terms, each exact but the last. "
            "A negative term is a gain, not an error."
        ),
        _figure(designed),
        Terms((*TERMS.values(), NORM_SPREAD) if _spread(split) else tuple(TERMS.values())),
        _table(split),
    )


def _spread(rows: list[Reached]) -> bool:
    """Whether the part of the lengths is known for any row."""
    return any(row.norm_spread is not None for row in rows)


def _table(split: list[Reached]) -> Table:
    names = tuple(name for name, _ in TERMS.values())
    head = ("Encoder", "Rate", *names, "Sum")
    rows = [_row(row) for row in split]
    if _spread(split):
        head = (*head, NORM_SPREAD[0])
        rows = [(*cells, _part(row)) for cells, row in zip(rows, split, strict=True)]
    return Table("NMSE minus reference, term by term", head, tuple(rows), words=1)


def _part(row: Reached) -> str:
    if row.norm_spread is None:
        return style.NONE
    error = math.nan if row.norm_spread_error is None else row.norm_spread_error
    return style.with_error(row.norm_spread, error, signed=True)


def _row(row: Reached) -> tuple[str, ...]:
    terms = [style.number(_unrounded(row.gap[key]), signed=True) for key in TERMS]
    terms[-1] = style.with_error(
        row.gap["non_gaussianity"], row.standard_error, signed=True
    )
    total = style.number(sum(row.gap.values()), signed=True)
    return (row.encoder, style.number(row.rate), *terms, total)


def _figure(designed: list[Reached]) -> Figure:
    spread = _spread(designed)
    data = [_bars(row, i, spread) for i, row in enumerate(designed)]
    layout = style.layout(
        520 if spread else 460,
        barmode="group",
        bargap=0.3,
        xaxis=style.axis("Part of NMSE − reference", zeroline=True, tickformat=".3~f")
        | {"zerolinecolor": style.TEXT, "zerolinewidth": 1.5, "nticks": 7},
        yaxis=style.axis("", showgrid=False, type="category", autorange="reversed"),
    )
    return Figure(
        "figure-gap",
        "The designed encoder's gap, term by term",
        "Bars to the right of zero cost, bars to the left gain. The thin line is one "
        "standard error each way."
        + (" The hatched bars are a part of the bars above them." * spread),
        {"data": data, "layout": layout},
    )


def _bars(row: Reached, index: int, spread: bool) -> dict[str, Any]:
    names = [name for name, _ in TERMS.values()]
    values: list[float | None] = [row.gap[key] for key in TERMS]
    errors: list[float | None] = [None] * (len(TERMS) - 1)
    errors.append(row.standard_error)
    hatches = [""] * len(TERMS)
    if spread:
        names.append(NORM_SPREAD[0])
        values.append(row.norm_spread)
        errors.append(row.norm_spread_error)
        hatches.append("/")
    colour = _SHADES[index % len(_SHADES)]
    return {
        "type": "bar",
        "orientation": "h",
        "name": f"rate {row.rate:.3g}",
        "y": names,
        "x": values,
        "marker": {
            "color": colour,
            "line": {"color": colour, "width": 1},
            "pattern": {"shape": hatches, "fillmode": "replace", "size": 6},
        },
        "error_x": {
            "type": "data",
            "array": errors,
            "color": style.TEXT,
            "thickness": 1.2,
            "width": 4,
        },
        "hovertemplate": f"rate {row.rate:.3g}, %{{y}}<br>%{{x:+.3g}}<extra></extra>",
    }


def _unrounded(value: float) -> float:
    """Zero where nothing but rounding is left of a difference of NMSE."""
    return value if abs(value) > _ROUNDING else 0.0
