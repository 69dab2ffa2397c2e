"""Rows of a source that does not fit into memory, or should not."""

from __future__ import annotations

import dataclasses
import os
import warnings
from collections.abc import Callable, Sequence

import numpy as np

from isthmus.core.errors import DataError, DataNotFound, DataWarning
from isthmus.core.progress import Progress
from isthmus.core.protocol import HeldOut, held_out_count, hold_out
from isthmus.core.random import as_rng
from isthmus.data import AbstractStream, Dataset, Moments, stream, without_constant_columns
from isthmus.data.builtin import archive_of, find_builtin
from isthmus.data.checks import equal_norms
from isthmus.data.labels import warn_of_labels
from isthmus.data.readers import path_and_key
from isthmus.data.scaling import ScaleName, Scaling, refuse_below
from isthmus.data.stream_memory import memory_stream
from isthmus.data.streams import is_one_array
from isthmus.data.survey import Survey, survey
from isthmus.report.rows import Rows
from isthmus.report.splitting import like, split_rows, with_columns_of

LARGE = 2**28
"""Bytes of rows from which a source is read in blocks."""
KEPT = 3 * 2**26
"""Bytes of rows of such a source that stay in memory at most."""
FIT_ROWS = 20_000
"""Most rows of a large source to fit on."""
_WORTH_LOOKING = 2**24
_TEST_ROWS = 10_000
_BLOCK = 1024
_LOST = 1e-5  # of a column's scatter: what is left below this may be rounding


def large_stream(
    data: object,
    *,
    columns: Sequence[str] | None = None,
    drop: Sequence[str] = (),
    drop_missing: bool = False,
) -> AbstractStream | None:
    """Open a source as a stream if its rows take more than 256 MB.

    Args:
        data: Built-in name, path or array.
        columns: Names of the only columns to read; None reads all.
        drop: Names of columns to leave out.
        drop_missing: Leave out rows with a missing value.

    Returns:
        The stream; None for what had better be loaded, or cannot be opened in blocks.
    """
    if isinstance(data, np.ndarray):
        if data.ndim < 2 or data.dtype.kind not in "fiub" or data.nbytes <= LARGE:
            return None
        if columns is not None or drop or drop_missing:
            return None
        return memory_stream(data)
    if not isinstance(data, (str, os.PathLike)) or not _may_be_large(data):
        return None
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            source = stream(data, columns=columns, drop=drop, drop_missing=drop_missing)
        except DataError:
            return None  # its reader says what is wrong, or can read it whole
    rows = source.n_bytes / (12 * source.n_columns)  # text: about 12 bytes a number
    size = (source.n_rows or rows) * source.n_columns * source.dtype.itemsize
    if size <= LARGE:
        return None
    for warning in caught:
        warnings.warn_explicit(
            warning.message, warning.category, warning.filename, warning.lineno
        )
    return source


