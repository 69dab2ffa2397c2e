"""Penalties that are to make autoencoders generalise, beside well-trained baselines.

Principal components, a plain autoencoder, four older penalties, the two of Lie groups and
two that reach the encoder, on short series and a few images. The weight of a penalty is
chosen once, on validation rows of the first seed's training rows, and kept; test rows are
only ever measured on.

`python -m isthmus.experiments.cosentino22_penalties --out FOLDER` makes the whole table,
and goes on from the ledger in that folder if it was stopped.
"""

from __future__ import annotations

import argparse
import dataclasses
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from isthmus.core.errors import ValueOutOfRange
from isthmus.core.files import write_whole
from isthmus.experiments.cosentino22_data import SETS, Samples, given
from isthmus.experiments.cosentino22_markdown import markdown
from isthmus.experiments.cosentino22_methods import METHODS
from isthmus.experiments.cosentino22_protocol import (
    Chosen,
    Crew,
    Job,
    choice_jobs,
    chosen_weights,
    final_jobs,
    longer_jobs,
)
from isthmus.experiments.cosentino22_records import PenaltyRun, Study, record
from isthmus.experiments.cosentino22_runs import Recipe
from isthmus.experiments.cosentino22_tables import summary, text_of
from isthmus.experiments.ledger import Ledger

CLAIMS = (
    "With the penalty lie-1 or lie-2 an autoencoder reconstructs test rows better than a "
    "plain, a denoising or a higher-order contractive one: either is best on each of 15 "
    "sets.",
    "lie-1 gains most (10 sets), but is worse than a plain autoencoder on two; lie-2 gains "
    "less and is on no set worse than any of the three.",
    "Weight decay, contractive penalties of first order and principal components are not "
    "compared with (here they are).",
)
NAME = "cosentino22_penalties"
QUICK_SETS: tuple[str | Samples, ...] = ("ucr/CBF", "ucr/Wine", "ucr/SyntheticControl")
QUICK: dict[str, Any] = {
    "seeds": (0, 1, 2),
    "recipe": Recipe(n_steps=400, n_steps_few=400),
    "n_weights": 2,
}


def run(
    datasets: Sequence[str | Samples] = SETS,
    *,
    methods: Sequence[str] = tuple(METHODS),
    seeds: Sequence[int] = (0, 1, 2, 3, 4),
    recipe: Recipe | None = None,
    n_weights: int | None = None,
    longer: bool = True,
    ledger: object = None,
    n_jobs: int = 1,
    progress: Callable[[int, int], object] | None = None,
) -> Study:
    """Choose every penalty's weight, then train with it on every seed's split.

    Args:
        datasets: Names, or rows with test rows set apart.
        methods: Of :data:`METHODS`.
        seeds: Each of a split, starting weights, batches and noise; weights are chosen on
            the first.
        recipe: What all trained autoencoders share.
        n_weights: Candidates of each penalty; None for all.
        longer: Whether baselines are trained a second time, twice as long.
        ledger: File of finished runs, gone on from if it is there; None for none.
        n_jobs: Runs at a time, each on one thread.
        progress: Called with the work done and all that the ledger does not spare, in
            steps of a narrow plain autoencoder.

    Returns:
        Runs and choices.

    Raises:
        ValueOutOfRange: If a method is not known, or nothing is asked for.
        DataNotFound: If a data set is not there.

    Examples:
        >>> import numpy as np
        >>> x = np.random.default_rng(0).normal(size=(60, 12)).astype(np.float32)
        >>> found = run([Samples("noise", x[:40], x[40:])], methods=["pca"], seeds=[0])
        >>> [(row.method, row.encoder_gap < 1e-6) for row in found.rows]
        [('pca', True)]

    References:
        [cosentino:22]
    """
    recipe = recipe or Recipe()
    _check(datasets, methods, seeds)
    sets = [given(source) for source in datasets]
    asked = _Asked(tuple(methods), tuple(seeds), n_weights, longer)
    total = sum(job.cost(recipe) for one in sets for job in _all_jobs(one, asked))
    crew = Crew(recipe, Ledger(ledger), n_jobs, total, progress)
    parts = [_of_set(one, asked, crew) for one in sets]
    shapes = {one.name: (len(one.train), *one.test.shape) for one in sets}
    return Study(
        tuple(row for part in parts for row in part.rows),
        tuple(one for part in parts for one in part.chosen),
        tuple(row for part in parts for row in part.longer),
        recipe,
        shapes,
        sum(part.seconds for part in parts),
    )


@dataclasses.dataclass(frozen=True)
class _Asked:
    """What is done on every data set."""

    methods: tuple[str, ...]
    seeds: tuple[int, ...]
    n_weights: int | None
    longer: bool


class _Part(NamedTuple):
    """What was found on one data set."""

    rows: list[PenaltyRun]
    chosen: list[Chosen]
    longer: list[PenaltyRun]
    seconds: float


