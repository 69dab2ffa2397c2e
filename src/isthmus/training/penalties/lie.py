"""What symmetry penalties of both orders share."""

from __future__ import annotations

import abc

import torch
from jaxtyping import Float
from torch import Tensor, nn

from isthmus.core.door import whole_number
from isthmus.training.penalties.amounts import Explained
from isthmus.training.penalties.base import (
    AbstractPenalty,
    Batch,
    Codes,
    checked_weight,
)
from isthmus.training.penalties.contraction import positive
from isthmus.training.penalties.generators import checked_generators


class AbstractLie(AbstractPenalty):
    """What generators leave of the differences between pairs of decodings or slopes.

    Attributes:
        weight: lambda, at least 0.
        generators: Learnt with the network, or known.
        radius: Standard deviation of z' - z, in ranges of each code coordinate in the
            batch.
        relative: Whether each pair is divided by its squared difference, held fixed.
        n_pairs: Per batch; None for the order's own number.
    """

    def __init__(
        self,
        weight: float,
        generators: object,
        radius: float,
        relative: bool,
        n_pairs: int | None,
    ) -> None:
        super().__init__()
        call = type(self).__name__
        self.weight = checked_weight(f"{call}(weight=...)", weight)
        self.generators = checked_generators(f"{call}(generators=...)", generators)
        self.radius = positive(f"{call}(radius=...)", radius)
        self.relative = bool(relative)
        if n_pairs is not None:
            n_pairs = whole_number(f"{call}(n_pairs=...)", n_pairs, least=1)
        self.n_pairs = n_pairs

    def forward(
        self, network: nn.Module, batch: Batch, codes: Codes, reconstruction: Batch
    ) -> Float[Tensor, ""]:
        """The term, weight included; 0 for a batch of one, which has no neighbours."""
        self.generators.check_width(reconstruction)
        if self.weight == 0.0 or len(codes) < 2:
            return codes.new_zeros(())
        found = self.explained(network, codes)
        size = self._entries(reconstruction.shape[1], codes.shape[1])
        return self.weight * found.term(relative=self.relative, size=size)

    @abc.abstractmethod
    def explained(self, network: nn.Module, codes: Codes) -> Explained:
        """What the generators leave of random pairs."""

    @abc.abstractmethod
    def _entries(self, n_input: int, n_code: int) -> int:
        """Numbers in what a pair compares."""

    def relative_residual(self, network: nn.Module, codes: Codes) -> float:
        """Share of the squared differences that the generators do not explain.

        Args:
            network: As for the penalty.
            codes: At least two.

        Returns:
            0 where they explain all, 1 where they explain nothing; 0 where nothing
            differs.

        Examples:
            >>> import numpy as np
            >>> from isthmus.models import DenseAutoencoder
            >>> from isthmus.training.penalties import Generators, Lie1
            >>> net = DenseAutoencoder(2, 1, hidden_layer_sizes=(), bias=False, rng=0)
            >>> line = Lie1(1.0, Generators(2, 1, matrices=np.eye(2)[None]))
            >>> codes = torch.arange(1.0, 6.0)[:, None]
            >>> line.relative_residual(net, codes) < 1e-4
            True
        """
        with torch.no_grad():
            return self.explained(network, codes).unexplained()
