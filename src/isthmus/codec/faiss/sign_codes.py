"""What a faiss index knows of its rows."""

from __future__ import annotations

import dataclasses

import numpy as np
from jaxtyping import Float, Int

from isthmus.core.errors import ValueOutOfRange


@dataclasses.dataclass(frozen=True, eq=False)
class SignCodes:
    """Sign codes with everything that is stored beside them.

    Row i has the signs of ``encoder_weight @ (x - center) - threshold``; thresholds are
    zero except for LSH indexes of more bits than columns that have trained thresholds.

    Attributes:
        codes: -1 and +1, float32.
        norms: Length of ``encoder_weight @ (x - center)``, which is that of x - center if
            the transforms keep all directions; or None where nothing stored tells it.
        encoder_weight: Rotation, projection or whatever comes before the signs, float64.
        centers: What is subtracted first, one row per inverted list, or one row.
        thresholds: What is subtracted behind the encoder, one row per list or one row.
        lists: Inverted list of each row, or None if there are no lists.
        scales: What faiss multiplies each row's signs by.
        best_scales: What leaves the least squared error, from stored numbers alone; or None
            where they do not tell it.
        decoder_weight: What faiss turns signs back with, "code input".
        decoder_centers: What it adds to them, one row per list or one row.
        kind: ``"LSH"``, ``"RaBitQ"``, ``"EDEN"``, ``"EDEN signs"`` (a scalar quantiser) or
            ``"TurboQuant"``.
        bits_per_vector: Stored per row, side information included; not the row's number.
        side_bits: Those of them that are no signs.
        note: What to know about the scale of faiss's own decoder.
        ids: Numbers of the rows where they are not 0, 1, 2, ...; or None.
    """

    codes: Float[np.ndarray, "sample code"]
    norms: Float[np.ndarray, " sample"] | None
    encoder_weight: Float[np.ndarray, "code input"]
    centers: Float[np.ndarray, "list input"]
    thresholds: Float[np.ndarray, "list code"]
    lists: Int[np.ndarray, " sample"] | None
    scales: Float[np.ndarray, " sample"]
    best_scales: Float[np.ndarray, " sample"] | None
    decoder_weight: Float[np.ndarray, "code input"]
    decoder_centers: Float[np.ndarray, "list input"]
    kind: str
    bits_per_vector: int
    side_bits: int
    note: str
    ids: Int[np.ndarray, " sample"] | None = None

    @property
    def center(self) -> Float[np.ndarray, " input"] | Float[np.ndarray, "sample input"]:
        """What is subtracted from rows: one for all, or that of each row's list."""
        found: np.ndarray = self.centers[0 if self.lists is None else self.lists]
        return found

    def preactivations(
        self, x: Float[np.ndarray, "sample input"]
    ) -> Float[np.ndarray, "sample code"]:
        """What the signs are of, for the rows that these codes were made of.

        Args:
            x: As many rows as there are codes.

        Returns:
            ``encoder_weight @ (x - center) - threshold`` in float64; an index that scales
            rows to unit length has the same signs.
        """
        which = 0 if self.lists is None else self.lists
        turned = (x - self.center) @ self.encoder_weight.T
        shifted: np.ndarray = turned - self.thresholds[which]
        return shifted

    def native(
        self,
        codes: Float[np.ndarray, "sample code"] | None = None,
        *,
        rescaled: bool = False,
    ) -> Float[np.ndarray, "sample input"]:
        """What faiss's own decoder makes of the codes.

        Where faiss has no way back through the transforms, their pseudo-inverse stands for
        it; :attr:`note` says so.

        Args:
            codes: Other signs for the same rows; None takes these.
            rescaled: Whether to scale each row for the least squared error, as far as what
                is stored tells it, instead of as faiss does.

        Returns:
            Rows, float32.

        Raises:
            ValueOutOfRange: If `rescaled` is asked of an index that keeps nothing but
                signs, or `codes` are for other rows.
        """
        codes = self.codes if codes is None else codes
        if codes.shape != self.codes.shape:
            raise ValueOutOfRange(
                f"`native(codes)` must have the shape of the codes that were read, "
                f"{self.codes.shape}; got {codes.shape}. Scales and lists belong to rows: "
                "read the other rows with sign_codes(index, X)."
            )
        scales = self.best_scales if rescaled else self.scales
        if scales is None:
            raise ValueOutOfRange(
                f"`native(rescaled=True)` must have numbers beside the signs; {self.kind} "
                "stores none. Fit one factor to rows, or decode with isthmus.OneBitDecoder."
            )
        which = 0 if self.lists is None else self.lists
        signs = np.asarray(codes, np.float32) @ self.decoder_weight.astype(np.float32)
        signs *= scales[:, None].astype(np.float32)
        signs += self.decoder_centers[which].astype(np.float32)
        return signs
