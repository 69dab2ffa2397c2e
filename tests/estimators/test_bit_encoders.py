import numpy as np
import pytest

import isthmus
from isthmus.codec import coder_of, decode_archive, encode_archive
from isthmus.codec.stored_spec import spec_from_bytes, spec_to_bytes
from isthmus.core import DataError, ValueOutOfRange
from isthmus.decoders import CodecSpec
from isthmus.estimators import ShallowAutoencoder, codec_spec
from isthmus.limits import additive_coding, transform_coding


@pytest.fixture(scope="module")
def rows():
    rng = np.random.default_rng(0)
    return rng.normal(size=(3000, 12)) @ np.diag(np.logspace(0, -0.2, 12)) + 5


def fitted(rows, encoder, **kwargs):
    kwargs = {"n_code": 24, "random_state": 0, **kwargs}
    return ShallowAutoencoder(encoder=encoder, **kwargs).fit(rows[:2000])


def test_additive_coding_is_transform_coding_with_other_quantisers():
    lam = np.logspace(0, -2, 9)
    for bits in (0, 1, 9, 14):
        own, other = additive_coding(lam, bits), transform_coding(lam, bits)
        assert own.bits.sum() == bits
        assert own.nmse >= other.nmse - 1e-12
        if other.bits.max() <= 2:
            np.testing.assert_array_equal(own.bits, other.bits)
            assert own.nmse == pytest.approx(other.nmse, abs=1e-12)
    assert additive_coding(np.array([1.0, 0.0]), 12).bits.tolist() == [12, 0]
    with pytest.raises(ValueOutOfRange, match="at most 12 per direction"):
        additive_coding(np.array([1.0, 0.0]), 13)


@pytest.mark.parametrize("encoder", ["quantised", "search"])
def test_the_prediction_holds_on_gaussian_rows(encoder, rows):
    model = fitted(rows, encoder)
    assert model.predicted_nmse_ == pytest.approx(1 - model.score(rows[2000:]), rel=0.06)
    assert set(np.unique(model.transform(rows))) == {-1, 1}
    assert model.bits_per_vector_ == 24


def test_a_search_beats_quantisers_and_signs(rows):
    found = {name: fitted(rows, name) for name in ("design", "quantised", "search")}
    error = {name: 1 - model.score(rows[2000:]) for name, model in found.items()}
    assert error["search"] < 0.95 * error["quantised"] < 0.8 * error["design"]
    far = fitted(rows, "search", search_flips=0)
    assert 1 - far.score(rows[2000:]) > error["search"]
    assert found["search"].n_iter_ <= 6
    assert "search from" in found["search"].encoder_reason_
    codes = found["search"].transform(rows[:64])
    centred = rows[:64] - found["search"].mean_
    decoder = found["search"].decoder_weight_
    least = np.sum((centred - codes @ decoder.T) ** 2, axis=1)
    for j in range(24):
        codes[:, j] *= -1
        other = np.sum((centred - codes @ decoder.T) ** 2, axis=1)
        assert np.all(other >= least - 1e-6)
        codes[:, j] *= -1


def test_auto_says_what_it_tried(rows):
    auto = fitted(rows, "auto")
    assert auto.encoder_used_ == "search"
    assert set(auto.trials_) == {"design", "quantised", "search"}
    for name, (predicted, measured) in auto.trials_.items():
        assert predicted == pytest.approx(measured, rel=0.1)
        assert f"{name} {measured:.4g}" in auto.encoder_reason_
    np.testing.assert_array_equal(
        auto.transform(rows[:9]), fitted(rows, "search").transform(rows[:9])
    )
    # At one bit of one column there is nothing to search for: the fastest one is taken.
    one = ShallowAutoencoder(1, encoder="auto", random_state=0).fit(rows[:200, :1])
    assert one.encoder_used_ == "design"
    few = ShallowAutoencoder(2, encoder="auto", random_state=0).fit(rows[:5, :3])
    assert few.encoder_used_ == "design"
    assert "too few" in few.encoder_reason_


