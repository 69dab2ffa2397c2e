"""Training of deep autoencoders that a crash cannot take back."""

from __future__ import annotations

import contextlib
import dataclasses
import time
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn

from isthmus.core.errors import TrainingWarning
from isthmus.core.files import checksum
from isthmus.core.random import as_rng, raw_words
from isthmus.core.threads import threads_for
from isthmus.core.typing import Matrix
from isthmus.training.checkpoint import checked_path, read_checkpoint
from isthmus.training.deep_checks import (
    CALL,
    check_network,
    check_shape,
    held_out_rows,
    to_tensor,
)
from isthmus.training.deep_plan import TrainingPlan
from isthmus.training.deep_run import Run
from isthmus.training.deep_steps import Penalty, Steps
from isthmus.training.devices import resolve_device
from isthmus.training.samples import check_samples

_EXPLAINED = {
    "finished": "all {epoch} epochs were done",
    "patience": "no better validation error since epoch {best_epoch}",
    "exploded": "the error exploded in epoch {epoch}; the last good weights are of epoch "
    "{best_epoch}",
    "penalty": "the penalty {culprit} was not finite in epoch {epoch}; the last good "
    "weights are of epoch {best_epoch}",
}


@dataclasses.dataclass(frozen=True)
class TrainingHistory:
    """Errors along a run, squared and per coordinate, in the square of the rows' unit.

    Attributes:
        mse: Of the training batches of each epoch, each taken before its step, "epoch".
        validation_mse: Of the validation rows after each epoch; None without such rows.
    """

    mse: np.ndarray
    validation_mse: np.ndarray | None


@dataclasses.dataclass(frozen=True, eq=False)
class TrainedAutoencoder:
    """What a run left behind.

    Attributes:
        network: The one that was given, with the weights of the best epoch.
        history: Errors along the run.
        best_epoch: Epochs after which these weights were taken: least validation error,
            or the last good epoch without validation rows. 0 is the start.
        n_epochs: Epochs done.
        reason: ``"finished"``, ``"patience"`` or ``"exploded"``.
        explanation: The same in words.
        resumed_at: Epochs done before, in the checkpoint that was taken up; 0 without.
        seconds: Wall time of this call.
    """

    network: nn.Module
    history: TrainingHistory
    best_epoch: int
    n_epochs: int
    reason: str
    explanation: str
    resumed_at: int
    seconds: float


def train_autoencoder(
    network: nn.Module,
    x: Matrix,
    *,
    validation: Matrix | None = None,
    n_epochs: int = 100,
    batch_size: int = 128,
    learning_rate: float = 3e-3,
    optimizer: str = "adam",
    weight_decay: float = 0.0,
    schedule: str = "cosine",
    clip_norm: float | None = None,
    patience: int | None = None,
    checkpoint: object = None,
    device: object = "auto",
    mixed_precision: bool = False,
    penalty: Penalty | None = None,
    rng: np.random.Generator | int | None,
    progress: Callable[[int, int], object] | None = None,
) -> TrainedAutoencoder:
    r"""Train a network to reconstruct rows, by mini-batches of Adam.

    .. math:: \min_\theta \frac{1}{N d} \sum_t \|x_t - f_\theta(x_t)\|^2 + \text{penalty}

    The order of the rows, and what torch draws, follow from the seed and the number of
    the epoch. So a run that was killed and taken up from its checkpoint ends, on the CPU of
    one machine with one number of threads, with the very bits of one that was not.

    Args:
        network: Rows "sample input" to rows of the same shape; trained in place and moved
            to the device. A penalty needs its parts as `encoder` and `decoder`.
        x: Rows, "sample input"; they are brought to the network's type.
        validation: Rows to choose the best epoch by.
        n_epochs: Passes over the rows, at most.
        batch_size: Rows a step; where there are fewer, a step takes all.
        learning_rate: Of the first step, positive.
        optimizer: ``"adam"``, or ``"adamw"``, which decays weights apart from the gradient.
        weight_decay: Zero or positive, for all weights and biases.
        schedule: ``"cosine"`` to zero over `n_epochs`, or ``"constant"``.
        clip_norm: Longest gradient; None for any length.
        patience: Epochs without a better validation error before training ends; None, or
            without validation rows, it goes on to the end.
        checkpoint: Path ending in .safetensors: the state after every epoch, replaced
            whole. If it is there already, training goes on from it.
        device: As torch names it; ``"auto"`` for CUDA, MPS or CPU, whichever comes first.
        mixed_precision: Whether products are taken in bfloat16.
        penalty: One of :mod:`isthmus.training.penalties`, whose own parameters are trained
            along without weight decay; or (network, batch, codes, reconstruction) ->
            scalar. It is added to the loss.
        rng: Seed or generator. None draws a seed, or takes that of the checkpoint.
        progress: Called with the steps done and the steps in all.

    Returns:
        The network and how it came about.

    Raises:
        DataError: If rows are not finite numbers or all zero, or the checkpoint is damaged
            or of another run.
        OutputError: If the checkpoint cannot be written.
        ValueOutOfRange: If an argument is outside its domain, or the network's output does
            not have the shape of its input.

    Warns:
        TrainingWarning: If the error exploded: training stops there, and the network has
            the last good weights.

    Examples:
        >>> from isthmus.models import DenseAutoencoder
        >>> rows = np.outer(np.linspace(-1, 1, 200), [1.0, 2.0, -1.0])
        >>> network = DenseAutoencoder(3, 1, hidden_layer_sizes=(), rng=0)
        >>> found = train_autoencoder(
        ...     network, rows, n_epochs=60, batch_size=20, learning_rate=0.02, rng=0
        ... )
        >>> bool(found.history.mse[-1] < 1e-3 < found.history.mse[0]), found.reason
        (True, 'finished')

    References:
        [kingma:15]
    """
    began = time.perf_counter()
    plan = TrainingPlan.checked(
        CALL,
        n_epochs=n_epochs,
        batch_size=batch_size,
        learning_rate=learning_rate,
        optimizer=optimizer,
        weight_decay=weight_decay,
        schedule=schedule,
        clip_norm=clip_norm,
        patience=patience if validation is not None else None,
        mixed_precision=mixed_precision,
    )
    path = (
        None if checkpoint is None else checked_path(f"{CALL}(checkpoint=...)", checkpoint)
    )
    place = resolve_device(CALL, device)
    check_network(network, penalty)
    values = check_samples(CALL, x, None).values
    held = None if validation is None else held_out_rows(validation, values.shape[1])
    network.to(place)
    rows = to_tensor(values, network)
    check_shape(network, rows)
    seed = _seed(rng, path)
    with _reproducible(place), threads_for(_operations(network, plan, len(rows))):
        run = Run(
            Steps(network, plan, penalty),
            rows,
            None if held is None else to_tensor(held, network).clone(),
            seed,
        )
        mark = (
            None
            if path is None
            else _fingerprint(network, values, held, plan, seed, penalty)
        )
        resumed_at = _go(run, path, mark, progress)
    network.eval()
    return _result(run, resumed_at, time.perf_counter() - began)


