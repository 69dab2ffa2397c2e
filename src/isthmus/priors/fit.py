"""Scale mixtures fitted to data by expectation maximisation."""

from __future__ import annotations

import dataclasses
import math

import numpy as np
from jaxtyping import Float

from isthmus.core.door import real_array, whole_number
from isthmus.core.errors import DataError
from isthmus.core.protocol import held_out_count
from isthmus.core.random import as_rng, random_subset
from isthmus.core.typing import Numbers
from isthmus.priors.scale_mixture import ScaleMixture

MOST_COMPONENTS = 4
VARIANCE_FLOOR = 1e-10
"""Least variance of a component, relative to the mean square of the data."""
SPIKE_FLOOR = 1e-12
"""Variance of the spike at exact zeros, relative to the mean square of the data."""
_BINS = 1024
_MAX_STEPS = 2000
_GAIN = 1e-10
_RESOLVED = 1e-5  # nats per value; bins show nothing finer
_COARSEST_GAIN = 1e-7  # while choosing how many components


@dataclasses.dataclass(frozen=True)
class Energies:
    """Squared values with multiplicities, nearly equal ones together.

    Attributes:
        square: Distinct squares, ascending.
        count: How many values have each.
    """

    square: Float[np.ndarray, " bin"]
    count: Float[np.ndarray, " bin"]

    @property
    def mean_square(self) -> float:
        """Of all values."""
        return float(self.square @ self.count / self.count.sum())


@dataclasses.dataclass(frozen=True)
class Expectation:
    """Where expectation maximisation ended.

    Attributes:
        weights: Of the components.
        variances: Of the components, ascending.
        history: Log likelihood per value before every step and after the last.
        converged: Whether the last step gained less than was asked for per value.
    """

    weights: Float[np.ndarray, " component"]
    variances: Float[np.ndarray, " component"]
    history: Float[np.ndarray, " step"]
    converged: bool


def fit_scale_mixture(
    X: Numbers,
    *,
    n_components: int | None = None,
    shared: bool = True,
    rng: object = None,
) -> ScaleMixture | list[ScaleMixture]:
    """Scale mixture of zero-mean Gaussians of greatest likelihood.

    Expectation maximisation on squares in at most 1024 logarithmic bins. If exact zeros
    exist, one component is a spike of variance 1e-12 times the mean square; every other
    variance is at least 1e-10 times it. The mixture has the mean square of the data.

    Args:
        X: Values of mean zero, "sample" or "sample input"; centre (and whiten) them first.
        n_components: Components, 1 to 4, the spike among them. None chooses: the fewest
            whose likelihood on held-out rows is within one standard error (or 1e-5 per
            value) of the best.
        shared: One prior for all coordinates, or one per column.
        rng: Seed or generator that draws the held-out rows; used only to choose.

    Returns:
        A prior, or with ``shared=False`` a list of one per column.

    Raises:
        DataError: If values are not finite or a prior would see zeros only.
        ValueOutOfRange: If `n_components` is not 1 to 4, or `X` is no array of numbers.

    Examples:
        >>> from isthmus.priors import GaussBernoulli
        >>> fitted = fit_scale_mixture(GaussBernoulli(0.2).sample((1000, 4), 0), rng=0)
        >>> len(fitted.weights), round(fitted.weights[1], 1), round(fitted.variances[1])
        (2, 0.2, 5)
    """
    values = real_array("fit_scale_mixture(X=...)", X)
    if values.ndim not in (1, 2) or values.size == 0 or not np.isfinite(values).all():
        raise DataError(
            "`fit_scale_mixture(X=...)` must be finite values, one row per sample; got "
            f"shape {values.shape}. Leave rows with gaps out."
        )
    if n_components is not None:
        n_components = whole_number(
            "fit_scale_mixture(n_components=...)", n_components, least=1, most=4
        )
    table = values.reshape(values.shape[0], -1)
    generator = as_rng(rng)
    if shared:
        return _fit(table, n_components, generator)
    return [_fit(table[:, [j]], n_components, generator) for j in range(table.shape[1])]


def _fit(
    table: np.ndarray, n_components: int | None, rng: np.random.Generator
) -> ScaleMixture:
    every = squares(table)
    if not every.mean_square > 0:
        raise DataError(
            "`fit_scale_mixture(X=...)` must not be all zero (in any column that gets a "
            "prior of its own). Leave constant columns out."
        )
    count = n_components or _choose(table, every, rng)
    found = maximise(every, count)
    kept = found.weights > 0
    return ScaleMixture(found.weights[kept], found.variances[kept])


