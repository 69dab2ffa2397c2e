"""Ways to an encoder: drawn, designed in closed form, or trained from the design."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any

import numpy as np
from jaxtyping import Float

from isthmus.core.activations import Activation
from isthmus.core.errors import ValueOutOfRange
from isthmus.core.random import random_normal
from isthmus.core.tolerance import RELATIVE_RANK
from isthmus.data.principal import Principal
from isthmus.estimators.views import View
from isthmus.frames import AbstractFrame, DenseFrame
from isthmus.training import WaterFilled, descend, itq, water_filled

Progress = Callable[[str, int, int], None]
MakeFrame = Callable[..., AbstractFrame]
_BATCH, _LARGEST_BATCH = 128, 1024
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
    """

    weight: Float[np.ndarray, "code input"]
    history: np.ndarray = dataclasses.field(default_factory=lambda: np.zeros(0))
    history_steps: np.ndarray = dataclasses.field(default_factory=lambda: np.zeros(0, int))
    reason: str = ""
    view: Callable[[], View] | None = None


def random_encoder(task: Task) -> Encoder:
    """Frame alone: rotation and sign, as in locality-sensitive hashing."""
    if not task.whiten:
        dense = task.seeing_frame()
        whole = dense.copy()
        return Encoder(dense, view=lambda: View(DenseFrame(whole)))
    dense = task.frame(task.principal.rank)
    return Encoder(
        dense @ task.coordinates.T,
        view=lambda: View(DenseFrame(dense), task.coordinates, task.back),
    )


def design_encoder(task: Task) -> Encoder:
    """Water-filled eigen-directions, mixed by an incoherent frame."""
    made = task.design()

    def view() -> View:
        weight = np.sqrt(made.gains / task.variances[made.active])
        into = task.coordinates[:, made.active] * weight
        return View(DenseFrame(made.frame), into, task.back[made.active] / weight[:, None])

    rows = made.rows / np.sqrt(task.variances)
    return Encoder(rows @ task.coordinates.T, view=view)


def descent_encoder(task: Task) -> Encoder:
    """Projected gradient descent on the exact Gaussian risk, from the design."""
    if task.activation.alpha <= RELATIVE_RANK:
        return design_encoder(task)  # principal components: nothing is left to train
    n_steps = 200 if task.n_steps is None else task.n_steps

    def tell(step: int, nmse: float) -> None:
        if task.progress is not None:
            task.progress(f"descent, NMSE {nmse:.4g}", step, n_steps)

    found = descend(
        task.variances,
        task.n_code,
        activation=task.activation,
        start=task.design().rows,
        max_steps=n_steps,
        rng=task.rng,
        progress=tell,
    )
    steps = np.arange(found.history.size)
    weight = found.encoder_weight @ task.coordinates.T
    return Encoder(weight, found.history, steps, found.reason)


def straight_through_encoder(task: Task) -> Encoder:
    """Stochastic gradient descent on the training rows, from the design (torch)."""
    from isthmus.training import train_straight_through

    def tell(done: int, total: int) -> None:
        if task.progress is not None:
            task.progress("straight-through training", done, total)

    # In units of the widest direction: float32 weights would overflow in others.
    unit = float(np.sqrt(task.variances[0]))
    deviations = np.sqrt(task.variances) / unit
    found = train_straight_through(
        task.centred() @ (task.coordinates / unit),
        task.n_code,
        activation=task.activation,
        start=task.design().rows / deviations,
        whitening=None if task.whiten else np.diag(1.0 / deviations),
        # A free decoder's noise grows as code length over batch.
        batch_size=max(_BATCH, min(task.n_code, _LARGEST_BATCH)),
        n_steps=3000 if task.n_steps is None else task.n_steps,
        rng=task.rng,
        progress=tell,
    )
    weight = found.encoder_weight.astype(np.float64) @ (task.coordinates.T / unit)
    history = found.history
    return Encoder(weight, history.nmse, history.step, found.reason)


def itq_encoder(task: Task) -> Encoder:
    """Rotation of the strongest directions, or of all white ones, trained on the rows."""
    n_directions = task.variances.size
    if task.n_code > n_directions:
        raise ValueOutOfRange(
            f"`ShallowAutoencoder(encoder='itq')` must have at most one code symbol per "
            f"direction in which the training rows vary, {n_directions} here; got "
            f"{task.n_code} for {task.principal.n_input} features "
            f"(n_features={task.principal.n_input}). Take n_code={n_directions}, or "
            "encoder='design' for longer codes."
        )
    unit = float(np.sqrt(task.variances[0]))
    used = n_directions if task.whiten else task.n_code
    centred = task.centred()
    turn = task.coordinates[:, :used] / unit
    rows = centred @ turn.astype(centred.dtype, copy=False)
    whole = rows if task.whiten else centred / unit
    energy = float(np.einsum("ij,ij->", whole, whole, dtype=np.float64)) / whole.shape[0]
    del centred, whole
    n_steps = 200 if task.n_steps is None else task.n_steps

    def nmse(psi: float | np.ndarray) -> Any:
        return 1.0 - task.n_code * np.square(psi) / energy

    def tell(step: int, psi: float) -> None:
        if task.progress is not None:
            task.progress(f"iterative quantisation, NMSE {nmse(psi):.4g}", step, n_steps)

    found = itq(rows, task.n_code, rng=task.rng, max_steps=n_steps, progress=tell)
    return Encoder(
        found.encoder_weight @ turn.T,
        nmse(found.history),
        np.arange(found.history.size),
        found.reason,
        lambda: View(DenseFrame(found.encoder_weight), turn, task.back[:used] * unit),
    )


ENCODERS: dict[str, Callable[[Task], Encoder]] = {
    "design": design_encoder,
    "descent": descent_encoder,
    "itq": itq_encoder,
    "straight-through": straight_through_encoder,
    "random": random_encoder,
}
