"""Who is trained with which weight: chosen on validation rows once, kept for all seeds."""

from __future__ import annotations

import contextlib
import dataclasses
from collections.abc import Callable, Generator, Sequence
from typing import Any, Literal

import torch

from isthmus import __version__
from isthmus.core.files import checksum
from isthmus.experiments.cosentino22_data import Samples
from isthmus.experiments.cosentino22_methods import METHODS
from isthmus.experiments.cosentino22_runs import Recipe, Task, choose, measure
from isthmus.experiments.ledger import Ledger

_PROTOCOL = 1  # raised where the same settings come to mean something else
_WIDE = 800.0  # columns that double the time of a step, about

Kind = Literal["choice", "final", "longer"]


@dataclasses.dataclass(frozen=True)
class Job:
    """A run and its place in the study.

    Attributes:
        kind: ``"choice"`` sees training rows only; ``"final"`` is measured on test rows;
            ``"longer"`` too, with twice the steps, to tell whether training had ended.
        data: The rows.
        task: What is trained.
    """

    kind: Kind
    data: Samples
    task: Task

    def mark(self, recipe: Recipe) -> dict[str, Any]:
        """Everything that determines the run; of the rows the sum of those that it sees."""
        rows = {"train": self.data.train}
        if self.kind != "choice":
            rows["test"] = self.data.test
        return {
            "protocol": _PROTOCOL,
            "kind": self.kind,
            "data": self.data.name,
            "rows": checksum(rows),
            "task": dataclasses.asdict(self.task),
            "recipe": dataclasses.asdict(recipe),
            "versions": {"isthmus": __version__, "torch": torch.__version__},
        }

    def cost(self, recipe: Recipe) -> int:
        """Time that it takes, about, in steps of a narrow plain autoencoder."""
        n_rows, n_input = self.data.train.shape
        steps = METHODS[self.task.method].cost * self.task.steps
        steps *= recipe.steps_for(round((1.0 - recipe.validation_share) * n_rows))
        wide = 1.0 + n_input / _WIDE
        measured = 0 if self.kind == "choice" else 0.3 * len(self.data.test)
        return max(1, int((steps + measured) * wide))

    def work(self, recipe: Recipe) -> dict[str, Any]:
        """Train and measure."""
        if self.kind == "choice":
            return choose(self.task, recipe, self.data.train)
        return measure(self.task, recipe, self.data.train, self.data.test)


@dataclasses.dataclass(frozen=True)
class Chosen:
    """The weight of a method on a data set.

    Attributes:
        dataset: Its name.
        method: Its name.
        weight: The one of least validation error.
        validation: Error of every candidate on the first seed's validation rows.
    """

    dataset: str
    method: str
    weight: float
    validation: dict[float, float]

    @property
    def at_edge(self) -> bool:
        """Whether a candidate beyond it might have been better still."""
        tried = self.validation
        return len(tried) > 1 and self.weight in (min(tried), max(tried))


class Crew:
    """Does jobs that the ledger does not hold yet, some at a time.

    Args:
        recipe: Of all runs.
        ledger: Where they are written down.
        n_jobs: At a time, each on one thread.
        total: Work in all, in units of `Job.cost`.
        progress: Called with the work done and all that the ledger did not spare.
    """

    def __init__(
        self,
        recipe: Recipe,
        ledger: Ledger,
        n_jobs: int,
        total: int,
        progress: Callable[[int, int], object] | None,
    ) -> None:
        self.recipe, self.ledger, self.n_jobs = recipe, ledger, n_jobs
        self._done, self._total, self._progress = 0, total, progress

    def results(self, jobs: Sequence[Job]) -> list[dict[str, Any]]:
        """Result of every job, in order; the dearest are done first."""
        missing = [job for job in jobs if self.ledger.found(job.mark(self.recipe)) is None]
        known = sum(job.cost(self.recipe) for job in jobs) - sum(
            job.cost(self.recipe) for job in missing
        )
        self._total -= known
        self._tell(0)
        missing.sort(key=lambda job: job.cost(self.recipe), reverse=True)
        with contextlib.closing(_carried_out(missing, self.recipe, self.n_jobs)) as done:
            for number, result in done:
                self.ledger.add(missing[number].mark(self.recipe), result)
                self._tell(missing[number].cost(self.recipe))
        found = [self.ledger.found(job.mark(self.recipe)) for job in jobs]
        return [result for result in found if result is not None]

    def _tell(self, cost: int) -> None:
        self._done += cost
        if self._progress is not None:
            self._progress(self._done, self._total)


def _carried_out(
    jobs: Sequence[Job], recipe: Recipe, n_jobs: int
) -> Generator[tuple[int, dict[str, Any]], None, None]:
    """Number and result of every job, as they end."""
    from joblib import Parallel, delayed, parallel_config

    with parallel_config(backend="loky", inner_max_num_threads=1):
        work = (delayed(_numbered)(i, job, recipe) for i, job in enumerate(jobs))
        yield from Parallel(n_jobs=n_jobs, return_as="generator_unordered")(work)


def _numbered(number: int, job: Job, recipe: Recipe) -> tuple[int, dict[str, Any]]:
    from threadpoolctl import threadpool_limits

    with threadpool_limits(1):
        return number, job.work(recipe)


def candidates(method: str, most: int | None) -> tuple[float, ...]:
    """Weights to try for a method.

    Args:
        method: Its name.
        most: How many, from the middle of its list; None for all.

    Examples:
        >>> candidates("denoising", 2), candidates("plain", None)
        ((0.3, 1.0), (0.0,))
    """
    weights = METHODS[method].weights
    if most is None or most >= len(weights):
        return weights
    first = (len(weights) - most) // 2
    return weights[first : first + most]


def choice_jobs(
    data: Samples, methods: Sequence[str], seed: int, most: int | None
) -> list[Job]:
    """A run of every candidate, where there is something to choose."""
    return [
        Job("choice", data, Task(method, weight, seed))
        for method in methods
        for weight in candidates(method, most)
        if len(candidates(method, most)) > 1
    ]


def chosen_weights(
    data: Samples,
    methods: Sequence[str],
    most: int | None,
    jobs: Sequence[Job],
    results: Sequence[dict[str, Any]],
) -> list[Chosen]:
    """The candidate of least validation error, for every method.

    Args:
        data: The rows.
        methods: Names.
        most: Candidates of each.
        jobs: Of :func:`choice_jobs`; a method without any has its first candidate.
        results: Theirs.
    """
    errors: dict[str, dict[float, float]] = {method: {} for method in methods}
    for job, result in zip(jobs, results, strict=True):
        errors[job.task.method][job.task.weight] = result["validation"]
    found = []
    for method, of in errors.items():
        weight = min(of, key=of.__getitem__) if of else candidates(method, most)[0]
        found.append(Chosen(data.name, method, weight, of))
    return found


def final_jobs(data: Samples, chosen: Sequence[Chosen], seeds: Sequence[int]) -> list[Job]:
    """A run of every method with the weight chosen, for each seed."""
    return [
        Job("final", data, Task(one.method, one.weight, seed))
        for one in chosen
        for seed in seeds
    ]


def longer_jobs(data: Samples, chosen: Sequence[Chosen], seed: int) -> list[Job]:
    """The trained baselines once more, with twice the steps."""
    return [
        Job("longer", data, Task(one.method, one.weight, seed, steps=2))
        for one in chosen
        if METHODS[one.method].baseline and METHODS[one.method].trained
    ]
