"""What every penalty is held to."""

import inspect

import numpy as np
import pytest
import torch
from cases import PENALTIES

from isthmus.core import DataError, TrainingWarning
from isthmus.models import DenseAutoencoder
from isthmus.training import penalties, train_autoencoder
from isthmus.training.deep_passes import Passes
from isthmus.training.deep_run import Run


def network(seed=0, **options):
    given = {"hidden_layer_sizes": (8, 7), "activation": "leaky-relu"} | options
    return DenseAutoencoder(6, 3, rng=seed, **given)


def rows(n=20):
    rng = np.random.default_rng(3)
    return rng.standard_normal((n, 6))


def value(penalty, net, x, codes=None):
    torch.manual_seed(7)
    given, _ = penalty.pair(x)
    codes = net.encoder(given) if codes is None else codes
    return penalty(net, given, codes, net.decoder(codes))


def test_every_penalty_has_a_case():
    public = {
        name
        for name in penalties.__all__
        if inspect.isclass(getattr(penalties, name))
        and issubclass(getattr(penalties, name), penalties.AbstractPenalty)
        and name != "AbstractPenalty"
    }
    assert public == {type(make()).__name__ for make in PENALTIES.values()}


def free(name, net, penalty):
    """Parameters that the penalty is a function of; what it holds fixed left out."""
    if name == "cycle":
        return list(net.encoder.parameters())
    if name == "orbit":
        return list(net.parameters())
    return [*net.parameters(), *penalty.parameters()]


@pytest.mark.parametrize("activation", ["leaky-relu", "tanh"])
@pytest.mark.parametrize("name", sorted(PENALTIES))
def test_gradients_are_those_of_central_differences(name, activation):
    if activation == "tanh" and name in ("lie-2 exact", "lie-2 halved"):
        activation = "prelu"
    net = network(activation=activation).double()
    penalty = PENALTIES[name]().double()
    x = torch.tensor(rows())
    codes = None if "contractive" in name or name == "higher-order" else net.encoder(x)
    codes = codes if codes is None else codes.detach()
    parameters = free(name, net, penalty)
    term = value(penalty, net, x, codes)
    if name == "denoising":
        assert term.item() == 0.0
        return
    grads = torch.autograd.grad(term, parameters, allow_unused=True)
    torch.manual_seed(11)
    groups = [parameters[:4], parameters[4 : len(list(net.parameters()))]]
    groups.append(parameters[len(list(net.parameters())) :])
    step = 1e-6
    for group in [g for g in groups if g]:
        chosen = {id(p) for p in group}
        moves = [
            torch.randn_like(p) if id(p) in chosen else torch.zeros_like(p)
            for p in parameters
        ]
        expected = sum(
            float((g * m).sum()) for g, m in zip(grads, moves, strict=True) if g is not None
        )
        found = []
        for sign in (1.0, -1.0):
            with torch.no_grad():
                for p, m in zip(parameters, moves, strict=True):
                    p += sign * step * m
            found.append(float(value(penalty, net, x, codes).detach()))
            with torch.no_grad():
                for p, m in zip(parameters, moves, strict=True):
                    p -= sign * step * m
        slope = (found[0] - found[1]) / (2.0 * step)
        # The ridge of 1e-6 moves with the weights and is held fixed for the gradient.
        assert slope == pytest.approx(expected, rel=2e-5, abs=1e-8 * abs(term.item()))


@pytest.mark.parametrize("name", sorted(PENALTIES))
def test_terms_are_finite_numbers_of_the_networks_type(name):
    for net in (network(), network().double()):
        penalty = PENALTIES[name]().to(net.encoder[0].weight)
        x = torch.tensor(rows()).to(net.encoder[0].weight)
        term = value(penalty, net, x)
        assert term.shape == ()
        assert term.dtype == x.dtype
        assert term.item() >= 0.0 or name == "denoising"
        one = value(penalty, net, x[:1])  # a batch of one
        assert bool(one.isfinite())
        (one + net(x[:1]).sum()).backward()


@pytest.mark.parametrize("name", sorted(PENALTIES))
def test_a_loop_of_ones_own_makes_the_term_smaller(name):
    if name == "denoising":
        return
    net, penalty = network().double(), PENALTIES[name]().double()
    x = torch.tensor(rows())
    optimiser = torch.optim.Adam([*net.parameters(), *penalty.parameters()], lr=3e-3)
    before = value(penalty, net, x).item()
    for _ in range(12):
        optimiser.zero_grad()
        value(penalty, net, x).backward()
        optimiser.step()
    assert value(penalty, net, x).item() < before


def train(net, penalty, x=None, **options):
    given = {"n_epochs": 3, "batch_size": 8, "rng": 3, "device": "cpu"} | options
    x = rows(33) if x is None else x  # the last batch has one row
    return train_autoencoder(net, x, penalty=penalty, learning_rate=1e-3, **given)


def weights(*parts):
    values = [p.detach().numpy().ravel() for part in parts for p in part.parameters()]
    return np.concatenate([np.zeros(0), *values])


