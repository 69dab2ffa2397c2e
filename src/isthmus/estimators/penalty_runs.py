"""One autoencoder of a comparison of penalties, trained and measured; many at a time."""

from __future__ import annotations

import dataclasses
import math
import warnings
from collections.abc import Sequence
from typing import Any

import numpy as np
from jaxtyping import Float, Int

from isthmus.core.errors import DataWarning, TrainingWarning
from isthmus.core.progress import Progress
from isthmus.core.protocol import hold_out, nmse_of
from isthmus.data import Principal

PLAIN, PRINCIPAL = "plain", "principal components"
TEST_SHARE, CHOICE_SHARE = 0.25, 0.2
SETTLED = 0.05
"""Share of its training error that the last tenth of a run may still take away."""

Rows = Float[np.ndarray, "sample input"]


@dataclasses.dataclass(frozen=True, eq=False)
class Splits:
    """Who is fitted, who chooses and who measures.

    Attributes:
        rows: All of them.
        choice: Rows to choose weights by; never fitted, never measured on.
        fit: Rows to fit on, for each seed.
        test: Rows to measure on, for each seed.
    """

    rows: Rows
    choice: Int[np.ndarray, " choice"]
    fit: tuple[np.ndarray, ...]
    test: tuple[np.ndarray, ...]

    @classmethod
    def drawn(cls, rows: Rows, n_seeds: int, rng: np.random.Generator) -> Splits:
        """Rows to choose by once, the others anew for each seed; equal rows stay together.

        Examples:
            >>> rng = np.random.default_rng(0)
            >>> found = Splits.drawn(np.arange(80.0).reshape(40, 2), 3, rng)
            >>> found.choice.size, [part.size for part in found.fit], found.test[0].size
            (8, [24, 24, 24], 8)
        """
        first = hold_out(rows, rng=rng, n_test=round(CHOICE_SHARE * len(rows)))
        others, fit, test = first.train, [], []
        for _ in range(n_seeds):
            held = hold_out(rows[others], rng=rng, n_test=round(TEST_SHARE * len(others)))
            fit.append(others[held.train])
            test.append(others[held.test])
        return cls(rows, first.test, tuple(fit), tuple(test))


@dataclasses.dataclass(frozen=True)
class PenaltyRun:
    """One autoencoder.

    Attributes:
        name: Of the penalty, ``"plain"`` or ``"principal components"``.
        weight: Of the penalty; None where there is none.
        seed: Number of the split, from 0; also that of starting weights and batches.
        train: NMSE of the fitted rows.
        choice: NMSE of the rows that weights are chosen by.
        test: NMSE of test rows.
        fall: Share of the training error that the last tenth of epochs took away.
    """

    name: str
    weight: float | None
    seed: int
    train: float
    choice: float
    test: float
    fall: float


Job = tuple[str, float | None, int]
"""Name, weight and seed number."""


def run_all(
    jobs: Sequence[Job],
    splits: Splits,
    settings: dict[str, Any],
    words: Sequence[int],
    n_jobs: int | None,
    progress: Progress | None,
    done: tuple[int, int],
) -> list[PenaltyRun]:
    """Every job, in order, whatever the number of them at a time.

    Args:
        jobs: What to train.
        splits: Of the rows.
        settings: Of :class:`isthmus.DeepAutoencoder`, and `n_steps`.
        words: `random_state` of each seed number, alike for all penalties.
        n_jobs: At a time.
        progress: Called with a label, runs done and runs in all.
        done: Runs done before, and all that there are.
    """
    from joblib import Parallel, delayed

    work = (
        delayed(run_one)(job, splits, settings | {"random_state": words[job[2]]})
        for job in jobs
    )
    found: list[PenaltyRun] = []
    for run in Parallel(n_jobs=n_jobs, return_as="generator")(work):
        found.append(run)
        if progress is not None:
            progress(f"penalty {run.name}", done[0] + len(found), done[1])
    return found


def run_one(job: Job, splits: Splits, settings: dict[str, Any]) -> PenaltyRun:
    """Train one autoencoder, or take principal components, and measure it."""
    name, weight, seed = job
    fit = splits.rows[splits.fit[seed]]
    back: Any
    if name == PRINCIPAL:
        back, fall = _principal(fit, settings["n_code"]), 0.0
    else:
        model = _trained(name, weight, fit, settings)
        fall = fallen(model.history_)

        def back(rows: Rows) -> Rows:
            return model.inverse_transform(model.transform(rows))

    mean = fit.mean(axis=0)
    parts = (fit, splits.rows[splits.choice], splits.rows[splits.test[seed]])
    train, choice, test = (_finite(nmse_of(part, back(part), mean)) for part in parts)
    return PenaltyRun(name, weight, seed, train, choice, test, fall)


def batch_size(n_fit: int) -> int:
    """Rows a step: at least eight steps an epoch where rows are few.

    Examples:
        >>> [batch_size(n) for n in (12, 30, 300, 5000)]
        [12, 16, 37, 128]
    """
    return min(n_fit, int(np.clip(n_fit // 8, 16, 128)))


def fallen(errors: np.ndarray) -> float:
    """Share of the training error that the last tenth of epochs took away, at least 0.

    Examples:
        >>> fallen(np.full(100, 0.3)), round(fallen(np.linspace(1.0, 0.1, 100)), 2)
        (0.0, 0.43)
    """
    part = max(1, len(errors) // 20)
    late = float(np.mean(errors[-part:]))
    before = float(np.mean(errors[-3 * part : -2 * part] if len(errors) > 2 else errors))
    if not (math.isfinite(late) and math.isfinite(before)) or before <= 0:
        return 0.0
    return max(0.0, 1.0 - late / before)


def _trained(name: str, weight: float | None, fit: Rows, settings: dict[str, Any]) -> Any:
    from isthmus.estimators import DeepAutoencoder

    options = dict(settings)
    size = batch_size(len(fit))
    per_epoch = -(-len(fit) // size)
    n_epochs = max(1, round(options.pop("n_steps") / per_epoch))
    if name != PLAIN:
        options |= {"penalty": name, "penalty_weight": weight}
    with warnings.catch_warnings():
        # as many latent dimensions as columns; an exploded run keeps its last good weights
        warnings.simplefilter("ignore", DataWarning)
        warnings.simplefilter("ignore", TrainingWarning)
        return DeepAutoencoder(
            n_epochs=n_epochs,
            batch_size=size,
            validation_fraction=0.0,
            patience=None,
            device="cpu",
            **options,
        ).fit(fit)


def _principal(fit: Rows, n_code: int) -> Any:
    axes = Principal.from_rows(fit)
    basis, mean = axes.basis[:, :n_code], axes.mean
    return lambda rows: mean + ((rows - mean) @ basis) @ basis.T


def _finite(value: float) -> float:
    return value if math.isfinite(value) else math.inf
