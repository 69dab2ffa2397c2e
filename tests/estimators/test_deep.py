import os
import pickle
import re
import subprocess
import sys
import warnings
from pathlib import Path

import numpy as np
import pytest
import torch
from helpers import rewritten
from sklearn.base import clone
from sklearn.datasets import load_digits
from sklearn.decomposition import PCA
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils.estimator_checks import check_estimator

import isthmus
from isthmus import DeepAutoencoder
from isthmus.core import (
    DataError,
    DataWarning,
    TrainingWarning,
    ValueOutOfRange,
    measure,
)
from isthmus.estimators.deep_parameters import validation_rows
from isthmus.estimators.unit_rows import UnitRows

DIGITS = load_digits().data
SMALL = {"hidden_layer_sizes": (6,), "n_epochs": 3, "random_state": 0, "device": "cpu"}


def digits_model(**options):
    given = {
        "hidden_layer_sizes": (64,),
        "n_epochs": 15,
        "random_state": 0,
        "device": "cpu",
    }
    return DeepAutoencoder(8, **given | options)


@pytest.fixture(scope="module")
def fitted():
    return digits_model().fit(DIGITS[:1400])


@pytest.mark.parametrize(
    "options", [{}, {"tied": True, "activation": "tanh", "validation_fraction": 0.0}]
)
def test_scikit_learn_checks(options):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        results = check_estimator(DeepAutoencoder(2, **SMALL | options), on_skip=None)
    ran = [r["check_name"] for r in results if r["status"] == "passed"]
    # A green run in which most checks were skipped would say nothing.
    assert len(ran) >= 46, (len(ran), [r for r in results if r["status"] != "passed"])
    assert {r["status"] for r in results} <= {"passed", "skipped"}
    assert sum(r["status"] == "skipped" for r in results) <= 2


def test_digits_are_learnt_better_than_by_principal_components():
    # Held out 397 rows: standard error below 0.01; the gain is 0.06 to 0.08.
    model = digits_model(n_epochs=50, hidden_layer_sizes=(128,))
    model.fit(DIGITS[:1400])
    test = DIGITS[1400:]
    pca = PCA(8).fit(DIGITS[:1400])
    left = measure(test, pca.inverse_transform(pca.transform(test)), pca.mean_).value
    assert model.score(test) > 1 - left + 0.03


def test_score_is_one_minus_nmse(fitted):
    test = DIGITS[1400:]
    back = fitted.inverse_transform(fitted.transform(test))
    assert back.dtype == np.float64
    expected = 1 - measure(test, back, fitted.mean_).value
    assert fitted.score(test) == pytest.approx(expected, abs=1e-5)


def test_fitted_attributes(fitted):
    assert fitted.n_code_ == 8
    assert fitted.transform(DIGITS[:3]).shape == (3, 8)
    assert fitted.transform(DIGITS[:3]).dtype == np.float32
    assert fitted.get_feature_names_out()[0] == "deepautoencoder0"
    assert isinstance(fitted.network_, torch.nn.Module)
    assert fitted.history_.size == fitted.validation_history_.size == fitted.n_epochs_ == 15
    best = int(np.argmin(fitted.validation_history_)) + 1
    assert fitted.best_epoch_ == best
    assert "epochs" in fitted.stopped_


def test_mean_and_scale_and_histories_are_those_of_the_rows():
    model = digits_model(n_epochs=2, validation_fraction=0.25).fit(DIGITS[:400])
    train, held = validation_rows(DIGITS[:400], 0.25, isthmus.core.as_rng(0))
    assert (train.size, held.size) == (300, 100)
    rows, others = DIGITS[train], DIGITS[held]
    np.testing.assert_allclose(model.mean_, rows.mean(axis=0), atol=1e-12)
    spread = np.sqrt(np.mean((rows - rows.mean(axis=0)) ** 2))
    assert model.scale_ == pytest.approx(spread, rel=1e-12)
    # The network sees (x - m) / s, and errors count as NMSE: in any unit, and on its own
    # rows as well as on those held out.
    given = torch.tensor((others - model.mean_) / model.scale_, dtype=torch.float32)
    with torch.no_grad():
        back = model.network_(given).numpy() * model.scale_ + model.mean_
    left = measure(others, back, model.mean_).value
    assert model.validation_history_[model.best_epoch_ - 1] == pytest.approx(left, rel=1e-5)
    assert 0.5 < model.history_[0] < 1.5


