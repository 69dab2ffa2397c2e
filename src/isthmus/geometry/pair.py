"""An encoder and a decoder as float64 functions of flat rows, and their slopes."""

from __future__ import annotations

import copy
import dataclasses
from typing import Any, NoReturn

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor, nn

from isthmus.core.door import real_array
from isthmus.core.errors import DataError, ValueOutOfRange
from isthmus.geometry.layers import Layers, as_layers
from isthmus.geometry.pieces import Reshape

Rows = Float[Tensor, "_ _"]

_MOST = 1e150
_MIXING = (nn.modules.dropout._DropoutNd, nn.modules.batchnorm._NormBase)


@dataclasses.dataclass(frozen=True, eq=False)
class Pair:
    """Encoder and decoder as chains from flat rows to flat rows, float64.

    Attributes:
        encoder: Rows "sample input" to codes "sample code".
        decoder: Codes to rows.
        shape: Of one row as it was given.
        n_input: Columns of a flat row.
        n_code: Columns of a flat code.
        smooth: Why there are no regions, one sentence; None where there are.
    """

    encoder: Layers
    decoder: Layers
    shape: tuple[int, ...]
    n_input: int
    n_code: int
    smooth: str | None

    @property
    def whole(self) -> Layers:
        """Decoder after encoder."""
        return (*self.encoder, *self.decoder)

    def rows(self, name: str, x: Any) -> Rows:
        """Flat rows of the networks' device, checked.

        Raises:
            DataError: If they are not finite, or of another shape than the first ones.
        """
        given = _tensor(name, x)
        if tuple(given.shape[1:]) != self.shape or len(given) == 0:
            raise DataError(
                f"`{name}` must have at least one row, each of shape {self.shape}; got "
                f"shape {tuple(given.shape)}. Encoder, train and test rows must agree."
            )
        return given.flatten(1).to(_device(self.whole))


def pair(call: str, encoder: object, decoder: object, x: Any, *, smooth: bool) -> Pair:
    """Take two modules and a first set of rows for what they do to flat rows.

    Args:
        call: Function that was asked, for messages.
        encoder: Module in eval.
        decoder: Module in eval, of the encoder's codes as they are.
        x: Rows "sample ...", array or tensor.
        smooth: Whether other than piecewise-affine modules are taken, too.

    Raises:
        ValueOutOfRange: If a module cannot be used, or the decoder's output is no row.
        DataError: If rows are not finite.
    """
    given = _tensor(f"{call}(x=...)", x)
    if given.ndim < 2 or given.numel() == 0:
        raise DataError(
            f"`{call}(x=...)` must have rows and columns; got shape {tuple(given.shape)}. "
            "One row per sample, flat or as the encoder takes it."
        )
    first, why_first = _chain(call, "encoder", encoder, smooth)
    second, why_second = _chain(call, "decoder", decoder, smooth)
    shape = tuple(given.shape[1:])
    one = given[:1].to(_device((*first, *second)))
    code = _tried(call, "encoder", first, one)
    back = _tried(call, "decoder", second, code)
    if code.numel() == 0:
        raise ValueOutOfRange(
            f"`{call}(encoder=...)` must give codes of at least one number; got none."
        )
    if back[0].numel() != one[0].numel():
        raise ValueOutOfRange(
            f"`{call}(encoder, decoder)` must give rows as long as they take, "
            f"{one[0].numel()}; got {back[0].numel()} from an input of shape {shape} and a "
            f"code of shape {tuple(code.shape[1:])}. Decoder after encoder must "
            "reconstruct the input."
        )
    return Pair(
        (*_reshaped(shape), *first, *_flattened(code)),
        (*_reshaped(tuple(code.shape[1:])), *second, *_flattened(back)),
        shape,
        one[0].numel(),
        code[0].numel(),
        why_first or why_second,
    )


def run(chain: Layers, x: Float[Tensor, ...]) -> Float[Tensor, ...]:
    """Apply one layer after the other."""
    for layer in chain:
        x = layer(x)
    return x


