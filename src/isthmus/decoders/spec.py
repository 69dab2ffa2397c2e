"""What a sign code is, in plain numbers: all that encoding and decoding need."""

from __future__ import annotations

import dataclasses
import hashlib
import math
from collections.abc import Mapping
from typing import Any

import numpy as np
from jaxtyping import Float

from isthmus.core.door import real_array, shown, whole_number
from isthmus.core.errors import DataError, ValueOutOfRange
from isthmus.core.files import checksum, header_sum
from isthmus.core.protocol import total_bits
from isthmus.decoders.column_curves import CELLS, ColumnCurves
from isthmus.decoders.norms import NormScale

FRAMES = ("dense", "dct", "haar", "hadamard")
ENCODERS = ("sign", "quantised", "search")
DECODERS = ("linear", "columns")
MOST_FLIPS = 10_000
"""Flips of a search beyond its first minimum: more would only be a file that hangs."""
_PLAIN = ("n_code", "frame", "seed", "rounds", "decoder")
_LATER = ("encoder", "search_flips")
_ARRAYS = {
    "mean": ("input",),
    "encoder_weight": ("code", "input"),
    "decoder_weight": ("input", "code"),
    "gains": ("input",),
    "decoder_gains": ("input",),
    "encoder_steps": ("code",),
}


