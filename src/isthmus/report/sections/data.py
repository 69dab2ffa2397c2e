"""Data: what was read, how its variance is spread, and what it looks like."""

from __future__ import annotations

import math

import numpy as np

from isthmus.report import style
from isthmus.report.images import image_urls
from isthmus.report.records import Analysis, DataFacts
from isthmus.report.sections.base import (
    Block,
    Facts,
    Figure,
    Images,
    Section,
    Table,
    Text,
    thinned,
)
from isthmus.report.sections.counts import eigenvalue_rows, n_fit_rows, n_moment_rows
from isthmus.report.thresholds import NEAR_GAUSSIAN

# Share of variance behind each index; eigenvalues this much below the largest one are
# rounding and would only stretch the logarithmic axis.
ROUNDING = 1e-10
MOST_POINTS = 2000
MOST_NAMES = 20
SCALES = {
    "none": "columns as they are in the file",
    "standard": "each column divided by its standard deviation over the training rows; "
    "every error is in these units",
    "log1p": "log(1 + value) of every entry; every error is in these units",
}
SHARES = (0.5, 0.9, 0.99)


def build(analysis: Analysis) -> Section:
    """Show the facts, the spectrum and, for images, the first held-out samples.

    Args:
        analysis: The analysis.

    Returns:
        The section.
    """
    facts = analysis.data
    blocks: list[Block] = [
        Text(
            "What was read, what was used, and how the variance is spread. Training "
            "rows fit everything; held-out rows only measure. " + _rests_on(facts),
            "lead",
        ),
        Facts(_facts(facts), "Facts about the data"),
    ]
    urls = image_urls(facts.samples, facts.sample_shape)
    if urls:
        blocks.append(
            Images(
                urls,
                f"The first {len(urls)} held-out samples. Black is the smallest value "
                "among them, white the largest.",
            )
        )
    if np.any(facts.eigenvalues > 0):
        blocks += [
            Text("Spectrum", "heading"),
            Text(_spectrum_words(facts.eigenvalues)),
            _spectrum_figure(facts.eigenvalues),
            _spectrum_table(facts.eigenvalues, facts.scale),
        ]
    else:
        blocks.append(Text("No spectrum: the training rows have no variance."))
    return Section("data", "Data", tuple(blocks))


def _facts(facts: DataFacts) -> tuple[tuple[str, str, str], ...]:
    split = {
        "random": "drawn at random; equal rows stay on one side",
        "last": "the last rows, as for a time series",
        "given": "given by the user",
    }.get(facts.split, facts.split)
    shape = "" if facts.sample_shape is None else " × ".join(map(str, facts.sample_shape))
    rows = [
        ("Rows read", style.count(facts.n_rows), ""),
        ("Rows dropped", style.count(facts.n_rows_dropped), _dropped(facts)),
        ("Training rows", style.count(facts.n_train), _rows_per_column(facts)),
        *_parts(facts),
        ("Held-out rows", style.count(facts.n_test), split),
        ("Duplicate rows", style.count(facts.n_duplicate_rows), _duplicates(facts)),
        ("Columns read", style.count(facts.n_columns), shape and f"samples of {shape}"),
        ("Columns used", style.count(facts.n_input), ""),
        ("Columns left out", style.count(len(facts.left_out)), _left_out(facts)),
        ("Scale", facts.scale, SCALES.get(facts.scale, "")),
        ("Unit-norm rows", "yes" if facts.unit_norm else "no", _unit_norm(facts)),
        (
            "Largest column",
            style.percent(facts.largest_column_share),
            "of the variance is in the column that has most of it",
        ),
        ("Shrinkage", style.percent(facts.shrinkage), _shrinkage(facts)),
        (
            "Effective dimension",
            style.number(facts.n_effective),
            "as many equally strong directions would spread the variance like this "
            "(participation ratio of the eigenvalues)",
        ),
        (
            "Excess kurtosis",
            style.number(facts.excess_kurtosis, signed=True),
            _kurtosis(facts.excess_kurtosis),
        ),
        ("Zeros", style.percent(facts.zero_fraction), "of the training entries counted"),
        (
            "Levels",
            style.number(facts.n_levels)
            if facts.n_levels % 1
            else style.count(int(facts.n_levels)),
            "different values in the median column",
        ),
    ]
    return tuple(rows)


def _rests_on(facts: DataFacts) -> str:
    fitted = style.count(n_fit_rows(facts))
    return (
        f"Eigenvalues rest on {eigenvalue_rows(facts)} training rows; kurtosis, zeros and "
        f"levels on {fitted}."
    )


def _dropped(facts: DataFacts) -> str:
    if facts.n_rows_dropped:
        return "had missing values; they are counted in no other number"
    return "no row had missing values"


def _parts(facts: DataFacts) -> list[tuple[str, str, str]]:
    """Rows behind moments and fits, where they are not all training rows."""
    rows = []
    if n_moment_rows(facts) != facts.n_train:
        words = "of the training rows: mean and eigenvalues come from them"
        rows.append(("Rows for moments", style.count(n_moment_rows(facts)), words))
    if n_fit_rows(facts) != facts.n_train:
        words = "of the training rows: decoders were fitted on them"
        rows.append(("Rows for fitting", style.count(n_fit_rows(facts)), words))
    return rows


def _unit_norm(facts: DataFacts) -> str:
    if facts.unit_norm:
        return "all rows have the same length, so lengths carry nothing and need no bits"
    return "lengths differ from row to row"


