"""Any piecewise-affine torch network as a plain chain of layers."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any, Literal, NoReturn

import torch
from torch import nn
from torch.nn.utils import parametrize

from isthmus.core.errors import ValueOutOfRange
from isthmus.geometry.pieces import (
    MADE,
    Affine,
    Kinked,
    MaxPool,
    clipped,
    max_pool,
    relu_like,
)
from isthmus.geometry.tracing import traced

Layers = tuple[nn.Module, ...]

_COPIED = (
    nn.Linear,
    nn.Conv1d,
    nn.Conv2d,
    nn.ConvTranspose1d,
    nn.ConvTranspose2d,
    nn.AvgPool1d,
    nn.AvgPool2d,
    nn.AdaptiveAvgPool1d,
    nn.AdaptiveAvgPool2d,
    nn.Upsample,
    nn.UpsamplingNearest2d,
    nn.UpsamplingBilinear2d,
    nn.Flatten,
    nn.Unflatten,
)
_OWN = (*MADE, *_COPIED)
_DROPPED = (nn.Identity, nn.Dropout, nn.Dropout1d, nn.Dropout2d, nn.AlphaDropout)
_NORMS = (nn.BatchNorm1d, nn.BatchNorm2d)
_INSTEAD = {
    "Sigmoid": "Strip the sigmoid head, or use a linear one",
    "Softmax": "Strip the softmax head",
    "LogSoftmax": "Strip the softmax head",
    "LayerNorm": "Use BatchNorm in eval, whose scale does not depend on the row",
    "DataParallel": "Pass its .module",
}


def as_layers(network: object, *, call: str = "as_layers") -> Layers:
    """Flatten a network into a chain of layers that are linear, kinked or max-pools.

    Nested modules are followed through their forward pass by torch.fx. Dropout in eval and
    identities vanish; batch norm in eval becomes :class:`~isthmus.geometry.pieces.Affine`,
    every activation :class:`~isthmus.geometry.pieces.Kinked`, every max-pool
    :class:`~isthmus.geometry.pieces.MaxPool`; all others are copies in float64. The network
    itself is not changed.

    Args:
        network: A module in eval that applies one layer after the other; or what this
            function returned, which comes back as it is.
        call: Function that was asked, for messages.

    Returns:
        The chain, on the network's device.

    Raises:
        ValueOutOfRange: If a layer is not piecewise affine, or in training mode; if the
            forward pass branches or cannot be traced. The message names the layer.

    Examples:
        >>> chain = as_layers(nn.Sequential(nn.Linear(3, 2), nn.ReLU()).eval())
        >>> [kind(layer) for layer in chain]
        ['linear', 'pointwise']
    """
    if isinstance(network, tuple) and all(isinstance(m, _OWN) for m in network):
        return network
    if not isinstance(network, nn.Module):
        _refuse(
            call,
            "be a torch.nn.Module",
            f"{type(network).__name__}",
            "Wrap functions in a module; pass an estimator's network_",
        )
    layers = []
    plain = getattr(network, "_orig_mod", network)  # what torch.compile wraps
    for path, part in traced(plain, call):
        layer = part if isinstance(part, MADE) else _converted(part, path, call)
        if layer is not None:
            layers.append(_frozen(layer, path, call))
    return tuple(layers)


def kind(layer: nn.Module) -> Literal["linear", "pointwise", "max-pool"]:
    """What a layer of a chain is: linear (affine), kinked at thresholds, or a max-pool.

    Examples:
        >>> kind(nn.Flatten())
        'linear'
    """
    if isinstance(layer, Kinked):
        return "pointwise"
    return "max-pool" if isinstance(layer, MaxPool) else "linear"


def _converted(layer: nn.Module, path: str, call: str) -> nn.Module | None:
    """Our own layer for one of torch's; None where it does nothing."""
    _check_mode(layer, path, call)
    if parametrize.is_parametrized(layer):
        layer = _plain(layer)
    made = type(layer)
    if made in _DROPPED:
        return None
    if made in _NORMS:
        return _batch_norm(layer, path, call)
    if made in _MAKERS and not getattr(layer, "return_indices", False):
        return _MAKERS[made](layer)
    if made in _COPIED and _keeps_samples(layer):
        return copy.deepcopy(layer)
    name = made.__name__
    return _refuse(
        call,
        "be built of piecewise-affine layers that act on every sample alone",
        f"{_shown(layer)} at '{path}'",
        _INSTEAD.get(name, "Use ReLU, LeakyReLU, PReLU, Hardtanh or abs, or leave it out"),
    )


