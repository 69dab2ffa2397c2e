import copy

import pytest
import torch
import torch.nn.functional as F
from cases import NETWORKS
from torch import nn

from isthmus import geometry
from isthmus.core import ValueOutOfRange
from isthmus.geometry import tracing
from isthmus.geometry.layers import as_layers, kind, supported
from isthmus.geometry.pieces import MaxPool, max_pool


def through(chain, x):
    for layer in chain:
        x = layer(x)
    return x


class Calls(nn.Module):
    """One function in a forward pass."""

    def __init__(self, function):
        super().__init__()
        self.function = function
        self.weight = nn.Parameter(torch.linspace(-1.0, 1.0, 18).reshape(3, 6))

    def forward(self, x):
        return self.function(self, x)


FUNCTIONS = {
    "relu": lambda net, x: F.relu(x, inplace=True),
    "abs": lambda net, x: torch.abs(x),
    "absolute": lambda net, x: x.absolute(),
    "leaky_relu": lambda net, x: F.leaky_relu(x, 0.3),
    "relu6": lambda net, x: F.relu6(x),
    "prelu": lambda net, x: F.prelu(x, net.weight[0, :2]),
    "hardtanh": lambda net, x: F.hardtanh(x, -0.2, 0.4),
    "clamp": lambda net, x: x.clamp(min=0),
    "clip": lambda net, x: torch.clip(x, -0.5, 0.5),
    "max_pool1d": lambda net, x: F.max_pool1d(x.flatten(2), 2),
    "max_pool2d": lambda net, x: F.max_pool2d(x, kernel_size=2, stride=1),
    "avg_pool1d": lambda net, x: F.avg_pool1d(x.flatten(2), 3),
    "avg_pool2d": lambda net, x: F.avg_pool2d(x, 2, stride=1),
    "adaptive_avg_pool1d": lambda net, x: F.adaptive_avg_pool1d(x.flatten(2), 4),
    "adaptive_avg_pool2d": lambda net, x: F.adaptive_avg_pool2d(x, (2, 1)),
    "flatten": lambda net, x: torch.flatten(x, 1),
    "reshape": lambda net, x: x.reshape(x.shape[0], 3, -1),
    "view": lambda net, x: x.view(x.size(0), -1),
    "interpolate": lambda net, x: F.interpolate(
        x, scale_factor=2.0, mode="bilinear", align_corners=False
    ),
    "dropout": lambda net, x: F.dropout(x, training=net.training),
    "linear": lambda net, x: F.linear(x.flatten(2), net.weight),
    "matmul": lambda net, x: x.flatten(2) @ net.weight.T,
    "contiguous": lambda net, x: x.contiguous().relu_(),
}


def test_every_layer_and_function_has_a_case():
    seen = {type(m) for net, _ in NETWORKS.values() for m in net.modules()}
    assert set(supported()) <= seen
    assert set(FUNCTIONS) == set(tracing._FUNCTIONS)


@pytest.mark.parametrize("name", FUNCTIONS)
def test_functions_become_layers(name):
    net = Calls(FUNCTIONS[name]).eval()
    x = torch.randn(4, 2, 3, 2, generator=torch.Generator().manual_seed(1)).double()
    found = through(as_layers(net), x)
    torch.testing.assert_close(found, net.double()(x.clone()), rtol=0, atol=1e-14)


@pytest.mark.parametrize("name", NETWORKS)
def test_the_chain_is_the_network_which_stays_as_it_is(name):
    net, shape = NETWORKS[name]
    before = copy.deepcopy(net)
    chain = as_layers(net)
    x = torch.randn(5, *shape, generator=torch.Generator().manual_seed(2)).double()
    expected = copy.deepcopy(net).double()(x.clone())
    torch.testing.assert_close(through(chain, x), expected, rtol=1e-14, atol=1e-14)
    for value, old in zip(net.state_dict().values(), before.state_dict().values()):  # noqa: B905
        assert value.dtype == old.dtype
        assert torch.equal(value, old)
    assert as_layers(chain) is chain
    assert {kind(layer) for layer in chain} <= {"linear", "pointwise", "max-pool"}
    assert not any(p.requires_grad for layer in chain for p in layer.parameters())


