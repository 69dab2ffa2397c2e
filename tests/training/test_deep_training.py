import math

import numpy as np
import pytest
import torch
from helpers import unchecked
from torch import nn

from isthmus.core import DataError, OutputError, TrainingWarning, ValueOutOfRange
from isthmus.models import ConvolutionalAutoencoder, DenseAutoencoder
from isthmus.training import train_autoencoder
from isthmus.training.deep_plan import TrainingPlan, epoch_draws
from isthmus.training.deep_run import Run


def circle(n_rows, seed=0):
    """Rows of six columns on a circle, power about 1."""
    rng = np.random.default_rng(seed)
    angle = rng.uniform(0.0, 2.0 * np.pi, n_rows)
    turn = np.linalg.qr(np.random.default_rng(99).standard_normal((6, 6)))[0][:2]
    return np.sqrt(6) * np.stack([np.cos(angle), np.sin(angle)], axis=1) @ turn


def network(**options):
    given = {"hidden_layer_sizes": (8,), "rng": 0} | options
    return DenseAutoencoder(6, 2, **given)


def train(net=None, x=None, **options):
    given = {"n_epochs": 4, "batch_size": 16, "learning_rate": 1e-3, "rng": 3} | options
    given = {"device": "cpu"} | given
    return train_autoencoder(net or network(), circle(100) if x is None else x, **given)


def weights(net):
    return np.concatenate([p.detach().numpy().ravel() for p in net.parameters()])


@pytest.mark.parametrize("optimizer", ["adam", "adamw"])
@pytest.mark.parametrize("schedule", ["cosine", "constant"])
def test_it_takes_the_steps_of_a_plain_loop(optimizer, schedule):
    x, clip, total = circle(90).astype(np.float32), 0.3, 3 * 3
    found = train(
        network(),
        x,
        n_epochs=3,
        batch_size=40,
        learning_rate=0.02,
        weight_decay=0.1,
        optimizer=optimizer,
        schedule=schedule,
        clip_norm=clip,
    )
    other, rows = network(), torch.from_numpy(x)
    make = torch.optim.Adam if optimizer == "adam" else torch.optim.AdamW
    optimiser = make(other.parameters(), lr=0.02, weight_decay=0.1, fused=False)
    seed = int(np.random.Generator(np.random.Philox(3)).integers(0, 2**64, dtype=np.uint64))
    step, errors = 0, []
    for epoch in range(3):
        order = epoch_draws(seed, epoch, 90)[1]
        assert sorted(order) == list(range(90))
        squared = 0.0
        for index in (order[:40], order[40:80], order[80:]):
            cosine = 0.5 * (1 + math.cos(math.pi * step / total))
            optimiser.param_groups[0]["lr"] = 0.02 * (cosine if schedule == "cosine" else 1)
            optimiser.zero_grad()
            loss = (other(rows[index]) - rows[index]).square().mean()
            loss.backward()
            norm = torch.stack([p.grad.square().sum() for p in other.parameters()]).sum()
            assert epoch or norm.sqrt() > clip  # so that clipping does something
            for p in other.parameters():
                p.grad *= min(1.0, clip / (float(norm.sqrt()) + 1e-6))
            optimiser.step()
            squared += float(loss.detach()) * len(index) / 90
            step += 1
        errors.append(squared)
    np.testing.assert_allclose(weights(found.network), weights(other), atol=2e-6)
    np.testing.assert_allclose(found.history.mse, errors, rtol=1e-5)
    assert (found.reason, found.n_epochs, found.best_epoch) == ("finished", 3, 3)


def test_a_penalty_is_added_to_the_loss_and_not_to_the_error():
    seen = []

    def zero(net, batch, codes, found):
        seen.append((batch.shape, codes.shape, found.shape))
        return 1.0 + 0.0 * codes.sum()

    plain, zeroed = train(), train(penalty=zero)
    np.testing.assert_array_equal(weights(plain.network), weights(zeroed.network))
    np.testing.assert_array_equal(plain.history.mse, zeroed.history.mse)
    assert seen[0] == ((16, 6), (16, 2), (16, 6))
    heavy = train(
        penalty=lambda *given: 100.0 * given[2].square().mean(), learning_rate=0.02
    )
    x = torch.tensor(circle(100), dtype=torch.float32)
    with torch.no_grad():
        sizes = [float(f.network.encoder(x).square().mean()) for f in (plain, heavy)]
    assert sizes[1] < 0.1 * sizes[0]


