"""The activations that have a name: sign and linear, smooth ones, quantisers."""

from __future__ import annotations

import difflib
import functools
import math
from collections.abc import Callable
from typing import Any

import numpy as np

from isthmus.core.activations import Activation, Entrywise, check_usable
from isthmus.core.errors import ValueOutOfRange
from isthmus.core.kernels import AngleKernel, measured_kernel, step_kernel
from isthmus.core.lloyd_max import MAX_BITS, lloyd_max_distortion, lloyd_max_quantiser
from isthmus.core.quadrature import gaussian_mean
from isthmus.core.tolerance import CORRELATION_GAP

_LEAST, _MOST = 1e-9, 1e9  # beyond them a smooth activation is linear or a sign

Family = Callable[[float], Activation]


def sign(z: np.ndarray) -> np.ndarray:
    """Map to ±1 in the type of `z`, zero to +1 (np.sign would make a third symbol).

    Examples:
        >>> sign(np.array([-2.0, 0.0, 3.0]))
        array([-1.,  1.,  1.])
    """
    return np.where(z >= 0, z.dtype.type(1), z.dtype.type(-1))


def _density(t: float) -> float:
    return math.exp(-0.5 * t * t) / math.sqrt(2.0 * math.pi)


def _tail(t: float) -> float:
    return 0.5 * math.erfc(t / math.sqrt(2.0))


def _arcsine(q: float) -> tuple[Entrywise, Entrywise]:
    """(2 / pi) asin(q m) and its derivative."""

    def kernel(m: np.ndarray) -> Any:
        return (2.0 / np.pi) * np.arcsin(q * np.clip(m, -1.0, 1.0))

    def derivative(m: np.ndarray) -> Any:
        gap = np.maximum(1.0 - np.square(q * m), CORRELATION_GAP)
        return (2.0 * q / np.pi) / np.sqrt(gap)

    return kernel, derivative


def _sign() -> Activation:
    c1 = math.sqrt(2.0 / math.pi)
    return Activation("sign", sign, c1, 1.0, *_arcsine(1.0), 0, 2, (0.0,))


def _identity() -> Activation:
    return Activation("identity", np.asarray, 1.0, 1.0, np.asarray, np.ones_like, 1)


def _erf(a: float) -> Activation:
    from scipy.special import erf

    q = 2.0 * a * a / (1.0 + 2.0 * a * a)
    c1 = 2.0 * a / math.sqrt(math.pi * (1.0 + 2.0 * a * a))
    f1 = (2.0 / math.pi) * math.asin(q)
    return Activation("erf", lambda u: erf(a * u), c1, f1, *_arcsine(q))


def _sin(a: float) -> Activation:
    square = a * a

    def kernel(m: np.ndarray) -> Any:
        # e^-s sinh(s m), without overflow for large s or cancellation for small s.
        size = np.abs(m)
        rest = -0.5 * np.expm1(-2.0 * square * size)
        return np.copysign(np.exp(square * (size - 1.0)) * rest, m)

    def derivative(m: np.ndarray) -> Any:
        return 0.5 * square * (np.exp(square * (m - 1.0)) + np.exp(-square * (m + 1.0)))

    f1 = -0.5 * math.expm1(-2.0 * square)
    c1 = a * math.exp(-0.5 * square)
    return Activation("sin", lambda u: np.sin(a * u), c1, f1, kernel, derivative)


def _cube() -> Activation:
    def kernel(m: np.ndarray) -> Any:
        return m * (9.0 + 6.0 * np.square(m))

    def derivative(m: np.ndarray) -> Any:
        return 9.0 + 18.0 * np.square(m)

    return Activation("cube", lambda u: u**3, 3.0, 15.0, kernel, derivative, 3)


def _signed_sqrt() -> Activation:
    """Kernel c1^2 m 2F1(1/4, 1/4; 3/2; m^2), as for every signed power."""
    from scipy.special import hyp2f1

    # E|Z|^p = 2^(p/2) Gamma((p+1)/2) / sqrt(pi) at p = 3/2 and p = 1.
    c1 = 2.0**0.75 * math.gamma(1.25) / math.sqrt(math.pi)
    f1 = math.sqrt(2.0 / math.pi)

    def at_angles(angles: np.ndarray) -> np.ndarray:
        m = np.sin(angles)
        return np.asarray(c1 * c1 * m * hyp2f1(0.25, 0.25, 1.5, m * m))

    kernel = AngleKernel(at_angles, f1)
    return Activation(
        "signed-sqrt",
        lambda u: np.copysign(np.sqrt(np.abs(u)), u),
        c1,
        f1,
        kernel,
        kernel.derivative,
        0.5,
        None,
        (0.0,),
    )


def _clip(a: float) -> Activation:
    inside = math.erf(a / math.sqrt(2.0))
    f1 = inside - 2.0 * a * _density(a) + 2.0 * a * a * _tail(a)
    return _piecewise("clip", lambda u: np.clip(u, -a, a), inside, f1, (-a, a))


def _soft_threshold(t: float) -> Activation:
    c1 = 2.0 * _tail(t)
    f1 = 2.0 * ((1.0 + t * t) * _tail(t) - t * _density(t))
    return _piecewise("soft-threshold", lambda u: u - np.clip(u, -t, t), c1, f1, (-t, t))


