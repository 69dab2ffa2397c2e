"""How everything is measured: one split, one NMSE, one way to count bits.

Estimators, report, experiments and benchmarks all measure through this module;
nothing else computes an NMSE of its own.
"""

from __future__ import annotations

import dataclasses
import hashlib
import math
from typing import Literal

import numpy as np
from jaxtyping import Float, Int

from isthmus.core.errors import DataError, ValueOutOfRange
from isthmus.core.random import random_subset

NORM_BITS = {"none": 0, "float16": 16}
Split = Literal["random", "last"]
_BLOCK = 4096
_DIGEST = 16


@dataclasses.dataclass(frozen=True)
class HeldOut:
    """Row indices of a split.

    Attributes:
        train: Rows to fit on, in their original order.
        test: Rows to measure on, in their original order.
        n_duplicate_rows: Rows that equal an earlier row.
    """

    train: np.ndarray
    test: np.ndarray
    n_duplicate_rows: int


@dataclasses.dataclass(frozen=True)
class Measurement:
    """A mean over rows and its standard error.

    Attributes:
        value: The estimate.
        standard_error: Over rows, equal rows taken as one; conditional on what was fitted.
        n_rows: Rows it was taken over.
    """

    value: float
    standard_error: float
    n_rows: int


def hold_out(
    x: Float[np.ndarray, "row column"],
    *,
    rng: np.random.Generator,
    split: Split = "random",
    n_test: int | None = None,
) -> HeldOut:
    """Choose the rows that nothing is fitted on.

    20 % of the rows, at least 50 and at most 10 000, but never more than half.
    Exactly equal rows are kept on one side, so that no held-out row has been seen.

    Args:
        x: Rows.
        rng: Draws the rows when `split` is ``"random"``.
        split: ``"random"``, or ``"last"`` for the last rows (time series); then
            training rows that a held-out row repeats are left out.
        n_test: Rows to hold out instead of that rule, where `x` is a sample of more
            rows; never more than half.

    Returns:
        The split. It is deterministic given `rng`.

    Raises:
        DataError: If one side would be empty: nearly all rows are equal.
        ValueOutOfRange: If `split` is not known.

    Examples:
        >>> from isthmus.core import as_rng
        >>> rows = np.arange(400.0).reshape(200, 2)
        >>> hold_out(rows, rng=as_rng(0)).test.size
        50
    """
    n_rows = x.shape[0]
    group = group_of_row(x)
    n_groups = int(group.max()) + 1
    wanted = held_out_count(n_rows)
    if n_test is not None:
        wanted = max(1, min(n_test, n_rows // 2))
    test = np.zeros(n_rows, dtype=bool)
    if split == "last":
        test[n_rows - wanted :] = True
        train = ~test & ~np.isin(group, group[test])
    elif split == "random":
        sizes = np.bincount(group, minlength=n_groups)
        order = random_subset(rng, n_groups, n_groups)
        order = order[np.argsort(sizes[order] > n_rows // 2, kind="stable")]
        taken = np.cumsum(sizes[order])
        count = int(np.searchsorted(taken, wanted)) + 1
        while count > 1 and taken[count - 1] > n_rows // 2:
            count -= 1
        test = np.isin(group, order[:count])
        train = ~test
    else:
        raise ValueOutOfRange(
            f"`hold_out(split=...)` must be 'random' or 'last'; got {split!r}."
        )
    if not train.any() or not test.any():
        raise DataError(
            "Rows must differ: nearly all of them are equal, so that none can be held "
            f"out ({n_groups} different rows among {n_rows})."
        )
    return HeldOut(np.flatnonzero(train), np.flatnonzero(test), n_rows - n_groups)


def held_out_count(n_rows: int) -> int:
    """Rows held out of so many: 20 %, 50 to 10 000, never more than half.

    Examples:
        >>> [held_out_count(n) for n in (20, 1000, 10**6)]
        [10, 200, 10000]
    """
    return min(max(round(0.2 * n_rows), 50), 10_000, n_rows // 2)


def group_of_row(x: Float[np.ndarray, "row column"]) -> Int[np.ndarray, " row"]:
    """Number the rows so that exactly equal rows share a number (0.0 equals -0.0).

    Examples:
        >>> group_of_row(np.array([[1.0, 2.0], [3.0, 4.0], [1.0, 2.0]])).tolist()
        [0, 1, 0]
    """
    seen: dict[bytes, int] = {}
    numbers = np.empty(x.shape[0], dtype=np.int64)
    for start in range(0, x.shape[0], _BLOCK):
        rows = np.ascontiguousarray(x[start : start + _BLOCK] + 0.0)
        width = rows.shape[1] * rows.itemsize
        for i, row in enumerate(rows.view(f"V{width}").ravel()):
            key = row.tobytes()
            if width > _DIGEST:  # as good as the row itself, and 16 bytes
                key = hashlib.blake2b(key, digest_size=_DIGEST).digest()
            numbers[start + i] = seen.setdefault(key, len(seen))
    return numbers


def measure(
    x: Float[np.ndarray, "row column"],
    x_hat: Float[np.ndarray, "row column"],
    mean: Float[np.ndarray, " column"],
) -> Measurement:
    r"""Normalised mean squared error of a reconstruction.

    .. math:: \mathrm{NMSE} = \sum \|x - \hat x\|^2 / \sum \|x - m\|^2

    "Always answer the mean" scores 1. The standard error is that of a ratio of means over
    groups of equal rows, which say nothing that one of them does not.

    Args:
        x: Rows, input units.
        x_hat: Their reconstruction, input units.
        mean: Mean m of the training rows.

    Returns:
        NMSE, its standard error over rows, and the number of rows.

    Raises:
        DataError: If every row equals the mean, so that the NMSE has no denominator.

    Examples:
        >>> rows = np.array([[1.0], [-1.0], [3.0]])
        >>> measure(rows, np.zeros((3, 1)), np.zeros(1)).value
        1.0
    """
    error, energy = row_errors(x, x_hat), row_errors(x, mean)
    return measure_errors(error, energy, group_of_row(x))


def nmse_of(
    x: Float[np.ndarray, "row column"],
    x_hat: Float[np.ndarray, "row column"],
    mean: Float[np.ndarray, " column"],
) -> float:
    """The value of :func:`measure` alone, where nobody asks how sure it is.

    Args:
        x: Rows.
        x_hat: Their reconstruction.
        mean: Mean of the training rows.

    Returns:
        NMSE.

    Raises:
        DataError: If every row equals the mean.

    Examples:
        >>> nmse_of(np.array([[1.0], [-1.0]]), np.array([[0.0], [-1.0]]), np.zeros(1))
        0.5
    """
    return measure_errors(row_errors(x, x_hat), row_errors(x, mean)).value


def measure_errors(
    error: Float[np.ndarray, " row"],
    energy: Float[np.ndarray, " row"],
    group: Int[np.ndarray, " row"] | None = None,
) -> Measurement:
    """The same from the squared errors of the rows, or from differences of two methods'.

    Args:
        error: Squared error of each row, or that of one method minus that of another:
            then the result is the difference of their NMSE, its standard error paired.
        energy: Squared distance of each row from the mean of the training rows.
        group: Number of each row's group, as :func:`group_of_row` gives it; rows of a
            group are one observation. None where all rows are known to differ.

    Returns:
        NMSE or difference.

    Raises:
        DataError: If every row equals the mean.

    Examples:
        >>> measure_errors(np.array([1.0, 1.0]), np.array([2.0, 2.0])).value
        0.5
    """
    if not energy.sum() > 0:
        raise DataError("Every row equals the mean: the NMSE has no denominator.")
    value = float(error.sum() / energy.sum())
    n_rows = error.size
    if group is not None:
        error, energy = np.bincount(group, error), np.bincount(group, energy)
    return _ratio(error - value * energy, energy, value, n_rows)


def paired_difference(
    x: Float[np.ndarray, "row column"],
    x_hat: Float[np.ndarray, "row column"],
    other: Float[np.ndarray, "row column"],
    mean: Float[np.ndarray, " column"],
) -> Measurement:
    """NMSE of `x_hat` minus NMSE of `other`, with its paired standard error.

    Args:
        x: Rows.
        x_hat: One reconstruction.
        other: Another reconstruction of the same rows.
        mean: Mean of the training rows.

    Returns:
        The difference; negative if `x_hat` is the better one.

    Raises:
        DataError: If every row equals the mean.

    Examples:
        >>> rows = np.array([[1.0], [-1.0]])
        >>> paired_difference(rows, rows, 0 * rows, np.zeros(1)).value
        -1.0
    """
    gain = row_errors(x, x_hat) - row_errors(x, other)
    return measure_errors(gain, row_errors(x, mean), group_of_row(x))


def row_errors(
    x: Float[np.ndarray, "row column"],
    x_hat: Float[np.ndarray, "row column"] | Float[np.ndarray, " column"],
) -> Float[np.ndarray, " row"]:
    """Squared distance of each row from its reconstruction, in float64.

    Examples:
        >>> row_errors(np.array([[3.0, 4.0]]), np.zeros((1, 2))).tolist()
        [25.0]
    """
    difference = np.asarray(x - x_hat, dtype=np.float64)
    error: np.ndarray = np.einsum("ij,ij->i", difference, difference)
    return error


def total_bits(n_code: int, *, norm: str = "none", bits_per_symbol: float = 1.0) -> int:
    """Bits stored per vector by a quantised code: payload and side information.

    Args:
        n_code: Code symbols per vector.
        norm: ``"none"`` or ``"float16"``.
        bits_per_symbol: 1 for signs; log2 of the number of levels otherwise.

    Returns:
        Whole bits, rounded up once per vector.

    Raises:
        ValueOutOfRange: If `norm` is not known.

    Examples:
        >>> total_bits(128, norm="float16"), total_bits(10, bits_per_symbol=math.log2(3))
        (144, 16)
    """
    if norm not in NORM_BITS:
        raise ValueOutOfRange(
            f"`total_bits(norm=...)` must be one of {', '.join(NORM_BITS)}; got {norm!r}."
        )
    return math.ceil(n_code * bits_per_symbol - 1e-9) + NORM_BITS[norm]


def _ratio(
    residual: np.ndarray, energy: np.ndarray, value: float, n_rows: int
) -> Measurement:
    count = residual.size
    if count < 2:
        return Measurement(value, float("nan"), n_rows)
    variance = float(residual @ residual) / (count * (count - 1))
    return Measurement(value, float(np.sqrt(variance) / energy.mean()), n_rows)
