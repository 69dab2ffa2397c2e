import copy
import io

import numpy as np
import pytest
import torch
from helpers import unchecked
from torch import nn

from isthmus.core import ValueOutOfRange
from isthmus.models import ConvolutionalAutoencoder, DenseAutoencoder
from isthmus.models.layers import ACTIVATIONS

PLAIN = (
    nn.Linear,
    nn.Conv2d,
    nn.ConvTranspose2d,
    nn.Flatten,
    nn.Unflatten,
    *(type(make()) for make in ACTIVATIONS.values()),
)


@pytest.mark.parametrize("activation", sorted(ACTIVATIONS))
def test_parts_are_plain_layers_that_add_up(activation):
    network = DenseAutoencoder(
        7,
        2,
        hidden_layer_sizes=(5, 4),
        activation=activation,
        code_activation="tanh",
        rng=0,
    )
    x = torch.randn(3, 7, generator=torch.Generator().manual_seed(0))
    for part in (network.encoder, network.decoder):
        assert type(part) is nn.Sequential
        assert all(type(layer) in PLAIN for layer in part)
    code = network.encoder(x)
    assert code.shape == (3, 2)
    assert code.abs().max() <= 1
    assert torch.equal(network(x), network.decoder(code))
    sizes = [p.shape for p in network.decoder.parameters() if p.ndim == 2]
    assert sizes == [(4, 2), (5, 4), (7, 5)]
    assert sum(not isinstance(p, nn.Linear) for p in network.decoder) == (
        0 if activation == "identity" else 2
    )


@pytest.mark.parametrize("bias", [True, False])
def test_a_tied_decoder_is_the_transposed_encoder(bias):
    network = DenseAutoencoder(6, 2, hidden_layer_sizes=(4,), tied=True, bias=bias, rng=0)
    network.double()
    x = torch.randn(5, 6, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    first, second = (layer for layer in network.encoder if isinstance(layer, nn.Linear))
    shift = [p.bias if bias else 0.0 for p in (network.decoder[0], network.decoder[-1])]
    hidden = torch.relu(network.encoder(x) @ second.weight + shift[0])
    torch.testing.assert_close(network(x), hidden @ first.weight + shift[1])
    plain = network.plain_decoder()
    assert all(type(layer) in PLAIN for layer in plain)
    torch.testing.assert_close(plain(network.encoder(x)), network(x))
    # The weights are counted once, and their gradient is the sum of both uses.
    assert len(list(network.parameters())) == (6 if bias else 2)
    assert not any("decoder" in n and "weight" in n for n in network.state_dict())
    network(x).sum().backward()
    assert first.weight.grad is not None
    network.decoder[0]._owner[0].weight.data.zero_()
    assert second.weight.abs().max() == 0


def test_tied_weights_survive_copies_and_pickles():
    network = DenseAutoencoder(6, 2, hidden_layer_sizes=(), tied=True, rng=0)
    stream = io.BytesIO()
    torch.save(network, stream)
    stream.seek(0)
    for twin in (copy.deepcopy(network), torch.load(stream, weights_only=False)):
        twin.encoder[0].weight.data.fill_(2.0)
        assert float(twin.decoder[0].weight.detach().min()) == 2.0
        assert float(network.decoder[0].weight.detach().max()) < 1.0


def test_seeds_draw_the_start_and_leave_torch_alone():
    torch.manual_seed(5)
    before = torch.random.get_rng_state()
    first, again, other = (DenseAutoencoder(9, 3, rng=seed) for seed in (1, 1, 2))
    conv = ConvolutionalAutoencoder((4, 4), 2, rng=1)
    assert torch.equal(before, torch.random.get_rng_state())
    for (name, a), b in zip(first.named_parameters(), again.parameters(), strict=True):
        assert torch.equal(a, b), name
    assert not torch.equal(first.encoder[0].weight, other.encoder[0].weight)
    for layer in conv.encoder:
        if hasattr(layer, "weight"):
            bound = layer.weight[0].numel() ** -0.5
            assert 0.5 * bound < layer.weight.abs().max() <= bound
    torch.manual_seed(5)
    mine = DenseAutoencoder(9, 3)
    torch.manual_seed(5)
    assert torch.equal(mine.encoder[0].weight, nn.Linear(9, 128).weight)


def test_starting_weights_are_uniform():
    weight = DenseAutoencoder(400, 2, rng=0).encoder[0].weight.detach().double() * 20.0
    # 51 200 weights: standard errors 0.0026 and 0.0013.
    assert abs(float(weight.mean())) < 0.013
    assert float(weight.square().mean()) == pytest.approx(1 / 3, abs=0.007)


@pytest.mark.parametrize("shape", [(8, 8), (1, 1), (7, 10), (3, 5, 9), (3, 2, 1)])
@pytest.mark.parametrize("channels", [(2,), (2, 3), (4, 3, 2)])
def test_images_come_back_in_their_size(shape, channels):
    network = ConvolutionalAutoencoder(shape, 2, channels=channels, rng=0)
    x = torch.randn(3, int(np.prod(shape)), generator=torch.Generator().manual_seed(0))
    code = network.encoder(x)
    assert code.shape == (3, 2)
    assert torch.equal(network(x), network.decoder(code))
    assert network(x).shape == x.shape
    for part in (network.encoder, network.decoder):
        assert all(type(layer) in PLAIN for layer in part)
    kinds = [type(p).__name__ for p in network.decoder if hasattr(p, "output_padding")]
    assert len(kinds) == len(channels)


def test_convolutions_see_images_in_torch_order():
    network = ConvolutionalAutoencoder((2, 6, 4), 3, channels=(5,), rng=0)
    images = torch.randn(2, 2, 6, 4, generator=torch.Generator().manual_seed(0))
    first = network.encoder[1]
    found = network.encoder[:2](images.flatten(1))
    torch.testing.assert_close(found, first(images))


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda f: f(0, 2), "n_input=...\\)` must be a whole number"),
        (lambda f: f(4, 0), "n_code=...\\)` must be a whole number"),
        (lambda f: f(4, 2, hidden_layer_sizes=(3, 0)), "hidden_layer_sizes"),
        (lambda f: f(4, 2, hidden_layer_sizes="ab"), "a sequence of whole numbers"),
        (
            lambda f: f(4, 2, activation="sine"),
            "activation=...\\)` must be one of identity",
        ),
        (lambda f: f(4, 2, code_activation=3), "code_activation=...\\)` must be one of"),
    ],
)
def test_dense_arguments_outside_their_domain(make, words):
    with pytest.raises(ValueOutOfRange, match=words):
        make(_free(DenseAutoencoder))


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda f: f(4, 2), "\\(height, width\\) or"),
        (lambda f: f((4, 4, 4, 4), 2), "\\(height, width\\) or"),
        (lambda f: f((4, 0), 2), "image_shape"),
        (lambda f: f((4, 4), 2, channels=()), "at least one layer"),
    ],
)
def test_convolutional_arguments_outside_their_domain(make, words):
    with pytest.raises(ValueOutOfRange, match=words):
        make(_free(ConvolutionalAutoencoder))


def _free(cls):
    def make(*args, **kwargs):
        made = cls.__new__(cls)
        unchecked(cls.__init__)(made, *args, **kwargs)
        return made

    return make
