"""Which decoder: the same bits, read by several."""

from __future__ import annotations

import math
from typing import Any

from isthmus.report import style
from isthmus.report.comparison import codec_name, has_reference
from isthmus.report.decoders import PATH_ROWS
from isthmus.report.records import Analysis, Decoded
from isthmus.report.sections.base import Block, Figure, Section, Table, Text
from isthmus.report.thresholds import TIE

NAMES = {
    "linear": "linear",
    "denoised": "denoised",
    "message-passing": "message passing",
    "learned": "learned layers",
}
_BASES = {"original": "the columns", "dct": "the columns' cosine transform"}
_LEAD = (
    "Bits that are stored can be read in more than one way. A linear decoder multiplies "
    "them by a matrix; a denoising one then takes the posterior mean of each coefficient; "
    "message passing takes that of all together, in up to twenty steps. These two know "
    "the distribution of the coefficients, in whichever basis served training rows best, "
    "and gain where these are sparse or discrete there. Learned layers are three steps of "
    "message passing trained on the rows, for the encoder that served it best. The encoder "
    "itq learns the rotation of the strongest directions whose signs lose least. All are "
    "sent each row's distance from the mean, 16 bits that alone may gain much: compare the "
    "linear decoders here with the same encoders under Reached."
)


def build(analysis: Analysis) -> Section:
    """Table of encoders and decoders, and the steps of message passing."""
    rows = analysis.decoders
    if not rows:
        text = analysis.no_decoders or "Decoders were not compared."
        return Section("decoder", "Which decoder", (Text(text),))
    classic = [
        row
        for row in analysis.reached
        if not has_reference(row) and row.n_code == rows[0].n_code
    ]
    words = said(rows) + "".join(
        f" {codec_name(row.encoder).capitalize()} leaves "
        f"{style.with_error(row.nmse, row.standard_error)} with "
        f"{style.count(row.bits_per_vector)} bits."
        for row in classic
    )
    blocks: list[Block] = [Text(_LEAD, "lead"), Text(words), _table(rows)]
    if any(row.path.size for row in rows):
        blocks.append(_figure(rows))
    blocks.append(Text(_about_predictions(rows)))
    if analysis.no_decoders:
        blocks.append(Text(analysis.no_decoders))
    if all(row.decoder != "learned" for row in rows):
        blocks.append(Text("Learned layers were not compared: they need isthmus[torch]."))
    return Section("decoder", "Which decoder", tuple(blocks))


def recommended(rows: tuple[Decoded, ...]) -> Decoded:
    """The decoder that training rows set aside speak for."""
    return next(row for row in rows if row.recommended)


def said(rows: tuple[Decoded, ...]) -> str:
    """What was recommended, and whether the held-out rows agree."""
    row = recommended(rows)
    start = (
        "Recommended among sign codes, the simplest decoder within a standard error of "
        f"the best on training rows set aside: {_pair(row)}, "
        f"{style.with_error(row.nmse, row.standard_error)} on {style.count(row.n_test)} "
        f"held-out rows with {style.count(row.bits_per_vector)} bits per vector."
    )
    apart, error = row.versus_best.difference, row.versus_best.standard_error
    if apart == 0.0:
        return f"{start} It is also the best measured there."
    best = min(rows, key=lambda one: one.nmse)
    z = apart / error if error > 0 else float("inf")
    tie = "a tie" if z <= TIE.value else "the recommendation missed it"
    return (
        f"{start} The best measured there is {_pair(best)}, by "
        f"{style.with_error(apart, error, signed=True).removeprefix('+')}: {tie}."
    )


def _pair(row: Decoded) -> str:
    return f"{codec_name(row.encoder)}, {NAMES[row.decoder]} decoder"


def _table(rows: tuple[Decoded, ...]) -> Table:
    order = sorted(rows, key=lambda row: row.nmse)
    return Table(
        f"Encoders and decoders at {style.count(rows[0].n_code)} bits and a norm of 16; "
        "all errors are NMSE",
        (
            "Encoder",
            "Decoder",
            "NMSE",
            "minus linear",
            "in standard errors",
            "Predicted",
            "Measured ÷ predicted",
            "Priors hold in",
        ),
        tuple(_cells(row) for row in order),
        words=2,
        marked=tuple(i for i, row in enumerate(order) if row.recommended),
    )


