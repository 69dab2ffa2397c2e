"""One autoencoder of a sweep, trained and measured; many at a time."""

from __future__ import annotations

import dataclasses
import warnings
from typing import Any

import numpy as np
from jaxtyping import Int

from isthmus.core.errors import MissingDependency, SearchWarning
from isthmus.core.progress import Progress
from isthmus.core.random import as_rng, random_subset, raw_words
from isthmus.topology import certificate, fold_report

_HOLE_ROWS = {1: 5000, 2: 5000, 3: 3000}
_FEW_ROWS = 1000
_MOST_CODE = 3


@dataclasses.dataclass(frozen=True)
class SweepRun:
    """One trained autoencoder; errors are distances from the reconstruction, input units.

    Attributes:
        n_code: Its latent dimensions.
        restart: Which of the restarts, from 0; number 1 starts from a layout of the rows,
            all others from random weights.
        train: Root mean square error over training rows.
        test: The same over held-out rows.
        median: Median error of held-out rows.
        p99: Their 99th percentile.
        max: Largest error found at or between near rows.
        n_epochs: Passes over the training rows.
    """

    n_code: int
    restart: int
    train: float
    test: float
    median: float
    p99: float
    max: float
    n_epochs: int


@dataclasses.dataclass(frozen=True, eq=False)
class Samples:
    """Rows to train on, to measure, and to hunt the largest error at and between."""

    train: np.ndarray
    test: np.ndarray
    hunted: np.ndarray


@dataclasses.dataclass(frozen=True, eq=False)
class Certificates:
    """What every continuous autoencoder of each code length loses somewhere.

    Attributes:
        bound: Input units; 0 where no hole rules the code out, nan where not looked at.
        p_value: Of the hole; nan where there is none.
        why_none: Why none was looked for; empty if it was.
    """

    bound: np.ndarray
    p_value: np.ndarray
    why_none: str = ""


def certificates_of(rows: np.ndarray, codes: Int[np.ndarray, " code"]) -> Certificates:
    """Find the certificates of code lengths up to 3.

    No more than 1000 points of more than three columns are triangulated.
    """
    bound, p_value = np.full(codes.size, np.nan), np.full(codes.size, np.nan)
    n_columns = rows.shape[1]
    most = _HOLE_ROWS.get(n_columns, _FEW_ROWS)
    chosen = np.sort(random_subset(as_rng(0), len(rows), min(len(rows), most)))
    for i, code in enumerate(codes):
        if code > min(_MOST_CODE, n_columns):
            continue
        try:
            found = certificate(rows[chosen], int(code))
        except MissingDependency as error:
            return Certificates(bound, p_value, str(error))
        bound[i] = found.bound
        p_value[i] = np.nan if found.p_value is None else found.p_value
    return Certificates(bound, p_value)


def train_all(
    codes: Int[np.ndarray, " code"],
    n_restarts: int,
    samples: Samples,
    settings: dict[str, Any],
    rng: np.random.Generator,
    n_jobs: int | None,
    progress: Progress | None,
) -> tuple[SweepRun, ...]:
    """Every code length so often, in order, whatever the number of jobs."""
    from joblib import Parallel, delayed

    words = raw_words(rng, codes.size * n_restarts) >> np.uint64(33)
    jobs = [(int(code), restart) for code in codes for restart in range(n_restarts)]
    work = (
        delayed(train_one)(code, restart, samples, settings | {"random_state": int(word)})
        for (code, restart), word in zip(jobs, words, strict=True)
    )
    found: list[SweepRun] = []
    for run in Parallel(n_jobs=n_jobs, return_as="generator")(work):
        found.append(run)
        if progress is not None:
            progress(f"{run.n_code} latent dimensions", len(found), len(jobs))
    return tuple(found)


def train_one(
    n_code: int, restart: int, samples: Samples, settings: dict[str, Any]
) -> SweepRun:
    """Train one autoencoder on the training rows and measure it on the others."""
    from isthmus.estimators import DeepAutoencoder

    model = DeepAutoencoder(
        n_code,
        start="layout" if restart == 1 else "random",
        validation_fraction=0.0,
        patience=None,
        **settings,
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # as many latent dimensions as columns
        model.fit(samples.train)
        warnings.simplefilter("ignore", SearchWarning)
        largest = fold_report(model, samples.hunted).max_error
    train, test = (
        np.linalg.norm(model.inverse_transform(model.transform(x)) - x, axis=1)
        for x in (samples.train, samples.test)
    )
    return SweepRun(
        n_code=n_code,
        restart=restart,
        train=float(np.sqrt(np.mean(train**2))),
        test=float(np.sqrt(np.mean(test**2))),
        median=float(np.median(test)),
        p99=float(np.percentile(test, 99)),
        max=max(float(largest), float(test.max())),
        n_epochs=int(model.n_epochs_),
    )
