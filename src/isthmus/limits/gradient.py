"""Exact gradient of the population risk in the encoder."""

from __future__ import annotations

import numpy as np
from jaxtyping import Float

from isthmus.core.errors import ValueOutOfRange
from isthmus.core.linalg import descending_eigh
from isthmus.core.typing import Matrix
from isthmus.limits.landscape import FreeRisk, fixed_gradient, warn_of_repeated_rows
from isthmus.limits.population import (
    checked,
    checked_decoder,
    code_moments,
    unit_rows,
)


def population_gradient(
    encoder_weight: Matrix,
    covariance: Matrix,
    *,
    decoder_weight: Matrix | None = None,
    activation: object = "sign",
    coordinates: str = "raw",
) -> Float[np.ndarray, "code input"]:
    r"""Gradient of n_input times the population risk in the encoder, without sampling.

    With unit rows :math:`\tilde B = \mathrm{diag}(1/\nu) B \Sigma^{1/2}`,
    :math:`M = \tilde B \tilde B^\top`, the kernel f and :math:`S = \Sigma^{1/2}`,

    .. math:: \tilde G = -2 c_1 A^\top S + 2 \left[ (A^\top A) \circ f'(M) \right]_0
        \tilde B

    where the bracket has a zero diagonal (what is left out is along the rows), made
    tangent to the product of spheres. Raw coordinates follow by the chain rule.

    Args:
        encoder_weight: B, "code input".
        covariance: Of the input, "input input".
        decoder_weight: A, "input code"; None for the best decoder of this encoder, whose
            own change does not count (envelope theorem).
        activation: Name or :class:`~isthmus.core.Activation` with a kernel, its
            derivative and a degree.
        coordinates: ``"raw"`` for the gradient in B, ``"whitened"`` for the tangent
            gradient in the unit rows, symmetric square root.

    Returns:
        The gradient, exact to about 1e-12 of its size.

    Raises:
        ValueOutOfRange: As for :func:`~isthmus.limits.population_risk`, or if the
            activation has no derivative of its kernel.

    Warns:
        DataWarning: If encoder rows repeat each other up to sign.

    Examples:
        >>> rows = np.array([[1.0, 0.0], [0.6, 0.8]])
        >>> population_gradient(rows, np.eye(2)).round(4).tolist()
        [[0.0, 0.3626], [0.2901, -0.2175]]

    References:
        [shevchenko:23]
    """
    if coordinates not in ("raw", "whitened"):
        raise ValueOutOfRange(
            "`population_gradient(coordinates=...)` must be 'raw' or 'whitened'; "
            f"got {coordinates!r}."
        )
    b, sigma, act = checked("population_gradient", encoder_weight, covariance, activation)
    cross, gram = code_moments(b, sigma, act)  # also refuses rows without variance
    lam, basis = descending_eigh(sigma)
    rows, nu = unit_rows((b @ basis) * np.sqrt(lam))
    risk = FreeRisk(np.sqrt(lam), act)
    radial = np.zeros_like(nu)  # the best decoder undoes any scale of the rows
    if decoder_weight is None:
        point = risk.at(rows)
        if point.repeated:
            warn_of_repeated_rows(point.correlation)
        flat = risk.gradient(point)
    else:
        a = checked_decoder(
            "population_gradient", decoder_weight, (sigma.shape[0], b.shape[0])
        )
        degree = act.degree or 0
        flat = fixed_gradient(rows, (a.T @ basis) * nu[:, None] ** degree, risk)
        radial = 2.0 * degree * np.sum((a @ gram - cross) * a, axis=0) / nu**2
    if coordinates == "whitened":
        return np.asarray(flat @ basis.T)
    raw = (flat / nu[:, None] * risk.root) @ basis.T
    return np.asarray(raw + radial[:, None] * (b @ sigma))
