"""Gradient descent of unrolled layers, watched on rows that they do not see."""

from __future__ import annotations

import abc
import dataclasses
import math
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple, Self

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor

from isthmus.core.door import real_number, whole_number
from isthmus.core.errors import NotConverged, ValueOutOfRange
from isthmus.core.protocol import nmse_of
from isthmus.core.random import random_subset
from isthmus.core.threads import threads_for

_SCHEDULE = ((0.6, 0.3), (0.85, 0.1))
"""Factors of the learning rate from these fractions of the run on."""
_MOST_GRADIENT = 1.0
_PATIENCE = 10
_CHECKS = 20
_OPERATIONS = 2000
"""Of a step, for each entry of its rows: some 300 for each of six layers."""


@dataclasses.dataclass(frozen=True, eq=False)
class LearningCurve:
    """Errors along a training run.

    Attributes:
        nmse: Of every batch before its step, "step".
        checked: Steps done at each check-up, the first of them 0, "check".
        held_out_nmse: Of the rows held out, at each check-up, "check".
        best_step: Steps after which the parameters were taken: least on these rows.
        skipped: Steps left out because their gradient was no number.
    """

    nmse: Float[np.ndarray, " step"]
    checked: Int[np.ndarray, " check"]
    held_out_nmse: Float[np.ndarray, " check"]
    best_step: int
    skipped: int


class AbstractLearner(torch.nn.Module, abc.ABC):
    """Network that :func:`learn` can train."""

    @abc.abstractmethod
    def forward(self, given: Tensor) -> Tensor:
        """Rows of power 1."""

    @abc.abstractmethod
    def step_size(self, parameter: Tensor) -> float:
        """Step of a parameter per learning rate: 1, less where entries are small."""

    @abc.abstractmethod
    def settle(self) -> None:
        """Bring parameters back to where they must lie, after a step."""


class Rows(NamedTuple):
    """What a network learns from.

    Attributes:
        given: What it is given: codes, or rows where it makes the codes itself.
        target: Rows brought to power 1, "sample input".
        unit: Factor of their errors, "sample 1" or "sample input".
    """

    given: Tensor
    target: Tensor
    unit: Tensor

    def some(self, index: Tensor) -> Rows:
        """Chosen rows."""
        return Rows(self.given[index], self.target[index], self.unit[index])


class Plan(NamedTuple):
    """How long and how fast.

    Attributes:
        call: Whose error messages these are.
        n_steps: Steps.
        batch_size: Rows a step, at most all.
        learning_rate: Of Adam at first.
    """

    call: str
    n_steps: int
    batch_size: int
    learning_rate: float

    @classmethod
    def checked(
        cls, call: str, n_steps: object, batch_size: object, learning_rate: object
    ) -> Self:
        """A plan whose numbers are in their domains, or an error that names the call."""
        rate = real_number(f"{call}(learning_rate=...)", learning_rate)
        if not 0.0 < rate < math.inf:
            raise ValueOutOfRange(
                f"`{call}(learning_rate=...)` must be positive and finite; got {rate}."
            )
        return cls(
            call,
            whole_number(f"{call}(n_steps=...)", n_steps, least=1),
            whole_number(f"{call}(batch_size=...)", batch_size, least=1),
            rate,
        )


def learn(
    net: AbstractLearner,
    rows: Rows,
    held_out: Rows,
    plan: Plan,
    rng: np.random.Generator,
    progress: Callable[[int, int], object] | None,
) -> LearningCurve:
    """Train in place and leave the parameters that served the held-out rows best.

    Args:
        net: Trained in place.
        rows: To train on.
        held_out: To choose by.
        plan: How long and how fast.
        rng: Draws the batches.
        progress: Called with the steps done and the steps in all.

    Raises:
        NotConverged: If ten batches in a row give no gradient.
    """
    size = min(plan.batch_size, rows.given.shape[0])
    with threads_for(float(_OPERATIONS * size * rows.target.shape[1])):
        return _learn(net, rows, held_out, plan, rng, progress)


