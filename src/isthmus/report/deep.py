"""A deep autoencoder trained for the report: does it hold off its training rows?"""

from __future__ import annotations

import dataclasses
import importlib.util
import warnings
from typing import TYPE_CHECKING, Any

import numpy as np

from isthmus.core.protocol import measure_errors, row_errors
from isthmus.core.random import as_rng, random_subset
from isthmus.report.costs import Task, Work
from isthmus.report.generalising import (
    MAX_DESCENT,
    N_STARTS,
    NEAR_ROWS,
    Part,
    Regions,
    Slopes,
    look_into,
)
from isthmus.report.partitions import Partition, input_partition, latent_partition

if TYPE_CHECKING:
    from isthmus.estimators.deep import DeepAutoencoder
    from isthmus.report.dimension_records import Dimensions
    from isthmus.report.reach import Ground

HIDDEN = (128, 64)
BATCH = 128
VALIDATION = 0.1
"""Share of the training rows that chooses the epoch."""
MOST_STEPS = 2000
LEAST_STEPS = 200
MOST_CODE = 32
MOST_COLUMNS = 4096
LEAST_ROWS = 100
SPLIT_ROWS = 300
"""Held-out rows whose error is split, whose slopes are looked at."""
FIT_ROWS = 20_000
BUDGET_SHARE = 0.15
_STEP = 2e7  # operations that a step of the smallest network is worth
_CODE = 16  # latent dimensions that a plan assumes
_DRAWING = 6e10
NO_EXTRA = (
    "No deep autoencoder was trained: that needs torch, which the extra brings: "
    "pip install 'isthmus[torch]'."
)


@dataclasses.dataclass(frozen=True, eq=False)
class Deep:
    """One deep autoencoder, trained on training rows alone.

    Attributes:
        n_code: Latent dimensions.
        why_code: Where that number is from, a clause.
        hidden: Widths of the encoder.
        n_parameters: Weights and biases.
        n_fit: Training rows it saw.
        n_chosen: Others set aside, which chose the epoch.
        n_epochs: Passes over them.
        best_epoch: The one whose weights were taken.
        history: Training NMSE after each epoch.
        chosen_history: That of the rows set aside.
        train: NMSE of the rows it saw.
        test: NMSE of held-out rows.
        n_test: How many.
        principal: NMSE of as many principal components on the same rows.
        better: Principal components' NMSE less its own, paired.
        train_rows: Quantiles of the relative squared error of training rows, ascending.
        test_rows: The same of held-out rows.
        n_split: Held-out rows for all that follows.
        manifold_gap: NMSE of the nearest point found on the decoder's image.
        encoder_gap: The rest of their NMSE.
        regions: In encoder, decoder and both.
        slopes: Against local tangents; None where rows are too few.
        input: Regions on the plane through three held-out rows.
        latent: Regions of the decoder on the plane through their codes; None with one
            latent dimension.
    """

    n_code: int
    why_code: str
    hidden: tuple[int, ...]
    n_parameters: int
    n_fit: int
    n_chosen: int
    n_epochs: int
    best_epoch: int
    history: np.ndarray
    chosen_history: np.ndarray
    train: Part
    test: Part
    n_test: int
    principal: Part
    better: Part
    train_rows: np.ndarray
    test_rows: np.ndarray
    n_split: int
    manifold_gap: Part
    encoder_gap: Part
    regions: tuple[Regions, ...]
    slopes: Slopes | None
    input: Partition | None
    latent: Partition | None


def deep_work(task: Task, n_steps: int) -> Work:
    """Steps of training, and nearest points of some held-out rows."""
    weights = 2.0 * (task.n_input * HIDDEN[0] + HIDDEN[0] * HIDDEN[1])
    step = 6.0 * weights * BATCH + _STEP
    slopes = 4.0 * weights * _CODE * N_STARTS * MAX_DESCENT
    rows = float(min(task.n_test, SPLIT_ROWS))
    near = 4.0 * task.n_input * (rows * NEAR_ROWS + 2.0 * rows * task.n_fit)
    return Work(step * n_steps + rows * slopes + near + _DRAWING, 30.0 * weights * n_steps)


def steps_in(task: Task, seconds: float) -> int:
    """Steps of training that fit, at most 2000."""
    none, one = (deep_work(task, n).assumed_seconds for n in (0, 1))
    return int(np.clip((seconds - none) / (one - none), 0, MOST_STEPS))


def why_no_deep(task: Task, budget: float) -> str:
    """Why no deep autoencoder is trained, in one sentence; empty if one is."""
    if importlib.util.find_spec("torch") is None:
        return NO_EXTRA
    if task.n_fit < LEAST_ROWS:
        return f"No deep autoencoder was trained: fewer than {LEAST_ROWS} training rows."
    if not 2 <= task.n_input <= MOST_COLUMNS:
        return (
            f"No deep autoencoder was trained: a report does so for 2 to {MOST_COLUMNS:,} "
            "columns. In Python, isthmus.DeepAutoencoder takes any number."
        )
    if steps_in(task, BUDGET_SHARE * budget) < LEAST_STEPS:
        return (
            f"No deep autoencoder was trained: {LEAST_STEPS} steps of training do not fit "
            "into the budget. A larger --budget has room for it."
        )
    return ""