@pytest.mark.parametrize(
    "arguments",
    [
        (2,),
        (3, 2, 1, 1, True),
        (2, 1, 0, 2),
        ((3, 2), (2, 1), (1, 0), (1, 2), True),
        (4, 3, 2, 1, True),
    ],
)
def test_max_pools_choose_the_windows_that_torch_chooses(arguments):
    layer = max_pool(2, *arguments)
    x = torch.randn(3, 2, 8, 9, generator=torch.Generator().manual_seed(3))
    x[0, :, :4] = 0.0  # ties
    expected, at = F.max_pool2d(x, *arguments, return_indices=True)
    assert torch.equal(layer(x), expected)
    windows = layer.windows((2, 8, 9)).expand(3, -1, -1)
    taken = windows.gather(2, layer.winner(x)[..., None])[..., 0] % 72
    assert torch.equal(taken, at.flatten(1))


class Skip(nn.Module):
    def __init__(self):
        super().__init__()
        self.body = nn.Linear(3, 3)

    def forward(self, x):
        return x + F.relu(self.body(x))


class Twice(nn.Module):
    def forward(self, x):
        return x, x.relu()


class Asks(nn.Module):
    def forward(self, x):
        return x if x.sum() > 0 else -x


class Halves(nn.Module):
    """Its forward pass cannot be traced; its parts can."""

    def __init__(self):
        super().__init__()
        self.encoder, self.decoder = (
            nn.Linear(3, 2),
            nn.Sequential(nn.ReLU(), nn.Linear(2, 3)),
        )

    def forward(self, x):
        if len(x) == 0:
            return x
        return self.decoder(self.encoder(x))


def drops(network):
    return nn.Sequential(nn.Linear(3, 3), network)


@pytest.mark.parametrize(
    ("network", "said"),
    [
        (drops(nn.GELU()), "GELU at '1'.*Use ReLU"),
        (drops(drops(nn.Tanh())), "Tanh at '1.1'"),
        (drops(nn.Sigmoid()), "Sigmoid at '1'.*Strip the sigmoid head"),
        (drops(nn.Softmax(1)), "Softmax at '1'.*Strip"),
        (drops(nn.LayerNorm(3)), "LayerNorm.*BatchNorm in eval"),
        (drops(nn.Flatten(0)), "Flatten at '1'"),
        (drops(nn.MaxPool1d(2, return_indices=True)), "MaxPool1d at '1'"),
        (nn.Upsample(scale_factor=2, mode="bicubic"), "Upsample"),
        (Calls(lambda net, x: torch.sigmoid(x)), "the function sigmoid.*Strip the head"),
        (Calls(lambda net, x: F.gelu(x)), "the function gelu"),
        (Calls(lambda net, x: x.clamp(max=0)), "the function clamp"),
        (Calls(lambda net, x: x.flatten()), "the function flatten"),
        (Calls(lambda net, x: x.reshape(2, 3)), "the function reshape"),
        (Calls(lambda net, x: x.relu() @ x), "a branch at 'matmul'"),
        (Skip(), "a branch at 'add'.*skip connection"),
        (Twice(), "a branch at 'output'"),
        (Asks(), "Asks.*TraceError"),
        (3, "torch.nn.Module; got int"),
        ((3,), "torch.nn.Module; got tuple"),
    ],
)
def test_what_is_no_chain_is_refused_by_name(network, said):
    if isinstance(network, nn.Module):
        network.eval()
    with pytest.raises(ValueOutOfRange, match=rf"`f\(network=.*{said}"):
        as_layers(network, call="f")


@pytest.mark.parametrize(
    ("layer", "said"),
    [
        (nn.Dropout(), "Dropout at '1' in training mode.*eval"),
        (nn.BatchNorm1d(3), "BatchNorm1d at '1' in training mode"),
        (
            Calls(lambda net, x: F.dropout(x, training=net.training)),
            "Dropout at 'dropout' in training mode",
        ),
    ],
)
def test_training_mode_is_refused(layer, said):
    with pytest.raises(ValueOutOfRange, match=said):
        as_layers(drops(layer))
    as_layers(drops(layer).eval())


