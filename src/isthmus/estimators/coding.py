"""The arithmetic of a shallow autoencoder's code: centred rows to symbols and back."""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Iterator

import numpy as np
from jaxtyping import Float

from isthmus.core.activations import Activation
from isthmus.decoders.column_curves import ColumnCurves
from isthmus.decoders.norms import NormScale
from isthmus.estimators.posterior_fit import PosteriorFit
from isthmus.training.bit_search import BitSearch
from isthmus.training.successive_signs import SuccessiveSigns


@dataclasses.dataclass(frozen=True, eq=False)
class Coding:
    """An encoder and, once it is there, its decoder.

    Attributes:
        mean: Of the training rows, "input".
        activation: Of the code layer.
        encoder_weight: B, "code input".
        encoder_steps: Of signs that refine each other, "code"; None for the activation
            of B x.
        decoder_weight: A, "input code"; None before it is fitted.
        norm: Unit of the lengths that are sent; None if none are.
        posterior: Decodes instead of A; or None.
        search: Goes on from the signs; or None.
        extra_flips: Of the search, beyond the first local minimum.
        curves: Of decoded rows about the mean, one per column; or None.
    """

    mean: Float[np.ndarray, " input"]
    activation: Activation
    encoder_weight: Float[np.ndarray, "code input"]
    encoder_steps: Float[np.ndarray, " code"] | None = None
    decoder_weight: Float[np.ndarray, "input code"] | None = None
    norm: NormScale | None = None
    posterior: PosteriorFit | None = None
    search: BitSearch | None = None
    extra_flips: int = 0
    curves: ColumnCurves | None = None

    @functools.cached_property
    def _signs(self) -> SuccessiveSigns | None:
        if self.encoder_steps is None:
            return None
        return SuccessiveSigns(self.encoder_weight, self.encoder_steps)

    def even(self, centred: np.ndarray) -> tuple[np.ndarray, np.ndarray | None]:
        """Rows brought to one length, and their lengths, if these are sent."""
        return (centred, None) if self.norm is None else self.norm.even(centred)

    def encode(self, centred: np.ndarray) -> tuple[np.ndarray, np.ndarray | None]:
        """Codes in the type of the rows, and lengths over their mean if they are sent."""
        centred, relative = self.even(centred)
        if self._signs is None:
            weight = self.encoder_weight.astype(centred.dtype, copy=False)
            return self.activation.function(centred @ weight.T), relative
        signs = self._signs(centred)
        if self.search is not None:
            signs = self.search(centred, signs, self.extra_flips)
        return signs.astype(centred.dtype), relative

    def decode(self, codes: np.ndarray, relative: np.ndarray | None) -> np.ndarray:
        """Rows in input units from codes and lengths over their mean."""
        if self.posterior is not None:
            rows = self.posterior.decode(codes)
        else:
            assert self.decoder_weight is not None
            rows = codes @ self.decoder_weight.astype(codes.dtype, copy=False).T
        if relative is not None:
            rows *= relative[:, None]
        if self.curves is not None:
            rows = self.curves.apply(rows)
            if relative is not None:
                rows[relative == 0] = 0.0  # a row that is the mean itself
        return rows + self.mean.astype(codes.dtype, copy=False)

    def blocks(
        self, x: np.ndarray, size: int = 4096
    ) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        """Codes times their lengths, and centred rows, a block at a time."""
        for start in range(0, x.shape[0], size):
            centred = x[start : start + size] - self.mean.astype(x.dtype, copy=False)
            codes, relative = self.encode(centred)
            yield (codes if relative is None else codes * relative[:, None]), centred
