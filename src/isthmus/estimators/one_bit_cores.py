"""Fitted decoders of sign codes as plain arrays: what decodes, and what files hold."""

from __future__ import annotations

import abc
import dataclasses
from typing import Any, ClassVar

import numpy as np
from jaxtyping import Float

from isthmus.decoders.bit_network import BitNetwork
from isthmus.decoders.column_curves import ColumnCurves
from isthmus.decoders.covariance_passing import CovariancePassing
from isthmus.decoders.mixture_passing import MixturePassing
from isthmus.priors import CoordinatePriors

Lengths = Float[np.ndarray, " sample"] | None
_PRIOR = ("weights", "means", "variances")


class AbstractCore(abc.ABC):
    """Rows in the unit of the training rows, about the centre, from checked codes."""

    method: ClassVar[str]

    @abc.abstractmethod
    def decode(
        self, codes: Float[np.ndarray, "sample code"], lengths: Lengths
    ) -> Float[np.ndarray, "sample input"]:
        """Rows, float32; `lengths` as at the fit."""

    @abc.abstractmethod
    def parts(self) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
        """Plain values and arrays, for a file."""

    @classmethod
    @abc.abstractmethod
    def restored(cls, plain: dict[str, Any], arrays: dict[str, np.ndarray]) -> AbstractCore:
        """The decoder that :meth:`parts` described."""


@dataclasses.dataclass(frozen=True, eq=False)
class LinearCore(AbstractCore):
    """rho A y + b."""

    method = "linear"
    weight: Float[np.ndarray, "input code"]
    offset: Float[np.ndarray, " input"]

    def decode(self, codes: np.ndarray, lengths: Lengths) -> np.ndarray:
        """Rows from codes."""
        rows = codes @ self.weight.astype(np.float32, copy=False).T
        if lengths is not None:
            rows *= lengths[:, None]
        rows += self.offset.astype(np.float32, copy=False)
        return rows

    def parts(self) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
        """Plain values and arrays."""
        return {}, {"weight": self.weight, "offset": self.offset}

    @classmethod
    def restored(cls, plain: dict[str, Any], arrays: dict[str, np.ndarray]) -> LinearCore:
        """From plain values and arrays."""
        return cls(arrays["weight"], arrays["offset"])


@dataclasses.dataclass(frozen=True, eq=False)
class ColumnsCore(AbstractCore):
    """A linear decoder, and a curve for each column of what it gives."""

    method = "columns"
    linear: LinearCore
    curves: ColumnCurves

    def decode(self, codes: np.ndarray, lengths: Lengths) -> np.ndarray:
        """Rows from codes."""
        return self.curves.apply(self.linear.decode(codes, lengths))

    def parts(self) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
        """Plain values and arrays."""
        return {"curves": True}, self.linear.parts()[1] | self.curves.arrays()

    @classmethod
    def restored(cls, plain: dict[str, Any], arrays: dict[str, np.ndarray]) -> ColumnsCore:
        """From plain values and arrays."""
        linear = LinearCore.restored(plain, arrays)
        curves = ColumnCurves.restored(arrays, linear.offset.size, stored=True)
        assert curves is not None
        return cls(linear, curves)


@dataclasses.dataclass(frozen=True, eq=False)
class CovarianceCore(AbstractCore):
    """Message passing with a covariance."""

    method = "message-passing"
    passing: CovariancePassing

    def decode(self, codes: np.ndarray, lengths: Lengths) -> np.ndarray:
        """Rows from codes."""
        rows = self.passing.decode(codes)
        if lengths is not None:
            rows *= lengths[:, None]
        return rows

    def parts(self) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
        """Plain values and arrays."""
        return {}, dict(vars_of(self.passing))

    @classmethod
    def restored(
        cls, plain: dict[str, Any], arrays: dict[str, np.ndarray]
    ) -> CovarianceCore:
        """From plain values and arrays."""
        names = [field.name for field in dataclasses.fields(CovariancePassing)]
        return cls(CovariancePassing(*(arrays[name] for name in names)))


