"""Follows a module's forward pass and insists that it is one chain."""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterator
from typing import Any, NoReturn

import torch.nn.functional as F
from torch import Tensor, fx, nn

from isthmus.core.errors import ValueOutOfRange
from isthmus.geometry.pieces import MADE, Reshape, clipped, max_pool, relu_like

_BATCH = object()  # what stands for the number of rows
_HEADS = ("sigmoid", "softmax", "log_softmax")


def traced(network: nn.Module, call: str) -> Iterator[tuple[str, nn.Module]]:
    """Modules in the order in which the forward pass calls them, functions as modules.

    Args:
        network: Any module; nothing in it is changed.
        call: Function that was asked, for messages.

    Yields:
        The path of each layer in the network, and the layer.

    Raises:
        ValueOutOfRange: If the forward pass is no chain, or depends on what it is given.
    """
    root = nn.Sequential(network)
    try:
        graph = _Tracer().trace(root)
    except Exception as error:  # noqa: BLE001 - whatever a forward pass may raise
        _refuse(call, f"'{type(network).__name__}', {type(error).__name__}: {error}")
    yield from _Chain(root, graph, call).layers()


class _Tracer(fx.Tracer):
    """Stops at torch's layers, as torch's own does, and at ours."""

    def is_leaf_module(self, m: nn.Module, module_qualified_name: str) -> bool:
        return isinstance(m, MADE) or super().is_leaf_module(m, module_qualified_name)


class _Chain:
    """Reads a graph node by node; `current` is the one that carries the rows."""

    def __init__(self, root: nn.Module, graph: fx.Graph, call: str) -> None:
        self._root, self._call, self._nodes = root, call, list(graph.nodes)
        self._value: dict[fx.Node, Any] = {}  # what does not depend on the rows
        self._current: fx.Node | None = None

    def layers(self) -> Iterator[tuple[str, nn.Module]]:
        for node in self._nodes:
            if node.op == "placeholder":
                if self._current is None:
                    self._current = node
                continue
            if node.op == "output":
                self._check(node, node.args[0])
            elif not self._is_known(node):
                self._check(node, node.args[0] if node.args else None)
                yield self._path(node), self._layer(node)
                self._current = node

    def _check(self, node: fx.Node, source: Any) -> None:
        others = [n for n in node.all_input_nodes if n not in self._value]
        if source is not self._current or others != [self._current]:
            _refuse(
                self._call,
                f"a branch at '{self._path(node)}' (a skip connection, several inputs or "
                "outputs, or a value that is used again)",
            )

    def _is_known(self, node: fx.Node) -> bool:
        """Whether the value is a constant or a size; if so, it is kept."""
        rows = any(n not in self._value for n in node.all_input_nodes)
        of_shape = node.target is getattr and node.args[1] == "shape"
        if rows and (node.target == "size" or of_shape):
            whole = len(node.args) == 1 or node.target is getattr
            self._value[node] = (
                (_BATCH,) if whole else _BATCH if node.args[1] == 0 else None
            )
            return True
        if rows:
            return False
        args = fx.map_arg(node.args, lambda n: self._value[n])
        kwargs = fx.map_arg(node.kwargs, lambda n: self._value[n])
        self._value[node] = self._constant(node, args, kwargs)
        return True

    def _constant(self, node: fx.Node, args: Any, kwargs: Any) -> Any:
        if node.op == "get_attr":
            return operator.attrgetter(str(node.target))(self._root)
        if args and isinstance(args[0], tuple) and args[0][:1] == (_BATCH,):
            return _BATCH if args[1:] == (0,) else None
        if node.op == "call_module":
            return self._root.get_submodule(str(node.target))(*args, **kwargs)
        if node.op == "call_method":
            return getattr(args[0], str(node.target))(*args[1:], **kwargs)
        return node.target(*args, **kwargs)  # type: ignore[operator]

    def _layer(self, node: fx.Node) -> nn.Module:
        if node.op == "call_module":
            return self._root.get_submodule(str(node.target))
        name = getattr(node.target, "__name__", str(node.target))
        if node.target in _BOOLEAN:
            name = _BOOLEAN[node.target]
        args = fx.map_arg(node.args[1:], lambda n: self._value[n])
        given = fx.map_arg(dict(node.kwargs), lambda n: self._value[n])
        kwargs = {key: value for key, value in given.items() if key != "inplace"}
        maker = _FUNCTIONS.get(name.rstrip("_"))
        layer = None
        if maker is not None:
            try:
                layer = maker(*args, **kwargs)
            except TypeError:
                layer = None
        if layer is None:
            hint = "Strip the head" if name in _HEADS else "Use a layer of torch.nn"
            raise ValueOutOfRange(
                f"`{self._call}(network=...)` must be built of piecewise-affine layers; "
                f"got the function {name} at '{self._path(node)}'. {hint}, or relu, "
                "leaky_relu, hardtanh, abs, pooling, flatten, reshape, of every row alone."
            )
        return layer

    def _path(self, node: fx.Node) -> str:
        path = str(node.target) if node.op == "call_module" else node.name
        return path.removeprefix("0").removeprefix(".")