def test_a_circle_is_learnt():
    held = circle(300, 1)
    found = train(
        network(hidden_layer_sizes=(32, 16)),
        circle(300),
        n_epochs=25,
        learning_rate=0.01,
        validation=held,
    )
    assert found.history.validation_mse[-1] < 0.02 < 0.2 < found.history.mse[0]
    assert not found.network.training


def test_equal_seeds_give_equal_bits_whatever_torch_drew_before():
    def dropping():
        return nn.Sequential(network().encoder, nn.Dropout(0.3), network().decoder)

    torch.manual_seed(1)
    state = torch.random.get_rng_state()
    first = train(dropping())
    assert torch.equal(torch.random.get_rng_state(), state)
    assert not torch.backends.cudnn.deterministic
    torch.manual_seed(2)
    again, other = train(dropping()), train(dropping(), rng=4)
    np.testing.assert_array_equal(weights(first.network), weights(again.network))
    assert not np.array_equal(weights(first.network), weights(other.network))


def test_the_best_epoch_on_the_validation_rows_is_kept():
    # Twelve noisy rows and many epochs: what is learnt by heart does not serve others.
    x = np.random.default_rng(0).standard_normal((40, 6))
    found = train(
        network(hidden_layer_sizes=(64,)),
        x[:12],
        validation=x[12:],
        n_epochs=150,
        learning_rate=0.02,
        patience=20,
    )
    errors = found.history.validation_mse
    assert found.reason == "patience"
    assert found.n_epochs == errors.size == found.best_epoch + 20 < 150
    assert errors[found.best_epoch - 1] == errors.min() < 0.95 * errors[-1]
    rows = torch.tensor(x[12:], dtype=torch.float32)
    with torch.no_grad():
        left = float((found.network(rows) - rows).square().mean())
    assert left == pytest.approx(errors.min(), rel=1e-6)
    assert "epoch" in found.explanation


def test_patience_means_nothing_without_validation_rows():
    assert train(patience=1, n_epochs=5, learning_rate=1e-9).n_epochs == 5


@pytest.mark.parametrize("rate", [1e4, 1e30])
def test_an_exploding_run_stops_with_the_last_good_weights(rate):
    net = network()
    start = weights(net).copy()
    with pytest.warns(TrainingWarning, match="exploded in epoch 1.*learning_rate=1"):
        found = train(net, n_epochs=9, learning_rate=rate, schedule="constant")
    assert (found.reason, found.best_epoch) == ("exploded", 0)
    assert found.n_epochs < 9
    np.testing.assert_array_equal(weights(found.network), start)


def test_an_explosion_late_in_the_run_costs_one_epoch():
    calls = []

    def bomb(net, batch, codes, found):
        calls.append(1)
        return codes.sum() * (float("nan") if len(calls) > 2 * 7 + 3 else 0.0)

    before = train(n_epochs=5, schedule="constant", penalty=lambda *_: torch.zeros(()))
    assert before.n_epochs == 5
    with pytest.warns(
        TrainingWarning, match="epoch 3; the last good weights are of epoch 2"
    ):
        found = train(n_epochs=5, schedule="constant", penalty=bomb)
    whole = train(n_epochs=2, schedule="constant")
    np.testing.assert_array_equal(weights(found.network), weights(whole.network))


def test_a_batch_larger_than_the_data_takes_all_rows():
    found, same = (train(x=circle(20), batch_size=size) for size in (20, 10**6))
    np.testing.assert_array_equal(weights(found.network), weights(same.network))


def test_float64_networks_train_in_float64():
    found = train(network().double())
    assert found.network.encoder[0].weight.dtype == torch.float64
    single = train()
    np.testing.assert_allclose(weights(found.network), weights(single.network), atol=1e-4)


