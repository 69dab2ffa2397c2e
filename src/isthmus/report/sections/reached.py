"""Reached: what each autoencoder measured, and how far that is from the reference."""

from __future__ import annotations

import math
from typing import Any

from isthmus.report import style
from isthmus.report.comparison import SEARCH, TRANSFORM_CODING, has_reference
from isthmus.report.records import Analysis, Reached
from isthmus.report.sections.advice import advice_blocks
from isthmus.report.sections.base import Figure, Section, Table, Text
from isthmus.report.sections.codecs import codec_blocks
from isthmus.report.sections.counts import rows_used
from isthmus.report.sections.gap import gap_blocks
from isthmus.report.sections.limits import measured_nmse
from isthmus.report.sections.training import training_blocks
from isthmus.report.thresholds import TIE

HEAD = (
    "Encoder",
    "Decoder",
    "Rate",
    "Bits per vector",
    "NMSE",
    "Reference",
    "NMSE − reference",
    "in standard errors",
    "Predicted",
    "Time",
)


def build(analysis: Analysis) -> Section:
    """Compare every measurement with the reference at its rate.

    Args:
        analysis: The analysis.

    Returns:
        The section.
    """
    title = "Reached"
    if not analysis.reached:
        text = Text("No autoencoder was trained, so there is nothing to compare.")
        return Section("reached", title, (text,))
    blocks = (
        Text(
            "What autoencoders trained on this data reach on rows they have not "
            "seen, and how far that is from the Gaussian reference at the same rate. "
            + rows_used(analysis.data),
            "lead",
        ),
        *codec_blocks(analysis),
        *advice_blocks(analysis),
        Text("Against the Gaussian reference", "heading"),
        Text(_tally(analysis.reached)),
        *_figures(analysis),
        *gap_blocks(analysis),
        *training_blocks(analysis),
        Table(
            "Every measurement beside its reference; all errors are NMSE",
            HEAD,
            tuple(_row(row) for row in analysis.reached),
            words=2,
        ),
        Text(
            "The standard error covers the draw of the held-out rows, not the "
            "estimate of the covariance that the reference is made from. The decoder "
            "is population (the exact best linear one for Gaussian data of this "
            "covariance) or least-squares (fitted to the training rows), whichever "
            "generalised cross-validation on the training rows prefers"
            f"{_classic_decoder(analysis)}. Predicted is for Gaussian data of this "
            "covariance; so are transform coding and rate-distortion, under Limits. Time "
            "is to fit and to measure."
        ),
    )
    return Section("reached", title, blocks)


def _classic_decoder(analysis: Analysis) -> str:
    there = {row.encoder for row in analysis.reached}
    words = ""
    if TRANSFORM_CODING in there:
        words += (
            "; that of transform coding answers the mean of the training rows in each "
            "cell, shrunk towards the Gaussian level where these are few"
        )
    if SEARCH in there:
        words += (
            "; that of the search is learnt from rows, with a curve for each column where "
            "the rows speak for one"
        )
    return words


def _row(row: Reached) -> tuple[str, ...]:
    difference = row.nmse - row.reference
    return (
        style.codec(row.encoder),
        _decoder(row),
        style.number(row.rate),
        style.count(row.bits_per_vector),
        measured_nmse(row),
        style.number(row.reference),
        style.with_error(difference, row.standard_error, signed=True),
        style.in_errors(_z(row)),
        style.number(row.predicted),
        style.duration(row.seconds),
    )


def _decoder(row: Reached) -> str:
    return row.decoder if row.norm == "none" else f"{row.decoder}, norm {row.norm}"


def _z(row: Reached) -> float:
    if not row.standard_error > 0:
        return math.nan
    return (row.nmse - row.reference) / row.standard_error


def _tally(reached: tuple[Reached, ...]) -> str:
    """Count who is below, at and above the reference, and who loses to the classic."""
    own = [row for row in reached if has_reference(row)]
    scores = [_z(row) for row in own]
    below = sum(z < -TIE.value for z in scores)
    above = sum(z > TIE.value for z in scores)
    near = sum(abs(z) <= TIE.value for z in scores)
    losing = sum(row.transform_coding < row.nmse for row in own)
    total = style.count(len(own))
    classic = [row for row in reached if row.encoder == TRANSFORM_CODING]
    beaten = [
        any(other.n_code == row.n_code and other.nmse < row.nmse for other in classic)
        for row in own
    ]
    measured = f", and measured on these data in {sum(beaten)}" if classic else ""
    return (
        "Autoencoders more than two standard errors below the reference: "
        f"{style.count(below)} of {total}; within two: {style.count(near)}; more than "
        f"two above: {style.count(above)}. Below is no contradiction: the reference "
        "bounds Gaussian data only. Transform coding, computed for Gaussian data, has "
        f"the smaller error at equal bits in {style.count(losing)} of {total}{measured}."
    )


def _figures(analysis: Analysis) -> tuple[Figure, ...]:
    """Bars of the autoencoders, if there are any."""
    own = [row for row in analysis.reached if has_reference(row)]
    if not own:
        return ()
    rates = sorted({row.rate for row in own})
    encoders = tuple(dict.fromkeys(row.encoder for row in own))
    others = len(own) < len(analysis.reached)
    data = [_bars(analysis, encoder, encoders) for encoder in encoders]
    layout = style.layout(
        440,
        barmode="group",
        bargap=0.35,
        bargroupgap=0.08,
        xaxis=style.axis(
            "Rate (symbols per column)",
            showgrid=False,
            type="category",
            categoryorder="array",
            categoryarray=[_label(rate) for rate in rates],
        ),
        yaxis=style.axis("NMSE − reference", zeroline=True, tickformat=".3~f")
        | {"zerolinecolor": style.TEXT, "zerolinewidth": 1.5},
    )
    figure = Figure(
        "figure-reached",
        "Measured error minus the Gaussian reference",
        "Bars below zero have a smaller error than the reference, bars above zero a "
        "larger one. Thin lines are one standard error each way."
        + (
            " The reference bounds signs of linear maps: other codecs stand in the tables."
            * others
        ),
        {"data": data, "layout": layout},
    )
    return (figure,)


def _bars(analysis: Analysis, encoder: str, encoders: tuple[str, ...]) -> dict[str, Any]:
    rows = [row for row in analysis.reached if row.encoder == encoder]
    colour, _ = style.method_style(encoder, encoders)
    return {
        "type": "bar",
        "name": f"measured, {style.codec(encoder)}",
        "x": [_label(row.rate) for row in rows],
        "y": [row.nmse - row.reference for row in rows],
        "marker": {"color": colour},
        "error_y": {
            "type": "data",
            "array": [row.standard_error for row in rows],
            "color": style.TEXT,
            "thickness": 1.2,
            "width": 4,
        },
        "hovertemplate": (
            f"{encoder}, rate %{{x}}<br>%{{y:+.3g}} ± %{{error_y.array:.2g}}<extra></extra>"
        ),
    }


def _label(rate: float) -> str:
    return f"{rate:.3g}"