@pytest.mark.parametrize("unit", [1e-40, 1e40])
def test_units_do_not_matter(unit):
    plain = digits_model(n_epochs=2).fit(DIGITS[:200])
    other = digits_model(n_epochs=2).fit(unit * DIGITS[:200])
    assert other.score(unit * DIGITS[:200]) == pytest.approx(
        plain.score(DIGITS[:200]), abs=1e-4
    )


def test_float32_rows_come_back_as_such():
    rows = DIGITS[:200].astype(np.float32)
    model = digits_model(n_epochs=2).fit(rows)
    assert model.inverse_transform(model.transform(rows)).dtype == np.float32
    double = digits_model(n_epochs=2).fit(DIGITS[:200])
    np.testing.assert_allclose(model.history_, double.history_, rtol=1e-4)


def test_equal_seeds_give_equal_codes_in_a_pipeline():
    make = make_pipeline(StandardScaler(), digits_model(n_epochs=2, random_state=4))
    first, again = (clone(make).fit_transform(DIGITS[:300]) for _ in range(2))
    np.testing.assert_array_equal(first, again)
    other = make.set_params(deepautoencoder__random_state=5).fit_transform(DIGITS[:300])
    assert not np.array_equal(first, other)


def test_many_rows_are_taken_in_blocks(fitted):
    rows = np.tile(DIGITS, (3, 1))
    np.testing.assert_allclose(
        fitted.transform(rows)[-len(DIGITS) :], fitted.transform(DIGITS), atol=1e-4
    )
    assert fitted.score(rows) == pytest.approx(fitted.score(DIGITS), abs=1e-6)


@pytest.mark.parametrize("shape", [(8, 8), (1, 8, 8), (4, 4, 4)])
def test_images_go_through_convolutions(shape):
    model = digits_model(
        architecture="convolutional", image_shape=shape, channels=(4, 8), n_epochs=5
    ).fit(DIGITS[:400])
    assert model.history_[-1] < model.history_[0]
    assert model.transform(DIGITS[:2]).shape == (2, 8)


def test_passes_over_parts_learn_and_a_new_fit_starts_anew():
    model = digits_model(learning_rate=3e-3)
    for _ in range(8):
        for part in (DIGITS[:700], DIGITS[700:1400]):
            model.partial_fit(part)
    assert model.n_epochs_ == model.history_.size == 16
    np.testing.assert_allclose(model.mean_, DIGITS[:700].mean(axis=0))
    assert model.history_[-1] < 0.6 * model.history_[0]
    again = digits_model(learning_rate=3e-3)
    for _ in range(8):
        for part in (DIGITS[:700], DIGITS[700:1400]):
            again.partial_fit(part)
    np.testing.assert_array_equal(model.transform(DIGITS), again.transform(DIGITS))
    fresh = digits_model(n_epochs=2).fit(DIGITS[:300])
    refit = model.set_params(**fresh.get_params()).fit(DIGITS[:300])
    np.testing.assert_array_equal(refit.transform(DIGITS), fresh.transform(DIGITS))


def test_passes_go_on_from_a_fit_and_through_pickles(fitted):
    rows = DIGITS[:1400]
    model = pickle.loads(pickle.dumps(fitted))
    np.testing.assert_array_equal(model.transform(rows), fitted.transform(rows))
    before = model.history_[-1]
    model.partial_fit(rows)
    assert model.history_[-1] < 1.1 * before
    twin = pickle.loads(pickle.dumps(model))
    for one in (model, twin):  # the moments of the optimiser go along
        one.partial_fit(rows)
    np.testing.assert_array_equal(model.transform(rows), twin.transform(rows))


def test_an_exploding_pass_is_taken_back(fitted):
    model = pickle.loads(pickle.dumps(fitted)).set_params(learning_rate=1e20)
    with pytest.warns(TrainingWarning, match="exploded in this pass"):
        model.partial_fit(DIGITS[:300])
    np.testing.assert_array_equal(model.transform(DIGITS), fitted.transform(DIGITS))


