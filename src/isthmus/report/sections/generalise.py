"""Does it generalise: a deep autoencoder on rows that it did not see."""

from __future__ import annotations

from typing import Any

import numpy as np

from isthmus.report import style
from isthmus.report.deep import Deep
from isthmus.report.dimension_words import dimensions
from isthmus.report.generalising import Part, Regions, Slopes
from isthmus.report.records import Analysis
from isthmus.report.sections.base import Block, Figure, Section, Table, Text
from isthmus.report.sections.penalties import penalty_blocks

_WITHIN = 2.0
_PARTITIONS = {
    "encoder": "encoder, in the space of rows",
    "decoder": "decoder, in the space of codes",
    "autoencoder": "both at once",
}
_LEAST_DRAWN = 1e-12


def build(analysis: Analysis) -> Section:
    """Training against held-out error, the split of the latter, regions and slopes."""
    title, deep = "Does it generalise", analysis.deep
    if deep is None:
        text = analysis.no_deep or "No deep autoencoder was trained."
        return Section("generalises", title, (Text(text), *penalty_blocks(analysis)))
    blocks: list[Block] = [
        Text(_lead(deep), "lead"),
        Text(about_deep(deep)),
        Text(_about_split(deep)),
        _split(deep),
        _errors(deep),
    ]
    if deep.regions:
        blocks += [Text(_about_regions(deep.regions)), _regions(deep.regions)]
    if deep.slopes is not None:
        blocks += [Text("Along the data", "heading"), Text(_about_slopes(deep.slopes))]
        blocks.append(_slopes(deep.slopes))
    blocks += [_training(deep), *penalty_blocks(analysis)]
    return Section("generalises", title, tuple(blocks))


def about_deep(deep: Deep) -> str:
    """Training, held-out and principal components' errors, in one or two sentences."""
    words = (
        f"The deep autoencoder with {dimensions(deep.n_code)} leaves "
        f"{_with_error(deep.train)} of the variance on its training rows and "
        f"{_with_error(deep.test)} on held-out rows{_times(deep)}; as many principal "
        f"components leave {_with_error(deep.principal)} there"
    )
    gain = deep.better
    if abs(gain.nmse) <= _WITHIN * gain.standard_error:
        return f"{words}, no clear difference."
    return f"{words}, {'more' if gain.nmse > 0 else 'less'} by {_paired(gain)}."


def _times(deep: Deep) -> str:
    if not deep.train.nmse > 0:
        return ""
    return f", {style.number(deep.test.nmse / deep.train.nmse)} times as much"


def _with_error(part: Part) -> str:
    return style.with_error(part.nmse, part.standard_error)


def _paired(part: Part) -> str:
    return f"{style.with_error(abs(part.nmse), part.standard_error)} (paired)"


def _lead(deep: Deep) -> str:
    widths = "–".join(style.count(width) for width in (*deep.hidden, deep.n_code))
    return (
        f"A deep autoencoder of ReLU layers (columns–{widths} and back, "
        f"{style.count(deep.n_parameters)} weights, no quantised code), trained on "
        f"{style.count(deep.n_fit)} training rows for {style.count(deep.n_epochs)} epochs"
        f"{_chosen(deep)}. "
        f"It has {dimensions(deep.n_code)}, {deep.why_code}. One network and seed: others "
        "differ."
    )


def _chosen(deep: Deep) -> str:
    if not deep.n_chosen:
        return ""
    return (
        f"; its weights are those after epoch {style.count(deep.best_epoch)}, best on "
        f"{style.count(deep.n_chosen)} rows set aside from them"
    )


def _about_split(deep: Deep) -> str:
    whole = deep.manifold_gap.nmse + deep.encoder_gap.nmse
    share = deep.encoder_gap.nmse / whole if whole > 0 else 0.0
    more = (
        "A better encoder for the same decoder would save most of it."
        if share > 0.5
        else "Most of it no encoder can save: the decoder cannot make these rows."
    )
    return (
        f"Of the error of {style.count(deep.n_split)} held-out rows "
        f"{style.percent(share)} is the encoder's: some other code would have saved it. "
        f"The rest is the distance from all that the decoder can make. {more} The nearest "
        "point is searched for, so that the encoder's share is at least this."
    )


def _split(deep: Deep) -> Table:
    rows = (
        ("training rows", style.count(deep.n_fit), _with_error(deep.train)),
        ("held-out rows", style.count(deep.n_test), _with_error(deep.test)),
        (
            "as many principal components, held-out rows",
            style.count(deep.n_test),
            _with_error(deep.principal),
        ),
        (
            "what the decoder misses",
            style.count(deep.n_split),
            _with_error(deep.manifold_gap),
        ),
        (
            "what the encoder misses",
            style.count(deep.n_split),
            _with_error(deep.encoder_gap),
        ),
    )
    return Table("NMSE of the deep autoencoder", ("Error", "Rows", "NMSE"), rows, words=1)


def _about_regions(regions: tuple[Regions, ...]) -> str:
    both = regions[-1]
    words = (
        "A ReLU network is affine on each of its regions. "
        f"{style.percent(both.test)} of the held-out rows lie in a region that holds a "
        "training row. "
    )
    if both.test < 0.5:
        return words + (
            "So the affine maps at held-out rows are others than those at training rows."
        )
    return words + "There the autoencoder applies the same affine map as at that row."


