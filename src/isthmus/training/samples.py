"""What sampled training needs of rows and arguments before any tensor is made."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Sequence

import numpy as np
from jaxtyping import Float

from isthmus.core.door import real_array
from isthmus.core.errors import DataError, ValueOutOfRange
from isthmus.core.random import raw_words
from isthmus.core.tolerance import SYMMETRY

_BLOCK = 4096


@dataclasses.dataclass(frozen=True)
class Samples:
    """Rows that were found fit for training.

    Attributes:
        values: Rows, "sample input", as given.
        whitening: Symmetric map to white coordinates, or None.
        unit: Root mean square of an entry: training runs in this unit.
        energy: Squared norm of each row in that unit.
    """

    values: np.ndarray
    whitening: np.ndarray | None
    unit: float
    energy: np.ndarray

    def blocks(self) -> Iterator[tuple[slice, np.ndarray]]:
        """Rows a block at a time: input coordinates in the unit, then white ones."""
        for begin in range(0, self.values.shape[0], _BLOCK):
            rows = slice(begin, min(begin + _BLOCK, self.values.shape[0]))
            block = self.values[rows].astype(np.float64)
            if self.whitening is None:
                yield rows, block / self.unit
            else:
                yield rows, np.hstack([block / self.unit, block @ self.whitening])

    def to_directions(self, encoder_weight: np.ndarray) -> np.ndarray:
        """Unit rows in white coordinates of an encoder for input coordinates."""
        rows = encoder_weight
        if self.whitening is not None:
            rows = rows @ np.linalg.pinv(self.whitening, hermitian=True)
        norm = np.linalg.norm(rows, axis=1, keepdims=True)
        zero = np.flatnonzero(~(norm[:, 0] > 0))
        if zero.size:
            raise ValueOutOfRange(
                "`train_straight_through(start=...)` must see the data with every row; "
                f"row {zero[0]} is zero. Leave it out or draw another."
            )
        return np.asarray(rows / norm)

    def to_encoder(self, directions: np.ndarray) -> np.ndarray:
        """Encoder for rows in input units, from unit rows in white coordinates."""
        if self.whitening is None:
            return np.asarray(directions / self.unit)
        return np.asarray(directions @ self.whitening)


def check_samples(
    call: str, x: object, whitening: object | None, *, name: str = "x"
) -> Samples:
    """Check rows and whitening; read the rows once.

    Raises:
        DataError: If the rows are not a finite matrix of numbers, or all zero.
        ValueOutOfRange: If the whitening is not symmetric or of another size.
    """
    try:
        values = np.asarray(x)
    except ValueError:  # rows of unequal length
        values = np.empty(0, dtype=object)
    if values.ndim != 2 or 0 in values.shape or values.dtype.kind not in "fiub":
        raise DataError(
            f"`{call}({name}=...)` must be numbers of shape (sample, input); got shape "
            f"{values.shape} of {values.dtype}."
        )
    with np.errstate(over="ignore", invalid="ignore"):  # told below, row by row
        energy = np.concatenate(
            [
                np.square(values[i : i + _BLOCK].astype(np.float64)).sum(axis=1)
                for i in range(0, values.shape[0], _BLOCK)
            ]
        )
    bad = np.flatnonzero(~np.isfinite(energy))
    if bad.size:
        raise DataError(
            f"`{call}({name}=...)` must be finite; row {bad[0]} holds NaN, infinity or "
            "numbers too large to square. Leave such rows out."
        )
    unit = float(np.sqrt(energy.mean() / values.shape[1]))
    if not unit > 0:
        raise DataError(f"`{call}({name}=...)` must hold a row that is not zero.")
    matrix = None if whitening is None else _symmetric(call, whitening, values.shape[1])
    return Samples(values, matrix, unit, energy / unit**2)


def check_weight(
    call: str, name: str, value: object, shape: tuple[int, int]
) -> Float[np.ndarray, "a b"]:
    """Finite matrix of a given shape."""
    weight = real_array(f"{call}({name}=...)", value)
    if weight.shape != shape:
        raise ValueOutOfRange(
            f"`{call}({name}=...)` must have shape {shape}; got {weight.shape}."
        )
    if not np.all(np.isfinite(weight)):
        raise ValueOutOfRange(f"`{call}({name}=...)` must be finite.")
    return weight


def check_whole(call: str, **values: object) -> None:
    """Every value is a whole number of at least 1."""
    for name, value in values.items():
        number = np.asarray(value)
        whole = number.ndim == 0 and number.dtype.kind in "iuf" and number >= 1
        if not (whole and np.isfinite(number) and number == np.floor(number)):
            raise ValueOutOfRange(
                f"`{call}({name}=...)` must be a whole number of at least 1; got {value}."
            )


def check_positive(call: str, **values: object) -> None:
    """Every value is a positive finite number."""
    for name, value in values.items():
        number = np.asarray(value)
        if number.ndim != 0 or number.dtype.kind not in "iuf" or not 0 < number < np.inf:
            raise ValueOutOfRange(
                f"`{call}({name}=...)` must be positive and finite; got {value}."
            )


def learning_rates(
    call: str, start: float, schedule: Sequence[tuple[float, float]], n_steps: int
) -> list[float]:
    """Step of every step: from each fraction of the run on, `start` times its factor."""
    marks = np.array([0.0, *(mark for mark, _ in schedule)])
    factors = np.array([1.0, *(factor for _, factor in schedule)])
    ordered = np.all(np.diff(marks) >= 0) and np.all(marks < 1.0)
    if not (ordered and np.all((factors > 0) & np.isfinite(factors))):
        raise ValueOutOfRange(
            f"`{call}(schedule=...)` must be pairs (fraction of the run, factor), "
            f"fractions ascending in [0, 1), factors positive; got {schedule}."
        )
    phase = np.searchsorted(marks, np.arange(n_steps) / n_steps, side="right") - 1
    rates: list[float] = (start * factors[phase]).tolist()
    return rates


def draw_batches(
    rng: np.random.Generator, n_steps: int, n_batch: int, n_rows: int
) -> np.ndarray:
    """Row numbers of each step; all rows, in order, where a batch holds them all."""
    if n_batch == n_rows:
        return np.tile(np.arange(n_rows), (n_steps, 1))
    words = raw_words(rng, n_steps * n_batch) % np.uint64(n_rows)
    return words.astype(np.int64).reshape(n_steps, n_batch)


def _symmetric(call: str, whitening: object, n_input: int) -> np.ndarray:
    matrix = check_weight(call, "whitening", whitening, (n_input, n_input))
    size = float(np.abs(matrix).max())
    if not size > 0 or float(np.abs(matrix - matrix.T).max()) > SYMMETRY * size:
        raise ValueOutOfRange(
            f"`{call}(whitening=...)` must be symmetric and not zero. Take the inverse "
            "root of the covariance, U diag(lambda ** -0.5) U^T."
        )
    return np.asarray(0.5 * (matrix + matrix.T))
