"""Penalties on the slope of the encoder."""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor, nn

from isthmus.core.door import real_number, shown, whole_number
from isthmus.core.errors import ValueOutOfRange
from isthmus.training.penalties.base import (
    AbstractPenalty,
    Batch,
    Codes,
    checked_weight,
)
from isthmus.training.penalties.chains import (
    DENSE,
    along,
    along_graph,
    chain_of,
)
from isthmus.training.penalties.products import row_norms
from isthmus.training.penalties.slopes import (
    pull,
    pull_by_grad,
    push,
    slopes_by_func,
)


class Contractive(AbstractPenalty):
    r"""Squared size of the encoder's slope at the training points.

    .. math:: \lambda\, \frac1B \sum_b \|J_E(x_b)\|_F^2

    estimated by random signs u on the side of fewer coordinates,
    :math:`\|J\|_F^2 = \mathbb E \|u^\top J\|^2`, whose variance
    :math:`2(\|JJ^\top\|_F^2 - \sum_i (JJ^\top)_{ii}^2)` is the smaller there.

    Args:
        weight: Factor, at least 0.
        n_probes: Random signs per row; None for the exact sum over all coordinates.

    Raises:
        ValueOutOfRange: If an argument is outside its domain.

    Examples:
        >>> from isthmus.models import DenseAutoencoder
        >>> net = DenseAutoencoder(3, 2, hidden_layer_sizes=(), rng=0)
        >>> x = torch.ones(5, 3)
        >>> term = Contractive(2.0, n_probes=None)(net, x, net.encoder(x), net(x))
        >>> torch.isclose(term, 2.0 * net.encoder[0].weight.square().sum())
        tensor(True)

    References:
        [rifai:11], [hutchinson:90]
    """

    def __init__(self, weight: float, *, n_probes: int | None = 1) -> None:
        super().__init__()
        self.weight = checked_weight("Contractive(weight=...)", weight)
        self.n_probes = _probes("Contractive", n_probes)

    def forward(
        self, network: nn.Module, batch: Batch, codes: Codes, reconstruction: Batch
    ) -> Float[Tensor, ""]:
        """The term, weight included."""
        if self.weight == 0.0:
            return codes.new_zeros(())
        squared = _squared(network.encoder, batch, codes, None, self.n_probes)
        return self.weight * squared[0].mean()


class HigherOrderContractive(AbstractPenalty):
    r"""Squared size of the encoder's slope, and of its change nearby.

    .. math:: \lambda\, \mathbb E \|J_E(x)\|_F^2
        + \gamma\, \mathbb E \|J_E(x) - J_E(x + \sigma n)\|_F^2, \qquad n \sim N(0, I),

    both with the same random signs.

    Args:
        weight: lambda, at least 0.
        curvature_weight: gamma, at least 0.
        noise_std: sigma, positive, in the unit of the rows.
        n_probes: As for :class:`Contractive`.

    Raises:
        ValueOutOfRange: If an argument is outside its domain.

    Examples:
        >>> from isthmus.models import DenseAutoencoder
        >>> net = DenseAutoencoder(3, 2, hidden_layer_sizes=(), rng=0)
        >>> x = torch.ones(5, 3)
        >>> bend = HigherOrderContractive(0.0, curvature_weight=1.0, noise_std=0.1)
        >>> bend(net, x, net.encoder(x), net(x)).item()  # a linear encoder does not bend
        0.0

    References:
        [rifai:11a]
    """

    def __init__(
        self,
        weight: float,
        *,
        curvature_weight: float,
        noise_std: float,
        n_probes: int | None = 1,
    ) -> None:
        super().__init__()
        call = "HigherOrderContractive"
        self.weight = checked_weight(f"{call}(weight=...)", weight)
        self.curvature_weight = checked_weight(
            f"{call}(curvature_weight=...)", curvature_weight
        )
        self.noise_std = positive(f"{call}(noise_std=...)", noise_std)
        self.n_probes = _probes(call, n_probes)

    def forward(
        self, network: nn.Module, batch: Batch, codes: Codes, reconstruction: Batch
    ) -> Float[Tensor, ""]:
        """The term, both weights included."""
        if self.weight == self.curvature_weight == 0.0:
            return codes.new_zeros(())
        near = torch.randn_like(batch).mul_(self.noise_std).add_(batch)
        size, bend = _squared(network.encoder, batch, codes, near, self.n_probes)
        return self.weight * size.mean() + self.curvature_weight * bend.mean()


def positive(name: str, value: object) -> float:
    """A positive number, or an error that names the argument."""
    number = real_number(name, value)
    if not 0.0 < number < float("inf"):
        raise ValueOutOfRange(f"`{name}` must be positive; got {shown(value)}.")
    return number


def _probes(call: str, value: object) -> int | None:
    if value is None:
        return None
    return whole_number(f"{call}(n_probes=...)", value, least=1)


def _squared(
    encoder: object, x: Tensor, codes: Tensor, near: Tensor | None, n_probes: int | None
) -> list[Float[Tensor, " sample"]]:
    """Squared norms of the slope at `x`, and of its difference to the one at `near`."""
    assert isinstance(encoder, nn.Module)
    layers = chain_of(encoder)
    forward = x.shape[1] < codes.shape[1]
    probes = _signs(x if forward else codes, n_probes)
    if layers is None:
        found = _carried_by_func(encoder, x, near, probes, forward)
        return [_mean(row_norms(v, None), n_probes) for v in found]
    around = along_graph(layers, codes) or along(layers, x)
    rows = [around] if near is None else [around, along(layers, near)]
    if forward:
        start = probes.reshape(*probes.shape[:2], *x.shape[1:])
        carried = [push(part, start) for part in rows]
        weight, n_rows = None, len(x)
    else:
        first = int(isinstance(layers[0], DENSE)) if layers else 0
        start = probes.reshape(*probes.shape[:2], *codes.shape[1:])
        carried = [pull(part, start, start=first) for part in rows]
        weight = getattr(layers[0], "weight", None) if first else None
        n_rows = len(x)
    both = [v.expand(n_rows, *v.shape[1:]) for v in _and_change(carried)]
    norms = row_norms(torch.cat(both).flatten(2), weight)
    return [_mean(part, n_probes) for part in torch.chunk(norms, len(carried))]


def _and_change(carried: list[Tensor]) -> list[Tensor]:
    return [carried[0], *(carried[0] - other for other in carried[1:])]


def _carried_by_func(
    encoder: nn.Module, x: Tensor, near: Tensor | None, probes: Tensor, forward: bool
) -> list[Tensor]:
    carried = []
    for rows in (x,) if near is None else (x, near):
        u = probes.expand(len(rows), -1, -1)
        if forward:
            carried.append(u @ slopes_by_func(encoder, rows.detach()))
        else:
            carried.append(pull_by_grad(encoder, rows, u))
    return _and_change(carried)


def _signs(like: Tensor, n_probes: int | None) -> Float[Tensor, "rows probe unit"]:
    """Random signs per row, or all unit vectors, the same for all rows."""
    if n_probes is None:
        return torch.eye(like.shape[1], dtype=like.dtype, device=like.device)[None]
    shape = (len(like), n_probes, like.shape[1])
    return torch.randint(0, 2, shape, device=like.device).to(like.dtype) * 2.0 - 1.0


def _mean(norms: Float[Tensor, "sample probe"], n_probes: int | None) -> Tensor:
    return norms.sum(dim=1) / (n_probes or 1)
