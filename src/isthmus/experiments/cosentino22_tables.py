"""Tables of the study of penalties: means, paired differences, ranks; JSON and text."""

from __future__ import annotations

import dataclasses
import json
import os
import platform
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import scipy
import torch
from jaxtyping import Float

from isthmus import __version__
from isthmus.experiments.cosentino22_methods import METHODS
from isthmus.experiments.cosentino22_records import PenaltyRun, Study
from isthmus.experiments.ranks import friedman

PARTS = ("train", "validation", "test", "manifold_gap", "encoder_gap")
SURE = 2.0  # standard errors that a difference must exceed to be called one

Each = Float[np.ndarray, "set method seed"]
MeanAndError = list[float | None]


def summary(study: Study, *, seconds: float | None = None, n_jobs: int = 1) -> dict:
    """Everything that the study says, in plain values.

    Standard errors are over seeds, differences paired by seed: both methods have the same
    split, starting weights and order of rows there.

    Args:
        study: What `run` returned.
        seconds: Wall time, where it is known.
        n_jobs: Runs at a time.

    Returns:
        For JSON; numbers that there are none of are None.
    """
    names = list(study.shapes)
    methods = list(dict.fromkeys(row.method for row in study.rows))
    seeds = list(dict.fromkeys(row.seed for row in study.rows))
    size = (len(names), len(methods), len(seeds))
    each = {
        part: np.array([getattr(row, part) for row in study.rows]).reshape(
            _order(study.rows, names, methods, size)
        )
        for part in PARTS
    }
    best = _best_baselines(each["validation"], methods)
    table = {
        name: _of_set(study, name, i, each, methods, best[i])
        for i, name in enumerate(names)
    }
    return {
        "machine": machine(),
        "wall_seconds": None if seconds is None else round(seconds, 1),
        "run_seconds": round(study.seconds, 1),
        "jobs": n_jobs,
        "seeds": seeds,
        "recipe": dataclasses.asdict(study.recipe),
        "table": table,
        "methods": _of_methods(each, methods, best),
        "ranks": _ranks(each["test"].mean(axis=2), methods),
        "not_converged": [
            {
                "dataset": row.dataset,
                "method": row.method,
                "seed": row.seed,
                "fall": row.fall,
            }
            for row in study.rows
            if not row.converged
        ],
        "twice_the_steps": _longer(study),
        "runs": [_plain_run(row) for row in study.rows],
    }


def text_of(table: Mapping[str, Any]) -> str:
    """A summary as JSON, one line for each member of its lists and tables.

    Examples:
        >>> print(text_of({"seeds": [0, 1], "jobs": 2, "ranks": {"a": [1.0]}}), end="")
        {
         "seeds": [
          0,
          1
         ],
         "jobs": 2,
         "ranks": {
          "a": [1.0]
         }
        }
    """
    parts = []
    for name, value in table.items():
        if isinstance(value, dict) and value:
            members = [f"{json.dumps(k)}: {_plain_text(v)}" for k, v in value.items()]
            text = "{\n  " + ",\n  ".join(members) + "\n }"
        elif isinstance(value, list) and value:
            text = "[\n  " + ",\n  ".join(_plain_text(v) for v in value) + "\n ]"
        else:
            text = _plain_text(value)
        parts.append(f" {json.dumps(name)}: {text}")
    return "{\n" + ",\n".join(parts) + "\n}\n"


def _plain_text(value: object) -> str:
    return json.dumps(value, allow_nan=False)


def machine() -> dict[str, object]:
    """What the runs were done on."""
    info = Path("/proc/cpuinfo")
    lines = info.read_text().splitlines() if info.exists() else []
    models = [line.split(":", 1)[1].strip() for line in lines if "model name" in line]
    return {
        "processor": models[0] if models else platform.processor(),
        "cores": os.cpu_count(),
        "python": platform.python_version(),
        "numpy": np.__version__,
        "scipy": scipy.__version__,
        "torch": torch.__version__,
        "isthmus": __version__,
    }


def mean_and_error(values: Float[np.ndarray, " seed"]) -> MeanAndError:
    """Mean over seeds and its standard error; None for the latter of a single seed.

    Examples:
        >>> mean_and_error(np.array([1.0, 3.0])), mean_and_error(np.array([1.0]))
        ([2.0, 1.0], [1.0, None])
    """
    mean = _digits(values.mean())
    if len(values) < 2:
        return [mean, None]
    return [mean, _digits(values.std(ddof=1) / np.sqrt(len(values)))]


