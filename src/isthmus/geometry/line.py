"""The pieces that a network cuts a segment into, found exactly."""

from __future__ import annotations

import dataclasses

import numpy as np
from jaxtyping import Float, Int

from isthmus.core.errors import ValueOutOfRange
from isthmus.geometry.along import Along, Points, finite_points
from isthmus.geometry.layers import as_layers, kind
from isthmus.geometry.switch_table import Switches, set_bits

_CALL = "line_partition"
_SAME = 1e-14  # breakpoints that are nearer, in the segment's length, are one


@dataclasses.dataclass(frozen=True)
class LinePartition:
    """A network on the segment start + t (end - start), affine between breakpoints.

    Attributes:
        breakpoints: t from 0 to 1, ascending, both ends among them.
        values: The network's answers there.
        start, end: Ends of the segment, flat.
    """

    breakpoints: Float[np.ndarray, " breakpoint"]
    values: Float[np.ndarray, "breakpoint out"]
    start: Float[np.ndarray, " in"]
    end: Float[np.ndarray, " in"]

    @property
    def n_regions(self) -> int:
        """Activation patterns along the segment; at least the number of affine pieces."""
        return self.breakpoints.size - 1

    @property
    def length(self) -> float:
        """Length of the segment, input units."""
        return float(np.linalg.norm(self.end - self.start))

    @property
    def arc_length(self) -> float:
        """Length of the segment's image, output units, exact."""
        return float(np.linalg.norm(np.diff(self.values, axis=0), axis=1).sum())

    @property
    def inputs(self) -> Float[np.ndarray, "breakpoint in"]:
        """Points of the segment at the breakpoints."""
        t = self.breakpoints[:, None]
        found: np.ndarray = (1.0 - t) * self.start + t * self.end
        return found

    @property
    def errors(self) -> Float[np.ndarray, "breakpoint in"]:
        """Answer minus input at the breakpoints, for a network that reconstructs.

        Raises:
            ValueOutOfRange: If answers are not as long as inputs.
        """
        if self.values.shape[1] != self.start.size:
            raise ValueOutOfRange(
                f"`{_CALL}(network=...)` must answer in its input's shape; got "
                f"{self.start.size} numbers in and {self.values.shape[1]} out. Pass the "
                "whole autoencoder, not its encoder or decoder."
            )
        found: np.ndarray = self.values - self.inputs
        return found

    @property
    def max_error(self) -> float:
        """Largest distance of answer and input on the whole segment, exact.

        The distance is convex on every piece, so that it is largest at a breakpoint.
        """
        return float(np.linalg.norm(self.errors, axis=1).max())

    @property
    def worst(self) -> float:
        """A t where the error is largest."""
        return float(self.breakpoints[np.linalg.norm(self.errors, axis=1).argmax()])

    @property
    def mean_square_error(self) -> float:
        """Mean over the segment of the squared distance of answer and input, exact."""
        left, right = self.errors[:-1], self.errors[1:]
        squares = np.square(left) + left * right + np.square(right)
        return float(np.diff(self.breakpoints) @ squares.sum(axis=1) / 3.0)


def line_partition(network: object, start: Points, end: Points) -> LinePartition:
    r"""Every breakpoint of a piecewise-affine network on a segment, and its answers there.

    Layer after layer: on a piece the layer's switching functions are affine, so that each
    has at most one zero, at :math:`s_a / (s_a - s_b)` of the way. Where the largest entry
    of a max-pool changes, the lines of its entries are followed from one to the next.

    Args:
        network: Module in eval, or a chain from
            :func:`~isthmus.geometry.as_layers`.
        start: Where the segment starts, in the network's input shape.
        end: Where it ends.

    Returns:
        Breakpoints, exact to 1e-13 of the segment, and the answers at them.

    Raises:
        ValueOutOfRange: If a layer is not piecewise affine, or shapes do not fit; if start
            and end are the same.
        DataError: If a point is not finite.

    Examples:
        >>> from torch import nn
        >>> found = line_partition(nn.ReLU(), [-1.0, -3.0], [1.0, 1.0])
        >>> found.breakpoints.tolist()
        [0.0, 0.5, 0.75, 1.0]
        >>> found.n_regions, found.max_error
        (3, 3.1622776601683795)
    """
    layers = as_layers(network, call=_CALL)
    first = finite_points(_CALL, "start", start)
    last = finite_points(_CALL, "end", end, first.shape)
    if np.array_equal(first, last):
        raise ValueOutOfRange(
            f"`{_CALL}(end=...)` must differ from start; got the same point twice. "
            "Take two different points."
        )
    along = Along(layers, first, (last - first)[None], _CALL)
    t = np.array([0.0, 1.0])
    for stage in along.bent:
        switches = Switches(along, stage, t[:, None])
        find = _zeros if kind(layers[stage]) == "pointwise" else _overtakings
        t = _with(t, *find(t, switches))
    along.forget()
    return LinePartition(t, along.values(t[:, None]), first.ravel(), last.ravel())