def _learn(
    net: AbstractLearner,
    rows: Rows,
    held_out: Rows,
    plan: Plan,
    rng: np.random.Generator,
    progress: Callable[[int, int], object] | None,
) -> LearningCurve:
    optimiser = torch.optim.Adam(_groups(net, plan.learning_rate))
    first = [group["lr"] for group in optimiser.param_groups]
    energy = float((rows.unit * rows.target).square().sum(dim=1).mean())
    every = max(1, plan.n_steps // _CHECKS)
    checks, checked, history = [_error(net, held_out)], [0], []
    best, best_step, skipped, in_a_row = _copy(net), 0, 0, 0
    order = _batches(rng, rows.given.shape[0], plan.batch_size, plan.n_steps)
    for done, picked in enumerate(order, start=1):
        for group, own in zip(optimiser.param_groups, first, strict=True):
            group["lr"] = own * _factor((done - 1) / plan.n_steps)
        batch = rows.some(torch.from_numpy(picked).to(rows.given.device))
        history.append(_gradient(net, batch, energy, optimiser))
        if math.isfinite(history[-1]):
            optimiser.step()
            net.settle()
            in_a_row = 0
        else:
            skipped, in_a_row = skipped + 1, in_a_row + 1
        if in_a_row == _PATIENCE:
            raise NotConverged(_diverged(plan, done))
        if done % every == 0 or done == plan.n_steps:
            checks.append(_error(net, held_out))
            checked.append(done)
            if checks[-1] < min(checks[:-1]):
                best, best_step = _copy(net), done
        if progress is not None:
            progress(done, plan.n_steps)
    net.load_state_dict(best)
    return LearningCurve(
        np.array(history), np.array(checked), np.array(checks), best_step, skipped
    )


def _gradient(
    net: AbstractLearner, batch: Rows, energy: float, optimiser: torch.optim.Optimizer
) -> float:
    """Error of a batch, its clipped gradient left in the parameters; NaN if it has none."""
    left = batch.unit * (net(batch.given) - batch.target)
    loss = left.square().sum(dim=1).mean() / energy
    optimiser.zero_grad()
    loss.backward()
    size = torch.nn.utils.clip_grad_norm_(net.parameters(), _MOST_GRADIENT)
    return float(loss.detach()) if math.isfinite(float(size)) else math.nan


def _error(net: AbstractLearner, rows: Rows) -> float:
    """NMSE, infinite where it is no number."""
    with torch.no_grad():
        guess = (rows.unit * net(rows.given)).double().cpu().numpy()
    truth = (rows.unit * rows.target).double().cpu().numpy()
    if not np.isfinite(guess).all():
        return math.inf
    return nmse_of(truth, guess, np.zeros(truth.shape[1]))


def _copy(net: AbstractLearner) -> dict[str, Any]:
    return {name: value.detach().clone() for name, value in net.state_dict().items()}


def _batches(
    rng: np.random.Generator, n_rows: int, size: int, n_steps: int
) -> Iterator[np.ndarray]:
    """Indices of every step's rows; every row once before any comes again."""
    size = min(size, n_rows)
    order = np.zeros(0, dtype=np.int64)
    for _ in range(n_steps):
        if order.size < size:
            order = np.append(order, random_subset(rng, n_rows, n_rows))
        yield order[:size]
        order = order[size:]


def _groups(net: AbstractLearner, rate: float) -> list[dict[str, Any]]:
    """Parameters by the size of their steps."""
    groups: dict[float, list[Tensor]] = {}
    for parameter in net.parameters():
        groups.setdefault(net.step_size(parameter), []).append(parameter)
    return [{"params": found, "lr": rate * size} for size, found in groups.items()]


def _factor(done: float) -> float:
    return min([1.0, *(value for mark, value in _SCHEDULE if done >= mark)])


def _diverged(plan: Plan, step: int) -> str:
    return (
        f"`{plan.call}(learning_rate=...)` must keep the error finite; by step {step}, at "
        f"rate {plan.learning_rate:.3g}, it is not. Divide the rate by ten, or look for "
        "outliers in X."
    )
