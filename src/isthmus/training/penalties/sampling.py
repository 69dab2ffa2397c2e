"""Codes near those of a batch, where the decoder is asked."""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor

_NEIGHBOURS = 3
_BEYOND = 0.1  # of the way to a neighbour, on both sides

Codes = Float[Tensor, "sample code"]


def mixed_codes(codes: Codes, n: int | None = None) -> Float[Tensor, "pair code"]:
    """Codes on short lines between neighbours, a tenth beyond both ends.

    Args:
        codes: Of a batch.
        n: How many; None for as many as there are. The first ends are different codes
            as far as they reach.

    Returns:
        (1 - a) z_i + a z_j, a uniform in [-0.1, 1.1], z_j one of the three codes nearest
        to z_i, detached. A single code stays as it is.

    Examples:
        >>> mixed_codes(torch.tensor([[1.0, 2.0]]), 2).tolist()
        [[1.0, 2.0], [1.0, 2.0]]
    """
    codes = codes.detach()
    m = len(codes)
    n = m if n is None else n
    first = torch.randperm(m, device=codes.device)
    first = first.repeat(-(-n // m))[:n]
    a = torch.rand(n, 1, dtype=codes.dtype, device=codes.device)
    a = a * (1.0 + 2.0 * _BEYOND) - _BEYOND
    if m == 1:
        return codes[first]
    near = min(_NEIGHBOURS, m - 1)
    apart = torch.cdist(codes[first], codes)
    apart.scatter_(1, first[:, None], torch.inf)
    nearest = apart.topk(near, dim=1, largest=False, sorted=False).indices
    pick = torch.randint(near, (n, 1), device=codes.device)
    return torch.lerp(codes[first], codes[nearest.gather(1, pick)[:, 0]], a)


def nearby(z: Float[Tensor, "pair code"], codes: Codes, radius: float) -> Tensor:
    """Codes moved by Gaussians of `radius` times the range of each coordinate."""
    return z + radius * spans(codes) * torch.randn_like(z)


def spans(codes: Codes) -> Float[Tensor, " code"]:
    """Largest minus smallest of every coordinate.

    Examples:
        >>> spans(torch.tensor([[1.0, 2.0], [4.0, 2.0]])).tolist()
        [3.0, 0.0]
    """
    least, most = codes.detach().aminmax(dim=0)
    return most - least
