"""Networks as chains of live layers: the weights themselves, not copies of them."""

from __future__ import annotations

import contextlib
import dataclasses
import warnings

import torch
from jaxtyping import Float
from torch import Tensor, nn

from isthmus.core.errors import SpeedWarning, ValueOutOfRange
from isthmus.models.layers import TransposedLinear

DENSE = (nn.Linear, TransposedLinear)
CONVOLUTIONS = (nn.Conv1d, nn.Conv2d, nn.ConvTranspose1d, nn.ConvTranspose2d)
SHAPES = (nn.Flatten, nn.Unflatten)
KINKED = (nn.ReLU, nn.LeakyReLU, nn.PReLU, nn.Hardtanh, nn.ReLU6)
SMOOTH = (
    nn.ELU,
    nn.CELU,
    nn.SELU,
    nn.GELU,
    nn.LogSigmoid,
    nn.Mish,
    nn.Sigmoid,
    nn.SiLU,
    nn.Softplus,
    nn.Tanh,
)
_KNOWN = (*DENSE, *CONVOLUTIONS, *SHAPES, *KINKED, *SMOOTH)
_DROPPED = (nn.Identity, nn.Dropout, nn.Dropout1d, nn.Dropout2d)
_MIXING = (nn.modules.batchnorm._BatchNorm, nn.modules.dropout._DropoutNd)
_TOLD: set[str] = set()


@dataclasses.dataclass(frozen=True, eq=False)
class Along:
    """What a chain is around some rows.

    Attributes:
        layers: The chain.
        slopes: Of each activation at the rows, "sample ..."; None where a layer is linear.
        shapes: Of one sample at each layer's input.
    """

    layers: tuple[nn.Module, ...]
    slopes: tuple[Tensor | None, ...]
    shapes: tuple[tuple[int, ...], ...]


def chain_of(part: nn.Module) -> tuple[nn.Module, ...] | None:
    """Layers of a chain that slopes can be carried through explicitly.

    Args:
        part: Encoder or decoder.

    Returns:
        Its layers, those that do nothing left out; None if there is another layer among
        them, which is told once per kind of layer.

    Raises:
        ValueOutOfRange: If a layer is in a mode where rows have no slope of their own.

    Examples:
        >>> chain_of(nn.Sequential(nn.Linear(2, 3), nn.Sequential(nn.ReLU())))
        (Linear(in_features=2, out_features=3, bias=True), ReLU())
    """
    found = list(_flat(part, ""))
    for path, layer in found:
        if layer.training and isinstance(layer, _MIXING) and not _idle(layer):
            raise ValueOutOfRange(
                f"`penalty(network=...)` must have layers that treat every row alone and "
                f"alike; got {type(layer).__name__} at '{path}' in training mode. Leave "
                "it out, or call .eval() on it."
            )
    for _, layer in found:
        if type(layer) not in (*_KNOWN, *_DROPPED) or _replaced(layer):
            _tell(layer)
            return None
    return tuple(layer for _, layer in found if type(layer) not in _DROPPED)


def foreign(part: nn.Module) -> str:
    """Name of the first layer that is none of a chain's.

    Examples:
        >>> foreign(nn.Sequential(nn.ReLU(), nn.Softmax(1)))
        'Softmax'
    """
    for _, layer in _flat(part, ""):
        if type(layer) not in (*_KNOWN, *_DROPPED) or _replaced(layer):
            return type(layer).__name__
    return type(part).__name__


def along(layers: tuple[nn.Module, ...], x: Float[Tensor, "sample ..."]) -> Along:
    """Slopes of the activations at some rows, from one forward pass.

    Gradients flow through slopes that depend on weights: those of smooth activations, and
    of PReLU. Layers after the last activation are not computed.

    Args:
        layers: From :func:`chain_of`.
        x: Rows.

    Examples:
        >>> found = along((nn.ReLU(),), torch.tensor([[2.0, -1.0]]))
        >>> found.slopes[0].tolist()
        [[1.0, 0.0]]
    """
    bent = [isinstance(layer, (*KINKED, *SMOOTH)) for layer in layers]
    last = max((at for at, is_bent in enumerate(bent) if is_bent), default=-1)
    smooth = any(isinstance(layer, SMOOTH) for layer in layers)
    slopes: list[Tensor | None] = [None] * len(layers)
    shapes = []
    shaped = any(isinstance(layer, (*CONVOLUTIONS, *SHAPES)) for layer in layers)
    for at, layer in enumerate(layers):
        shapes.append(tuple(x.shape[1:]))
        if bent[at]:
            slopes[at] = slope_of(layer, x)
        if at < last or shaped:
            with contextlib.nullcontext() if smooth else torch.no_grad():
                x = layer(x)
    return Along(layers, tuple(slopes), tuple(shapes))


