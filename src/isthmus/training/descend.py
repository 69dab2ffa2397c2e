"""Gradient descent on the exact population risk: no data, no sampling."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Literal

import numpy as np
from jaxtyping import Float

from isthmus.core.activations import Activation
from isthmus.core.blas import inner
from isthmus.core.random import as_rng
from isthmus.core.typing import Matrix
from isthmus.limits.covariance import covariance_limit
from isthmus.limits.landscape import (
    AbstractRisk,
    FreeRisk,
    Point,
    TiedRisk,
    warn_of_repeated_rows,
)
from isthmus.limits.population import unit_rows
from isthmus.training.door import (
    Whitening,
    check_activation,
    check_budget,
    check_code_length,
    check_start,
    whitening,
)
from isthmus.training.routes import random_rows
from isthmus.training.water_filled import water_filled_rows

Reason = Literal["limit", "rtol", "stationary", "max_steps"]
_REACHED = 1e-12
_PATIENCE = 5
_EARLY = 10
_LONGEST_FIRST_STEP = 3.0
_SHORTEST_STEP = 1e-14


@dataclasses.dataclass(frozen=True)
class Descent:
    """A trained two-layer autoencoder and how it got there.

    Attributes:
        encoder_weight: B, "code input", input coordinates; its pre-activations have unit
            variance.
        decoder_weight: A, "input code", best for the encoder in its family.
        whitened_encoder: Unit rows B S with S the symmetric square root of the
            covariance, "code input".
        history: NMSE before the first step and after each, never rising under the
            adaptive schedule.
        nmse: Of the encoder and decoder on Gaussian data of this covariance, exact.
        limit: Least NMSE at this code length, :func:`~isthmus.limits.covariance_limit`.
        converged: Whether it stopped by itself.
        reason: ``"limit"`` (within 1e-12 of the limit), ``"rtol"`` (five steps together
            gained less), ``"stationary"`` (no step along the gradient lowers the risk)
            or ``"max_steps"``.
    """

    encoder_weight: Float[np.ndarray, "code input"]
    decoder_weight: Float[np.ndarray, "input code"]
    whitened_encoder: Float[np.ndarray, "code input"]
    history: Float[np.ndarray, " step"]
    nmse: float
    limit: float
    converged: bool
    reason: Reason

    @property
    def n_iter(self) -> int:
        """Steps taken."""
        return self.history.size - 1

    @property
    def ratio(self) -> float:
        """NMSE over the limit."""
        return self.nmse / self.limit


def descend(
    covariance: Matrix,
    n_code: int | float,
    *,
    activation: object = "sign",
    tied: bool = False,
    start: str | Matrix = "random",
    schedule: str = "adaptive",
    max_steps: int = 1000,
    rtol: float = 1e-7,
    rng: np.random.Generator | int | None = None,
    progress: Callable[[int, float], object] | None = None,
) -> Descent:
    r"""Train a two-layer autoencoder on Gaussian data by projected gradient descent.

    .. math:: A_t = \arg\min_A R(A, B_t), \qquad
        B_{t+1} = \mathrm{rownorm}\bigl(B_t - \eta_t \nabla_B R(A_t, B_t)\bigr)

    on whitened rows of unit length, with the exact risk R. The first step is the
    inverse of the largest local curvature at the limit (on white data with at most one
    symbol per coordinate all curvatures agree, and descent converges quadratically);
    later ones follow the curvature just met (Barzilai and Borwein) and are halved while
    the risk would rise.

    Args:
        covariance: Of the input, "input input"; or its diagonal, "input", for
            independent coordinates: ``np.ones(d)`` is white data.
        n_code: Code symbols per vector, at least 1.
        activation: Name or :class:`~isthmus.core.Activation` with a kernel and its
            derivative; not a linear one.
        tied: Tie the decoder to the whitened encoder up to one scale: no linear solve.
        start: ``"random"`` (rows uniform on the sphere), ``"design"`` (the water-filled
            cosine frame), or a whitened encoder, "code input".
        schedule: ``"adaptive"``, or ``"paper"`` for the constant step 1 / sqrt(d) in
            units of the mean eigenvalue.
        max_steps: Steps after which it stops in any case.
        rtol: It stops when five steps together lower the risk by less than this share.
        rng: Seed or generator of the start.
        progress: Called with the step and its NMSE after every step.

    Returns:
        The autoencoder; its NMSE is exact to about 1e-13.

    Raises:
        ValueOutOfRange: If the covariance is not one, `n_code` does not fit into memory,
            a row of `start` sees no variance, or the activation is linear.

    Warns:
        DataWarning: If encoder rows repeat each other up to sign.

    Examples:
        >>> trained = descend(np.ones(20), 10, rng=0)
        >>> trained.reason, round(trained.nmse, 6), trained.n_iter < 12
        ('limit', 0.68169, True)

    References:
        [shevchenko:23], [barzilai:88]
    """
    length = check_code_length(n_code)
    act = check_activation(activation)
    check_budget(max_steps, rtol, schedule)
    space = whitening(covariance, length)
    limit = covariance_limit(space.lam, length, activation=act)
    rows = _start(start, space, length, act, as_rng(rng))
    risk: AbstractRisk = (TiedRisk if tied else FreeRisk)(np.sqrt(space.lam), act)
    adaptive = schedule == "adaptive"
    paper = 1.0 / np.sqrt(space.n_input)
    first = first_step(space.lam, length, act, tied=tied) if adaptive else paper
    plan = _Plan(adaptive, float(limit.nmse), max_steps, rtol, progress)
    point, history, reason = _iterate(risk, rows, first, plan)
    return Descent(
        space.raw_encoder(point.rows),
        space.raw_decoder(risk.decoder(point)),
        space.symmetric(point.rows),
        history,
        float(history[-1]),
        float(limit.nmse),
        reason != "max_steps",
        reason,
    )


def first_step(
    eigenvalues: Float[np.ndarray, " input"],
    n_code: int,
    activation: Activation,
    *,
    tied: bool,
) -> float:
    r"""Inverse of the largest curvature of n_input times the risk at the limit.

    With gains mu, threshold theta and u = theta / alpha, an error E_ij of the encoder's
    Gram matrix shrinks at rate :math:`\eta` times

    .. math:: 2 \alpha u^2 (\mu_i + \mu_j) \left( \frac1{\mu_i + \alpha}
        + \frac1{\mu_j + \alpha} \right) \text{ (free)}, \qquad
        4 u^2 (\mu_i + \mu_j) \text{ (tied)}

    On white data with n_code <= n_input both are the same for every pair, and the step
    is :math:`1 / (8 \rho^2 (1 - \rho))` (0.849 for the sign), tied
    :math:`1 / (8 \rho^2)`, :math:`\rho = 1 / (1 + \alpha)`. At most 3 mean eigenvalues
    to the minus one: for a nearly linear activation the curvature vanishes.
    """
    limit = covariance_limit(eigenvalues, n_code, activation=activation)
    alpha = activation.alpha
    mu = limit.gains[limit.gains > 0]
    high, low = float(mu.max()), float(mu.min())
    u = float(limit.threshold) / alpha
    if tied:
        curvature = 8.0 * u**2 * high
    else:
        same = 4.0 * high / (high + alpha)
        mixed = (high + low) * (1.0 / (high + alpha) + 1.0 / (low + alpha))
        curvature = 2.0 * alpha * u**2 * max(same, mixed)
    return float(min(1.0 / curvature, _LONGEST_FIRST_STEP))


def _start(
    start: object,
    space: Whitening,
    n_code: int,
    activation: Activation,
    rng: np.random.Generator,
) -> np.ndarray:
    if not isinstance(start, str):
        return check_start(start, space, n_code)
    if start == "random":
        return random_rows(n_code, space.lam.size, rng=rng)
    check_start(start, space, n_code)
    return water_filled_rows(space.lam, n_code, activation=activation, rng=rng)


@dataclasses.dataclass(frozen=True)
class _Plan:
    """How long to go on, and who is told."""

    adaptive: bool
    limit: float
    max_steps: int
    rtol: float
    progress: Callable[[int, float], object] | None

    def stop(self, history: list[float]) -> Reason | None:
        """Why to stop here, if there is a reason to."""
        if history[-1] <= self.limit * (1.0 + _REACHED):
            return "limit"
        recent = history[-_PATIENCE - 1 :]
        gained = recent[0] - recent[-1]
        if len(recent) > _PATIENCE and gained <= self.rtol * recent[-1]:
            return "rtol"
        return "max_steps" if len(history) > self.max_steps else None


def _iterate(
    risk: AbstractRisk, rows: np.ndarray, step: float, plan: _Plan
) -> tuple[Point, np.ndarray, Reason]:
    """Descend from unit rows; returns the last point, NMSE per step, why it stopped."""
    total = float(risk.root @ risk.root)
    point = risk.at(rows)
    repeated = point.repeated
    if repeated:
        warn_of_repeated_rows(point.correlation, stacklevel=4)
    history = [point.total / total]
    reason = plan.stop(history)
    gradient = risk.gradient(point) if reason is None else rows
    while reason is None:
        after = _try(risk, point, gradient, step)
        while plan.adaptive and after.total > point.total and step > _SHORTEST_STEP:
            step *= 0.5
            after = _try(risk, point, gradient, step)
        if plan.adaptive and after.total > point.total:
            reason = "stationary"
            break
        moved, point = after.rows - point.rows, after
        del after  # one point less in memory while the gradient is made
        history.append(point.total / total)
        if plan.progress is not None:
            plan.progress(len(history) - 1, history[-1])
        reason = plan.stop(history)
        if reason is None:
            old, gradient = gradient, risk.gradient(point)
            if plan.adaptive:
                step = _next_step(moved, gradient - old, step, len(history))
    if point.repeated and not repeated:
        warn_of_repeated_rows(point.correlation, stacklevel=4)
    return point, np.array(history), reason


def _try(risk: AbstractRisk, point: Point, gradient: np.ndarray, step: float) -> Point:
    return risk.at(unit_rows(point.rows - step * gradient)[0])


def _next_step(moved: np.ndarray, change: np.ndarray, step: float, n_iter: int) -> float:
    """Inverse curvature along the last step; later the long and short estimate in turn.

    The long one alone grows small singular values fastest, the two in turn polish best.
    """
    along = inner(moved, change)
    if along <= 0.0:
        return 2.0 * step  # curving down: go further
    if n_iter > _EARLY and n_iter % 2:
        return along / inner(change, change)
    return inner(moved, moved) / along
