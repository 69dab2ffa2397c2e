"""One codec fitted and measured, and all of them compared on the same rows."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Sequence

import numpy as np
from jaxtyping import Float, Int

from isthmus.core.protocol import (
    Measurement,
    group_of_row,
    measure_errors,
    nmse_of,
    row_errors,
)
from isthmus.core.random import as_rng, random_subset
from isthmus.estimators.codec_fits import Fit, Fitted, Ground, LeftOut
from isthmus.estimators.codec_measures import Neighbours, cosine_errors, mean_of, timed
from isthmus.estimators.codec_scores import CLEAR, CodecScore, Winner, label_of
from isthmus.estimators.unit_rows import UnitRows

TIGHT = 0.05
"""Share of the code on one direction from which a prediction is not trusted."""
CLOSE = 0.05
"""Departure of training rows from a prediction up to which it is trusted."""
ROWS_PER_BIT = 30
_TRAIN_ROWS = 10_000


@dataclasses.dataclass(frozen=True, eq=False)
class HeldOutRows:
    """Rows to measure on, in the unit of the ground, and what all codecs share.

    Attributes:
        rows: "row input", float32.
        raw: The same about the origin, in that unit.
        energy: Squared distances from the training mean.
        group: Which rows are equal.
        neighbours: Exact ones; None where rows are too few.
    """

    rows: Float[np.ndarray, "row input"]
    raw: Float[np.ndarray, "row input"]
    energy: Float[np.ndarray, " row"]
    group: Int[np.ndarray, " row"]
    neighbours: Neighbours | None

    @classmethod
    def of(
        cls,
        test: np.ndarray,
        units: UnitRows,
        ground: Ground,
        queries: np.ndarray | None,
        count: int,
        most: int,
        least: int,
    ) -> HeldOutRows:
        """Scale held-out rows and find the neighbours of some.

        Args:
            test: Rows, input units.
            units: Of the training rows.
            ground: What codecs are fitted on.
            queries: Rows to search for; None: rows of `test`.
            count: Neighbours of each.
            most: Queries.
            least: Times as many rows as neighbours there must be.
        """
        rows = units.scaled(test)
        found = None
        if len(rows) > least * count:
            own = None
            if queries is None:
                drawn = random_subset(as_rng(ground.seed), len(rows), most)
                own = np.sort(drawn)
                asked = rows[own]
            else:
                asked = units.scaled(queries[:most])
            found = Neighbours.exact(asked, rows, own=own, count=count)
        energy = row_errors(rows, np.zeros_like(rows))
        return cls(rows, rows + ground.mean, energy, group_of_row(test), found)

    @property
    def n_rows(self) -> int:
        """Rows."""
        return len(self.rows)

    @property
    def n_queries(self) -> int:
        """Rows whose neighbours are looked for."""
        return 0 if self.neighbours is None else len(self.neighbours.queries)


@dataclasses.dataclass(frozen=True, eq=False)
class Trial:
    """A score, and the errors it was made of.

    Attributes:
        score: Not compared yet.
        errors: Squared error of each held-out row.
        recall: Of each query; None if not measured.
    """

    score: CodecScore
    errors: Float[np.ndarray, " row"]
    recall: Float[np.ndarray, " query"] | None


def tried(
    name: str,
    norm: bool,
    fit: Fit,
    ground: Ground,
    held: HeldOutRows,
    budget: int,
    *,
    ours: bool,
) -> Trial | LeftOut:
    """Fit one codec on the training rows and measure it on the others."""
    started = time.thread_time()
    fitted = fit(ground, budget, norm)
    seconds = time.thread_time() - started
    if isinstance(fitted, LeftOut):
        return fitted
    codes, encoding = timed(lambda: fitted.encode(held.rows))
    decoded, decoding = timed(lambda: fitted.decode(codes))
    errors = row_errors(held.rows, decoded)
    recall = None
    if held.neighbours is not None:
        recall = held.neighbours.recall(fitted.ranking(codes, ground))
    some = ground.train[:_TRAIN_ROWS]
    train_nmse = nmse_of(some, fitted.decode(fitted.encode(some)), np.zeros(some.shape[1]))
    few_rows = fitted.learnt and len(ground.train) < ROWS_PER_BIT * fitted.payload_bits
    score = CodecScore(
        label=label_of(name, norm),
        name=name,
        norm=norm,
        ours=ours,
        bits=fitted.payload_bits + fitted.side_bits,
        payload_bits=fitted.payload_bits,
        side_bits=fitted.side_bits,
        nmse=measure_errors(errors, held.energy, held.group),
        train_nmse=train_nmse,
        cosine_error=mean_of(cosine_errors(held.raw, decoded + ground.mean)),
        recall=None if recall is None else mean_of(recall),
        predicted=fitted.predicted,
        tightness=fitted.tightness,
        trusted=trusted(fitted, train_nmse, few_rows),
        few_rows=few_rows,
        train_seconds=seconds + ground.seconds * fitted.uses_axes,
        coding_seconds=encoding + decoding,
        encode_rate=held.n_rows / encoding,
        decode_rate=held.n_rows / decoding,
        note=fitted.note,
    )
    return Trial(score, errors, recall)


def trusted(fitted: Fitted, train_nmse: float, few_rows: bool) -> bool | None:
    """Whether training rows bear a prediction out, and none of the code is crowded.

    A prediction is exact for Gaussian rows. Green means that the training rows, coded and
    decoded, are within 5 % of it, that there are at least 30 of them per bit of a learnt
    code, which otherwise fits them better than others, and that no direction takes more
    than 5 % of a sign code, which mixes directions. No held-out row is looked at: rows of
    another kind than the training rows are not foreseen.
    """
    if fitted.predicted is None:
        return None
    near = not few_rows and abs(train_nmse - fitted.predicted) <= CLOSE * fitted.predicted
    return near and (fitted.tightness is None or fitted.tightness <= TIGHT)


def compared(
    trials: Sequence[Trial], held: HeldOutRows
) -> tuple[tuple[CodecScore, ...], Winner, Winner | None]:
    """Scores beside the best ones, least NMSE first, and who wins for each use."""
    order = sorted(trials, key=lambda one: one.score.nmse.value)
    best = order[0]
    scores = [_behind(one, best, held) for one in order]
    tied = tuple(
        one.label
        for one in scores[1:]
        if not one.nmse_behind.value > CLEAR * one.nmse_behind.standard_error
    )
    reconstruction = Winner(scores[0].label, tied)
    if held.neighbours is None:
        return tuple(scores), reconstruction, None
    finder = max(order, key=lambda one: float(np.mean(_recall(one))))
    scores = [
        dataclasses.replace(score, recall_behind=mean_of(_recall(one) - _recall(finder)))
        for score, one in zip(scores, order, strict=True)
    ]
    label = finder.score.label
    level = tuple(one.label for one in scores if one.label != label and _level(one))
    return tuple(scores), reconstruction, Winner(label, level)


def _behind(one: Trial, best: Trial, held: HeldOutRows) -> CodecScore:
    apart = measure_errors(one.errors - best.errors, held.energy, held.group)
    return dataclasses.replace(one.score, nmse_behind=apart)


def _recall(one: Trial) -> np.ndarray:
    assert one.recall is not None
    return one.recall


def _level(one: CodecScore) -> bool:
    apart: Measurement | None = one.recall_behind
    return apart is not None and not -apart.value > CLEAR * apart.standard_error
