"""Randomised cosine transform: a Haar-like frame in O(n log n) time and O(n) memory."""

from __future__ import annotations

import dataclasses

import numpy as np
from jaxtyping import Float, Int

from isthmus.core.random import as_rng, random_signs, random_subset
from isthmus.frames.base import AbstractFrame
from isthmus.frames.sizes import check_sizes


@dataclasses.dataclass(frozen=True, eq=False)
class DctFrame(AbstractFrame):
    """Sign flips, then a cosine transform of size max(n_code, n_input).

    For n_code >= n_input the inputs go to random positions of the longer vector (random
    columns of the transform); for n_code < n_input random rows of the result are kept.
    Made by :func:`dct`.
    """

    n_code: int
    n_input: int
    signs: Float[np.ndarray, " input"]
    places: Int[np.ndarray, " short"]

    def forward(
        self, x: Float[np.ndarray, "sample input"]
    ) -> Float[np.ndarray, "sample code"]:
        """Rows times W transposed."""
        from scipy.fft import dct as transform

        flipped = x * self.signs.astype(x.dtype, copy=False)
        if self.n_code >= self.n_input:
            wide = np.zeros((x.shape[0], self.n_code), dtype=x.dtype)
            wide[:, self.places] = flipped
            whole: np.ndarray = transform(wide, axis=1, norm="ortho", overwrite_x=True)
            return whole
        kept: np.ndarray = transform(flipped, axis=1, norm="ortho", overwrite_x=True)
        return kept[:, self.places]

    def adjoint(
        self, y: Float[np.ndarray, "sample code"]
    ) -> Float[np.ndarray, "sample input"]:
        """Rows times W."""
        from scipy.fft import idct as transform

        signs = self.signs.astype(y.dtype, copy=False)
        if self.n_code >= self.n_input:
            wide: np.ndarray = transform(y, axis=1, norm="ortho")
            return wide[:, self.places] * signs
        wide = np.zeros((y.shape[0], self.n_input), dtype=y.dtype)
        wide[:, self.places] = y
        whole: np.ndarray = transform(wide, axis=1, norm="ortho", overwrite_x=True)
        return whole * signs


def dct(n_code: int, n_input: int, *, rng: np.random.Generator | int | None) -> DctFrame:
    """Randomised cosine frame: any size, no matrix stored.

    Columns are chosen at random because neighbouring ones are too alike: with random
    columns it is as incoherent as a Haar frame.

    Args:
        n_code: Rows.
        n_input: Columns.
        rng: Seed or generator; the same integer gives the same frame everywhere.

    Returns:
        The frame.

    Raises:
        ValueOutOfRange: If a size is not a whole number of at least 1.

    Examples:
        >>> frame = dct(8, 5, rng=0)
        >>> x = np.arange(10.0).reshape(2, 5)
        >>> bool(np.allclose(frame.adjoint(frame.forward(x)), x))
        True

    References:
        [shevchenko:23]
    """
    check_sizes("dct", n_code, n_input)
    generator = as_rng(rng)
    signs = random_signs(generator, n_input)
    long, short = max(n_code, n_input), min(n_code, n_input)
    return DctFrame(n_code, n_input, signs, random_subset(generator, long, short))
