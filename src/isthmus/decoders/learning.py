"""Gradient descent of an unrolled decoder, watched on rows that it does not see."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor

from isthmus.core.errors import NotConverged
from isthmus.core.protocol import nmse_of
from isthmus.core.random import random_subset
from isthmus.decoders.unrolled import Unrolled

_SCHEDULE = ((0.6, 0.3), (0.85, 0.1))
"""Factors of the learning rate from these fractions of the run on."""
_MOST_GRADIENT = 1.0
_MATRIX_RATE = 0.1  # of the size of a matrix's entries, per learning rate
_PATIENCE = 10
_CHECKS = 20


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


class Rows(NamedTuple):
    """What a decoder learns from.

    Attributes:
        codes: ±1, "sample code".
        target: Rows brought to the decoder's power 1, "sample input".
        unit: Factor back to their own, "sample 1".
    """

    codes: Tensor
    target: Tensor
    unit: Tensor

    def some(self, index: Tensor) -> Rows:
        """Chosen rows."""
        return Rows(self.codes[index], self.target[index], self.unit[index])


class Plan(NamedTuple):
    """How long and how fast.

    Attributes:
        n_steps: Steps.
        batch_size: Rows a step, at most all.
        learning_rate: Of Adam at first.
    """

    n_steps: int
    batch_size: int
    learning_rate: float


def learn(
    net: Unrolled,
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
    optimiser = torch.optim.Adam(_groups(net, plan.learning_rate))
    first = [group["lr"] for group in optimiser.param_groups]
    energy = float((rows.unit * rows.target).square().sum(dim=1).mean())
    every = max(1, plan.n_steps // _CHECKS)
    checks, checked, history = [_error(net, held_out)], [0], []
    best, best_step, skipped, in_a_row = _copy(net), 0, 0, 0
    order = _batches(rng, rows.codes.shape[0], plan.batch_size, plan.n_steps)
    for done, picked in enumerate(order, start=1):
        for group, own in zip(optimiser.param_groups, first, strict=True):
            group["lr"] = own * _factor((done - 1) / plan.n_steps)
        batch = rows.some(torch.from_numpy(picked).to(rows.codes.device))
        history.append(_gradient(net, batch, energy, optimiser))
        if math.isfinite(history[-1]):
            optimiser.step()
            in_a_row = 0
        else:
            skipped, in_a_row = skipped + 1, in_a_row + 1
        if in_a_row == _PATIENCE:
            raise NotConverged(_diverged(done, plan.learning_rate))
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
    net: Unrolled, batch: Rows, energy: float, optimiser: torch.optim.Optimizer
) -> float:
    """Error of a batch, its clipped gradient left in the parameters; NaN if it has none."""
    left = batch.unit * (net(batch.codes) - batch.target)
    loss = left.square().sum(dim=1).mean() / energy
    optimiser.zero_grad()
    loss.backward()
    size = torch.nn.utils.clip_grad_norm_(net.parameters(), _MOST_GRADIENT)
    return float(loss.detach()) if math.isfinite(float(size)) else math.nan


def _error(net: Unrolled, rows: Rows) -> float:
    """NMSE, infinite where it is no number."""
    with torch.no_grad():
        guess = (rows.unit * net(rows.codes)).double().cpu().numpy()
    truth = (rows.unit * rows.target).double().cpu().numpy()
    if not np.isfinite(guess).all():
        return math.inf
    return nmse_of(truth, guess, np.zeros(truth.shape[1]))


def _copy(net: Unrolled) -> dict[str, Any]:
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


def _groups(net: Unrolled, rate: float) -> list[dict[str, Any]]:
    """Numbers, and matrices, whose entries are small and must move less."""
    longest = max(net.frame.n_code, net.frame.n_input)
    parameters = list(net.parameters())
    numbers = [one for one in parameters if not net.is_matrix(one)]
    matrices = [one for one in parameters if net.is_matrix(one)]
    groups: list[dict[str, Any]] = [{"params": numbers, "lr": rate}]
    if matrices:
        groups.append({"params": matrices, "lr": rate * _MATRIX_RATE / math.sqrt(longest)})
    return groups


def _factor(done: float) -> float:
    return min([1.0, *(value for mark, value in _SCHEDULE if done >= mark)])


def _diverged(step: int, rate: float) -> str:
    return (
        "`LearnedDecoder.fit(learning_rate=...)` must keep the error finite; by step "
        f"{step}, at rate {rate:.3g}, it is not. Divide the rate by ten, or look for "
        "outliers in X."
    )
