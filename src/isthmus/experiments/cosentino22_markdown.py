"""The study of penalties as a page of tables, beside what the paper reports."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from isthmus.experiments.cosentino22_runs import FEW

MOVED = 0.05
PAPER_METHODS = ("plain", "denoising", "higher-order", "lie-1", "lie-2")
PAPER = {
    "MNIST": (12.01, 12.01, 12.01, 6.3, 10.13),
    "CBF": (62.38, 52.66, 51.09, 43.99, 49.73),
    "Trace": (13.95, 11.28, 12.57, 13.23, 10.91),
    "Wine": (63.06, 59.34, 49.94, 19.01, 49.94),
    "ShapesAll": (67.98, 58.67, 61.42, 52.97, 57.80),
    "WordSynonyms": (70.95, 66.02, 66.52, 68.21, 62.22),
    "Haptics": (37.25, 36.02, 27.21, 16.94, 26.06),
    "FaceFour": (49.82, 48.51, 48.52, 48.60, 46.00),
    "SyntheticControl": (95.61, 89.37, 88.47, 55.87, 86.83),
}
"""Test reconstruction error x 100 of table 1, methods as above."""


def markdown(table: dict[str, Any]) -> str:
    """Tables of a summary.

    Args:
        table: What `summary` returned.

    Returns:
        Text in Markdown.
    """
    seeds, host, recipe = table["seeds"], table["machine"], table["recipe"]
    intro = (
        f"{len(seeds)} seeds, each with a split of the training rows of its own "
        f"({1 - recipe['validation_share']:.0%} to fit); weights chosen on the first "
        f"seed's validation rows; {recipe['n_steps']} steps ({recipe['n_steps_few']} where "
        f"fewer than {FEW} rows are fitted) of at most "
        f"{recipe['batch_size']} rows; n_code {recipe['n_code']}. {host['processor']}, "
        f"torch {host['torch']}; {_minutes(table)}."
    )
    parts = ["# Penalties and generalisation", intro, _errors(table), _methods(table)]
    parts += [_gaps(table), _weights(table), _paper(table), _training(table)]
    return "\n\n".join(part for part in parts if part) + "\n"


def grid(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A table in Markdown.

    Examples:
        >>> print(grid(["set", "a"], [["x", "1"]]))
        | set | a |
        |---|---|
        | x | 1 |
    """
    lines = ["| " + " | ".join(head) + " |", "|" + "---|" * len(head)]
    lines += ["| " + " | ".join(row) + " |" for row in rows]
    return "\n".join(lines)


def _minutes(table: dict[str, Any]) -> str:
    taken = f"all runs took {table['run_seconds'] / 60:.1f} core minutes"
    if table["wall_seconds"] is None:
        return taken
    return f"{table['wall_seconds'] / 60:.1f} min in this call, {taken}"


def _errors(table: dict[str, Any]) -> str:
    methods = list(table["methods"])
    rows = []
    for name, row in table["table"].items():
        cells = []
        for method in methods:
            text = _number(row["methods"][method]["test"])
            bold = row["least_is_sure"] and method == row["least"]
            cells.append(f"**{text}**" if bold else text)
        rows.append([f"{name} ({row['train_rows']} x {row['columns']})", *cells])
    said = (
        "## Test error\n\nNMSE x 100 about the mean of the fitted rows (standard error "
        "over seeds). Bold: least, by more than two paired standard errors to every other "
        "method.\n\n"
    )
    return said + grid(["set", *methods], rows)


