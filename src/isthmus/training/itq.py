"""Iterative quantisation: the rotation whose signs lose least, learnt from rows."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Literal

import numpy as np
from jaxtyping import Float

from isthmus.core.door import real_array, real_number, whole_number
from isthmus.core.errors import ValueOutOfRange
from isthmus.core.memory import check_memory
from isthmus.core.random import as_rng
from isthmus.core.tolerance import RELATIVE_RANK
from isthmus.core.typing import Matrix
from isthmus.frames import haar
from isthmus.training.samples import check_samples

Reason = Literal["rtol", "max_steps"]
_PATIENCE = 5
_BLOCK = 4096
_LEAST_SINGLE, _MOST_SINGLE = 1e-30, 1e30  # entries that float32 can add up


@dataclasses.dataclass(frozen=True)
class ItqFit:
    r"""Orthonormal rows found by :func:`itq`, and how they got there.

    Attributes:
        encoder_weight: B, "code input", orthonormal rows.
        history: Mean of |b_i x| over rows and code symbols, units of the rows, before
            the first step and after each; it never falls beyond rounding.
        converged: Whether it stopped by itself.
        reason: ``"rtol"`` (five steps together gained less) or ``"max_steps"``.
    """

    encoder_weight: Float[np.ndarray, "code input"]
    history: Float[np.ndarray, " step"]
    converged: bool
    reason: Reason

    @property
    def n_iter(self) -> int:
        """Steps taken."""
        return self.history.size - 1

    @property
    def psi(self) -> float:
        """Mean of |b_i x| over the training rows."""
        return float(self.history[-1])


def itq(
    X: Matrix,
    n_code: int,
    *,
    rng: np.random.Generator | int | None,
    max_steps: int = 400,
    rtol: float = 1e-6,
    start: Matrix | None = None,
    progress: Callable[[int, float], object] | None = None,
) -> ItqFit:
    r"""Orthonormal rows B that make E ||B x||_1 large, by alternating polar factors.

    .. math:: B \leftarrow U V^\top, \qquad
        \sum_t \mathrm{sign}(B x_t)\, x_t^\top = U D V^\top

    never lowers the mean :math:`\psi` of |b_i x|, since the polar factor is the best B
    for signs held fixed and the signs are best for that B. On white rows the decoder
    :math:`\psi B^\top` leaves

    .. math:: \mathrm{NMSE} = 1 - r \psi^2, \qquad r = n / d \le 1

    which a random rotation brings to 1 - 2r/pi. Only data whose rotations can have a
    negative excess kurtosis (binary, bounded) have more to give; see
    :func:`~isthmus.training.should_rotate`. From a random start the gain comes as a
    staircase: little for many steps, then rows fall into place in bursts. The end is a
    local maximum.

    Args:
        X: Rows, "sample input", centred by the caller and white if 1 - r psi^2 is to
            be their error. float32 rows are multiplied in float32, others in float64.
        n_code: Code symbols per row, at most the columns of `X`.
        rng: Seed or generator of the start.
        max_steps: Steps after which it stops in any case; each costs two products of
            the rows with a code-by-input matrix.
        rtol: It stops when five steps together raise psi by less than this share.
        start: Encoder to start from, "code input", independent rows; its polar factor
            is taken. None draws a uniformly random rotation.
        progress: Called with the step and psi after every step.

    Returns:
        The encoder and its history.

    Raises:
        DataError: If rows are not finite numbers or all zero.
        ValueOutOfRange: If `n_code` exceeds the columns, or an argument is outside its
            domain.

    Examples:
        >>> from isthmus.priors import SparseRademacher
        >>> rows = SparseRademacher(0.9).sample((4000, 8), 0)
        >>> found = itq(rows, 8, rng=0)
        >>> found.reason, 1 - found.psi**2 < 0.15 < 1 - 2 / np.pi
        ('rtol', True)

    References:
        [gong:11], [kogler:24]
    """
    steps = whole_number("itq(max_steps=...)", max_steps, least=0)
    if not 0.0 <= real_number("itq(rtol=...)", rtol) < 1.0:
        raise ValueOutOfRange(f"`itq(rtol=...)` must lie in [0, 1); got {rtol}.")
    rows = _rows(X)
    shape = (_code_length(n_code, rows.shape[1]), rows.shape[1])
    needed = 8 * (6 * shape[0] * shape[1] + _BLOCK * shape[0])
    check_memory("itq(n_code=...)", shape[0], needed, "Project the rows first.")
    if start is None:
        weight = haar(*shape, rng=as_rng(rng)).to_dense()
    else:
        weight = _started(start, shape)
    correlation = sign_correlation(weight, rows)
    history = [float(np.vdot(weight, correlation)) / shape[0]]
    reason = _stop(history, steps, rtol)
    while reason is None:
        weight = polar_factor(correlation)
        correlation = sign_correlation(weight, rows)
        history.append(float(np.vdot(weight, correlation)) / shape[0])
        if progress is not None:
            progress(len(history) - 1, history[-1])
        reason = _stop(history, steps, rtol)
    return ItqFit(weight, np.array(history), reason != "max_steps", reason)


def polar_factor(
    matrix: Float[np.ndarray, "code input"],
) -> Float[np.ndarray, "code input"]:
    """Nearest matrix of orthonormal rows.

    Examples:
        >>> polar_factor(np.diag([3.0, 0.5])).tolist()
        [[1.0, 0.0], [0.0, 1.0]]
    """
    left, _, right = np.linalg.svd(matrix, full_matrices=False)
    return np.ascontiguousarray(left @ right)


def sign_correlation(
    encoder_weight: Float[np.ndarray, "code input"], rows: Float[np.ndarray, "row input"]
) -> Float[np.ndarray, "code input"]:
    """Mean of sign(B x) x^T over rows, a block at a time; zero counts as positive.

    Examples:
        >>> sign_correlation(np.eye(2), np.array([[0.0, 1.0], [0.0, -1.0]])).tolist()
        [[0.0, 0.0], [0.0, 1.0]]
    """
    turn = np.ascontiguousarray(encoder_weight.T.astype(rows.dtype, copy=False))
    total = np.zeros(encoder_weight.shape)
    for begin in range(0, rows.shape[0], _BLOCK):
        block = rows[begin : begin + _BLOCK]
        signs = block @ turn
        signs += 0.0  # minus zero becomes zero, and counts as positive
        np.copysign(1.0, signs, out=signs)
        total += signs.T @ block
    return np.asarray(total / rows.shape[0])


def row_magnitudes(
    encoder_weight: Float[np.ndarray, "code input"], rows: Float[np.ndarray, "row input"]
) -> Float[np.ndarray, " row"]:
    """Mean of |b_i x| over code symbols, for each row; its mean over rows is psi.

    Examples:
        >>> row_magnitudes(np.eye(2), np.array([[3.0, -1.0]])).tolist()
        [2.0]
    """
    turn = encoder_weight.T.astype(rows.dtype, copy=False)
    found = np.empty(rows.shape[0])
    for begin in range(0, rows.shape[0], _BLOCK):
        size = np.abs(rows[begin : begin + _BLOCK] @ turn)
        found[begin : begin + _BLOCK] = size.mean(axis=1, dtype=np.float64)
    return found


def _rows(X: object) -> np.ndarray:
    """Rows in the type that they are multiplied in; copied only if they have another."""
    samples = check_samples("itq", X, None, name="X")
    single = samples.values.dtype == np.float32
    if single and _LEAST_SINGLE < samples.unit < _MOST_SINGLE:
        return samples.values
    return samples.values.astype(np.float64, copy=False)


def _code_length(n_code: object, n_input: int) -> int:
    length = whole_number("itq(n_code=...)", n_code, least=1)
    if length > n_input:
        raise ValueOutOfRange(
            f"`itq(n_code=...)` must be at most the {n_input} columns of X; got {length}. "
            "A rotation has no more rows than columns: take a tight frame "
            "(isthmus.frames.dct, isthmus.training.tight_frame) for longer codes."
        )
    return length


def _started(start: object, shape: tuple[int, int]) -> np.ndarray:
    given = real_array("itq(start=...)", start)
    if given.shape != shape or not np.all(np.isfinite(given)):
        raise ValueOutOfRange(
            f"`itq(start=...)` must be a finite encoder of shape {shape}; "
            f"got shape {given.shape}."
        )
    given = given / max(float(np.abs(given).max()), 1e-300)
    values = np.linalg.svd(given, compute_uv=False)
    if not values[-1] > RELATIVE_RANK * values[0]:
        raise ValueOutOfRange(
            "`itq(start=...)` must have linearly independent rows; its least singular "
            f"value is {values[-1]:.2g} of entries up to 1. Draw one instead: start=None."
        )
    return polar_factor(given)


def _stop(history: list[float], max_steps: int, rtol: float) -> Reason | None:
    """Why to stop here, if there is a reason to."""
    recent = history[-_PATIENCE - 1 :]
    if len(recent) > _PATIENCE and recent[-1] - recent[0] <= rtol * recent[-1]:
        return "rtol"
    return "max_steps" if len(history) > max_steps else None
