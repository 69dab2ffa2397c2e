"""Penalties that look at the encoder away from the training points."""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor, nn

from isthmus.core.door import whole_number
from isthmus.training.penalties.base import (
    AbstractPenalty,
    Batch,
    Codes,
    checked_weight,
)
from isthmus.training.penalties.contraction import positive
from isthmus.training.penalties.generators import Generators, checked_generators
from isthmus.training.penalties.sampling import mixed_codes


class CycleConsistency(AbstractPenalty):
    r"""The encoder should find codes between those of the batch again.

    .. math:: \lambda\, \mathbb E \|E(D(z)) - z\|^2 / \mathbb E \|z - \bar z\|^2

    with z between neighbouring codes, and D(z) held fixed: only the encoder learns.

    Args:
        weight: lambda, at least 0.
        n_pairs: Codes per batch; None for as many as it has rows.

    Raises:
        ValueOutOfRange: If an argument is outside its domain.

    Examples:
        >>> from isthmus.models import DenseAutoencoder
        >>> net = DenseAutoencoder(3, 2, hidden_layer_sizes=(8,), rng=0)
        >>> x = torch.eye(3)
        >>> bool(CycleConsistency(1.0)(net, x, net.encoder(x), net(x)) > 0)
        True
    """

    def __init__(self, weight: float, *, n_pairs: int | None = None) -> None:
        super().__init__()
        self.weight = checked_weight("CycleConsistency(weight=...)", weight)
        self.n_pairs = (
            None
            if n_pairs is None
            else whole_number("CycleConsistency(n_pairs=...)", n_pairs, least=1)
        )

    def forward(
        self, network: nn.Module, batch: Batch, codes: Codes, reconstruction: Batch
    ) -> Float[Tensor, ""]:
        """The term, weight included; 0 for a batch of one, or where all codes are one."""
        if self.weight == 0.0 or len(codes) < 2:
            return codes.new_zeros(())
        z = mixed_codes(codes, self.n_pairs)
        with torch.no_grad():
            made = network.decoder(z)  # type: ignore[operator]
        found: Tensor = network.encoder(made)  # type: ignore[operator]
        apart = codes.detach().var(dim=0, correction=0).mean()
        error = (found - z).square().mean()
        return torch.where(apart > 0, self.weight * error / apart, 0.0 * error)


class OrbitAugmentation(AbstractPenalty):
    r"""Training rows moved along the generators should be reconstructed too.

    .. math:: \lambda\, \frac1d \mathbb E \|D(E(\tilde x)) - \tilde x\|^2, \qquad
        \tilde x = \frac{\|x\|}{\|x'\|} x', \quad
        x' = \big(I + \tfrac14 \textstyle\sum_k a_k G_k\big)^4 x

    with random a such that the first-order move is `amount` times a Gaussian of the length
    of x, whatever the scale of the generators. Moved rows are held fixed: generators do not
    learn from them; give known ones, or share those of a :class:`Lie1` or :class:`Lie2`
    in a :class:`~isthmus.training.penalties.PenaltySum`.

    Args:
        weight: lambda, at least 0.
        generators: Known, or learnt by another penalty.
        amount: Standard deviation of a move relative to the row, positive.
        n_steps: Factors of the product; 4 above.

    Raises:
        ValueOutOfRange: If an argument is outside its domain.

    Examples:
        >>> import numpy as np
        >>> from isthmus.models import DenseAutoencoder
        >>> net = DenseAutoencoder(2, 1, hidden_layer_sizes=(8,), rng=0)
        >>> turn = Generators(2, 1, matrices=np.array([[[0.0, -1.0], [1.0, 0.0]]]))
        >>> x = torch.eye(2)
        >>> moved = OrbitAugmentation(1.0, turn, amount=0.5).moved(x)
        >>> bool((moved.norm(dim=1) - 1.0).abs().max() < 1e-6), bool((moved != x).any())
        (True, True)
    """

    def __init__(
        self,
        weight: float,
        generators: Generators,
        *,
        amount: float = 0.1,
        n_steps: int = 4,
    ) -> None:
        super().__init__()
        self.weight = checked_weight("OrbitAugmentation(weight=...)", weight)
        self.generators = checked_generators(
            "OrbitAugmentation(generators=...)", generators
        )
        self.amount = positive("OrbitAugmentation(amount=...)", amount)
        self.n_steps = whole_number("OrbitAugmentation(n_steps=...)", n_steps, least=1)

    def forward(
        self, network: nn.Module, batch: Batch, codes: Codes, reconstruction: Batch
    ) -> Float[Tensor, ""]:
        """The term, weight included."""
        self.generators.check_width(batch)
        if self.weight == 0.0:
            return codes.new_zeros(())
        moved = self.moved(batch)
        found = network.decoder(network.encoder(moved))  # type: ignore[operator]
        return self.weight * nn.functional.mse_loss(found, moved)

    @torch.no_grad()
    def moved(self, x: Batch) -> Batch:
        """Rows moved by random amounts, of the length that they had."""
        k = self.generators.n_generators
        amounts = torch.randn(len(x), k, dtype=x.dtype, device=x.device)
        length = x.norm(dim=1, keepdim=True)
        first = self.generators.combined(x, amounts).norm(dim=1, keepdim=True)
        wanted = self.amount * length * torch.randn_like(length)
        amounts = amounts * torch.where(first > 0, wanted / first, 0.0)
        moved = self.generators.transport(x, amounts, n_steps=self.n_steps)
        return moved * torch.where(
            length > 0, length / moved.norm(dim=1, keepdim=True), 1.0
        )
