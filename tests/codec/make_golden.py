"""Writes tests/codec/golden, once: python tests/codec/make_golden.py.

Weights, means and rows are small multiples of powers of two, so that every sum is exact in
float32 in any order: the same floats must come out on every machine.
"""

from pathlib import Path

import numpy as np

import isthmus
from isthmus.codec import SignCoder, coder_of, decode_archive, encode_archive
from isthmus.decoders import CodecSpec
from isthmus.decoders.column_curves import CELLS
from isthmus.decoders.norms import NormScale
from isthmus.estimators import ShallowAutoencoder, codec_spec

FOLDER = Path(__file__).parent / "golden"
N_INPUT, N_CODE = 12, 20


def rows():
    """Rows in eighths."""
    return np.random.Philox(1).random_raw(60 * N_INPUT).reshape(60, -1) % 65 / 8.0 - 4.0


def model():
    """A fitted autoencoder whose numbers are replaced by simple ones."""
    words = np.random.Philox(2).random_raw(2 * N_INPUT * N_CODE)
    weights = (words % 17).reshape(2, -1) / 8.0 - 1.0
    made = ShallowAutoencoder(N_CODE, norm="float16", random_state=0).fit(rows())
    made.mean_ = np.arange(N_INPUT) / 8.0 - 0.5
    made.encoder_weight_ = weights[0].reshape(N_CODE, N_INPUT) + 1 / 1024
    made.decoder_weight_ = weights[1].reshape(N_INPUT, N_CODE) / 8.0
    made.norm_scale_ = NormScale(4.0)
    return made


def searched_spec(encoder):
    """A code whose bits refine each other, or are searched for; simple numbers as well."""
    old = codec_spec(model())
    plain, arrays = old.parts()
    steps = np.where(np.arange(N_CODE) % 3, 0.5, 0.0)
    more = {"encoder": encoder, "search_flips": 24 if encoder == "search" else 0}
    return CodecSpec.restored({**plain, **more}, {**arrays, "encoder_steps": steps})


def curved_spec():
    """A searched code whose decoded columns go through curves; simple numbers as well."""
    plain, arrays = searched_spec("search").parts()
    bends = np.random.Philox(3).random_raw((CELLS + 1) * N_INPUT) % 9 / 8.0
    inverse = np.where(np.arange(N_INPUT) % 5, 32.0, 0.0)
    arrays["curve_start"] = np.arange(N_INPUT) / 4.0 - 2.0
    arrays["curve_inverse_step"] = inverse
    arrays["curve_values"] = bends.reshape(CELLS + 1, N_INPUT)
    return CodecSpec.restored({**plain, "decoder": "columns"}, arrays)


def fast_spec():
    """A code whose encoder is a seed; the root of 16 is exact."""
    gains = 2.0 ** (np.arange(16) % 4)
    mean = np.arange(16) / 8.0 - 1.0
    return CodecSpec(
        mean=mean, n_code=16, frame="hadamard", seed=7, rounds=2, decoder_gains=gains
    )


def main():
    """Write everything."""
    FOLDER.mkdir(exist_ok=True)
    isthmus.save(model(), FOLDER / "model.safetensors")
    found = ShallowAutoencoder(16, encoder="search", random_state=0).fit(rows())
    isthmus.save(found, FOLDER / "search.safetensors")
    dense, fast = coder_of(codec_spec(model())), SignCoder(fast_spec())
    encode_archive(rows()[:40], dense, FOLDER / "dense.isth", chunk_rows=16, uid=1)
    encode_archive(rows()[40:], dense, FOLDER / "dense.isth", append=True, chunk_rows=9)
    for number, name in enumerate(("quantised", "search")):
        coder = SignCoder(searched_spec(name))
        encode_archive(
            rows(), coder, FOLDER / f"{name}.isth", chunk_rows=25, uid=3 + number
        )
    curved = SignCoder(curved_spec())
    encode_archive(rows(), curved, FOLDER / "columns.isth", chunk_rows=25, uid=5)
    wide = np.column_stack([rows(), rows()[::-1, :4]])
    encode_archive(wide, fast, FOLDER / "fast.isth", chunk_rows=25, uid=2)
    for name in ("dense", "fast", "quantised", "search", "columns"):
        np.save(FOLDER / f"{name}.npy", decode_archive(FOLDER / f"{name}.isth"))


if __name__ == "__main__":
    main()
