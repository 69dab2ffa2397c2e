"""Where it fails: the held-out rows of largest error beside typical ones."""

from __future__ import annotations

from typing import Any

import numpy as np

from isthmus.report import style
from isthmus.report.images import is_image, pair_urls
from isthmus.report.records import Analysis, Examples
from isthmus.report.sections.base import Block, Figure, Pairs, Section, Table, Text
from isthmus.report.sections.partitions import partition_blocks
from isthmus.report.sections.tears import tear_blocks

MOST_COLUMNS = 2000
DRAWN = 3
_GAP = 0.12


def build(analysis: Analysis) -> Section:
    """Show the worst rows, typical ones, and what the designed autoencoder makes of them.

    Args:
        analysis: The analysis.

    Returns:
        The section.
    """
    title, shown = "Where it fails", analysis.examples
    if shown is None or not shown.worst_nmse.size:
        none = Text(_why_none(analysis))
        return Section(
            "fails", title, (none, *tear_blocks(analysis), *partition_blocks(analysis))
        )
    held_out = style.count(analysis.data.n_test)
    lead = (
        f"The rows that the designed autoencoder with {style.count(shown.n_code)} code "
        f"symbols answers worst, out of {held_out} held-out rows, and rows whose error is "
        "typical (nearest to the median)."
    )
    blocks: list[Block] = [
        Text(lead, "lead"),
        Text(_spread(shown)),
        *_drawings(shown, analysis.data.sample_shape),
        _table(shown, _own_nmse(analysis)),
        Text(
            "The error of a row is its squared error divided by the mean energy of the "
            "held-out rows about the training mean: always answering the mean leaves 1 on "
            "average, and the mean of all errors is the NMSE."
        ),
        *tear_blocks(analysis),
        *partition_blocks(analysis),
    ]
    return Section("fails", title, tuple(blocks))


def _why_none(analysis: Analysis) -> str:
    if any(row.encoder == "design" for row in analysis.reached) and analysis.left_out:
        return (
            "No rows are shown: the code length that they are shown for was left out for "
            "lack of time; see Method. A larger --budget has room for it."
        )
    return "No rows were reconstructed, so none can be shown."


def _spread(shown: Examples) -> str:
    worst = float(shown.worst_nmse[0])
    words = f"The worst row has an error of {style.number(worst)}"
    typical = float(np.median(shown.typical_nmse)) if shown.typical_nmse.size else 0.0
    if not typical > 0:
        return words + "."
    return (
        f"{words}, {style.number(worst / typical)} times the typical "
        f"{style.number(typical)}."
    )


def _own_nmse(analysis: Analysis) -> float | None:
    """NMSE over all held-out rows of the autoencoder shown."""
    n_code = None if analysis.examples is None else analysis.examples.n_code
    own = [r for r in analysis.reached if (r.encoder, r.n_code) == ("design", n_code)]
    return own[0].nmse if own else None


def _drawings(shown: Examples, shape: tuple[int, ...] | None) -> list[Block]:
    if is_image(shape):
        return [
            block
            for block in (
                _pairs("Worst", shown.worst, shown.worst_back, shown.worst_nmse, shape),
                _pairs(
                    "Typical", shown.typical, shown.typical_back, shown.typical_nmse, shape
                ),
            )
            if block is not None
        ]
    columns = shown.worst.shape[1]
    if columns > MOST_COLUMNS:
        words = f"Rows of {style.count(columns)} columns are not drawn."
        return [Text(words)]
    return [_lines(shown)] if columns > 1 else []


def _pairs(
    kind: str,
    rows: np.ndarray,
    back: np.ndarray,
    errors: np.ndarray,
    shape: tuple[int, ...] | None,
) -> Pairs | None:
    urls = pair_urls(rows, back, shape)
    if not urls:
        return None
    words = [
        f"{kind} {k + 1}: {style.number(float(error))}" for k, error in enumerate(errors)
    ]
    return Pairs(
        tuple((*url, text) for url, text in zip(urls, words, strict=False)),
        f"{kind} rows: original on the left, reconstruction on the right, the error below. "
        "Both of a pair have one scale, black the smallest value of the two and white the "
        "largest.",
    )


def _lines(shown: Examples) -> Figure:
    number = min(DRAWN, len(shown.worst))
    height = (1.0 - _GAP * (number - 1)) / number
    layout = style.layout(110 + 170 * number)
    data: list[dict[str, Any]] = []
    for k in range(number):
        suffix = "" if k == 0 else str(k + 1)
        top = 1.0 - k * (height + _GAP)
        last = k == number - 1
        layout[f"xaxis{suffix}"] = style.axis(
            "Column" if last else "",
            anchor=f"y{suffix}",
            showticklabels=last,
            **style.whole(shown.worst.shape[1]),
        ) | ({} if k == 0 else {"matches": "x"})
        layout[f"yaxis{suffix}"] = style.axis(
            f"Worst {k + 1}", domain=[max(top - height, 0.0), top], nticks=5
        )
        for name, row, line in (
            ("original", shown.worst[k], {"color": style.TEXT, "width": 1.5}),
            ("reconstruction", shown.worst_back[k], {"color": style.BLUE, "width": 1.5}),
        ):
            data.append(_line(name, row, line, suffix))
    return Figure(
        "figure-worst",
        f"The {number} worst rows and their reconstructions"
        if number > 1
        else "The worst row and its reconstruction",
        "Values over the columns, in the units of the file. The errors stand in the table "
        "below, the values in report.json.",
        {"data": data, "layout": layout},
    )


def _line(name: str, row: np.ndarray, line: dict[str, Any], suffix: str) -> dict[str, Any]:
    values = np.asarray(row, dtype=np.float64)
    return {
        "type": "scatter",
        "mode": "lines" if values.size > 60 else "lines+markers",
        "name": name,
        "legendgroup": name,
        "showlegend": not suffix,
        "x": list(range(1, values.size + 1)),
        "y": [float(f"{v:.6g}") if np.isfinite(v) else None for v in values],
        "xaxis": f"x{suffix}",
        "yaxis": f"y{suffix}",
        "line": line,
        "marker": {"color": line["color"], "size": 4},
        "hovertemplate": f"{name}, column %{{x}}<br>%{{y:.4g}}<extra></extra>",
    }


def _table(shown: Examples, nmse: float | None) -> Table:
    parts = (("worst", shown.worst_nmse), ("typical", shown.typical_nmse))
    rows = tuple(
        (
            f"{kind} {k + 1}",
            style.number(float(error)),
            style.number(float(error) / nmse) if nmse else style.NONE,
        )
        for kind, errors in parts
        for k, error in enumerate(errors)
    )
    head = ("Row", "Error", "Error ÷ NMSE of all")
    return Table("Errors of these rows", head, rows, words=1)