def test_a_pass_after_an_exploded_one_learns_again():
    model = DeepAutoencoder(2, **SMALL).partial_fit(DIGITS[:100])
    with pytest.warns(TrainingWarning, match="exploded in this pass"):
        model.partial_fit(1e30 * DIGITS[:100])
    before = model.score(DIGITS[:100])
    for _ in range(5):
        model.partial_fit(DIGITS[:100])
    assert model.score(DIGITS[:100]) > before


def test_an_exploding_fit_is_said():
    with pytest.warns(TrainingWarning, match="exploded in epoch 1"):
        model = digits_model(learning_rate=1e20).fit(DIGITS[:300])
    assert model.best_epoch_ == 0
    assert np.isfinite(model.score(DIGITS))


def test_codes_as_long_as_rows_work_with_a_warning():
    rows = DIGITS[:300, 18:22]
    options = {"hidden_layer_sizes": (32,), "n_epochs": 60, "learning_rate": 0.02}
    model = DeepAutoencoder(4, **SMALL | options)
    with pytest.warns(DataWarning, match="n_code=4 is not below the 4 columns"):
        model.fit(rows)
    assert model.score(rows) > 0.9


def test_a_split_that_leaves_nothing_is_said():
    with pytest.warns(DataWarning, match="validation_fraction=0.1 of 4 rows leaves none"):
        model = DeepAutoencoder(2, **SMALL).fit(DIGITS[:4])
    assert model.validation_history_.size == 0
    assert model.best_epoch_ == model.n_epochs_ == 3
    # One row differs: held out, it would leave nothing to learn.
    rows = np.r_[np.zeros((30, 4)), np.ones((1, 4))]
    with pytest.warns(DataWarning, match="leaves none"):
        DeepAutoencoder(2, **SMALL, validation_fraction=0.04).fit(rows)


def test_a_batch_larger_than_the_data_and_constant_columns():
    rows = np.c_[DIGITS[:20, :30], np.full((20, 2), 7.0)]
    model = DeepAutoencoder(2, **SMALL, batch_size=10**6).fit(rows)
    assert np.all(np.isfinite(model.inverse_transform(model.transform(rows))))


@pytest.mark.parametrize(
    ("rows", "words"),
    [
        (np.ones((20, 3)), "rows that differ"),
        (1e100 * DIGITS[:20], "by a constant"),
        (np.full((4, 3), np.nan), "NaN"),
    ],
)
def test_rows_that_cannot_be_used(rows, words):
    for method in ("fit", "partial_fit"):
        with pytest.raises(ValueError, match=words):
            getattr(DeepAutoencoder(2, **SMALL), method)(rows)


IMAGES = {"architecture": "convolutional"}


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"n_code": 0}, "DeepAutoencoder\\(n_code=...\\)` must be a whole number"),
        ({"hidden_layer_sizes": (4, -1)}, "hidden_layer_sizes"),
        ({"activation": "sign"}, "must be one of identity, relu"),
        ({"code_activation": "sign"}, "DeepAutoencoder\\(code_activation"),
        ({"architecture": "transformer"}, "dense, convolutional"),
        ({**IMAGES}, "image_shape=...\\)` must be \\(height, width\\)"),
        ({**IMAGES, "image_shape": (7, 8)}, "as many pixels as a row has columns, 64"),
        ({**IMAGES, "image_shape": (8, 8), "tied": True}, "dense networks"),
        ({**IMAGES, "image_shape": (8, 8), "channels": ()}, "at least one layer"),
        ({"validation_fraction": 0.6}, "must lie in \\[0, 0.5\\]"),
        ({"validation_fraction": float("nan")}, "must lie in \\[0, 0.5\\]"),
        ({"checkpoint": "run.pt"}, "must end in .safetensors"),
        ({"checkpoint": "run.safetensors", "random_state": None}, "needs a random_state"),
        ({"learning_rate": -1}, "DeepAutoencoder\\(learning_rate=...\\)` must be positive"),
        ({"optimizer": "lion"}, "adam, adamw"),
        ({"checkpoint": 3}, "checkpoint=...\\)` must be a path"),
        ({"tied": "no"}, "tied=...\\)` must be True or False; got 'no'"),
        ({"bias": np.array([1, 0])}, "must be True or False"),
        ({"hidden_layer_sizes": (10**6, 10**6)}, "must fit into memory"),
        ({"device": "cuda:99"}, "a device that torch has here"),
    ],
)
def test_parameters_outside_their_domain(options, words):
    with pytest.raises(ValueOutOfRange, match=words):
        DeepAutoencoder(**{"n_code": 3, **SMALL, **options}).fit(DIGITS[:50])


