"""Penalties of the deep autoencoder: by name, as objects, in files."""

import warnings

import numpy as np
import pytest
import torch
from sklearn.base import clone

from isthmus import DeepAutoencoder, load, save
from isthmus.core.errors import DataWarning, ValueOutOfRange
from isthmus.training.penalties import (
    Contractive,
    Generators,
    Lie1,
    generators_of,
    principal_angles,
)
from isthmus.training.penalties.named import NAMED

ANGLE = np.linspace(0.0, 5.0, 40)
ROWS = np.stack(
    [np.cos(ANGLE), np.sin(ANGLE), np.cos(2 * ANGLE), np.sin(2 * ANGLE)], axis=1
)
SMALL = {
    "hidden_layer_sizes": (12,),
    "n_epochs": 3,
    "batch_size": 16,
    "validation_fraction": 0.0,
    "device": "cpu",
    "random_state": 0,
}


def fitted(penalty, **more):
    return DeepAutoencoder(2, penalty=penalty, **SMALL | more).fit(ROWS)


def same_weights(one, other):
    parts = zip(one.network_.parameters(), other.network_.parameters(), strict=True)
    return all(torch.equal(a, b) for a, b in parts)


@pytest.mark.parametrize("name", NAMED)
def test_every_name_trains_saves_and_comes_back(name, tmp_path):
    plain, model = fitted(None), fitted(name)
    assert plain.penalty_ is None
    assert not same_weights(plain, model)
    save(model, tmp_path / "model.safetensors")
    back = load(tmp_path / "model.safetensors")
    assert back.penalty == name
    assert same_weights(model, back)
    assert (generators_of(back.penalty_) is not None) == NAMED[name].generators
    if NAMED[name].generators:
        learnt = [generators_of(one.penalty_).matrices() for one in (model, back)]
        assert torch.equal(*learnt)
        assert not torch.equal(
            learnt[0], generators_of(fitted(name, n_epochs=1).penalty_).matrices()
        )


@pytest.mark.parametrize("name", sorted(set(NAMED) - {"orbit-augmentation", "denoising"}))
def test_no_weight_is_no_penalty(name):
    learns = NAMED[name].generators
    model = fitted(name, penalty_weight=0.0)
    if learns:  # their start takes words of the seed
        assert model.penalty_.weight == 0.0
    else:
        assert same_weights(model, fitted(None))


def test_a_strong_penalty_does_what_it_says():
    free = fitted("contractive", penalty_weight=0.0, n_epochs=40)
    flat = fitted("contractive", penalty_weight=10.0, n_epochs=40)
    spread = [one.transform(ROWS).std() for one in (free, flat)]
    assert spread[1] < 0.3 * spread[0]


def test_an_object_is_copied_and_a_known_generator_stays():
    turn = np.zeros((1, 4, 4))
    turn[0, 1, 0], turn[0, 0, 1], turn[0, 3, 2], turn[0, 2, 3] = 1.0, -1.0, 2.0, -2.0
    known = Lie1(1.0, Generators(4, 1, matrices=turn))
    learnt = Lie1(1.0, Generators(4, 1, rng=0))
    before = learnt.generators.matrices().detach().clone()
    assert principal_angles(generators_of(fitted(known).penalty_), turn)[0] < 1e-6
    model = fitted(learnt)
    assert torch.equal(learnt.generators.matrices(), before)
    assert not torch.equal(generators_of(model.penalty_).matrices(), before)
    assert clone(model).get_params()["penalty"].weight == 1.0


def test_an_object_stays_out_of_the_file_with_a_warning(tmp_path):
    model = fitted(Contractive(0.1))
    with pytest.warns(DataWarning, match="is not written to the file"):
        save(model, tmp_path / "model.safetensors")
    back = load(tmp_path / "model.safetensors")
    assert back.penalty is None
    assert same_weights(model, back)


def test_passes_train_the_generators_along():
    model = DeepAutoencoder(2, penalty="lie-1", **SMALL).partial_fit(ROWS)
    before = generators_of(model.penalty_).matrices().detach().clone()
    model.partial_fit(ROWS)
    assert not torch.equal(generators_of(model.penalty_).matrices(), before)


@pytest.mark.parametrize("name", ["contractive", "lie-1", "lie-2"])
def test_convolutional_networks_too(name):
    x = np.random.default_rng(0).normal(size=(24, 64))
    model = DeepAutoencoder(
        2, architecture="convolutional", image_shape=(8, 8), penalty=name, **SMALL
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        assert np.isfinite(model.fit(x).history_).all()


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"penalty": "lasso"}, "one of contractive, .*orbit-augmentation, or an object"),
        ({"penalty": lambda *_: 0.0}, "or an object"),
        ({"penalty": "lie-1", "penalty_weight": -1.0}, "must be zero or positive"),
        ({"penalty": "lie-1", "penalty_weight": float("nan")}, "must be"),
        ({"penalty_weight": 1.0}, "is for a penalty given by name"),
        ({"penalty": Contractive(1.0), "penalty_weight": 1.0}, "has its own weight"),
        ({"penalty": Lie1(1.0, Generators(3, 1, rng=0))}, "generators of 3 columns"),
    ],
)
def test_penalties_that_cannot_be_used(options, words):
    with pytest.raises(ValueOutOfRange, match=words):
        fitted(options.pop("penalty", None), **options)
