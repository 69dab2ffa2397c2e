"""What deep autoencoders share: activations by name, starting weights, a tied layer."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor, nn

from isthmus.core.door import shown
from isthmus.core.errors import ValueOutOfRange
from isthmus.core.random import raw_words

PIECEWISE_AFFINE: dict[str, Callable[[], nn.Module]] = {
    "identity": nn.Identity,
    "relu": nn.ReLU,
    "leaky-relu": lambda: nn.LeakyReLU(0.1),
    "prelu": nn.PReLU,
    "hardtanh": nn.Hardtanh,
}
SMOOTH: dict[str, Callable[[], nn.Module]] = {
    "elu": nn.ELU,
    "gelu": nn.GELU,
    "sigmoid": nn.Sigmoid,
    "silu": nn.SiLU,
    "softplus": nn.Softplus,
    "tanh": nn.Tanh,
}
ACTIVATIONS = PIECEWISE_AFFINE | SMOOTH
"""Name -> maker of the layer. Slopes and regions exist for the piecewise-affine ones."""


def activation_layer(call: str, name: object) -> nn.Module:
    """A new layer of an activation.

    Args:
        call: Call and argument, as in ``"DenseAutoencoder(activation=...)"``.
        name: One of :data:`ACTIVATIONS`.

    Raises:
        ValueOutOfRange: If there is no such activation.

    Examples:
        >>> activation_layer("f(activation=...)", "relu")
        ReLU()
    """
    if not isinstance(name, str) or name not in ACTIVATIONS:
        raise ValueOutOfRange(
            f"`{call}` must be one of {', '.join(ACTIVATIONS)}; got {shown(name)}."
        )
    return ACTIVATIONS[name]()


def with_activation(layer: nn.Module, activation: nn.Module) -> list[nn.Module]:
    """The layer, and the activation unless it does nothing."""
    return [layer] if isinstance(activation, nn.Identity) else [layer, activation]


def initialise(network: nn.Module, rng: np.random.Generator) -> None:
    """Draw weights and biases anew, uniform in ±1 / sqrt(inputs of a unit).

    The law is torch's own for linear and convolutional layers; the numbers come from raw
    64-bit words, so that a seed means the same on every machine and torch version.

    Args:
        network: Changed in place; layers of other kinds stay as they are.
        rng: Draws them, layer by layer.

    Examples:
        >>> layer = nn.Linear(4, 2)
        >>> initialise(layer, np.random.default_rng(0))
        >>> bool(layer.weight.abs().max() <= 0.5)
        True
    """
    for layer in network.modules():
        if isinstance(layer, (nn.Linear, nn.modules.conv._ConvNd)):
            bound = 1.0 / math.sqrt(layer.weight[0].numel())
            for part in (layer.weight, layer.bias):
                if part is not None:
                    _fill(part, bound, rng)
        elif isinstance(layer, TransposedLinear) and layer.bias is not None:
            _fill(layer.bias, 1.0 / math.sqrt(layer.in_features), rng)


def _fill(part: Tensor, bound: float, rng: np.random.Generator) -> None:
    words = raw_words(rng, part.numel()) >> np.uint64(11)
    values = bound * (2.0**-52 * words.astype(np.float64) - 1.0)
    with torch.no_grad():
        part.copy_(torch.from_numpy(values.reshape(part.shape)))


class TransposedLinear(nn.Module):
    """x -> W^T x + b with the weight W of another layer, and a bias of its own.

    Args:
        linear: Layer that owns W, "unit input". It stays out of this layer's parameters
            and state, so that the weight is counted, saved and trained once.
        bias: Whether there is a b.

    Attributes:
        weight: W^T, "input unit", a view of the other layer's weight.

    Examples:
        >>> first = nn.Linear(3, 2)
        >>> twin = TransposedLinear(first)
        >>> twin.weight.shape, [name for name, _ in twin.named_parameters()]
        (torch.Size([3, 2]), ['bias'])
    """

    def __init__(self, linear: nn.Linear, *, bias: bool = True) -> None:
        super().__init__()
        self._owner = (linear,)  # in a tuple torch does not register it
        self.in_features, self.out_features = linear.out_features, linear.in_features
        self.bias = nn.Parameter(torch.zeros(self.out_features)) if bias else None

    @property
    def weight(self) -> Tensor:
        """W^T, "input unit"."""
        return self._owner[0].weight.T

    def forward(self, x: Tensor) -> Tensor:
        """Rows "sample unit" to "sample input"."""
        return nn.functional.linear(x, self.weight, self.bias)

    def plain(self) -> nn.Linear:
        """A torch layer of its own that does the same now."""
        layer: nn.Linear = nn.Linear(
            self.in_features, self.out_features, self.bias is not None, device="meta"
        ).to_empty(device=self.weight.device)
        layer.to(self.weight.dtype)
        with torch.no_grad():
            layer.weight.copy_(self.weight)
            if self.bias is not None:
                layer.bias.copy_(self.bias)
        return layer

    def extra_repr(self) -> str:
        """Sizes, as torch's own layers print them."""
        sizes = f"in_features={self.in_features}, out_features={self.out_features}"
        return f"{sizes}, bias={self.bias is not None}"
