"""Which codec for these rows and this many bits: every one fitted, measured, compared."""

from __future__ import annotations

import contextlib
import importlib.util
import warnings
from collections.abc import Iterator, Sequence
from typing import Any, Literal

import numpy as np
from threadpoolctl import threadpool_limits

from isthmus.core.errors import DataError, DataWarning, ValueOutOfRange
from isthmus.core.progress import Progress
from isthmus.core.protocol import hold_out
from isthmus.core.random import as_rng, random_subset, raw_words
from isthmus.data.checks import equal_norms
from isthmus.estimators.codec_curves import codec_curves
from isthmus.estimators.codec_fits import Fit, Ground, LeftOut, fit_quantised, fit_shallow
from isthmus.estimators.codec_ground import NEIGHBOURS, budget_of, notes_on, prepared
from isthmus.estimators.codec_peers import (
    fit_best_axes,
    fit_rabitq,
    fit_rotation,
    one_thread,
)
from isthmus.estimators.codec_products import fit_product
from isthmus.estimators.codec_scores import SENDS_NO_NORM, CodecAdvice
from isthmus.estimators.codec_trials import HeldOutRows, Trial, compared, tried
from isthmus.estimators.encoders import ENCODERS
from isthmus.estimators.parameters import check_spread

OWN: dict[str, Fit] = {"linear": fit_shallow("design"), "quantised": fit_quantised}
if "search" in ENCODERS:
    OWN["search"] = fit_shallow("search", "columns")
PEERS: dict[str, Fit] = {
    "pq": fit_product(learn_rotation=False),
    "opq": fit_product(learn_rotation=True),
    "rabitq": fit_rabitq,
    "eden": fit_rotation("eden"),
    "turboquant": fit_rotation("turboquant"),
    "pca+eden": fit_best_axes,
}
NO_PEERS = (
    "PQ, OPQ, RaBitQ, EDEN and TurboQuant were not compared: that needs faiss, which the "
    "extra brings: pip install 'isthmus[faiss]'."
)
MOST_FIT, MOST_TEST, MOST_QUERIES = 30_000, 10_000, 500
LEAST_ROWS = 20
_LEAST_SEARCHED = 5  # times the neighbours, else nearly every row is one
_CALL = "advise"


def advise(
    X: Any,
    *,
    bits_per_dim: float = 1.0,
    X_test: Any = None,
    split: Literal["random", "last"] = "random",
    codecs: Sequence[str] | None = None,
    rng: np.random.Generator | int | None = 0,
    progress: Progress | None = None,
) -> CodecAdvice:
    """Compare codecs at a budget of bits; name the best one for each of two uses.

    Every codec gets round(`bits_per_dim` x columns) bits per row, norms and other side
    information included, is fitted on training rows and measured on held-out ones, on one
    thread. Nearest neighbours are those of held-out rows among the held-out rows, found
    with the query as it is and the others decoded. A difference within two paired standard
    errors is a tie. Codecs of faiss take part if the extra ``faiss`` is installed.

    Args:
        X: Rows, "sample input", at least 20; also a path or built-in name. Columns that
            never change are left out. Of more than 30 000 training rows and 10 000
            held-out ones, so many are drawn.
        bits_per_dim: Bits per column, positive, at most 12; one bit per row at least.
        X_test: Held-out rows in the same form; None holds out a fifth.
        split: How they are drawn: ``"random"``, or ``"last"`` for time series.
        codecs: Names of those to compare; None for all that there are.
        rng: Seed of split, frames, rotations and clusters.
        progress: Called with a label, the codecs done and all there are.

    Returns:
        Errors, recall, bits, speeds, predictions and both winners.

    Raises:
        DataError: If the rows cannot be used, or are too few.
        MissingDependency: If a codec of faiss is asked for by name and faiss is missing.
        ValueOutOfRange: If an argument is outside its domain.

    Warns:
        DataWarning: If data were converted, or columns left out.

    Examples:
        >>> rows = np.random.default_rng(0).normal(size=(400, 8)) * np.arange(1.0, 9.0)
        >>> found = advise(rows, bits_per_dim=2, codecs=["linear", "quantised"])
        >>> found.budget, found.reconstruction.label, len(found.scores)
        (16, 'quantised', 2)

    References:
        [jegou:11], [ge:13], [gao:24], [vargaftik:22], [zandieh:25], [max:60]
    """
    from isthmus.data import load, without_constant_columns

    if split not in ("random", "last"):
        raise ValueOutOfRange(
            f"`{_CALL}(split=...)` must be 'random' or 'last'; got {split!r}."
        )
    seed = int(raw_words(as_rng(rng), 1)[0] >> np.uint64(33))
    dataset = without_constant_columns(load(X))
    rows = dataset.values
    if X_test is None:
        held = hold_out(rows, rng=as_rng(seed), split=split)
        train, test = rows[held.train], rows[held.test]
    else:
        train, test = rows, _columns(load(X_test).values, dataset)
    return advise_rows(
        train,
        test,
        bits_per_dim=bits_per_dim,
        name=dataset.name,
        codecs=codecs,
        seed=seed,
        progress=progress,
    )


