import numpy as np
import pytest
from helpers import rewritten
from sklearn.datasets import load_digits

import isthmus
from isthmus import ShallowAutoencoder
from isthmus.core import DataError, DataNotFound, OutputError, ValueOutOfRange

DIGITS = load_digits().data
KINDS = [
    {},
    {"norm": "float16", "whiten": True},
    {"encoder": "descent", "n_steps": 3, "activation": "tanh:2"},
    {"ridge": float("inf"), "activation": "lloyd-max:2", "rate": 0.3},
    {"encoder": "random", "decoder": "message-passing"},
    {"decoder": "denoised", "rate": 0.3},
    {"decoder": "learned", "rate": 0.3},
]


@pytest.mark.parametrize("parameters", KINDS)
def test_a_model_comes_back_to_the_last_bit(parameters, tmp_path):
    if parameters.get("decoder") == "learned":
        pytest.importorskip("torch")
    model = ShallowAutoencoder(**parameters, random_state=3).fit(DIGITS)
    path = tmp_path / "model.safetensors"
    isthmus.save(model, path)
    again = isthmus.load(path)
    assert repr(again.get_params()) == repr(model.get_params())
    codes = model.transform(DIGITS)
    np.testing.assert_array_equal(again.transform(DIGITS), codes)
    np.testing.assert_array_equal(
        again.inverse_transform(codes), model.inverse_transform(codes)
    )
    for name in ("predicted_nmse_", "reference_nmse_", "ridge_", "bits_per_vector_"):
        assert getattr(again, name) == getattr(model, name)
    assert [p.name for p in tmp_path.iterdir()] == ["model.safetensors"]


def test_a_given_prior_comes_back_as_what_was_fitted(tmp_path):
    prior = isthmus.priors.SparseLaplace(0.4)
    model = ShallowAutoencoder(
        encoder="random", decoder="denoised", prior=prior, random_state=3
    ).fit(DIGITS)
    isthmus.save(model, tmp_path / "m.safetensors")
    again = isthmus.load(tmp_path / "m.safetensors")
    assert again.posterior_.prior == prior
    codes = model.transform(DIGITS)
    np.testing.assert_array_equal(
        again.inverse_transform(codes), model.inverse_transform(codes)
    )


def test_column_names_are_kept(tmp_path):
    import warnings

    class Frame(np.ndarray):
        pass

    model = ShallowAutoencoder(4, random_state=0).fit(DIGITS)
    model.feature_names_in_ = np.array([f"p{i}" for i in range(64)], dtype=object)
    isthmus.save(model, tmp_path / "m.safetensors")
    again = isthmus.load(tmp_path / "m.safetensors")
    assert again.feature_names_in_.tolist() == model.feature_names_in_.tolist()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        assert again.transform(DIGITS[:2]).shape == (2, 4)


def test_what_cannot_be_saved(tmp_path):
    path = tmp_path / "m.safetensors"
    with pytest.raises(ValueOutOfRange, match="fitted ShallowAutoencoder"):
        isthmus.save(ShallowAutoencoder(4), path)
    model = ShallowAutoencoder(4, activation=np.tanh, random_state=0).fit(DIGITS)
    with pytest.raises(ValueOutOfRange, match="a name"):
        isthmus.save(model, path)
    model = ShallowAutoencoder(4, random_state=0).fit(DIGITS)
    with pytest.raises(ValueOutOfRange, match="safetensors"):
        isthmus.save(model, tmp_path / "m.pkl")
    with pytest.raises(OutputError, match="cannot be written"):
        isthmus.save(model, tmp_path / "nowhere" / "m.safetensors")
    assert list(tmp_path.iterdir()) == []


def test_a_generator_as_seed_is_not_kept(tmp_path):
    model = ShallowAutoencoder(4, random_state=np.random.RandomState(0)).fit(DIGITS)
    isthmus.save(model, tmp_path / "m.safetensors")
    assert isthmus.load(tmp_path / "m.safetensors").random_state is None


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda h: h.update(version=99), "version 99.*Update isthmus"),
        (lambda h: h.update(format="other"), "no isthmus model"),
        (lambda h: h.pop("parameters"), "lacks a part.*parameters"),
        (lambda h: h["fitted"].pop("n_code_"), "lacks a part.*n_code_"),
        (lambda h: h["fitted"].update(n_code_=5), "sizes its header says"),
        (lambda h: h["parameters"].update(surprise=1), "lacks a part"),
    ],
)
def test_headers_that_do_not_fit(change, words, tmp_path):
    path = tmp_path / "m.safetensors"
    isthmus.save(ShallowAutoencoder(4, random_state=0).fit(DIGITS), path)
    rewritten(path, change)
    with pytest.raises(DataError, match=words):
        isthmus.load(path)


def test_files_that_are_no_models(tmp_path):
    with pytest.raises(DataNotFound, match="no such file"):
        isthmus.load(tmp_path / "none.safetensors")
    path = tmp_path / "m.safetensors"
    isthmus.save(ShallowAutoencoder(4, random_state=0).fit(DIGITS), path)
    whole = path.read_bytes()
    for damaged in (b"", whole[:40], whole[:-100], b"not a model at all, but text"):
        path.write_bytes(damaged)
        with pytest.raises(DataError, match="cannot be read as a model"):
            isthmus.load(path)
    from safetensors.numpy import save_file

    save_file({"x": np.ones(3)}, path)
    with pytest.raises(DataError, match="no isthmus model"):
        isthmus.load(path)


@pytest.mark.parametrize("place", [-1, -1000, -5000])
def test_a_flipped_bit_among_the_numbers_is_found(place, tmp_path):
    path = tmp_path / "m.safetensors"
    isthmus.save(ShallowAutoencoder(16, random_state=0).fit(DIGITS), path)
    raw = bytearray(path.read_bytes())
    raw[place] ^= 1
    path.write_bytes(raw)
    with pytest.raises(DataError, match="checksum"):
        isthmus.load(path)
