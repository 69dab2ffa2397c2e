"""Linear decoders of codes that are searched for, learnt from rows."""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Callable, Mapping

import numpy as np
from jaxtyping import Float, Int8

from isthmus.core.errors import ValueOutOfRange
from isthmus.core.protocol import hold_out, nmse_of
from isthmus.core.random import random_subset
from isthmus.training.bit_search import EXTRA_FLIPS, BitSearch
from isthmus.training.successive_signs import SuccessiveSigns

RIDGE = 1e-6
"""Penalty of the least squares, relative to the power of a sign."""

_TRIAL_ROUNDS = 2
_TRAINING_EXTRA = 16
_MOST_ROWS, _ROWS_PER_BIT = 20_000, 100
_FEW_ROWS_PER_BIT, _STRONGER = 4, (0.1, 1.0, np.inf)
_BLOCK = 4096

Start = tuple[SuccessiveSigns, np.ndarray]


@dataclasses.dataclass(frozen=True, eq=False)
class SearchFit:
    """A decoder whose codes are searched for, and how it got there.

    Attributes:
        decoder_weight: A, "input code".
        start: Name of the signs that searches begin with.
        history: NMSE on rows set aside, before the first round and after each.
        trials: The same after two rounds, for each of the starts.
        n_rounds: Rounds of search and least squares that were kept.
        ridge: Penalty of the least squares.
    """

    decoder_weight: Float[np.ndarray, "input code"]
    start: str
    history: Float[np.ndarray, " round"]
    trials: dict[str, float]
    n_rounds: int
    ridge: float


def fit_search(
    centred: Float[np.ndarray, "row input"],
    starts: Mapping[str, Start],
    *,
    rng: np.random.Generator,
    max_rounds: int = 6,
    extra: int = EXTRA_FLIPS,
    ridge: float | None = None,
    progress: Callable[[str, int, int], object] | None = None,
) -> SearchFit:
    r"""Alternate the search for signs with least squares for the decoder.

    .. math:: y_t = \arg\min |x_t - A y| \text{ (locally)}, \qquad
        A = \arg\min \sum_t |x_t - A y_t|^2 + \lambda N |A - A_0|^2

    Every round begins with the same signs of a fixed encoder: signs of the last round lie
    in minima that the new decoder has too. Rows set aside choose the start, by two rounds
    of each, and the number of rounds, since a decoder with many bits learns the rows by
    heart. Then all rows are fitted.

    Args:
        centred: Rows about their mean; of more than 20 000 and than 100 per bit so many
            are drawn.
        starts: By name, an encoder and its decoder A_0 to begin with and shrink towards.
        rng: Draws rows.
        max_rounds: Most rounds.
        extra: Flips beyond the first local minimum when a row is encoded; while training
            at most 16.
        ridge: Penalty, relative to the power of a sign; ``inf`` leaves A_0. None takes
            1e-6, or where there are fewer than four rows per bit whichever of 1e-6, 0.1,
            1 and ``inf`` leaves least of the rows set aside.
        progress: Told a label, rounds done and rounds in all.

    Returns:
        The decoder and its history.

    Raises:
        DataError: If nearly all rows are equal.
        ValueOutOfRange: If there is no start.

    Examples:
        >>> from isthmus.core import as_rng
        >>> from isthmus.training.successive_signs import along_axes
        >>> x = np.random.default_rng(0).normal(size=(400, 4))
        >>> start = along_axes(np.eye(4), np.ones(4), np.full(4, 2))
        >>> fit = fit_search(x, {"axes": start}, rng=as_rng(0))
        >>> fit.decoder_weight.shape, fit.start
        ((4, 8), 'axes')
    """
    if not starts:
        raise ValueOutOfRange("`fit_search(starts=...)` must hold at least one start.")
    n_code = next(iter(starts.values()))[1].shape[1]
    most = max(_MOST_ROWS, _ROWS_PER_BIT * n_code)
    if centred.shape[0] > most:
        centred = centred[np.sort(random_subset(rng, centred.shape[0], most))]
    held = hold_out(centred, rng=rng)
    known, others = centred[held.train], centred[held.test]
    ridges: tuple[float, ...] = (RIDGE if ridge is None else ridge,)
    if ridge is None and known.shape[0] < _FEW_ROWS_PER_BIT * n_code:
        ridges += _STRONGER
    tried = list(itertools.product(starts, ridges))
    total = max_rounds + (len(tried) - 1) * min(_TRIAL_ROUNDS, max_rounds)
    done = 0

    def tell(error: float) -> None:
        nonlocal done
        done += 1
        if progress is not None:
            progress(f"search, NMSE {error:.4g}", min(done, total), total)

    runs = {}
    for name, penalty in tried:
        run = _Run(known, starts[name], min(extra, _TRAINING_EXTRA), penalty)
        run.go_on(others, extra, min(_TRIAL_ROUNDS, max_rounds), tell)
        runs[name, penalty] = run
    best = min(runs, key=lambda one: min(runs[one].history))
    run = runs[best]
    trials = {name: min(min(runs[name, p].history) for p in ridges) for name in starts}
    run.go_on(others, extra, max_rounds - len(run.history) + 1, tell)
    n_rounds = int(np.argmin(run.history))
    start, penalty = best
    whole = _Run(centred, starts[start], min(extra, _TRAINING_EXTRA), penalty)
    for _ in range(n_rounds):
        whole.round()
    history = np.array(run.history)
    return SearchFit(whole.decoder, start, history, trials, n_rounds, penalty)


class _Run:
    """Rounds from one start on some rows."""

    def __init__(self, rows: np.ndarray, start: Start, extra: int, ridge: float):
        self.rows, self.extra, self.ridge = rows, extra, ridge
        self.encoder, self.prior = start
        self.start = self.encoder(rows)
        self.decoder = self._least_squares(self.start)
        self.history: list[float] = []

    def round(self) -> None:
        """Search, then least squares."""
        found = BitSearch(self.decoder)(self.rows, self.start, self.extra)
        self.decoder = self._least_squares(found)

    def go_on(
        self,
        others: np.ndarray,
        extra: int,
        n_rounds: int,
        tell: Callable[[float], object],
    ) -> None:
        """More rounds, each measured on rows set aside."""
        start = self.encoder(others)
        for i in range(n_rounds + (not self.history)):
            if self.history:
                self.round()
            found = BitSearch(self.decoder)(others, start, extra)
            self.history.append(_error(others, found, self.decoder))
            if i:
                tell(self.history[-1])

    def _least_squares(self, signs: Int8[np.ndarray, "row code"]) -> np.ndarray:
        if np.isinf(self.ridge):
            return self.prior
        n_code = signs.shape[1]
        gram, cross = np.zeros((n_code, n_code)), np.zeros(self.prior.T.shape)
        for begin in range(0, signs.shape[0], _BLOCK):
            block = slice(begin, begin + _BLOCK)
            codes = signs[block].astype(self.rows.dtype)
            gram += codes.T @ codes
            cross += codes.T @ self.rows[block]
        cross -= gram @ self.prior.T
        gram[np.diag_indices(n_code)] += max(self.ridge, RIDGE) * signs.shape[0]
        return np.asarray(self.prior + np.linalg.solve(gram, cross).T)


def _error(centred: np.ndarray, signs: np.ndarray, decoder: np.ndarray) -> float:
    codes = signs.astype(centred.dtype)
    rows = codes @ decoder.astype(centred.dtype, copy=False).T
    return nmse_of(centred, rows, np.zeros(centred.shape[1]))
