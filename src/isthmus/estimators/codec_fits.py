"""Codecs at a budget of bits, fitted: isthmus' own, and what all have in common."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any

import numpy as np
from jaxtyping import Float

from isthmus.core.bits import pack_signs, unpack_signs
from isthmus.core.lloyd_max import MAX_BITS
from isthmus.core.protocol import NORM_BITS
from isthmus.data.principal import Principal
from isthmus.estimators.codec_measures import (
    Ranking,
    norm_ranking,
    plain_ranking,
    unit_ranking,
)
from isthmus.estimators.shallow import ShallowAutoencoder
from isthmus.estimators.transform_coding import TransformCoder
from isthmus.limits.covariance import covariance_limit

NORM = NORM_BITS["float16"]


@dataclasses.dataclass(frozen=True, eq=False)
class Ground:
    """What codecs are fitted on: rows about the training mean, of mean square 1.

    Attributes:
        train: Rows, "row input", float32.
        principal: Their axes; the mean is zero but for rounding.
        mean: Training mean in this unit, "input", which cosines and unit rows need.
        unit_norm: All rows have the same length before they are centred.
        seconds: That mean and axes took; part of every fit that uses them.
        seed: Of frames, rotations and clusters.
    """

    train: Float[np.ndarray, "row input"]
    principal: Principal
    mean: Float[np.ndarray, " input"]
    unit_norm: bool
    seconds: float
    seed: int


@dataclasses.dataclass(frozen=True, eq=False)
class Fitted:
    """A codec that can code.

    Attributes:
        payload_bits: Of the code, per row.
        side_bits: Beside it.
        encode: Rows to codes.
        decode: Codes to rows.
        norms: Lengths about the mean that the codes carry; None if they carry none.
        estimate: Codes to rows whose products with any query are right on average, if
            the codec has such; reconstructions of least error shrink them.
        predicted: NMSE for Gaussian rows of the training covariance; None: no formula.
        tightness: Largest share of the code that one direction takes; None: of no matter.
        uses_axes: Whether the fit needs the principal axes.
        learnt: Whether more bits take more training rows: rotations at random take none.
        note: What is special about it, in a few words.
    """

    payload_bits: int
    side_bits: int
    encode: Callable[[np.ndarray], Any]
    decode: Callable[[Any], np.ndarray]
    norms: Callable[[Any], np.ndarray] | None = None
    estimate: Callable[[Any], np.ndarray] | None = None
    predicted: float | None = None
    tightness: float | None = None
    uses_axes: bool = True
    learnt: bool = True
    note: str = ""

    def ranking(self, codes: Any, ground: Ground) -> Ranking:
        """How coded rows are searched."""
        if self.norms is not None and self.estimate is not None:
            return Ranking(self.estimate(codes), np.square(self.norms(codes)))
        decoded = self.decode(codes)
        if self.norms is not None:
            return norm_ranking(decoded, self.norms(codes))
        if ground.unit_norm:
            return unit_ranking(decoded, ground.mean)
        return plain_ranking(decoded)


@dataclasses.dataclass(frozen=True)
class LeftOut:
    """A codec that cannot be had at this budget.

    Attributes:
        why: Half a sentence that follows the codec's name.
    """

    why: str


Fit = Callable[[Ground, int, bool], Fitted | LeftOut]
"""Of a ground, all bits per row, and whether a norm is among them."""


def room_for_norm(budget: int, norm: bool) -> int:
    """Bits left for the code, which may be none.

    Examples:
        >>> room_for_norm(64, True), room_for_norm(64, False)
        (48, 64)
    """
    return budget - NORM if norm else budget


def too_few(budget: int, side: int = NORM) -> LeftOut:
    """Why a codec with so many side bits does not fit."""
    return LeftOut(f"sends {side} bits beside its code, and there are {budget} in all")


def fit_shallow(encoder: str, decoder: str = "linear") -> Fit:
    """A two-layer sign autoencoder; of few rows decoder columns is the linear one."""

    def fit(ground: Ground, budget: int, norm: bool) -> Fitted | LeftOut:
        n_code = room_for_norm(budget, norm)
        if n_code < 1:
            return too_few(budget)
        model = ShallowAutoencoder(
            n_code,
            encoder=encoder,  # type: ignore[arg-type]
            decoder=decoder,  # type: ignore[arg-type]
            norm="float16" if norm else "none",
            random_state=ground.seed,
        ).fit_principal(ground.principal, ground.train)
        limit = covariance_limit(ground.principal.all_eigenvalues, n_code)
        designed = encoder == "design"
        return Fitted(
            payload_bits=n_code,
            side_bits=NORM if norm else 0,
            encode=lambda x: _packed(model.transform(x), n_code),
            decode=lambda codes: model.inverse_transform(_unpacked(codes, n_code)),
            norms=(lambda codes: codes[1][:, 0].astype(np.float32)) if norm else None,
            predicted=model.predicted_nmse_,
            tightness=float(limit.tightness) if designed else None,
            note="" if model.curves_ is None else "a curve per column",
        )

    return fit


def fit_quantised(ground: Ground, budget: int, norm: bool) -> Fitted | LeftOut:
    """Transform coding: principal axes, whole bits, Lloyd-Max quantisers."""
    n_bits = min(room_for_norm(budget, norm), MAX_BITS * ground.principal.rank)
    if n_bits < 1:
        return too_few(budget)
    coder = TransformCoder(n_bits).fit_principal(ground.principal, ground.train)
    fitted = Fitted(
        payload_bits=n_bits,
        side_bits=0,
        encode=coder.transform,
        decode=coder.inverse_transform,
        predicted=coder.predicted_nmse_,
    )
    return with_norm(fitted, ground) if norm else fitted


def with_norm(fitted: Fitted, ground: Ground) -> Fitted:
    """The same codec with the length of each row, which serves to rank rows."""
    mean = ground.principal.mean

    def encode(x: np.ndarray) -> tuple[Any, np.ndarray]:
        return fitted.encode(x), half_norms(x - mean.astype(x.dtype))

    return dataclasses.replace(
        fitted,
        side_bits=fitted.side_bits + NORM,
        encode=encode,
        decode=lambda codes: fitted.decode(codes[0]),
        norms=lambda codes: codes[1].astype(np.float32),
    )


def strongest_axes(ground: Ground, size: int) -> Float[np.ndarray, "input size"]:
    """The strongest principal directions; any others where there are no more of them."""
    basis = ground.principal.basis[:, :size]
    if basis.shape[1] == size:
        return np.asarray(basis)
    full, _ = np.linalg.qr(np.hstack([basis, np.eye(basis.shape[0])]))
    return np.asarray(full[:, :size])


def half_norms(x: Float[np.ndarray, "row input"]) -> np.ndarray:
    """Lengths in half precision; the rows' mean square is 1, so none overflows.

    Examples:
        >>> half_norms(np.array([[3.0, 4.0]])).tolist()
        [5.0]
    """
    most = float(np.finfo(np.float16).max)
    return np.minimum(np.linalg.norm(x, axis=1), most).astype(np.float16)


def _packed(codes: np.ndarray, n_code: int) -> tuple[np.ndarray, np.ndarray]:
    return pack_signs(codes[:, :n_code]), codes[:, n_code:].astype(np.float16)


def _unpacked(codes: tuple[np.ndarray, np.ndarray], n_code: int) -> np.ndarray:
    signs = unpack_signs(codes[0], n_code)
    return np.column_stack([signs, codes[1].astype(np.float32)])
