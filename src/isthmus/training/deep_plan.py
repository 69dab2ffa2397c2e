"""How long, how fast and by which rule a deep autoencoder is trained."""

from __future__ import annotations

import dataclasses
import math

import numpy as np

from isthmus.core.door import real_number, shown, whole_number
from isthmus.core.errors import ValueOutOfRange
from isthmus.core.random import random_subset, raw_words

OPTIMIZERS = ("adam", "adamw")
SCHEDULES = ("cosine", "constant")


@dataclasses.dataclass(frozen=True)
class TrainingPlan:
    """Settings of a run that were found to be in their domains.

    Attributes:
        n_epochs: Passes over the rows, at most.
        batch_size: Rows a step, at most.
        learning_rate: Of the first step.
        optimizer: One of :data:`OPTIMIZERS`.
        weight_decay: Added to the gradient (Adam) or to the step (AdamW), per weight.
        schedule: One of :data:`SCHEDULES`.
        clip_norm: Longest gradient; None for any length.
        patience: Epochs without a better validation error before the run ends; None to
            go on to the end.
        mixed_precision: Whether products are taken in bfloat16.
    """

    n_epochs: int
    batch_size: int
    learning_rate: float
    optimizer: str
    weight_decay: float
    schedule: str
    clip_norm: float | None
    patience: int | None
    mixed_precision: bool

    @classmethod
    def checked(
        cls,
        call: str,
        *,
        n_epochs: object = 100,
        batch_size: object = 128,
        learning_rate: object = 3e-3,
        optimizer: object = "adam",
        weight_decay: object = 0.0,
        schedule: object = "cosine",
        clip_norm: object = None,
        patience: object = None,
        mixed_precision: object = False,
    ) -> TrainingPlan:
        """A plan in plain numbers, or an error that names the call.

        Raises:
            ValueOutOfRange: If a setting is outside its domain.

        Examples:
            >>> TrainingPlan.checked("f", batch_size=64.0).batch_size
            64
        """
        if patience is not None:
            patience = whole_number(f"{call}(patience=...)", patience, least=1)
        return cls(
            n_epochs=whole_number(f"{call}(n_epochs=...)", n_epochs, least=1),
            batch_size=whole_number(f"{call}(batch_size=...)", batch_size, least=1),
            learning_rate=_positive(call, "learning_rate", learning_rate),
            optimizer=_one_of(call, "optimizer", optimizer, OPTIMIZERS),
            weight_decay=_positive(call, "weight_decay", weight_decay, zero=True),
            schedule=_one_of(call, "schedule", schedule, SCHEDULES),
            clip_norm=None
            if clip_norm is None
            else _positive(call, "clip_norm", clip_norm),
            patience=patience,
            mixed_precision=bool(mixed_precision),
        )

    def rate(self, step: int, n_steps: int) -> float:
        """Learning rate of a step, counted from 0 over the whole run.

        Examples:
            >>> plan = TrainingPlan.checked("f", learning_rate=1.0)
            >>> [round(plan.rate(step, 4), 3) for step in range(4)]
            [1.0, 0.854, 0.5, 0.146]
        """
        if self.schedule == "constant":
            return self.learning_rate
        return 0.5 * self.learning_rate * (1.0 + math.cos(math.pi * step / n_steps))


def epoch_draws(seed: int, epoch: int, n_rows: int) -> tuple[int, np.ndarray]:
    """Everything random in an epoch, from its number alone: nothing needs to be stored.

    Args:
        seed: Of the run, below 2^64.
        epoch: Its number.
        n_rows: Rows to put in order.

    Returns:
        Seed of torch's generator for the epoch, and the order of the rows.

    Examples:
        >>> bool((epoch_draws(7, 3, 9)[1] == epoch_draws(7, 3, 9)[1]).all())
        True
    """
    key = np.array([seed, epoch], dtype=np.uint64)
    rng = np.random.Generator(np.random.Philox(key=key))
    return int(raw_words(rng, 1)[0] >> np.uint64(1)), random_subset(rng, n_rows, n_rows)


def _one_of(call: str, name: str, value: object, allowed: tuple[str, ...]) -> str:
    if not isinstance(value, str) or value not in allowed:
        raise ValueOutOfRange(
            f"`{call}({name}=...)` must be one of {', '.join(allowed)}; got {shown(value)}."
        )
    return value


def _positive(call: str, name: str, value: object, *, zero: bool = False) -> float:
    number = real_number(f"{call}({name}=...)", value)
    if not (0.0 < number < math.inf or (zero and number == 0.0)):
        rule = "zero or positive" if zero else "positive"
        raise ValueOutOfRange(
            f"`{call}({name}=...)` must be {rule} and finite; got {shown(value)}."
        )
    return number
