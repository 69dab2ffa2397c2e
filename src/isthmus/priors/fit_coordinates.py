"""Mixtures with means fitted to every column by expectation maximisation."""

from __future__ import annotations

import dataclasses

import numpy as np
from jaxtyping import Float

from isthmus.core.door import real_array, whole_number
from isthmus.core.errors import DataError
from isthmus.core.protocol import held_out_count
from isthmus.core.random import as_rng, random_subset
from isthmus.core.typing import Numbers
from isthmus.priors.coordinates import CoordinatePriors

MOST_GAUSSIANS = 3
_BINS = 96
_LARGEST = 1e100
_STEPS = 80
_LEAST_SPIKE = 0.02
"""Share of the rows from which one value that repeats is a spike."""
_SPIKE_VARIANCE = 1e-6
_LEAST_VARIANCE = 1e-3
"""Of a Gaussian, relative to the column's variance: an atom's neighbours are no atom."""


_SEEN_THROUGH = 0.1
"""Noise variance at which fits are compared, relative to the mean variance."""


@dataclasses.dataclass(frozen=True)
class _Columns:
    """Each column as a spike and equal-count bins of the rest.

    Attributes:
        spike: Value that repeats most.
        share: Of the rows at it; 0 if it is none.
        value: Mean of each bin, "bin column".
        within: Variance inside each bin.
        count: Rows in each bin.
        variance: Of the whole column.
    """

    spike: np.ndarray
    share: np.ndarray
    value: np.ndarray
    within: np.ndarray
    count: np.ndarray
    variance: np.ndarray


def fit_coordinate_priors(
    X: Numbers, *, n_gaussians: int | None = None, rng: object = None
) -> CoordinatePriors:
    """One mixture per column: a spike where a value repeats, and Gaussians for the rest.

    Expectation maximisation on equal-count bins, all columns at once. A value that more
    than 2 % of the rows of a column share (zeros of counts, black pixels) is a spike of
    1e-6 of the column's variance; every other component has at least 1e-3 of it.

    Args:
        X: Centred rows, "sample input".
        n_gaussians: Gaussians beside the spike, 1 to 3. None chooses: the fewest whose
            likelihood on held-out rows, seen through some noise, is within one standard
            error of the best.
        rng: Seed or generator that draws the held-out rows; used only to choose.

    Returns:
        The priors. A column without variance gets a Gaussian of 1e-12 of the mean
        variance.

    Raises:
        DataError: If values are not finite or all are equal.
        ValueOutOfRange: If `n_gaussians` is not 1 to 3.

    Examples:
        >>> rng = np.random.default_rng(0)
        >>> counts = np.where(rng.random((2000, 3)) < 0.8, 0.0, rng.normal(5, 1, (2000, 3)))
        >>> fitted = fit_coordinate_priors(counts - 1.0, n_gaussians=1)
        >>> fitted.weights[:, 0].round(1).tolist(), fitted.means[:, 0].round(0).tolist()
        ([0.8, 0.2], [-1.0, 4.0])
    """
    call = "fit_coordinate_priors"
    x = real_array(f"{call}(X=...)", X)
    if x.ndim != 2 or x.size == 0 or not np.isfinite(x).all():
        raise DataError(
            f"`{call}(X=...)` must be finite, one row per sample and one column per "
            f"coordinate; got shape {x.shape}."
        )
    if not np.abs(x).max() < _LARGEST:
        raise DataError(
            f"`{call}(X=...)` must be smaller than {_LARGEST:g} in size, so that squares "
            "do not overflow. Divide it by a unit of its own size."
        )
    if not x.var(axis=0).max() > 0:
        raise DataError(f"`{call}(X=...)` must vary; all its rows are equal.")
    if n_gaussians is not None:
        most = MOST_GAUSSIANS
        count = whole_number(f"{call}(n_gaussians=...)", n_gaussians, least=1, most=most)
    else:
        count = _choose(x, as_rng(rng))
    return _fit(x, count)


def _fit(x: np.ndarray, count: int) -> CoordinatePriors:
    columns = _binned(x)
    least = 1e-12 * float(columns.variance.mean())
    floor = np.maximum(_LEAST_VARIANCE * columns.variance, least)
    weights, means, variances = _maximise(columns, count, floor)
    rest = 1.0 - columns.share
    spike = np.maximum(_SPIKE_VARIANCE * columns.variance, 1e-3 * least)
    return CoordinatePriors(
        np.vstack([columns.share, rest * weights]),
        np.vstack([columns.spike, means]),
        np.vstack([spike, variances]),
    )