def _with(
    t: Float[np.ndarray, " old"],
    more: Float[np.ndarray, " new"],
    blur: Float[np.ndarray, " new"],
) -> Float[np.ndarray, " all"]:
    """Old and new breakpoints in order; of those that are one the best known.

    Args:
        t: Old ones, 0 and 1 among them.
        more: New ones.
        blur: How far off each may be.
    """
    blur = np.concatenate([np.zeros(t.size), blur + _SAME])
    t = np.concatenate([t, more])
    order = np.argsort(t, kind="stable")
    t, blur = t[order], blur[order]
    fresh = np.ones(t.size, dtype=bool)
    fresh[1:] = np.diff(t) > np.maximum(blur[1:], blur[:-1])
    group = np.cumsum(fresh) - 1
    return t[np.lexsort((blur, group))[fresh]]


def _zeros(
    t: Float[np.ndarray, " breakpoint"], switches: Switches
) -> tuple[Float[np.ndarray, " zero"], Float[np.ndarray, " zero"]]:
    """Where units cross their thresholds, and how far off that may be."""
    bound = switches.tolerance()
    words = switches.signs(bound)
    crossed = (words[:-1, 0] & words[1:, 1]) | (words[:-1, 1] & words[1:, 0])
    piece, unit = set_bits(crossed, switches.size)
    left, right = switches.at(piece, unit), switches.at(piece + 1, unit)
    width = t[piece + 1] - t[piece]
    change = left - right
    return t[piece] + width * left / change, width * bound[unit] / np.abs(change)


def _overtakings(
    t: Float[np.ndarray, " breakpoint"], switches: Switches
) -> tuple[Float[np.ndarray, " kink"], Float[np.ndarray, " kink"]]:
    """Where the largest entry of a window changes, and how far off that may be."""
    n_candidates = switches.n_candidates
    bound = switches.window_tolerance()
    words = switches.leads(bound)
    agreed = np.bitwise_or.reduce(words[:-1] & words[1:], axis=1)
    piece, window = set_bits(~agreed, bound.size)
    entries = window[:, None] * n_candidates + np.arange(n_candidates)
    left, right = switches.at(piece, entries), switches.at(piece + 1, entries)
    row, share, blur = _envelope(left, right, bound[window])
    width = t[piece[row] + 1] - t[piece[row]]
    return t[piece[row]] + width * share, width * blur


def _envelope(
    left: Float[np.ndarray, "window candidate"],
    right: Float[np.ndarray, "window candidate"],
    bound: Float[np.ndarray, " window"],
) -> tuple[
    Int[np.ndarray, " kink"], Float[np.ndarray, " kink"], Float[np.ndarray, " kink"]
]:
    """Kinks of the largest of several affine functions given at both ends of [0, 1].

    Returns:
        Window and place of each, and how far off the place may be.
    """
    rows, places, blurs = [np.empty(0, np.int64)], [np.empty(0)], [np.empty(0)]
    leader = _leading(left, right, bound)
    live = np.arange(len(left))
    for _ in range(left.shape[1]):
        a, b = left[live], right[live]
        at = leader[live, None]
        behind = np.take_along_axis(a, at, 1) - a
        gain = (b - np.take_along_axis(b, at, 1)) + behind
        ahead_at_end = gain - behind > bound[live, None]
        with np.errstate(invalid="ignore", divide="ignore"):
            when = np.where(ahead_at_end, np.maximum(behind, 0.0) / gain, np.inf)
        soonest = when.min(axis=1)
        found = np.isfinite(soonest)
        if not found.any():
            break
        tied = when[found] <= soonest[found, None] + _SAME
        live, soonest = live[found], soonest[found]
        steepest = np.where(tied, gain[found], -np.inf)
        leader[live] = steepest.argmax(axis=1)
        rows.append(live)
        places.append(soonest)
        blurs.append(bound[live] / steepest.max(axis=1))
    return np.concatenate(rows), np.concatenate(places), np.concatenate(blurs)


def _leading(left: np.ndarray, right: np.ndarray, bound: np.ndarray) -> np.ndarray:
    """The candidate that is largest just after the left end."""
    tied = left >= left.max(axis=1, keepdims=True) - bound[:, None]
    found: np.ndarray = np.where(tied, right, -np.inf).argmax(axis=1)
    return found
