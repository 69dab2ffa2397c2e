"""Rows to packed bits and back, by a code that a file can hold."""

from __future__ import annotations

import abc
from typing import Any, final

import numpy as np
from jaxtyping import Float, Float16, UInt8

from isthmus import frames
from isthmus.codec.bits import decode_bits, encode_bits
from isthmus.core.bits import pack_signs, unpack_signs
from isthmus.core.door import shown
from isthmus.core.errors import DataError, ValueOutOfRange
from isthmus.decoders.spec import CodecSpec
from isthmus.frames import HadamardFrame
from isthmus.training.bit_search import BitSearch
from isthmus.training.successive_signs import SuccessiveSigns

BLOCK_ROWS = 256
"""Rows that are decoded together, counted from the first row of their chunk.

Matrix products round differently for other sizes: with blocks that are always the same a
row is decoded to the same numbers whichever rows are asked for beside it.
"""
_ENCODED_ROWS = 1024


class AbstractCoder(abc.ABC):
    """What archives need of a codec.

    Attributes:
        n_input: Columns of a row.
        n_bits: Bits of its code.
        has_norms: Whether a length is stored beside the bits.
    """

    n_input: int
    n_bits: int
    has_norms: bool

    @property
    @abc.abstractmethod
    def spec(self) -> CodecSpec:
        """The code in plain numbers, as an archive stores it."""

    @abc.abstractmethod
    def encode(
        self, rows: Float[np.ndarray, "row input"]
    ) -> tuple[UInt8[np.ndarray, "row byte"], Float16[np.ndarray, " row"] | None]:
        """Packed bits, and lengths where there are any.

        Args:
            rows: Finite rows, float32 or float64.

        Returns:
            Bits, bit j of a row in byte j // 8 at position j % 8, and lengths or None.
        """

    @abc.abstractmethod
    def decode(
        self,
        packed: UInt8[np.ndarray, "row byte"],
        norms: Float16[np.ndarray, " row"] | None = None,
        *,
        dtype: Any = np.float32,
    ) -> Float[np.ndarray, "row input"]:
        """Rows from what :meth:`encode` returned.

        Args:
            packed: Bits.
            norms: Lengths, or None.
            dtype: float32 or float64.

        Returns:
            Rows; those of a block of `BLOCK_ROWS` do not depend on what is in others.
        """


