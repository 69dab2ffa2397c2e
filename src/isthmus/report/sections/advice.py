"""Which codec for storage and which for search, a part of reached; if the reader asks."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from isthmus.report import style
from isthmus.report.advice_words import (
    HEAD,
    about_advice,
    cells,
    codec_name,
    remarks,
)
from isthmus.report.records import Analysis
from isthmus.report.sections.base import Block, Figure, Section, Table, Text

if TYPE_CHECKING:
    from isthmus.estimators import CodecAdvice, CodecScore

# Codecs of the page's other figures keep their colours; rotations share one.
_STYLES = {
    "linear": (style.BLUE, "circle"),
    "quantised": (style.ORANGE, "square"),
    "search": (style.PURPLE, "diamond"),
    "pq": (style.SKY, "triangle-down"),
    "opq": (style.SKY, "triangle-up"),
    "rabitq": (style.VERMILLION, "x"),
    "eden": (style.VERMILLION, "cross"),
    "turboquant": (style.VERMILLION, "star"),
    "pca+eden": (style.GREEN, "pentagon"),
}
_CURVES = (
    ("reference", "Gaussian reference", style.REFERENCE),
    ("transform_coding", "transform coding, Gaussian", style.TRANSFORM_CODING),
    ("rate_distortion", "rate-distortion", style.RATE_DISTORTION),
)
HOW = (
    "All codecs have the same bits per vector, norms and other side information included, "
    "as far as each can use them; code and side bits are what is stored. They were fitted "
    "on training rows and measured on the same held-out rows, in processor time of one "
    "thread. Recall is the share of a held-out row's ten nearest neighbours, among the "
    "held-out rows, that are among the ten nearest after coding; the row searched for is "
    "not coded. With a norm, rows are ranked by their length and the decoded direction. "
    "Bold: the best for reconstruction and for search, with what ties within two paired "
    "standard errors. Predicted is for Gaussian rows of the training covariance, made "
    "before anything is coded; it holds if training rows bear it out within 5 % and no "
    "direction takes more than 5 % of a sign code. A training NMSE far below the held-out "
    "one says that rows were too few."
)


def advice_blocks(analysis: Analysis) -> tuple[Block, ...]:
    """Sentence, figure and table for each budget; nothing if nobody asked."""
    if not analysis.advice and not analysis.no_advice:
        return ()
    why = (Text(analysis.no_advice),) if analysis.no_advice else ()
    heading = Text("Which codec to store and to search with", "heading")
    return (heading, *_blocks(analysis.advice), *why)


def advice_section(found: tuple[CodecAdvice, ...]) -> Section:
    """The same as a page of its own."""
    return Section("codecs", f"Which codec for {found[0].name}", _blocks(found))


def _blocks(found: tuple[CodecAdvice, ...]) -> tuple[Block, ...]:
    if not found:
        return ()
    told = tuple(Text(about_advice(one)) for one in found)
    tables = tuple(_table(one) for one in found)
    # What holds at every budget is said once.
    notes = dict.fromkeys(text for one in found for text in remarks(one))
    return (*told, _figure(found), *tables, Text(HOW), *(Text(text) for text in notes))


def _table(found: CodecAdvice) -> Table:
    best = {found.reconstruction.label, *found.reconstruction.tied}
    if found.search is not None:
        best |= {found.search.label, *found.search.tied}
    return Table(
        f"Codecs at {style.count(found.budget)} bits per vector, least NMSE first",
        HEAD,
        tuple(cells(one) for one in found.scores),
        words=1,
        marked=tuple(i for i, one in enumerate(found.scores) if one.label in best),
    )


def _figure(found: tuple[CodecAdvice, ...]) -> Figure:
    widest = max(found, key=lambda one: one.curves.bits[-1]).curves
    narrow = min(found, key=lambda one: one.curves.bits[0]).curves
    data: list[dict[str, Any]] = []
    for key, name, line in _CURVES:
        points = {**_points(narrow, key), **_points(widest, key)}
        data.append(
            {
                "type": "scatter",
                "mode": "lines",
                "name": name,
                "x": sorted(points),
                "y": [points[bits] for bits in sorted(points)],
                "line": line,
                "hovertemplate": f"{name}<br>%{{x}} bits<br>NMSE %{{y:.3g}}<extra></extra>",
            }
        )
    labels = dict.fromkeys(one.label for advice in found for one in advice.scores)
    for label in labels:
        data.append(_codec(label, [s for a in found for s in a.scores if s.label == label]))
    layout = style.layout(
        560,
        xaxis=style.log_axis(
            "Bits per vector, side information included",
            **style.decades(v for line in data for v in line["x"]),
        ),
        yaxis=style.log_axis(
            "NMSE (share of the variance lost)",
            **style.decades(v for line in data for v in line["y"]),
        ),
    )
    return Figure(
        "figure-advice",
        "Error of codecs against bits",
        "Lower is better; both axes are logarithmic. Bars are one standard error each "
        "way; open markers send a norm that the codec could do without. The tables below "
        "hold the numbers.",
        {"data": data, "layout": layout},
    )


def _points(curves: Any, key: str) -> dict[int, float]:
    values = getattr(curves, key).tolist()
    return {b: v for b, v in zip(curves.bits.tolist(), values, strict=True) if v > 0}


def _codec(label: str, scores: list[CodecScore]) -> dict[str, Any]:
    colour, symbol = _STYLES[scores[0].name]
    open_ = "-open" if label != scores[0].name else ""
    name = codec_name(label)
    return {
        "type": "scatter",
        "mode": "markers",
        "name": name,
        "x": [one.bits for one in scores],
        "y": [one.nmse.value if one.nmse.value > 0 else None for one in scores],
        "error_y": {
            "type": "data",
            "array": [one.nmse.standard_error for one in scores],
            "color": colour,
            "thickness": 1.5,
            "width": 4,
        },
        "marker": {"color": colour, "size": 9, "symbol": f"{symbol}{open_}"},
        "hovertemplate": f"{name}<br>%{{x}} bits<br>NMSE %{{y:.3g}}<extra></extra>",
    }
