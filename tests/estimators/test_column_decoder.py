import numpy as np
import pytest

import isthmus
from isthmus.codec import coder_of, decode_archive, encode_archive
from isthmus.core import DataError, DataWarning, ValueOutOfRange
from isthmus.decoders import CodecSpec
from isthmus.decoders.column_curves import ColumnCurves
from isthmus.estimators import OneBitDecoder, ShallowAutoencoder, codec_spec, one_bit_file
from isthmus.estimators.shallow_file import parts, restored

SIZE = 16


def counts(count, seed=0):
    """Rows whose columns are four times of five zero, else about 3."""
    rng = np.random.default_rng(seed)
    some = rng.random((count, SIZE)) < 0.2
    return np.where(some, 3.0 + rng.normal(size=some.shape), 0.0)


ROWS, TEST = counts(3000), counts(1500, 1)


def fitted(decoder="columns", rows=ROWS, **kwargs):
    kwargs = {"n_code": 24, "encoder": "search", "random_state": 0, **kwargs}
    return ShallowAutoencoder(decoder=decoder, **kwargs).fit(rows)


@pytest.mark.parametrize("encoder", ["design", "quantised", "search", "itq"])
@pytest.mark.parametrize("norm", ["none", "float16"])
def test_curves_help_columns_that_are_often_zero(encoder, norm):
    n_code = 14 if encoder == "itq" else 24
    plain, curved = (
        fitted(decoder, encoder=encoder, norm=norm, n_code=n_code)
        for decoder in ("linear", "columns")
    )
    np.testing.assert_array_equal(plain.transform(TEST), curved.transform(TEST))
    assert curved.decoder_used_ == plain.decoder_used_ + ", a curve per column"
    least = 0.95 if encoder == "search" else 0.8
    assert 1 - curved.score(TEST) < least * (1 - plain.score(TEST))
    found = curved.inverse_transform(curved.transform(TEST))
    error = np.sum((TEST - found) ** 2) / np.sum((TEST - ROWS.mean(axis=0)) ** 2)
    assert 1 - curved.score(TEST) == pytest.approx(error, rel=1e-6)


def test_gaussian_rows_lose_next_to_nothing():
    rows = np.random.default_rng(0).normal(size=(12_000, SIZE)) * np.arange(1, SIZE + 1)
    plain, curved = (fitted(decoder, rows[:8000]) for decoder in ("linear", "columns"))
    loss = 1 - curved.score(rows[8000:])
    assert loss < 1.02 * (1 - plain.score(rows[8000:]))
    assert loss == pytest.approx(curved.predicted_nmse_, rel=0.05)


def test_other_activations_have_curves_too():
    plain, curved = (
        fitted(decoder, encoder="design", activation="identity", n_code=8)
        for decoder in ("linear", "columns")
    )
    assert curved.score(TEST) > plain.score(TEST)


def test_few_rows_keep_the_linear_decoder_and_say_so():
    with pytest.warns(DataWarning, match="has 200 training rows, and needs 300"):
        few = fitted(rows=ROWS[:200])
    assert few.curves_ is None
    plain = fitted("linear", ROWS[:200])
    codes = few.transform(TEST)
    np.testing.assert_array_equal(
        few.inverse_transform(codes), plain.inverse_transform(codes)
    )
    assert codec_spec(few).decoder == "linear"


@pytest.mark.parametrize("norm", ["none", "float16"])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_models_and_archives_decode_alike(norm, dtype, tmp_path):
    model = fitted(norm=norm)
    isthmus.save(model, tmp_path / "m.safetensors")
    again = isthmus.load(tmp_path / "m.safetensors")
    x = TEST.astype(dtype)
    codes = model.transform(x)
    back = model.inverse_transform(codes)
    assert back.dtype == dtype
    np.testing.assert_array_equal(again.inverse_transform(codes), back)
    spec = codec_spec(again)
    assert spec.decoder == "columns"
    assert spec.digest == codec_spec(model).digest != codec_spec(fitted("linear")).digest
    encode_archive(x, coder_of(spec), tmp_path / "x.isth", chunk_rows=400)
    decoded = decode_archive(tmp_path / "x.isth", dtype=dtype)
    np.testing.assert_allclose(decoded, back, atol=2e-2 if norm == "float16" else 1e-4)
    some = decode_archive(tmp_path / "x.isth", dtype=dtype, rows=(700, 741))
    np.testing.assert_array_equal(some, decoded[700:741])


