"""Which encoder of signs loses least on rows set aside."""

from __future__ import annotations

import dataclasses
import warnings
from typing import TYPE_CHECKING

import numpy as np

from isthmus.core.errors import DataError, DataWarning, ValueOutOfRange
from isthmus.core.protocol import hold_out, measure
from isthmus.core.random import as_rng, random_subset

if TYPE_CHECKING:
    from isthmus.estimators.shallow import ShallowAutoencoder

CANDIDATES = ("design", "quantised", "search")
"""What is tried, the fastest encoder first."""

_WORTH = 0.99  # of the error that a faster encoder leaves
_MOST_ROWS, _ROWS_PER_BIT = 20_000, 100
_FEWEST = 10


@dataclasses.dataclass(frozen=True)
class Choice:
    """An encoder and why.

    Attributes:
        name: Of the encoder.
        reason: One sentence.
        trials: Name to predicted and measured NMSE.
    """

    name: str
    reason: str
    trials: dict[str, list[float]]


def choose_encoder(model: ShallowAutoencoder, x: np.ndarray, n_code: int) -> Choice:
    """Fit each candidate on most rows, and measure it on the others.

    A slower encoder must leave less than 99 % of what a faster one does. Of many rows as
    many are drawn as a search learns from.

    Args:
        model: Whose other parameters hold.
        x: Rows, "sample input".
        n_code: Bits per row.

    Returns:
        The choice; ``"design"`` where no rows can be set aside.
    """
    most = max(_MOST_ROWS, _ROWS_PER_BIT * n_code)
    if x.shape[0] > most:
        x = x[np.sort(random_subset(as_rng(0), x.shape[0], most))]
    few = Choice("design", f"{x.shape[0]} rows are too few to set any aside", {})
    if x.shape[0] < _FEWEST:
        return few
    trials: dict[str, list[float]] = {}
    try:
        held = hold_out(x, rng=as_rng(0))
        for name in CANDIDATES:
            found = _tried(model, name, x[held.train], x[held.test], n_code)
            trials |= {} if found is None else {name: found}
    except DataError:  # nearly all rows are equal
        return few
    best = ""
    for name, (_, measured) in trials.items():
        if not best or measured < _WORTH * trials[best][1]:
            best = name
    told = ", ".join(
        f"{name} {measured:.4g} (predicted {predicted:.4g})"
        for name, (predicted, measured) in trials.items()
    )
    reason = f"{best} chosen by the NMSE on {held.test.size} rows set aside: {told}"
    return Choice(best, reason, trials)


def _tried(
    model: ShallowAutoencoder, name: str, train: np.ndarray, test: np.ndarray, n_code: int
) -> list[float] | None:
    """Predicted and measured NMSE; None where an encoder cannot have so many bits."""
    same = {"encoder": name, "n_code": n_code, "rate": None}
    other = {"verbose": False, "random_state": 0}
    trial = type(model)(**{**model.get_params(), **same, **other})
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DataWarning)
        try:
            trial.fit(train)
        except ValueOutOfRange:
            return None
    rows = trial.inverse_transform(trial.transform(test))
    error = measure(test, rows, trial.mean_).value
    return [float(trial.predicted_nmse_), error]
