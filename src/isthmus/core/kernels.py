"""Kernels f(m) = E[s(Z1) s(Z2)] at correlation m, as series in the angle asin(m).

At m = +-1 a kernel has a root singularity wherever s jumps, so that no polynomial in m
converges quickly; in the angle it is smooth. For the sign the series has one term.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence

import numpy as np

from isthmus.core.errors import NotConverged
from isthmus.core.quadrature import smooth_pieces
from isthmus.core.tolerance import CORRELATION_GAP, KERNEL

_COUNTS = (16, 32, 64, 128)
_BLOCK = 16_384
_NODES, _WEIGHTS = np.polynomial.legendre.leggauss(18)
_CUT = 9.0
_MOST_PIECES = 100


class AngleKernel:
    """Odd series in the angle; made when first used, then a few operations an entry.

    Args:
        at_angles: Kernel at angles in (0, pi/2), given as one array.
        f1: Kernel at correlation 1.
    """

    def __init__(self, at_angles: Callable[[np.ndarray], np.ndarray], f1: float):
        self._at_angles = at_angles
        self._f1 = f1

    @functools.cached_property
    def coefficients(self) -> np.ndarray:
        """Of the Chebyshev polynomials 1, 3, 5, ... of the angle over pi/2."""
        for count in _COUNTS:
            # Positive nodes of the Chebyshev polynomial of degree 2 count.
            phase = (np.arange(count) + 0.5) * (np.pi / (2 * count))
            values = self._at_angles(0.5 * np.pi * np.cos(phase))
            odd = 2 * np.arange(count) + 1
            series = (2.0 / count) * (np.cos(np.outer(odd, phase)) @ values)
            tail = float(np.abs(series[-count // 8 :]).max())
            if tail <= KERNEL * self._f1 * 1e-2:
                break
        error = abs(float(series.sum()) - self._f1)
        if error > 1e4 * KERNEL * self._f1:
            raise NotConverged(
                f"The kernel of this activation was found to {error / self._f1:.1g} of "
                "f(1) only: it is too rough. Pass an Activation with its own kernel."
            )
        significant = np.flatnonzero(np.abs(series) > 1e-17 * self._f1)
        return series[: significant[-1] + 1]

    def __call__(self, m: np.ndarray) -> np.ndarray:
        """Kernel at correlations, entrywise."""
        return _entrywise(self._value, m)

    def derivative(self, m: np.ndarray) -> np.ndarray:
        """Derivative of the kernel by the correlation, entrywise; 1 - m^2 is floored."""
        return _entrywise(self._slope, m)

    def _value(self, m: np.ndarray) -> np.ndarray:
        x = np.arcsin(m) * (2.0 / np.pi)
        y = 4.0 * x * x - 2.0
        b0, b1 = _clenshaw(self.coefficients, y)
        return x * (b0 - b1)

    def _slope(self, m: np.ndarray) -> np.ndarray:
        x = np.arcsin(m) * (2.0 / np.pi)
        y = 4.0 * x * x - 2.0
        b0, b1 = _clenshaw(self._slope_coefficients, y)
        cosine = np.sqrt(np.maximum(1.0 - m * m, CORRELATION_GAP))
        return (b0 - 0.5 * y * b1) * (2.0 / np.pi) / cosine

    @functools.cached_property
    def _slope_coefficients(self) -> np.ndarray:
        whole = np.zeros(2 * self.coefficients.size)
        whole[1::2] = self.coefficients
        return np.polynomial.chebyshev.chebder(whole)[::2]


def _entrywise(function: Callable[[np.ndarray], np.ndarray], m: np.ndarray) -> np.ndarray:
    """Apply to blocks that stay in cache."""
    flat = np.clip(np.asarray(m, dtype=np.float64), -1.0, 1.0).ravel()
    out = np.empty_like(flat)
    for start in range(0, flat.size, _BLOCK):
        out[start : start + _BLOCK] = function(flat[start : start + _BLOCK])
    return out.reshape(np.shape(m))


def _clenshaw(coefficients: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    b1 = np.zeros_like(y)
    b0 = np.full_like(y, coefficients[-1])
    for coefficient in coefficients[-2::-1]:
        following = y * b0
        following -= b1
        following += coefficient
        b0, b1 = following, b0
    return b0, b1


def step_kernel(
    thresholds: Sequence[float] | np.ndarray, jumps: Sequence[float] | np.ndarray, f1: float
) -> AngleKernel:
    r"""Kernel of an odd step function, from its thresholds t_i and jumps.

    By Price's theorem the derivative by the angle is a finite sum,

    .. math:: \frac1{2\pi} \sum_{ij} \Delta_i \Delta_j
        \exp\left(-\frac{t_i^2 + t_j^2 - 2 t_i t_j \sin\theta}{2 \cos^2\theta}\right)

    whose interpolant is integrated exactly.

    Args:
        thresholds: Where it jumps, symmetric about 0.
        jumps: By how much.
        f1: E[s(Z)^2].

    Returns:
        Kernel, to 1e-12 of f(1).

    Examples:
        >>> kernel = step_kernel([0.0], [2.0], 1.0)  # the sign
        >>> abs(float(kernel(np.array(0.5))) - 1 / 3) < 1e-14
        True

    References:
        [price:58]
    """
    t, jump = np.asarray(thresholds, dtype=np.float64), np.asarray(jumps)
    upper = t >= 0  # pairs (i, j) and (-i, -j) have equal terms
    square, product = (t[upper, None] - t) ** 2, np.outer(t[upper], t)
    twice = np.where(t[upper] > 0, 2.0, 1.0)
    weight = np.outer(twice * jump[upper], jump) / (2.0 * np.pi)

    def at(angle: float) -> float:
        s, c2 = abs(np.sin(angle)), np.cos(angle) ** 2  # even in the angle
        exponent = -0.5 * square / max(c2, 1e-300) - product / (1.0 + s)
        np.maximum(exponent, -745.0, out=exponent)
        return float(np.vdot(weight, np.exp(exponent, out=exponent)))

    def slope(angle: np.ndarray) -> np.ndarray:
        # One angle at a time: all at once, twelve bits would take 75 GB.
        known, place = np.unique(np.abs(angle).round(14), return_inverse=True)
        return np.array([at(one) for one in known])[place]

    def at_angles(angle: np.ndarray) -> np.ndarray:
        half = 0.5 * np.pi
        series = np.polynomial.Chebyshev.interpolate(slope, 600, domain=[-half, half])
        total = series.integ(lbnd=0.0)
        return np.asarray(total(angle))

    return AngleKernel(at_angles, f1)


def measured_kernel(
    function: Callable[[np.ndarray], np.ndarray],
    f1: float,
    *,
    kinks: Sequence[float] = (),
) -> AngleKernel:
    """Kernel of any odd, piecewise smooth function by two-dimensional quadrature.

    Panels are split at the kinks of both factors, so that jumps cost no accuracy.

    Args:
        function: Vectorised s.
        f1: E[s(Z)^2].
        kinks: Where s or a derivative jumps, if known; others are found by bisection.

    Returns:
        Kernel, to 1e-10 of f(1) for functions that vary on scales above 0.01; measured
        when first used, about a second.

    Examples:
        >>> kernel = measured_kernel(lambda u: u**3, 15.0)
        >>> round(float(kernel(np.array(0.5))), 10)  # 9 m + 6 m^3
        5.25
    """

    def at_angles(angles: np.ndarray) -> np.ndarray:
        edges, found = smooth_pieces(function, kinks=kinks)
        if edges.size > _MOST_PIECES:
            raise NotConverged(
                f"This activation is too rough: it falls into {edges.size} smooth pieces. "
                "Pass an Activation with its own kernel."
            )
        return np.array([_mean_product(function, edges, found, float(a)) for a in angles])

    return AngleKernel(at_angles, f1)


def _mean_product(
    function: Callable[[np.ndarray], np.ndarray],
    edges: np.ndarray,
    kinks: np.ndarray,
    angle: float,
) -> float:
    """E[s(X) s(Y)] at correlation sin(angle): X on panels, Y given X on panels."""
    m, c = np.sin(angle), np.cos(angle)
    reach = c * 2.0 ** np.arange(12)  # around a kink the mean given X varies on scale c
    around = np.add.outer(kinks, np.concatenate([-reach, reach])).ravel()
    knots = np.unique(np.concatenate([edges, around, [0.0, _CUT]]))
    knots = knots[(knots >= 0) & (knots <= _CUT)]
    x, weight = _rule(knots[:-1], knots[1:])
    given = _conditional_mean(function, edges, m * x, c)
    density = np.exp(-0.5 * x * x) / np.sqrt(2.0 * np.pi)
    return float(2.0 * np.sum(weight * density * np.asarray(function(x)) * given))


def _conditional_mean(
    function: Callable[[np.ndarray], np.ndarray],
    edges: np.ndarray,
    centre: np.ndarray,
    spread: float,
) -> np.ndarray:
    """E[s(centre + spread Z)] for every centre."""
    own = centre[:, None] + spread * np.linspace(-_CUT, _CUT, 13)
    clipped = np.clip(edges, own[:, :1], own[:, -1:])
    knots = np.sort(np.concatenate([own, clipped], axis=1), axis=1)
    wide = np.diff(knots, axis=1) > 1e-14
    row = np.nonzero(wide)[0]
    y, weight = _rule(knots[:, :-1][wide], knots[:, 1:][wide])
    row = np.repeat(row, _NODES.size)
    z = (y - centre[row]) / spread
    density = np.exp(-0.5 * z * z) / (spread * np.sqrt(2.0 * np.pi))
    values = weight * density * np.asarray(function(y), dtype=np.float64)
    return np.bincount(row, values, minlength=centre.size)


def _rule(left: np.ndarray, right: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Gauss-Legendre nodes and weights on panels."""
    half = 0.5 * (right - left)[:, None]
    nodes = half * _NODES + 0.5 * (left + right)[:, None]
    return nodes.ravel(), (half * _WEIGHTS).ravel()
