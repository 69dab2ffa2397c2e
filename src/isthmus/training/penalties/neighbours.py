"""Codes and the regions next to theirs, as slopes of the decoder's activations."""

from __future__ import annotations

import dataclasses

import torch
from jaxtyping import Bool, Float
from torch import Tensor, nn

from isthmus.core.errors import ValueOutOfRange
from isthmus.training.penalties.chains import (
    KINKED,
    SMOOTH,
    Along,
    along,
    below,
    foreign,
)
from isthmus.training.penalties.slopes import pushed

_DOUBLINGS = 8
_HALVINGS = 24  # the digits of float32

Layers = tuple[nn.Module, ...]
Points = Float[Tensor, "pair code"]


def check_kinked(layers: Layers | None, decoder: nn.Module, neighbours: str) -> Layers:
    """The chain, if it has regions.

    Raises:
        ValueOutOfRange: If a layer is smooth, or unknown; the message names it.
    """
    smooth = [type(layer).__name__ for layer in layers or () if isinstance(layer, SMOOTH)]
    if layers is not None and not smooth:
        return layers
    what = smooth[0] if smooth else foreign(decoder)
    raise ValueOutOfRange(
        f"`Lie2(neighbours=...)` must be 'far' where the decoder has no regions that can "
        f"be told apart layer by layer; got {neighbours!r} and {what}. Use ReLU, "
        "LeakyReLU, PReLU or Hardtanh in nn.Sequential, or neighbours='far'."
    )


def across(layers: Layers, z: Points, direction: Points) -> Along:
    """Both sides of the facet that a line leaves a region through.

    Where nothing is crossed ahead, the line is followed backwards; where nothing is
    crossed at all, both sides are the region itself. At its first crossing only one unit
    changes, so the slopes beyond are those before with that unit's other slope: exact in
    any precision.

    Args:
        layers: Chain of linear layers and kinks.
        z: Points.
        direction: From each.

    Returns:
        Slopes at z, and beyond: twice as many rows.
    """
    around = along(layers, z)
    with torch.no_grad():
        times = _times(layers, around, z, direction)
        flat = torch.cat(times, dim=1) if times else z.new_zeros(len(z), 0)
        ahead = torch.where(flat >= 0, flat, torch.inf)
        back = torch.where(flat < 0, -flat, torch.inf)
        if flat.shape[1] == 0:
            return _doubled(around, around)
        first, unit = ahead.min(dim=1)
        other, behind = back.min(dim=1)
        unit = torch.where(first.isfinite(), unit, behind)
        met = first.isfinite() | other.isfinite()
    return _doubled(around, _flipped(around, unit, met))


def bisected(layers: Layers, z: Points, direction: Points) -> Along:
    """The same by halving: the nearest point on a segment that is in another region.

    A segment within the region is doubled, up to eight times; then z is its own
    neighbour.
    """
    with torch.no_grad():
        own = pattern(layers, z)
        length = z.new_ones(len(z), 1)
        for _ in range(_DOUBLINGS):
            inside = (pattern(layers, z + length * direction) == own).all(dim=1)
            length = torch.where(inside[:, None], 2.0 * length, length)
        outer = length * ~inside[:, None]
        inner = torch.zeros_like(outer)
        for _ in range(_HALVINGS):
            middle = 0.5 * (inner + outer)
            inside = (pattern(layers, z + middle * direction) == own).all(dim=1)
            inner = torch.where(inside[:, None], middle, inner)
            outer = torch.where(inside[:, None], outer, middle)
    return along(layers, torch.cat([z, z + outer * direction]))


def pattern(layers: Layers, z: Points) -> Bool[Tensor, "pair unit"]:
    """On which side of its kinks every unit is.

    Examples:
        >>> pattern((nn.ReLU(),), torch.tensor([[1.0, -1.0]])).tolist()
        [[True, False]]
    """
    sides = [z.new_zeros(len(z), 0, dtype=torch.bool)]
    for layer in layers:
        for threshold in _thresholds(layer):
            sides.append((z > threshold).flatten(1))
        z = layer(z)
    return torch.cat(sides, dim=1)


def _times(layers: Layers, around: Along, x: Tensor, u: Tensor) -> list[Tensor]:
    """When each unit meets each of its kinks; infinite if never."""
    found = []
    v = u[:, None]
    for layer, slope in zip(layers, around.slopes, strict=True):
        for threshold in _thresholds(layer):
            rate = v[:, 0].flatten(1)
            time = (threshold - x.flatten(1)) / torch.where(rate == 0, 1.0, rate)
            found.append(torch.where(rate == 0, torch.inf, time))
        v = pushed(layer, slope, v)
        x = layer(x)
    return found


def _flipped(around: Along, unit: Tensor, met: Tensor) -> Along:
    """Slopes with the crossed unit's other slope."""
    slopes: list[Tensor | None] = []
    start = 0
    for layer, slope in zip(around.layers, around.slopes, strict=True):
        if slope is not None:
            size = slope[0].numel()
            for _ in _thresholds(layer):
                at = unit - start
                here = met & (at >= 0) & (at < size)
                chosen = torch.zeros_like(slope, dtype=torch.bool).flatten(1)
                chosen.scatter_(1, at.clamp(0, size - 1)[:, None], here[:, None])
                other = 1.0 + _low(layer, slope) - slope
                slope = torch.where(chosen.reshape(slope.shape), other, slope)
                start += size
        slopes.append(slope)
    return dataclasses.replace(around, slopes=tuple(slopes))


def _doubled(one: Along, two: Along) -> Along:
    slopes = tuple(
        None if a is None or b is None else torch.cat([a, b])
        for a, b in zip(one.slopes, two.slopes, strict=True)
    )
    return dataclasses.replace(one, slopes=slopes)


def _thresholds(layer: nn.Module) -> tuple[float, ...]:
    if isinstance(layer, nn.Hardtanh):
        return float(layer.min_val), float(layer.max_val)
    return (0.0,) if isinstance(layer, KINKED) else ()


def _low(layer: nn.Module, u: Tensor) -> Tensor | float:
    """The slope that is not 1."""
    if isinstance(layer, nn.LeakyReLU):
        return float(layer.negative_slope)
    return below(layer, u) if isinstance(layer, nn.PReLU) else 0.0
