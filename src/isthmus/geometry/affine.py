"""The affine map that a network is on the region of each row."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from typing import Any

import torch
from torch import Tensor

from isthmus.core.door import whole_number
from isthmus.core.memory import check_memory
from isthmus.geometry.rows import BUDGET, Rows, Task, task
from isthmus.geometry.slopes import State, identity, pull, push, states_of

_STREAMED = 2**24  # bytes; larger blocks come fresh from the system, page by page


@dataclasses.dataclass(frozen=True, eq=False)
class AffineMap:
    """What a network is around each of some rows: x -> slope x + offset.

    Attributes:
        slope: "sample out in", the Jacobian; inputs and outputs in row order.
        offset: "sample out".
    """

    slope: Any
    offset: Any

    def __iter__(self) -> Iterator[Any]:
        """Slope and offset, so that both can be taken apart."""
        return iter((self.slope, self.offset))


@dataclasses.dataclass(frozen=True, eq=False)
class AffineFactors:
    """Affine maps through the narrowest place of a network: x -> left (right x) + offset.

    Attributes:
        left: "sample out width": slope of what comes after the narrowest place, for an
            autoencoder the tangents that its decoder offers.
        right: "sample width in": slope of what comes before, the encoder's.
        offset: "sample out".
    """

    left: Any
    right: Any
    offset: Any


def affine_map(network: object, x: Rows) -> AffineMap:
    r"""Slope and offset of a piecewise-affine network at each row.

    .. math:: f(x') = A x' + b \quad \text{for all } x' \text{ in the region of } x, \qquad
        A = W_L Q_{L-1} W_{L-1} \cdots Q_1 W_1

    with Q the slopes of the activations. On a boundary it is the map of the region that
    :func:`~isthmus.geometry.region_code` gives the row to.

    Args:
        network: As :func:`~isthmus.geometry.as_layers` takes it.
        x: Rows, "sample ...", finite; an array or a tensor.

    Returns:
        Slopes and offsets of the kind of `x`, in float64, exact to rounding. Rows,
        channels and pixels are flattened.

    Raises:
        ValueOutOfRange: If the network is no chain of piecewise-affine layers, `x` has not
            the shape that it takes, or the slopes do not fit into memory.
        DataError: If `x` is empty or not finite.

    Examples:
        >>> net = torch.nn.Sequential(torch.nn.Linear(2, 2), torch.nn.ReLU())
        >>> slope, offset = affine_map(net, torch.ones(1, 2))
        >>> value = slope @ torch.ones(2, dtype=torch.float64) + offset
        >>> torch.allclose(value, net(torch.ones(1, 2)).double(), atol=1e-6)
        True

    References:
        [balestriero:18], [cosentino:22]
    """
    given = task(network, x, call="affine_map")
    needed = 8 * len(given.x) * given.sizes[0] * given.sizes[-1]
    way_out = "Take them in turn with affine_maps, or as factors with affine_factors."
    check_memory("affine_map(x=...)", len(given.x), needed, way_out)
    slope = given.x.new_empty(len(given.x), given.sizes[-1], given.sizes[0])
    offset = given.x.new_empty(len(given.x), given.sizes[-1])
    for rows in given.chunks(_bytes(given)):
        left, right, b = _factors(given, given.x[rows])
        torch.matmul(left, right, out=slope[rows])
        offset[rows] = b
    return AffineMap(given.back(slope), given.back(offset))


def affine_maps(
    network: object, x: Rows, *, chunk: int | None = None
) -> Iterator[AffineMap]:
    """The maps of :func:`affine_map`, some rows at a time, in the order of the rows.

    Args:
        network: As for :func:`affine_map`.
        x: As there.
        chunk: Rows at a time; None for as many slopes as fit into 16 MB, at least one.

    Yields:
        Slopes and offsets of the next rows. A slope of 784 inputs and outputs takes 4.9 MB.

    Raises:
        ValueOutOfRange: As for :func:`affine_map`, when the first is asked for.
        DataError: As there.

    Examples:
        >>> net = torch.nn.Sequential(torch.nn.Linear(2, 3), torch.nn.ReLU())
        >>> [len(part.slope) for part in affine_maps(net, torch.ones(5, 2), chunk=2)]
        [2, 2, 1]
    """
    given = task(network, x, call="affine_maps")
    if chunk is None:
        chunk = max(1, _STREAMED // max(1, 8 * given.sizes[0] * given.sizes[-1]))
    chunk = whole_number("affine_maps(chunk=...)", chunk, least=1)
    together = chunk * max(1, BUDGET // _bytes(given) // chunk)
    for rows in given.chunks(0, together):
        left, right, offset = _factors(given, given.x[rows])
        for at in range(0, len(left), chunk):
            part = slice(at, at + chunk)
            slope = given.back(left[part] @ right[part])
            yield AffineMap(slope, given.back(offset[part]))


def affine_factors(network: object, x: Rows) -> AffineFactors:
    """Affine maps as products through the network's narrowest place.

    An autoencoder's slope, "input input", takes n_input^2 numbers; its factors take
    2 n_code n_input, and are the slopes of decoder and encoder.

    Args:
        network: As for :func:`affine_map`.
        x: As there.

    Returns:
        The factors, in float64, exact to rounding. Where the narrowest place is the input
        or the output, one of them is the identity.

    Raises:
        ValueOutOfRange: As for :func:`affine_map`.
        DataError: As there.

    Examples:
        >>> net = torch.nn.Sequential(
        ...     torch.nn.Linear(6, 2), torch.nn.Linear(2, 4), torch.nn.ReLU()
        ... )
        >>> found = affine_factors(net, torch.ones(3, 6))
        >>> found.left.shape, found.right.shape
        (torch.Size([3, 4, 2]), torch.Size([3, 2, 6]))
    """
    given = task(network, x, call="affine_factors")
    n, width = len(given.x), min(given.sizes)
    left = given.x.new_empty(n, given.sizes[-1], width)
    right = given.x.new_empty(n, width, given.sizes[0])
    offset = given.x.new_empty(n, given.sizes[-1])
    for rows in given.chunks(_bytes(given)):
        left[rows], right[rows], offset[rows] = _factors(given, given.x[rows])
    return AffineFactors(given.back(left), given.back(right), given.back(offset))


def _factors(given: Task, x: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Columns forward from the narrowest place, rows back from it."""
    states, y = states_of(given.layers, x)
    cut = given.sizes.index(min(given.sizes))
    right = _before(given, states, cut, x)
    v = identity(given.shapes[cut], x)
    for layer, state in zip(given.layers[cut:], states[cut:], strict=True):
        v = push(layer, state, v)
    left = v.flatten(2).transpose(1, 2).expand(len(x), -1, -1)
    inner = right @ x.flatten(1)[..., None]
    return left, right, y.flatten(1) - (left @ inner)[..., 0]


def _before(given: Task, states: list[State], cut: int, x: Tensor) -> Tensor:
    r = identity(given.shapes[cut], x)
    for at in reversed(range(cut)):
        r = pull(given.layers[at], states[at], r, given.shapes[at])
    return r.flatten(2).expand(len(x), -1, -1)


def _bytes(given: Task) -> int:
    """Bytes per row of directions at the widest layer, and of the factors."""
    return (
        8
        * max(1, min(given.sizes))
        * (4 * max(given.sizes) + given.sizes[0] + given.sizes[-1])
    )