def along_graph(layers: tuple[nn.Module, ...], output: Tensor) -> Along | None:
    """The same, from what autograd kept of the pass that made `output`.

    Only for chains of linear layers, ReLU and LeakyReLU; None where the graph is another
    one, or gone, so that the caller computes it anew.
    """
    try:
        return _read(layers, output)
    except RuntimeError:  # freed by a backward pass
        return None


def _read(layers: tuple[nn.Module, ...], output: Tensor) -> Along | None:
    node = output.grad_fn
    slopes: list[Tensor | None] = []
    for layer in reversed(layers):
        name = type(node).__name__
        slope = None
        if type(layer) is nn.ReLU and name == "ReluBackward0":
            slope = (node._saved_result > 0).to(output.dtype)  # type: ignore[union-attr]
            node = node.next_functions[0][0]  # type: ignore[union-attr]
        elif type(layer) is nn.LeakyReLU and name == "LeakyReluBackward0":
            slope = slope_of(layer, node._saved_self)  # type: ignore[union-attr]
            node = node.next_functions[0][0]  # type: ignore[union-attr]
        elif type(layer) is nn.Linear and _made_by(node, layer):
            node = node.next_functions[-2][0]  # type: ignore[union-attr]
        else:
            return None
        slopes.append(slope)
    return Along(layers, tuple(reversed(slopes)), ((),) * len(layers))


def slope_of(layer: nn.Module, u: Float[Tensor, "sample ..."]) -> Tensor:
    """Derivative of an activation at `u`, in its shape; 0 or the left one at kinks.

    Examples:
        >>> slope_of(nn.Hardtanh(), torch.tensor([[0.5, 2.0]])).tolist()
        [[1.0, 0.0]]
    """
    if isinstance(layer, nn.Hardtanh):
        return ((u > layer.min_val) & (u < layer.max_val)).to(u.dtype)
    if isinstance(layer, nn.ReLU):
        return (u > 0).to(u.dtype)
    if isinstance(layer, nn.LeakyReLU):
        one = u.new_ones(())
        return torch.where(u > 0, one, layer.negative_slope * one)
    if isinstance(layer, nn.PReLU):
        return torch.where(u > 0, u.new_ones(()), below(layer, u))
    with torch.enable_grad():
        at = u if u.requires_grad else u.detach().requires_grad_()
        (slope,) = torch.autograd.grad(layer(at).sum(), at, create_graph=True)
    return slope


def below(layer: nn.PReLU, u: Tensor) -> Tensor:
    """Slopes of a PReLU below zero, against `u`."""
    weight = layer.weight
    return weight if weight.numel() == 1 else weight.reshape(-1, *[1] * (u.ndim - 2))


def _made_by(node: object, layer: nn.Linear) -> bool:
    """Whether a node of the graph is the product with this layer's weight."""
    if type(node).__name__ not in ("AddmmBackward0", "MmBackward0"):
        return False
    turned = node.next_functions[-1][0]  # type: ignore[attr-defined]
    if type(turned).__name__ != "TBackward0":
        return False
    return getattr(turned.next_functions[0][0], "variable", None) is layer.weight


def _flat(part: nn.Module, path: str) -> list[tuple[str, nn.Module]]:
    if type(part) is not nn.Sequential or _replaced(part):
        return [(path or "0", part)]
    found = []
    for name, child in part.named_children():
        found += _flat(child, f"{path}.{name}".removeprefix("."))
    return found


def _replaced(layer: nn.Module) -> bool:
    """Whether calling the layer does something that its type does not say."""
    hooks = layer._forward_hooks or layer._forward_pre_hooks
    return bool(hooks) or "forward" in vars(layer)


def _idle(layer: nn.Module) -> bool:
    return getattr(layer, "p", None) == 0.0


def _tell(layer: nn.Module) -> None:
    name = type(layer).__name__
    if name not in _TOLD:
        _TOLD.add(name)
        warnings.warn(
            f"Slopes go through {name} by torch.func, several times slower than through "
            "nn.Sequential of linear, convolutional and activation layers.",
            SpeedWarning,
            stacklevel=2,
        )
