"""Slopes carried explicitly are those of automatic differentiation."""

import numpy as np
import pytest
import torch
from helpers import unchecked
from torch import nn

from isthmus.core import SpeedWarning, ValueOutOfRange
from isthmus.geometry import affine_map
from isthmus.models import ConvolutionalAutoencoder, DenseAutoencoder
from isthmus.models.layers import ACTIVATIONS
from isthmus.training.penalties import chains
from isthmus.training.penalties.chains import along, along_graph, chain_of
from isthmus.training.penalties.slopes import (
    pull,
    pull_by_grad,
    push,
    slopes_by_func,
    unit_columns,
)


def dense(activation, tied=False):
    options = {"activation": activation, "code_activation": activation, "tied": tied}
    return DenseAutoencoder(6, 3, hidden_layer_sizes=(7, 5), rng=0, **options).double()


PARTS = {name: dense(name).encoder for name in ACTIVATIONS} | {
    "tied decoder": dense("prelu", tied=True).decoder,
    "channels": nn.Sequential(nn.Linear(6, 4), nn.PReLU(4), nn.ReLU6()).double(),
    "images": ConvolutionalAutoencoder((4, 4), 3, channels=(2, 3), rng=0).double().encoder,
    "to images": ConvolutionalAutoencoder((4, 4), 3, channels=(2, 3), rng=0)
    .double()
    .decoder,
}
with torch.no_grad():
    for part in PARTS.values():  # units on both sides of every kink
        for weight in part.parameters():
            weight *= 3.0


def rows(part, n=5):
    first = next(m for m in part.modules() if hasattr(m, "weight") and m.weight.ndim > 1)
    width = first.weight.shape[1] if first.weight.ndim == 2 else 16
    torch.manual_seed(1)
    return torch.randn(n, width, dtype=torch.float64)


def reference(part, x):
    """By autograd, row by row: torch's vmap cannot take the weights of a PReLU."""
    jacobian = torch.autograd.functional.jacobian
    return torch.stack(
        [jacobian(lambda r: part(r[None])[0], row, create_graph=True) for row in x]
    )


@pytest.mark.parametrize("name", sorted(PARTS))
def test_columns_and_rows_are_those_of_autograd(name):
    part = PARTS[name]
    x = rows(part)
    around = along(chain_of(part), x)
    expected = reference(part, x)
    columns = push(around, unit_columns(tuple(x.shape[1:]), x)).flatten(2)
    torch.testing.assert_close(
        columns.transpose(1, 2).expand_as(expected), expected, rtol=0, atol=1e-12
    )
    functionals = pull(around, unit_columns(tuple(part(x).shape[1:]), x)).flatten(2)
    torch.testing.assert_close(
        functionals.expand_as(expected), expected, rtol=0, atol=1e-12
    )
    fallback = slopes_by_func(part, x).transpose(1, 2)
    torch.testing.assert_close(fallback, expected, rtol=0, atol=1e-12)
    unit = torch.eye(expected.shape[1], dtype=x.dtype).expand(len(x), -1, -1)
    torch.testing.assert_close(pull_by_grad(part, x, unit), expected, rtol=0, atol=1e-12)


@pytest.mark.parametrize("name", sorted(PARTS))
def test_gradients_of_slopes_are_those_of_autograd(name):
    part = PARTS[name]
    x = rows(part)
    weights = [p for p in part.parameters() if p.requires_grad]
    expected = reference(part, x)
    factors = torch.randn_like(expected)
    wanted = torch.autograd.grad((expected * factors).sum(), weights, allow_unused=True)
    eye = unit_columns(tuple(x.shape[1:]), x)
    found = push(along(chain_of(part), x), eye).flatten(2).transpose(1, 2)
    got = torch.autograd.grad((found * factors).sum(), weights, allow_unused=True)
    for a, b in zip(got, wanted, strict=True):
        a, b = (torch.zeros(()) if g is None else g for g in (a, b))
        torch.testing.assert_close(a.expand_as(b), b.to(a), rtol=1e-9, atol=1e-10)


@pytest.mark.parametrize("name", ["relu", "leaky-relu"])
def test_the_graph_of_a_pass_tells_what_a_new_pass_tells(name):
    part, other = dense(name).encoder, dense(name).encoder
    layers, x = chain_of(part), rows(part)
    codes = part(x)
    kept, anew = along_graph(layers, codes), along(layers, x)
    for a, b in zip(kept.slopes, anew.slopes, strict=True):
        assert (a is None and b is None) or torch.equal(a, b)
    codes.sum().backward()
    assert along_graph(layers, codes) is None
    assert along_graph(layers, other(x)) is None
    assert along_graph(layers, part(x) + 1.0) is None
    assert along_graph(layers, part(x).detach()) is None
    smooth = dense("tanh").encoder
    assert along_graph(chain_of(smooth), smooth(x)) is None


def test_slopes_are_those_of_geometry():
    part = dense("leaky-relu").decoder
    z = torch.randn(4, 3, dtype=torch.float64)
    found = push(along(chain_of(part), z), unit_columns((3,), z))
    slope = affine_map(part, z).slope
    torch.testing.assert_close(found.transpose(1, 2), slope, rtol=0, atol=1e-12)


def test_other_layers_go_by_torch_func_which_is_told_once():
    part = nn.Sequential(nn.Linear(4, 3), nn.LayerNorm(3)).double()
    chains._TOLD.clear()
    with pytest.warns(SpeedWarning, match="LayerNorm by torch.func"):
        assert chain_of(part) is None
    assert chain_of(part) is None  # a second warning would be an error here


def test_hooks_hide_what_a_layer_computes():
    part = nn.Sequential(nn.Linear(4, 3), nn.ReLU())
    part[1].register_forward_hook(lambda *_: None)
    chains._TOLD.clear()
    with pytest.warns(SpeedWarning, match="ReLU by torch.func"):
        assert chain_of(part) is None


@pytest.mark.parametrize("layer", [nn.BatchNorm1d(3), nn.Dropout(0.5)])
def test_layers_that_mix_rows_or_draw_are_refused_by_name(layer):
    part = nn.Sequential(nn.Linear(4, 3), nn.Sequential(layer))
    with pytest.raises(ValueOutOfRange, match=f"{type(layer).__name__} at '1.0'"):
        chain_of(part)


def test_layers_that_torch_cannot_differentiate_are_named():
    class Rounded(nn.Module):
        def forward(self, x):
            return torch.from_numpy(np.round(x.detach().numpy()))

    with pytest.raises(ValueOutOfRange, match="among Rounded one cannot be"):
        unchecked(slopes_by_func)(Rounded(), torch.ones(2, 3))