def test_codes_of_the_wrong_length(fitted):
    with pytest.raises(ValueOutOfRange, match="8 code columns; got 3"):
        fitted.inverse_transform(np.ones((2, 3)))


def test_a_fit_goes_on_from_its_checkpoint(tmp_path):
    path = tmp_path / "run.safetensors"
    make = digits_model(n_epochs=3)
    whole = clone(make).fit(DIGITS[:300])
    make.set_params(checkpoint=path).fit(DIGITS[:300])
    again = clone(make).fit(DIGITS[:300])  # nothing is left to do
    for model in (make, again):
        np.testing.assert_array_equal(model.transform(DIGITS), whole.transform(DIGITS))
        np.testing.assert_array_equal(model.history_, whole.history_)
        np.testing.assert_array_equal(model.validation_history_, whole.validation_history_)
    for options, words in [
        ({"hidden_layer_sizes": (32,)}, "another architecture"),
        ({"learning_rate": 0.1}, "learning_rate=0.003 there, 0.1 here"),
        ({"random_state": 1}, "other data"),
    ]:
        with pytest.raises(DataError, match=words):
            clone(make).set_params(**options).fit(DIGITS[:300])


KINDS = [
    {},
    {"tied": True, "activation": "prelu", "code_activation": "tanh", "bias": False},
    {"architecture": "convolutional", "image_shape": (8, 8), "channels": (4,)},
    {"hidden_layer_sizes": [16], "random_state": np.random.RandomState(0)},
]


@pytest.mark.parametrize("options", KINDS)
def test_a_model_comes_back_to_the_last_bit(options, tmp_path):
    model = digits_model(n_epochs=2, **options).fit(DIGITS[:200])
    path = tmp_path / "deep.safetensors"
    isthmus.save(model, path)
    again = isthmus.load(path)
    codes = model.transform(DIGITS)
    np.testing.assert_array_equal(again.transform(DIGITS), codes)
    np.testing.assert_array_equal(
        again.inverse_transform(codes), model.inverse_transform(codes)
    )
    for name in ("n_code_", "scale_", "n_epochs_", "best_epoch_", "stopped_"):
        assert getattr(again, name) == getattr(model, name)
    np.testing.assert_array_equal(again.validation_history_, model.validation_history_)
    if not options:
        assert repr(again.get_params()) == repr(model.get_params())
    again.partial_fit(DIGITS[:200])
    assert again.n_epochs_ == 3
    assert [p.name for p in tmp_path.iterdir()] == ["deep.safetensors"]


def test_models_that_cannot_be_read(tmp_path, fitted):
    path = tmp_path / "deep.safetensors"
    for change, words in [
        (lambda h: h.update(version=99), "version 99.*Update isthmus"),
        (lambda h: h.update(kind="HybridAutoencoder"), "HybridAutoencoder.*Update isthmus"),
        (lambda h: h.update(kind=[1]), "Update isthmus"),
        (lambda h: h["parameters"].update(hidden_layer_sizes=[9]), "sizes its header says"),
        (lambda h: h["parameters"].update(surprise=1), "lacks a part"),
        (lambda h: h["fitted"].pop("scale_"), "lacks a part.*scale_"),
    ]:
        isthmus.save(fitted, path)
        rewritten(path, change)
        with pytest.raises(DataError, match=words):
            isthmus.load(path)
    with pytest.raises(ValueOutOfRange, match="fitted .* DeepAutoencoder"):
        isthmus.save(DeepAutoencoder(), path)


def test_a_device_that_is_not_here_is_no_hindrance_to_loading(tmp_path, fitted):
    model = pickle.loads(pickle.dumps(fitted)).set_params(device="cuda:99")
    isthmus.save(model, tmp_path / "m.safetensors")
    again = isthmus.load(tmp_path / "m.safetensors")
    np.testing.assert_array_equal(again.transform(DIGITS), fitted.transform(DIGITS))


