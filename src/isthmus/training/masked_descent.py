"""Gradient descent of a sign code on sparse Gaussian data."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable

import numpy as np
from jaxtyping import Float

from isthmus.core.door import real_number, whole_number
from isthmus.core.errors import ValueOutOfRange
from isthmus.core.memory import check_memory
from isthmus.core.random import as_rng, random_normal
from isthmus.core.typing import Matrix
from isthmus.limits.population import unit_rows
from isthmus.priors.base import check_density
from isthmus.training.masked import Masked, checked_encoder, draw_masks, mean_gradient
from isthmus.training.routes import random_rows


@dataclasses.dataclass(frozen=True, eq=False)
class MaskedDescent:
    """An encoder trained on sparse Gaussian data.

    Attributes:
        encoder_weight: Unit rows B, "code input".
        scale: Of the tied decoder, scale times B transposed, best for the last masks.
        history: NMSE before each step and at the end, each over its own masks: it
            scatters where masks are few.
        step_size: Step on n_input times the risk.
    """

    encoder_weight: Float[np.ndarray, "code input"]
    scale: float
    history: Float[np.ndarray, " step"]
    step_size: float


def descend_masked(
    density: float,
    n_input: int,
    n_code: int,
    *,
    rng: np.random.Generator | int | None,
    n_masks: int = 4,
    step_size: float = 0.03,
    noise: float | None = None,
    n_steps: int = 400,
    start: Matrix | None = None,
    progress: Callable[[int, float], object] | None = None,
) -> MaskedDescent:
    r"""Projected gradient descent of a sign code on sparse Gaussian data.

    .. math:: B \leftarrow \mathrm{rownorm}\bigl( B - \eta\, (d\, \nabla_B R + G) \bigr)

    with the risk of :func:`masked_risk` over fresh masks in every step, the best scale
    for them, and a little Gaussian noise G. From random rows it ends at 1 - 2r/pi
    whatever the density, up to terms that vanish with the dimension: with a linear
    decoder, training cannot see that data are sparse.

    Args:
        density: Share of non-zeros in (0, 1]; 1 is Gaussian data.
        n_input: Dimension d.
        n_code: Code symbols, at most `n_input`.
        rng: Seed or generator of the start, the masks and the noise.
        n_masks: Masks per step; at density 1 one serves for all.
        step_size: eta.
        noise: Standard deviation of an entry of G; None for 1 / n_input.
        n_steps: Steps.
        start: Unit rows to start from, "code input"; None draws them uniformly.
        progress: Called with the step and its NMSE after every step.

    Returns:
        The encoder, its scale and the history.

    Raises:
        ValueOutOfRange: If an argument is outside its domain.

    Examples:
        >>> trained = descend_masked(0.5, 40, 20, rng=0, n_steps=100)
        >>> bool(0.66 < trained.history[-20:].mean() < 0.71)  # 1 - 1 / pi = 0.68
        True

    References:
        [kogler:24]
    """
    p = check_density("descend_masked", density)
    shape = _shape(n_code, n_input)
    count = 1 if p == 1.0 else _whole("n_masks", n_masks)
    eta, spread = _positive("step_size", step_size), 1.0 / shape[1]
    if noise is not None:
        spread = _positive("noise", noise, zero=True)
    steps = _whole("n_steps", n_steps, least=0)
    generator = as_rng(rng)
    rows = random_rows(*shape, rng=generator)
    if start is not None:
        name = "descend_masked(start=...)"
        rows = unit_rows(checked_encoder(name, start, shape))[0]
    history: list[float] = []
    for step in range(steps + 1):
        masks = draw_masks(p, count, shape[1], rng=generator)
        points = [Masked.at(rows, mask, p) for mask in masks]
        seen, power = np.array([point.parts() for point in points]).mean(axis=0)
        scale = float(seen / power)
        history.append(float(1.0 - scale * seen))
        if progress is not None and step:
            progress(step, history[-1])
        if step < steps:
            move = mean_gradient(points, scale)
            move += spread * random_normal(generator, *shape)
            rows = unit_rows(rows - eta * move)[0]
    return MaskedDescent(rows, scale, np.array(history), eta)


def _shape(n_code: object, n_input: object) -> tuple[int, int]:
    width = _whole("n_input", n_input)
    length = _whole("n_code", n_code)
    if length > width:
        raise ValueOutOfRange(
            f"`descend_masked(n_code=...)` must be at most n_input = {width}; got "
            f"{length}: where it ends is known for rates up to 1."
        )
    needed = 8 * (8 * length * width + 24 * length**2)
    check_memory("descend_masked(n_code=...)", length, needed, "Take a shorter code.")
    return length, width


def _whole(name: str, value: object, *, least: int = 1) -> int:
    return whole_number(f"descend_masked({name}=...)", value, least=least)


def _positive(name: str, value: object, *, zero: bool = False) -> float:
    number = real_number(f"descend_masked({name}=...)", value)
    if not (0.0 < number < math.inf or (zero and number == 0.0)):
        rule = "finite and not negative" if zero else "positive and finite"
        raise ValueOutOfRange(f"`descend_masked({name}=...)` must be {rule}; got {number}.")
    return number
