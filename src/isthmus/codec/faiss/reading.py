"""Signs, lengths and the encoder of a faiss index, checked against faiss itself."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np
from jaxtyping import Float

from isthmus.codec.faiss.library import kind_of, library
from isthmus.codec.faiss.quantisers import (
    Quantiser,
    check_one_bit,
    cuts_columns,
    quantiser_of,
)
from isthmus.codec.faiss.sign_codes import SignCodes
from isthmus.codec.faiss.sources import float_rows, train_index
from isthmus.codec.faiss.stored import Stored, encoded, has_lists, held
from isthmus.codec.faiss.transforms import (
    SHIFTED,
    Affine,
    backward,
    forward,
    pseudo_inverse,
)
from isthmus.codec.faiss.unwrapping import Unwrapped, unwrapped
from isthmus.core.bits import unpack_signs
from isthmus.core.errors import DataError, ValueOutOfRange
from isthmus.core.threads import threads_for
from isthmus.core.typing import Matrix

_PROBES = 64
_CLOSE = 1e-4  # of a row's length; faiss computes in float32


def sign_codes(index: Any, x: Matrix | None = None) -> SignCodes:
    """Signs, lengths, encoder and centre of the codes of a faiss index.

    What is read is compared with what faiss makes of some rows: an index that means its
    bytes otherwise is refused, not misread.

    Args:
        index: Trained index of sign codes (LSH, RaBitQ, EDEN or a scalar quantiser of one
            bit; in inverted lists, behind transforms), or a factory string such as
            ``"RR,RaBitQ"``, which is trained on `x`.
        x: Rows to encode; None reads those that the index holds.

    Returns:
        Codes in the order of the rows; of inverted lists, in that of the rows' numbers.

    Raises:
        ValueOutOfRange: If the index is not trained, holds no rows and none are given,
            holds no codes of one bit per symbol, or does not search by Euclidean distance.
        DataError: If rows are not finite, or faiss's bytes are not what was expected.
        MissingDependency: If faiss is not installed.

    Examples:
        >>> x = np.random.default_rng(0).standard_normal((200, 16))
        >>> found = sign_codes("RR,RaBitQ", x)
        >>> found.codes.shape, found.bits_per_vector, found.side_bits
        ((200, 16), 80, 64)
        >>> bool(np.allclose(found.norms, np.linalg.norm(x - found.center, axis=1)))
        True
    """
    if isinstance(index, str):
        if x is None:
            raise ValueOutOfRange(
                f"`sign_codes({index!r}, x)` must have rows: a factory string says how to "
                "make an index, and rows train it. To read a file: "
                "sign_codes(read_index(path))."
            )
        index = train_index(index, x)
    parts = unwrapped(index)
    rows = None if x is None else float_rows("sign_codes(x)", x)
    _check_ready(parts, rows)
    reader = _reader(parts)
    with threads_for(0 if rows is None else float(rows.size) * rows.shape[1]):
        stored = held(parts) if rows is None else encoded(parts, rows)
        _check_reading(parts, reader, rows)
    return reader.read(stored)


@dataclasses.dataclass(frozen=True, eq=False)
class _Reader:
    """Everything about an index that does not depend on the row."""

    quantiser: Quantiser
    encoder_weight: np.ndarray
    centers: np.ndarray
    thresholds: np.ndarray
    decoder_weight: np.ndarray
    decoder_centers: np.ndarray
    list_bits: int
    note: str

    def read(self, stored: Stored) -> SignCodes:
        """The codes that these bytes are."""
        quantiser = self.quantiser
        n_bytes = -(-quantiser.n_code // 8)
        size = n_bytes + 4 * quantiser.n_factors
        if stored.packed.shape[1] != size:
            raise _unexpected(f"{stored.packed.shape[1]} bytes per code, not {size}")
        numbers = np.ascontiguousarray(stored.packed[:, n_bytes:]).view("<f4")
        bits = np.ascontiguousarray(stored.packed[:, :n_bytes])
        factors = quantiser.factors(numbers.astype(np.float32, copy=False))
        side_bits = 32 * quantiser.n_factors + self.list_bits
        return SignCodes(
            codes=unpack_signs(bits, quantiser.n_code),
            norms=factors.norms,
            encoder_weight=self.encoder_weight,
            centers=self.centers,
            thresholds=self.thresholds,
            lists=stored.lists,
            scales=factors.scales,
            best_scales=factors.best_scales,
            decoder_weight=self.decoder_weight,
            decoder_centers=self.decoder_centers,
            kind=quantiser.kind,
            bits_per_vector=quantiser.n_code + side_bits,
            side_bits=side_bits,
            note=self.note,
            ids=stored.ids,
        )


def _reader(parts: Unwrapped) -> _Reader:
    quantiser = quantiser_of(parts.core)
    n_input = int(parts.transforms[0].d_in if parts.transforms else parts.core.d)
    there = forward(parts.transforms, n_input).then(quantiser.head)
    if there.unit and np.any(quantiser.thresholds):
        raise ValueOutOfRange(SHIFTED)
    weight, inverse = there.weight, pseudo_inverse(there.weight)
    wanted = quantiser.thresholds - there.offset
    centers = wanted @ inverse.T
    left = wanted - centers @ weight.T
    tiny = np.abs(left) <= 1e-5 * max(1.0, float(np.abs(wanted).max(initial=0.0)))
    back, notes = _way_back(parts, quantiser), [quantiser.note]
    if back is None:
        back = Affine(inverse, np.zeros(n_input))
        around = centers
        notes.append(
            "faiss has no way back through these transforms; their pseudo-inverse stands "
            "for it."
        )
    else:
        around = quantiser.thresholds @ back.weight.T + back.offset
    notes += _sizes_told(weight)
    list_bits = 8 * int(parts.core.coarse_code_size()) if has_lists(parts.core) else 0
    return _Reader(
        quantiser=quantiser,
        encoder_weight=weight,
        centers=centers,
        thresholds=np.where(tiny, 0.0, left),
        decoder_weight=np.ascontiguousarray(back.weight.T),
        decoder_centers=around,
        list_bits=list_bits,
        note=" ".join(notes),
    )


def _way_back(parts: Unwrapped, quantiser: Quantiser) -> Affine | None:
    """From signs to rows: the quantiser's own way, then that of the transforms."""
    chain = backward(parts.transforms, int(parts.core.d))
    return None if chain is None else quantiser.back.then(chain)


