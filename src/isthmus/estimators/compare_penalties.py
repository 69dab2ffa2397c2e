"""Which penalty makes an autoencoder of these rows generalise, if any does."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from typing import Any

import numpy as np

from isthmus.core.door import shown, whole_number
from isthmus.core.errors import DataError, DataWarning, ValueOutOfRange
from isthmus.core.lazy import lazy_attributes
from isthmus.core.progress import Progress
from isthmus.core.random import as_rng, random_subset, raw_words
from isthmus.estimators.penalty_runs import (
    PLAIN,
    PRINCIPAL,
    Job,
    PenaltyRun,
    Splits,
    run_all,
)
from isthmus.estimators.penalty_scores import PenaltyComparison, compared

PENALTIES = (
    "weight-decay",
    "denoising",
    "contractive",
    "lie-1",
    "cycle-consistency",
    "higher-order-contractive",
    "lie-2",
    "orbit-augmentation",
)
LEAST_ROWS = 20
MOST_WEIGHTS = 3
_CALL = "compare_penalties"
_COMMON_CODE, _MOST_CODE, _DIMENSION_ROWS = 8, 32, 2000
_need_torch = lazy_attributes(
    "isthmus.training.penalties",
    {"NAMED": "isthmus.training.penalties.named"},
    needs="torch",
)


def compare_penalties(
    X: Any,
    *,
    n_code: int | None = None,
    penalties: Sequence[str] = PENALTIES,
    n_seeds: int = 3,
    n_jobs: int | None = None,
    rng: np.random.Generator | int | None,
    hidden_layer_sizes: Sequence[int] = (128, 64),
    n_steps: int = 1000,
    n_weights: int = MOST_WEIGHTS,
    progress: Progress | None = None,
) -> PenaltyComparison:
    r"""Train autoencoders with and without penalties; tell which one helps, if any.

    A fifth of the rows, drawn once, choose weights: that of least error for the first
    seed. The others are split anew for each seed, a quarter to measure on. Split and
    starting network of a seed are alike for all penalties: differences are paired. Rows of
    different seeds overlap; the standard error of a mean over J seeds allows for that,
    :math:`s \sqrt{1 / J + n_\mathrm{test} / n_\mathrm{fit}}`.

    Args:
        X: Rows, "sample input", at least 20 of at least two columns; also a path or
            built-in name.
        n_code: Latent dimensions; None for the intrinsic dimension of the rows.
        penalties: Names; see ``isthmus.training.penalties.named.NAMED``.
        n_seeds: Splits, at least 2. The error of a mean of three is rough: what counts as
            clear is widened to match, and more seeds narrow it.
        n_jobs: Autoencoders trained at a time, as in scikit-learn; None means 1 outside
            of a joblib context.
        rng: Seed of splits, weights and batches.
        hidden_layer_sizes: Widths of the encoder; the decoder mirrors them.
        n_steps: Mini-batches for each.
        n_weights: Candidates of each penalty, at most, from the middle of its list.
        progress: Called with a label, the autoencoders trained and all there are.

    Returns:
        Errors, differences and the winner.

    Raises:
        DataError: If the rows cannot be used, or are too few.
        ValueOutOfRange: If an argument is outside its domain.
        MissingDependency: If torch is not installed.

    Examples:
        >>> rows = np.random.default_rng(0).normal(size=(40, 3)) * [3.0, 1.0, 0.1]
        >>> found = compare_penalties(
        ...     rows, n_code=1, penalties=["weight-decay"], n_steps=20, n_seeds=2, rng=0
        ... )
        >>> [score.name for score in found.scores], found.n_test
        (['principal components', 'plain', 'weight-decay'], 8)

    References:
        [cosentino:22], [nadeau:03]
    """
    rows = _rows(X)
    whole_number(f"{_CALL}(n_seeds=...)", n_seeds, least=2)
    whole_number(f"{_CALL}(n_steps=...)", n_steps, least=1)
    whole_number(f"{_CALL}(n_weights=...)", n_weights, least=1)
    names = _checked_names(penalties)
    widths = tuple(
        whole_number(f"{_CALL}(hidden_layer_sizes=...)", width, least=1)
        for width in hidden_layer_sizes
    )
    code = _code_length(rows, n_code)
    generator = as_rng(int(raw_words(as_rng(rng), 1)[0]))
    splits = Splits.drawn(rows, n_seeds, generator)
    words = [int(word >> np.uint64(33)) for word in raw_words(generator, n_seeds)]
    settings = {"n_code": code, "hidden_layer_sizes": widths, "n_steps": n_steps}
    tried = {name: weights_tried(name, n_weights) for name in names}
    first: list[Job] = [(PRINCIPAL, None, 0), (PLAIN, None, 0)]
    first += [(name, weight, 0) for name, weights in tried.items() for weight in weights]
    total = len(first) + (2 + len(names)) * (n_seeds - 1)
    runs = run_all(first, splits, settings, words, n_jobs, progress, (0, total))
    chosen = _chosen(runs, names)
    later: list[Job] = [
        (name, weight, seed)
        for seed in range(1, n_seeds)
        for name, weight in chosen.items()
    ]
    done = (len(first), total)
    runs += run_all(later, splits, settings, words, n_jobs, progress, done)
    return compared(runs, chosen, splits, settings)


def weights_tried(name: str, most: int = MOST_WEIGHTS) -> tuple[float, ...]:
    """Candidates of a penalty, from the middle of its list.

    Args:
        name: One of ``isthmus.training.penalties.named.NAMED``.
        most: How many.

    Examples:
        >>> len(weights_tried("contractive", 2))
        2
    """
    weights = tuple(_need_torch("NAMED")[name].weights)
    first = max(0, (len(weights) - most) // 2)
    return weights[first : first + most]


def _chosen(runs: Sequence[PenaltyRun], names: Sequence[str]) -> dict[str, float | None]:
    """Weight of least error on the rows to choose by, for the first seed."""
    found: dict[str, float | None] = {PRINCIPAL: None, PLAIN: None}
    for name in names:
        tried = [run for run in runs if run.name == name]
        found[name] = min(tried, key=lambda run: run.choice).weight
    return found


def _rows(X: Any) -> np.ndarray:
    from isthmus.data import load

    rows = np.asarray(load(X).values, dtype=np.float64)
    if len(rows) < LEAST_ROWS:
        raise DataError(
            f"`{_CALL}(X=...)` must have at least {LEAST_ROWS} rows; got {len(rows)}. With "
            "fewer, no split leaves enough to tell penalties apart: give more rows."
        )
    if rows.shape[1] < 2:
        raise DataError(
            f"`{_CALL}(X=...)` must have at least 2 columns; got {rows.shape[1]}. A single "
            "number needs no autoencoder."
        )
    return rows


def _checked_names(penalties: object) -> tuple[str, ...]:
    known = _need_torch("NAMED")
    given = (
        [penalties]
        if isinstance(penalties, str)
        else list(penalties)
        if isinstance(penalties, (list, tuple))
        else []
    )
    names = tuple(dict.fromkeys(str(name) for name in given))
    if not names or any(name not in known for name in names):
        raise ValueOutOfRange(
            f"`{_CALL}(penalties=...)` must name at least one of {', '.join(known)}; got "
            f"{shown(penalties)}."
        )
    return names


def _code_length(rows: np.ndarray, n_code: object) -> int:
    """What was asked for, or as many dimensions as the rows have."""
    from isthmus.topology import intrinsic_dimension

    if n_code is not None:
        return whole_number(f"{_CALL}(n_code=...)", n_code, least=1)
    most = min(_MOST_CODE, rows.shape[1] - 1)
    chosen = random_subset(as_rng(0), len(rows), min(len(rows), _DIMENSION_ROWS))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DataWarning)
        try:
            found = intrinsic_dimension(rows[np.sort(chosen)]).dimension
        except DataError:  # too few different rows
            found = _COMMON_CODE
    return max(1, min(found, most))
