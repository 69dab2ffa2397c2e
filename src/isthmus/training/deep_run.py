"""A training run as a state that can be written down after any epoch and taken up again."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from isthmus.core.errors import DataError
from isthmus.training.checkpoint import (
    Checkpoint,
    check_fingerprint,
    read_checkpoint,
    write_checkpoint,
)
from isthmus.training.deep_plan import epoch_draws
from isthmus.training.deep_steps import (
    Steps,
    is_finite,
    mean_squared_error,
    restore,
    snapshot,
)
from isthmus.training.devices import seed_torch

EXPLODED = 1e3  # times the error of answering zero
LOOK_BACK = 1024  # rows that show whether an epoch's last step was a good one
_MOMENTS = ("step", "exp_avg", "exp_avg_sq")


@dataclasses.dataclass
class RunState:
    """Where a run stands.

    Attributes:
        seed: Of the run: orders of rows and torch's generator follow from it.
        epoch: Epochs done.
        best_epoch: The one whose weights are kept.
        best_error: Their validation error.
        reason: Why the run ended; empty while it goes on.
        culprit: Name of a penalty that was not finite; empty for none.
    """

    seed: int
    epoch: int = 0
    best_epoch: int = 0
    best_error: float = math.inf
    reason: str = ""
    culprit: str = ""
    errors: list[float] = dataclasses.field(default_factory=list)
    validation_errors: list[float] = dataclasses.field(default_factory=list)


class Run:
    """One run on fixed rows.

    Args:
        steps: The network and its optimiser.
        rows: To train on, "sample input", on the network's device.
        held: To choose by, or None.
        seed: See :class:`RunState`.
    """

    def __init__(self, steps: Steps, rows: Tensor, held: Tensor | None, seed: int) -> None:
        self.steps, self.rows, self.held = steps, rows, held
        self.network, self.plan = steps.network, steps.plan
        self.whole = steps.whole
        self.state = RunState(seed)
        self.kept = snapshot(self.whole)
        power = _largest_power(rows)
        self._most = EXPLODED * power
        self._most_held = EXPLODED * (power if held is None else _largest_power(held))
        self.n_steps = -(-len(rows) // min(self.plan.batch_size, len(rows)))

    def advance(self, tell: Callable[[int, int], object] | None) -> None:
        """One epoch, and the judgement on it."""
        state, total = self.state, self.n_steps * self.plan.n_epochs
        begin = state.epoch * self.n_steps
        torch_seed, order = epoch_draws(state.seed, state.epoch, len(self.rows))
        seed_torch(torch_seed, self.rows.device)
        error = self.steps.epoch(
            self.rows,
            order,
            lambda step: self.plan.rate(begin + step, total),
            None if tell is None else lambda step: tell(begin + step, total),
        )
        state.epoch += 1
        state.errors.append(error)
        good = error <= self._most and is_finite(self.whole)
        if not self.steps.penalty_was_finite:
            state.culprit, good = _name(self.steps.penalty), False
        if self.held is not None:
            found = mean_squared_error(self.network, self.held)
            state.validation_errors.append(found)
            good = good and found <= max(self._most, self._most_held)
        elif good:  # errors before each step do not tell what the last one did
            good = mean_squared_error(self.network, self.rows[:LOOK_BACK]) <= self._most
        self._judge(good)
        if tell is not None:
            tell(begin + self.n_steps, total)

    def _judge(self, good: bool) -> None:
        state, plan = self.state, self.plan
        error = state.validation_errors[-1] if self.held is not None else -state.epoch
        if good and error < state.best_error:
            state.best_epoch, state.best_error = state.epoch, error
            for name, part in self.whole.state_dict().items():
                self.kept[name].copy_(part)
        waited = state.epoch - state.best_epoch
        if not good:
            state.reason = "exploded"
        elif plan.patience is not None and waited >= plan.patience:
            state.reason = "patience"
        elif state.epoch >= plan.n_epochs:
            state.reason = "finished"
        if state.reason:
            restore(self.whole, self.kept)

    def write(self, path: Path, fingerprint: dict[str, Any]) -> None:
        """Leave a checkpoint."""
        state = dataclasses.asdict(self.state)
        arrays = {
            "errors": np.array(state.pop("errors")),
            "validation_errors": np.array(state.pop("validation_errors")),
        }
        best = state.pop("best_error")
        arrays["best_error"] = np.array([best])
        arrays |= _named("weights", self.whole.state_dict())
        if not self.state.reason:
            arrays |= _named("kept", self.kept)
            for i, moments in self.steps.optimiser.state_dict()["state"].items():
                arrays |= _named(f"optimiser/{i}", moments)
        write_checkpoint(path, Checkpoint(fingerprint, state, arrays))

    def take_up(self, path: Path, fingerprint: dict[str, Any]) -> None:
        """Go on where a checkpoint was left.

        Raises:
            DataError: If it is damaged or of another run.
        """
        found = read_checkpoint(path)
        check_fingerprint(path, found.fingerprint, fingerprint)
        try:
            self._restore(found)
        except (KeyError, TypeError, RuntimeError) as error:
            raise DataError(
                f"`{path.name}` lacks a part of its checkpoint: {error}. Delete it to "
                "start anew."
            ) from error

    def _restore(self, found: Checkpoint) -> None:
        arrays = found.arrays
        restore(self.whole, _tensors("weights", arrays))
        if found.state["reason"]:
            self.kept = snapshot(self.whole)
        else:
            kept = _tensors("kept", arrays)
            for name, part in self.kept.items():
                part.copy_(kept[name])
            self._restore_optimiser(arrays)
        self.state = RunState(
            **found.state,
            best_error=float(arrays["best_error"][0]),
            errors=arrays["errors"].tolist(),
            validation_errors=arrays["validation_errors"].tolist(),
        )

    def _restore_optimiser(self, arrays: dict[str, np.ndarray]) -> None:
        optimiser = self.steps.optimiser
        numbers = {
            int(name.split("/")[1]) for name in arrays if name.startswith("optimiser/")
        }
        moments = {i: _tensors(f"optimiser/{i}", arrays) for i in numbers}
        groups = optimiser.state_dict()["param_groups"]
        optimiser.load_state_dict({"state": moments, "param_groups": groups})


def _largest_power(rows: Tensor) -> float:
    """Mean square of the block of rows where it is largest."""
    return max(float(part.square().mean()) for part in torch.split(rows, 4096))


def _name(penalty: object) -> str:
    return str(getattr(penalty, "__name__", type(penalty).__name__))


def _named(prefix: str, parts: dict[str, Tensor]) -> dict[str, np.ndarray]:
    return {f"{prefix}/{name}": part.detach().cpu().numpy() for name, part in parts.items()}


def _tensors(prefix: str, arrays: dict[str, np.ndarray]) -> dict[str, Tensor]:
    """Copies in torch's own memory: how it is aligned may decide the last bit of a sum."""
    start = f"{prefix}/"
    return {
        name.removeprefix(start): torch.tensor(array)
        for name, array in arrays.items()
        if name.startswith(start)
    }