def _cells(row: Decoded) -> tuple[str, ...]:
    apart, errors = style.NONE, style.NONE
    found = row.versus_linear
    if row.decoder != "linear":
        apart = style.with_error(found.difference, found.standard_error, signed=True)
        if found.standard_error > 0:
            errors = style.in_errors(found.difference / found.standard_error)
    return (
        style.codec(row.encoder),
        NAMES[row.decoder],
        style.with_error(row.nmse, row.standard_error),
        apart,
        errors,
        style.number(row.predicted) if row.decoder != "linear" else style.NONE,
        style.number(row.nmse / row.predicted)
        if row.decoder != "linear" and row.predicted > 0
        else style.NONE,
        _BASES.get(row.basis, "principal axes") if row.basis else style.NONE,
    )


def _figure(rows: tuple[Decoded, ...]) -> Figure:
    data: list[dict[str, Any]] = []
    for row in rows:
        if not row.path.size:
            continue
        colour, symbol = style.method_style(row.encoder, (row.encoder,))
        name = style.codec(row.encoder)
        steps = list(range(1, row.predicted_path.size + 1))
        data.append(
            {
                "type": "scatter",
                "mode": "lines",
                "name": f"{name}, predicted",
                "x": steps,
                "y": row.predicted_path.tolist(),
                "line": {"color": colour, "width": 2, "dash": "dash"},
                "hovertemplate": "step %{x}<br>predicted %{y:.4g}<extra></extra>",
            }
        )
        data.append(
            {
                "type": "scatter",
                "mode": "lines+markers",
                "name": f"{name}, measured",
                "x": list(row.steps),
                "y": row.path.tolist(),
                "line": {"color": colour, "width": 2},
                "marker": {"symbol": symbol, "size": 8, "color": colour},
                "hovertemplate": "step %{x}<br>measured %{y:.4g}<extra></extra>",
            }
        )
    shown = [value for trace in data for value in trace["y"]]
    most = min(PATH_ROWS, rows[0].n_test)
    layout = style.layout(
        400,
        xaxis=style.axis("Step of message passing", rangemode="tozero", **style.whole(20)),
        yaxis=style.log_axis("NMSE", **style.decades(shown)),
    )
    return Figure(
        "figure-decoders",
        "Message passing, step by step",
        f"NMSE on the first {style.count(most)} held-out rows after each step, beside what "
        "state evolution predicts for "
        "independent coefficients of the fitted priors. Step 1 is the denoising decoder. "
        "Messages are damped, so that measured steps may lag; predicted lines end where "
        "they have converged.",
        {"data": data, "layout": layout},
    )


def _about_predictions(rows: tuple[Decoded, ...]) -> str:
    far = [
        row
        for row in rows
        if row.decoder != "linear"
        and row.predicted > 0
        and abs(row.nmse / row.predicted - 1.0) > 0.05
    ]
    if not far:
        return "Every posterior decoder is within 5 % of its prediction."
    above = any(row.nmse > row.predicted for row in far)
    below = any(row.nmse < row.predicted for row in far)
    sides = " or ".join(
        word for word, there in (("above", above), ("below", below)) if there
    )
    every = sum(row.decoder != "linear" for row in rows)
    worst = max(far, key=lambda row: abs(math.log(max(row.nmse, 1e-300) / row.predicted)))
    return (
        f"Of {every} decoders that are not linear, {len(far)} "
        f"{'lies' if len(far) == 1 else 'lie'} more than 5 % {sides} what is predicted; "
        f"furthest, at {style.number(worst.nmse / worst.predicted)} times it, is "
        f"{_pair(worst)}. "
        "The prediction takes coefficients for independent, rotations for drawn without a "
        "look at the rows and columns for many: dependent coefficients and rows of unequal "
        "sparsity break the first, a learnt rotation the second, few columns the third."
    )
