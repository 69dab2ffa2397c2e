"""The best linear decoder of an encoder for Gaussian data of the training covariance."""

from __future__ import annotations

import dataclasses

import numpy as np
from jaxtyping import Float

from isthmus.core.activations import Activation
from isthmus.core.linalg import solve_gram
from isthmus.data.principal import Principal
from isthmus.limits.population import code_moments


@dataclasses.dataclass(frozen=True, eq=False)
class GaussianDecoder:
    """What is exact of an encoder before any row is coded.

    Attributes:
        decoder_weight: "input code".
        nmse: Of encoder and decoder on Gaussian data.
    """

    decoder_weight: Float[np.ndarray, "input code"]
    nmse: float


def gaussian_decoder(
    encoder_weight: Float[np.ndarray, "code input"],
    principal: Principal,
    activation: Activation,
) -> GaussianDecoder:
    """Give an encoder pre-activations of unit variance, and find its best decoder.

    Args:
        encoder_weight: B; its rows are divided in place by what they see.
        principal: Axes, along which the covariance is a vector.
        activation: Of the code layer.

    Returns:
        The decoder and its exact NMSE.

    Examples:
        >>> from isthmus.core.activations import resolve_activation
        >>> white = Principal(np.zeros(2), np.eye(2), np.ones(2), 0.0, 100)
        >>> sign = resolve_activation("sign")
        >>> round(gaussian_decoder(3 * np.eye(2), white, sign).nmse, 6)
        0.36338
    """
    eigenvalues = principal.eigenvalues
    turned = encoder_weight @ principal.basis
    spread = np.sqrt(np.square(turned) @ eigenvalues)
    divisor = np.where(spread > 0, spread, 1.0)[:, None]
    encoder_weight /= divisor
    turned /= divisor
    cross, gram = code_moments(turned, eigenvalues, activation)
    del turned
    decoder = solve_gram(gram, cross.T).T
    nmse = float(1.0 - np.sum(decoder * cross) / eigenvalues.sum())
    return GaussianDecoder(principal.basis @ decoder, nmse)
