import numpy as np
import pytest

import isthmus
from isthmus.codec import coder_of, decode_archive, encode_archive
from isthmus.core import DataError, DataWarning, ValueOutOfRange
from isthmus.decoders import CodecSpec
from isthmus.decoders.column_curves import ColumnCurves
from isthmus.estimators import ShallowAutoencoder, codec_spec
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


def test_damaged_curves_are_refused():
    spec = codec_spec(fitted())
    plain, arrays = spec.parts()
    for name, part in (
        ("curve_values", arrays["curve_values"][:-1]),
        ("curve_start", arrays["curve_start"] * np.nan),
        ("curve_inverse_step", -arrays["curve_inverse_step"]),
        ("curve_start", arrays["curve_start"].astype(int)),
    ):
        with pytest.raises(DataError, match=r"CodecSpec\(curves="):
            CodecSpec.restored(plain, {**arrays, name: part})
    with pytest.raises(DataError, match="curve_start"):
        CodecSpec.restored(plain, {k: v for k, v in arrays.items() if k != "curve_start"})
    with pytest.raises(ValueOutOfRange, match="with decoder='columns' and with no other"):
        CodecSpec(
            mean=np.zeros(2),
            n_code=2,
            frame="hadamard",
            curves=ColumnCurves(np.zeros(2), np.zeros(2), np.zeros((65, 2))),
        )
    header, arrays = parts(fitted())
    arrays["curve_values"] = arrays["curve_values"][:, :-1]
    with pytest.raises(DataError, match="curves of this model"):
        restored(header, arrays)
