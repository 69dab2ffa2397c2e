"""Which penalty helps, a part of whether an autoencoder generalises."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from isthmus.report import style
from isthmus.report.dimension_words import dimensions
from isthmus.report.records import Analysis
from isthmus.report.sections.base import Block, Figure, Table, Text

if TYPE_CHECKING:
    from isthmus.estimators import PairedDifference, PenaltyComparison, PenaltyScore

_PLAIN, _PRINCIPAL, _NONE = "plain", "principal components", "none"
_NAMES = {_PLAIN: "no penalty", _PRINCIPAL: "principal components"}


def penalty_blocks(analysis: Analysis) -> tuple[Block, ...]:
    """Sentence, table and paired differences; nothing if nobody asked."""
    found, why = analysis.penalties, analysis.no_penalties
    said = (Text(why),) if why else ()
    if found is None:
        return (Text("Penalties", "heading"), *said) if why else ()
    return (
        Text("Penalties", "heading"),
        Text(about_penalties(found)),
        Text(_protocol(found)),
        _table(found),
        _figure(found),
        *said,
    )


def about_penalties(found: PenaltyComparison) -> str:
    """Which penalty helps, or that none does; and what principal components do."""
    plain = found.score(_PLAIN)
    rivals = [one for one in found.scores if one.name not in _NAMES]
    if found.winner == _NONE:
        best = min(rivals, key=lambda one: one.nmse)
        words = "No penalty helps on these rows beyond two standard errors"
        apart = best.versus_plain
        if apart is not None and math.isfinite(apart.value):
            words += (
                f". The best of them, {best.name}, leaves {_error(best)} beside "
                f"{_error(plain)} without one (paired difference {_difference(apart)})"
            )
    else:
        best = found.score(found.winner)
        words = (
            f"The penalty {best.name}{_with_weight(best)} helps on these rows: it leaves "
            f"{_error(best)} where none leaves {_error(plain)} (paired difference "
            f"{_difference(best.versus_plain)})"
        )
    return f"{words}. {_principal(found, best)}"


def _principal(found: PenaltyComparison, best: PenaltyScore) -> str:
    linear = found.score(_PRINCIPAL)
    words = f"s many principal components leave {_error(linear)}"
    apart = best.versus_principal
    if apart is None or not apart.clear:
        return f"A{words}, not clearly apart from {best.name}."
    if apart.value > 0:
        return f"But a{words}, clearly less."
    return f"A{words}, clearly more."


def _protocol(found: PenaltyComparison) -> str:
    widths = "–".join(
        style.count(width) for width in (*found.hidden_layer_sizes, found.n_code)
    )
    words = (
        f"Autoencoders with {dimensions(found.n_code)} (columns–{widths} and back), "
        f"about {style.count(found.n_steps)} steps each, on {found.n_seeds} random splits "
        f"of all rows: {style.count(found.n_fit)} to train on, "
        f"{style.count(found.n_test)} to measure. {style.count(found.n_choice)} others, "
        "the same each time, chose each penalty's weight. The standard error of a mean "
        f"over {found.n_seeds} splits is rough: {style.number(found.factor)} of it count "
        "as two of one of many (Student's t)."
    )
    if not found.settled:
        words += (
            " Training without a penalty had not settled when it ended: a larger --budget "
            "trains longer, and the order may change."
        )
    return words


def _table(found: PenaltyComparison) -> Table:
    order = sorted(found.scores, key=lambda one: one.nmse)
    return Table(
        f"Errors of test rows over {found.n_seeds} splits, NMSE ± standard error. In bold: "
        "the penalty that helps, if one does",
        (
            "Method",
            "Weight",
            "Test NMSE",
            "minus no penalty",
            "minus components",
        ),
        tuple(
            (
                _NAMES.get(one.name, one.name),
                style.NONE if one.weight is None else f"{one.weight:g}",
                _error(one),
                _difference(one.versus_plain),
                _difference(one.versus_principal),
            )
            for one in order
        ),
        words=1,
        marked=tuple(i for i, one in enumerate(order) if one.name == found.winner),
    )


def _figure(found: PenaltyComparison) -> Figure:
    plain = found.score(_PLAIN)
    drawn = [
        (one, one.versus_plain)
        for one in sorted(found.scores, key=lambda one: -one.nmse)
        if one.name not in _NAMES
        and one.versus_plain is not None
        and math.isfinite(one.versus_plain.value)
    ]
    seeds: dict[str, Any] = {
        "type": "scatter",
        "mode": "markers",
        "name": "each split",
        "x": [
            a - b for one, _ in drawn for a, b in zip(one.seeds, plain.seeds, strict=True)
        ],
        "y": [one.name for one, _ in drawn for _ in one.seeds],
        "marker": {"size": 7, "color": style.SKY, "symbol": "circle-open"},
        "hovertemplate": "%{x:+.3g}<extra>%{y}</extra>",
    }
    means: dict[str, Any] = {
        "type": "scatter",
        "mode": "markers",
        "name": "mean, and what it must clear",
        "x": [apart.value for _, apart in drawn],
        "y": [one.name for one, _ in drawn],
        "error_x": {
            "type": "data",
            "array": [found.factor * apart.standard_error for _, apart in drawn],
            "color": style.BLUE,
        },
        "marker": {"size": 9, "color": style.BLUE},
        "hovertemplate": "%{x:+.3g}<extra>%{y}</extra>",
    }
    layout = style.layout(
        120 + 44 * max(len(drawn), 2),
        xaxis=style.axis("NMSE minus that of no penalty"),
        yaxis={**style.axis(""), "type": "category", "ticks": ""},
        shapes=[
            {
                "type": "line",
                "x0": 0,
                "x1": 0,
                "yref": "paper",
                "y0": 0,
                "y1": 1,
                "line": style.REFERENCE,
            }
        ],
    )
    return Figure(
        "figure-penalties",
        "Penalties against none",
        "Paired differences on test rows, left of 0 is better. Bars are "
        f"{style.number(found.factor)} standard errors: a penalty whose bar crosses the "
        "dashed line is not told from none.",
        {"data": [seeds, means], "layout": layout},
    )


def _error(score: PenaltyScore) -> str:
    return style.with_error(score.nmse, score.standard_error)


def _difference(apart: PairedDifference | None) -> str:
    if apart is None:
        return style.NONE
    return style.with_error(apart.value, apart.standard_error, signed=True)


def _with_weight(score: PenaltyScore) -> str:
    return "" if score.weight is None else f" (weight {score.weight:g})"
