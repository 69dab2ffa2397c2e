"""The gap to the reference, term by term, a part of the section reached."""

from __future__ import annotations

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
        Terms(tuple(TERMS.values())),
        Table(
            "NMSE minus reference, term by term",
            ("Encoder", "Rate", *(name for name, _ in TERMS.values()), "Sum"),
            tuple(_row(row) for row in split),
            words=1,
        ),
    )


def _row(row: Reached) -> tuple[str, ...]:
    terms = [style.number(row.gap[key], signed=True) for key in TERMS]
    terms[-1] = style.with_error(
        row.gap["non_gaussianity"], row.standard_error, signed=True
    )
    total = style.number(sum(row.gap.values()), signed=True)
    return (row.encoder, style.number(row.rate), *terms, total)


def _figure(designed: list[Reached]) -> Figure:
    layout = style.layout(
        460,
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
        "standard error each way.",
        {"data": [_bars(row, i) for i, row in enumerate(designed)], "layout": layout},
    )


def _bars(row: Reached, index: int) -> dict[str, Any]:
    errors: list[float | None] = [None] * (len(TERMS) - 1)
    errors.append(row.standard_error)
    return {
        "type": "bar",
        "orientation": "h",
        "name": f"rate {row.rate:.3g}",
        "y": [name for name, _ in TERMS.values()],
        "x": [row.gap[key] for key in TERMS],
        "marker": {"color": _SHADES[index % len(_SHADES)]},
        "error_x": {
            "type": "data",
            "array": errors,
            "color": style.TEXT,
            "thickness": 1.2,
            "width": 4,
        },
        "hovertemplate": f"rate {row.rate:.3g}, %{{y}}<br>%{{x:+.3g}}<extra></extra>",
    }
