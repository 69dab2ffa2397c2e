import numpy as np
import pytest

from isthmus.codec import coder_of
from isthmus.core import ValueOutOfRange
from isthmus.estimators import ShallowAutoencoder, TransformCoder, codec_spec


@pytest.fixture
def rows(rng):
    return rng.normal(size=(600, 24)) @ rng.normal(size=(24, 24)) + 3


@pytest.mark.parametrize("norm", ["none", "float16"])
@pytest.mark.parametrize("whiten", [False, True])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("n_code", [7, 24, 41])
def test_bits_and_rows_are_those_of_the_model(norm, whiten, dtype, n_code, rows):
    rows = rows.astype(dtype)
    options = {"norm": norm, "whiten": whiten, "random_state": 0}
    model = ShallowAutoencoder(n_code, **options).fit(rows)
    coder = coder_of(codec_spec(model))
    packed, lengths = coder.encode(rows)
    codes = model.transform(rows)
    bits = np.unpackbits(packed, axis=1, bitorder="little")
    # Products of other sizes round differently: a projection near 0 may change sides.
    wrong = np.count_nonzero(bits[:, :n_code] != (codes[:, :n_code] > 0))
    assert wrong <= 1
    assert not bits[:, n_code:].any()
    assert coder.spec.bits_per_vector == model.bits_per_vector_
    own = 2.0 * bits[:, :n_code].astype(dtype) - 1.0
    if norm == "float16":
        mean = model.norm_scale_.mean
        np.testing.assert_allclose(lengths * mean, codes[:, -1], rtol=1e-3)
        own = np.column_stack([own, lengths.astype(dtype) * dtype(mean)])
    np.testing.assert_allclose(
        coder.decode(packed, lengths, dtype=dtype),
        model.inverse_transform(own),
        rtol=1e-3 if dtype is np.float32 else 1e-9,
        atol=1e-3 if dtype is np.float32 else 1e-9,
    )


def test_models_that_are_no_such_codes(rows):
    fitted = {
        "sign activation": ShallowAutoencoder(4, activation="tanh").fit(rows),
        "decoder linear or columns": ShallowAutoencoder(
            24, decoder="denoised", encoder="random", random_state=0
        ).fit(rows),
        "must be fitted": ShallowAutoencoder(4),
        "got TransformCoder": TransformCoder(4).fit(rows),
    }
    for words, model in fitted.items():
        with pytest.raises(ValueOutOfRange, match=words):
            codec_spec(model)
