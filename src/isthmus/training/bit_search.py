"""Signs y that make |x - A y|^2 small: steepest descent in whole numbers."""

from __future__ import annotations

import dataclasses
import functools

import numpy as np
from jaxtyping import Float, Int, Int8

from isthmus.core.compiled import LEVELS, NUMPY, extension, in_use
from isthmus.core.door import real_array, whole_number
from isthmus.core.errors import ValueOutOfRange
from isthmus.decoders.spec import MOST_FLIPS

EXTRA_FLIPS = 64
"""Flips beyond the first local minimum that encoders do unless told otherwise."""

TENURE = 8
"""Flips for which a bit that was flipped beyond a local minimum stays as it is."""

_MODULE = "isthmus.training._descent"
_BARRED = 2**30  # of a bit that may not be flipped: above every other gain
_LARGEST = 2.0**28  # of a correlation
_PADDING = 16
_BLOCK = 512


@dataclasses.dataclass(frozen=True, eq=False)
class BitSearch:
    r"""Local search for the signs of a linear decoder A.

    With :math:`G = A^\top A` and :math:`c = A^\top (x - A y)` flipping bit j changes
    :math:`|x - A y|^2` by :math:`4 (y_j c_j + G_{jj})`. The bit of least change is flipped
    as long as that is negative; then the best bit that was not among the last few is
    flipped whatever the change, `extra` times, and the lowest signs seen are kept and
    descended from once more (tabu search). So the end cannot be improved by any one flip,
    and with more extra flips it is never above the first minimum.

    G and c are rounded once to whole multiples of one power of two, G to 28 bits below the
    largest possible c. From there on all sums are exact: they do not depend on the order
    in which they are taken, nor on the rows beside, and the compiled kernel and NumPy end
    at the same signs. An entry of A^T x so large that it decides its bit whatever the
    others are is cut to twice the size that does.

    Args:
        decoder_weight: A, "input code", finite.

    Attributes:
        decoder_weight: The same, float64.
        unit: What one step of the whole numbers is worth, input units squared.
        gram: G over the unit, "code code".
        given: The array that was given, which says whether it is still the same.

    Raises:
        ValueOutOfRange: If it is no finite matrix.

    Examples:
        >>> search = BitSearch(np.array([[2.0, 1.0]]))
        >>> search(np.array([[1.1], [-2.9]]), np.ones((2, 2), np.int8)).tolist()
        [[1, -1], [-1, -1]]

    References:
        [glover:89]
    """

    decoder_weight: Float[np.ndarray, "input code"]
    unit: float = dataclasses.field(init=False)
    gram: Int[np.ndarray, "code code"] = dataclasses.field(init=False)
    _reach: np.ndarray = dataclasses.field(init=False)

    given: np.ndarray = dataclasses.field(init=False)

    def __post_init__(self) -> None:
        name = "BitSearch(decoder_weight=...)"
        weight = real_array(name, self.decoder_weight)
        if weight.ndim != 2 or 0 in weight.shape or not np.isfinite(weight).all():
            raise ValueOutOfRange(
                f"`{name}` must be a finite matrix, one column per bit; got shape "
                f"{weight.shape}."
            )
        gram = weight.T @ weight
        reach = np.abs(gram).sum(axis=1)
        exponent = np.floor(np.log2(_LARGEST / (3.0 * reach.max()))) if reach.any() else 0.0
        unit = float(2.0**-exponent)
        found = {
            "given": self.decoder_weight,
            "decoder_weight": weight.astype(np.float64),
            "unit": unit,
            "gram": np.rint(gram / unit).astype(np.int64),
            "_reach": np.ceil(2.0 * reach / unit),
        }
        for key, value in found.items():
            object.__setattr__(self, key, value)

    @property
    def n_code(self) -> int:
        """Bits of a row."""
        return int(self.decoder_weight.shape[1])

    def __call__(
        self,
        centred: Float[np.ndarray, "row input"],
        start: Int8[np.ndarray, "row code"],
        extra: int = 0,
        *,
        single: bool = False,
    ) -> Int8[np.ndarray, "row code"]:
        """Signs of lower energy than those to start from, row by row.

        Args:
            centred: x, finite.
            start: Signs, ±1.
            extra: Flips beyond the first local minimum.
            single: Whether float32 rows may be multiplied in float32: twice as fast, and
                the signs then depend a little on machine and batch. For training.

        Returns:
            New signs.
        """
        extra = whole_number("BitSearch(extra=...)", extra, least=0, most=MOST_FLIPS)
        extra = extra if self.n_code > 1 else 0
        signs = np.empty(start.shape, np.int8)
        for begin in range(0, start.shape[0], _BLOCK):
            block = slice(begin, begin + _BLOCK)
            if single and centred.dtype == np.float32:
                c = self._correlations(centred[block], start[block], self._narrow)
            else:
                c = self.correlations(centred[block], start[block])
            signs[block] = self._searched(c, start[block], extra)
        return signs

    def correlations(
        self,
        centred: Float[np.ndarray, "row input"],
        signs: Int8[np.ndarray, "row code"],
    ) -> Int[np.ndarray, "row code"]:
        """A^T (x - A y) over the unit, in whole numbers."""
        # Whole numbers below 2^53: exact in any order.
        return self._correlations(centred, signs, self._wide)

    def _correlations(
        self, centred: np.ndarray, signs: np.ndarray, tables: tuple[np.ndarray, ...]
    ) -> np.ndarray:
        weight, gram, reach = tables
        inner = centred.astype(weight.dtype, copy=False) @ weight
        np.clip(np.rint(inner, out=inner), -reach, reach, out=inner)
        whole: np.ndarray = inner - signs.astype(gram.dtype) @ gram
        return whole.astype(np.int32)

    @functools.cached_property
    def _wide(self) -> tuple[np.ndarray, ...]:
        """A over the unit, G and the largest entries of A^T x, in float64."""
        gram = self.gram.astype(np.float64)
        return self.decoder_weight / self.unit, gram, np.asarray(self._reach)

    @functools.cached_property
    def _narrow(self) -> tuple[np.ndarray, ...]:
        """The same in float32."""
        weight, gram, reach = self._wide
        return weight.astype(np.float32), gram.astype(np.float32), reach.astype(np.float32)

    @functools.cached_property
    def _padded(self) -> tuple[np.ndarray, np.ndarray]:
        """Twice G and its diagonal, 32 bits, up to a multiple of 16 bits."""
        size = -(-self.n_code // _PADDING) * _PADDING
        gram = _aligned((size, size))
        gram[: self.n_code, : self.n_code] = 2 * self.gram
        diagonal = np.full(size, _BARRED, np.int32)
        diagonal[: self.n_code] = np.diag(self.gram)
        return gram, diagonal

    def _searched(self, c: np.ndarray, start: np.ndarray, extra: int) -> np.ndarray:
        tenure = min(TENURE, self.n_code // 2)
        level = search_kernel_in_use()
        gram, diagonal = self._padded
        if level == NUMPY:
            signs = start.astype(np.int32)
            narrow = gram[: self.n_code, : self.n_code], diagonal[: self.n_code]
            _search(*narrow, c, signs, extra, tenure)
            return signs.astype(np.int8)
        shape = (c.shape[0], diagonal.size)
        wide, signs = np.zeros(shape, np.int32), np.ones(shape, np.int8)
        wide[:, : self.n_code], signs[:, : self.n_code] = c, start
        sizes = (diagonal.size, gram, diagonal, wide, signs, extra, tenure)
        extension(_MODULE).search(*sizes, LEVELS.index(level))
        return signs[:, : self.n_code]


def search_kernel_in_use() -> str:
    """Name of the arithmetic that searches: the fastest, or what ISTHMUS_KERNEL names.

    Raises:
        ValueOutOfRange: If the variable names none that runs here.
    """
    return in_use(_MODULE)


def _search(
    gram: np.ndarray,
    diagonal: np.ndarray,
    c: np.ndarray,
    signs: np.ndarray,
    extra: int,
    tenure: int,
) -> None:
    """What the compiled kernel does, for all rows at once; `c` and `signs` in place."""
    _descend(gram, diagonal, c, signs)
    if not extra:
        return
    rows = np.arange(c.shape[0])
    barred = np.tile(diagonal, (rows.size, 1))
    best_c, best_signs = c.copy(), signs.copy()
    ring: list[np.ndarray] = []
    energy, lowest = np.zeros((2, rows.size), np.int64)
    place, least = _best(c, signs, barred)
    for step in range(extra):
        if step >= tenure:
            free = ring.pop(0)
            barred[rows, free] = diagonal[free]
        ring.append(place)
        barred[rows, place] = _BARRED
        energy += least
        _flip(gram, c, signs, rows, place)
        place, least = _best(c, signs, barred)
        better = energy < lowest
        if step + 1 < extra:
            better &= least >= 0
        lowest[better] = energy[better]
        best_c[better], best_signs[better] = c[better], signs[better]
    c[:], signs[:] = best_c, best_signs
    _descend(gram, diagonal, c, signs)


def _descend(
    gram: np.ndarray, diagonal: np.ndarray, c: np.ndarray, signs: np.ndarray
) -> None:
    """Flip the bit of least change while that is negative; rows that are done rest."""
    rows = np.arange(c.shape[0])
    inner_c, inner_signs = c.copy(), signs.copy()
    while rows.size:
        place, least = _best(inner_c, inner_signs, diagonal)
        going = least < 0
        if not going.all():
            done = rows[~going]
            c[done], signs[done] = inner_c[~going], inner_signs[~going]
            rows, place = rows[going], place[going]
            inner_c, inner_signs = inner_c[going], inner_signs[going]
        if rows.size:
            _flip(gram, inner_c, inner_signs, np.arange(rows.size), place)


def _best(
    c: np.ndarray, signs: np.ndarray, diagonal: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    gain = signs * c
    gain += diagonal
    place = np.argmin(gain, axis=1)
    return place, gain[np.arange(place.size), place]


def _flip(
    gram: np.ndarray, c: np.ndarray, signs: np.ndarray, rows: np.ndarray, place: np.ndarray
) -> None:
    old = signs[rows, place]
    signs[rows, place] = -old
    change = gram[place]
    change *= old[:, None]
    c += change


def _aligned(shape: tuple[int, int]) -> np.ndarray:
    """Zeros of 32 bits that begin at a multiple of 64 bytes."""
    size = 4 * shape[0] * shape[1]
    raw = np.zeros(size + 64, np.uint8)
    begin = -raw.ctypes.data % 64
    return raw[begin : begin + size].view(np.int32).reshape(shape)
