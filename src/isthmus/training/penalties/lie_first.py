"""Nearby outputs of the decoder should be moved into each other by a group."""

from __future__ import annotations

import torch
from torch import nn

from isthmus.training.penalties.amounts import Explained, explained
from isthmus.training.penalties.base import Codes
from isthmus.training.penalties.generators import Generators
from isthmus.training.penalties.lie import AbstractLie
from isthmus.training.penalties.sampling import mixed_codes, nearby


class Lie1(AbstractLie):
    r"""First-order symmetry penalty on the decoder.

    .. math:: \lambda\, \mathbb E \min_\epsilon
        \|D(z) - (I + \sum_k \epsilon_k G_k) D(z')\|^2 / d

    z lies between neighbouring codes of the batch, z' near z. It vanishes where z' meets z
    and where D is constant: compare :meth:`relative_residual`, not the term. Even a perfect
    orbit keeps about a quarter of the squared angle between z and z' of it.

    Args:
        weight: lambda, at least 0.
        generators: Learnt with the network, or known.
        radius: Standard deviation of z' - z, in ranges of each code coordinate in the
            batch.
        relative: Whether each pair is divided by its |D(z) - D(z')|^2, held fixed, in
            place of d.
        n_pairs: Per batch; None for as many as it has rows.

    Raises:
        ValueOutOfRange: If an argument is outside its domain.

    Examples:
        >>> from isthmus.models import DenseAutoencoder
        >>> net = DenseAutoencoder(3, 2, hidden_layer_sizes=(8,), rng=0)
        >>> x = torch.eye(3)
        >>> term = Lie1(1.0, Generators(3, 2, rng=0))(net, x, net.encoder(x), net(x))
        >>> term.shape, bool(term > 0)
        (torch.Size([]), True)

    References:
        [cosentino:22]
    """

    def __init__(
        self,
        weight: float,
        generators: Generators,
        *,
        radius: float = 0.05,
        relative: bool = False,
        n_pairs: int | None = None,
    ) -> None:
        super().__init__(weight, generators, radius, relative, n_pairs)

    def explained(self, network: nn.Module, codes: Codes) -> Explained:
        """What the generators leave of the steps between random pairs."""
        z = mixed_codes(codes, self.n_pairs)
        both = network.decoder(torch.cat([z, nearby(z, codes, self.radius)]))  # type: ignore[operator]
        return explained(self.generators, both.flatten(1)[:, None])

    def _entries(self, n_input: int, n_code: int) -> int:
        return n_input
