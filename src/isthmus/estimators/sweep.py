"""Errors against the number of latent dimensions: where the two elbows are."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Any

import numpy as np
from jaxtyping import Float, Int

from isthmus.core.door import shown, whole_number
from isthmus.core.errors import DataError, ValueOutOfRange
from isthmus.core.progress import Progress
from isthmus.core.protocol import hold_out
from isthmus.core.random import as_rng, random_subset, raw_words
from isthmus.estimators.elbows import Elbows, end_of_obstruction, steepest_fall
from isthmus.estimators.sweep_runs import (
    Certificates,
    Samples,
    SweepRun,
    certificates_of,
    train_all,
)

LEVEL = 0.05
"""Of the p-value above which a certificate moves no elbow."""
HUNT_ROWS = 5000
_LEAST_ROWS = 20


@dataclasses.dataclass(frozen=True, eq=False)
class Sweep:
    """What autoencoders of each code length lose; lengths in input units.

    Every array is along `n_codes`; each code length is stood for by its restart of least
    training error.

    Attributes:
        n_codes: Latent dimensions, ascending.
        median: Median error of held-out rows.
        p99: 99th percentile.
        max: Largest error found at or between near rows.
        certificate: What every continuous autoencoder must lose somewhere, a theorem for
            any sample; 0 where no hole rules the code out, nan where it was not looked at.
        p_value: Chance of so long a hole in rows without one; nan without a certificate.
        elbows: Where median and largest error fall.
        runs: All restarts.
        mean_median: Median error of answering the mean, the code of no dimension.
        mean_max: Its largest error.
        n_train: Training rows.
        n_test: Held-out rows.
        n_hunted: Rows at and between which the largest error was hunted.
        no_certificate: Why none was looked for; empty if it was.
    """

    n_codes: Int[np.ndarray, " code"]
    median: Float[np.ndarray, " code"]
    p99: Float[np.ndarray, " code"]
    max: Float[np.ndarray, " code"]
    certificate: Float[np.ndarray, " code"]
    p_value: Float[np.ndarray, " code"]
    elbows: Elbows
    runs: tuple[SweepRun, ...]
    mean_median: float
    mean_max: float
    n_train: int
    n_test: int
    n_hunted: int
    no_certificate: str

    def to_dict(self) -> dict[str, Any]:
        """Plain numbers for JSON; nan becomes None."""
        found: dict[str, Any] = {}
        for field in dataclasses.fields(self):
            value = getattr(self, field.name)
            if isinstance(value, np.ndarray):
                value = [None if np.isnan(v) else v for v in value.tolist()]
            elif field.name == "runs":
                value = [dataclasses.asdict(run) for run in value]
            elif field.name == "elbows":
                value = dataclasses.asdict(value)
            found[field.name] = value
        return found


def sweep(
    X: Any,
    n_codes: Sequence[int],
    *,
    n_restarts: int = 3,
    n_jobs: int | None = None,
    rng: np.random.Generator | int | None,
    X_test: Any = None,
    hidden_layer_sizes: tuple[int, ...] = (64, 64),
    activation: str = "tanh",
    n_steps: int = 6000,
    batch_size: int = 128,
    learning_rate: float = 3e-3,
    progress: Progress | None = None,
) -> Sweep:
    """Train autoencoders of every code length; compare typical and worst errors.

    The median error falls once the code has the data's intrinsic dimension. The largest
    error falls only where a continuous autoencoder can exist at all: a sphere's median
    falls at 2, its largest error at 3. The training loss shows neither well, since the
    tear may lie between all samples, so the largest error is hunted between near rows.

    Args:
        X: Rows, "sample input", at least 20; also a path or built-in name.
        n_codes: Latent dimensions, each at least 1.
        n_restarts: Autoencoders of each, from different weights; at least 3 make a bad
            minimum rare.
        n_jobs: Trained at a time, as in scikit-learn; None means 1 outside of a joblib
            context.
        rng: Seed of split, weights and batches.
        X_test: Held-out rows; None holds out a fifth of the rows, at least 50 where there
            are enough.
        hidden_layer_sizes: Widths of the encoder; the decoder mirrors them.
        activation: Between layers.
        n_steps: Mini-batches for each.
        batch_size: Rows of each.
        learning_rate: At the start; it falls to nothing along half a cosine.
        progress: Called with a label, the autoencoders trained and all there are.

    Returns:
        Errors, certificates and elbows.

    Raises:
        ValueOutOfRange: If an argument is outside its domain.
        DataError: If the rows cannot be used.
        MissingDependency: If torch is not installed.

    Examples:
        >>> angle = np.linspace(0, 2 * np.pi, 400, endpoint=False)
        >>> circle = np.column_stack([np.cos(angle), np.sin(angle)])
        >>> found = sweep(circle, [1, 2], n_restarts=1, n_steps=600, rng=0)
        >>> found.elbows.max, bool(found.max[0] > found.certificate[0] > 0.9)
        (2, True)

    References:
        [kvalheim:24]
    """
    rows = _rows("X", X)
    codes = _checked_codes(n_codes)
    whole_number("sweep(n_restarts=...)", n_restarts, least=1)
    whole_number("sweep(n_steps=...)", n_steps, least=1)
    widths = _checked_settings(hidden_layer_sizes, n_jobs)
    # a stream of its own: the rows may come from the same seed
    generator = as_rng(int(raw_words(as_rng(rng), 1)[0]))
    train, test = _split(rows, X_test, generator)
    chosen = np.sort(random_subset(generator, len(rows), min(len(rows), HUNT_ROWS)))
    size = min(whole_number("sweep(batch_size=...)", batch_size, least=1), len(train))
    return swept(
        codes,
        Samples(train, test, rows[chosen]),
        certificates_of(rows, codes),
        n_restarts=n_restarts,
        n_jobs=n_jobs,
        rng=generator,
        progress=progress,
        hidden_layer_sizes=widths,
        activation=activation,
        batch_size=size,
        learning_rate=learning_rate,
        n_epochs=max(1, round(n_steps * size / len(train))),
    )


def swept(
    codes: Int[np.ndarray, " code"],
    samples: Samples,
    certificates: Certificates,
    *,
    n_restarts: int,
    n_jobs: int | None,
    rng: np.random.Generator,
    progress: Progress | None = None,
    **settings: Any,
) -> Sweep:
    """Train, measure and gather; the rows are split and the certificates found already.

    Args:
        codes: Latent dimensions, ascending.
        samples: Rows to train on, to measure, and to hunt between.
        certificates: Of the code lengths.
        n_restarts: Autoencoders of each.
        n_jobs: Trained at a time.
        rng: Of weights and batches.
        progress: As in :func:`sweep`.
        **settings: Of :class:`isthmus.DeepAutoencoder`.

    Returns:
        The record.
    """
    runs = train_all(codes, n_restarts, samples, settings, rng, n_jobs, progress)
    best = [
        min((run for run in runs if run.n_code == code), key=lambda run: run.train)
        for code in codes
    ]
    median, p99, largest = (
        np.array([getattr(run, name) for run in best]) for name in ("median", "p99", "max")
    )
    mean = samples.train.mean(axis=0)
    at_test, at_all = (
        np.linalg.norm(part - mean, axis=1) for part in (samples.test, samples.hunted)
    )
    mean_median, mean_max = float(np.median(at_test)), float(at_all.max())
    sure = certificates.bound * (certificates.p_value <= LEVEL)
    return Sweep(
        n_codes=codes,
        median=median,
        p99=p99,
        max=largest,
        certificate=certificates.bound,
        p_value=certificates.p_value,
        elbows=Elbows(
            steepest_fall(codes, median, mean_median),
            end_of_obstruction(codes, largest, mean_max, sure),
        ),
        runs=runs,
        mean_median=mean_median,
        mean_max=mean_max,
        n_train=len(samples.train),
        n_test=len(samples.test),
        n_hunted=len(samples.hunted),
        no_certificate=certificates.why_none,
    )


def _rows(argument: str, value: Any) -> np.ndarray:
    from isthmus.data import load

    rows = np.asarray(load(value).values, dtype=np.float64)
    if rows.shape[0] < _LEAST_ROWS:
        raise DataError(
            f"`sweep({argument}=...)` must have at least {_LEAST_ROWS} rows; got "
            f"{rows.shape[0]}."
        )
    return rows


def _checked_codes(n_codes: Sequence[int]) -> np.ndarray:
    values = [n_codes] if np.ndim(n_codes) == 0 else list(n_codes)
    if not values:
        raise ValueOutOfRange("`sweep(n_codes=...)` must name at least one code length.")
    return np.array(
        sorted({whole_number("sweep(n_codes=...)", v, least=1) for v in values})
    )


def _checked_settings(hidden_layer_sizes: object, n_jobs: object) -> tuple[int, ...]:
    """Layer widths; they and the number of jobs are refused before any training."""
    negative = isinstance(n_jobs, int) and n_jobs < 0  # all processors but some
    if n_jobs is not None and not negative:
        whole_number("sweep(n_jobs=...)", n_jobs, least=1)
    if isinstance(hidden_layer_sizes, (list, tuple, np.ndarray)):
        call = "sweep(hidden_layer_sizes=...)"
        return tuple(whole_number(call, size, least=1) for size in hidden_layer_sizes)
    raise ValueOutOfRange(
        "`sweep(hidden_layer_sizes=...)` must be a sequence of whole numbers, as (64, 64); "
        f"got {shown(hidden_layer_sizes)}."
    )


def _split(
    rows: np.ndarray, X_test: Any, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    if X_test is None:
        held = hold_out(rows, rng=rng)
        return rows[held.train], rows[held.test]
    test = _rows("X_test", X_test)
    if test.shape[1] != rows.shape[1]:
        raise ValueOutOfRange(
            f"`sweep(X_test=...)` must have the {rows.shape[1]} columns of `X`; got "
            f"{test.shape[1]}."
        )
    return rows, test