def _check_mode(layer: nn.Module, path: str, call: str) -> None:
    if layer.training and isinstance(layer, (nn.modules.dropout._DropoutNd, *_NORMS)):
        _refuse(
            call,
            "be in eval mode",
            f"{_shown(layer)} at '{path}' in training mode",
            "Call .eval() on the network first",
        )
    if "forward" in vars(layer):
        _refuse(
            call,
            "have layers that compute what their type does",
            f"{_shown(layer)} at '{path}' whose forward was replaced",
            "Put what it computes into a module of its own",
        )
    if layer._forward_hooks or layer._forward_pre_hooks:
        _refuse(
            call,
            "have no forward hooks, which may change what a layer computes",
            f"{_shown(layer)} with hooks at '{path}'",
            "Remove them (torch.nn.utils.remove_weight_norm, prune.remove, handle.remove)",
        )


def _keeps_samples(layer: nn.Module) -> bool:
    if isinstance(layer, nn.Flatten):
        return layer.start_dim > 0
    if isinstance(layer, nn.Unflatten):
        return isinstance(layer.dim, int) and layer.dim > 0
    if isinstance(layer, nn.Upsample):
        return layer.mode in ("nearest", "nearest-exact", "linear", "bilinear")
    return True


def _batch_norm(layer: Any, path: str, call: str) -> Affine:
    if layer.running_mean is None or layer.running_var is None:
        _refuse(
            call,
            "keep running statistics in its batch norms",
            f"{_shown(layer)} at '{path}', which has none and mixes the rows of a batch",
            "Set track_running_stats=True and train again",
        )
    scale = (layer.running_var.detach().double() + layer.eps).rsqrt()
    if layer.weight is not None:
        scale = scale * layer.weight.detach().double()
    shift = -layer.running_mean.detach().double() * scale
    if layer.bias is not None:
        shift = shift + layer.bias.detach().double()
    return Affine(scale, shift)


def _plain(layer: nn.Module) -> nn.Module:
    """A copy whose parametrised weights are plain numbers."""
    layer = copy.deepcopy(layer)
    for name in list(layer.parametrizations):  # type: ignore[arg-type]
        parametrize.remove_parametrizations(layer, name)
    return layer


def _frozen(layer: nn.Module, path: str, call: str) -> nn.Module:
    layer = layer.double().eval().requires_grad_(False)
    numbers = [*layer.parameters(), *(v for v in vars(layer).values())]
    for value in numbers:
        if isinstance(value, torch.Tensor) and (value.is_meta or value.is_complex()):
            _refuse(
                call,
                "have real weights in memory",
                f"{'none' if value.is_meta else 'complex ones'} in {_shown(layer)} at "
                f"'{path}'",
                "Load its weights, or give real and imaginary parts columns of their own",
            )
        if isinstance(value, torch.Tensor) and not bool(torch.isfinite(value).all()):
            _refuse(
                call,
                "have finite weights",
                f"NaN or infinity in {_shown(layer)} at '{path}'",
                "Load the last good weights",
            )
    return layer


def _prelu(layer: Any) -> Kinked:
    return relu_like("PReLU", layer.weight.detach().double())


def _pool(n_dims: int) -> Callable[[Any], MaxPool]:
    def make(m: Any) -> MaxPool:
        return max_pool(n_dims, m.kernel_size, m.stride, m.padding, m.dilation, m.ceil_mode)

    return make


_MAKERS: dict[type, Callable[[Any], nn.Module]] = {
    nn.ReLU: lambda m: relu_like("ReLU", 0.0),
    nn.LeakyReLU: lambda m: relu_like("LeakyReLU", float(m.negative_slope)),
    nn.PReLU: _prelu,
    nn.ReLU6: lambda m: clipped("ReLU6", 0.0, 6.0),
    nn.Hardtanh: lambda m: clipped("Hardtanh", float(m.min_val), float(m.max_val)),
    nn.MaxPool1d: _pool(1),
    nn.MaxPool2d: _pool(2),
}


def supported() -> tuple[type, ...]:
    """Types of torch layers that :func:`as_layers` takes."""
    return (*_COPIED, *_DROPPED, *_NORMS, *_MAKERS)


def _shown(layer: nn.Module) -> str:
    return layer.name if isinstance(layer, Kinked) else type(layer).__name__


def _refuse(call: str, rule: str, got: str, way_out: str) -> NoReturn:
    raise ValueOutOfRange(f"`{call}(network=...)` must {rule}; got {got}. {way_out}.")
