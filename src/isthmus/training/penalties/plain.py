"""Baselines that look at no slope: noise on the input, small weights."""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor, nn

from isthmus.training.penalties.base import (
    AbstractPenalty,
    Batch,
    Codes,
    checked_weight,
)


class Denoising(AbstractPenalty):
    """Gaussian noise on what the network is given; the clean batch is wanted back.

    Within a region it adds noise_std^2 times the squared slope of the whole autoencoder.

    Args:
        noise_std: At least 0, in the unit of the rows.

    Raises:
        ValueOutOfRange: If it is negative or not finite.

    Examples:
        >>> given, wanted = Denoising(0.1).pair(torch.zeros(1000, 3))
        >>> bool(abs(given.std() - 0.1) < 0.01), wanted.abs().max().item()
        (True, 0.0)

    References:
        [vincent:08]
    """

    def __init__(self, noise_std: float) -> None:
        super().__init__()
        self.weight = 1.0
        self.noise_std = checked_weight("Denoising(noise_std=...)", noise_std)

    def pair(self, batch: Batch) -> tuple[Batch, Batch]:
        """The batch with noise, and the batch."""
        return batch + self.noise_std * torch.randn_like(batch), batch

    def forward(
        self, network: nn.Module, batch: Batch, codes: Codes, reconstruction: Batch
    ) -> Float[Tensor, ""]:
        """Zero: all is in the pair."""
        return codes.new_zeros(())


class WeightDecay(AbstractPenalty):
    r"""Half the sum of squares of the weights, biases and slopes of activations left out.

    .. math:: \tfrac{\lambda}{2} \sum_\ell \|W_\ell\|_F^2,

    whose gradient is lambda W, as that of Adam's own `weight_decay`. A tied weight counts
    once.

    Args:
        weight: lambda, at least 0.

    Raises:
        ValueOutOfRange: If it is negative or not finite.

    Examples:
        >>> from isthmus.models import DenseAutoencoder
        >>> net = DenseAutoencoder(3, 2, hidden_layer_sizes=(), rng=0)
        >>> x = torch.ones(5, 3)
        >>> WeightDecay(2.0)(net, x, net.encoder(x), net(x)) > 0
        tensor(True)
    """

    def __init__(self, weight: float) -> None:
        super().__init__()
        self.weight = checked_weight("WeightDecay(weight=...)", weight)

    def forward(
        self, network: nn.Module, batch: Batch, codes: Codes, reconstruction: Batch
    ) -> Float[Tensor, ""]:
        """The term, weight included."""
        if self.weight == 0.0:
            return codes.new_zeros(())
        parts = [p.square().sum() for p in network.parameters() if p.ndim > 1]
        return 0.5 * self.weight * torch.stack(parts).sum()
