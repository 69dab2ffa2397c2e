"""Deep autoencoder of convolutions, for images."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor, nn

from isthmus.core.door import shown, whole_number
from isthmus.core.errors import ValueOutOfRange
from isthmus.core.random import as_rng
from isthmus.models.dense import unit_counts
from isthmus.models.layers import activation_layer, initialise, with_activation

_CALL = "ConvolutionalAutoencoder"


class ConvolutionalAutoencoder(nn.Module):
    """Autoencoder of images whose layers halve, then double, height and width.

    Images come and go as flattened rows, "sample input", in torch's order: all pixels of
    the first channel, row by row, then those of the next. For rows that were flattened
    from (height, width, channel) use
    ``x.reshape(-1, height, width, channels).transpose(0, 3, 1, 2).reshape(len(x), -1)``.

    Args:
        image_shape: (height, width), or (channels, height, width).
        n_code: Coordinates of a code.
        channels: Of each convolution (3 by 3, stride 2); at least one.
        activation: Between layers, one of :data:`isthmus.models.layers.ACTIVATIONS`.
        code_activation: Of the code, one of the same.
        bias: Whether layers have biases.
        rng: Seed or generator for the starting weights; None for torch's own start, from
            its global generator.

    Attributes:
        image_shape: (channels, height, width).
        encoder: ``nn.Sequential`` of Unflatten, Conv2d and activation layers, Flatten,
            Linear.
        decoder: ``nn.Sequential`` of Linear, activation, Unflatten, ConvTranspose2d and
            activation layers, Flatten.

    Raises:
        ValueOutOfRange: If an argument is outside its domain.

    Examples:
        >>> network = ConvolutionalAutoencoder((9, 6), 2, channels=(4, 8), rng=0)
        >>> network(torch.ones(3, 54)).shape, network.encoder(torch.ones(3, 54)).shape
        (torch.Size([3, 54]), torch.Size([3, 2]))
    """

    def __init__(
        self,
        image_shape: Sequence[int],
        n_code: int,
        *,
        channels: Sequence[int] = (16, 32),
        activation: str = "relu",
        code_activation: str = "identity",
        bias: bool = True,
        rng: np.random.Generator | int | None = None,
    ) -> None:
        super().__init__()
        self.image_shape = image_sizes(f"{_CALL}(image_shape=...)", image_shape)
        n_code = whole_number(f"{_CALL}(n_code=...)", n_code, least=1)
        depths = unit_counts(f"{_CALL}(channels=...)", channels)
        if not depths:
            raise ValueOutOfRange(
                f"`{_CALL}(channels=...)` must name at least one layer; got none. For "
                "linear layers only take DenseAutoencoder."
            )

        def hidden() -> nn.Module:
            return activation_layer(f"{_CALL}(activation=...)", activation)

        last = activation_layer(f"{_CALL}(code_activation=...)", code_activation)
        shapes = _halved(self.image_shape, depths)
        n_units = math.prod(shapes[-1])
        with torch.random.fork_rng(devices=[], enabled=rng is not None):
            encoder: list[nn.Module] = [nn.Unflatten(1, self.image_shape)]
            for wide, narrow in zip(shapes, shapes[1:], strict=False):
                encoder += with_activation(_down(wide, narrow, bias), hidden())
            encoder.append(nn.Flatten())
            encoder += with_activation(nn.Linear(n_units, n_code, bias=bias), last)
            decoder = with_activation(nn.Linear(n_code, n_units, bias=bias), hidden())
            decoder.append(nn.Unflatten(1, shapes[-1]))
            for wide, narrow in zip(shapes[-2:0:-1], shapes[:1:-1], strict=True):
                decoder += with_activation(_up(wide, narrow, bias), hidden())
            decoder += [_up(shapes[0], shapes[1], bias), nn.Flatten()]
        self.encoder = nn.Sequential(*encoder)
        self.decoder = nn.Sequential(*decoder)
        if rng is not None:
            initialise(self, as_rng(rng))

    def forward(self, x: Tensor) -> Tensor:
        """Reconstruction of flattened images, "sample input"."""
        found: Tensor = self.decoder(self.encoder(x))
        return found


def image_sizes(call: str, shape: object) -> tuple[int, int, int]:
    """(channels, height, width) from that, or from (height, width).

    Args:
        call: Call and argument.
        shape: What was given.

    Raises:
        ValueOutOfRange: If it is neither.

    Examples:
        >>> image_sizes("f(image_shape=...)", (28, 28))
        (1, 28, 28)
    """
    if not isinstance(shape, (list, tuple, np.ndarray)) or len(shape) not in (2, 3):
        raise ValueOutOfRange(
            f"`{call}` must be (height, width) or (channels, height, width); "
            f"got {shown(shape)}."
        )
    height, width = (whole_number(call, size, least=1) for size in shape[-2:])
    return whole_number(call, (1, *shape)[-3], least=1), height, width


def _halved(image: tuple[int, int, int], depths: list[int]) -> list[tuple[int, int, int]]:
    """(channels, height, width) before the first convolution and after each."""
    shapes = [image]
    for depth in depths:
        _, height, width = shapes[-1]
        shapes.append((depth, (height + 1) // 2, (width + 1) // 2))
    return shapes


def _down(wide: tuple, narrow: tuple, bias: bool) -> nn.Conv2d:
    return nn.Conv2d(wide[0], narrow[0], 3, stride=2, padding=1, bias=bias)


def _up(wide: tuple, narrow: tuple, bias: bool) -> nn.ConvTranspose2d:
    """Back to the very height and width, even or odd."""
    even = (1 - wide[1] % 2, 1 - wide[2] % 2)
    return nn.ConvTranspose2d(
        narrow[0], wide[0], 3, stride=2, padding=1, output_padding=even, bias=bias
    )