@dataclasses.dataclass(frozen=True, eq=False, kw_only=True)
class CodecSpec:
    """A code y = sign(W G (x - m)) and its linear decoder m + rho A y.

    With decoder ``"columns"`` rho A y goes through one curve per column before m is added.
    W is a dense matrix, or a fast frame that a seed tells; A is a dense matrix, or
    D W transposed. A dense W may have bits that refine the one before them, and a search
    may go on from there to signs for which m + A y is nearer to x
    (:mod:`isthmus.training.successive_signs`, :mod:`isthmus.training.bit_search`); such
    codes are decoded like any other. An estimator exports it and files hold it, so neither
    knows the other.

    Attributes:
        mean: m, "input", input units.
        n_code: Signs per row.
        frame: ``"dense"``, or ``"dct"``, ``"haar"`` or ``"hadamard"`` of
            :mod:`isthmus.frames`.
        seed: Of a frame that is not dense.
        rounds: Of flips and transforms, of frame dct or hadamard.
        encoder_weight: W G, "code input", where the frame is dense.
        gains: Diagonal of G, "input", with other frames; None is one.
        decoder: ``"linear"``, or ``"columns"``.
        decoder_weight: A, "input code"; None for D W transposed.
        decoder_gains: Diagonal of D, "input"; None is one.
        norm: Unit of rho, the length of each row, which is sent as 16 bits more; None
            takes rho for 1 and sends nothing.
        encoder: ``"sign"``, ``"quantised"`` or ``"search"``; the latter two are dense.
        encoder_steps: "code", of an encoder that is not sign: 0 where a bit is the sign of
            its pre-activation, else what the bit before it takes from what it left.
        search_flips: Flips of a search beyond its first local minimum.
        curves: One for each column, of decoder ``"columns"``.

    Raises:
        ValueOutOfRange: If parts are missing, do not fit together or are not finite.

    Examples:
        >>> spec = CodecSpec(mean=np.zeros(8), n_code=8, frame="hadamard", seed=1)
        >>> spec.n_input, spec.bits_per_vector
        (8, 8)
        >>> CodecSpec.restored(*spec.parts()).digest == spec.digest
        True
    """

    mean: Float[np.ndarray, " input"]
    n_code: int
    frame: str = "dense"
    seed: int = 0
    rounds: int = 1
    encoder_weight: Float[np.ndarray, "code input"] | None = None
    gains: Float[np.ndarray, " input"] | None = None
    decoder: str = "linear"
    decoder_weight: Float[np.ndarray, "input code"] | None = None
    decoder_gains: Float[np.ndarray, " input"] | None = None
    norm: NormScale | None = None
    encoder: str = "sign"
    encoder_steps: Float[np.ndarray, " code"] | None = None
    search_flips: int = 0
    curves: ColumnCurves | None = None

    def __post_init__(self) -> None:
        """Check what was given."""
        for name in ("n_code", "seed", "rounds", "search_flips"):
            least = 0 if name in ("seed", "search_flips") else 1
            number = whole_number(
                f"CodecSpec({name}=...)",
                getattr(self, name),
                least=least,
                most=MOST_FLIPS if name == "search_flips" else None,
            )
            object.__setattr__(self, name, number)
        if self.frame not in FRAMES:
            raise ValueOutOfRange(
                f"`CodecSpec(frame=...)` must be one of {', '.join(FRAMES)}; got "
                f"{shown(self.frame)}."
            )
        if self.decoder not in DECODERS:
            raise ValueOutOfRange(
                f"`CodecSpec(decoder=...)` must be one of {', '.join(DECODERS)}; got "
                f"{shown(self.decoder)}. If a newer isthmus wrote it, update isthmus."
            )
        sizes = {"input": np.size(self.mean), "code": self.n_code}
        for name, axes in _ARRAYS.items():
            self._check_array(name, tuple(sizes[axis] for axis in axes))
        self._check_together()
        self._check_norm()
        self._check_encoder()
        self._check_curves()

    def _check_array(self, name: str, shape: tuple[int, ...]) -> None:
        given = getattr(self, name)
        if given is None and name != "mean":
            return
        array = real_array(f"CodecSpec({name}=...)", given)
        if array.shape != shape or not array.size or not np.isfinite(array).all():
            raise ValueOutOfRange(
                f"`CodecSpec({name}=...)` must be finite, of shape {shape}, with mean of "
                f"one entry per column and n_code={self.n_code}; got shape {array.shape}."
            )
        object.__setattr__(self, name, np.ascontiguousarray(array))

    def _check_together(self) -> None:
        dense = self.frame == "dense"
        if dense != (self.encoder_weight is not None):
            raise ValueOutOfRange(
                "`CodecSpec(encoder_weight=...)` must be given with frame='dense' and with "
                f"no other; the frame is {self.frame!r}."
            )
        if dense and (self.decoder_weight is None or self.gains is not None):
            raise ValueOutOfRange(
                "`CodecSpec(frame='dense')` must have a decoder_weight and no gains: "
                "multiply the columns of encoder_weight by them."
            )
        if self.decoder_weight is not None and self.decoder_gains is not None:
            raise ValueOutOfRange(
                "`CodecSpec(decoder_gains=...)` must be left out where decoder_weight is "
                "given: multiply its rows by them."
            )

    def _check_encoder(self) -> None:
        if self.encoder not in ENCODERS:
            raise ValueOutOfRange(
                f"`CodecSpec(encoder=...)` must be one of {', '.join(ENCODERS)}; got "
                f"{shown(self.encoder)}. If a newer isthmus wrote it, update isthmus."
            )
        steps = self.encoder_steps
        plain = self.encoder == "sign"
        good = (steps is None) == plain and (plain or self.frame == "dense")
        if steps is not None:
            good &= steps[0] == 0 and bool(np.all(steps >= 0))
        if not good or (self.search_flips and self.encoder != "search"):
            raise ValueOutOfRange(
                "`CodecSpec(encoder_steps=...)` must be given, not negative and 0 first, "
                "with a dense encoder that is 'quantised' or 'search', and with no other; "
                "search_flips with 'search' only."
            )

    def _check_norm(self) -> None:
        if self.norm is None:
            return
        mean, turn = self.norm.mean, self.norm.coordinates
        good = 0.0 < mean < math.inf
        if turn is not None:
            good &= turn.ndim == 2 and turn.shape[0] == self.n_input
            good &= bool(np.isfinite(turn).all())
        if not good:
            raise ValueOutOfRange(
                "`CodecSpec(norm=...)` must have a positive mean length, and coordinates "
                f"of {self.n_input} rows if any; got {shown(self.norm)}."
            )
        if turn is not None:
            turn = np.ascontiguousarray(turn, dtype=np.float64)
        object.__setattr__(self, "norm", NormScale(float(mean), turn))

    def _check_curves(self) -> None:
        good = (self.curves is None) == (self.decoder == "linear")
        if self.curves is not None:
            good &= isinstance(self.curves, ColumnCurves)
            good = good and self.curves.fits(self.n_input)
        if not good:
            raise ValueOutOfRange(
                "`CodecSpec(curves=...)` must be ColumnCurves with decoder='columns', and "
                f"None with another: finite float64, {CELLS + 1} values for each of "
                f"{self.n_input} columns, steps not negative."
            )

    @property
    def n_input(self) -> int:
        """Columns of a row."""
        return int(self.mean.size)

    @property
    def bits_per_vector(self) -> int:
        """Signs, and 16 bits of the length where it is sent."""
        return total_bits(self.n_code, norm="none" if self.norm is None else "float16")

    @property
    def digest(self) -> str:
        """SHA-256 of all parts: two codes with the same decode each other's bits."""
        plain, arrays = self.parts()
        both = f"{header_sum(plain)} {checksum(arrays)}"
        return hashlib.sha256(both.encode()).hexdigest()

    def parts(self) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
        """Plain values and arrays, for a file."""
        plain = {name: getattr(self, name) for name in _PLAIN}
        arrays = {name: getattr(self, name) for name in _ARRAYS}
        if self.encoder != "sign":  # left out otherwise: digests of old codes stay
            plain |= {"encoder": self.encoder, "search_flips": self.search_flips}
        if self.curves is not None:
            arrays |= self.curves.arrays()
        plain["norm_mean"] = None
        if self.norm is not None:
            plain["norm_mean"] = float(self.norm.mean)
            arrays["norm_coordinates"] = self.norm.coordinates
        return plain, {name: array for name, array in arrays.items() if array is not None}

    @staticmethod
    def restored(plain: Mapping[str, Any], arrays: Mapping[str, np.ndarray]) -> CodecSpec:
        """The code that :meth:`parts` described.

        Raises:
            DataError: If a part is missing or none of a code.
        """
        try:
            values: dict[str, Any] = {name: plain[name] for name in _PLAIN}
            norm = None
            if plain["norm_mean"] is not None:
                norm = NormScale(float(plain["norm_mean"]), arrays.get("norm_coordinates"))
            values |= {name: arrays.get(name) for name in _ARRAYS}
            values |= {name: plain[name] for name in _LATER if name in plain}
            stored = values["decoder"] == "columns"
            size = np.size(values["mean"])
            values["curves"] = ColumnCurves.restored(arrays, size, stored=stored)
            return CodecSpec(**values, norm=norm)
        except (KeyError, TypeError, ValueError) as error:
            raise DataError(
                f"A stored code lacks a part or has a wrong one: {error}"
            ) from (error)
