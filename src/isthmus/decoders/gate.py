"""Learned denoiser of three parameters."""

from __future__ import annotations

import dataclasses
import math
from typing import Any

import numpy as np
from array_api_compat import array_namespace, is_numpy_array
from jaxtyping import Float

from isthmus.core.door import real_array
from isthmus.core.errors import DataError, ValueOutOfRange
from isthmus.core.typing import Numbers

_MOST = 60.0


@dataclasses.dataclass(frozen=True)
class Gate:
    r"""Odd function :math:`a u / (1 + \exp(b - c u^2))`, u in units of its deviation.

    The exact form of the posterior mean of a sparse Gaussian coordinate, and a close one
    for other sparse ones; soft thresholds and tanh bend the wrong way.

    Attributes:
        scale: Root mean square of what goes in.
        slope: a, of the same unit as what comes out over what goes in.
        threshold: b.
        steepness: c, not negative; 0 is a linear decoder.

    Examples:
        >>> Gate(1.0, 0.8, 3.0, 2.0)(np.array([0.0, 0.1, 3.0])).round(3).tolist()
        [0.0, 0.004, 2.4]
    """

    scale: float
    slope: float
    threshold: float
    steepness: float

    def __call__(self, u: Float[Any, "*s"]) -> Float[Any, "*s"]:
        """Denoise, in the type of `u`."""
        xp = np if is_numpy_array(u) else array_namespace(u)
        fall = self.threshold - (self.steepness / self.scale**2) * (u * u)
        return self.slope * u / (1.0 + xp.exp(xp.clip(fall, -_MOST, _MOST)))


def fit_gate(u: Numbers, x: Numbers) -> Gate:
    """Gate of least squares between what a frame gives back and what went in.

    Args:
        u: Observations, any shape.
        x: Truth, same shape.

    Returns:
        The gate; never worse on these values than the best multiple of `u`.

    Raises:
        DataError: If `u` is zero throughout, or values are not finite.
        ValueOutOfRange: If shapes differ.

    Examples:
        >>> from isthmus.priors import GaussBernoulli
        >>> rng = np.random.default_rng(0)
        >>> x = GaussBernoulli(0.1).sample(20_000, rng)
        >>> u = x + 0.75 * rng.normal(size=x.size)
        >>> mse = np.mean((fit_gate(u, x)(u) - x) ** 2)
        >>> bool(mse < 0.12)  # posterior mean 0.109, best multiple 0.36
        True
    """
    from scipy.optimize import minimize

    seen, truth = (
        real_array(f"fit_gate({name}=...)", part) for name, part in (("u", u), ("x", x))
    )
    if seen.shape != truth.shape or seen.size == 0:
        raise ValueOutOfRange(
            f"`fit_gate(u, x)` must have one shape; got {seen.shape} and {truth.shape}."
        )
    scale = math.sqrt(float(np.mean(np.square(seen))))
    if not (np.isfinite(seen).all() and np.isfinite(truth).all() and scale > 0):
        raise DataError("`fit_gate(u, x)` must be finite, u not zero throughout.")
    unit, truth = seen.ravel() / scale, truth.ravel()
    square = np.square(unit)

    def loss(parameters: np.ndarray) -> tuple[float, np.ndarray]:
        b, root = parameters
        fall = np.clip(b - root * root * square, -_MOST, _MOST)
        share = 1.0 / (1.0 + np.exp(fall))
        gated = unit * share
        slope = (gated @ truth) / max(gated @ gated, 1e-300)
        left = truth - slope * gated
        # The best slope's own change costs nothing (envelope theorem).
        pull = 2.0 * slope * left * gated * (1.0 - share) / truth.size
        return float(left @ left) / truth.size, np.array(
            [pull.sum(), -2.0 * root * (pull @ square)]
        )

    found = min(
        (minimize(loss, start, jac=True, method="BFGS") for start in _STARTS),
        key=lambda one: float(one.fun),
    )
    b, root = found.x
    share = 1.0 / (1.0 + np.exp(np.clip(b - root * root * square, -_MOST, _MOST)))
    gated = unit * share
    slope = float(gated @ truth) / max(float(gated @ gated), 1e-300)
    return Gate(scale, slope / scale, float(b), float(root * root))


_STARTS = ((0.0, 0.0), (1.0, 1.0), (4.0, 1.5))