@dataclasses.dataclass(frozen=True, eq=False)
class MixtureCore(AbstractCore):
    """Message passing with mixtures, those of each range of lengths.

    Attributes:
        ranges: Decoders of coefficients, one per range.
        edges: Lengths between the ranges.
        back: Rows from coefficients, "k input"; None where they are the rows.
        basis: ``"original"``, ``"dct"`` or ``"principal"``.
    """

    method = "mixture"
    ranges: tuple[MixturePassing, ...]
    edges: Float[np.ndarray, " edge"]
    back: Float[np.ndarray, "k input"] | None
    basis: str

    def decode(self, codes: np.ndarray, lengths: Lengths) -> np.ndarray:
        """Rows from codes."""
        if lengths is None or len(self.ranges) == 1:
            found = self.ranges[0].decode(codes)
        else:
            which = np.searchsorted(self.edges, lengths)
            found = np.empty((len(codes), self.ranges[0].weight.shape[1]), np.float32)
            for number, passing in enumerate(self.ranges):
                rows = np.flatnonzero(which == number)
                found[rows] = passing.decode(codes[rows])
        if self.back is not None:
            found = found @ self.back.astype(np.float32, copy=False)
        return found

    def parts(self) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
        """Plain values and arrays."""
        arrays = {"edges": self.edges, "weight": self.ranges[0].weight}
        if self.back is not None:
            arrays["back"] = self.back
        for number, one in enumerate(self.ranges):
            for name in _PRIOR:
                arrays[f"{name}_{number}"] = getattr(one.prior, name)
            arrays[f"bit_precisions_{number}"] = one.bit_precisions
            arrays[f"precisions_{number}"] = one.precisions
        noise = [float(one.noise) for one in self.ranges]
        return {"basis": self.basis, "noise": noise}, arrays

    @classmethod
    def restored(cls, plain: dict[str, Any], arrays: dict[str, np.ndarray]) -> MixtureCore:
        """From plain values and arrays."""
        ranges = [
            MixturePassing(
                arrays["weight"],
                CoordinatePriors(*(arrays[f"{name}_{number}"] for name in _PRIOR)),
                float(noise),
                arrays[f"bit_precisions_{number}"],
                arrays[f"precisions_{number}"],
            )
            for number, noise in enumerate(plain["noise"])
        ]
        return cls(tuple(ranges), arrays["edges"], arrays.get("back"), plain["basis"])


@dataclasses.dataclass(frozen=True, eq=False)
class NetworkCore(AbstractCore):
    """A linear decoder and a small network.

    Attributes:
        network: Of codes, and of the logarithm of the length where it is known.
        offset: Added to what the network says times the length, "input".
        log_mean: Mean of that logarithm.
        log_spread: Its standard deviation.
        curves: One for each column of the sum; None where they do not help.
    """

    method = "mlp"
    network: BitNetwork
    offset: Float[np.ndarray, " input"]
    log_mean: float
    log_spread: float
    curves: ColumnCurves | None = None

    def decode(self, codes: np.ndarray, lengths: Lengths) -> np.ndarray:
        """Rows from codes."""
        extra = self.extra(lengths)
        rows = self.network.decode(codes, extra)
        if lengths is not None:
            rows *= lengths[:, None]
        rows += self.offset.astype(np.float32, copy=False)
        return rows if self.curves is None else self.curves.apply(rows)

    def extra(self, lengths: Lengths) -> Lengths:
        """The logarithm of the length in units of its spread, at most 4 away."""
        return standard_log(lengths, self.log_mean, self.log_spread)

    def parts(self) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
        """Plain values and arrays."""
        plain = {"log_mean": self.log_mean, "log_spread": self.log_spread}
        curves = {} if self.curves is None else self.curves.arrays()
        if curves:
            plain["curves"] = True
        return plain, {"rest": self.offset, **vars_of(self.network), **curves}

    @classmethod
    def restored(cls, plain: dict[str, Any], arrays: dict[str, np.ndarray]) -> NetworkCore:
        """From plain values and arrays."""
        names = [field.name for field in dataclasses.fields(BitNetwork)]
        network = BitNetwork(*(arrays[name] for name in names))
        stored = bool(plain.get("curves", False))
        curves = ColumnCurves.restored(arrays, arrays["rest"].size, stored=stored)
        return cls(network, arrays["rest"], plain["log_mean"], plain["log_spread"], curves)


CORES: dict[str, type[AbstractCore]] = {
    core.method: core
    for core in (LinearCore, ColumnsCore, CovarianceCore, MixtureCore, NetworkCore)
}


def standard_log(lengths: Lengths, mean: float, spread: float) -> Lengths:
    """Logarithms of lengths, centred and scaled, at most 4 from 0.

    Examples:
        >>> standard_log(np.array([1.0, 0.0]), 0.0, 1.0).tolist()
        [0.0, -4.0]
    """
    if lengths is None:
        return None
    logs = np.log(np.maximum(lengths, np.float32(1e-30)))
    return np.asarray(np.clip((logs - mean) / spread, -4.0, 4.0), dtype=lengths.dtype)


def vars_of(part: Any) -> dict[str, np.ndarray]:
    """Arrays of a dataclass by name."""
    return {f.name: getattr(part, f.name) for f in dataclasses.fields(part)}
