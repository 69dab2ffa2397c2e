"""Training curves against the reference, a part of the section reached."""

from __future__ import annotations

from typing import Any

from isthmus.report import style
from isthmus.report.records import Analysis, Reached
from isthmus.report.sections.base import Block, Figure, Table, thinned
from isthmus.report.sections.limits import MOST_POINTS

_DASHES = ("solid", "dot", "dashdot", "longdash")


def training_blocks(analysis: Analysis) -> tuple[Block, ...]:
    """Training curves, if anything was trained by steps."""
    trained = [
        row for row in analysis.reached if row.encoder == "descent" and row.history.size > 1
    ]
    if not trained:
        return ()
    last = max(row.history.size for row in trained) - 1
    data: list[dict[str, Any]] = [
        {
            "type": "scatter",
            "mode": "lines",
            "name": "Gaussian reference",
            "x": [0, last],
            "y": [1.0, 1.0],
            "line": style.REFERENCE,
            "hoverinfo": "skip",
        }
    ]
    data += [_training_curve(row, i) for i, row in enumerate(trained)]
    layout = style.layout(
        400,
        xaxis=style.axis("Step of descent", rangemode="tozero", **style.whole(last)),
        yaxis=style.log_axis("NMSE ÷ reference, Gaussian data"),
    )
    return (
        Figure(
            "figure-training",
            "Training against the reference",
            "Exact error of the descent encoder on Gaussian data of the training "
            "covariance, from the designed encoder (step 0) on, divided by the Gaussian "
            "reference at its rate. What is left above 1 is the price of a finite "
            "dimension, or of a spectrum with a few strong directions.",
            {"data": data, "layout": layout},
        ),
        Table(
            "Training of the descent encoder, Gaussian data; all errors are NMSE",
            ("Rate", "Steps", "Before", "After", "Reference", "After ÷ reference"),
            tuple(
                (
                    style.number(row.rate),
                    style.count(row.history.size - 1),
                    style.number(float(row.history[0])),
                    style.number(float(row.history[-1])),
                    style.number(row.reference),
                    f"{float(row.history[-1]) / row.reference:.4f}",
                )
                for row in trained
            ),
            words=0,
        ),
    )


def _training_curve(row: Reached, index: int) -> dict[str, Any]:
    chosen = thinned(row.history.size, MOST_POINTS)
    colour, _ = style.method_style(row.encoder, (row.encoder,))
    return {
        "type": "scatter",
        "mode": "lines",
        "name": f"{row.encoder}, rate {row.rate:.3g}",
        "x": chosen,
        "y": (row.history[chosen] / row.reference).tolist(),
        "line": {"color": colour, "width": 2, "dash": _DASHES[index % len(_DASHES)]},
        "hovertemplate": f"rate {row.rate:.3g}<br>step %{{x}}<br>%{{y:.4g}} of the "
        "reference<extra></extra>",
    }
