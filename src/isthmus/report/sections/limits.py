"""Limits: how small the error can be at a number of bits, and where this data lies."""

from __future__ import annotations

from typing import Any

import numpy as np

from isthmus.report import style
from isthmus.report.comparison import has_reference
from isthmus.report.records import Analysis, LimitCurves, Reached
from isthmus.report.sections.base import (
    Block,
    Figure,
    Section,
    Table,
    Terms,
    Text,
    thinned,
)
from isthmus.report.sections.counts import eigenvalue_rows

STATUS = {
    "theorem": (
        "Proved: on Gaussian data of this covariance no two-layer sign autoencoder "
        "with a linear decoder has a smaller error."
    ),
    "theorem (tied decoders)": (
        "Proved for decoders that are a multiple of the transposed encoder. For free "
        "decoders at more than one code symbol per column it is a conjecture."
    ),
    "conjecture": "Believed to hold and supported by experiments, but not proved.",
    "asymptotic": (
        "The bound on Gaussian data holds as without this word, proved for tied decoders "
        "and at most one code symbol per column. But one direction takes so much of the "
        "code that an autoencoder of this size may stay well above it on Gaussian data: "
        "the reference can be loose. Predicted minus reference says by how much "
        "at most."
    ),
}
CURVES = (
    (
        "Gaussian reference",
        "The least error that a two-layer sign autoencoder with a linear decoder can "
        "have on Gaussian data of this covariance. It is no bound for data that are "
        "not Gaussian: sparse, bounded or few-valued data can lie below it.",
    ),
    (
        "Transform coding",
        "The classical alternative, computed for Gaussian data: rotate to the "
        "principal directions, give each a whole number of bits, round with "
        "Lloyd-Max quantisers.",
    ),
    (
        "Rate-distortion",
        "Shannon's bound for every codec whatsoever on Gaussian data of this "
        "covariance; coming close to it takes long blocks. Other data of the same "
        "covariance can be easier, never harder.",
    ),
    (
        "Measured",
        "Error of a trained autoencoder on the held-out rows, with one standard error "
        "each way. Blue is the designed encoder, orange squares are transform coding "
        "where it was measured, purple diamonds the searched sign code; other encoders "
        "have other colours.",
    ),
    (
        "Predicted",
        "Exact error of that same encoder, with its own linear decoder, if the data "
        "were Gaussian. Its distance from the reference is what the encoder lacks; "
        "the distance of the measurement from it is what the data do.",
    ),
)
KEYS = ("reference", "transform", "shannon", "measured", "predicted")
MOST_POINTS = 400


def build(analysis: Analysis) -> Section:
    """Show the curves, the measured points among them, and every number in a table.

    Args:
        analysis: The analysis.

    Returns:
        The section.
    """
    title = "Limits"
    if not analysis.limits.bits.size:
        return Section("limits", title, (Text("No limits were computed."),))
    blocks: list[Block] = [
        Text(
            "How small the error can be when a row is stored in a given number of "
            "bits. The error is NMSE: 1 means answering the mean every time, 0 means "
            "no loss. The curves come from the covariance of "
            f"{eigenvalue_rows(analysis.data)} training rows alone, as if the data were "
            "Gaussian.",
            "lead",
        )
    ]
    if analysis.data.shrinkage > 0:
        blocks.append(
            Text(
                "There are fewer than 20 training rows per column, so the covariance "
                "was shrunk (Ledoit-Wolf). The curves are rough for that reason: few rows "
                "make the eigenvalues too uneven and the curves optimistic, shrinking "
                "makes them more even and the curves higher."
            )
        )
    blocks.append(_figure(analysis))
    blocks.append(Terms(CURVES, KEYS))
    if analysis.reached:
        blocks.append(_measured_table(analysis.reached))
    blocks += [_curve_table(analysis.limits), *_status_words(analysis)]
    return Section("limits", title, tuple(blocks))


def encoders_of(analysis: Analysis) -> tuple[str, ...]:
    """Names of the encoders measured, each once, in the order of the analysis."""
    return tuple(dict.fromkeys(row.encoder for row in analysis.reached))


def _figure(analysis: Analysis) -> Figure:
    curves = analysis.limits
    data = [
        _curve(curves, curves.reference, "Gaussian reference", style.REFERENCE),
        _curve(curves, curves.transform_coding, "transform coding", style.TRANSFORM_CODING),
        _curve(curves, curves.rate_distortion, "rate-distortion", style.RATE_DISTORTION),
    ]
    encoders = encoders_of(analysis)
    for encoder in encoders:
        rows = sorted(
            (row for row in analysis.reached if row.encoder == encoder),
            key=lambda row: row.bits_per_vector,
        )
        data += _points(rows, *style.method_style(encoder, encoders))
    layout = style.layout(
        560,
        xaxis=style.axis(
            "Bits per vector", rangemode="tozero", **style.whole(int(curves.bits[-1]))
        ),
        yaxis=style.log_axis(
            "NMSE (share of the variance lost)",
            **style.decades(v for line in data for v in line["y"]),
        ),
    )
    return Figure(
        "figure-limits",
        "Error against bits",
        "Lower is better; the error has a logarithmic axis. Click an entry of the "
        "legend to hide or show it. The tables below hold the numbers.",
        {"data": data, "layout": layout},
    )


