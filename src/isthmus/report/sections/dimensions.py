"""How many dimensions: estimates over scales, holes, and what they rule out."""

from __future__ import annotations

from typing import Any

from isthmus.report import style
from isthmus.report.dimension_records import CodeStatus, Dimensions, Hole
from isthmus.report.dimension_words import (
    METHODS,
    VOTING,
    about_dimensions,
    hole,
    p_value,
    with_p,
)
from isthmus.report.dimensions import BARS, LEVEL
from isthmus.report.records import Analysis
from isthmus.report.sections.base import Block, Figure, Section, Table, Text
from isthmus.report.sections.sweeps import sweep_blocks

_LEAD = (
    "How many numbers a latent space needs. Locally: in how many directions rows vary "
    "around each row, which is an estimate. As a whole: a loop does not fit on a line, "
    "nor a sphere on a plane, without a tear, however an autoencoder is trained, and a "
    "training loss need not show it, because the tear may run between all rows."
)
_LINES = {
    "mle": (style.ORANGE, "dash"),
    "local-pca": (style.GREEN, "dot"),
}
_DEGREES = (style.BLUE, style.VERMILLION, style.GREEN, style.PURPLE)
_ORIENTED = {
    True: "The cloud can be oriented.",
    False: "The cloud cannot be oriented, as a Möbius band cannot.",
    None: "Whether the cloud can be oriented cannot be told.",
}


def build(analysis: Analysis) -> Section:
    """Estimates, scales, bars and a verdict for each latent dimension."""
    title, found = "How many dimensions", analysis.dimensions
    if found is None:
        text = analysis.no_dimensions or "The dimension was not looked at."
        return Section("dimensions", title, (Text(text),))
    blocks: list[Block] = [Text(_LEAD, "lead"), Text(about_dimensions(found))]
    blocks += [Text(doubt) for doubt in found.doubts]
    blocks += [_estimates(found), _scales(found)]
    if found.no_holes:
        blocks += [Text(found.no_holes), *sweep_blocks(analysis)]
        return Section("dimensions", title, tuple(blocks))
    blocks += [_codes(found), Text(_reading(found))]
    if found.holes:
        blocks.append(_bars(found))
    blocks += [Text(_what_was_looked_at(found)), *sweep_blocks(analysis)]
    return Section("dimensions", title, tuple(blocks))


def _estimates(found: Dimensions) -> Table:
    return Table(
        f"Intrinsic dimension of {style.count(found.n_rows)} different rows; the median of "
        "the three in bold is the answer. Standard errors know nothing of bias",
        ("Method", "Dimension"),
        tuple(
            (METHODS[one.method], style.with_error(one.value, one.standard_error))
            for one in found.estimates
        ),
        words=1,
        marked=tuple(i for i, one in enumerate(found.estimates) if one.method in VOTING),
    )


def _scales(found: Dimensions) -> Figure:
    radius = found.scan_radius.tolist()
    data: list[dict[str, Any]] = [
        {
            "type": "scatter",
            "mode": "lines+markers",
            "name": "Gride",
            "x": radius,
            "y": found.scan_value.tolist(),
            "error_y": {
                "type": "data",
                "array": (2.0 * found.scan_error).tolist(),
                "color": style.BLUE,
            },
            "line": {"color": style.BLUE, "width": 2},
            "marker": {"size": 7, "color": style.BLUE},
            "hovertemplate": "scale %{x:.3g}<br>dimension %{y:.3g}<extra>Gride</extra>",
        }
    ]
    for one in found.estimates:
        if one.method in _LINES:
            colour, dash = _LINES[one.method]
            data.append(
                {
                    "type": "scatter",
                    "mode": "lines",
                    "name": METHODS[one.method],
                    "x": [radius[0], radius[-1]],
                    "y": [one.value, one.value],
                    "line": {"color": colour, "width": 2, "dash": dash},
                    "hovertemplate": f"{one.value:.3g}<extra></extra>",
                }
            )
    top = max(value for trace in data for value in trace["y"])
    layout = style.layout(
        380,
        xaxis=_distance_axis(radius),
        yaxis=style.axis("Dimension", range=[0, 1.15 * top]),
    )
    return Figure(
        "figure-dimension",
        "Dimension against scale",
        "Gride compares two neighbours of each row, the farther one of twice the rank, "
        "bars are two standard errors. Noise shows at small scales, curvature and the "
        "edges of the cloud at large ones; where the line is level, that is the dimension.",
        {"data": data, "layout": layout},
    )


def _distance_axis(radius: list[float]) -> dict[str, Any]:
    """Logarithmic over more than a decade; else labels of a few round numbers."""
    title = "Distance of neighbours, units of the data"
    if radius[-1] > 10.0 * radius[0]:
        return style.log_axis(title, **style.decades(radius))
    return style.axis(title, nticks=5)