def test_without_torch_the_extra_is_named(tmp_path, fitted):
    isthmus.save(fitted, tmp_path / "m.safetensors")
    code = """
import sys

class Hidden:
    def find_spec(self, name, *rest):
        if name.partition(".")[0] == "torch":
            raise ModuleNotFoundError("hidden", name="torch")

sys.meta_path.insert(0, Hidden())
import isthmus
for work in (lambda: isthmus.DeepAutoencoder, lambda: isthmus.load(sys.argv[1])):
    try:
        work()
    except isthmus.core.MissingDependency as error:
        assert "pip install 'isthmus[torch]'" in str(error), error
    else:
        raise SystemExit("no error")
"""
    source = Path(isthmus.__file__).parents[1]
    env = {**os.environ, "PYTHONPATH": str(source)}
    command = [sys.executable, "-c", code, str(tmp_path / "m.safetensors")]
    done = subprocess.run(command, env=env, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr + done.stdout


def test_unit_rows_go_there_and_back(rng):
    x = 5.0 + 3.0 * rng.standard_normal((9000, 3))
    chosen = np.arange(1, 9000, 2)
    units = UnitRows.of(x, chosen)
    rows = units.scaled(x, chosen)
    assert rows.dtype == np.float32
    np.testing.assert_allclose(rows.mean(axis=0), 0.0, atol=1e-6)
    assert np.mean(rows.astype(float) ** 2) == pytest.approx(1.0, abs=1e-6)
    assert units.power(x, chosen) == pytest.approx(1.0, abs=1e-12)
    np.testing.assert_allclose(units.back(units.scaled(x)), x, atol=1e-5)


def test_a_changed_digit_of_a_header_is_seen(tmp_path, fitted):
    path = tmp_path / "deep.safetensors"
    isthmus.save(fitted, path)
    good = path.read_bytes()
    at = good.index(b"scale_") + len(b'scale_\\": ')
    assert good[at : at + 1].isdigit()
    path.write_bytes(good[:at] + bytes([good[at] ^ 1]) + good[at + 1 :])
    with pytest.raises(DataError, match="its header does not have the checksum"):
        isthmus.load(path)


def test_models_saved_before_headers_had_a_checksum_are_read(tmp_path, fitted):
    path = tmp_path / "deep.safetensors"
    isthmus.save(fitted, path)
    raw = path.read_bytes()
    rewritten(path, lambda h: h.update(stopped="anew"))
    assert path.read_bytes() != raw
    size = int.from_bytes(raw[:8], "little")
    text = re.sub(rb', \\"header_checksum\\": \\"[0-9a-f]{64}\\"', b"", raw[8 : 8 + size])
    assert len(text) < size
    path.write_bytes(len(text).to_bytes(8, "little") + text + raw[8 + size :])
    np.testing.assert_array_equal(
        isthmus.load(path).transform(DIGITS[:5]), fitted.transform(DIGITS[:5])
    )


@pytest.mark.parametrize("call", [isthmus.load, lambda path: isthmus.save(None, path)])
def test_paths_are_paths(call):
    with pytest.raises(ValueOutOfRange, match="must be"):
        call(3)


def test_rows_beyond_float32_are_refused(fitted):
    for method in (fitted.transform, fitted.score):
        with pytest.raises(DataError, match="of their mean; some do not"):
            method(1e60 * DIGITS[:5])


def test_a_validation_row_at_the_mean_tells_nothing():
    rows = np.array([[-1.0], [1.0], [0.0], [-2.0], [2.0]])
    held_out = set()
    for seed in range(12):
        with warnings.catch_warnings():
            warnings.simplefilter("error", RuntimeWarning)
            warnings.simplefilter("ignore", DataWarning)
            model = DeepAutoencoder(
                1,
                hidden_layer_sizes=(2,),
                n_epochs=1,
                validation_fraction=0.2,
                random_state=seed,
            ).fit(rows)
        assert np.isfinite(model.validation_history_).all()
        held_out.add(model.validation_history_.size)
    assert held_out == {0, 1}


@pytest.mark.parametrize("method", ["fit", "partial_fit"])
def test_a_last_step_that_explodes_is_taken_back(method):
    rows = DIGITS[:40]
    small = {"hidden_layer_sizes": (8,), "n_epochs": 1, "validation_fraction": 0.0}
    model = DeepAutoencoder(2, **small, learning_rate=1e6, random_state=0)
    with pytest.warns(TrainingWarning, match="exploded"):
        getattr(model, method)(rows)
    assert model.score(rows) > -2.0
