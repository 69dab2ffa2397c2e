"""Whether to rotate before the signs are taken, and whether to train the rotation."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterable, Mapping
from typing import Literal

import numpy as np
from jaxtyping import Float

from isthmus import frames
from isthmus.core.door import whole_number
from isthmus.core.errors import ValueOutOfRange
from isthmus.core.memory import check_memory
from isthmus.core.protocol import Measurement, group_of_row, hold_out, measure_errors
from isthmus.core.random import as_rng, random_subset
from isthmus.core.tolerance import ROWS_PER_COLUMN
from isthmus.core.typing import Matrix
from isthmus.data import Principal, checked, without_constant_columns
from isthmus.training.givens import givens_pairs
from isthmus.training.itq import itq, row_magnitudes

Encoder = Literal["haar", "identity", "givens", "itq"]
_SIMPLEST_FIRST: tuple[Encoder, ...] = ("haar", "identity", "givens", "itq")
_MOST_ROWS = 40_000
_WORK = 6.5e8  # training rows times squared columns, where these are enough rows
_EQUAL = 2.0  # paired standard errors
_WORTHWHILE = 1e-3  # of psi: a smaller gain is not worth a more complicated encoder


@dataclasses.dataclass(frozen=True, eq=False)
class RotationAdvice:
    r"""What :func:`should_rotate` measured, by encoder.

    Attributes:
        recommendation: ``"haar"`` (a fixed random transform: training has nothing to
            gain), ``"identity"`` (signs of the white coordinates themselves),
            ``"givens"`` (coordinates turned in pairs) or ``"itq"`` (a trained rotation).
        psi: Mean of |b_i x| over held-out rows of unit variance, by encoder. For
            Gaussian rows it is sqrt(2 / pi) = 0.798 whatever the encoder.
        standard_errors: Of psi, over held-out rows, the encoder held fixed.
        excess_kurtosis: Of each white coordinate over the training rows. Below 0, the
            axes or a trained rotation may win.
        rate: Code symbols per white coordinate.
    """

    recommendation: Encoder
    psi: Mapping[str, float]
    standard_errors: Mapping[str, float]
    excess_kurtosis: Float[np.ndarray, " coordinate"]
    rate: float

    @property
    def nmse(self) -> dict[str, float]:
        """1 - rate psi^2: NMSE of white rows by the transposed encoder, times psi."""
        return {name: 1.0 - self.rate * value**2 for name, value in self.psi.items()}


def should_rotate(
    X: Matrix,
    *,
    n_code: int | None = None,
    rng: np.random.Generator | int | None,
    max_steps: int = 200,
    progress: Callable[[int, int], object] | None = None,
) -> RotationAdvice:
    r"""Which orthonormal encoder keeps most of these rows in its signs.

    A sign code of white rows with orthonormal encoder B and linear decoder leaves

    .. math:: \mathrm{NMSE} = 1 - r \psi^2, \qquad
        \psi = \frac1n \sum_i E |b_i^\top x|, \qquad r = n / d \le 1

    so psi is all that an encoder can be better in. Independent coordinates that are
    scale mixtures of Gaussians (sparse, heavy-tailed) have psi at most sqrt(2/pi), which
    random rotations reach as the dimension grows: a fixed fast transform is best. Binary
    or bounded coordinates (negative excess kurtosis) have more to give.

    Rows are whitened by the symmetric root of the training rows' covariance, which
    keeps white coordinates near the given columns; where columns depend on each other,
    along their principal axes. Directions of hardly any variance then count as much as
    all others: project such rows to their leading components first. Encoders are made on
    training rows (at most 40 000, fewer above 128 columns, down to 20 per column) and
    measured on held-out ones; training takes seconds for 64 columns and minutes for 784.
    In few dimensions a trained rotation may spread sparse rows more evenly than a random
    one, and win by per cents.

    This concerns linear decoders. Which encoder is best for a decoder that is not linear
    is an open question: a posterior mean may prefer a rotation where signs of the axes
    suit a linear decoder better.

    Args:
        X: Rows, "sample input".
        n_code: Code symbols per row, at most the dimension of the rows; None for as many.
        rng: Seed or generator of the split, the rotations and the pairs.
        max_steps: Most steps of training, from each of two starts.
        progress: Called with the steps done and the most there may be.

    Returns:
        The simplest encoder (haar, identity, givens, itq, in this order) whose psi is
        within two paired standard errors of the best one's, or within 0.1 %, and all
        that was measured.

    Raises:
        DataError: If rows are not finite numbers, fewer than ten, or do not change.
        ValueOutOfRange: If `n_code` exceeds the dimension of the rows.

    Warns:
        DataWarning: If constant columns were left out, or training rows are fewer than
            20 per column.

    Examples:
        >>> from isthmus.priors import GaussBernoulli, SparseRademacher
        >>> should_rotate(GaussBernoulli(0.2).sample((4000, 16), 0), rng=0).recommendation
        'haar'
        >>> should_rotate(SparseRademacher(1.0).sample((4000, 16), 0), rng=0).recommendation
        'identity'

    References:
        [kogler:24], [gong:11]
    """
    generator = as_rng(rng)
    steps = whole_number("should_rotate(max_steps=...)", max_steps, least=0)
    train, test, group = _white_rows(X, generator)
    length = _code_length(n_code, train.shape[1])

    def tell(run: int) -> Callable[[int, float], object] | None:
        if progress is None:
            return None
        return lambda step, _: progress(run * steps + step, 2 * steps)

    made = _simple(train, length, generator)
    found = [itq(train, length, rng=generator, max_steps=steps, progress=tell(0))]
    start = _best(made.values(), train)
    found.append(itq(train, length, rng=0, max_steps=steps, start=start, progress=tell(1)))
    made["itq"] = max(found, key=lambda fit: fit.psi).encoder_weight
    sizes = {name: row_magnitudes(made[name], test) for name in _SIMPLEST_FIRST}
    measured = {name: _mean(size, group) for name, size in sizes.items()}
    square = np.square(train, dtype=np.float64)
    kurtosis = np.mean(square**2, axis=0) / np.mean(square, axis=0) ** 2 - 3.0
    return RotationAdvice(
        _simplest(sizes, group),
        {name: one.value for name, one in measured.items()},
        {name: one.standard_error for name, one in measured.items()},
        kurtosis,
        length / train.shape[1],
    )


def _white_rows(
    X: object, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """White training rows, held-out rows of unit variance, and the latter's groups."""
    rows = without_constant_columns(checked("should_rotate(X)", X)).values
    n_input = rows.shape[1]
    most = max(ROWS_PER_COLUMN * n_input, min(_MOST_ROWS, int(_WORK / n_input**2)))
    needed = 8 * (8 * n_input**2 + 3 * min(rows.shape[0], most) * n_input)
    way_out = "Project the rows first, or pass fewer of them."
    check_memory("should_rotate(X)", n_input, needed, way_out)
    split = hold_out(rows, rng=rng)
    chosen = split.train
    if chosen.size > most:
        chosen = chosen[np.sort(random_subset(rng, chosen.size, most))]
    principal = Principal.from_rows(rows[chosen])
    principal.warn_of_few_rows()
    rank = principal.rank
    turn = principal.basis[:, :rank] / np.sqrt(principal.eigenvalues[:rank])
    if rank == n_input:
        turn = turn @ principal.basis.T
    train, test = (
        (rows[part] - principal.mean.astype(rows.dtype)) @ turn.astype(rows.dtype)
        for part in (chosen, split.test)
    )
    # Whitening by few rows inflates others; psi is per unit of standard deviation.
    test /= np.sqrt(np.mean(np.square(test, dtype=np.float64))).astype(rows.dtype)
    return train, test, group_of_row(rows[split.test])