def slopes(chain: Layers, x: Rows) -> tuple[Rows, Float[Tensor, "sample column out"]]:
    """Values of a chain, smooth or not, and its derivatives along every input column.

    Exact to rounding; at a kink of a piecewise-affine chain, a slope that one of its sides
    or a mean of both has. The pull-back of v along the chain is linear in v, and its
    derivative by v is the slope: 1.3 times the cost of pushing columns, for any module.
    """
    with torch.enable_grad():
        x = x.detach().requires_grad_()
        value = run(chain, x)
        if not value.requires_grad:
            return value, x.new_zeros(*x.shape, value.shape[1])
        weight = torch.zeros_like(value, requires_grad=True)
        (pulled,) = torch.autograd.grad(value, x, weight, create_graph=True)
        columns = [
            torch.autograd.grad(pulled[:, i].sum(), weight, retain_graph=True)[0]
            for i in range(x.shape[1])
        ]
    return value.detach(), torch.stack(columns, dim=1)


def _chain(
    call: str, name: str, network: object, smooth: bool
) -> tuple[Layers, str | None]:
    try:
        return as_layers(network, call=call), None
    except ValueOutOfRange as error:
        if not smooth or not isinstance(network, nn.Module):
            raise
        reason = str(error)
    if any(t.is_meta for t in (*network.parameters(), *network.buffers())):
        raise ValueOutOfRange(reason)
    for path, layer in network.named_modules():
        if not isinstance(layer, _MIXING):
            continue
        mixing = getattr(layer, "running_mean", layer) is None
        if layer.training or mixing:
            state = "without running statistics" if mixing else "in training mode"
            raise ValueOutOfRange(
                f"`{call}({name}=...)` must be in eval mode and take every row by itself; "
                f"got {type(layer).__name__} at '{path}' {state}. Call .eval() on the "
                "network first; batch norms need track_running_stats=True."
            )
    return (_Apart(copy.deepcopy(network).double().requires_grad_(False)),), reason


class _Apart(nn.Module):
    """A network that may overwrite what it is given: it is given a copy."""

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network

    def forward(self, x: Tensor) -> Any:
        return self.network(x.clone())


def _tried(call: str, name: str, chain: Layers, one: Tensor) -> Tensor:
    try:
        with torch.no_grad():
            answer = run(chain, one)
    except (RuntimeError, ValueError, TypeError, IndexError) as error:
        found = " ".join(str(error).split())[:200]
        _refuse(call, name, one, f"an error of torch: {found}")
    if not torch.is_tensor(answer) or answer.ndim < 2 or len(answer) != 1:
        _refuse(call, name, one, f"{type(answer).__name__} instead of one row each")
    if not bool(torch.isfinite(answer).all()):
        _refuse(call, name, one, "NaN or infinity")
    if any(isinstance(layer, _Apart) for layer in chain):
        _check_alone(call, name, chain, one, answer)
    return answer


def _check_alone(call: str, name: str, chain: Layers, one: Tensor, answer: Tensor) -> None:
    """Refuse a network that answers a row otherwise where other rows are beside it."""
    with torch.no_grad():
        beside = run(chain, torch.cat([one, 2.0 * one + 1.0]))
    size = float(answer.abs().max()) if answer.numel() else 0.0
    same = len(beside) == 2 and torch.allclose(beside[:1], answer, 1e-6, 1e-6 * size)
    if not same:
        _refuse(
            call,
            name,
            one,
            "another answer for a row where a second one is beside it (random numbers, or "
            "statistics of the batch)",
        )


def _refuse(call: str, name: str, one: Tensor, got: str) -> NoReturn:
    raise ValueOutOfRange(
        f"`{call}({name}=...)` must turn rows of shape {tuple(one.shape[1:])} into finite "
        f"rows, one tensor; got {got}. Give rows in the shape that the encoder takes, and "
        "the decoder of its codes."
    )


def _reshaped(shape: tuple[int, ...]) -> Layers:
    return () if len(shape) == 1 else (Reshape(shape),)


def _flattened(output: Tensor) -> Layers:
    return () if output.ndim == 2 else (nn.Flatten(),)


def _tensor(name: str, x: Any) -> Tensor:
    if torch.is_tensor(x) and not x.is_complex():
        given = x.detach().double()
    else:
        given = torch.from_numpy(np.ascontiguousarray(real_array(name, x)))
    if not bool((given.abs() <= _MOST).all()):
        raise DataError(
            f"`{name}` must be finite and at most {_MOST:.0e} in size, so that squares are "
            "numbers; it holds larger values, NaN or infinity. Fill or drop such rows, or "
            "divide the data by a constant."
        )
    return given


def _device(chain: Layers) -> torch.device:
    tensors = (t for layer in chain for t in (*layer.parameters(), *layer.buffers()))
    first = next(tensors, None)
    return torch.device("cpu") if first is None else first.device
