"""Bases and kinds of priors that a decoder tries on training rows set aside."""

from __future__ import annotations

import dataclasses

import numpy as np
from jaxtyping import Float
from scipy.fft import idct

from isthmus.estimators.views import View
from isthmus.priors import (
    AbstractPrior,
    CoordinatePriors,
    fit_coordinate_priors,
    fit_scale_mixture,
)

WIDEST = 4096
"""Columns beyond which only the original basis is tried: others are dense matrices."""


@dataclasses.dataclass(frozen=True, eq=False)
class Trial:
    """A basis, and the priors of the coefficients in it.

    Attributes:
        label: Of the basis and the kind of prior.
        basis: ``"original"``, ``"dct"`` or ``"principal"``.
        view: The encoder in these coordinates.
        prior: Of the coefficients.
    """

    label: str
    basis: str
    view: View
    prior: AbstractPrior | CoordinatePriors


def bases_to_try(
    view: View,
    train: np.ndarray,
    prior: AbstractPrior | None,
    rng: np.random.Generator,
) -> list[Trial]:
    """Everything to compare, priors fitted.

    Args:
        view: The encoder.
        train: Rows to fit priors to, "sample input", centred.
        prior: Of every coordinate, whatever its variance: then nothing else is tried.
        rng: Draws what the fits begin with.

    Returns:
        At least one trial.
    """
    coordinates = view.coordinates(train)
    if prior is not None:
        power = float(np.mean(np.square(coordinates)))
        return [Trial("the given prior", "original", *_scaled(view, prior, power))]
    if view.into is not None:  # principal directions with gains already
        return [Trial("principal", "principal", view, _own(coordinates, rng))]
    found = []
    pooled = fit_scale_mixture(coordinates, rng=rng)
    if isinstance(pooled, AbstractPrior):
        found.append(Trial("original, one prior", "original", view, pooled))
    for name, basis in _bases(coordinates):
        turned = view.turned(basis)
        seen = coordinates if basis is None else coordinates @ basis
        found.append(Trial(name, name, turned, _own(seen, rng)))
    return found


def _bases(
    coordinates: Float[np.ndarray, "sample k"],
) -> list[tuple[str, Float[np.ndarray, "k k"] | None]]:
    size = coordinates.shape[1]
    if size > WIDEST:
        return [("original", None)]
    cosine = idct(np.eye(size), norm="ortho", axis=0)
    _, principal = np.linalg.eigh(coordinates.T @ coordinates)
    return [("original", None), ("dct", cosine), ("principal", principal)]


def _own(coordinates: np.ndarray, rng: np.random.Generator) -> CoordinatePriors:
    return fit_coordinate_priors(coordinates, rng=rng)


def _scaled(view: View, prior: AbstractPrior, power: float) -> tuple[View, AbstractPrior]:
    """Coordinates in units in which the prior has the rows' power."""
    unit = (power / prior.variance) ** 0.5
    size = view.frame.n_input
    into = np.eye(size) if view.into is None else view.into
    back = np.eye(size) if view.back is None else view.back
    return View(view.frame, into / unit, back * unit), prior
