"""Ways to an encoder, by name; here those that are trained from the design or drawn."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from isthmus.core.errors import ValueOutOfRange
from isthmus.core.tolerance import RELATIVE_RANK
from isthmus.estimators.bit_encoders import quantised_encoder, search_encoder
from isthmus.estimators.designed import design_encoder, random_encoder
from isthmus.estimators.encoder_task import Encoder, Task
from isthmus.estimators.views import View
from isthmus.frames import DenseFrame
from isthmus.training import descend, itq

_BATCH, _LARGEST_BATCH = 128, 1024


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
    "quantised": quantised_encoder,
    "search": search_encoder,
}
