"""What a comparison of penalties found: errors, paired differences, a winner or none."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from isthmus.core.door import shown
from isthmus.core.errors import ValueOutOfRange
from isthmus.estimators.penalty_runs import (
    PLAIN,
    PRINCIPAL,
    SETTLED,
    PenaltyRun,
    Splits,
)

NONE = "none"
_TWO_SIGMA = math.erf(math.sqrt(2.0))  # Gaussian mass within two standard errors


@dataclasses.dataclass(frozen=True)
class PairedDifference:
    """Mean over seeds of a difference of NMSE on the same test rows.

    Attributes:
        value: Negative where the first of both is the better one.
        standard_error: Of the mean, from few seeds, hence rough.
        clear: Whether it is beyond `factor` standard errors of its comparison.
    """

    value: float
    standard_error: float
    clear: bool


@dataclasses.dataclass(frozen=True)
class PenaltyScore:
    """What one penalty, or none, leaves of test rows.

    Attributes:
        name: Of the penalty, ``"plain"`` or ``"principal components"``.
        weight: The one chosen; None where there is none to choose.
        choices: NMSE of the rows to choose by, for every weight that was tried.
        train: Mean NMSE of fitted rows over seeds.
        nmse: The same of test rows.
        standard_error: Of `nmse`.
        seeds: NMSE of test rows for each seed.
        versus_plain: Difference to no penalty; None for that itself.
        versus_principal: Difference to principal components; None for these.
    """

    name: str
    weight: float | None
    choices: dict[float, float]
    train: float
    nmse: float
    standard_error: float
    seeds: tuple[float, ...]
    versus_plain: PairedDifference | None
    versus_principal: PairedDifference | None


@dataclasses.dataclass(frozen=True)
class PenaltyComparison:
    """Penalties on the same splits of the same rows.

    Attributes:
        scores: Principal components, plain, and each penalty, in the order asked for.
        winner: The penalty of least NMSE among those that are clearly better than none;
            ``"none"`` where there is no such.
        factor: Standard errors beyond which a difference is clear: Student's t for so few
            seeds at the level that two standard errors have for many.
        n_code: Latent dimensions.
        hidden_layer_sizes: Of the encoder.
        n_steps: Mini-batches of each run, about.
        n_seeds: Splits, with starting weights and batches of their own.
        n_fit: Rows fitted on.
        n_choice: Rows that weights were chosen by.
        n_test: Rows measured on.
        settled: Whether all plain runs had settled: the last tenth of their epochs took
            less than 5 % of the training error away.
    """

    scores: tuple[PenaltyScore, ...]
    winner: str
    factor: float
    n_code: int
    hidden_layer_sizes: tuple[int, ...]
    n_steps: int
    n_seeds: int
    n_fit: int
    n_choice: int
    n_test: int
    settled: bool

    def score(self, name: str) -> PenaltyScore:
        """Of one name.

        Raises:
            ValueOutOfRange: If it was not compared.
        """
        for one in self.scores:
            if one.name == name:
                return one
        raise ValueOutOfRange(
            f"`score(name)` must be one of {', '.join(s.name for s in self.scores)}; got "
            f"{shown(name)}."
        )

    def to_dict(self) -> dict[str, Any]:
        """Plain numbers for JSON; what is not finite becomes None."""
        plain: dict[str, Any] = _plain(dataclasses.asdict(self))
        return plain


def clear_factor(n_seeds: int) -> float:
    """Standard errors of a mean of so few that are as rare as two of one of many.

    Examples:
        >>> [round(clear_factor(n), 2) for n in (3, 5, 20, 1000)]
        [4.53, 2.87, 2.14, 2.0]
    """
    from scipy.stats import t

    return float(t.ppf(0.5 + 0.5 * _TWO_SIGMA, n_seeds - 1))


def compared(
    runs: Sequence[PenaltyRun],
    chosen: dict[str, float | None],
    splits: Splits,
    settings: dict[str, Any],
) -> PenaltyComparison:
    """Gather runs: one per name, weight chosen and seed, and those of other weights.

    Args:
        runs: All of them.
        chosen: Weight of each name, in the order to show.
        splits: Of the rows.
        settings: With which they were trained.
    """
    n_seeds, n_fit, n_test = len(splits.fit), splits.fit[0].size, splits.test[0].size
    factor = clear_factor(n_seeds)
    spread = math.sqrt(1.0 / n_seeds + n_test / n_fit)
    kept = {
        name: sorted(
            (run for run in runs if (run.name, run.weight) == (name, weight)),
            key=lambda run: run.seed,
        )
        for name, weight in chosen.items()
    }
    errors = {name: np.array([run.test for run in of]) for name, of in kept.items()}

    def versus(name: str, other: str) -> PairedDifference | None:
        if name == other:
            return None
        value, error = _mean(errors[name] - errors[other], spread)
        return PairedDifference(value, error, abs(value) > factor * error)

    scores = tuple(
        PenaltyScore(
            name,
            chosen[name],
            _choices(runs, name),
            float(np.mean([run.train for run in of])),
            *_mean(errors[name], spread),
            tuple(errors[name].tolist()),
            versus(name, PLAIN),
            versus(name, PRINCIPAL),
        )
        for name, of in kept.items()
    )
    return PenaltyComparison(
        scores=scores,
        winner=_winner(scores),
        factor=factor,
        n_code=settings["n_code"],
        hidden_layer_sizes=settings["hidden_layer_sizes"],
        n_steps=settings["n_steps"],
        n_seeds=n_seeds,
        n_fit=n_fit,
        n_choice=splits.choice.size,
        n_test=n_test,
        settled=all(run.fall < SETTLED for run in kept[PLAIN]),
    )


def _winner(scores: Sequence[PenaltyScore]) -> str:
    """Least error among penalties that are clearly below none."""
    better = [
        score
        for score in scores
        if score.name not in (PLAIN, PRINCIPAL)
        and score.versus_plain is not None
        and score.versus_plain.clear
        and score.versus_plain.value < 0
    ]
    return min(better, key=lambda score: score.nmse).name if better else NONE


def _choices(runs: Sequence[PenaltyRun], name: str) -> dict[float, float]:
    """Weights tried for a name, and their errors for the first seed."""
    tried = [run for run in runs if run.name == name and run.seed == 0]
    return {run.weight: run.choice for run in tried if run.weight is not None}


def _mean(values: np.ndarray, spread: float) -> tuple[float, float]:
    """Mean over seeds and its standard error; infinite where a run was no number."""
    if not np.isfinite(values).all():
        return math.inf, math.inf
    return float(values.mean()), float(spread * values.std(ddof=1))


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(item) for item in value]
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value