def _hard_threshold(t: float) -> Activation:
    c1 = 2.0 * (t * _density(t) + _tail(t))

    def function(u: np.ndarray) -> np.ndarray:
        return np.where(np.abs(u) > t, u, u.dtype.type(0))

    return _piecewise("hard-threshold", function, c1, c1, (-t, t))


def _piecewise(
    name: str, function: Entrywise, c1: float, f1: float, kinks: tuple[float, ...]
) -> Activation:
    kernel = measured_kernel(function, f1, kinks=kinks)
    return Activation(name, function, c1, f1, kernel, kernel.derivative, kinks=kinks)


def _smooth(name: str, function: Entrywise, kinks: tuple[float, ...] = ()) -> Activation:
    places = (0.0, *kinks)
    c1 = gaussian_mean(lambda z: z * function(z), kinks=places)
    f1 = gaussian_mean(lambda z: function(z) ** 2, kinks=places)
    return _piecewise(name, function, c1, f1, kinks)


def _ternary(t: float) -> Activation:
    def function(u: np.ndarray) -> np.ndarray:
        one = u.dtype.type(1)
        return np.where(np.abs(u) > t, np.copysign(one, u), u.dtype.type(0))

    f1 = 2.0 * _tail(t)
    kernel = step_kernel([-t, t], [1.0, 1.0], f1)
    slope = kernel.derivative
    return Activation(
        "ternary", function, 2.0 * _density(t), f1, kernel, slope, None, 3, (-t, t)
    )


def _lloyd_max(bits: float) -> Activation:
    if bits != int(bits) or not 1 <= bits <= MAX_BITS:
        raise ValueOutOfRange(
            f"`activation='lloyd-max:b'` must have a whole b from 1 to {MAX_BITS}; "
            f"got {bits:g}."
        )
    levels, thresholds = lloyd_max_quantiser(int(bits))

    def function(u: np.ndarray) -> np.ndarray:
        table = levels.astype(u.dtype, copy=False)
        return table[np.searchsorted(thresholds, u, side="right")]

    kept = 1.0 - lloyd_max_distortion(int(bits))
    kernel = step_kernel(thresholds, np.diff(levels), kept)
    return Activation(
        "lloyd-max",
        function,
        kept,
        kept,
        kernel,
        kernel.derivative,
        0 if bits == 1 else None,
        len(levels),
        tuple(thresholds.tolist()),
    )


FAMILIES: dict[str, tuple[Callable[..., Activation], float | None]] = {
    "sign": (_sign, None),
    "identity": (_identity, None),
    "tanh": (lambda a: _smooth("tanh", lambda u: np.tanh(a * u)), 1.0),
    "erf": (_erf, 1.0),
    "arctan": (lambda a: _smooth("arctan", lambda u: np.arctan(a * u)), 1.0),
    "softsign": (
        lambda a: _smooth("softsign", lambda u: a * u / (1.0 + np.abs(a * u)), (0.0,)),
        1.0,
    ),
    "sin": (_sin, 1.0),
    "clip": (_clip, 1.0),
    "soft-threshold": (_soft_threshold, 1.0),
    "hard-threshold": (_hard_threshold, 1.0),
    "cube": (_cube, None),
    "signed-sqrt": (_signed_sqrt, None),
    "ternary": (_ternary, 0.612003),
    "lloyd-max": (_lloyd_max, 2.0),
}
"""Name -> (maker, default of its parameter, or None if it takes none).

The parameter is a gain (tanh, erf, arctan, softsign, sin), a height (clip), a threshold
(soft, hard, ternary; the default 0.612003 is the three-level Lloyd-Max quantiser) or bits
(lloyd-max).
"""
NAMES = tuple(FAMILIES)


@functools.lru_cache(maxsize=256)
def named(text: str) -> Activation | None:
    """Activation of a name, ``"name"`` or ``"name:parameter"``.

    Args:
        text: A key of :data:`FAMILIES`, perhaps with a parameter.

    Returns:
        The activation, named as asked for; None if there is no such name.

    Raises:
        ValueOutOfRange: If the parameter is not a positive number, or none is taken.

    Examples:
        >>> round(named("clip:1").f1, 6), named("foo")
        (0.516059, None)
    """
    import dataclasses

    name, colon, parameter = text.partition(":")
    if name not in FAMILIES:
        near = difflib.get_close_matches(name, NAMES, n=1)
        if near:
            raise ValueOutOfRange(
                f"`activation` must be a known name; got {text!r}. "
                f"Did you mean {near[0]!r}?"
            )
        return None
    maker, default = FAMILIES[name]
    if default is None:
        if colon:
            raise ValueOutOfRange(
                f"`activation={name!r}` takes no parameter; got {text!r}."
            )
        return maker()
    try:
        value = float(parameter) if colon else default
    except ValueError:
        value = float("nan")
    if not _LEAST <= value <= _MOST:
        raise ValueOutOfRange(
            f"`activation='{name}:parameter'` must have a positive number there, from "
            f"{_LEAST:g} to {_MOST:g}; got {text!r}."
        )
    made = maker(value)
    check_usable(text, made.c1, made.f1)
    return dataclasses.replace(made, name=text)
