"""Nearby outputs of the decoder should be moved into each other by a group."""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor, nn

from isthmus.core.door import whole_number
from isthmus.training.penalties.amounts import Explained, explained
from isthmus.training.penalties.base import (
    AbstractPenalty,
    Batch,
    Codes,
    checked_weight,
)
from isthmus.training.penalties.contraction import positive
from isthmus.training.penalties.generators import Generators, checked_generators
from isthmus.training.penalties.sampling import mixed_codes, nearby


class Lie1(AbstractPenalty):
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
        super().__init__()
        self.weight = checked_weight("Lie1(weight=...)", weight)
        self.generators = checked_generators("Lie1(generators=...)", generators)
        self.radius = positive("Lie1(radius=...)", radius)
        self.relative = bool(relative)
        self.n_pairs = (
            None if n_pairs is None else whole_number("Lie1(n_pairs=...)", n_pairs, least=1)
        )

    def forward(
        self, network: nn.Module, batch: Batch, codes: Codes, reconstruction: Batch
    ) -> Float[Tensor, ""]:
        """The term, weight included; 0 for a batch of one, which has no neighbours."""
        self.generators.check_width(reconstruction)
        if self.weight == 0.0 or len(codes) < 2:
            return codes.new_zeros(())
        found = self.explained(network, codes)
        size = reconstruction.shape[1]
        return self.weight * found.term(relative=self.relative, size=size)

    def explained(self, network: nn.Module, codes: Codes) -> Explained:
        """What the generators leave of the steps between random pairs."""
        z = mixed_codes(codes, self.n_pairs)
        both = network.decoder(torch.cat([z, nearby(z, codes, self.radius)]))  # type: ignore[operator]
        return explained(self.generators, both.flatten(1)[:, None])

    def relative_residual(self, network: nn.Module, codes: Codes) -> float:
        """Share of the squared steps that the generators do not explain.

        Args:
            network: As for the penalty.
            codes: At least two.

        Returns:
            0 where they explain all, 1 where they explain nothing; 0 where there are no
            steps.

        Examples:
            >>> import numpy as np
            >>> from isthmus.models import DenseAutoencoder
            >>> net = DenseAutoencoder(2, 1, hidden_layer_sizes=(), bias=False, rng=0)
            >>> line = Lie1(1.0, Generators(2, 1, matrices=np.eye(2)[None]))
            >>> codes = torch.arange(1.0, 6.0)[:, None]
            >>> line.relative_residual(net, codes) < 1e-4
            True
        """
        with torch.no_grad():
            found = self.explained(network, codes)
        return residual_share(found)


def residual_share(found: Explained) -> float:
    """Sum of what is left over the sum of what there was, between 0 and 1."""
    there = float(found.squared.double().sum())
    left = float(found.residual.double().sum())
    return min(max(left / there, 0.0), 1.0) if there > 0.0 else 0.0