def _go(
    run: Run,
    path: Path | None,
    mark: dict[str, Any] | None,
    tell: Callable[[int, int], object] | None,
) -> int:
    """All epochs that are left; returns the epochs that a checkpoint brought."""
    if path is not None and mark is not None and path.exists():
        run.take_up(path, mark)
    resumed_at = run.state.epoch
    while not run.state.reason:
        run.advance(tell)
        if path is not None and mark is not None:
            run.write(path, mark)
    return resumed_at


def _result(run: Run, resumed_at: int, seconds: float) -> TrainedAutoencoder:
    state = run.state
    kind = "penalty" if state.culprit else state.reason
    explanation = _EXPLAINED[kind].format(
        epoch=state.epoch, best_epoch=state.best_epoch, culprit=state.culprit
    )
    if state.reason == "exploded":
        less = "Lower its weight, divide" if state.culprit else "Divide"
        warnings.warn(
            f"Training stopped: {explanation}. {less} learning_rate="
            f"{run.plan.learning_rate:g} by ten, give clip_norm=1.0, or look for outliers.",
            TrainingWarning,
            stacklevel=3,
        )
    found = np.array(state.validation_errors) if run.held is not None else None
    return TrainedAutoencoder(
        run.network,
        TrainingHistory(np.array(state.errors), found),
        state.best_epoch,
        state.epoch,
        state.reason,
        explanation,
        resumed_at,
        seconds,
    )


def _operations(network: nn.Module, plan: TrainingPlan, n_rows: int) -> float:
    """Of a step: three products with every weight; convolutions take more."""
    weights = list(network.parameters())
    if any(part.ndim > 2 for part in weights):
        return float("inf")
    return 6.0 * min(plan.batch_size, n_rows) * sum(part.numel() for part in weights)


def _seed(rng: np.random.Generator | int | None, path: Path | None) -> int:
    if rng is None and path is not None and path.exists():
        return int(read_checkpoint(path).state["seed"])
    return int(raw_words(as_rng(rng), 1)[0])


def _fingerprint(
    network: nn.Module,
    values: np.ndarray,
    held: np.ndarray | None,
    plan: TrainingPlan,
    seed: int,
    penalty: object,
) -> dict[str, Any]:
    """What a checkpoint must agree with before a run goes on from it."""
    sizes = {name: tuple(part.shape) for name, part in network.state_dict().items()}
    data = {"x": values} if held is None else {"x": values, "validation": held}
    name = None if penalty is None else getattr(penalty, "__qualname__", repr(penalty))
    return {
        "architecture": f"{network}|{sizes}",
        "data": checksum(data),
        "settings": {**dataclasses.asdict(plan), "penalty": name, "seed": seed},
    }


@contextlib.contextmanager
def _reproducible(place: torch.device) -> Iterator[None]:
    """Torch draws from the run's seed, and the caller's generators stay where they were."""
    devices = [place] if place.type == "cuda" else []
    cudnn = torch.backends.cudnn
    before = cudnn.deterministic, cudnn.benchmark
    cudnn.deterministic, cudnn.benchmark = True, False
    try:
        with torch.random.fork_rng(devices=devices):
            yield
    finally:
        cudnn.deterministic, cudnn.benchmark = before
