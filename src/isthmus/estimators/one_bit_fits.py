"""Ways to fit a decoder to sign codes and their rows."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator
from functools import cached_property
from typing import Any, Literal

import numpy as np
from jaxtyping import Float
from scipy.fft import idct

from isthmus.core.activations import resolve_activation
from isthmus.core.errors import DataError
from isthmus.core.protocol import row_errors
from isthmus.data.principal import Principal
from isthmus.decoders.column_curves import LEAST_ROWS as LEAST_CURVED
from isthmus.decoders.column_curves import ColumnCurves
from isthmus.decoders.covariance_passing import GaussianRows, fit_covariance_passing
from isthmus.decoders.mixing import Mixing
from isthmus.decoders.mixture_passing import MixturePassing, fit_mixture_passing
from isthmus.estimators.gaussian_fit import GaussianDecoder, gaussian_decoder
from isthmus.estimators.linear_fit import fit_linear_decoder
from isthmus.estimators.one_bit_cores import (
    AbstractCore,
    ColumnsCore,
    CovarianceCore,
    LinearCore,
    MixtureCore,
    NetworkCore,
    standard_log,
)
from isthmus.estimators.one_bit_encoder import GOOD, KnownEncoder
from isthmus.estimators.one_bit_pairs import CALL, Pairs
from isthmus.priors import CoordinatePriors, fit_coordinate_priors

GAUSSIANS = 2
"""Beside the spike: a third one fits what noise hides, and costs a sixth of the time."""
PRIOR_ROWS = 4000
BASIS_ROWS = 40
"""Pairs below which no basis is chosen: ten would be set aside."""
RANGE_ROWS = 500
MOST_RANGES = 8
RANGE_ENTRIES = 2**22
"""Most entries of the matrices of one step over all ranges; rotations have none."""
WIDEST = 2048
"""Columns beyond which priors are only tried in the original basis."""
_BLOCK = 4096


@dataclasses.dataclass(frozen=True, eq=False)
class Fitting:
    """Pairs to fit to, and what fits share.

    Attributes:
        pairs: Codes, rows, lengths.
        encoder: Whose codes they are; None where pairs do not tell.
        ridge: Of the linear decoder.
        n_steps: Most steps of message passing.
        hidden: Units of the network.
        network_steps: Most steps of its training.
        rng: Draws rows and batches.
    """

    pairs: Pairs
    encoder: KnownEncoder | None
    ridge: float | Literal["gcv"]
    n_steps: int
    hidden: int
    network_steps: int
    rng: np.random.Generator

    @cached_property
    def even(self) -> Pairs:
        """Rows of one length, if lengths are sent."""
        return self.pairs.of_length_one()

    @cached_property
    def principal(self) -> Principal:
        """Mean and axes of the rows of one length."""
        return Principal.from_rows(self.even.rows)

    @cached_property
    def gaussian(self) -> GaussianDecoder | None:
        """Best decoder for Gaussian rows of that covariance, if the encoder is known."""
        if self.encoder is None or self.encoder.agreement < GOOD:
            return None  # a wrong encoder's decoder is worse to shrink to than none
        weight = self.encoder.weight.copy()
        return gaussian_decoder(weight, self.principal, resolve_activation("sign"))

    @cached_property
    def moments(self) -> GaussianRows:
        """What message passing knows of the rows before their codes."""
        encoder = self._needed_encoder("message-passing")
        axes = self.principal
        covariance = (axes.basis * axes.eigenvalues) @ axes.basis.T
        mean = axes.mean.astype(np.float64)
        return GaussianRows(mean, covariance, encoder.weight, encoder.noise)

    @cached_property
    def linear(self) -> tuple[LinearCore, float]:
        """The linear decoder, and the ridge used."""
        if self.ridge == np.inf:
            self._needed_encoder("linear", "ridge=inf")
        pairs = self.pairs
        shape = pairs.rows.shape[1], pairs.codes.shape[1]
        prior = np.zeros(shape) if self.gaussian is None else self.gaussian.decoder_weight
        at = _feature_mean(pairs)
        middle = pairs.rows.mean(axis=0, dtype=np.float64)
        blocks = _blocks(pairs, pairs.codes, at, middle)
        weight, ridge = fit_linear_decoder(prior, blocks, ridge=self.ridge)
        return LinearCore(weight, middle - weight @ at), ridge

    def columns(self) -> ColumnsCore:
        """The linear decoder, and a curve for each column of what it gives."""
        core, _ = self.linear
        pairs = self.pairs
        decoded = core.decode(pairs.codes, pairs.lengths)
        return ColumnsCore(core, ColumnCurves.fitted(decoded, pairs.rows))

    def covariance_passing(self) -> CovarianceCore:
        """Message passing with the covariance; its last matrix is fitted to the pairs."""
        passing, _ = fit_covariance_passing(
            self.moments, self.even.codes, self.even.rows, n_steps=self.n_steps
        )
        seen, pairs = passing.observations(self.pairs.codes), self.pairs
        blocks = _blocks(pairs, seen, np.zeros(seen.shape[1]), passing.offset)
        if pairs.lengths is not None:
            blocks = _blocks(pairs, seen, np.zeros(seen.shape[1]), 0.0, passing.offset)
        weight, _ = fit_linear_decoder(passing.weight, blocks, ridge=self.ridge)
        return CovarianceCore(dataclasses.replace(passing, weight=weight))

    def mixture(self) -> MixtureCore:
        """Message passing with mixtures, in the basis that serves rows set aside best."""
        encoder = self._needed_encoder("mixture")
        bases = _bases(self.pairs.rows)
        basis = bases[0]
        if len(bases) > 1 and len(self.pairs.codes) >= BASIS_ROWS:
            basis = min(bases, key=lambda one: self._tried(one, encoder))
        return self._in_ranges(basis, encoder)

    def _tried(self, basis: _Basis, encoder: KnownEncoder) -> float:
        """Error, per row, of one decoder for all lengths in a basis."""
        count = len(self.pairs.codes)
        n_aside = min(500, count // 4)
        seen = basis.coefficients(self.pairs.rows[: n_aside + PRIOR_ROWS // 2])
        codes = self.pairs.codes[:n_aside]
        prior = _priors(seen[n_aside:])
        passing, left = _passing(self, basis, encoder, prior, codes, seen[:n_aside])
        return left

    def _in_ranges(self, basis: _Basis, encoder: KnownEncoder) -> MixtureCore:
        pairs = self.pairs
        edges = self._edges(encoder.weight)
        which = np.zeros(len(pairs.codes), dtype=int)
        if pairs.lengths is not None:
            which = np.searchsorted(edges, pairs.lengths)
        ranges: list[MixturePassing] = []
        for number in range(edges.size + 1):
            rows = np.flatnonzero(which == number)[:PRIOR_ROWS]
            seen = basis.coefficients(pairs.rows[rows])
            passing, _ = _passing(
                self, basis, encoder, _priors(seen), pairs.codes[rows], seen
            )
            ranges.append(passing)
        back = None if basis.axes is None else np.ascontiguousarray(basis.axes.T)
        return MixtureCore(tuple(ranges), edges, back, basis.name)

    def _edges(self, weight: np.ndarray) -> np.ndarray:
        """Lengths between ranges of as many rows each."""
        lengths = self.pairs.lengths
        if lengths is None:
            return np.zeros(0)
        afford = MOST_RANGES
        if not Mixing.of(weight).rotation:
            afford = RANGE_ENTRIES // (weight.shape[1] * sum(weight.shape))
        count = min(len(lengths) // RANGE_ROWS, MOST_RANGES, afford)
        if count < 2 or np.ptp(lengths) < 1e-3 * lengths.max():
            return np.zeros(0)
        edges = np.unique(np.quantile(lengths, np.linspace(0, 1, count + 1)[1:-1]))
        filled = np.bincount(np.searchsorted(edges, lengths), minlength=edges.size + 1)
        return edges if filled.min() >= RANGE_ROWS // 2 else np.zeros(0)

    def network(self) -> NetworkCore:
        """A small network beside the linear decoder (torch)."""
        from isthmus.training import train_bit_network

        core, _ = self.linear
        pairs, weights, extra, mean, spread = self.pairs, None, None, 0.0, 1.0
        if pairs.lengths is not None:
            pairs = pairs.taken(np.flatnonzero(pairs.lengths > 0))
        rows = pairs.rows - core.offset.astype(np.float32)
        lengths = pairs.lengths
        if lengths is not None:
            rows = rows / lengths[:, None]
            weights = np.square(lengths) / np.mean(np.square(lengths))
            logs = np.log(lengths, dtype=np.float64)
            mean, spread = float(logs.mean()), max(float(logs.std()), 1e-3)
            extra = standard_log(lengths, mean, spread)
        checked = self.rng.permutation(len(rows))[: max(len(rows) // 8, 1)]
        found, _ = train_bit_network(
            core.weight,
            pairs.codes,
            rows,
            extra=extra,
            weights=weights,
            checked=checked,
            hidden=self.hidden,
            n_steps=self.network_steps,
            rng=self.rng,
        )
        return _curved(NetworkCore(found, core.offset, mean, spread), pairs, checked)

    def _needed_encoder(self, method: str, also: str = "") -> KnownEncoder:
        if self.encoder is None or self.encoder.agreement < GOOD:
            asked = f"method={method!r}" + (f", {also}" if also else "")
            count = len(self.pairs.codes)
            why = f"{count} pairs are too few to estimate it"
            if self.encoder is not None:
                share = f"{100 * self.encoder.agreement:.0f} % of the bits right"
                why = f"the one estimated from {count} pairs gives {share}"
            raise DataError(
                f"`{CALL}({asked})` must know the encoder; {why}. Pass encoder_weight=... "
                "(and center=..., if it is not the mean of X), or take method='linear'"
                f"{' with another ridge' if also else ''}."
            )
        return self.encoder


FITS: dict[str, Callable[[Fitting], AbstractCore]] = {
    "linear": lambda fitting: fitting.linear[0],
    "columns": Fitting.columns,
    "message-passing": Fitting.covariance_passing,
    "mixture": Fitting.mixture,
    "mlp": Fitting.network,
}


@dataclasses.dataclass(frozen=True, eq=False)
class _Basis:
    name: str
    axes: Float[np.ndarray, "input k"] | None

    def coefficients(self, rows: np.ndarray) -> np.ndarray:
        return rows if self.axes is None else rows @ self.axes.astype(np.float32)


def _bases(rows: np.ndarray) -> list[_Basis]:
    size = rows.shape[1]
    if size > WIDEST:
        return [_Basis("original", None)]
    cosine = idct(np.eye(size), norm="ortho", axis=0)
    some = rows[:PRIOR_ROWS].astype(np.float64)
    principal = np.linalg.eigh(some.T @ some)[1]
    return [
        _Basis("original", None),
        _Basis("dct", cosine),
        _Basis("principal", principal),
    ]


def _priors(seen: np.ndarray) -> CoordinatePriors:
    return fit_coordinate_priors(seen.astype(np.float64), n_gaussians=GAUSSIANS)


def _passing(
    fitting: Fitting,
    basis: _Basis,
    encoder: KnownEncoder,
    prior: CoordinatePriors,
    codes: np.ndarray,
    truth: np.ndarray,
) -> tuple[MixturePassing, float]:
    weight = encoder.weight if basis.axes is None else encoder.weight @ basis.axes
    power = float(np.mean(np.square(weight) @ prior.powers))
    return fit_mixture_passing(
        weight,
        prior,
        codes,
        truth,
        noise=encoder.noise * power,
        n_steps=fitting.n_steps,
    )


def _curved(core: NetworkCore, pairs: Pairs, checked: np.ndarray) -> NetworkCore:
    """The same with a curve for each column, if the rows that stopped it gain by that."""
    if len(pairs.codes) < LEAST_CURVED:
        return core
    decoded = core.decode(pairs.codes, pairs.lengths)
    learnt = np.ones(len(decoded), dtype=bool)
    learnt[checked] = False
    curves = ColumnCurves.fitted(decoded[learnt], pairs.rows[learnt])
    before = row_errors(pairs.rows[checked], decoded[checked])
    after = row_errors(pairs.rows[checked], curves.apply(decoded[checked]))
    better = float(after.sum()) < float(before.sum())
    return dataclasses.replace(core, curves=curves) if better else core


def _feature_mean(pairs: Pairs) -> np.ndarray:
    """Mean of the codes (times lengths), or zero where chance alone explains it."""
    weights = np.ones(len(pairs.codes)) if pairs.lengths is None else pairs.lengths
    mean = weights @ pairs.codes.astype(np.float64) / len(pairs.codes)
    count = mean.size
    by_chance = count * float(np.mean(np.square(weights))) / len(pairs.codes)
    most = by_chance * (1.0 + 6.0 * np.sqrt(2.0 / count))
    return mean if float(mean @ mean) > most else np.zeros(count)


def _blocks(
    pairs: Pairs,
    features: np.ndarray,
    at: np.ndarray,
    middle: Any,
    per_length: np.ndarray | None = None,
) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Features times lengths and rows, less what is added back, a block at a time."""
    at, middle = at.astype(np.float32), np.asarray(middle, dtype=np.float32)
    for start in range(0, len(features), _BLOCK):
        some = slice(start, start + _BLOCK)
        seen, rows = features[some], pairs.rows[some] - middle
        if pairs.lengths is not None:
            seen = seen * pairs.lengths[some, None]
            if per_length is not None:
                rows -= pairs.lengths[some, None] * per_length.astype(np.float32)
        yield seen - at, rows
