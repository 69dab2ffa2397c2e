"""How far around a point an autoencoder provably keeps reconstructing."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np
import torch
from torch import Tensor

from isthmus.core.door import real_array, real_number
from isthmus.core.errors import ValueOutOfRange
from isthmus.geometry.boundary import nearest
from isthmus.geometry.rows import Rows, Task, task
from isthmus.geometry.slopes import push, states_of
from isthmus.geometry.switching import code_sizes

_CALL = "local_generalisation_radius"
_ORTHONORMAL = 1e-6


@dataclasses.dataclass(frozen=True, eq=False)
class LocalGeneralisation:
    """How far along given tangents reconstructions are within a tolerance.

    Attributes:
        radius: "sample", in input units; 0 where the row itself misses the tolerance.
        error: "sample", distance of each row from its reconstruction.
        slope_gap: "sample", largest ||(A - 1) t|| over unit tangents t: how fast the error
            can grow. 0 where the tangents are reconstructed.
        boundary: "sample", distance to the region's boundary within the tangents.
    """

    radius: Any
    error: Any
    slope_gap: Any
    boundary: Any


def local_generalisation_radius(
    network: object, x: Rows, tangents: Rows, *, tolerance: float
) -> LocalGeneralisation:
    r"""Radius around each row within which tangent moves are reconstructed, proven.

    .. math:: \rho = \min\Bigl(r_T, \frac{\tau - \|e\|}{\|(A - 1) T\|_2}\Bigr), \qquad
        \|f(x + \delta) - x - \delta\| \le \tau \quad
        \text{for } \delta \in \mathrm{im}\, T,\ \|\delta\| \le \rho

    with e the row's own error, A the slope of its region and r_T the distance to the
    region's boundary within the tangents. 0 if the tolerance is below \|e\|, and r_T if
    the slope gap is 0.

    Args:
        network: Autoencoder, as :func:`~isthmus.geometry.as_layers` takes it.
        x: Rows, "sample ...", finite; an array or a tensor.
        tangents: T, orthonormal columns, "input tangent" or "sample input tangent".
        tolerance: tau, largest error that counts as a reconstruction, in input units.

    Returns:
        Radii and what they are made of, of the kind of `x`, in float64.

    Raises:
        ValueOutOfRange: If the network is no chain of piecewise-affine layers or no
            autoencoder, if shapes disagree, columns are not orthonormal or the tolerance is
            not positive.
        DataError: If `x` is empty or not finite.

    Examples:
        >>> net = torch.nn.Sequential(torch.nn.Hardtanh(-1.0, 1.0))
        >>> t = np.array([[1.0], [0.0]])
        >>> found = local_generalisation_radius(
        ...     net, np.array([[0.25, 1.5]]), t, tolerance=0.6
        ... )
        >>> found.error.item(), found.slope_gap.item(), found.radius.item()
        (0.5, 0.0, 0.75)

    References:
        [cosentino:22]
    """
    given = task(network, x, call=_CALL)
    if given.sizes[0] != given.sizes[-1]:
        raise ValueOutOfRange(
            f"`{_CALL}(network=...)` must be an autoencoder, whose output has the shape of "
            f"its input; got {given.shapes[0]} to {given.shapes[-1]}. Pass encoder and "
            "decoder together, as nn.Sequential(encoder, decoder)."
        )
    most = real_number(f"{_CALL}(tolerance=...)", tolerance)
    if not most > 0:
        raise ValueOutOfRange(
            f"`{_CALL}(tolerance=...)` must be positive, in input units; got {tolerance}. "
            "A typical reconstruction error is a good choice."
        )
    basis = _basis(given, tangents)
    n = len(given.x)
    error, gap, boundary = (given.x.new_empty(n) for _ in range(3))
    widest = max(*given.sizes, *code_sizes(given), 1)
    for rows in given.chunks(8 * 6 * widest * max(basis.shape[1], 1)):
        part = given.x[rows]
        directions = basis if len(basis) == 1 else basis[rows]
        error[rows], gap[rows] = _errors(given, part, directions)
        boundary[rows], _ = nearest(given, part, directions)
    room = torch.where(gap > 0, (most - error) / gap, torch.inf)
    radius = torch.where(error > most, 0.0, torch.minimum(boundary, room))
    return LocalGeneralisation(*(given.back(v) for v in (radius, error, gap, boundary)))


def _errors(given: Task, x: Tensor, basis: Tensor) -> tuple[Tensor, Tensor]:
    """Errors of rows, and the largest growth of the error along tangents."""
    states, y = states_of(given.layers, x)
    v = basis
    for layer, state in zip(given.layers, states, strict=True):
        v = push(layer, state, v)
    missing = v.flatten(2) - basis.flatten(2)
    gap = torch.linalg.matrix_norm(missing, ord=2).expand(len(x))
    return (y.flatten(1) - x.flatten(1)).norm(dim=1), gap


def _basis(given: Task, tangents: object) -> Tensor:
    """Tangents as directions in the shape of the rows: "rows tangent ..."."""
    name = f"{_CALL}(tangents=...)"
    value: Any = tangents
    if not isinstance(tangents, Tensor):
        value = np.asarray(real_array(name, tangents))
    t = torch.as_tensor(value).detach().to(given.x)
    t = t[None] if t.ndim == 2 else t
    n, n_input = len(given.x), given.sizes[0]
    fits = t.ndim == 3 and len(t) in (1, n) and 0 < t.shape[2] <= t.shape[1] == n_input
    if not fits:
        raise ValueOutOfRange(
            f"`{name}` must be (input, tangent) or (sample, input, tangent) with {n_input} "
            f"inputs and {n} samples; got {tuple(value.shape)}. Transpose it if rows are "
            "tangents."
        )
    gram = t.transpose(1, 2) @ t
    off = gram - torch.eye(t.shape[2], dtype=t.dtype, device=t.device)
    if not bool(off.abs().max() <= _ORTHONORMAL):
        raise ValueOutOfRange(
            f"`{name}` must have orthonormal columns; got inner products off by "
            f"{float(off.abs().max()):.2g}. Take numpy.linalg.qr(tangents).Q."
        )
    return t.transpose(1, 2).reshape(len(t), t.shape[2], *given.shapes[0])
