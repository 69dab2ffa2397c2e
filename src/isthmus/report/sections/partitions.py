"""Planes of inputs and codes as pieces of a network, a part of where it fails."""

from __future__ import annotations

from typing import Any

from isthmus.report import style
from isthmus.report.partitions import Partition
from isthmus.report.records import Analysis
from isthmus.report.sections.base import Block, Figure, Text

_FILLS = (style.BLUE, style.ORANGE, style.GREEN, style.VERMILLION, style.SKY, style.PURPLE)


def partition_blocks(analysis: Analysis) -> tuple[Block, ...]:
    """The pieces of the deep autoencoder on two planes."""
    deep = analysis.deep
    drawn: list[Block] = []
    if deep is not None and deep.input is not None:
        drawn.append(_drawn(deep.input, "input"))
    if deep is not None and deep.latent is not None:
        drawn.append(_drawn(deep.latent, "latent"))
    if not drawn:
        return ()
    words = (
        "The deep autoencoder is affine on each of these polygons, which are exact, and "
        "changes its slope where they meet; between two rows it crosses many of them."
    )
    return (Text("Its pieces", "heading"), Text(words), *drawn)


def _drawn(found: Partition, of: str) -> Figure:
    data = [_cells(path, i) for i, path in enumerate(found.paths) if len(path)]
    data.append(_points(found))
    low, high = found.corners
    layout = style.layout(
        520,
        xaxis=style.axis("", showticklabels=False, showgrid=False, range=[low[0], high[0]]),
        yaxis=style.axis(
            "",
            showticklabels=False,
            showgrid=False,
            range=[low[1], high[1]],
            scaleanchor="x",
        ),
    )
    title = {
        "input": "Regions of the autoencoder on the plane through three held-out rows",
        "latent": "Regions of the decoder on the plane through their codes",
    }[of]
    return Figure(
        f"figure-partition-{of}", title, _caption(found), {"data": data, "layout": layout}
    )


def _caption(found: Partition) -> str:
    part = (
        "The rectangle holds all three"
        if found.shown == 1.0
        else f"The rectangle, about the row nearest to the median, has "
        f"{style.percent(found.shown)} of the side of one that holds all three, so that "
        "pieces can be told apart"
    )
    return (
        f"{style.count(found.n_cells)} pieces. {part}. The "
        f"{style.count(found.first_units)} units of the first layer alone cut a plane into "
        f"at most {style.count(found.most_first)}. Colours only keep neighbours apart."
    )


def _cells(path: Any, number: int) -> dict[str, Any]:
    x, y = ([None if v != v else float(f"{v:.4g}") for v in column] for column in path.T)
    colour = _FILLS[number % len(_FILLS)]
    return {
        "type": "scatter",
        "mode": "lines",
        "x": x,
        "y": y,
        "fill": "toself",
        "fillcolor": colour,
        "opacity": 0.55,
        "line": {"color": style.WHITE, "width": 0.5},
        "hoverinfo": "skip",
        "showlegend": False,
    }


def _points(found: Partition) -> dict[str, Any]:
    return {
        "type": "scatter",
        "mode": "markers",
        "name": "held-out rows",
        "x": found.points[:, 0].tolist(),
        "y": found.points[:, 1].tolist(),
        "marker": {
            "symbol": "star",
            "size": 14,
            "color": style.BLACK,
            "line": {"color": style.WHITE, "width": 1},
        },
        "hovertemplate": "held-out row<extra></extra>",
    }