@pytest.mark.parametrize(
    ("name", "change"),
    [
        ("curve_values", lambda part: part[:-1]),
        ("curve_values", lambda part: part[:, :-1]),
        ("curve_values", lambda part: part.T),
        ("curve_start", lambda part: part * np.nan),
        ("curve_inverse_step", lambda part: -part),
        ("curve_start", lambda part: part.astype(int)),
        ("curve_start", lambda part: part[:1]),
        ("curve_values", lambda part: part.astype(np.float32)),
        ("curve_start", lambda part: None),
    ],
)
def test_damaged_curves_are_refused(name, change):
    def changed(arrays, prefix=""):
        part = change(arrays[prefix + name])
        rest = {key: value for key, value in arrays.items() if key != prefix + name}
        return rest if part is None else {**rest, prefix + name: part}

    plain, arrays = codec_spec(fitted()).parts()
    with pytest.raises(DataError, match="Curves need curve_start"):
        CodecSpec.restored(plain, changed(arrays))
    header, arrays = parts(fitted())
    with pytest.raises(DataError, match="Curves need curve_start"):
        restored(header, changed(arrays))
    codes = fitted().transform(ROWS)
    for method in ("columns", "mlp"):
        if method == "mlp":
            pytest.importorskip("torch")
        decoder = OneBitDecoder(method, random_state=0, hidden=8, network_steps=50)
        header, arrays = one_bit_file.parts(decoder.fit(codes, ROWS))
        assert header["version"] == 3
        with pytest.raises(DataError, match="Curves need curve_start"):
            one_bit_file.restored(header, changed(arrays, "core_"))


def test_curves_where_none_are_announced_are_refused():
    curves = codec_spec(fitted()).curves.arrays()
    plain, arrays = codec_spec(fitted("linear")).parts()
    with pytest.raises(DataError, match="where no curves are announced"):
        CodecSpec.restored(plain, arrays | curves)
    header, arrays = parts(fitted("linear"))
    with pytest.raises(DataError, match="where no curves are announced"):
        restored(header, arrays | curves)
    straight = {"mean": np.zeros(2), "n_code": 2, "frame": "hadamard"}
    zero = ColumnCurves(np.zeros(2), np.zeros(2), np.zeros((65, 2)))
    with pytest.raises(ValueOutOfRange, match="None with another"):
        CodecSpec(**straight, curves=zero)
    for wrong in (None, "curves", np.zeros((65, 2))):
        with pytest.raises(ValueOutOfRange, match="must be ColumnCurves"):
            CodecSpec(**straight, decoder="columns", curves=wrong)


def test_curves_are_announced_whatever_the_parameters_say():
    model = fitted().set_params(decoder="linear")
    assert parts(model)[0]["version"] == 3
    assert "version" not in parts(fitted("linear", encoder="design"))[0]


def test_a_row_that_is_the_mean_stays_the_mean(tmp_path):
    model = fitted(norm="float16")
    codes = model.transform(model.mean_[None])
    assert codes[0, -1] == 0
    np.testing.assert_array_equal(model.inverse_transform(codes)[0], model.mean_)
    rows = np.vstack([model.mean_, TEST[:5]])
    encode_archive(rows, coder_of(codec_spec(model)), tmp_path / "x.isth")
    found = decode_archive(tmp_path / "x.isth", dtype=np.float64)
    np.testing.assert_array_equal(found[0], model.mean_)


@pytest.mark.parametrize("scale", [1e-50, 1e50])
def test_any_unit(scale):
    plain, other = fitted(), fitted(rows=ROWS * scale)
    assert other.score(TEST * scale) == pytest.approx(plain.score(TEST), rel=1e-3)


@pytest.mark.parametrize(
    ("rows", "kwargs", "most"),
    [
        # Three ones in a column are too few to tell how often there is one.
        ((np.random.default_rng(1).random((3300, 32)) < 0.01) * 1.0, {"rate": 2}, 1.1),
        (np.random.default_rng(2).normal(size=(1300, 128)), {"rate": 0.5}, 1.01),
        (np.random.default_rng(3).standard_t(2.1, size=(3300, 32)), {"rate": 2}, 1.01),
    ],
)
@pytest.mark.parametrize("encoder", ["design", "quantised"])
def test_of_few_rows_curves_do_little_harm(rows, kwargs, most, encoder):
    plain, curved = (
        fitted(decoder, rows[:300], n_code=None, encoder=encoder, **kwargs)
        for decoder in ("linear", "columns")
    )
    loss = 1 - curved.score(rows[300:])
    assert loss < most * (1 - plain.score(rows[300:]))