def _codes(found: Dimensions) -> Table:
    return Table(
        "What is known of each latent dimension. The error is one that every continuous "
        "autoencoder makes somewhere between near rows, in units of the data",
        ("Latent dimensions", "Status", "Hole", "Error at least", "÷ rms distance", "p"),
        tuple(_code(code) for code in found.codes),
        words=3,
        marked=tuple(i for i, c in enumerate(found.codes) if c.status == "obstructed"),
    )


def _code(code: CodeStatus) -> tuple[str, ...]:
    span = str(code.n_code) if code.n_code == code.last else f"{code.n_code}–{code.last}"
    bound = code.certificate
    if bound is None or bound.degree is None:
        return (span, code.status, *(style.NONE,) * 4)
    return (
        span,
        code.status,
        hole(bound.degree).split(" ", 1)[1],
        style.number(bound.bound),
        style.percent(bound.relative),
        p_value(bound.p_value),
    )


def _reading(found: Dimensions) -> str:
    words = [
        "Obstructed: a hole that is more than chance (p below .05, corrected for all holes "
        "looked at) proves the error.",
        f"Suspected: estimates speak against it ({'; '.join(found.reasons)}).",
        "Undecided: nothing speaks against it and nothing says that it is enough.",
    ]
    if found.upper_is_theorem:
        words.append(
            f"With {found.upper} or more no obstruction exists: the rows span no more."
        )
    else:
        words.append(
            f"With {found.upper} or more no obstruction exists if the rows are a smooth "
            f"manifold of {found.dimension} dimensions (Whitney)."
        )
    words.append(
        "A large p does not say that there is no hole, and the error of a hole that may "
        "be chance still holds for the rows as they are, joined where they are near. Sign "
        "codes are not continuous: nothing here binds them."
    )
    return " ".join(words)


def _reasons(found: Dimensions) -> str:
    return "; ".join(found.reasons)


def _bars(found: Dimensions) -> Figure:
    data: list[dict[str, Any]] = []
    height = 0
    for degree in sorted({one.degree for one in found.holes}):
        of_degree = [one for one in found.holes if one.degree == degree]
        for sure in (True, False):
            chosen = [
                (height + i, one)
                for i, one in enumerate(of_degree)
                if _is_sure(one) == sure
            ]
            if chosen:
                data.append(_trace(degree, sure, chosen))
        height += len(of_degree) + 1
    layout = style.layout(
        120 + 13 * height,
        xaxis=style.axis("Radius of the balls, units of the data", rangemode="tozero"),
        yaxis=style.axis(
            "", showticklabels=False, autorange="reversed", ticks="", showgrid=False
        ),
    )
    return Figure(
        "figure-holes",
        "Holes of the cloud, from birth to death",
        f"Balls grow around {style.count(found.n_points)} points; a bar is a hole of their "
        f"union, from the radius at which it appears to that at which it is filled. The "
        f"{BARS} longest of each degree; thick where p is below .05. Long bars that start "
        "early are holes of the data.",
        {"data": data, "layout": layout},
    )


def _is_sure(one: Hole) -> bool:
    return one.p_value is not None and one.p_value < LEVEL


def _trace(degree: int, sure: bool, chosen: list[tuple[int, Hole]]) -> dict[str, Any]:
    x: list[float | None] = []
    y: list[float | None] = []
    text: list[str | None] = []
    for height, one in chosen:
        label = f"{hole(one.degree)}, {one.birth:.3g} to {one.death:.3g}, "
        label += with_p(one.p_value)
        x += [one.birth, one.death, None]
        y += [height, height, None]
        text += [label, label, None]
    name = {1: "loops", 2: "cavities"}.get(degree, f"degree {degree}")
    colour = _DEGREES[(degree - 1) % len(_DEGREES)]
    return {
        "type": "scatter",
        "mode": "lines",
        "name": f"{name}, p below .05" if sure else name,
        "x": x,
        "y": y,
        "text": text,
        "line": {"color": colour, "width": 7 if sure else 2},
        "hovertemplate": "%{text}<extra></extra>",
    }


def _what_was_looked_at(found: Dimensions) -> str:
    words = (
        f"Holes were looked for among {style.count(found.n_points)} rows in "
        f"{found.n_columns} dimensions"
    )
    first = next((c.certificate for c in found.codes if c.certificate is not None), None)
    kind = "" if first is None else first.kind
    if kind == "projected alpha" and first is not None:
        words += (
            " (principal axes; a projection lengthens nothing, so that the errors hold for "
            "the rows as they are), and near means near there: the longest line between "
            f"two rows is {style.number(first.longest_edge)}, longer than "
            f"{style.percent(first.longest_edge_quantile)} of all distances"
        )
    if found.covering_radius > 0:
        words += (
            f"; every row looked at is within {style.number(found.covering_radius)} of one "
            "of them"
        )
    pieces = ""
    if found.n_components > 1:
        pieces = f" The cloud falls into {found.n_components} pieces."
    return f"{words}.{pieces} {_ORIENTED[found.orientable]}"