def test_bfloat16_products_learn_the_same():
    found = train(n_epochs=20, learning_rate=0.01, mixed_precision=True)
    single = train(n_epochs=20, learning_rate=0.01)
    assert found.network.encoder[0].weight.dtype == torch.float32
    assert not np.array_equal(weights(found.network), weights(single.network))
    assert found.history.mse[-1] == pytest.approx(single.history.mse[-1], rel=0.1)


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs CUDA")
@pytest.mark.parametrize("mixed", [False, True])
def test_on_the_gpu_the_same_is_learnt(mixed, tmp_path):
    x = circle(300)
    given = {"n_epochs": 20, "learning_rate": 0.01, "mixed_precision": mixed}
    path = tmp_path / "run.safetensors"
    found = train(x=x, device="cuda", checkpoint=path, **given)
    single = train(x=x, **given | {"mixed_precision": False})
    assert found.network.encoder[0].weight.is_cuda
    assert found.history.mse[-1] == pytest.approx(single.history.mse[-1], rel=0.1)
    again = train(network(rng=5), x=x, device="cuda", checkpoint=path, **given)
    np.testing.assert_array_equal(
        weights(again.network.cpu()), weights(found.network.cpu())
    )


def test_convolutions_train():
    x = np.repeat(
        np.repeat(np.random.default_rng(0).standard_normal((64, 3, 3)), 2, 1), 2, 2
    )
    net = ConvolutionalAutoencoder((6, 6), 9, channels=(8,), rng=0)
    found = train(net, x.reshape(64, 36), n_epochs=40, learning_rate=0.02)
    assert found.history.mse[-1] < 0.3 * found.history.mse[0]


def test_progress_ends_at_the_end():
    seen = []
    train(n_epochs=2, progress=lambda done, total: seen.append((done, total)))
    assert seen[-1] == (14, 14)
    assert [done for done, _ in seen] == sorted(done for done, _ in seen)


STATES = {
    "plain": {},
    "validation": {"validation": circle(30, 5), "patience": 3},
    "momentum": {"optimizer": "adamw", "weight_decay": 0.01, "clip_norm": 0.5},
}


@pytest.mark.parametrize("kind", sorted(STATES))
@pytest.mark.parametrize("stop", [1, 4])
def test_a_run_goes_on_from_its_checkpoint_with_the_same_bits(
    kind, stop, tmp_path, monkeypatch
):
    options = STATES[kind] | {"n_epochs": 6}
    whole = train(**options)
    path = tmp_path / "run.safetensors"
    write, seen = Run.write, []

    def write_and_stop(self, *args):
        write(self, *args)
        seen.append(1)
        if len(seen) == stop:
            raise KeyboardInterrupt

    monkeypatch.setattr(Run, "write", write_and_stop)
    with pytest.raises(KeyboardInterrupt):
        train(**options, checkpoint=path)
    monkeypatch.setattr(Run, "write", write)
    # Other starting weights: all of the state must come from the file.
    found = train(network(rng=8), **options, checkpoint=str(path))
    assert found.resumed_at == stop
    np.testing.assert_array_equal(weights(found.network), weights(whole.network))
    np.testing.assert_array_equal(found.history.mse, whole.history.mse)
    if kind == "validation":
        expected = whole.history.validation_mse
        np.testing.assert_array_equal(found.history.validation_mse, expected)
    again = train(network(rng=9), **options, checkpoint=path)
    assert again.resumed_at == found.n_epochs == 6
    np.testing.assert_array_equal(weights(again.network), weights(whole.network))
    assert (again.best_epoch, again.reason) == (whole.best_epoch, whole.reason)
    assert [p.name for p in tmp_path.iterdir()] == ["run.safetensors"]


