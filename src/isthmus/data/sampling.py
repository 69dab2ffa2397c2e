"""Which rows of a stream to fit on and which to measure on, from their number alone."""

from __future__ import annotations

import dataclasses

import numpy as np
from jaxtyping import Float, Int

from isthmus.core.errors import ValueOutOfRange
from isthmus.core.protocol import held_out_count
from isthmus.core.random import random_subset, raw_words
from isthmus.data.checks import MIN_ROWS
from isthmus.data.stream_base import AbstractStream

_CROWDED = 4  # below this many rows per row drawn all of them are shuffled


@dataclasses.dataclass(frozen=True, eq=False)
class SampledRows:
    """Row numbers drawn from a stream, ascending; no row is in both.

    Attributes:
        train: Rows to fit on.
        test: Rows to measure on.
    """

    train: Int[np.ndarray, " train"]
    test: Int[np.ndarray, " test"]


def draw_rows(
    n_rows: int, n_train: int | None = None, *, rng: np.random.Generator
) -> SampledRows:
    """Draw held-out rows, and at most so many training rows from the others.

    20 % are held out, at least 50 and at most 10 000, but never more than half, as
    :func:`isthmus.core.hold_out` does. Only row numbers are drawn: equal rows cannot be
    grouped without reading everything, so that a held-out row that occurs twice may have
    been seen in training. Remove duplicates first where they matter.

    Args:
        n_rows: Rows of the stream, at least 10.
        n_train: Most rows to fit on, at least 1; None takes all that are left.
        rng: Draws the rows. The held-out rows do not depend on `n_train`.

    Returns:
        The row numbers. Memory grows with the rows drawn, not with `n_rows`.

    Raises:
        ValueOutOfRange: If there are fewer than ten rows, or `n_train` is below 1.

    Examples:
        >>> from isthmus.core import as_rng
        >>> drawn = draw_rows(10**12, 5, rng=as_rng(0))
        >>> drawn.test.size, drawn.train.size
        (10000, 5)
    """
    if n_rows < MIN_ROWS:
        raise ValueOutOfRange(
            f"`draw_rows(n_rows=...)` must be at least {MIN_ROWS}; got {n_rows}. Fewer "
            "leave nothing to hold out."
        )
    if n_train is not None and n_train < 1:
        raise ValueOutOfRange(
            f"`draw_rows(n_train=...)` must be at least 1; got {n_train}."
        )
    n_test = held_out_count(n_rows)
    test = np.sort(_distinct(rng, n_rows, n_test))
    left = n_rows - n_test
    if n_train is None or n_train >= left:
        train = np.arange(left)
    else:
        train = np.sort(_distinct(rng, left, n_train))
    # Number the rows that are left 0, 1, ...: row k of them comes after as many held-out
    # rows as have at most k rows of the rest before them.
    before = test - np.arange(n_test)
    train = train + np.searchsorted(before, train, side="right")
    return SampledRows(train, test)


def sample_stream(
    source: AbstractStream, n_train: int | None = None, *, rng: np.random.Generator
) -> tuple[Float[np.ndarray, "train column"], Float[np.ndarray, "test column"]]:
    """Read drawn rows of a stream: to fit on, and held out.

    Args:
        source: The stream. A .csv file is passed over once more to count its rows.
        n_train: Most rows to fit on; None takes all that are not held out.
        rng: Draws the rows; see :func:`draw_rows`, also on equal rows.

    Returns:
        Training rows and held-out rows, in the order of the file.

    Raises:
        DataError: If a row cannot be read.
        ValueOutOfRange: If `n_train` is below 1.
    """
    n_rows = source.n_rows
    if n_rows is None:
        n_rows = sum(block.shape[0] for block in source.blocks())
    drawn = draw_rows(n_rows, n_train, rng=rng)
    both = np.sort(np.concatenate([drawn.train, drawn.test]))
    rows = source.rows(both)
    held = np.isin(both, drawn.test, assume_unique=True)
    return rows[~held], rows[held]


def _distinct(rng: np.random.Generator, size: int, count: int) -> np.ndarray:
    """Different numbers below `size`; a subset of few is drawn until none repeats."""
    if size < _CROWDED * count:
        return random_subset(rng, size, count)
    found = np.empty(0, dtype=np.int64)
    while found.size < count:
        # The remainder of a 64-bit word is uniform to size / 2^64.
        more = (raw_words(rng, count - found.size) % np.uint64(size)).astype(np.int64)
        both = np.concatenate([found, more])
        _, first = np.unique(both, return_index=True)
        found = both[np.sort(first)]
    return found
