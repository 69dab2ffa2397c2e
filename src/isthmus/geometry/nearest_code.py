"""The code whose decoding is nearest to a row: Gauss-Newton with exact slopes."""

from __future__ import annotations

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from isthmus.geometry.layers import Layers
from isthmus.geometry.pair import Rows, run, slopes

_FIRST_DAMPING = 1e-10  # relative to the mean squared slope: Gauss-Newton but for rounding
_HALVINGS = 12
_RELATIVE_GAIN = 1e-6  # of a step, below which a row is done
_BLOCK_BYTES = 2**25

Each = Float[Tensor, " sample"]


def nearest_codes(
    decoder: Layers, x: Rows, starts: Float[Tensor, "start sample code"], max_steps: int
) -> tuple[Rows, Each]:
    r"""Minimise ||D(z) - x||^2 over z for every row, from several starts.

    Gauss-Newton steps with the slope of the region that z is in, halved until the error
    falls by a share of what the slope promises. Inside a region of a piecewise-affine
    decoder the first step is exact; what may stop it short of the least value are other
    valleys and kinks. It is never worse than the best start.

    Args:
        decoder: Chain from codes to rows.
        x: Rows to come near to.
        starts: Codes to start from, some for every row.
        max_steps: Slopes computed per start.

    Returns:
        The best codes and their squared distances, an upper bound of the least ones.
    """
    n_starts, n_rows, n_code = starts.shape
    size = max(1, _BLOCK_BYTES // (8 * n_starts * n_code * x.shape[1]))
    codes, values = [], []
    for first in range(0, n_rows, size):
        rows = x[first : first + size].repeat(n_starts, 1)
        begun = starts[:, first : first + size].reshape(-1, n_code)
        code, value = _descend(decoder, rows, begun, max_steps)
        value = value.reshape(n_starts, -1)
        best = value.argmin(dim=0)
        at = torch.arange(best.numel(), device=x.device)
        codes.append(code.reshape(n_starts, -1, n_code)[best, at])
        values.append(value[best, at])
    return torch.cat(codes), torch.cat(values)


def squared_distances(decoder: Layers, codes: Rows, x: Rows) -> Each:
    """||D(z) - x||^2 of every row, input units squared."""
    return (run(decoder, codes) - x).square().sum(dim=1)


def _descend(decoder: Layers, x: Rows, start: Rows, max_steps: int) -> tuple[Rows, Each]:
    code, value = start.clone(), squared_distances(decoder, start, x)
    active = torch.arange(len(x), device=x.device)
    for _ in range(max_steps):
        if active.numel() == 0:
            break
        step, promise = _gauss_newton(decoder, x[active], code[active])
        moved, reached = _shortened(
            decoder, x[active], code[active], value[active], step, promise
        )
        gain = value[active] - reached
        code[active], value[active] = moved, reached
        active = active[gain > _RELATIVE_GAIN * reached]
    return code, value


def _gauss_newton(decoder: Layers, x: Rows, code: Rows) -> tuple[Rows, Each]:
    """Step to the least of the squared distance as far as slopes tell, and its slope."""
    value, slope = slopes(decoder, code)
    pull = torch.einsum("bhd,bd->bh", slope, value - x)
    square = slope @ slope.transpose(1, 2)
    ridge = square.diagonal(dim1=1, dim2=2).mean(dim=1)
    ridge = torch.where(ridge > 0, ridge, 1.0)  # where nothing moves, the step is 0
    unit = torch.eye(code.shape[1], dtype=code.dtype, device=code.device)
    square = square + _FIRST_DAMPING * ridge[:, None, None] * unit
    step = -torch.linalg.solve(square, pull)
    return step, -(pull * step).sum(dim=1)


def _shortened(
    decoder: Layers, x: Rows, code: Rows, value: Each, step: Rows, promise: Each
) -> tuple[Rows, Each]:
    """Rows after their step, halved until it helps; as they were where it never does."""
    code, value = code.clone(), value.clone()
    todo = torch.arange(len(x), device=x.device)
    length = 1.0
    for _ in range(_HALVINGS):
        moved = code[todo] + length * step[todo]
        reached = squared_distances(decoder, moved, x[todo])
        helps: Bool[Tensor, " sample"] = (
            reached < value[todo] - 1e-4 * length * promise[todo]
        )
        code[todo[helps]], value[todo[helps]] = moved[helps], reached[helps]
        todo, length = todo[~helps], length / 2.0
        if todo.numel() == 0:
            break
    return code, value
