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
_TRIAL_ROWS_PER_BIT = 8  # of fewer the bits that learn most by heart look worst
_WORTH = 2e-3  # what two rounds must take away for another one
_TRAINING_EXTRA = 16
_MOST_ROWS, _ROWS_PER_BIT = 20_000, 100
_ENOUGH_ROWS_PER_BIT = 16  # for the rows set aside to matter little in early rounds
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
    of each on a quarter of the rows or eight per bit, and the number of rounds, since a
    decoder with many bits learns the rows by heart; where two rounds take away less than
    0.2 %, there are no more. Then one round goes over all rows; with fewer than 16 per bit
    all rounds do.

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
    signs = {name: encoder(centred) for name, (encoder, _) in starts.items()}
    ridges: tuple[float, ...] = (RIDGE if ridge is None else ridge,)
    if ridge is None and held.train.size < _FEW_ROWS_PER_BIT * n_code:
        ridges += _STRONGER
    tried = list(itertools.product(starts, ridges))
    few, enough = held.train, max(held.train.size // 4, _TRIAL_ROWS_PER_BIT * n_code)
    if len(tried) > 1 and few.size > enough:
        few = np.sort(few[random_subset(rng, few.size, enough)])
    n_trial, done = min(_TRIAL_ROUNDS, max_rounds), 0
    total = max_rounds + (len(tried) - (few is held.train)) * n_trial

    def tell(error: float) -> None:
        nonlocal done
        done += 1
        if progress is not None:
            progress(f"search, NMSE {error:.4g}", min(done, total), total)

    runs = {}
    for name, penalty in tried:
        run = _Run(centred, signs[name], starts[name][1], held.test, extra, penalty)
        run.begin(few)
        run.go_on(few, n_trial, tell)
        runs[name, penalty] = run
    best = min(runs, key=lambda one: min(runs[one].history))
    run, (start, penalty) = runs[best], best
    trials = {name: min(min(runs[name, p].history) for p in ridges) for name in starts}
    if few is not held.train:  # what few rows taught is forgotten
        run.begin(held.train)
    run.go_on(held.train, max_rounds - len(run.history) + 1, tell)
    n_rounds = int(np.argmin(run.history))
    decoder, history = run.ended(), np.array(run.history)
    return SearchFit(decoder, start, history, trials, n_rounds, penalty)


def _gained(history: list[float]) -> float:
    """Share of the least error that the last two rounds took away."""
    before = min(history[:-2])
    return 1.0 - min(history) / before if before > 0 else 0.0


class _Run:
    """Rounds from one start, on some of the rows and then on more."""

    def __init__(
        self,
        rows: np.ndarray,
        signs: np.ndarray,
        prior: np.ndarray,
        others: np.ndarray,
        extra: int,
        ridge: float,
    ):
        self.rows, self.signs, self.prior, self.ridge = rows, signs, prior, ridge
        self.extra = extra
        self.others = rows[others], signs[others]

    def begin(self, on: np.ndarray) -> None:
        """Least squares for the signs to begin with."""
        self.decoder = self._best = self._least_squares(self.rows[on], self.signs[on])
        self.history = [self._error(self.decoder)]

    def go_on(self, on: np.ndarray, n_rounds: int, tell: Callable[[float], object]) -> None:
        """More rounds on these rows, as long as they gain."""
        rows, signs = self.rows[on], self.signs[on]
        for _ in range(n_rounds):
            if len(self.history) > 2 and _gained(self.history) < _WORTH:
                break
            self.decoder = self._round(self.decoder, rows, signs)
            error = self._error(self.decoder)
            tell(error)
            if error < min(self.history):
                self._best = self.decoder
            self.history.append(error)

    def ended(self) -> np.ndarray:
        """The best decoder, learnt from all rows: a round more, or all rounds of few."""
        n_rounds, decoder = int(np.argmin(self.history)), self._best
        if not n_rounds or len(self.rows) < _ENOUGH_ROWS_PER_BIT * self.signs.shape[1]:
            decoder = self._least_squares(self.rows, self.signs)
        else:
            n_rounds = 1
        for _ in range(n_rounds):
            decoder = self._round(decoder, self.rows, self.signs)
        return decoder

    def _round(
        self, decoder: np.ndarray, rows: np.ndarray, signs: np.ndarray
    ) -> np.ndarray:
        """Search, then least squares."""
        extra = min(self.extra, _TRAINING_EXTRA)
        return self._least_squares(
            rows, BitSearch(decoder)(rows, signs, extra, single=True)
        )

    def _least_squares(
        self, rows: np.ndarray, signs: Int8[np.ndarray, "row code"]
    ) -> np.ndarray:
        if np.isinf(self.ridge):
            return self.prior
        n_code = signs.shape[1]
        gram, cross = np.zeros((n_code, n_code)), np.zeros(self.prior.T.shape)
        for begin in range(0, signs.shape[0], _BLOCK):
            block = slice(begin, begin + _BLOCK)
            codes = signs[block].astype(rows.dtype)
            gram += codes.T @ codes
            cross += codes.T @ rows[block]
        cross -= gram @ self.prior.T
        gram[np.diag_indices(n_code)] += max(self.ridge, RIDGE) * signs.shape[0]
        return np.asarray(self.prior + np.linalg.solve(gram, cross).T)

    def _error(self, decoder: np.ndarray) -> float:
        """NMSE of the rows set aside."""
        rows, signs = self.others
        codes = BitSearch(decoder)(rows, signs, self.extra, single=True).astype(rows.dtype)
        back = codes @ decoder.astype(rows.dtype, copy=False).T
        return nmse_of(rows, back, np.zeros(rows.shape[1]))