def _methods(table: dict[str, Any]) -> str:
    ranks, rows = table["ranks"], []
    for method, found in table["methods"].items():
        rank = "" if ranks is None else f"{ranks['mean'][method]:.2f}"
        against = [
            f"{found[f'better_than_{other}']} / {found[f'worse_than_{other}']}"
            if f"better_than_{other}" in found
            else ""
            for other in ("plain", "best_baseline")
        ]
        rows.append([method, rank, *against, f"{found['encoder_share']:.0%}"])
    said = (
        "## Methods\n\nSets on which a method is better / worse by more than two paired "
        "standard errors; the best baseline of a set is that of least validation error. "
        "Encoder: mean share of the test error that another code would have saved."
    )
    if ranks is not None:
        said += (
            f" Friedman's chi-squared {ranks['friedman']:.1f}, p {ranks['p_value']:.2g}; "
            f"average ranks closer than {ranks['critical_difference']:.2f} may be alike "
            f"(Nemenyi, {ranks['sets']} sets, level {ranks['level']:g})."
        )
    head = ["method", "average rank", "to plain", "to best baseline", "encoder"]
    return f"{said}\n\n{grid(head, rows)}"


def _gaps(table: dict[str, Any]) -> str:
    methods = list(table["methods"])
    rows = [
        [name]
        + [
            " + ".join(
                f"{100 * row['methods'][method][part][0]:.2f}"
                for part in ("manifold_gap", "encoder_gap")
            )
            for method in methods
        ]
        for name, row in table["table"].items()
    ]
    said = "## Manifold gap + encoder gap\n\nNMSE x 100; the first is an upper bound.\n\n"
    return said + grid(["set", *methods], rows)


def _weights(table: dict[str, Any]) -> str:
    first = next(iter(table["table"].values()))["methods"]
    methods = [m for m in first if len(first[m]["candidates"]) > 1]
    if not methods:
        return ""
    rows = []
    for name, row in table["table"].items():
        cells = [row["methods"][method] for method in methods]
        rows.append([name, *(f"{c['weight']:g}{'*' * c['at_edge']}" for c in cells)])
    said = "## Weights chosen\n\nA star: the least or the largest that was tried.\n\n"
    return said + grid(["set", *methods], rows)


def _paper(table: dict[str, Any]) -> str:
    ours = {name.lower(): row["methods"] for name, row in table["table"].items()}
    methods = [m for m in PAPER_METHODS if m in table["methods"]]
    rows = []
    for name, values in PAPER.items():
        if name.lower() in ours:
            theirs = dict(zip(PAPER_METHODS, values, strict=True))
            found = ours[name.lower()]
            rows.append(
                [name]
                + [
                    f"{theirs[method]:g} / {100 * found[method]['test'][0]:.2f}"
                    for method in methods
                ]
            )
    claims = "\n".join(f"* {claim}" for claim in table.get("claims", ()))
    said = (
        "## The paper beside it\n\n"
        f"{claims}\n\nError x 100, the paper's table 1 / here (other widths, splits and "
        "numbers of steps, and for MNIST other rows).\n\n"
    )
    return said + grid(["set", *methods], rows) if rows else ""


def _training(table: dict[str, Any]) -> str:
    missed, longer = table["not_converged"], table["twice_the_steps"]
    said = (
        "## Training\n\nConverged: the training error fell by less than 5 % over the last "
        f"tenth of steps, or is below 0.001. {len(missed)} of {len(table['runs'])} runs "
        "missed it"
    )
    runs = [f"{m['dataset']} {m['method']} seed {m['seed']}" for m in missed]
    said += f": {', '.join(runs)}." if runs else "."
    if not longer:
        return said
    rows = [
        [
            one["dataset"],
            one["method"],
            *(f"{100 * a:.2f} to {100 * b:.2f}" for a, b in (one["train"], one["test"])),
        ]
        for one in longer
    ]
    moved = [one for one in longer if abs(one["test"][1] / one["test"][0] - 1) > MOVED]
    said += (
        " The learning rate ends at zero, which makes that easy; so the baselines of the "
        f"first seed are trained once more with twice the steps: {len(moved)} of "
        f"{len(longer)} test errors change by more than {MOVED:.0%}. Errors x 100:"
    )
    head = ["set", "method", "training error", "test error"]
    return f"{said}\n\n{grid(head, rows)}"


def _number(value: Sequence[float | None]) -> str:
    mean, error = value
    assert mean is not None
    return f"{100 * mean:.2f}" + ("" if error is None else f" ({100 * error:.2f})")