def _sizes_told(weight: Float[np.ndarray, "code input"]) -> list[str]:
    n_code, n_input = weight.shape
    if n_code > n_input:
        return [
            f"{n_input} columns become {n_code} symbols: {n_code / n_input:.3g} bits each."
        ]
    if np.allclose(weight.T @ weight, np.eye(n_input), atol=1e-4):
        return []
    return ["Norms are those of transformed rows, which are shorter or stretched."]


def _check_ready(parts: Unwrapped, rows: np.ndarray | None) -> None:
    check_one_bit(parts.core)
    if not (parts.whole.is_trained and parts.core.is_trained):
        raise ValueOutOfRange(
            f"`sign_codes(index)` must be trained; this {kind_of(parts.core)} is not, and "
            "has no centre or thresholds yet. Call index.train(rows), or give the factory "
            "string and rows."
        )
    n_input = int(parts.whole.d)
    if rows is None and not int(parts.core.ntotal):
        raise ValueOutOfRange(
            f"`sign_codes(index)` must hold rows; this {kind_of(parts.core)} is empty. "
            "Call index.add(rows), or give rows to encode: sign_codes(index, x)."
        )
    if rows is not None and rows.shape[1] != n_input:
        raise ValueOutOfRange(
            f"`sign_codes(x)` must have the {n_input} columns of the index; got "
            f"{rows.shape[1]}."
        )


def _check_reading(parts: Unwrapped, reader: _Reader, rows: np.ndarray | None) -> None:
    """Compare signs and decoded rows of a few rows with faiss's own."""
    if rows is None:
        middle = reader.centers[: min(_PROBES, len(reader.centers))]
        size = max(1.0, float(np.sqrt(np.mean(middle**2))))
        noise = np.random.default_rng(0).standard_normal((_PROBES, middle.shape[1]))
        spread = np.resize(middle, noise.shape) + size * noise
        rows = spread.astype(np.float32)
    rows = rows[:_PROBES]
    stored = encoded(parts, rows)
    found = reader.read(stored)
    z = found.preactivations(rows.astype(np.float64))
    lengths = np.linalg.norm(rows, axis=1) + np.linalg.norm(found.center, axis=-1)
    unsure = np.abs(z) <= _CLOSE * lengths[:, None] * np.linalg.norm(
        found.encoder_weight, axis=1
    )
    if np.any((np.where(z >= 0, 1, -1) != found.codes) & ~unsure):
        raise _unexpected("signs that are not those of its transforms")
    theirs = _decoded(parts, stored)
    if theirs is not None:
        ours = found.native()
        if np.abs(theirs - ours).max() > 1e-3 * max(1e-30, float(np.abs(theirs).max())):
            raise _unexpected("scales that its decoder does not use")


def _decoded(parts: Unwrapped, stored: Stored) -> np.ndarray | None:
    """What faiss decodes, or None where it cannot."""
    core = parts.core
    made = stored.packed
    if cuts_columns(core):
        return None
    if stored.lists is not None:
        size = int(core.coarse_code_size())
        front = stored.lists[:, None] >> (8 * np.arange(size)) & 255
        made = np.concatenate([front.astype(np.uint8), made], axis=1)
    try:
        rows: np.ndarray = core.sa_decode(np.ascontiguousarray(made))
        for transform in reversed(parts.transforms):
            rows = transform.reverse_transform(rows)
    except RuntimeError:
        return None
    return rows


def _unexpected(what: str) -> DataError:
    return DataError(
        f"`sign_codes(index)` must find codes as faiss 1.15 writes them; faiss "
        f"{library().__version__} wrote {what}. Make the index with faiss-cpu 1.15."
    )
