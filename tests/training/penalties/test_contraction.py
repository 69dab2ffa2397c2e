"""Exact and estimated slopes of the encoder."""

import numpy as np
import pytest
import torch
from helpers import assert_mean_close
from torch import nn

from isthmus.core import SpeedWarning, ValueOutOfRange
from isthmus.geometry import affine_map
from isthmus.models import ConvolutionalAutoencoder, DenseAutoencoder
from isthmus.training.penalties import (
    Contractive,
    CycleConsistency,
    Denoising,
    HigherOrderContractive,
    WeightDecay,
    chains,
)
from isthmus.training.penalties.contraction import _squared


def drawn(*shape, seed=0):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed)).double()


def term(penalty, net, x):
    codes = net.encoder(x)
    return penalty(net, x, codes, net.decoder(codes))


NETS = {
    "narrow": DenseAutoencoder(9, 3, hidden_layer_sizes=(8, 7), rng=0).double(),
    "wide": DenseAutoencoder(3, 9, hidden_layer_sizes=(8,), rng=0).double(),
    "linear": DenseAutoencoder(9, 3, hidden_layer_sizes=(), rng=0).double(),
    "images": ConvolutionalAutoencoder((4, 4), 3, channels=(2, 3), rng=0).double(),
}
WIDTHS = {"narrow": 9, "wide": 3, "linear": 9, "images": 16}


@pytest.mark.parametrize("name", sorted(NETS))
def test_the_exact_term_is_the_frobenius_norm_of_the_affine_map(name):
    net, x = NETS[name], drawn(6, WIDTHS[name])
    slope = affine_map(net.encoder, x).slope
    expected = slope.square().sum(dim=(1, 2)).mean()
    found = term(Contractive(2.0, n_probes=None), net, x)
    torch.testing.assert_close(found.detach(), 2.0 * expected, rtol=1e-12, atol=0.0)


def test_the_exact_higher_order_term_is_of_both_affine_maps():
    net, x = NETS["narrow"], drawn(6, 9)
    penalty = HigherOrderContractive(
        2.0, curvature_weight=3.0, noise_std=1.5, n_probes=None
    )
    torch.manual_seed(4)
    found = term(penalty, net, x)
    torch.manual_seed(4)
    near = torch.randn_like(x) * 1.5 + x
    here, there = (affine_map(net.encoder, part).slope for part in (x, near))
    sizes = [part.square().sum(dim=(1, 2)).mean() for part in (here, here - there)]
    assert sizes[1] > 0.0
    expected = 2.0 * sizes[0] + 3.0 * sizes[1]
    torch.testing.assert_close(found.detach(), expected, rtol=1e-12, atol=0.0)


@pytest.mark.parametrize("name", ["narrow", "wide"])
def test_random_signs_have_the_mean_and_the_variance_of_the_formula(name):
    net, row = NETS[name], drawn(1, WIDTHS[name])
    n = 40_000
    x = row.expand(n, -1)
    torch.manual_seed(0)
    with torch.no_grad():
        found = _squared(net.encoder, x, net.encoder(x), None, 1)[0].numpy()
    slope = affine_map(net.encoder, row).slope[0].numpy()
    small = slope @ slope.T if slope.shape[0] < slope.shape[1] else slope.T @ slope
    assert_mean_close(found, np.trace(small))
    variance = 2.0 * (np.square(small).sum() - np.square(np.diag(small)).sum())
    deviations = np.square(found - np.trace(small))
    assert_mean_close(deviations, variance, bias=1e-3 * variance)
    large = slope.T @ slope if small.shape[0] == slope.shape[0] else slope @ slope.T
    other = 2.0 * (np.square(large).sum() - np.square(np.diag(large)).sum())
    assert variance < other  # and the other side would be worse


def test_more_signs_average():
    net, row = NETS["narrow"], drawn(1, 9)
    x = row.expand(20_000, -1)
    with torch.no_grad():
        codes = net.encoder(x)
        one, four = (_squared(net.encoder, x, codes, None, n)[0].var() for n in (1, 4))
    assert float(one / four) == pytest.approx(4.0, rel=0.15)


def test_encoders_of_other_layers_have_the_same_terms_by_autograd():
    encoder = nn.Sequential(nn.Linear(9, 6), nn.LayerNorm(6), nn.Linear(6, 3))
    net = nn.Sequential()
    net.encoder, net.decoder = encoder.double(), nn.Linear(3, 9).double()
    x = drawn(5, 9)
    chains._TOLD.clear()
    with pytest.warns(SpeedWarning, match="LayerNorm"):
        found = term(Contractive(1.0, n_probes=None), net, x)
    jacobian = torch.stack(
        [torch.autograd.functional.jacobian(lambda r: encoder(r[None])[0], r) for r in x]
    )
    torch.testing.assert_close(found, jacobian.square().sum(dim=(1, 2)).mean())
    assert found.requires_grad


def test_a_bend_where_nothing_bends_is_nothing():
    penalty = HigherOrderContractive(0.0, curvature_weight=1.0, noise_std=9.0, n_probes=3)
    assert term(penalty, NETS["linear"], drawn(4, 9)).item() == 0.0


def test_weight_decay_counts_weights_once_and_no_biases():
    net = DenseAutoencoder(5, 2, hidden_layer_sizes=(4,), tied=True, activation="prelu")
    first, second = net.encoder[0].weight, net.encoder[2].weight
    found = term(WeightDecay(3.0), net, drawn(4, 5).float())
    expected = 1.5 * (first.square().sum() + second.square().sum())
    torch.testing.assert_close(found, expected)
    (grad,) = torch.autograd.grad(found, first)
    torch.testing.assert_close(grad, 3.0 * first.detach())


def test_cycles_teach_the_encoder_alone():
    net, x = NETS["narrow"], drawn(8, 9)
    found = term(CycleConsistency(1.0), net, x)
    grads = torch.autograd.grad(found, list(net.decoder.parameters()), allow_unused=True)
    assert all(g is None for g in grads)
    same = x[:1].expand(8, 9)
    assert term(CycleConsistency(1.0), net, same).item() == 0.0


def test_a_perfect_inverse_has_no_cycle_penalty():
    net = DenseAutoencoder(2, 2, hidden_layer_sizes=(), rng=0).double()
    with torch.no_grad():
        net.encoder[0].weight.copy_(torch.linalg.inv(net.decoder[0].weight))
        net.encoder[0].bias.copy_(-net.encoder[0].weight @ net.decoder[0].bias)
    assert term(CycleConsistency(1.0), net, drawn(8, 2)).item() < 1e-20


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: Contractive(-0.1), "zero or positive"),
        (lambda: Contractive(1.0, n_probes=0), "n_probes"),
        (
            lambda: HigherOrderContractive(1.0, curvature_weight=-1.0, noise_std=1.0),
            "curvature_weight",
        ),
        (
            lambda: HigherOrderContractive(1.0, curvature_weight=1.0, noise_std=0.0),
            "noise_std=...\\)` must be positive",
        ),
        (lambda: Denoising(-1.0), "noise_std"),
        (lambda: WeightDecay(float("inf")), "finite"),
        (lambda: CycleConsistency(1.0, n_pairs=0), "n_pairs"),
    ],
)
def test_arguments_outside_their_domain(make, words):
    with pytest.raises(ValueOutOfRange, match=words):
        make()


def test_text_of_a_penalty_names_its_settings():
    assert repr(Contractive(0.5)) == "Contractive(weight=0.5, n_probes=1)"
