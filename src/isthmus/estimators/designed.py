"""Encoders that no row is needed for: drawn, or designed in closed form."""

from __future__ import annotations

import numpy as np

from isthmus.estimators.encoder_task import Encoder, Task
from isthmus.estimators.views import View
from isthmus.frames import DenseFrame


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