def _code_length(n_code: object, n_input: int) -> int:
    if n_code is None:
        return n_input
    length = whole_number("should_rotate(n_code=...)", n_code, least=1)
    if length > n_input:
        raise ValueOutOfRange(
            f"`should_rotate(n_code=...)` must be at most {n_input}, the dimension of the "
            f"rows; got {length}. Longer codes have no orthonormal encoder: take a tight "
            "frame, which no training of a rotation improves."
        )
    return length


def _simple(
    train: np.ndarray, n_code: int, rng: np.random.Generator
) -> dict[str, np.ndarray]:
    """Encoders that need little or no training."""
    n_input = train.shape[1]
    fast = [frames.dct(n_code, n_input, rng=rng).to_dense()]
    if not n_input & (n_input - 1):
        # Spreads every row evenly, which sparse rows want; sums of signs are often zero.
        fast.append(frames.hadamard(n_code, n_input, rng=rng).to_dense())
    whole = {"identity": np.eye(n_input), "givens": givens_pairs(train, rng=rng)}
    strongest = {name: _strongest(one, train, n_code) for name, one in whole.items()}
    return {"haar": _best(fast, train), **strongest}


def _best(weights: Iterable[np.ndarray], train: np.ndarray) -> np.ndarray:
    return max(weights, key=lambda weight: float(row_magnitudes(weight, train).mean()))


def _strongest(weight: np.ndarray, train: np.ndarray, n_code: int) -> np.ndarray:
    """Rows of the largest mean |b_i x| over the training rows."""
    size = np.abs(train @ weight.T.astype(train.dtype)).mean(axis=0)
    return np.asarray(weight[np.sort(np.argsort(-size, kind="stable")[:n_code])])


def _mean(value: np.ndarray, group: np.ndarray) -> Measurement:
    return measure_errors(value, np.ones_like(value), group)


def _simplest(sizes: dict[Encoder, np.ndarray], group: np.ndarray) -> Encoder:
    """First encoder that the best one does not clearly beat."""
    best = max(sizes.values(), key=lambda size: float(size.mean()))
    for name, size in sizes.items():
        gap = _mean(best - size, group)
        noise = _EQUAL * gap.standard_error
        if not gap.value > max(noise, _WORTHWHILE * float(best.mean())):
            return name
    raise AssertionError("the best encoder equals itself")