def squares(values: Numbers) -> Energies:
    """Squares of values and their multiplicities, in at most 1025 bins.

    A bin is 2 % wide or less and keeps the mean of its squares.
    """
    flat = np.square(np.asarray(values, dtype=np.float64)).ravel()
    positive = flat[flat > 0]
    n_zero = flat.size - positive.size
    if positive.size > _BINS:
        log = np.log(positive)
        low = max(float(log.min()), float(log.max()) - 0.02 * _BINS)
        width = max((float(log.max()) - low) / (_BINS - 1), 1e-300)
        place = (np.maximum(log - low, 0.0) / width).astype(np.int64)
        count = np.bincount(place).astype(np.float64)
        total = np.bincount(place, positive)
        square, count = (total[count > 0] / count[count > 0]), count[count > 0]
    else:
        square, multiple = np.unique(positive, return_counts=True)
        count = multiple.astype(np.float64)
    if n_zero:
        square, count = np.append(0.0, square), np.append(float(n_zero), count)
    return Energies(square, count)


def maximise(data: Energies, count: int, *, gain: float = _GAIN) -> Expectation:
    """Expectation maximisation from equal shares of the sorted squares."""
    floor = VARIANCE_FLOOR * data.mean_square
    has_zeros = bool(data.square[0] == 0.0)
    spike = SPIKE_FLOOR * data.mean_square if has_zeros and count > 1 else None
    weights, variances = _start(data, count, floor, spike)
    history = []
    converged = False
    for _ in range(_MAX_STEPS):
        shares, likelihood = _expect(data.square, weights, variances)
        history.append(float(likelihood @ data.count / data.count.sum()))
        converged = len(history) > 1 and history[-1] - history[-2] < gain
        if converged:
            break
        shares *= data.count
        mass = np.maximum(shares.sum(axis=1), 1e-300)
        weights = mass / mass.sum()
        variances = np.maximum(shares @ data.square / mass, floor)
        if spike is not None:
            variances[0] = spike
    order = np.argsort(variances, kind="stable")
    return Expectation(weights[order], variances[order], np.array(history), converged)


def _start(
    data: Energies, count: int, floor: float, spike: float | None
) -> tuple[np.ndarray, np.ndarray]:
    """Equal shares of the sorted squares; the spike takes the zeros."""
    weight = data.count / data.count.sum()
    zeros = float(weight[0]) if spike is not None else 0.0
    n_broad = count - (spike is not None)
    position = (np.cumsum(weight) - 0.5 * weight - zeros) / max(1.0 - zeros, 1e-300)
    group = np.clip((position * n_broad).astype(np.int64), 0, n_broad - 1)
    inside = weight.copy()
    if spike is not None:
        inside[0] = 0.0
    share = np.bincount(group, inside, minlength=n_broad)
    energy = np.bincount(group, inside * data.square, minlength=n_broad)
    broad = np.where(share > 0, energy / np.maximum(share, 1e-300), data.mean_square)
    share = np.maximum(share, 1e-3)
    if spike is not None:
        share, broad = np.append(zeros, share), np.append(spike, np.maximum(broad, floor))
    return share / share.sum(), np.maximum(broad, spike or floor)


def _expect(
    square: np.ndarray, weights: np.ndarray, variances: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Share of every component in every value, and the log likelihoods."""
    log = np.log(weights / np.sqrt(2.0 * math.pi * variances))[:, None]
    log = log - 0.5 * square / variances[:, None]
    top = log.max(axis=0)
    shares = np.exp(log - top)
    total = shares.sum(axis=0)
    shares /= total
    return shares, top + np.log(total)


def _choose(table: np.ndarray, every: Energies, rng: np.random.Generator) -> int:
    """Fewest components within one standard error of the best held-out likelihood.

    Rows are drawn one by one: equal ones, zeros above all, are no repetitions here.
    """
    n_rows = table.shape[0]
    if n_rows < 2:
        return 2 if every.square[0] == 0.0 else 1
    chosen = random_subset(rng, n_rows, held_out_count(n_rows))
    test = np.zeros(n_rows, dtype=bool)
    test[chosen] = True
    train, held_out = squares(table[~test]), squares(table[test])
    if not train.mean_square > 0:
        return 2
    least = 2 if every.square[0] == 0.0 else 1
    # Many values tell smaller differences: a thousandth of a nat over all of them.
    gain = min(_COARSEST_GAIN, max(_GAIN, 1e-3 / float(train.count.sum())))
    found = []
    for count in range(least, MOST_COMPONENTS + 1):
        fit = maximise(train, count, gain=gain)
        found.append(_expect(held_out.square, fit.weights, fit.variances)[1])
    share = held_out.count / held_out.count.sum()
    best = max(found, key=lambda one: float(one @ share))
    for one in found:
        short = best - one
        loss = float(short @ share)
        error = math.sqrt(float(np.square(short - loss) @ share) / held_out.count.sum())
        if loss <= max(error, _RESOLVED):
            break
        least += 1
    return least
