"""What the study of penalties found."""

from __future__ import annotations

import dataclasses
from typing import Any

from isthmus.experiments.cosentino22_protocol import Chosen, Job
from isthmus.experiments.cosentino22_runs import Recipe


@dataclasses.dataclass(frozen=True)
class PenaltyRun:
    """One autoencoder with the weight that was chosen; errors are NMSE.

    Attributes:
        dataset: Its name.
        method: Its name.
        weight: Of the penalty.
        seed: Of split, starting weights, batches and noise.
        train: Of the rows it was trained on.
        validation: Of the other training rows.
        test: Of the test rows, manifold gap plus encoder gap.
        manifold_gap: Of the nearest points found on the decoder's image.
        encoder_gap: The rest.
        row_standard_error: Of `test`, over rows.
        fall: Share of the training error that the last tenth of steps took away.
        converged: Whether that is below 5 %, or the training error below 0.001.
        reason: Why training ended.
        curve: Steps done and training error.
        seconds: It took.
    """

    dataset: str
    method: str
    weight: float
    seed: int
    train: float
    validation: float
    test: float
    manifold_gap: float
    encoder_gap: float
    row_standard_error: float
    fall: float
    converged: bool
    reason: str
    curve: tuple[tuple[float, float], ...]
    seconds: float


@dataclasses.dataclass(frozen=True, eq=False)
class Study:
    """All runs and how they came about.

    Attributes:
        rows: A run per data set, method and seed, in this order.
        chosen: The weights, and what they were chosen by.
        longer: Baselines of the first seed with twice the steps.
        recipe: What all trained autoencoders share.
        shapes: Training rows, test rows and columns of each data set.
        seconds: Sum of what all runs took, those for the choices too.
    """

    rows: tuple[PenaltyRun, ...]
    chosen: tuple[Chosen, ...]
    longer: tuple[PenaltyRun, ...]
    recipe: Recipe
    shapes: dict[str, tuple[int, int, int]]
    seconds: float


def record(job: Job, result: dict[str, Any]) -> PenaltyRun:
    """A job that was done, with what it gave."""
    task = job.task
    curve = tuple((step, error) for step, error in result["curve"])
    rest = {name: value for name, value in result.items() if name != "curve"}
    return PenaltyRun(
        dataset=job.data.name,
        method=task.method,
        weight=task.weight,
        seed=task.seed,
        curve=curve,
        **rest,
    )