def planned(task: Task, budget: float) -> Work | None:
    """Of as many steps as there is time for; None where it is left out."""
    if why_no_deep(task, budget):
        return None
    return deep_work(task, steps_in(task, BUDGET_SHARE * budget))


def measure_deep(ground: Ground, shape: Dimensions | None, n_steps: int) -> Deep:
    """Train on the training rows, and look at what it does off them.

    Args:
        ground: Training rows, held-out rows and principal axes.
        shape: How many dimensions the rows have; None if that is not known.
        n_steps: Mini-batches.

    Returns:
        The record.
    """
    n_code, why = code_length(ground, shape)
    chosen = random_subset(
        as_rng(ground.seed), len(ground.fit), min(len(ground.fit), FIT_ROWS)
    )
    fit = np.asarray(ground.fit[np.sort(chosen)], dtype=np.float64)
    model, fit, n_chosen = _trained(fit, n_code, n_steps, ground.seed)
    test = np.asarray(ground.test, dtype=np.float64)
    errors, before = _errors(model, test), _errors(model, fit)
    own = measure_errors(errors, ground.energy, ground.group)
    axes = ground.principal.basis[:, :n_code]
    left = test - ground.principal.mean
    linear = np.sum((left - (left @ axes) @ axes.T) ** 2, axis=1)
    other = measure_errors(linear, ground.energy, ground.group)
    better = measure_errors(linear - errors, ground.energy, ground.group)
    energy = row_errors(fit, ground.principal.mean)
    seen = measure_errors(before, energy)
    levels = np.linspace(0.0, 1.0, 101)
    some = np.sort(
        random_subset(as_rng(ground.seed), len(test), min(len(test), SPLIT_ROWS))
    )
    return Deep(
        n_code=n_code,
        why_code=why,
        hidden=HIDDEN,
        n_parameters=sum(p.numel() for p in model.network_.parameters()),
        n_fit=len(fit),
        n_chosen=n_chosen,
        n_epochs=int(model.n_epochs_),
        best_epoch=int(model.best_epoch_),
        history=np.asarray(model.history_),
        chosen_history=np.asarray(model.validation_history_),
        train=Part(seen.value, seen.standard_error),
        test=Part(own.value, own.standard_error),
        n_test=len(test),
        principal=Part(other.value, other.standard_error),
        better=Part(better.value, better.standard_error),
        train_rows=np.quantile(before / energy.mean(), levels),
        test_rows=np.quantile(errors / ground.energy.mean(), levels),
        n_split=len(some),
        **_looked_into(model, fit, test[some], shape),
    )


def code_length(ground: Ground, shape: Dimensions | None) -> tuple[int, str]:
    """As many latent dimensions as the rows were found to need, and words for it."""
    most = min(MOST_CODE, ground.principal.rank, ground.task.n_input)
    if shape is None:
        return min(8, most), "a common number, since their dimension is not known"
    wanted = max(shape.estimated_lower, shape.dimension, 1)
    if wanted > most:
        return most, f"fewer than the {wanted} that the rows were found to need"
    return wanted, "as many as the rows were found to need"


def _trained(
    rows: np.ndarray, n_code: int, n_steps: int, seed: int
) -> tuple[DeepAutoencoder, np.ndarray, int]:
    """The network, the rows it saw, and how many others chose the epoch."""
    from isthmus.estimators.deep import DeepAutoencoder
    from isthmus.estimators.deep_parameters import validation_rows

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # as many latent dimensions as columns
        seen = rows[validation_rows(rows, VALIDATION, as_rng(seed))[0]]
        size = min(BATCH, len(seen))
        model = DeepAutoencoder(
            n_code,
            hidden_layer_sizes=HIDDEN,
            n_epochs=max(1, round(n_steps * size / len(seen))),
            batch_size=size,
            validation_fraction=VALIDATION,
            patience=None,
            random_state=seed,
        ).fit(rows)
    return model, seen, len(rows) - len(seen)


def _errors(model: DeepAutoencoder, rows: np.ndarray) -> np.ndarray:
    return row_errors(rows, model.inverse_transform(model.transform(rows)))


def _looked_into(
    model: DeepAutoencoder, fit: np.ndarray, test: np.ndarray, shape: Dimensions | None
) -> dict[str, Any]:
    """What the network's pieces tell of rows that it did not see."""
    network = model.network_
    parts = (network.encoder, network.decoder)
    old, new = ((x - model.mean_) / model.scale_ for x in (fit, test))
    dim = 1 if shape is None else shape.dimension
    looked = look_into(*parts, old, new, dim=dim, unit=float(model.scale_))
    del looked["n_code"]
    return {
        **looked,
        "input": input_partition(network, new),
        "latent": latent_partition(network, model.transform(test).astype(np.float64)),
    }
