"""Universality: images after a random rotation and signs cost what Gaussian rows cost.

The paper finds that whitened natural images land on the Gaussian limit. That holds when
the length of every row is sent; with one fixed scale the spread of the lengths costs
exactly what :func:`isthmus.limits.norm_spread_limit` says.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

import numpy as np
from jaxtyping import Float

from isthmus import frames
from isthmus.core.errors import ValueOutOfRange
from isthmus.core.protocol import hold_out, measure
from isthmus.core.random import as_rng
from isthmus.data import Principal, load
from isthmus.limits import isotropic_limit, norm_spread_limit

RATES = (0.25, 0.5, 1.0)


@dataclasses.dataclass(frozen=True)
class Universality:
    """One rate on one data set, held-out rows, NMSE in the coordinates named.

    Attributes:
        data: Name of the data set.
        coordinates: ``"whitened 256"``, ``"whitened"`` (full rank) or ``"raw"``.
        n_input: Coordinates coded.
        rate: Bits per coordinate, without the norm.
        limit: 1 - 2 rate / pi.
        limit_with_norm: The same, exact at this dimension for vectors of known length.
        with_norm: NMSE with the length of every row sent as 16 bits.
        with_norm_error: Its standard error over held-out rows.
        fixed_scale: NMSE with one scale, fitted to the training rows.
        fixed_scale_error: Its standard error.
        law: What the spread of the held-out lengths predicts for `fixed_scale`.
        held_out_variance: Mean square of a held-out coordinate over that of a training
            one: 1 if whitening generalises.
    """

    data: str
    coordinates: str
    n_input: int
    rate: float
    limit: float
    limit_with_norm: float
    with_norm: float
    with_norm_error: float
    fixed_scale: float
    fixed_scale_error: float
    law: float
    held_out_variance: float


def run(
    data: object,
    *,
    n_components: int | None = 256,
    whiten: bool = True,
    rates: Sequence[float] = RATES,
    seed: int = 0,
) -> tuple[Universality, ...]:
    """Code held-out rows by the signs of random orthonormal directions.

    Args:
        data: Built-in name, path or array with rows first.
        n_components: Leading principal components of the training rows to keep; None
            keeps all that carry variance.
        whiten: Divide components by their standard deviations over the training rows;
            otherwise the rows are only centred (and `n_components` must be None).
        rates: Each in (0, 1].
        seed: Of the split and the rotation.

    Returns:
        One record per rate.

    Raises:
        ValueOutOfRange: If a rate is above 1, or rows are to be projected unwhitened.

    Examples:
        >>> rows = np.random.default_rng(0).standard_normal((4000, 32))
        >>> found = run(rows, n_components=16, rates=[1.0])[0]
        >>> abs(found.with_norm / found.limit - 1) < 0.05
        True

    References:
        [shevchenko:23]
    """
    if not whiten and n_components is not None:
        raise ValueOutOfRange("`run(whiten=False)` keeps all columns: n_components=None.")
    for rate in rates:
        if not 0 < rate <= 1:
            raise ValueOutOfRange(f"`run(rates=...)` must lie in (0, 1]; got {rate}.")
    dataset = load(data)
    held = hold_out(dataset.values, rng=as_rng(seed))
    train, test = (dataset.values[part].astype(float) for part in (held.train, held.test))
    train, test, label = _coordinates(train, test, n_components, whiten)
    return tuple(
        _measured(dataset.name, label, train, test, float(rate), seed) for rate in rates
    )


def _coordinates(
    train: np.ndarray, test: np.ndarray, n_components: int | None, whiten: bool
) -> tuple[np.ndarray, np.ndarray, str]:
    axes = Principal.from_rows(train)
    if not whiten:
        return train - axes.mean, test - axes.mean, "raw"
    kept = axes.rank if n_components is None else min(n_components, axes.rank)
    label = "whitened" if n_components is None else f"whitened {kept}"
    white = [axes.whiten(rows, n_components=kept) for rows in (train, test)]
    return white[0], white[1], label


def _measured(
    name: str, label: str, train: np.ndarray, test: np.ndarray, rate: float, seed: int
) -> Universality:
    d = train.shape[1]
    frame = frames.haar(max(1, round(rate * d)), d, rng=seed)
    zero = np.zeros(d)
    lengths = np.linalg.norm(test, axis=1)
    y = frame.adjoint(_signs(frame, test))
    y_train = frame.adjoint(_signs(frame, train))
    fixed = np.sum(train * y_train) / np.sum(y_train * y_train)
    # With the length sent, every row has its own scale and all share one factor.
    long = np.linalg.norm(train, axis=1)[:, None] * y_train
    factor = np.sum(train * long) / np.sum(long * long)
    mean_length = float(lengths.mean())
    sent = (lengths / mean_length).astype(np.float16).astype(float) * mean_length
    with_norm = measure(test, factor * sent[:, None] * y, zero)
    with_scale = measure(test, fixed * y, zero)
    return Universality(
        data=name,
        coordinates=label,
        n_input=d,
        rate=frame.rate,
        limit=float(isotropic_limit(frame.rate)),
        limit_with_norm=float(norm_spread_limit(frame.rate, [1.0], n_input=d)),
        with_norm=with_norm.value,
        with_norm_error=with_norm.standard_error,
        fixed_scale=with_scale.value,
        fixed_scale_error=with_scale.standard_error,
        law=float(norm_spread_limit(frame.rate, lengths, n_input=d)),
        held_out_variance=float(np.mean(test**2) / np.mean(train**2)),
    )


def _signs(
    frame: frames.AbstractFrame, x: Float[np.ndarray, "sample input"]
) -> Float[np.ndarray, "sample code"]:
    return np.where(frame.forward(x) >= 0, 1.0, -1.0)
