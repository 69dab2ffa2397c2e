"""Which pieces of its kinks a row uses: region codes."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from typing import Any

import numpy as np
import torch
from jaxtyping import Bool, Float
from torch import Tensor, nn

from isthmus.geometry.pieces import Kinked, MaxPool
from isthmus.geometry.rows import Rows, Task, task


def region_code(network: object, x: Rows) -> Any:
    """Code of the region that each row lies in: equal codes, same affine map.

    One entry per switching function, layer after layer. A kinked layer has one per unit
    (two for Hardtanh and ReLU6, side by side), true where the unit is above its threshold
    t; on it is false. A max-pool has one per window and candidate, true at the first
    largest, so that a change of winner flips two; candidates in the padding are false.

    Different codes may have the same affine map, where a unit does not reach the output:
    numbers of codes are not numbers of linear pieces.

    Args:
        network: As :func:`~isthmus.geometry.as_layers` takes it.
        x: Rows, "sample ...", finite; an array or a tensor.

    Returns:
        Booleans, "sample unit", of the kind of `x`.

    Raises:
        ValueOutOfRange: If the network is no chain of piecewise-affine layers, or `x` has
            not the shape that it takes.
        DataError: If `x` is empty or not finite.

    Examples:
        >>> net = nn.Sequential(nn.Linear(1, 2, bias=False), nn.ReLU())
        >>> _ = net[0].weight.data.copy_(torch.tensor([[1.0], [-1.0]]))
        >>> region_code(net, np.array([[3.0], [-2.0], [0.0]])).tolist()
        [[True, False], [False, True], [False, False]]

    References:
        [balestriero:18], [cosentino:22]
    """
    given = task(network, x, call="region_code")
    return given.back(torch.cat(list(_codes(given))))


def hash_code(network: object, x: Rows) -> Any:
    """Region codes as 128-bit hashes: equal for equal codes, on every machine.

    Args:
        network: As for :func:`region_code`.
        x: As there.

    Returns:
        int64, "sample 2", of the kind of `x`. Two different codes among a million rows
        collide with a chance below 1e-26.

    Raises:
        ValueOutOfRange: As for :func:`region_code`.
        DataError: As there.

    Examples:
        >>> found = hash_code(nn.Sequential(nn.ReLU()), np.array([[3.0], [2.0], [-1.0]]))
        >>> (found[0] == found[1]).all(), (found[0] == found[2]).all()
        (np.True_, np.False_)
    """
    given = task(network, x, call="hash_code")
    return given.back(torch.from_numpy(_hashes(given)))


def count_regions(network: object, x: Rows) -> int:
    """Number of different region codes among the rows.

    A lower bound of the number of regions that their hull meets.

    Args:
        network: As for :func:`region_code`.
        x: As there.

    Returns:
        The number.

    Raises:
        ValueOutOfRange: As for :func:`region_code`.
        DataError: As there.

    Examples:
        >>> count_regions(nn.Sequential(nn.ReLU()), np.array([[3.0], [2.0], [-1.0]]))
        2
    """
    given = task(network, x, call="count_regions")
    return len(np.unique(_hashes(given), axis=0))


def switching(layer: nn.Module, u: Float[Tensor, "sample ..."]) -> Tensor | None:
    """Switching functions of one layer at its input, in the order of the code.

    Kinked: u - t. Max-pool: winner minus candidate, infinite for the winner itself and in
    the padding. None where the layer is linear.
    """
    if isinstance(layer, Kinked):
        return layer.switching(u)
    if isinstance(layer, MaxPool):
        candidates = layer.candidates(u)
        winner = candidates.argmax(dim=2, keepdim=True)
        gap = candidates.gather(2, winner) - candidates
        return gap.scatter(2, winner, torch.inf).flatten(1)
    return None


def code_of(layer: nn.Module, u: Float[Tensor, "sample ..."]) -> Tensor | None:
    """Entries of the code that belong to one layer; None where it is linear."""
    if isinstance(layer, Kinked):
        return layer.switching(u) > 0
    if isinstance(layer, MaxPool):
        candidates = layer.candidates(u)
        winner = candidates.argmax(dim=2, keepdim=True)
        return (
            torch.zeros_like(candidates, dtype=torch.bool)
            .scatter(2, winner, True)
            .flatten(1)
        )
    return None


def code_sizes(given: Task) -> tuple[int, ...]:
    """Number of switching functions of every layer."""
    sizes = []
    for layer, shape, size in zip(given.layers, given.shapes, given.sizes, strict=False):
        if isinstance(layer, Kinked):
            sizes.append(size * len(layer.thresholds))
        else:
            windows = layer.windows(shape).numel() if isinstance(layer, MaxPool) else 0
            sizes.append(windows)
    return tuple(sizes)


def _codes(given: Task) -> Iterator[Bool[Tensor, "sample unit"]]:
    widest = max(*given.sizes, *code_sizes(given), 1)
    for rows in given.chunks(8 * 4 * widest):
        u = given.x[rows]
        parts = [torch.zeros(len(u), 0, dtype=torch.bool, device=u.device)]
        for layer in given.layers:
            part = code_of(layer, u)
            if part is not None:
                parts.append(part)
            u = layer(u)
        yield torch.cat(parts, dim=1)


def _hashes(given: Task) -> np.ndarray:
    found = []
    for code in _codes(given):
        packed = np.packbits(code.cpu().numpy(), axis=1)
        found += [hashlib.blake2b(row, digest_size=16).digest() for row in packed]
    return np.frombuffer(b"".join(found), dtype="<i8").reshape(-1, 2).astype(np.int64)