def sign_of(difference: MeanAndError) -> int:
    """-1 or 1 for a mean beyond two standard errors below or above zero, else 0.

    Examples:
        >>> sign_of([-1.0, 0.4]), sign_of([-1.0, 0.6]), sign_of([-1.0, None])
        (-1, 0, 0)
    """
    mean, error = difference
    if mean is None or error is None or abs(mean) <= SURE * error:
        return 0
    return 1 if mean > 0 else -1


def _order(
    rows: Sequence[PenaltyRun],
    names: list[str],
    methods: list[str],
    size: tuple[int, int, int],
) -> tuple[int, int, int]:
    """The shape of the runs, which come data set by data set and method by method."""
    wanted = [(name, method) for name in names for method in methods]
    assert [(row.dataset, row.method) for row in rows[:: size[2]]] == wanted
    return size


def _best_baselines(validation: Each, methods: list[str]) -> list[int | None]:
    """Of every set the baseline of least mean validation error: no test row is asked."""
    old = [i for i, method in enumerate(methods) if METHODS[method].baseline]
    if not old:
        return [None] * len(validation)
    mean = validation.mean(axis=2)
    return [old[int(np.argmin(row[old]))] for row in mean]


def _of_set(
    study: Study,
    name: str,
    i: int,
    each: dict[str, Each],
    methods: list[str],
    best: int | None,
) -> dict[str, Any]:
    n_train, n_test, n_input = study.shapes[name]
    chosen = {one.method: one for one in study.chosen if one.dataset == name}
    test = each["test"][i]
    least = int(np.argmin(test.mean(axis=1)))
    rivals = [test[j] - test[least] for j in range(len(methods)) if j != least]
    sure = bool(rivals) and all(sign_of(mean_and_error(other)) > 0 for other in rivals)
    cells = {}
    for j, method in enumerate(methods):
        cell: dict[str, Any] = {part: mean_and_error(each[part][i, j]) for part in PARTS}
        cell["weight"] = chosen[method].weight
        cell["candidates"] = [list(pair) for pair in chosen[method].validation.items()]
        cell["at_edge"] = chosen[method].at_edge
        if "plain" in methods:
            cell["to_plain"] = mean_and_error(test[j] - test[methods.index("plain")])
        if best is not None:
            cell["to_best_baseline"] = mean_and_error(test[j] - test[best])
        cells[method] = cell
    return {
        "train_rows": n_train,
        "test_rows": n_test,
        "columns": n_input,
        "best_baseline": None if best is None else methods[best],
        "least": methods[least],
        "least_is_sure": sure,
        "methods": cells,
    }


def _of_methods(
    each: dict[str, Each], methods: list[str], best: list[int | None]
) -> dict[str, Any]:
    """On how many sets a method beats others for sure, and where its error lies."""
    test, found = each["test"], {}
    for j, method in enumerate(methods):
        share = each["encoder_gap"][:, j].mean(axis=1) / test[:, j].mean(axis=1)
        found[method] = {"encoder_share": _digits(share.mean())}
        against = {"best_baseline": best}
        if "plain" in methods:
            against["plain"] = [methods.index("plain")] * len(test)
        for name, others in against.items():
            signs = [
                sign_of(mean_and_error(row[j] - row[other]))
                for row, other in zip(test, others, strict=True)
                if other is not None
            ]
            found[method][f"better_than_{name}"] = signs.count(-1)
            found[method][f"worse_than_{name}"] = signs.count(1)
    return found


def _ranks(
    errors: Float[np.ndarray, "set method"], methods: list[str]
) -> dict[str, Any] | None:
    if min(errors.shape) < 2:
        return None
    ranks = friedman(errors)
    return {
        "mean": {m: _digits(r) for m, r in zip(methods, ranks.mean, strict=True)},
        "friedman": _digits(ranks.statistic),
        "p_value": _digits(ranks.p_value),
        "critical_difference": _digits(ranks.critical),
        "level": ranks.level,
        "sets": ranks.n_sets,
    }


def _longer(study: Study) -> list[dict[str, Any]]:
    """Test and training errors of the first seed's baselines before and after."""
    short = {(row.dataset, row.method, row.seed): row for row in study.rows}
    found = []
    for row in study.longer:
        before = short[row.dataset, row.method, row.seed]
        found.append(
            {
                "dataset": row.dataset,
                "method": row.method,
                "train": [before.train, row.train],
                "test": [before.test, row.test],
                "curve": row.curve,
            }
        )
    return found


def _plain_run(row: PenaltyRun) -> dict[str, Any]:
    return dataclasses.asdict(row)


def _digits(value: float) -> float:
    return float(f"{value:.5g}")
