"""What every encoder is made from, and what it is when it is made."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable

import numpy as np
from jaxtyping import Float

from isthmus.core.activations import Activation
from isthmus.core.random import random_normal
from isthmus.data.principal import Principal
from isthmus.estimators.views import View
from isthmus.frames import AbstractFrame
from isthmus.training import WaterFilled, water_filled
from isthmus.training.bit_search import EXTRA_FLIPS
from isthmus.training.successive_signs import SuccessiveSigns

Progress = Callable[[str, int, int], None]
MakeFrame = Callable[..., AbstractFrame]
_DARK = 1e-12  # share of the variance below which a row of a frame sees none


@dataclasses.dataclass(frozen=True)
class Task:
    """What every encoder is made from.

    Attributes:
        centred: Makes the centred training rows, "sample input", when they are needed.
        principal: Axes and eigenvalues of the covariance.
        n_code: Code symbols per row.
        activation: Of the code layer.
        make_frame: ``(n_code, n_input, rng=...)``.
        whiten: Whether all directions count alike, whatever their variance.
        n_steps: Most steps of training; None for the method's default.
        rng: Draws frames and batches.
        progress: Told a label, the steps done and the steps in all; or None.
        ridge: Penalty of decoders that are learnt with their encoder; None chooses it.
        extra_flips: Of a search, beyond the first local minimum.
    """

    centred: Callable[[], np.ndarray]
    principal: Principal
    n_code: int
    activation: Activation
    make_frame: MakeFrame
    whiten: bool
    n_steps: int | None
    rng: np.random.Generator
    progress: Progress | None
    ridge: float | None = 0.0
    extra_flips: int = EXTRA_FLIPS

    @property
    def variances(self) -> Float[np.ndarray, " rank"]:
        """Of the coordinates that the encoder works in: eigenvalues, or ones."""
        found = self.principal.eigenvalues[: self.principal.rank]
        return np.ones_like(found) if self.whiten else found

    @property
    def coordinates(self) -> Float[np.ndarray, "input rank"]:
        """Map from centred rows to those coordinates."""
        rank = self.principal.rank
        kept = self.principal.basis[:, :rank]
        return kept / np.sqrt(self.principal.eigenvalues[:rank]) if self.whiten else kept

    @property
    def back(self) -> Float[np.ndarray, "rank input"]:
        """Map from those coordinates to centred rows."""
        rank = self.principal.rank
        kept = self.principal.basis[:, :rank]
        return (
            kept * np.sqrt(self.principal.eigenvalues[:rank]) if self.whiten else kept
        ).T

    def frame(self, n_input: int) -> Float[np.ndarray, "code input"]:
        """Dense frame without zero rows, which few columns of a transform can have."""
        dense = self.make_frame(self.n_code, n_input, rng=self.rng).to_dense()
        return self._redrawn(dense, np.sum(dense**2, axis=1) < _DARK)

    def seeing_frame(self) -> Float[np.ndarray, "code input"]:
        """Dense frame without rows that lie where the data have no variance."""
        dense = self.frame(self.principal.n_input)
        seen = np.square(dense @ self.coordinates) @ self.variances
        size = np.einsum("ij,ij->i", dense, dense)
        return self._redrawn(dense, seen < _DARK * size * float(self.variances.sum()))

    def _redrawn(self, dense: np.ndarray, dark: np.ndarray) -> np.ndarray:
        dense[dark] = random_normal(self.rng, int(dark.sum()), dense.shape[1])
        return dense

    def design(self) -> WaterFilled:
        """The design in white coordinates."""
        return water_filled(
            self.variances,
            self.n_code,
            activation=self.activation,
            frame=self.make_frame,
            rng=self.rng,
        )


@dataclasses.dataclass(frozen=True)
class Encoder:
    """A made encoder.

    Attributes:
        weight: "code input", any row norms.
        history: NMSE at each record of training; empty if nothing was trained.
        history_steps: Steps done at each record.
        reason: Why training stopped; empty if nothing was trained.
        view: Gives the encoder as a partial isometry, if it is one in some coordinates.
        signs: What the code begins with, where it is more than the activation of B x.
        decoder_weight: Linear decoder, "input code": of quantisers the best one for
            Gaussian data, of a search the one that codes are searched for with.
        nmse: Predicted, where the encoder says it.
        searched: Whether codes are searched for from there on.
        ridge: Penalty that the decoder of a search was learnt with.
    """

    weight: Float[np.ndarray, "code input"]
    history: np.ndarray = dataclasses.field(default_factory=lambda: np.zeros(0))
    history_steps: np.ndarray = dataclasses.field(default_factory=lambda: np.zeros(0, int))
    reason: str = ""
    view: Callable[[], View] | None = None
    signs: SuccessiveSigns | None = None
    decoder_weight: Float[np.ndarray, "input code"] | None = None
    nmse: float | None = None
    searched: bool = False
    ridge: float = 0.0