@pytest.mark.parametrize("norm", ["none", "float16"])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("encoder", ["quantised", "search", "auto"])
def test_the_same_bits_in_models_and_archives(encoder, dtype, norm, rows, tmp_path):
    x = rows[:700].astype(dtype)
    model = fitted(x, encoder, n_code=17, norm=norm)
    codes = model.transform(x)
    assert codes.dtype == dtype
    isthmus.save(model, tmp_path / "m.safetensors")
    again = isthmus.load(tmp_path / "m.safetensors")
    np.testing.assert_array_equal(again.transform(x), codes)
    assert again.encoder_reason_ == model.encoder_reason_
    assert again.trials_ == model.trials_
    spec = codec_spec(again)
    assert spec.digest == codec_spec(model).digest
    assert spec_from_bytes("x", spec_to_bytes(spec)).digest == spec.digest
    coder = coder_of(spec)
    encode_archive(x, coder, tmp_path / "x.isth", chunk_rows=300)
    packed, _ = coder.encode(x)
    bits = np.unpackbits(packed, axis=1, bitorder="little")[:, :17]
    np.testing.assert_array_equal(bits, codes[:, :17] > 0)
    decoded = decode_archive(tmp_path / "x.isth", dtype=dtype)
    np.testing.assert_allclose(decoded, model.inverse_transform(codes), atol=2e-3)


def test_bits_do_not_depend_on_the_batch(rows):
    for encoder in ("quantised", "search"):
        model = fitted(rows, encoder)
        whole = model.transform(rows[:600])
        for part in (slice(0, 1), slice(100, 117), slice(511, 600)):
            np.testing.assert_array_equal(model.transform(rows[part]), whole[part])


def test_lengths_help_rows_of_many_lengths(rows):
    scale = np.exp(np.random.default_rng(1).normal(size=(3000, 1)))
    x = (rows - 5) * scale
    for encoder in ("quantised", "search"):
        plain = fitted(x, encoder).score(x[2000:])
        sent = fitted(x, encoder, norm="float16")
        assert 1 - sent.score(x[2000:]) < 0.7 * (1 - plain)
        assert sent.bits_per_vector_ == 24 + 16


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"activation": "tanh"}, "activation='sign'"),
        ({"whiten": True}, "whiten=False"),
        ({"decoder": "denoised"}, "decoder='linear'"),
        ({"search_flips": -1}, "search_flips"),
        ({"search_flips": 10**6}, "from 0 to 10000; got 1000000"),
        ({"n_code": 200, "encoder": "quantised"}, "at most 12 bits"),
    ],
)
def test_what_is_refused(change, words, rows):
    with pytest.raises(ValueOutOfRange, match=words):
        fitted(rows, **{"encoder": "search", **change})


def test_the_terms_of_a_diagnosis_are_those_of_plain_signs(rows):
    with pytest.raises(ValueOutOfRange, match="linear map.*'quantised'"):
        isthmus.diagnose(fitted(rows, "quantised"), rows)


def test_more_bits_than_quantisers_can_take(rows):
    found = fitted(rows[:, :2], "auto", n_code=30)
    assert "quantised" not in found.trials_
    assert found.score(rows[:, :2]) > 0.95


def test_specs_that_are_none(rows):
    plain, arrays = codec_spec(fitted(rows, "quantised")).parts()
    wrong = [
        ({"encoder": "other"}, {}),
        ({"encoder": "sign"}, {}),
        ({"search_flips": 3}, {}),
        ({}, {"encoder_steps": -arrays["encoder_steps"]}),
        ({}, {"encoder_steps": arrays["encoder_steps"][:-1]}),
    ]
    for values, changed in wrong:
        with pytest.raises(DataError, match="encoder|steps"):
            CodecSpec.restored({**plain, **values}, {**arrays, **changed})
    del plain["encoder"], plain["search_flips"]
    with pytest.raises(DataError, match="encoder_steps"):
        CodecSpec.restored(plain, arrays)


def test_only_new_codes_need_a_new_reader(rows):
    new, old = codec_spec(fitted(rows, "quantised")), codec_spec(fitted(rows, "design"))
    assert b'\\"version\\": 2' in spec_to_bytes(new)
    assert b'\\"version\\": 1' in spec_to_bytes(old)
    assert b"encoder_steps" not in spec_to_bytes(old)
