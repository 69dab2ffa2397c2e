"""What a run of sampled training leaves behind, and whether it had settled."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Sequence

import numpy as np

_SETTLED = 5e-3


@dataclasses.dataclass(frozen=True)
class History:
    """Errors along the run.

    Attributes:
        step: Steps done at each record.
        nmse: Of the training batches since the record before, each taken before its step.
        validation_nmse: Of the validation rows at the record; None without such rows.
    """

    step: np.ndarray
    nmse: np.ndarray
    validation_nmse: np.ndarray | None


@dataclasses.dataclass(frozen=True)
class StraightThrough:
    """A trained two-layer autoencoder.

    Attributes:
        encoder_weight: B, "code input", for centred rows in input units. With a whitening
            map every pre-activation has unit variance.
        decoder_weight: A, "input code", input units.
        history: Errors along the run.
        converged: Whether the error had stopped falling when the run ended.
        reason: Why it is said to have converged or not.
        n_steps: Steps done.
        seconds: Wall time.
    """

    encoder_weight: np.ndarray
    decoder_weight: np.ndarray
    history: History
    converged: bool
    reason: str
    n_steps: int
    seconds: float


def judge(
    history: History, schedule: Sequence[tuple[float, float]], n_steps: int
) -> tuple[bool, str]:
    """Whether the error still falls between the halves of the last phase.

    A fall below two standard errors, or half a per cent, is no fall.
    """
    mark = max((mark for mark, _ in schedule), default=0.5)
    last = history.nmse[history.step > mark * n_steps]
    half = last.size // 2
    if half < 2:
        return False, "the last phase has too few records to tell; take more steps"
    early, late = last[:half], last[half:]
    noise = math.sqrt(early.var(ddof=1) / early.size + late.var(ddof=1) / late.size)
    fall = float(early.mean() - late.mean())
    allowed = max(2.0 * noise, _SETTLED * float(late.mean()))
    text = f"NMSE fell by {fall:.2g} within the last phase, {allowed:.2g} is noise"
    return fall <= allowed, text