def rows_of_stream(
    source: AbstractStream,
    given: Dataset | None,
    *,
    split: str,
    seed: int,
    scale: ScaleName,
    constant: bool,
    seconds: float | None,
    progress: Progress | None,
) -> Rows:
    """Moments of all training rows of a stream, and rows to fit and to measure on.

    Args:
        source: The stream.
        given: Held-out rows, all columns; None draws them.
        split: How they are drawn: ``"random"`` or ``"last"``.
        seed: Of the draws.
        scale: What to do to the columns.
        constant: Keep columns that never change.
        seconds: When to stop reading; None reads all.
        progress: Told a label, rows read and rows in all.

    Returns:
        The rows.

    Raises:
        DataError: If a block cannot be read.

    Warns:
        DataWarning: If not all rows were read, columns were left out, or as loading does.
    """
    rng = as_rng(seed)
    tail = _last_rows(source) if given is None and split == "last" else None
    drawn = given is None and tail is None
    room = max(64, KEPT // (source.n_columns * source.dtype.itemsize))
    found = survey(
        source,
        min(FIT_ROWS + (_TEST_ROWS if drawn else 0), room),
        rng=rng,
        seconds=seconds,
        n_rows=None if tail is None else (source.n_rows or 0) - len(tail),
        transform=_logarithms(source) if scale == "log1p" else None,
        progress=progress,
    )
    _tell_unread(source, found)
    dataset = Dataset(
        source.name,
        found.sample,
        source.column_names,
        source.sample_shape,
        left_out=source.left_out,
    )
    warn_of_labels(dataset)
    others = None if given is None else like(dataset, given)
    if tail is not None:
        others = dataclasses.replace(dataset, values=tail)
    if not constant:
        dataset = without_constant_columns(dataset, found.constant)
    kept = np.arange(found.constant.size) if dataset.kept is None else dataset.kept
    others = None if others is None else with_columns_of(dataset, others)
    moments = found.moments.of_columns(kept)
    if drawn:
        n_rows = source.n_rows or moments.n_rows
        n_test = min(held_out_count(n_rows), dataset.values.shape[0] // 3)
        held = hold_out(dataset.values, rng=rng, n_test=n_test)
        train, test = _parted(dataset.values, held)
        logged = np.log1p(test) if scale == "log1p" else test
        moments = _without(moments, Moments.from_rows(logged), train)
    else:
        complete = dataset.values.shape[0] >= moments.n_rows
        held, test = split_rows(dataset, others, split, seed, complete=complete)
        train = dataset.values
        n_rows = (source.n_rows or moments.n_rows) + (0 if given is None else len(test))
    lost = 0 if given is None else given.n_rows_dropped
    deviation = np.sqrt(np.diag(moments.covariance()))
    scaling = Scaling.fit(scale, train, deviation)
    if scaling.divisor is not None:
        moments = moments.of_columns(np.arange(moments.mean.size), scaling.divisor)
    return Rows(
        dataset=dataclasses.replace(dataset, values=train),
        n_rows=n_rows,
        n_train=moments.n_rows,
        train=scaling.apply(train),
        test=scaling.apply(test),
        n_duplicate_rows=held.n_duplicate_rows,
        split=split if given is None else "given",
        scaling=scaling,
        n_rows_dropped=(source.n_rows_dropped or 0) + lost,
        unit_norm=equal_norms(train, test),
        moments=moments,
    )


def _parted(rows: np.ndarray, held: HeldOut) -> tuple[np.ndarray, np.ndarray]:
    """Training and held-out rows, in the memory of both: they are all there are."""
    test = rows[held.test]
    n_train = held.train.size
    for start in range(0, n_train, _BLOCK):
        stop = min(start + _BLOCK, n_train)
        rows[start:stop] = rows[held.train[start:stop]]
    rows[n_train:] = test
    return rows[:n_train], rows[n_train:]


def _without(moments: Moments, held: Moments, train: np.ndarray) -> Moments:
    """Moments of the other rows; a column that only held-out rows move has no variance."""
    left = moments.without(held)
    lost = np.diag(left.scatter) <= _LOST * np.diag(moments.scatter)
    still = np.flatnonzero(lost)
    still = still[(train[:, still] == train[0, still]).all(axis=0)]
    left.scatter[still] = left.scatter[:, still] = 0.0
    return left


def _may_be_large(data: str | os.PathLike) -> bool:
    """Whether a file is worth opening to see how many rows it has."""
    text = os.fspath(data)
    try:
        if is_one_array(text):
            path = archive_of(text).found(text)
        elif find_builtin(text):
            return False
        else:
            path = path_and_key(text)[0]
        return path.stat().st_size >= _WORTH_LOOKING
    except (OSError, DataNotFound):
        return False


def _last_rows(source: AbstractStream) -> np.ndarray:
    """The rows that are held out of a time series, read by their numbers."""
    if source.n_rows is None:
        way_out = "Save it as .npy or .parquet"
        if source.drop_missing:
            way_out = "Save it without the rows that have gaps, as .npy or .parquet"
        raise DataError(
            f"`{source.name}` does not say how many rows it has, so that its last ones "
            f"cannot be held out while it is read in blocks. {way_out}, or pass them "
            "with --test."
        )
    n_rows = source.n_rows
    return source.rows(np.arange(n_rows - held_out_count(n_rows), n_rows))


def _logarithms(source: AbstractStream) -> Callable[[int, np.ndarray], np.ndarray]:
    def logged(start: int, block: np.ndarray) -> np.ndarray:
        refuse_below(source.name, block, source.column_names, lambda row: start + row)
        values: np.ndarray = np.log1p(block)
        return values

    return logged


def _tell_unread(source: AbstractStream, found: Survey) -> None:
    if found.complete:
        return
    n_read = found.moments.n_rows
    of = "" if source.n_rows is None else f" of {source.n_rows:,}"
    how = (
        "in blocks drawn at random over the file"
        if source.seekable
        else "the first ones of the file, which may not be like the others"
    )
    warnings.warn(
        f"There was time to read {n_read:,}{of} rows: {how}. A larger --budget reads more.",
        DataWarning,
        stacklevel=3,
    )