def test_a_seed_that_nobody_gave_comes_from_the_checkpoint(tmp_path):
    path = tmp_path / "run.safetensors"
    first = train(rng=None, checkpoint=path)
    again = train(network(rng=4), rng=None, checkpoint=path)
    np.testing.assert_array_equal(weights(first.network), weights(again.network))


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (
            {"net": network(hidden_layer_sizes=(9,))},
            "architecture: .*features=8.*features=9",
        ),
        ({"net": network(activation="tanh")}, "another architecture"),
        ({"x": circle(100, 7)}, "other data"),
        ({"validation": circle(9)}, "other data"),
        ({"batch_size": 8}, "settings: batch_size=16 there, 8 here"),
        ({"n_epochs": 9, "clip_norm": 1.0}, "n_epochs=4 there, 9 here, clip_norm=None"),
        ({"rng": 5}, "seed="),
        ({"penalty": lambda *_: torch.zeros(())}, "penalty=None there"),
    ],
)
def test_checkpoints_of_other_runs(options, words, tmp_path):
    path = tmp_path / "run.safetensors"
    train(checkpoint=path)
    with pytest.raises(DataError, match=words):
        train(**options, checkpoint=path)


def test_files_that_are_no_checkpoints(tmp_path):
    path = tmp_path / "run.safetensors"
    train(checkpoint=path)
    whole = path.read_bytes()
    flipped = bytearray(whole)
    flipped[-1] ^= 1
    for damaged, words in [
        (b"", "cannot be read as a checkpoint"),
        (whole[:50], "cannot be read as a checkpoint"),
        (whole[:-100], "cannot be read as a checkpoint.*delete it"),
        (bytes(flipped), "checksum.*delete it"),
        (whole.replace(b"isthmus-checkpoint", b"isthmus-checkpaint"), "no isthmus checkp"),
        (whole.replace(b'version\\": 1', b'version\\": 9'), "version 9.*Update isthmus"),
    ]:
        assert damaged != whole
        path.write_bytes(damaged)
        with pytest.raises(DataError, match=words):
            train(checkpoint=path)
    with pytest.raises(ValueOutOfRange, match="must end in .safetensors"):
        train(checkpoint=tmp_path / "run.pt")
    with pytest.raises(OutputError, match="cannot be written"):
        train(checkpoint=tmp_path / "nowhere" / "run.safetensors")


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"n_epochs": 0}, "n_epochs"),
        ({"batch_size": 0}, "batch_size"),
        ({"learning_rate": 0.0}, "learning_rate=...\\)` must be positive"),
        ({"weight_decay": -1.0}, "zero or positive"),
        ({"optimizer": "sgd"}, "adam, adamw"),
        ({"schedule": "steps"}, "cosine, constant"),
        ({"clip_norm": 0.0}, "clip_norm"),
        ({"patience": 0, "validation": circle(9)}, "patience"),
        ({"device": "cuda:99"}, "must be a device that torch has here.*cpu"),
        ({"device": 1.5}, "must be a device"),
        ({"validation": circle(9)[:, :5]}, "must have 6 columns"),
        ({"net": nn.Linear(6, 5)}, "shape it was given; \\(2, 6\\) became \\(2, 5\\)"),
        ({"net": nn.Linear(5, 6)}, "must take rows of 6 columns"),
        ({"net": nn.ReLU()}, "must have weights to train"),
        ({"net": nn.Linear(6, 6), "penalty": lambda *_: 0}, "`encoder` and `decoder`"),
    ],
)
def test_arguments_outside_their_domain(options, words):
    given = {"network": network(), "x": circle(20), "rng": 0, "device": "cpu"}
    given["network"] = options.pop("net", given["network"])
    with pytest.raises(ValueOutOfRange, match=words):
        unchecked(train_autoencoder)(**given | options)


@pytest.mark.parametrize(
    ("x", "words"),
    [
        (np.full((4, 6), np.nan), "row 0 holds NaN"),
        (np.zeros((4, 6)), "not zero"),
        (np.ones(6), "shape \\(sample, input\\)"),
        (1e39 * np.ones((4, 6)), "too large"),
    ],
)
def test_rows_that_cannot_be_used(x, words):
    with pytest.raises(DataError, match=words):
        train(x=x)


def test_schedules_end_where_they_should():
    plan = TrainingPlan.checked("f", learning_rate=2.0)
    rates = [plan.rate(step, 100) for step in range(100)]
    assert rates[0] == 2.0
    assert np.all(np.diff(rates) < 0)
    assert rates[-1] < 1e-3
