"""Which decoder of sign codes serves rows set aside, and why."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable

import numpy as np

from isthmus.core.errors import MissingDependency
from isthmus.core.protocol import (
    group_of_row,
    held_out_count,
    hold_out,
    measure_errors,
    row_errors,
)
from isthmus.decoders.column_curves import LEAST_ROWS as LEAST_CURVED
from isthmus.estimators.one_bit_cores import AbstractCore
from isthmus.estimators.one_bit_encoder import GOOD
from isthmus.estimators.one_bit_fits import FITS, Fitting

MOST_ASIDE = 2000
LEAST_ROWS = 100
"""Pairs below which only the linear decoder is fitted."""
NETWORK_ROWS = 1000
WORTH = 0.025
"""Decibels by which a slower decoder must be better; half of what the gate may lose."""


@dataclasses.dataclass(frozen=True)
class Choice:
    """The decoder chosen.

    Attributes:
        method: Its name, ``"baseline"`` among them.
        trials: NMSE on the rows set aside of every decoder tried.
        reason: A sentence.
        core: Its decoder, where it needs no second fit to all pairs.
    """

    method: str
    trials: dict[str, float]
    reason: str
    core: AbstractCore | None = None


def choose(
    whole: Fitting,
    baseline: Callable[[np.ndarray], np.ndarray] | None,
    mean: np.ndarray,
) -> Choice:
    """Fit every method that can work to some pairs, and compare them on the others.

    A slower method must be better than all quicker ones by a fortieth of a decibel and
    by one paired standard error.

    Args:
        whole: All pairs.
        baseline: Rows that another decoder makes of the pairs of some numbers; or None.
        mean: Of the training rows, in their unit.
    """
    pairs = whole.pairs
    if len(pairs.codes) < LEAST_ROWS:
        reason = f"linear: {len(pairs.codes)} pairs are too few to set some aside."
        return Choice("linear", {}, reason, None)
    n_aside = min(held_out_count(len(pairs.codes)), MOST_ASIDE)
    split = hold_out(pairs.rows, rng=whole.rng, n_test=n_aside)
    aside = pairs.taken(split.test)
    fitting = dataclasses.replace(whole, pairs=pairs.taken(split.train))
    errors: dict[str, np.ndarray] = {}
    cores: dict[str, AbstractCore] = {}
    left_out: list[str] = []
    for name in FITS:
        why = _unable(name, fitting)
        try:
            if not why:
                cores[name] = FITS[name](fitting)
                found = cores[name].decode(aside.codes, aside.lengths)
                errors[name] = row_errors(aside.rows, found)
        except MissingDependency:
            why = "torch is not installed"
        if why:
            left_out.append(f"{name} was left out: {why}")
    if baseline is not None:
        errors["baseline"] = row_errors(aside.rows, baseline(split.test))
    energy, group = row_errors(aside.rows, mean), group_of_row(aside.rows)
    method, trials = _best(errors, energy, group)
    reason = _reason(method, trials, len(aside.rows), left_out)
    # A network is kept as it is: fitting it again would take as long again.
    return Choice(method, trials, reason, cores["mlp"] if method == "mlp" else None)


def _best(
    errors: dict[str, np.ndarray], energy: np.ndarray, group: np.ndarray
) -> tuple[str, dict[str, float]]:
    """The quickest method that no other clearly beats, and the NMSE of all."""
    trials = {
        name: measure_errors(error, energy, group).value for name, error in errors.items()
    }
    method = "linear"
    for name in ("baseline", *FITS):
        if name not in errors or _decibels(trials[method], trials[name]) <= WORTH:
            continue
        gain = measure_errors(errors[method] - errors[name], energy, group)
        if name == "baseline" or gain.value > gain.standard_error:
            method = name
    return method, trials


def _unable(name: str, fitting: Fitting) -> str:
    """Why a method cannot be tried, or nothing."""
    count, encoder = len(fitting.pairs.codes), fitting.encoder
    if name == "linear":
        return ""
    if name == "columns":
        few = f"{count} pairs are fewer than {LEAST_CURVED}"
        return few if count < LEAST_CURVED else ""
    if name == "mlp":
        few = f"{count} pairs are fewer than {NETWORK_ROWS}"
        return few if count < NETWORK_ROWS else ""
    if encoder is None or encoder.agreement < GOOD:
        share = 0.0 if encoder is None else encoder.agreement
        return f"the encoder estimated from pairs gives {100 * share:.0f} % of the bits"
    return ""


def _decibels(old: float, new: float) -> float:
    return 10.0 * math.log10(max(old, 1e-300) / max(new, 1e-300))


def _reason(method: str, trials: dict[str, float], count: int, left_out: list[str]) -> str:
    others = {name: value for name, value in trials.items() if name != method}
    said = f"{method} has NMSE {trials[method]:.4g} on {count} rows set aside"
    if others:
        listed = ", ".join(f"{name} {value:.4g}" for name, value in others.items())
        said += f" ({listed})"
    quicker = [name for name in others if trials[name] < trials[method]]
    if quicker:
        said += f"; {quicker[0]} is slower and not clearly better by {WORTH} dB"
    return "; ".join([said, *left_out]) + "."
