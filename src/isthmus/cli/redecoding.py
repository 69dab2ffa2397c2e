"""Sign codes of a faiss index, decoded by what training rows say about them."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np
from jaxtyping import Float

from isthmus.core.errors import ValueOutOfRange
from isthmus.core.typing import Matrix

if TYPE_CHECKING:
    from isthmus.codec.faiss import SignCodes
    from isthmus.estimators import OneBitDecoder

Baseline = Callable[[np.ndarray, np.ndarray | None], np.ndarray]
_TIGHT = 1e-3
_BLOCK = 2**22  # entries decoded at a time


@dataclasses.dataclass(frozen=True, eq=False)
class Redecoding:
    """Codes that an index holds, and a decoder fitted to rows like those.

    Attributes:
        codes: What the index holds.
        decoder: Fitted; its `method_used_`, `trials_` and `reason_` say what was chosen.
            Among the trials ``"baseline"`` is faiss's own decoder, at its best scale.
        centers: What decoded rows are about, one per inverted list, or one.
        way_back: From what was decoded to rows about those; None if they are the same.
    """

    codes: SignCodes
    decoder: OneBitDecoder
    centers: Float[np.ndarray, "list input"]
    way_back: Float[np.ndarray, "code input"] | None

    def rows(
        self, start: int = 0, stop: int | None = None
    ) -> Float[np.ndarray, "row input"]:
        """Decoded rows, float32.

        Args:
            start: First row.
            stop: One behind the last; None for all.

        Returns:
            Rows in the order of ``codes``.
        """
        part = slice(start, stop)
        codes, norms = self.codes.codes[part], self.codes.norms
        lists = None if self.codes.lists is None else self.codes.lists[part]
        return self._decoded(codes, None if norms is None else norms[part], lists)

    def blocks(self, start: int, stop: int) -> Any:
        """The same, some rows at a time."""
        size = max(1, _BLOCK // self.centers.shape[1])
        for first in range(start, stop, size):
            yield self.rows(first, min(first + size, stop))

    def _decoded(
        self, codes: np.ndarray, norms: np.ndarray | None, lists: np.ndarray | None
    ) -> np.ndarray:
        seen = codes[:, _live(self.codes)]
        found = self.decoder.inverse_transform(seen, norms)
        if self.way_back is not None:
            found = found @ self.way_back
        about = self.centers[0 if lists is None else lists]
        return np.asarray(found + about, dtype=np.float32)


def redecode(
    index: Any, x: Matrix, *, method: str = "auto", random_state: object = None
) -> Redecoding:
    """Decode what a faiss index holds better than faiss does, without encoding it again.

    A decoder is fitted to the codes that the index makes of training rows.

    Args:
        index: Trained index of sign codes that holds rows, as for
            :func:`isthmus.codec.faiss.sign_codes`.
        x: Rows like those that it holds.
        method: As for :class:`isthmus.OneBitDecoder`.
        random_state: Seed of the rows set aside.

    Returns:
        Decoded rows on demand, and what the decoder reaches on rows set aside.

    Raises:
        ValueOutOfRange: If the index holds no sign codes or no rows.
        DataError: If the rows cannot be used.
        MissingDependency: If faiss is not installed.

    Examples:
        >>> from isthmus.codec.faiss import train_index
        >>> x = np.random.default_rng(0).normal(size=(600, 16)) * np.arange(16, 0, -1)
        >>> index = train_index("RR,RaBitQ", x)
        >>> index.add(x[:100].astype(np.float32))
        >>> redecode(index, x[100:], method="linear").rows().shape
        (100, 16)
    """
    from isthmus.codec.faiss import sign_codes
    from isthmus.codec.faiss.sources import float_rows

    held, seen = sign_codes(index), sign_codes(index, x)
    rows = float_rows("redecode(x)", x).astype(np.float64)
    if len(rows) < 2:
        raise ValueOutOfRange(
            f"`redecode(x)` must be at least two rows to learn from; got {len(rows)}. "
            "Thousands are better."
        )
    centers = _whole_centers(seen, rows.mean(axis=0))
    about = rows - centers[0 if seen.lists is None else seen.lists]
    live, weight = _live(seen), seen.encoder_weight
    turned = seen.norms is not None and not _keeps_length(weight)
    target = about @ weight.T if turned else about
    decoder = _decoder_of()(
        method,
        encoder_weight=np.eye(len(weight)) if turned else weight[live],
        center=0.0,
        baseline=_scaled(seen, target, np.eye(len(weight)) if turned else None),
        random_state=random_state,
    )
    decoder.fit(seen.codes[:, live], target, seen.norms)
    way_back = None
    if turned:  # stored lengths are of rows behind the encoder: so are decoded rows
        found = decoder.inverse_transform(seen.codes[:, live], seen.norms)
        way_back = np.linalg.lstsq(found.astype(np.float64), about, rcond=1e-6)[0]
    return Redecoding(held, decoder, centers, way_back)


def _decoder_of() -> Any:
    from isthmus.estimators import OneBitDecoder

    return OneBitDecoder


def _live(codes: SignCodes) -> np.ndarray:
    """Bits that look at rows; a padded row has others."""
    return np.flatnonzero(codes.encoder_weight.any(axis=1))


def _keeps_length(weight: Float[np.ndarray, "code input"]) -> bool:
    return np.allclose(weight.T @ weight, np.eye(weight.shape[1]), atol=_TIGHT)


def _whole_centers(codes: SignCodes, mean: np.ndarray) -> Float[np.ndarray, "list input"]:
    """Centres, and of the directions that the encoder does not see the rows' mean."""
    from isthmus.codec.faiss.transforms import pseudo_inverse

    weight = codes.encoder_weight
    away = mean - codes.centers
    seen = away @ weight.T @ pseudo_inverse(weight).T
    return np.asarray(codes.centers + away - seen)


def _scaled(codes: SignCodes, target: np.ndarray, turn: np.ndarray | None) -> Baseline:
    """What faiss's decoder gives about the centre, at the best scale that can be had.

    With lengths that is |r| sqrt(2 / (pi n)), what it is on average after a random
    rotation; without them one factor is fitted.
    """
    live = _live(codes)
    weight = (codes.decoder_weight if turn is None else turn)[live].astype(np.float32)
    n_code = codes.codes.shape[1]
    factor = float(np.sqrt(2 / (np.pi * n_code)))
    if codes.norms is None:
        plain = codes.codes[:, live] @ weight
        factor = float(np.vdot(target, plain) / max(float(np.vdot(plain, plain)), 1e-300))

    def baseline(signs: np.ndarray, norms: np.ndarray | None) -> np.ndarray:
        lengths = 1.0 if norms is None else np.asarray(norms)[:, None]
        return np.asarray(factor * lengths * (np.asarray(signs) @ weight))

    return baseline
