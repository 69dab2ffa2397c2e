"""Epochs of mini-batch descent on a network, and what its weights are worth."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from isthmus.training.deep_plan import TrainingPlan
from isthmus.training.penalties.base import AbstractPenalty

Penalty = Callable[[nn.Module, Tensor, Tensor, Tensor], Tensor]
"""(network, batch, codes, reconstruction) -> scalar, added to the loss."""

_BLOCK = 2048  # rows looked at together, where nothing is trained
_TELL_EVERY = 64


class Steps:
    """An optimiser at work on one network.

    The loss of a batch is its mean squared error per coordinate, and the penalty.

    Args:
        network: Trained in place, on the device where it lies.
        plan: Batch size, optimiser, clipping.
        penalty: See :data:`Penalty`; needs a network of an `encoder` and a `decoder`. One
            of isthmus' own is moved to the network's device and type, and its parameters
            are trained along, without weight decay.

    Attributes:
        whole: All that is trained: the network, or it and the penalty.
        penalty_was_finite: Whether the penalty was, at every step of the last epoch where
            the error was.
    """

    def __init__(
        self, network: nn.Module, plan: TrainingPlan, penalty: Penalty | None = None
    ) -> None:
        self.network, self.plan, self.penalty = network, plan, penalty
        self._weights = [p for p in network.parameters() if p.requires_grad]
        self._device = self._weights[0].device
        self.whole = network
        groups: list[dict[str, Any]] = [{"params": list(self._weights)}]
        if isinstance(penalty, AbstractPenalty):
            penalty.to(self._weights[0])
            self.whole = nn.ModuleDict({"network": network, "penalty": penalty})
            more = [p for p in penalty.parameters() if p.requires_grad]
            if more:
                groups.append({"params": more, "weight_decay": 0.0})
                self._weights += more
        self.penalty_was_finite = True
        self._finite: list[Tensor] = []
        make = torch.optim.AdamW if plan.optimizer == "adamw" else torch.optim.Adam
        self.optimiser: torch.optim.Optimizer = make(
            groups,
            lr=plan.learning_rate,
            weight_decay=plan.weight_decay,
            fused=self._device.type in ("cpu", "cuda"),
        )

    def epoch(
        self,
        rows: Tensor,
        order: np.ndarray,
        rate: Callable[[int], float],
        tell: Callable[[int], object] | None = None,
    ) -> float:
        """One pass over the rows.

        Args:
            rows: "sample input", on the network's device.
            order: Row numbers.
            rate: Learning rate of each step of this epoch, counted from 0.
            tell: Called now and then with the steps done.

        Returns:
            Mean squared error of the batches, each before its step.
        """
        self.network.train()
        self._finite.clear()
        size = min(self.plan.batch_size, len(order))
        picked = torch.split(torch.from_numpy(order).to(rows.device), size)
        buffer = rows.new_empty(size, rows.shape[1])
        errors = []
        for step, index in enumerate(picked):
            batch = torch.index_select(rows, 0, index, out=buffer[: len(index)])
            for group in self.optimiser.param_groups:
                group["lr"] = rate(step)
            errors.append(self._step(batch) * len(index))
            if tell is not None and step % _TELL_EVERY == 0:
                tell(step)
        self.penalty_was_finite = all(bool(part) for part in self._finite)
        return float(torch.stack(errors).cpu().double().sum()) / len(order)

    def _step(self, batch: Tensor) -> Tensor:
        self.optimiser.zero_grad(set_to_none=True)
        with self._precision():
            if self.penalty is None:
                error = nn.functional.mse_loss(self.network(batch), batch)
                loss = error
            else:
                error, term = self._error_and_term(batch, self.penalty)
                blown = error.detach().isfinite() & ~term.detach().isfinite().all()
                self._finite.append(~blown)
                loss = error + term
        loss.backward()  # type: ignore[no-untyped-call]
        if self.plan.clip_norm is not None:
            nn.utils.clip_grad_norm_(self._weights, self.plan.clip_norm, foreach=True)
        self.optimiser.step()
        return error.detach()

    def _error_and_term(self, batch: Tensor, penalty: Penalty) -> tuple[Tensor, Tensor]:
        """Error of the reconstruction, and the penalty, in full precision if it is ours."""
        network, own = self.network, isinstance(penalty, AbstractPenalty)
        given, wanted = penalty.pair(batch) if own else (batch, batch)  # type: ignore[attr-defined]
        codes: Tensor = network.encoder(given)  # type: ignore[operator]
        found: Tensor = network.decoder(codes)  # type: ignore[operator]
        error = nn.functional.mse_loss(found, wanted)
        if not (own and self.plan.mixed_precision):
            return error, penalty(network, given, codes, found)
        with torch.autocast(self._device.type, enabled=False):
            full = (part.to(given.dtype) for part in (codes, found))
            return error, penalty(network, given, *full)

    def _precision(self) -> contextlib.AbstractContextManager:
        if not self.plan.mixed_precision:
            return contextlib.nullcontext()
        return torch.autocast(self._device.type, dtype=torch.bfloat16)


def mean_squared_error(network: nn.Module, rows: Tensor) -> float:
    """Mean squared error per coordinate of a reconstruction, in evaluation mode.

    Args:
        network: Rows to reconstructions.
        rows: "sample input", on the network's device.

    Examples:
        >>> mean_squared_error(nn.ReLU(), torch.tensor([[-1.0, 2.0]]))
        0.5
    """
    network.eval()
    with torch.no_grad():
        parts = [
            (network(part) - part).square().sum() for part in torch.split(rows, _BLOCK)
        ]
    return float(torch.stack(parts).cpu().double().sum()) / rows.numel()


def is_finite(network: nn.Module) -> bool:
    """Whether every weight is a finite number.

    Examples:
        >>> is_finite(nn.Linear(2, 2))
        True
    """
    return all(bool(part.isfinite().all()) for part in network.parameters())


def snapshot(network: nn.Module) -> dict[str, Tensor]:
    """A copy of weights and buffers, by name.

    Examples:
        >>> list(snapshot(nn.Linear(2, 2)))
        ['weight', 'bias']
    """
    return {name: part.detach().clone() for name, part in network.state_dict().items()}


def restore(network: nn.Module, state: dict[str, Tensor]) -> None:
    """Write weights and buffers of a :func:`snapshot` back, into the same memory.

    Examples:
        >>> layer = nn.Linear(1, 1)
        >>> restore(layer, {"weight": torch.ones(1, 1), "bias": torch.zeros(1)})
        >>> layer.weight.item()
        1.0
    """
    own = network.state_dict()
    with torch.no_grad():
        for name, part in own.items():
            part.copy_(state[name])