def _of_set(data: Samples, asked: _Asked, crew: Crew) -> _Part:
    """All choices on a data set, and then all that is measured."""
    choices = choice_jobs(data, asked.methods, asked.seeds[0], asked.n_weights)
    results = crew.results(choices)
    chosen = chosen_weights(data, asked.methods, asked.n_weights, choices, results)
    finals = final_jobs(data, chosen, asked.seeds)
    again = longer_jobs(data, chosen, asked.seeds[0]) if asked.longer else []
    found = crew.results([*finals, *again])
    rows = [record(*each) for each in zip([*finals, *again], found, strict=True)]
    seconds = sum(result["seconds"] for result in (*results, *found))
    return _Part(rows[: len(finals)], chosen, rows[len(finals) :], seconds)


def _all_jobs(data: Samples, asked: _Asked) -> list[Job]:
    """The same with any weights, which do not change what a job costs."""
    choices = choice_jobs(data, asked.methods, asked.seeds[0], asked.n_weights)
    chosen = chosen_weights(data, asked.methods, asked.n_weights, [], [])
    again = longer_jobs(data, chosen, asked.seeds[0]) if asked.longer else []
    return [*choices, *final_jobs(data, chosen, asked.seeds), *again]


def _check(
    datasets: Sequence[str | Samples], methods: Sequence[str], seeds: Sequence[int]
) -> None:
    unknown = [name for name in methods if name not in METHODS]
    if unknown:
        raise ValueOutOfRange(
            f"`run(methods=...)` must be of {', '.join(METHODS)}; got {unknown[0]!r}."
        )
    if not (len(datasets) and len(methods) and len(seeds)):
        raise ValueOutOfRange(
            "`run(datasets, methods=..., seeds=...)` must each name at least one; got "
            f"{len(datasets)}, {len(methods)} and {len(seeds)}."
        )


def plot(study: Study) -> Any:
    """Mean test error of every method, a group per data set, split into the two gaps.

    Args:
        study: What :func:`run` returned.

    Returns:
        A Plotly figure.

    Examples:
        >>> import numpy as np
        >>> x = np.random.default_rng(0).normal(size=(60, 12)).astype(np.float32)
        >>> found = run([Samples("noise", x[:40], x[40:])], methods=["pca"], seeds=[0])
        >>> [trace.name for trace in plot(found).data]
        ['manifold gap', 'encoder gap']
    """
    import plotly.graph_objects as go

    from isthmus.report.style import BLUE, ORANGE

    table = summary(study)["table"]
    cells = [(name, method) for name, row in table.items() for method in row["methods"]]
    x = [[name for name, _ in cells], [method for _, method in cells]]
    figure = go.Figure()
    for part, colour in (("manifold_gap", BLUE), ("encoder_gap", ORANGE)):
        y = [table[name]["methods"][method][part][0] for name, method in cells]
        label = part.replace("_", " ")
        figure.add_bar(x=x, y=y, name=label, marker_color=colour)
    figure.update_layout(
        barmode="stack", yaxis_title="NMSE of test rows", template="plotly_white"
    )
    return figure


def main(arguments: Sequence[str] | None = None) -> None:
    """Make the table and write it down.

    Args:
        arguments: Of the command line; None for the process's own.
    """
    parser = argparse.ArgumentParser(prog=f"python -m isthmus.experiments.{NAME}")
    parser.add_argument("--quick", action="store_true", help="three sets, short runs")
    parser.add_argument("--out", type=Path, default=Path(), help="folder (default: here)")
    parser.add_argument("--sets", help="names between commas")
    parser.add_argument("--methods", help=f"of {', '.join(METHODS)}")
    parser.add_argument("--jobs", type=int, default=2, help="processes (default: 2)")
    chosen = parser.parse_args(arguments)
    stem = f"{NAME}_quick" if chosen.quick else NAME
    chosen.out.mkdir(parents=True, exist_ok=True)
    began = time.perf_counter()
    settings = dict(QUICK) if chosen.quick else {}
    if chosen.methods:
        settings["methods"] = chosen.methods.split(",")
    sets: Sequence[str | Samples] = QUICK_SETS if chosen.quick else SETS
    study = run(
        chosen.sets.split(",") if chosen.sets else sets,
        ledger=chosen.out / f"{stem}.ledger.jsonl",
        n_jobs=chosen.jobs,
        progress=_teller(),
        **settings,
    )
    table = summary(study, seconds=time.perf_counter() - began, n_jobs=chosen.jobs)
    table["claims"] = list(CLAIMS)
    write_whole(chosen.out / f"{stem}.json", text_of(table).encode())
    write_whole(chosen.out / f"{stem}.md", markdown(table).encode())
    sys.stderr.write(f"{chosen.out / stem}.json and .md are written.\n")


def _teller() -> Callable[[int, int], None]:
    """Writes to standard error how much is done, and about how long the rest takes."""
    began, first = time.perf_counter(), -1

    def tell(done: int, total: int) -> None:
        nonlocal first
        first = done if first < 0 else first
        minutes = (time.perf_counter() - began) / 60.0
        left = ""
        if done > first:
            rest = minutes * (total - done) / (done - first)
            left = f", about {rest:.1f} min left"
        sys.stderr.write(
            f"{100.0 * done / max(total, 1):5.1f} %, {minutes:.1f} min{left}\n"
        )

    return tell


if __name__ == "__main__":
    main()