def test_layers_that_tracing_cannot_see_through_are_refused():
    net = drops(nn.ReLU()).eval()
    handle = net[0].register_forward_hook(lambda *_: None)
    with pytest.raises(ValueOutOfRange, match="Linear with hooks at '0'"):
        as_layers(net)
    handle.remove()
    net[0].weight.data[0, 0] = torch.nan
    with pytest.raises(ValueOutOfRange, match="NaN or infinity in Linear at '0'"):
        as_layers(net)
    with pytest.raises(ValueOutOfRange, match="running statistics"):
        as_layers(nn.BatchNorm1d(3, track_running_stats=False).eval())


def test_parametrised_weights_are_taken_as_they_are():
    net = nn.Sequential(nn.utils.parametrizations.orthogonal(nn.Linear(3, 3))).eval()
    x = torch.eye(3).double()
    expected = F.linear(x, net[0].weight.double(), net[0].bias.double())
    torch.testing.assert_close(through(as_layers(net), x), expected)
    assert type(net[0]) is not nn.Linear


class Tied(nn.Module):
    """A layer whose weight belongs to another one."""

    def __init__(self, owner):
        super().__init__()
        self.owner, self.bias = (owner,), nn.Parameter(torch.ones(3))

    def forward(self, x):
        return F.linear(x, self.owner[0].weight.T, self.bias)


def test_weights_of_other_layers_are_taken_as_they_are():
    first = nn.Linear(3, 2)
    for net, width in ((nn.Sequential(first, nn.ReLU(), Tied(first)), 3), (Tied(first), 2)):
        names = set(vars(net))
        x = torch.ones(1, width)
        found = through(as_layers(net), x.double())
        torch.testing.assert_close(found.float(), net(x), rtol=1e-6, atol=1e-6)
        assert set(vars(net)) == names


def test_a_forward_pass_that_asks_is_refused_and_its_parts_are_not():
    net = Halves().eval()
    with pytest.raises(ValueOutOfRange, match=r"Halves.*nn.Sequential\(encoder, decoder\)"):
        as_layers(net)
    x = torch.ones(1, 3)
    found = through(as_layers(nn.Sequential(net.encoder, net.decoder)), x.double())
    torch.testing.assert_close(found.float(), net(x))


@pytest.mark.parametrize("name", NETWORKS)
def test_chains_are_networks_too(name):
    net, shape = NETWORKS[name]
    chain = as_layers(net)
    x = torch.ones(2, *shape).double()
    again = as_layers(nn.Sequential(*chain))
    assert torch.equal(through(again, x), through(chain, x))


def test_names_of_the_package():
    assert all(getattr(geometry, name) is not None for name in geometry.__all__)
    assert isinstance(as_layers(nn.MaxPool1d(2))[0], MaxPool)


def replaced():
    layer = nn.Linear(3, 3)
    layer.forward = lambda x: 7.0 * x
    return layer


@pytest.mark.parametrize(
    ("network", "said"),
    [
        (replaced(), "whose forward was replaced"),
        (nn.Linear(3, 3, device="meta"), "real weights in memory; got none in Linear"),
        (nn.Linear(3, 3, dtype=torch.complex64), "got complex ones in Linear"),
        ((nn.Linear(3, 3), nn.Sigmoid()), "got tuple"),
        ((nn.Linear(3, 3), nn.Dropout()), "got tuple"),
    ],
)
def test_what_would_be_taken_for_something_else_is_refused(network, said):
    with pytest.raises(ValueOutOfRange, match=said):
        as_layers(network)


def test_a_layer_without_units_makes_constant_maps():
    with pytest.warns(UserWarning, match="zero-element"):
        network = nn.Sequential(nn.Linear(3, 0), nn.ReLU(), nn.Linear(0, 2)).eval()
    (found,) = geometry.affine_maps(network, torch.ones(4, 3))
    assert found.slope.shape == (4, 2, 3)
    assert not found.slope.any()
    torch.testing.assert_close(found.offset[0], network[2].bias.detach().double())
