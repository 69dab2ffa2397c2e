"""Which rows train and which measure; what is fitted sees the former alone."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from isthmus.core.progress import Progress
from isthmus.data import without_constant_columns
from isthmus.data.checks import equal_norms
from isthmus.data.labels import warn_of_labels
from isthmus.data.scaling import Scaling, check_scale, refuse_log_domain
from isthmus.report.large import large_stream, rows_of_stream
from isthmus.report.rows import Reading, Rows
from isthmus.report.splitting import like, split_rows, with_columns_of


def read_rows(
    data: object,
    *,
    X_test: object | None = None,
    split: str = "random",
    seed: int = 0,
    reading: Reading | None = None,
    constant: bool = False,
    seconds: float | None = None,
    progress: Progress | None = None,
) -> Rows:
    """Read a source, split it and scale it.

    Rows that would take more than 256 MB are read in blocks: their moments are added up,
    and at most 30 000 rows, drawn at random, stay in memory to fit and to measure on.

    Args:
        data: Built-in name, path or array with rows first.
        X_test: Held-out rows in the same form; None draws them.
        split: How they are drawn: ``"random"`` or ``"last"``.
        seed: Seed of the draw.
        reading: Columns, rows with gaps, scale; None: all as it is.
        constant: Keep columns that never change.
        seconds: When to stop reading blocks; None reads all.
        progress: Told a label, rows read and rows in all.

    Returns:
        The rows.

    Raises:
        DataError: If the data cannot be used.
        ValueOutOfRange: If `split` or the scale is not known.

    Warns:
        DataWarning: If data were converted, scaled or left out, a column looks like a
            label, given rows equal training rows, or the time did not suffice.
    """
    reading = reading or Reading()
    check_scale(reading.scale)
    source = large_stream(
        data,
        columns=reading.columns,
        drop=reading.drop,
        drop_missing=reading.drop_missing,
    )
    if source is not None:
        return rows_of_stream(
            source,
            None if X_test is None else reading.load(X_test),
            split=split,
            seed=seed,
            scale=reading.scale,
            constant=constant,
            seconds=seconds,
            progress=progress,
        )
    dataset = reading.load(data)
    warn_of_labels(dataset)
    given = None if X_test is None else like(dataset, reading.load(X_test))
    dropped = dataset.n_rows_dropped + (given.n_rows_dropped if given else 0)
    dataset = dataset if constant else without_constant_columns(dataset)
    given = None if given is None else with_columns_of(dataset, given)
    for part in (dataset, given):
        if reading.scale == "log1p" and part is not None:
            refuse_log_domain(part)
    held, test = split_rows(dataset, given, split, seed)
    train = dataset.values[held.train]
    scaling = Scaling.fit(reading.scale, train)
    return Rows(
        dataset=dataset,
        n_rows=dataset.values.shape[0] + (0 if given is None else test.shape[0]),
        n_train=train.shape[0],
        train=scaling.apply(train),
        test=scaling.apply(test),
        n_duplicate_rows=held.n_duplicate_rows,
        split=split if given is None else "given",
        scaling=scaling,
        n_rows_dropped=dropped,
        unit_norm=equal_norms(train, test),
    )


def held_out_rows(
    data: object,
    *,
    test: object | None = None,
    split: str = "random",
    seed: int = 0,
    columns: Sequence[str] | None = None,
    drop: Sequence[str] = (),
    drop_missing: bool = False,
) -> tuple[np.ndarray, np.ndarray]:
    """Training and held-out rows as they are, drawn as :func:`analyse` draws them.

    Args:
        data: Built-in name, path or array with rows first.
        test: Held-out rows in the same form; None draws them.
        split: ``"random"`` or ``"last"``.
        seed: Seed of the draw.
        columns: Names of the only columns to read; None reads all.
        drop: Names of columns to leave out.
        drop_missing: Leave out rows with a missing value.

    Returns:
        Rows to fit on and rows to measure on.

    Raises:
        DataError: If the data cannot be used.
        ValueOutOfRange: If `split` is not known.

    Examples:
        >>> [part.shape[0] for part in held_out_rows("digits")]
        [1438, 359]
    """
    reading = Reading(columns, drop, drop_missing)
    rows = read_rows(
        data, X_test=test, split=split, seed=seed, reading=reading, constant=True
    )
    return rows.train, rows.test
