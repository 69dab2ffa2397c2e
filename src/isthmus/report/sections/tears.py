"""Errors of a continuous autoencoder between rows, a part of where it fails."""

from __future__ import annotations

from typing import Any

import numpy as np

from isthmus.report import style
from isthmus.report.dimension_words import dimensions
from isthmus.report.records import Analysis
from isthmus.report.sections.base import Block, Figure, Text, thinned
from isthmus.report.tears import Tear

_SHOWN = 1500


def tear_blocks(analysis: Analysis) -> tuple[Block, ...]:
    """What principal components lose at and between held-out rows."""
    tear = analysis.tear
    if tear is None:
        return ()
    return (
        Text("Between the rows", "heading"),
        Text(_words(tear)),
        _map(tear),
        _curve(tear),
    )


def _words(tear: Tear) -> str:
    why = (
        "the most that are ruled out"
        if tear.bound > 0
        else "as many as the rows vary in locally"
    )
    words = (
        "Principal components, the best linear autoencoder, with "
        f"{dimensions(tear.n_code)}, {why}: at {style.count(tear.n_rows)} different "
        "held-out rows the median distance between row and reconstruction is "
        f"{style.number(tear.median)}, the largest {style.number(tear.max_at_rows)}; the "
        f"largest found at or between near rows is {style.number(tear.max_error)}, in "
        "units of the data."
    )
    if tear.bound > 0:
        words += (
            " Every continuous autoencoder with as many, however deep, loses at least "
            f"{style.number(tear.bound)} somewhere between near training rows."
        )
    if tear.parts:
        number = len(tear.parts)
        places = "one connected place" if number == 1 else f"{number} places apart"
        words += (
            f" Errors above {style.number(tear.epsilon)}, half of the largest found, lie "
            f"in {places}."
        )
    return words


def _map(tear: Tear) -> Figure:
    last = len(tear.rows) - 1
    shown = np.linspace(0, last, min(_SHOWN, last + 1)).astype(int)
    order = shown[np.argsort(tear.error[shown], kind="stable")]
    flat = tear.rows.shape[1] == 1
    up = np.zeros(order.size) if flat else tear.rows[order, 1]
    layout = style.layout(
        520,
        xaxis=style.axis("Principal axis 1, units of the data"),
        yaxis=style.axis(
            "" if flat else "Principal axis 2, units of the data", scaleanchor="x"
        ),
    )
    data: list[dict[str, Any]] = [
        {
            "type": "scatter",
            "mode": "markers",
            "name": "held-out row",
            "x": _short(tear.rows[order, 0]),
            "y": _short(up),
            "marker": {
                "size": 6,
                "color": _short(tear.error[order]),
                "colorscale": [[0, style.SKY], [0.5, style.ORANGE], [1, style.VERMILLION]],
                "colorbar": {
                    "title": {"text": "Error"},
                    "thickness": 12,
                    "outlinewidth": 0,
                },
            },
            "hovertemplate": "error %{marker.color:.3g}<extra></extra>",
        },
        {
            "type": "scatter",
            "mode": "markers",
            "name": "largest error found",
            "x": [float(tear.location[0])],
            "y": [0.0 if flat else float(tear.location[1])],
            "marker": {
                "symbol": "star",
                "size": 16,
                "color": style.BLACK,
                "line": {"color": style.WHITE, "width": 1},
            },
            "hovertemplate": f"error {tear.max_error:.3g}<extra>largest found</extra>",
        },
    ]
    return Figure(
        "figure-tear",
        "Where principal components fail",
        f"{style.count(order.size)} held-out rows along their two strongest axes, coloured "
        "by the distance from their reconstruction; the star is the worst place that was "
        "found at or between near rows.",
        {"data": data, "layout": layout},
    )


def _curve(tear: Tear) -> Figure:
    curve = tear.curve
    chosen = thinned(curve.epsilon.size)
    x = _short(curve.epsilon[chosen])
    measured = [float(s) if s > 0 else None for s in curve.share[chosen]]
    upper = _short(curve.upper[chosen])
    data: list[dict[str, Any]] = [
        {
            "type": "scatter",
            "mode": "lines+markers",
            "name": "measured",
            "x": x,
            "y": measured,
            "line": {"color": style.BLUE, "width": 2},
            "marker": {"size": 5, "color": style.BLUE},
            "hovertemplate": "%{y:.3g} of the rows above %{x:.3g}<extra></extra>",
        },
        {
            "type": "scatter",
            "mode": "lines",
            "name": "upper bound, 95 %",
            "x": x,
            "y": upper,
            "line": {"color": style.BLUE, "width": 1, "dash": "dot"},
            "hovertemplate": "at most %{y:.3g} above %{x:.3g}<extra></extra>",
        },
    ]
    if tear.bound > 0:
        data.append(
            {
                "type": "scatter",
                "mode": "lines",
                "name": "some point of every continuous autoencoder",
                "x": [tear.bound, tear.bound],
                "y": [min(upper), 1.0],
                "line": style.REFERENCE,
                "hoverinfo": "skip",
            }
        )
    layout = style.layout(
        380,
        xaxis=style.log_axis("Error, units of the data", **_ticks(x)),
        yaxis=style.log_axis(
            "Share of rows above it", **_ticks([*upper, *(s for s in measured if s)])
        ),
    )
    return Figure(
        "figure-curve",
        "How often, and how much",
        "Share of held-out rows with a larger error, and a bound on it for rows like them "
        "(Clopper and Pearson, 95 %, each error by itself).",
        {"data": data, "layout": layout},
    )


def _ticks(values: list[float]) -> dict[str, Any]:
    """Powers of ten alone where there are several, so that labels stay apart on a phone."""
    wide = max(values) > 50.0 * min(values) > 0.0
    return {"dtick": 1} if wide else style.decades(values)


def _short(values: np.ndarray) -> list[float]:
    return [float(f"{value:.5g}") for value in values]
