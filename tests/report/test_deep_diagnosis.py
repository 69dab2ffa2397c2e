"""Any autoencoder on rows it has not seen."""

import json

import numpy as np
import pytest
import torch
from torch import nn

from isthmus import DeepAutoencoder, ShallowAutoencoder, diagnose, save
from isthmus.core.errors import DataError, ValueOutOfRange

pytestmark = pytest.mark.filterwarnings("ignore::isthmus.core.errors.DataWarning")


@pytest.fixture(scope="module")
def rows():
    rng = np.random.default_rng(0)
    return rng.normal(size=(160, 4)) * [3.0, 2.0, 1.0, 0.5]


def principal(rows, n_code):
    """Principal components as two linear layers."""
    mean = rows.mean(axis=0)
    axes = np.linalg.svd(rows - mean, full_matrices=False)[2][:n_code]
    encoder, decoder = nn.Linear(4, n_code), nn.Linear(n_code, 4)
    with torch.no_grad():
        encoder.weight.copy_(torch.from_numpy(axes))
        encoder.bias.copy_(torch.from_numpy(-axes @ mean))
        decoder.weight.copy_(torch.from_numpy(axes.T))
        decoder.bias.copy_(torch.from_numpy(mean))
    return encoder.eval(), decoder.eval()


def test_principal_components_leave_nothing_to_the_encoder(rows):
    found = diagnose(principal(rows[:120], 2), rows[120:], train=rows[:120])
    assert found.n_code == 2
    assert found.nmse == pytest.approx(found.principal.nmse, rel=1e-5)
    assert found.manifold_gap.nmse == pytest.approx(found.nmse, rel=1e-5)
    assert found.encoder_gap.nmse == pytest.approx(0, abs=1e-9)
    assert found.regions[0].test == 1.0  # a linear map has one region
    assert found.slopes.radius[1] == np.inf
    assert found.folds.max_error >= found.folds.max_at_rows >= found.folds.median
    json.dumps(found.to_dict(), allow_nan=False)


def test_a_bad_encoder_is_found_out(rows):
    encoder, decoder = principal(rows[:120], 2)
    with torch.no_grad():
        encoder.weight.mul_(0.5)
    found = diagnose((encoder, decoder), rows[120:], train=rows[:120])
    good = diagnose(principal(rows[:120], 2), rows[120:]).nmse
    assert found.manifold_gap.nmse == pytest.approx(good, rel=0.05)
    assert found.encoder_gap.nmse > 0.1
    assert any("is the encoder's" in sentence for sentence in found.verdict)
    assert any("principal components do better" in sentence for sentence in found.verdict)


def test_without_training_rows_nothing_is_compared(rows):
    found = diagnose(principal(rows, 2), rows)
    assert (found.train, found.principal, found.regions, found.slopes) == (
        None,
        None,
        (),
        None,
    )


def test_one_module_and_its_bottleneck(rows):
    whole = nn.Sequential(*principal(rows[:120], 2)).eval()
    pair = diagnose(principal(rows[:120], 2), rows[120:])
    assert diagnose(whole, rows[120:], bottleneck="0").nmse == pair.nmse
    with pytest.raises(ValueOutOfRange, match="bottleneck"):
        diagnose(whole, rows[120:])


def test_smooth_networks_have_no_regions(rows):
    torch.manual_seed(0)
    encoder = nn.Sequential(nn.Linear(4, 8), nn.GELU(), nn.Linear(8, 2)).eval()
    found = diagnose((encoder, nn.Linear(2, 4).eval()), rows[120:], train=rows[:120])
    assert (found.regions, found.slopes) == ((), None)
    assert found.encoder_gap.nmse > 0


@pytest.mark.parametrize("options", [{"tied": True}, {"activation": "tanh"}, {}])
def test_estimators_and_their_files(rows, options, tmp_path):
    model = DeepAutoencoder(
        2, hidden_layer_sizes=(8,), n_epochs=5, random_state=0, **options
    ).fit(rows[:120])
    save(model, tmp_path / "m.safetensors")
    found = diagnose(tmp_path / "m.safetensors", rows[120:], train=rows[:120])
    assert found.nmse == diagnose(model, rows[120:], train=rows[:120]).nmse
    whole = found.manifold_gap.nmse + found.encoder_gap.nmse
    assert whole == pytest.approx(found.nmse, rel=0.01)  # about slightly different means
    assert bool(found.regions) == ("activation" not in options)


def test_shallow_autoencoders_keep_their_own(rows):
    model = ShallowAutoencoder(4, random_state=0).fit(rows[:120])
    assert "spectrum" in diagnose(model, rows[120:]).gap


def test_bad_input(rows):
    pair = principal(rows, 2)
    with pytest.raises(ValueOutOfRange, match="fitted estimator"):
        diagnose(object(), rows)
    model = DeepAutoencoder(2, n_epochs=1, random_state=0).fit(rows)
    with pytest.raises(DataError, match="4 columns"):
        diagnose(model, rows[:, :3])
    with pytest.raises(ValueOutOfRange, match="rows"):
        diagnose(pair, rows[:, :3])
    broken = nn.Linear(2, 4).eval()
    nn.init.constant_(broken.weight, float("nan"))
    with pytest.raises(ValueOutOfRange, match="finite"):
        diagnose((pair[0], broken), rows)