@final
class SignCoder(AbstractCoder):
    """Signs of a linear encoder, of quantisers or of a search, decoded linearly.

    Args:
        spec: The code.

    Examples:
        >>> coder = SignCoder(CodecSpec(mean=np.zeros(8), n_code=8, frame="hadamard"))
        >>> packed, norms = coder.encode(np.eye(8))
        >>> packed.shape, norms is None, coder.decode(packed).shape
        ((8, 1), True, (8, 8))
    """

    def __init__(self, spec: CodecSpec):
        self._spec = spec
        self.n_input, self.n_bits = spec.n_input, spec.n_code
        self.has_norms = spec.norm is not None
        self._frame = None if spec.frame == "dense" else _frame(spec)
        self._start: SuccessiveSigns | None = None
        self._search: BitSearch | None = None
        if spec.encoder_steps is not None and spec.encoder_weight is not None:
            self._start = SuccessiveSigns(spec.encoder_weight, spec.encoder_steps)
        self._kept: dict[tuple[str, np.dtype], np.ndarray] = {}

    @property
    def spec(self) -> CodecSpec:
        """The code in plain numbers."""
        return self._spec

    def encode(
        self, rows: Float[np.ndarray, "row input"]
    ) -> tuple[UInt8[np.ndarray, "row byte"], Float16[np.ndarray, " row"] | None]:
        """Packed signs, and relative lengths where the code has them.

        Args:
            rows: Finite rows, float32 or float64.

        Returns:
            Bits and lengths; see :meth:`AbstractCoder.encode`.

        Raises:
            ValueOutOfRange: If the rows have other columns, or are no floating numbers.
            DataError: If a number is not finite.
        """
        x = self._checked_rows(rows)
        spec = self._spec
        plain = spec.gains is None and spec.norm is None and x.dtype == np.float32
        if plain and isinstance(self._frame, HadamardFrame):
            return encode_bits(self._frame, x, centre=spec.mean), None
        packed = np.empty((x.shape[0], -(-self.n_bits // 8)), np.uint8)
        norms = np.empty(x.shape[0], np.float16) if self.has_norms else None
        for start in range(0, x.shape[0], _ENCODED_ROWS):
            block = slice(start, start + _ENCODED_ROWS)
            centred = x[block] - self._as("mean", x.dtype)
            if spec.norm is not None and norms is not None:
                centred, norms[block] = spec.norm.even(centred)
            packed[block] = self._signs(centred)
        return packed, norms

    def decode(
        self,
        packed: UInt8[np.ndarray, "row byte"],
        norms: Float16[np.ndarray, " row"] | None = None,
        *,
        dtype: Any = np.float32,
    ) -> Float[np.ndarray, "row input"]:
        """Rows from bits and lengths.

        Args:
            packed: Bits, as :meth:`encode` returns them.
            norms: Lengths; must be given if the code has them, and only then.
            dtype: float32 or float64.

        Returns:
            Rows in input units.

        Raises:
            ValueOutOfRange: If bits or lengths do not belong to this code.
        """
        if (norms is None) == self.has_norms or (
            norms is not None and norms.shape != packed.shape[:1]
        ):
            raise ValueOutOfRange(
                f"`SignCoder.decode(norms=...)` must be "
                f"{'one length per row' if self.has_norms else 'None: the code has none'}; "
                f"got {shown(norms)}."
            )
        kind = np.dtype(dtype)
        rows = self._linear(packed, kind)
        if norms is not None:
            rows *= norms.astype(kind)[:, None]
        if self._spec.curves is not None:
            rows = self._spec.curves.apply(rows)
            if norms is not None:
                rows[norms == 0] = 0.0  # a row that is the mean itself
        rows += self._as("mean", kind)
        return rows

    def _signs(self, centred: np.ndarray) -> np.ndarray:
        if self._start is not None:
            signs = self._searched(centred, self._start(centred))
            return pack_signs(signs.astype(centred.dtype))
        if self._frame is None:
            return pack_signs(centred @ self._as("encoder_weight", centred.dtype).T)
        if self._spec.gains is not None:
            centred = centred * self._as("gains", centred.dtype)
        if isinstance(self._frame, HadamardFrame):
            return encode_bits(self._frame, centred)
        return frames.encode_signs(self._frame, centred)

    def _searched(self, centred: np.ndarray, signs: np.ndarray) -> np.ndarray:
        if self._spec.encoder != "search":
            return signs
        if self._search is None:  # only encoding needs it
            assert self._spec.decoder_weight is not None
            self._search = BitSearch(self._spec.decoder_weight)
        return self._search(centred, signs, self._spec.search_flips)

    def _linear(self, packed: np.ndarray, kind: np.dtype) -> np.ndarray:
        """A y of every row."""
        dense = self._spec.decoder_weight is not None
        if not dense and isinstance(self._frame, HadamardFrame) and kind == np.float32:
            rows = decode_bits(self._frame, np.ascontiguousarray(packed))
        else:
            rows = np.empty((packed.shape[0], self.n_input), kind)
            for start in range(0, packed.shape[0], BLOCK_ROWS):
                block = packed[start : start + BLOCK_ROWS]
                bits = np.zeros((BLOCK_ROWS, packed.shape[1]), np.uint8)
                bits[: block.shape[0]] = block
                made = self._product(unpack_signs(bits, self.n_bits, kind))
                rows[start : start + BLOCK_ROWS] = made[: block.shape[0]]
        if self._spec.decoder_gains is not None:
            rows *= self._as("decoder_gains", kind)
        return rows

    def _product(self, codes: np.ndarray) -> Any:
        if self._spec.decoder_weight is not None:
            return codes @ self._as("decoder_weight", codes.dtype).T
        assert self._frame is not None
        return self._frame.adjoint(codes)

    def _as(self, name: str, dtype: np.dtype) -> np.ndarray:
        """An array of the code in another type, converted once."""
        if (name, dtype) not in self._kept:
            self._kept[name, dtype] = getattr(self._spec, name).astype(dtype)
        return self._kept[name, dtype]

    def _checked_rows(self, rows: Any) -> np.ndarray:
        x = np.asarray(rows)
        if (
            x.ndim != 2
            or x.shape[1] != self.n_input
            or x.dtype
            not in (
                np.float32,
                np.float64,
            )
        ):
            raise ValueOutOfRange(
                f"`SignCoder.encode(rows)` must be float32 or float64 of shape (row, "
                f"{self.n_input}), the columns that the model was fitted on; got "
                f"{x.dtype} of shape {x.shape}."
            )
        if x.size and not (np.isfinite(x.max()) and np.isfinite(x.min())):
            row, column = (int(i) for i in np.argwhere(~np.isfinite(x))[0])
            raise DataError(
                f"`SignCoder.encode(rows)` must be finite; row {row}, column {column} is "
                f"{x[row, column]}. Fill it in, or leave the row out."
            )
        return x


def coder_of(spec: CodecSpec) -> AbstractCoder:
    """The coder of a stored code.

    Examples:
        >>> spec = CodecSpec(mean=np.zeros(8), n_code=8, frame="hadamard")
        >>> coder_of(spec).n_bits
        8
    """
    return SignCoder(spec)


def _frame(spec: CodecSpec) -> frames.AbstractFrame:
    if spec.frame == "haar":
        return frames.haar(spec.n_code, spec.n_input, rng=spec.seed)
    make = {"dct": frames.dct, "hadamard": frames.hadamard}[spec.frame]
    return make(spec.n_code, spec.n_input, rng=spec.seed, rounds=spec.rounds)