def advise_rows(
    train: np.ndarray,
    test: np.ndarray,
    *,
    bits_per_dim: float,
    name: str = "rows",
    codecs: Sequence[str] | None = None,
    queries: np.ndarray | None = None,
    seed: int = 0,
    progress: Progress | None = None,
) -> CodecAdvice:
    """The same of rows that are split already; finite, and every column changes.

    Args:
        train: Rows to fit on.
        test: Rows to measure on.
        bits_per_dim: As for :func:`advise`.
        name: Of the data.
        codecs: As there.
        queries: Other rows, whose neighbours among `test` are looked for; None takes
            rows of `test`, which do not find themselves.
        seed: Of frames, rotations and clusters.
        progress: As there.

    Returns:
        As there.

    Raises:
        DataError: If there are too few rows, or they are all equal.
        ValueOutOfRange: If an argument is outside its domain.
    """
    budget = budget_of(bits_per_dim, train.shape[1])
    names = checked_names(codecs)
    if len(train) + len(test) < LEAST_ROWS:
        raise DataError(
            f"`{_CALL}(X=...)` must have at least {LEAST_ROWS} rows; got "
            f"{len(train) + len(test)}. With fewer no codec can be told from another."
        )
    check_spread(train, name=f"{_CALL}(X=...)")
    generator = as_rng(seed)
    train, n_train = _some(train, MOST_FIT, generator), len(train)
    test, n_test = _some(test, MOST_TEST, generator), len(test)
    tell = progress or (lambda label, done, total: None)
    with _quietly(), one_thread():
        ground, units = prepared(train, unit_norm=equal_norms(train, test), seed=seed)
        held = HeldOutRows.of(
            test, units, ground, queries, NEIGHBOURS, MOST_QUERIES, _LEAST_SEARCHED
        )
        trials, left_out = _try_all(names, ground, held, budget, tell)
    if codecs is None and importlib.util.find_spec("faiss") is None:
        left_out = [*left_out, NO_PEERS]
    scores, reconstruction, search = compared(trials, held)
    return CodecAdvice(
        name=name,
        bits_per_dim=float(bits_per_dim),
        budget=budget,
        n_input=train.shape[1],
        n_train=len(train),
        n_test=len(test),
        n_queries=held.n_queries,
        n_neighbours=NEIGHBOURS,
        unit_norm=ground.unit_norm,
        scores=scores,
        reconstruction=reconstruction,
        search=search,
        curves=codec_curves(ground.principal.all_eigenvalues, budget),
        left_out=tuple(left_out),
        notes=notes_on(scores, held, ground, (n_train, n_test)),
    )


def checked_names(codecs: object) -> tuple[str, ...]:
    """Names of codecs to compare: all, without faiss' where it is missing, or those given.

    Raises:
        ValueOutOfRange: If a name is not known, or there is none.

    Examples:
        >>> checked_names(["linear"])
        ('linear',)
    """
    known = {**OWN, **PEERS}
    if codecs is None:
        return tuple(known if importlib.util.find_spec("faiss") else OWN)
    given = [codecs] if isinstance(codecs, str) else codecs
    names = tuple(given) if isinstance(given, (list, tuple)) else ()
    if not names or not all(isinstance(name, str) and name in known for name in names):
        raise ValueOutOfRange(
            f"`{_CALL}(codecs=...)` must name at least one of {', '.join(known)}; got "
            f"{codecs!r}."
        )
    return tuple(dict.fromkeys(names))


def _try_all(
    names: Sequence[str],
    ground: Ground,
    held: HeldOutRows,
    budget: int,
    tell: Progress,
) -> tuple[list[Trial], list[str]]:
    """Each codec, and those that need no norm also with one; who cannot be had is named."""
    known = {**OWN, **PEERS}
    jobs = [(name, name not in SENDS_NO_NORM) for name in names]
    jobs += [(name, True) for name in names if name in SENDS_NO_NORM]
    trials: list[Trial] = []
    left_out: list[str] = []
    for done, (name, norm) in enumerate(jobs):
        tell(f"{name} + norm" if norm else name, done, len(jobs))
        found = tried(name, norm, known[name], ground, held, budget, ours=name in OWN)
        if isinstance(found, LeftOut):
            added = " with a norm" if norm and name in SENDS_NO_NORM else ""
            left_out.append(f"{name}{added} was left out: it {found.why}.")
        else:
            trials.append(found)
    tell("done", len(jobs), len(jobs))
    if not trials:
        raise ValueOutOfRange(
            f"`{_CALL}(codecs=...)` must name one that fits {budget} bits. "
            f"{' '.join(left_out)} Allow more bits, or more codecs."
        )
    return trials, left_out


def _some(rows: np.ndarray, most: int, generator: np.random.Generator) -> np.ndarray:
    if len(rows) <= most:
        return rows
    return np.asarray(rows[np.sort(random_subset(generator, len(rows), most))])


def _columns(test: np.ndarray, dataset: Any) -> np.ndarray:
    wanted = dataset.values.shape[1] if dataset.kept is None else dataset.kept.size
    if test.shape[1] != wanted:
        raise DataError(
            f"`{_CALL}(X_test=...)` must have {wanted} columns, those of X; got "
            f"{test.shape[1]}."
        )
    return test if dataset.kept is None else np.asarray(test[:, dataset.kept])


@contextlib.contextmanager
def _quietly() -> Iterator[None]:
    """One thread for BLAS, and no warnings of fits: the notes tell what they would."""
    with threadpool_limits(1), warnings.catch_warnings():
        warnings.simplefilter("ignore", DataWarning)
        yield