def _curve(
    curves: LimitCurves, values: np.ndarray, name: str, line: dict[str, Any]
) -> dict[str, Any]:
    chosen = thinned(curves.bits.size, MOST_POINTS)
    return {
        "type": "scatter",
        "mode": "lines" if curves.bits.size > 1 else "lines+markers",
        "name": name,
        "x": curves.bits[chosen].tolist(),
        "y": [_positive(float(v)) for v in values[chosen]],
        "customdata": curves.rate[chosen].tolist(),
        "line": line,
        "hovertemplate": (
            f"{name}<br>%{{x}} bits (rate %{{customdata:.3g}})"
            "<br>NMSE %{y:.3g}<extra></extra>"
        ),
    }


def _points(rows: list[Reached], colour: str, symbol: str) -> list[dict[str, Any]]:
    """Measured points of one codec, and the thin line of an encoder's prediction."""
    shared = {
        "type": "scatter",
        "x": [row.bits_per_vector for row in rows],
        "customdata": [row.rate for row in rows],
    }
    name = style.codec(rows[0].encoder)
    hover = "<br>%{x} bits (rate %{customdata:.3g})<br>NMSE %{y:.3g}"
    predicted = {
        **shared,
        "mode": "lines" if len(rows) > 1 else "markers",
        "name": f"predicted, {name}",
        "y": [_positive(row.predicted) for row in rows],
        "line": {"color": colour, "width": 1},
        "marker": {"color": colour, "size": 10, "symbol": "line-ew-open"},
        "hovertemplate": f"predicted, {name}{hover}<extra></extra>",
    }
    measured = {
        **shared,
        "mode": "markers",
        "name": f"measured, {name}",
        "y": [_positive(row.nmse) for row in rows],
        "error_y": {
            "type": "data",
            "array": [row.standard_error for row in rows],
            "color": colour,
            "thickness": 1.5,
            "width": 4,
        },
        "marker": {"color": colour, "size": 9, "symbol": symbol},
        "hovertemplate": f"measured, {name}{hover}<extra></extra>",
    }
    return [predicted, measured] if has_reference(rows[0]) else [measured]


def _measured_table(reached: tuple[Reached, ...]) -> Table:
    rows = tuple(
        (
            style.codec(row.encoder),
            style.number(row.rate),
            style.count(row.bits_per_vector),
            measured_nmse(row),
            style.number(row.predicted),
            style.number(row.reference),
            row.status,
            style.number(row.transform_coding),
            style.number(row.rate_distortion),
        )
        for row in reached
    )
    head = (
        "Encoder",
        "Rate",
        "Bits per vector",
        "Measured NMSE",
        "Predicted",
        "Reference",
        "Status of the reference",
        "Transform coding, Gaussian",
        "Rate-distortion",
    )
    return Table("NMSE at the measured rates", head, rows, words=1)


def measured_nmse(row: Reached) -> str:
    """Measured NMSE and its standard error."""
    return style.with_error(row.nmse, row.standard_error)


def _curve_table(curves: LimitCurves) -> Table:
    chosen = thinned(curves.bits.size)
    rows = tuple(
        (
            style.number(float(curves.bits[k]))
            if float(curves.bits[k]) % 1
            else style.count(int(curves.bits[k])),
            style.number(float(curves.rate[k])),
            style.number(float(curves.reference[k])),
            curves.status[k],
            style.percent(float(curves.tightness[k])),
            style.number(float(curves.transform_coding[k])),
            style.number(float(curves.rate_distortion[k])),
        )
        for k in chosen
    )
    head = (
        "Bits per vector",
        "Rate",
        "Reference",
        "Status of the reference",
        "Largest share of the code",
        "Transform coding",
        "Rate-distortion",
    )
    part = (
        "all points"
        if len(chosen) == curves.bits.size
        else f"{len(chosen)} of {style.count(curves.bits.size)} points; all are in "
        "report.json"
    )
    return Table(f"Numbers of the curves, NMSE ({part})", head, rows, folded=True)


def _status_words(analysis: Analysis) -> list[Block]:
    statuses = (*(row.status for row in analysis.reached), *analysis.limits.status)
    used = [name for name in STATUS if name in statuses]
    others = [name for name in dict.fromkeys(statuses) if name not in STATUS]
    items = [(name, STATUS[name]) for name in used]
    items += [(name, "See the documentation.") for name in others]
    return [
        Text("How sure the reference is", "heading"),
        Terms(tuple(items)),
        Text(
            "The largest share of the code, in the numbers of the curves, says how much of "
            "it one principal direction takes. Above 5 % the reference can be loose."
        ),
    ]


def _positive(value: float) -> float | None:
    """What a logarithmic axis can show."""
    return value if np.isfinite(value) and value > 0 else None