def _left_out(facts: DataFacts) -> str:
    names = ", ".join(facts.left_out[:MOST_NAMES])
    more = len(facts.left_out) - MOST_NAMES
    return f"{names}, and {style.count(more)} more; see report.json" if more > 0 else names


def _rows_per_column(facts: DataFacts) -> str:
    return f"{style.number(facts.n_train / max(facts.n_input, 1))} per column used"


def _duplicates(facts: DataFacts) -> str:
    if not facts.n_duplicate_rows:
        return "no row equals an earlier one"
    share = style.percent(facts.n_duplicate_rows / facts.n_rows)
    return f"equal to an earlier row ({share} of the rows)"


def _shrinkage(facts: DataFacts) -> str:
    if facts.shrinkage > 0:
        return (
            "weight of a multiple of the identity in the covariance (Ledoit-Wolf), "
            "because there are fewer than 20 training rows per column; references made "
            "from it are rough: optimistic for want of rows, higher for the shrinking"
        )
    return "the covariance is used as it is: at least 20 training rows per column"


def _kurtosis(value: float) -> str:
    if not math.isfinite(value):
        return "cannot be computed"
    if value < -NEAR_GAUSSIAN.value:
        return (
            "lighter tails than a Gaussian has (0): bounded or few-valued columns; a "
            "column of two equally frequent values has −2"
        )
    if value > NEAR_GAUSSIAN.value:
        return (
            "heavier tails than a Gaussian has (0): sparse columns or outliers; mean over "
            "columns, weighted by their variance"
        )
    return "close to a Gaussian (0)"


def _spectrum_words(eigenvalues: np.ndarray) -> str:
    cumulative = np.cumsum(eigenvalues) / np.sum(eigenvalues)
    counts = [int(np.searchsorted(cumulative, s * (1 - 1e-12))) + 1 for s in SHARES]
    shares = ("half", *map(style.percent, SHARES[1:]))
    largest = dict(zip(counts, shares, strict=True))  # share by count
    held = [
        f"{'one holds' if k == 1 else f'{style.count(k)} hold'} {share}"
        for k, share in largest.items()
    ]
    held[0] += " of the variance"
    told = " and ".join(part for part in (", ".join(held[:-1]), held[-1]) if part)
    return (
        f"Of {style.count(eigenvalues.size)} principal directions, the strongest {told}. "
        "The steeper the curve falls, the more a code gains from treating directions "
        "differently."
    )


def _spectrum_figure(eigenvalues: np.ndarray) -> Figure:
    relative = eigenvalues / np.mean(eigenvalues)
    cumulative = 100 * np.cumsum(eigenvalues) / np.sum(eigenvalues)
    drawn = np.array(thinned(eigenvalues.size, MOST_POINTS))
    index = (drawn + 1).tolist()
    shown = [float(v) if v > ROUNDING * relative[0] else None for v in relative[drawn]]
    line = {"color": style.BLUE, "width": 1.5}
    dots = "lines+markers" if eigenvalues.size <= 200 else "lines"
    shared = {"mode": dots, "line": line, "marker": {"color": style.BLUE, "size": 5}}
    data = [
        {
            "type": "scatter",
            "x": index,
            "y": shown,
            "name": "eigenvalue",
            "hovertemplate": "direction %{x}<br>%{y:.3g} × mean<extra></extra>",
            **shared,
        },
        {
            "type": "scatter",
            "x": index,
            "y": cumulative[drawn].tolist(),
            "yaxis": "y2",
            "name": "cumulative share",
            "hovertemplate": "first %{x} directions<br>%{y:.3g} %<extra></extra>",
            **shared,
        },
    ]
    layout = style.layout(
        540,
        showlegend=False,
        xaxis=style.axis(
            "Principal direction, strongest first",
            anchor="y2",
            range=[0, eigenvalues.size + 1],
            **style.whole(eigenvalues.size),
        ),
        yaxis=style.log_axis(
            "Eigenvalue / mean", domain=[0.42, 1.0], **style.decades(shown)
        ),
        yaxis2=style.axis("Variance held, %", domain=[0.0, 0.34], range=[0, 104], dtick=25),
    )
    return Figure(
        "figure-spectrum",
        "Variance along each principal direction",
        "Above: each eigenvalue of the training covariance divided by their mean (no "
        "unit). Below: share of the variance held by the directions up to this one.",
        {"data": data, "layout": layout},
    )


def _spectrum_table(eigenvalues: np.ndarray, scale: str) -> Table:
    mean, total = np.mean(eigenvalues), np.sum(eigenvalues)
    cumulative = np.cumsum(eigenvalues) / total
    chosen = thinned(eigenvalues.size)
    rows = tuple(
        (
            style.count(k + 1),
            style.number(float(eigenvalues[k])),
            style.number(float(eigenvalues[k] / mean)),
            style.percent(float(cumulative[k])),
        )
        for k in chosen
    )
    units = "input units²" if scale == "none" else "scaled units²"
    head = ("Index", f"Eigenvalue ({units})", "Eigenvalue / mean", "Variance held")
    part = (
        "all eigenvalues"
        if len(chosen) == eigenvalues.size
        else f"{len(chosen)} of {style.count(eigenvalues.size)} eigenvalues; "
        "all are in report.json"
    )
    return Table(f"Numbers of the spectrum ({part})", head, rows, folded=True)
