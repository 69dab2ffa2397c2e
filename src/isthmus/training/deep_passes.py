"""Single passes over rows that come in parts."""

from __future__ import annotations

import math
import warnings
from collections.abc import Mapping

import numpy as np
import torch
from jaxtyping import Float
from torch import nn

from isthmus.core.errors import TrainingWarning
from isthmus.core.random import as_rng, raw_words
from isthmus.training.deep_plan import TrainingPlan, epoch_draws
from isthmus.training.deep_run import EXPLODED, LOOK_BACK
from isthmus.training.deep_steps import (
    Penalty,
    Steps,
    is_finite,
    mean_squared_error,
    restore,
    snapshot,
)
from isthmus.training.devices import seed_torch


class Passes:
    """An optimiser that waits for more rows, at a constant learning rate.

    Args:
        network: Trained in place, on the device where it lies.
        settings: Arguments of :class:`~isthmus.training.deep_plan.TrainingPlan`.
        rng: Seed or generator of the orders of rows.
        penalty: As for :func:`~isthmus.training.train_autoencoder`.

    Examples:
        >>> passes = Passes(nn.Linear(2, 2), {"learning_rate": 0.1}, rng=0)
        >>> rows = np.ones((8, 2), dtype=np.float32)
        >>> passes.one(rows) > passes.one(rows)
        True
    """

    def __init__(
        self,
        network: nn.Module,
        settings: Mapping[str, object],
        *,
        rng: object,
        penalty: Penalty | None = None,
    ) -> None:
        plan = TrainingPlan.checked("Passes", **settings)
        self._steps = Steps(network, plan, penalty)
        self._seed = int(raw_words(as_rng(rng), 1)[0])
        self._done = 0

    def one(self, rows: Float[np.ndarray, "sample input"]) -> float:
        """One pass.

        Args:
            rows: To learn.

        Returns:
            Mean squared error of the batches, each before its step.

        Warns:
            TrainingWarning: If the error exploded: the weights are those before the pass.
        """
        network, rate = self._steps.network, self._steps.plan.learning_rate
        whole = self._steps.whole
        before = snapshot(whole)
        seed, order = epoch_draws(self._seed, self._done, rows.shape[0])
        place = next(network.parameters())
        devices = [place.device] if place.device.type == "cuda" else []
        with torch.random.fork_rng(devices=devices):
            seed_torch(seed, place.device)
            given = torch.from_numpy(rows).to(place)
            error = self._steps.epoch(given, order, lambda _: rate)
        self._done += 1
        most = EXPLODED * max(1.0, float(given.square().mean()))
        good = math.isfinite(error) and error <= most and is_finite(whole)
        good = good and self._steps.penalty_was_finite
        if not (good and mean_squared_error(network, given[:LOOK_BACK]) <= most):
            restore(whole, before)
            self._steps.optimiser.state.clear()  # moments may be NaN for good
            warnings.warn(
                f"The error exploded in this pass; the weights before it are kept. Divide "
                f"learning_rate={rate:g} by ten, or look for outliers.",
                TrainingWarning,
                stacklevel=3,
            )
        network.eval()
        return error