@pytest.mark.parametrize("name", ["lie-1 low", "lie-1 known", "higher-order", "sum"])
def test_an_interrupted_run_ends_with_the_same_bits(name, tmp_path, monkeypatch):
    options = {"validation": rows(9), "n_epochs": 4}
    whole, alone = network(), PENALTIES[name]()
    train(whole, alone, **options)
    path = tmp_path / "run.safetensors"
    write, seen = Run.write, []

    def write_and_stop(self, *args):
        write(self, *args)
        seen.append(1)
        if len(seen) == 2:
            raise KeyboardInterrupt

    monkeypatch.setattr(Run, "write", write_and_stop)
    with pytest.raises(KeyboardInterrupt):
        train(network(), PENALTIES[name](), **options, checkpoint=path)
    monkeypatch.setattr(Run, "write", write)
    net, penalty = network(8), PENALTIES[name]()
    with torch.no_grad():
        for part in penalty.parameters():
            part += 1.0  # all of the state must come from the file
    found = train(net, penalty, **options, checkpoint=path)
    assert found.resumed_at == 2
    np.testing.assert_array_equal(weights(net, penalty), weights(whole, alone))
    with pytest.raises(DataError, match="settings: penalty"):
        train(network(), penalties.Contractive(0.1), **options, checkpoint=path)


def test_generators_are_trained_without_weight_decay():
    penalty = penalties.Lie1(0.0, penalties.Generators(6, 2, rng=0))
    before = weights(penalty)
    net = network()
    start = weights(net)
    train(net, penalty, weight_decay=0.5)
    np.testing.assert_array_equal(weights(penalty), before)
    trained = penalties.Lie1(1.0, penalties.Generators(6, 2, rng=0))
    train(network(), trained)
    assert not np.allclose(weights(trained), before)
    assert not np.allclose(weights(net), start)


def test_a_penalty_of_weight_zero_changes_nothing():
    plain, same = network(), network()
    train(plain, None)
    train(same, penalties.Lie2(0.0, penalties.Generators(6, 2, rng=0)))
    np.testing.assert_array_equal(weights(plain), weights(same))


class Blind(penalties.WeightDecay):
    """Gives the network nothing, and wants all back."""

    def pair(self, batch):
        return 0.0 * batch, batch


def test_the_trainer_gives_one_thing_and_wants_another():
    x, net = rows(8), network()
    with torch.no_grad():
        blank = net(torch.zeros(8, 6)).numpy()
    found = train(net, Blind(0.0), x=x, n_epochs=1)
    assert found.history.mse[0] == pytest.approx(np.mean((blank - x) ** 2), rel=1e-5)


class Bomb(penalties.AbstractPenalty):
    """NaN from its third epoch on."""

    def __init__(self, value):
        super().__init__()
        self.weight, self._value, self._calls = 1.0, value, 0

    def forward(self, network, batch, codes, reconstruction):
        self._calls += 1
        return codes.sum() * 0.0 + (self._value if self._calls > 2 * 5 + 1 else 0.0)


@pytest.mark.parametrize("bad", [float("nan"), float("inf")])
def test_a_penalty_that_is_no_number_is_named_and_costs_one_epoch(bad, tmp_path):
    net, path = network(), tmp_path / "run.safetensors"
    with pytest.warns(TrainingWarning, match="penalty Bomb was not finite in epoch 3"):
        found = train(net, Bomb(bad), n_epochs=5, schedule="constant", checkpoint=path)
    assert (found.reason, found.best_epoch) == ("exploded", 2)
    good = network()
    train(good, None, n_epochs=2, schedule="constant")
    np.testing.assert_array_equal(weights(net), weights(good))
    with pytest.warns(TrainingWarning, match="penalty Bomb"):
        again = train(
            network(4), Bomb(bad), n_epochs=5, schedule="constant", checkpoint=path
        )
    np.testing.assert_array_equal(weights(again.network), weights(net))


def test_passes_train_penalties_and_take_them_back():
    settings = {"batch_size": 8, "learning_rate": 1e-2}
    lie = penalties.Lie1(1.0, penalties.Generators(6, 2, rng=0))
    before = weights(lie)
    x = rows(24).astype(np.float32)
    Passes(network(), settings, rng=0, penalty=lie).one(x)
    assert not np.allclose(weights(lie), before)
    net, bomb = network(), Bomb(float("nan"))
    bomb._calls = 100
    start = weights(net)
    with pytest.warns(TrainingWarning, match="weights before it are kept"):
        Passes(net, settings, rng=0, penalty=bomb).one(x)
    np.testing.assert_array_equal(weights(net), start)


def test_half_precision_products_leave_penalties_whole():
    seen = []

    class Watcher(penalties.WeightDecay):
        def forward(self, network, batch, codes, reconstruction):
            seen.append((codes.dtype, torch.is_autocast_enabled("cpu")))
            return super().forward(network, batch, codes, reconstruction)

    train(network(), Watcher(0.1), mixed_precision=True, n_epochs=1)
    assert set(seen) == {(torch.float32, False)}
    both = network(), penalties.Lie1(1.0, penalties.Generators(6, 2, rng=0))
    found = train(*both, mixed_precision=True)
    assert found.reason == "finished"