def _binned(x: np.ndarray) -> _Columns:
    n_rows, n_input = x.shape
    spike, share = np.zeros(n_input), np.zeros(n_input)
    shape = (_BINS, n_input)
    value, within, count = np.zeros(shape), np.zeros(shape), np.zeros(shape)
    ordered = np.sort(x, axis=0)
    for j in range(n_input):
        column = ordered[:, j]
        starts = np.flatnonzero(np.append(True, column[1:] != column[:-1]))
        lengths = np.diff(np.append(starts, n_rows))
        most = int(lengths.argmax())
        spike[j] = column[starts[most]]
        if lengths[most] > max(1, _LEAST_SPIKE * n_rows):
            share[j] = lengths[most] / n_rows
            column = np.delete(column, slice(starts[most], starts[most] + lengths[most]))
        if column.size == 0:
            value[:, j], count[0, j] = spike[j], 1e-9
            continue
        bins = np.arange(column.size) * _BINS // column.size
        number = np.bincount(bins, minlength=_BINS)
        mean = np.bincount(bins, column, minlength=_BINS) / np.maximum(number, 1)
        apart = np.square(column - mean[bins])
        within[:, j] = np.bincount(bins, apart, minlength=_BINS) / np.maximum(number, 1)
        value[:, j], count[:, j] = mean, number
    return _Columns(spike, share, value, within, count, x.var(axis=0))


def _maximise(
    columns: _Columns, count: int, floor: Float[np.ndarray, " column"]
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Expectation maximisation from quantiles, every column at once."""
    total = columns.count.sum(axis=0)
    below = (np.cumsum(columns.count, axis=0) - 0.5 * columns.count) / total
    group = np.clip((below * count).astype(np.int64), 0, count - 1)
    shares = np.stack([(group == k) * columns.count for k in range(count)])
    # Half of every start is the whole, so that no component starts inside an atom.
    shares = 0.5 * shares + 0.5 / count * columns.count
    weights, means, variances = _moments(columns, shares, floor)
    for _ in range(_STEPS):
        log = np.log(np.maximum(weights, 1e-300) / np.sqrt(variances))[:, None]
        away = np.square(columns.value - means[:, None]) + columns.within
        log = log - 0.5 * away / variances[:, None]
        shares = np.exp(log - log.max(axis=0))
        shares *= columns.count / shares.sum(axis=0)
        old = means
        weights, means, variances = _moments(columns, shares, floor)
        if np.all(np.abs(means - old) <= 1e-4 * np.sqrt(variances)):
            break
    return weights, means, variances


def _moments(
    columns: _Columns, shares: np.ndarray, floor: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    mass = np.maximum(shares.sum(axis=1), 1e-12)
    means = (shares * columns.value).sum(axis=1) / mass
    away = np.square(columns.value - means[:, None]) + columns.within
    variances = np.maximum((shares * away).sum(axis=1) / mass, floor)
    return mass / mass.sum(axis=0), means, variances


def _choose(x: np.ndarray, rng: np.random.Generator) -> int:
    """Fewest Gaussians within one standard error of the best held-out likelihood."""
    n_rows = x.shape[0]
    if n_rows < 100:
        return 1
    test = np.zeros(n_rows, dtype=bool)
    test[random_subset(rng, n_rows, held_out_count(n_rows))] = True
    # As a decoder sees them: through noise, which forgives an atom a misplaced digit.
    noise = _SEEN_THROUGH * float(x.var(axis=0).mean())
    seen = x[test] + np.sqrt(noise) * rng.standard_normal((int(test.sum()), x.shape[1]))
    found = [
        log_likelihood(_fit(x[~test], count), seen, noise)
        for count in range(1, MOST_GAUSSIANS + 1)
    ]
    best = max(found, key=lambda one: float(one.mean()))
    for count, one in enumerate(found, start=1):
        short = best - one
        if short.mean() <= short.std() / np.sqrt(short.size):
            return count
    return MOST_GAUSSIANS


def log_likelihood(
    prior: CoordinatePriors, r: Float[np.ndarray, "sample input"], noise: float
) -> Float[np.ndarray, " sample"]:
    """Log density of each row of r = x + N(0, noise).

    Examples:
        >>> one = CoordinatePriors(np.ones((1, 1)), np.zeros((1, 1)), np.full((1, 1), 0.5))
        >>> log_likelihood(one, np.zeros((1, 1)), 0.5).round(4).tolist()
        [-0.9189]
    """
    parts = []
    for w, m, v in zip(prior.weights, prior.means, prior.variances + noise, strict=True):
        bell = np.log(np.maximum(w, 1e-300)) - 0.5 * np.log(2 * np.pi * v)
        parts.append(bell - 0.5 * np.square(r - m) / v)
    top = np.maximum.reduce(parts)
    total = np.log(sum(np.exp(part - top) for part in parts)) + top
    return np.asarray(total.sum(axis=1))
