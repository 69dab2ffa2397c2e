"""What faiss's transforms do to a row, as a matrix and an offset."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from jaxtyping import Float

from isthmus.codec.faiss.library import kind_of, library
from isthmus.core.errors import ValueOutOfRange

_AFFINE = (
    "CenteringTransform",
    "HadamardRotation",
    "ITQMatrix",
    "LinearTransform",
    "OPQMatrix",
    "PCAMatrix",
    "RandomRotationMatrix",
    "RemapDimensionsTransform",
)
_NORMALISING = ("ITQTransform", "NormalizationTransform")


@dataclasses.dataclass(frozen=True, eq=False)
class Affine:
    """Rows x to W x + b; to a positive multiple of it that depends on x if `unit`.

    Attributes:
        weight: W, "output input".
        offset: b.
        unit: Whether rows are scaled to unit length on the way.
    """

    weight: Float[np.ndarray, "output input"]
    offset: Float[np.ndarray, " output"]
    unit: bool = False

    def then(self, after: Affine) -> Affine:
        """This one first, `after` second.

        Raises:
            ValueOutOfRange: If rows that were scaled to unit length are shifted: then no
                single matrix has their signs.

        Examples:
            >>> double = Affine(2 * np.eye(1), np.ones(1))
            >>> double.then(double).offset.tolist()
            [3.0]
        """
        if self.unit and np.any(after.offset):
            raise ValueOutOfRange(SHIFTED)
        offset = after.weight @ self.offset + after.offset
        return Affine(after.weight @ self.weight, offset, self.unit or after.unit)


SHIFTED = (
    "`sign_codes(index)` must read signs of W (x - centre); this index scales rows to unit "
    "length and shifts them after that, so that there are no such W and centre. Leave "
    "L2norm out of the factory string, and normalise rows before faiss sees them."
)


def identity(size: int) -> Affine:
    """Rows as they are.

    Examples:
        >>> identity(2).weight.shape
        (2, 2)
    """
    return Affine(np.eye(size), np.zeros(size))


def pushed(apply: Callable[[np.ndarray], np.ndarray], size: int) -> Affine:
    """The matrix and offset of an affine map of float32 rows, by pushing a basis through.

    The basis is as long as the offset: unit vectors would drown in a large one.

    Args:
        apply: The map.
        size: Columns that it takes.

    Returns:
        Map, to seven digits of its largest entry.

    Examples:
        >>> pushed(lambda x: 3 * x + np.float32(1024), 2).weight.tolist()
        [[3.0, 0.0], [0.0, 3.0]]
    """
    zero = apply(np.zeros((1, size), np.float32))[0].astype(np.float64)
    length = 2.0 ** np.ceil(np.log2(max(1.0, float(np.abs(zero).max(initial=0.0)))))
    moved = apply(np.float32(length) * np.eye(size, dtype=np.float32))
    return Affine((moved.astype(np.float64) - zero).T / length, zero)


def forward(transforms: Sequence[Any], n_input: int) -> Affine:
    """What a chain of transforms does to rows.

    Args:
        transforms: Downcast, first to last.
        n_input: Columns of the rows.

    Returns:
        Map from rows to what the quantiser sees.

    Raises:
        ValueOutOfRange: If a transform is none of the known ones, or rows are shifted after
            they were scaled to unit length.
    """
    whole = identity(n_input)
    for transform in transforms:
        whole = whole.then(_affine_of(transform))
    return whole


def backward(transforms: Sequence[Any], n_output: int) -> Affine | None:
    """What faiss does to rows on their way back, or None where it has no way back.

    Args:
        transforms: Downcast, first to last.
        n_output: Columns of what the quantiser sees.

    Returns:
        Map from there to rows.
    """
    whole = identity(n_output)
    for transform in reversed(transforms):
        try:
            back = pushed(transform.reverse_transform, int(transform.d_out))
        except RuntimeError:
            return None
        whole = whole.then(back)
    return whole


def pseudo_inverse(weight: Float[np.ndarray, "output input"]) -> np.ndarray:
    """The matrix itself, transposed, if its rows or columns are orthonormal.

    Examples:
        >>> pseudo_inverse(np.array([[0.0, 2.0]])).tolist()
        [[0.0], [0.5]]
    """
    wide = weight.shape[0] <= weight.shape[1]
    small = weight @ weight.T if wide else weight.T @ weight
    if np.allclose(small, np.eye(small.shape[0]), atol=1e-5):
        return weight.T
    found: np.ndarray = np.linalg.pinv(weight)
    return found


def _affine_of(transform: Any) -> Affine:
    kind, size = kind_of(transform), int(transform.d_in)
    if kind == "NormalizationTransform" and transform.norm == 2:
        return Affine(np.eye(size), np.zeros(size), unit=True)
    if kind == "ITQTransform":
        mean = library().vector_to_array(transform.mean).astype(np.float64)
        turned = pushed(transform.pca_then_itq.apply, size)
        return Affine(np.eye(size), -mean, unit=True).then(turned)
    if kind in _AFFINE:
        return pushed(transform.apply, size)
    raise ValueOutOfRange(
        f"`sign_codes(index)` must go through transforms that are known to be affine; got "
        f"{kind}. Known are {', '.join(sorted((*_AFFINE, *_NORMALISING)))}."
    )