def _regions(regions: tuple[Regions, ...]) -> Table:
    return Table(
        "Rows whose region holds a training row; of training rows, another one",
        (
            "Regions of",
            "Units",
            "Regions of training rows",
            "Held-out rows",
            "Training rows",
        ),
        tuple(
            (
                _PARTITIONS[one.of],
                style.count(one.n_units),
                style.count(one.n_regions),
                f"{style.percent(one.test)} ± {style.percent(one.test_error)}",
                style.percent(one.train),
            )
            for one in regions
        ),
        words=1,
    )


def _about_slopes(slopes: Slopes) -> str:
    words = (
        "Along the directions in which near rows vary, an autoencoder that generalises "
        "changes its answer as the row changes. Here the change is wrong by "
        f"{style.percent(slopes.tangent)} in the worst such direction (median over rows). "
    )
    if slopes.tangent <= slopes.explained:
        words += (
            f"Errors as large as these rows' alone allow {style.percent(slopes.explained)} "
            "over the length of their regions, so that says nothing beyond the error. "
        )
    else:
        words += (
            "The errors at the rows, over the length of their regions, account for "
            f"{style.percent(slopes.explained)} of that. "
        )
    low, middle, high = slopes.radius
    return words + (
        "The affine map at a held-out row holds exactly up to a distance of "
        f"{style.number(middle)} (from {style.number(low)} to {style.number(high)} for "
        f"nine rows of ten); the nearest training row is {style.number(slopes.nearest)} "
        "away, in units of the data."
    )


def _slopes(slopes: Slopes) -> Table:
    near = "local directions" if slopes.dim > 1 else "local direction"
    rows = (
        (f"slope of the autoencoder, along {slopes.dim} {near}", slopes.tangent),
        ("the same that the rows' errors allow for", slopes.explained),
        ("encoder after decoder, on what these directions use", slopes.restricted),
        ("encoder after decoder, all latent dimensions", slopes.deviation),
    )
    return Table(
        "Deviation of slopes from those of an exact autoencoder, medians over rows. The "
        "last need not be 0 where rows vary in fewer directions than there are latent "
        "dimensions",
        ("Slope", "Deviation"),
        (
            *((name, style.number(value)) for name, value in rows),
            (
                "largest angle of a direction to the decoder's image",
                f"{style.number(slopes.angle)}°",
            ),
        ),
        words=1,
    )


def _errors(deep: Deep) -> Figure:
    level = np.linspace(1.0, 0.0, deep.test_rows.size)
    data: list[dict[str, Any]] = []
    for name, values, colour, dash in (
        ("held-out rows", deep.test_rows, style.BLUE, "solid"),
        ("training rows", deep.train_rows, style.GREEN, "dot"),
    ):
        shown = np.maximum(values, _LEAST_DRAWN)
        data.append(
            {
                "type": "scatter",
                "mode": "lines",
                "name": name,
                "x": [float(f"{v:.4g}") for v in shown],
                "y": [float(f"{v:.4g}") for v in level],
                "line": {"color": colour, "width": 2, "dash": dash},
                "hovertemplate": "%{y:.3g} of the rows above %{x:.3g}<extra></extra>",
            }
        )
    smallest = max(float(min(deep.test_rows[1], deep.train_rows[1])), _LEAST_DRAWN)
    largest = max(float(deep.test_rows[-1]), float(deep.train_rows[-1]), 10.0 * smallest)
    layout = style.layout(
        380,
        xaxis=style.log_axis(
            "Squared error of a row ÷ mean energy",
            range=[float(np.log10(smallest)), float(np.log10(1.2 * largest))],
        ),
        yaxis=style.axis("Share of rows above it", range=[0, 1.02]),
    )
    return Figure(
        "figure-generalises",
        "Errors of rows seen and not seen",
        "Share of rows with a larger error. Where the lines part, the autoencoder does "
        "worse off its training rows.",
        {"data": data, "layout": layout},
    )


def _training(deep: Deep) -> Figure:
    lines = (
        ("training rows, while training", deep.history, style.GREEN, "dot"),
        ("rows set aside", deep.chosen_history, style.PURPLE, "dash"),
    )
    data: list[dict[str, Any]] = [
        {
            "type": "scatter",
            "mode": "lines",
            "name": name,
            "x": list(range(1, values.size + 1)),
            "y": [float(f"{v:.4g}") for v in values],
            "line": {"color": colour, "width": 2, "dash": dash},
            "hovertemplate": "epoch %{x}<br>%{y:.3g}<extra></extra>",
        }
        for name, values, colour, dash in lines
        if values.size
    ]
    data.append(
        {
            "type": "scatter",
            "mode": "markers",
            "name": "held-out rows, weights kept",
            "x": [deep.best_epoch],
            "y": [deep.test.nmse],
            "error_y": {
                "type": "data",
                "array": [2.0 * deep.test.standard_error],
                "color": style.BLUE,
            },
            "marker": {"size": 8, "color": style.BLUE},
            "hovertemplate": "%{y:.3g}<extra>held-out rows</extra>",
        }
    )
    values = [value for trace in data for value in trace["y"]]
    layout = style.layout(
        340,
        xaxis=style.axis("Epoch"),
        yaxis=style.log_axis("NMSE", **style.decades(values)),
    )
    return Figure(
        "figure-deep-training",
        "Training of the deep autoencoder",
        "Mean error of each epoch's batches, taken before each step. Where the line of "
        "rows set aside turns up, more epochs learn the training rows alone.",
        {"data": data, "layout": layout},
    )
