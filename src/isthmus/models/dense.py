"""Deep autoencoder of fully connected layers."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor, nn

from isthmus.core.door import shown, whole_number
from isthmus.core.errors import ValueOutOfRange
from isthmus.core.random import as_rng
from isthmus.models.layers import (
    TransposedLinear,
    activation_layer,
    initialise,
    with_activation,
)

_CALL = "DenseAutoencoder"


class DenseAutoencoder(nn.Module):
    """Autoencoder of linear layers with an activation between them.

    The decoder has the encoder's sizes in reverse order. Neither the code nor the output
    has an activation unless the code is given one.

    Args:
        n_input: Coordinates of a row.
        n_code: Coordinates of a code.
        hidden_layer_sizes: Units of the encoder's hidden layers; empty for none.
        activation: Of the hidden layers, one of
            :data:`isthmus.models.layers.ACTIVATIONS`.
        code_activation: Of the code, one of the same.
        tied: Whether the decoder's weights are the encoder's, transposed. Its biases are
            its own.
        bias: Whether layers have biases.
        rng: Seed or generator for the starting weights; None for torch's own start, from
            its global generator.

    Attributes:
        encoder: ``nn.Sequential`` of Linear and activation layers.
        decoder: The same, of :class:`~isthmus.models.layers.TransposedLinear` where tied.

    Raises:
        ValueOutOfRange: If an argument is outside its domain.

    Examples:
        >>> network = DenseAutoencoder(8, 2, hidden_layer_sizes=(5,), rng=0)
        >>> network(torch.ones(3, 8)).shape, network.encoder(torch.ones(3, 8)).shape
        (torch.Size([3, 8]), torch.Size([3, 2]))
        >>> network.encoder
        Sequential(
          (0): Linear(in_features=8, out_features=5, bias=True)
          (1): ReLU()
          (2): Linear(in_features=5, out_features=2, bias=True)
        )
    """

    def __init__(
        self,
        n_input: int,
        n_code: int,
        *,
        hidden_layer_sizes: Sequence[int] = (128, 64),
        activation: str = "relu",
        code_activation: str = "identity",
        tied: bool = False,
        bias: bool = True,
        rng: np.random.Generator | int | None = None,
    ) -> None:
        super().__init__()
        sizes = [
            whole_number(f"{_CALL}(n_input=...)", n_input, least=1),
            *unit_counts(f"{_CALL}(hidden_layer_sizes=...)", hidden_layer_sizes),
            whole_number(f"{_CALL}(n_code=...)", n_code, least=1),
        ]
        hidden, last = f"{_CALL}(activation=...)", f"{_CALL}(code_activation=...)"
        with torch.random.fork_rng(devices=[], enabled=rng is not None):
            there = [nn.Linear(a, b, bias=bias) for a, b in zip(sizes, sizes[1:])]  # noqa: B905
            back = [
                TransposedLinear(layer, bias=bias)
                if tied
                else nn.Linear(layer.out_features, layer.in_features, bias=bias)
                for layer in reversed(there)
            ]
        encoder: list[nn.Module] = []
        for layer in there[:-1]:
            encoder += with_activation(layer, activation_layer(hidden, activation))
        encoder += with_activation(there[-1], activation_layer(last, code_activation))
        decoder: list[nn.Module] = []
        for other in back[:-1]:
            decoder += with_activation(other, activation_layer(hidden, activation))
        self.encoder = nn.Sequential(*encoder)
        self.decoder = nn.Sequential(*decoder, back[-1])
        if rng is not None:
            initialise(self, as_rng(rng))

    @property
    def tied(self) -> bool:
        """Whether the decoder's weights are the encoder's."""
        return isinstance(self.decoder[-1], TransposedLinear)

    def forward(self, x: Tensor) -> Tensor:
        """Reconstruction of rows, "sample input"."""
        found: Tensor = self.decoder(self.encoder(x))
        return found

    def plain_decoder(self) -> nn.Sequential:
        """The decoder as torch's own layers alone.

        Returns:
            The decoder itself; where tied, a copy with weights of its own as they are now.

        Examples:
            >>> network = DenseAutoencoder(4, 2, hidden_layer_sizes=(), tied=True, rng=0)
            >>> network.plain_decoder()
            Sequential(
              (0): Linear(in_features=2, out_features=4, bias=True)
            )
        """
        if not self.tied:
            return self.decoder
        layers = (
            layer.plain() if isinstance(layer, TransposedLinear) else layer
            for layer in self.decoder
        )
        return nn.Sequential(*layers)


def unit_counts(call: str, sizes: object) -> list[int]:
    """Whole numbers of at least 1 from a sequence of them, or from a single one.

    Args:
        call: Call and argument.
        sizes: What was given.

    Raises:
        ValueOutOfRange: If it is anything else.

    Examples:
        >>> unit_counts("f(sizes=...)", (8, 4)), unit_counts("f(sizes=...)", 3)
        ([8, 4], [3])
    """
    if isinstance(sizes, (int, np.integer)):
        sizes = (sizes,)
    if not isinstance(sizes, (list, tuple, np.ndarray)):
        raise ValueOutOfRange(
            f"`{call}` must be a sequence of whole numbers; got {shown(sizes)}."
        )
    return [whole_number(call, size, least=1) for size in sizes]
