"""What codecs are compared on: whole bits, training rows in one unit, and doubts."""

from __future__ import annotations

import time
from collections.abc import Sequence

import numpy as np

from isthmus.core.door import real_number
from isthmus.core.errors import ValueOutOfRange
from isthmus.core.lloyd_max import MAX_BITS
from isthmus.data.principal import Principal
from isthmus.estimators.codec_fits import Ground
from isthmus.estimators.codec_scores import CodecScore
from isthmus.estimators.codec_trials import ROWS_PER_BIT, HeldOutRows
from isthmus.estimators.unit_rows import UnitRows

NEIGHBOURS = 10
_FAR = 100.0  # square of the mean over the rows' energy about it
_CALL = "advise"


def budget_of(bits_per_dim: object, n_input: int) -> int:
    """Whole bits per row.

    Raises:
        ValueOutOfRange: If that is less than one, or more than 12 per column.

    Examples:
        >>> budget_of(0.5, 13)
        6
    """
    wanted = real_number(f"{_CALL}(bits_per_dim=...)", bits_per_dim)
    if not 0.0 < wanted <= MAX_BITS:
        raise ValueOutOfRange(
            f"`{_CALL}(bits_per_dim=...)` must be positive and at most {MAX_BITS}; got "
            f"{wanted:g}. Above that, store numbers in half precision."
        )
    budget = round(wanted * n_input)
    if budget < 1:
        raise ValueOutOfRange(
            f"`{_CALL}(bits_per_dim=...)` must give every row a bit; got {wanted:g} for "
            f"{n_input} columns that change. Take at least {1 / n_input:.3g}."
        )
    return budget


def prepared(train: np.ndarray, *, unit_norm: bool, seed: int) -> tuple[Ground, UnitRows]:
    """Training rows about their mean, divided by one number, and their axes.

    Rows of one length count as such if they differ by a tenth of it: far from the origin
    all rows have nearly the same.
    """
    started = time.thread_time()
    units = UnitRows.of(train, np.arange(len(train)))
    rows = units.scaled(train)
    principal = Principal.from_rows(rows)
    seconds = time.thread_time() - started
    mean = (units.mean / units.scale).astype(np.float32)
    unit_norm = unit_norm and float(mean @ mean) <= _FAR * mean.size
    return Ground(rows, principal, mean, unit_norm, seconds, seed), units


def notes_on(
    scores: Sequence[CodecScore],
    held: HeldOutRows,
    ground: Ground,
    read: tuple[int, int],
) -> tuple[str, ...]:
    """What the reader must know."""
    found = []
    if ground.unit_norm:
        found.append(
            "All rows have the same length: reconstructions are brought to it before they "
            "are ranked, which costs no bits."
        )
    few = [one.label for one in scores if one.few_rows]
    if few:
        found.append(
            f"Fewer than {ROWS_PER_BIT} training rows per bit of the code: "
            f"{len(ground.train):,} rows. What is learnt from them fits them better than "
            "others: compare the errors of both. linear and quantised fall back to the "
            "covariance alone as far as the rows do not contradict it; search, PQ and OPQ "
            "do not."
        )
    if held.n_queries == 0:
        found.append(
            f"Recall was not measured: {held.n_rows} held-out rows are too few to look "
            f"for {NEIGHBOURS} neighbours among."
        )
    if read != (len(ground.train), held.n_rows):
        found.append(
            f"Of {read[0]:,} training rows {len(ground.train):,} were used, of {read[1]:,} "
            f"held-out rows {held.n_rows:,}, drawn at random."
        )
    return tuple(found)
