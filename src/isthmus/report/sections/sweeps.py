"""Errors against the latent dimension, a part of how many dimensions."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from isthmus.report import style
from isthmus.report.dimension_words import dimensions
from isthmus.report.records import Analysis
from isthmus.report.sections.base import Block, Figure, Table, Text

if TYPE_CHECKING:
    from isthmus.estimators import Sweep


def sweep_blocks(analysis: Analysis) -> tuple[Block, ...]:
    """Median, 99th percentile, largest error and certificate of each code length."""
    found = analysis.sweep
    if found is None:
        return (Text(analysis.no_sweep),) if analysis.no_sweep else ()
    return (
        Text("Trained autoencoders", "heading"),
        Text(_words(found)),
        _figure(found),
        _table(found),
    )


def _words(found: Sweep) -> str:
    restarts = len(found.runs) // found.n_codes.size
    words = [
        f"{restarts} deep autoencoders of each latent dimension (two layers of 64 tanh "
        f"units each way), trained on {style.count(found.n_train)} rows; that of least "
        "training error is shown."
    ]
    typical, largest = found.elbows.median, found.elbows.max
    if typical is None:
        words.append("The median error falls without a step.")
    else:
        words.append(f"The median error falls most at {dimensions(typical)}.")
    ruled_out = found.certificate > 0
    if not ruled_out.any():
        if largest is not None:
            words.append(f"The largest error falls most at {dimensions(largest)}.")
    elif largest is None:
        words.append(
            "The largest error found never stays below half of what holes certify: more "
            "latent dimensions, or more training, are needed."
        )
    else:
        words.append(
            "The largest error found falls below half of what holes certify from "
            f"{dimensions(largest)} on."
        )
    if typical is not None and largest is not None and typical < largest:
        words.append(
            "Between the two the typical row is answered well and some place between "
            "rows is torn: the mean error does not show it."
        )
    return " ".join(words)


def _figure(found: Sweep) -> Figure:
    codes = found.n_codes.tolist()
    series = [
        ("largest, at and between rows", found.max, style.VERMILLION, "solid", "diamond"),
        ("99th percentile", found.p99, style.SKY, "dash", "square"),
        ("median", found.median, style.BLUE, "solid", "circle"),
    ]
    data: list[dict[str, Any]] = [
        {
            "type": "scatter",
            "mode": "lines+markers",
            "name": name,
            "x": codes,
            "y": values.tolist(),
            "line": {"color": colour, "width": 2, "dash": dash},
            "marker": {"size": 8, "color": colour, "symbol": symbol},
            "hovertemplate": f"%{{y:.3g}}<extra>{name}</extra>",
        }
        for name, values, colour, dash, symbol in series
    ]
    ruled_out = found.certificate > 0
    if ruled_out.any():
        data.append(
            {
                "type": "scatter",
                "mode": "lines+markers",
                "name": "certificate: every continuous one has such an error",
                "x": found.n_codes[ruled_out].tolist(),
                "y": found.certificate[ruled_out].tolist(),
                "line": style.REFERENCE,
                "marker": {"size": 8, "color": style.BLACK, "symbol": "line-ew-open"},
                "hovertemplate": "at least %{y:.3g}<extra></extra>",
            }
        )
    shown = [value for trace in data for value in trace["y"] if value > 0]
    layout = style.layout(
        420,
        xaxis=style.axis("Latent dimensions", tickvals=codes),
        yaxis=style.log_axis("Error, units of the data", **style.decades(shown)),
    )
    return Figure(
        "figure-sweep",
        "Typical and largest errors",
        "Distance of rows from their reconstruction. The median falls where the code has "
        "as many dimensions as the rows locally; the largest error only where a continuous "
        "autoencoder without loss exists.",
        {"data": data, "layout": layout},
    )


def _table(found: Sweep) -> Table:
    rows = [
        ("0 (the mean)", found.mean_median, np.nan, found.mean_max, np.nan),
        *zip(
            (str(code) for code in found.n_codes),
            found.median,
            found.p99,
            found.max,
            np.where(found.certificate > 0, found.certificate, np.nan),
            strict=True,
        ),
    ]
    return Table(
        f"Errors of {style.count(found.n_test)} held-out rows, the largest at and between "
        f"{style.count(found.n_hunted)} of them, in units of the data",
        ("Latent dimensions", "Median", "99 %", "Largest", "Certificate"),
        tuple((name, *(style.number(value) for value in values)) for name, *values in rows),
        words=1,
    )