def _reshape(*shape: Any) -> Reshape | None:
    given = shape[0] if len(shape) == 1 and isinstance(shape[0], (tuple, list)) else shape
    rows, sample = given[0], tuple(given[1:])
    if (rows is not _BATCH and rows != -1) or not all(type(n) is int for n in sample):
        return None
    return Reshape(sample) if rows is _BATCH or -1 not in sample else None


def _flatten(start_dim: int = 0, end_dim: int = -1) -> nn.Module | None:
    return nn.Flatten(start_dim, end_dim) if start_dim > 0 else None


def _linear(weight: Tensor, bias: Tensor | None = None) -> nn.Module:
    layer = nn.Linear(weight.shape[1], weight.shape[0], bias=bias is not None)
    layer.weight = nn.Parameter(weight.detach().clone())
    if bias is not None:
        layer.bias = nn.Parameter(bias.detach().clone())
    return layer


def _matmul(weight: Any) -> nn.Module | None:
    return _linear(weight.T) if isinstance(weight, Tensor) and weight.ndim == 2 else None


def _clamp(min: Any = None, max: Any = None) -> nn.Module | None:  # noqa: A002
    if min == 0 and max is None:
        return relu_like("ReLU", 0.0)
    if min is None or max is None:
        return None
    return clipped("Hardtanh", float(min), float(max))


def _interpolate(
    size: Any = None,
    scale_factor: Any = None,
    mode: str = "nearest",
    align_corners: bool | None = None,
    recompute_scale_factor: bool | None = None,
    antialias: bool = False,
) -> nn.Module | None:
    if antialias:
        return None
    return nn.Upsample(size, scale_factor, mode, align_corners, recompute_scale_factor)


def _dropout(p: float = 0.5, training: bool = True) -> nn.Module:
    return nn.Dropout(p).train(training)


def _pooled(n_dims: int) -> Callable[..., nn.Module | None]:
    def make(*args: Any, return_indices: bool = False, **kwargs: Any) -> nn.Module | None:
        if "kernel_size" in kwargs:
            args = (kwargs.pop("kernel_size"), *args)
        return None if return_indices else max_pool(n_dims, *args, **kwargs)

    return make


_BOOLEAN = {F.max_pool1d: "max_pool1d", F.max_pool2d: "max_pool2d"}
_FUNCTIONS: dict[str, Callable[..., nn.Module | None]] = {
    "relu": lambda: relu_like("ReLU", 0.0),
    "abs": lambda: relu_like("Abs", -1.0),
    "absolute": lambda: relu_like("Abs", -1.0),
    "leaky_relu": lambda negative_slope=0.01: relu_like("LeakyReLU", float(negative_slope)),
    "relu6": lambda: clipped("ReLU6", 0.0, 6.0),
    "prelu": lambda weight: relu_like("PReLU", weight.detach().double()),
    "hardtanh": lambda min_val=-1.0, max_val=1.0: clipped(
        "Hardtanh", float(min_val), float(max_val)
    ),
    "clamp": _clamp,
    "clip": _clamp,
    "max_pool1d": _pooled(1),
    "max_pool2d": _pooled(2),
    "avg_pool1d": nn.AvgPool1d,
    "avg_pool2d": nn.AvgPool2d,
    "adaptive_avg_pool1d": nn.AdaptiveAvgPool1d,
    "adaptive_avg_pool2d": nn.AdaptiveAvgPool2d,
    "flatten": _flatten,
    "reshape": _reshape,
    "view": _reshape,
    "interpolate": _interpolate,
    "dropout": _dropout,
    "linear": _linear,
    "matmul": _matmul,
    "contiguous": nn.Identity,
}


def _refuse(call: str, got: str) -> NoReturn:
    raise ValueOutOfRange(
        f"`{call}(network=...)` must be one chain of layers that torch.fx can follow; got "
        f"{got}. Pass the parts that are chains, as nn.Sequential(encoder, decoder)."
    )
