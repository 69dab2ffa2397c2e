"""The quantisers of one bit that faiss has: where signs are cut, what is kept beside them.

Of a row r that the quantiser sees about its threshold, RaBitQ keeps the squared length
|r|^2 and |r|^2 sqrt(n) / |r|_1, EDEN |r|^2 and a factor; the others keep nothing.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any

import numpy as np
from jaxtyping import Float

from isthmus.codec.faiss.library import kind_of, library
from isthmus.codec.faiss.stored import has_lists
from isthmus.codec.faiss.transforms import Affine, identity, pushed
from isthmus.core.errors import ValueOutOfRange

Vector = Float[np.ndarray, " sample"]


@dataclasses.dataclass(frozen=True, eq=False)
class Factors:
    """What is known of each row beside its signs.

    Attributes:
        norms: Length of the row about the threshold, or None if nothing tells it.
        scales: What faiss multiplies signs by.
        best_scales: What would leave the least squared error, |r|_1 / n; or None.
    """

    norms: Vector | None
    scales: Vector
    best_scales: Vector | None


@dataclasses.dataclass(frozen=True, eq=False)
class Quantiser:
    """Signs of head(x) - thresholds, and the meaning of the numbers behind them.

    Attributes:
        kind: Name of the code.
        n_code: Signs.
        head: What it does to rows itself.
        back: What it does to them on the way back.
        thresholds: One row per inverted list, or one row.
        n_factors: Float32 numbers behind the signs.
        factors: What they mean.
        note: What to know about its scale.
    """

    kind: str
    n_code: int
    head: Affine
    back: Affine
    thresholds: Float[np.ndarray, "list code"]
    n_factors: int
    factors: Callable[[Float[np.ndarray, "sample factor"]], Factors]
    note: str


def quantiser_of(core: Any) -> Quantiser:
    """What a readable index does to rows that reach it.

    Args:
        core: Trained.

    Returns:
        Quantiser of one bit per symbol.

    Raises:
        ValueOutOfRange: If it spends more than one bit on a symbol, or cuts elsewhere than
            at a threshold.
    """
    kind = kind_of(core)
    if kind == "IndexLSH":
        return _lsh(core)
    if "RaBitQ" in kind:
        return _rabitq(core)
    return _eden(core) if "EDEN" in kind else _scalar(core)


def check_one_bit(core: Any) -> None:
    """Refuse several bits per symbol, trained or not."""
    kind = kind_of(core)
    if "RaBitQ" in kind and core.rabitq.nb_bits != 1:
        raise _several(f"{kind} of {core.rabitq.nb_bits} bits", "RaBitQ")
    if "EDEN" in kind and core.sq.bits != 1:
        raise _several(f"{kind} of {core.sq.bits} bits", "EDEN1")
    if "ScalarQuantizer" in kind:
        name = _type_name(core.sq)
        if name not in _LEVELS:
            raise _several(f"{kind} of type {name}", "SQtqmse1")


def _several(got: str, way_out: str) -> ValueOutOfRange:
    return ValueOutOfRange(
        f"`sign_codes(index)` must hold one bit per symbol; got {got}. Its levels are no "
        f"signs, and faiss's own decoder suits them; {way_out!r} is the code of one bit."
    )


def _lsh(core: Any) -> Quantiser:
    n_input, n_code = int(core.d), int(core.nbits)
    if core.rotate_data:
        head = pushed(core.rrot.apply, n_input)
        back = pushed(core.rrot.reverse_transform, n_code)
    else:
        kept = np.eye(n_code, n_input)
        head, back = Affine(kept, np.zeros(n_code)), Affine(kept.T, np.zeros(n_input))
    thresholds = np.zeros((1, n_code))
    if core.train_thresholds:
        thresholds[0] = library().vector_to_array(core.thresholds)
    note = (
        "LSH keeps no length, and faiss decodes to -1 and +1: rows come back in another "
        "unit. A factor fitted to rows repairs that."
    )
    if cuts_columns(core):
        note += (
            f" Decoding, faiss leaves columns beyond its bits unset; here the last "
            f"{n_input - n_code} are 0."
        )
    return Quantiser("LSH", n_code, head, back, thresholds, 0, _no_factors(1.0), note)


def cuts_columns(core: Any) -> bool:
    """Whether the index looks at its first columns only, and decodes no others."""
    return kind_of(core) == "IndexLSH" and not core.rotate_data and core.nbits < core.d


def _rabitq(core: Any) -> Quantiser:
    n_code = int(core.d)
    note = (
        "faiss decodes RaBitQ without bias, as inner products need it: NMSE pi/2 - 1 = "
        "0.571 where the rotation is random. native(rescaled=True) shrinks the same signs "
        "by stored numbers alone, to 1 - 2/pi = 0.363."
    )
    return _plain(core, "RaBitQ", _centres(core), 2, _rabitq_factors(n_code), note)


def _rabitq_factors(n_code: int) -> Callable[[np.ndarray], Factors]:
    def factors(numbers: np.ndarray) -> Factors:
        square, product = np.maximum(numbers[:, 0], 0), numbers[:, 1]
        return _unbiased(square, product / np.float32(n_code**0.5), n_code)

    return factors


def _eden(core: Any) -> Quantiser:
    n_code, level = int(core.d), np.float32((2 / np.pi) ** 0.5)
    unbiased = core.scale_type == library().EDENScaleType_UNBIASED

    def factors(numbers: np.ndarray) -> Factors:
        scales = numbers[:, 1] * level
        if unbiased:
            return _unbiased(np.maximum(numbers[:, 0], 0), scales, n_code)
        return Factors(scales * np.float32((n_code * np.pi / 2) ** 0.5), scales, scales)

    note = (
        "This EDEN index decodes without bias, NMSE pi/2 - 1 = 0.571 where the rotation is "
        "random; native(rescaled=True) shrinks the same signs to 1 - 2/pi = 0.363."
        if unbiased
        else "This EDEN index keeps the best factor and not the length: norms are "
        "estimates, as for Gaussian rows (relative error 0.27 / sqrt(n_code))."
    )
    return _plain(core, "EDEN", _centres(core), 2, factors, note)


_LEVELS = {
    "QT_1bit_eden": (
        "EDEN signs",
        "This quantiser keeps no length and decodes to +-sqrt(2/pi): rows must come with "
        "length sqrt(n_code) about 0 for faiss's decoder to be right. Their signs, and "
        "what is learnt from them, do not care.",
    ),
    "QT_1bit_tqmse": (
        "TurboQuant",
        "This quantiser keeps no length and decodes to what a coordinate of unit rows is "
        "on average: rows must come with length 1 about 0 for faiss's decoder to be right. "
        "Their signs, and what is learnt from them, do not care.",
    ),
}


def _scalar(core: Any) -> Quantiser:
    name, note = _LEVELS[_type_name(core.sq)]
    ones = np.full((1, int(core.sq.code_size)), 255, np.uint8)
    levels = np.stack([core.sq.decode(code)[0] for code in (ones, 0 * ones)])
    if not np.allclose(levels[0], -levels[1]) or not np.allclose(levels[0], levels[0, 0]):
        raise ValueOutOfRange(
            f"`sign_codes(index)` must decode to two opposite levels; got {levels[:, 0]} "
            "in the first column. Train the index with the faiss that is installed."
        )
    residual = has_lists(core) and core.by_residual
    centres = _centres(core) if residual else np.zeros((_n_lists(core), int(core.d)))
    return _plain(core, name, centres, 0, _no_factors(float(levels[0, 0])), note)


def _type_name(quantiser: Any) -> str:
    names = {
        getattr(type(quantiser), name): name
        for name in dir(type(quantiser))
        if name.startswith("QT_")
    }
    return names.get(quantiser.qtype, f"number {quantiser.qtype}")


def _plain(
    core: Any,
    kind: str,
    thresholds: np.ndarray,
    n_factors: int,
    factors: Callable[[np.ndarray], Factors],
    note: str,
) -> Quantiser:
    """One that takes rows as they come."""
    size = int(core.d)
    same = identity(size)
    return Quantiser(kind, size, same, same, thresholds, n_factors, factors, note)


def _unbiased(square: np.ndarray, scales: np.ndarray, n_code: int) -> Factors:
    """From |r|^2 and |r|^2 / |r|_1; rows at the threshold have 0 for both."""
    best = np.divide(square, scales * n_code, out=np.zeros_like(scales), where=scales > 0)
    return Factors(np.sqrt(square), scales, best)


def _no_factors(level: float) -> Callable[[np.ndarray], Factors]:
    def factors(numbers: np.ndarray) -> Factors:
        return Factors(None, np.full(numbers.shape[0], level, np.float32), None)

    return factors


def _n_lists(core: Any) -> int:
    return int(core.nlist) if has_lists(core) else 1


def _centres(core: Any) -> np.ndarray:
    """What is subtracted from rows, one row per inverted list."""
    if has_lists(core):
        centres = core.quantizer.reconstruct_n(0, int(core.nlist))
    else:
        centres = library().vector_to_array(core.center).reshape(1, -1)
    found: np.ndarray = centres.astype(np.float64)
    return found
