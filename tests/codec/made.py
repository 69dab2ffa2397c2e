"""Codes and archives that tests work on."""

import numpy as np

from isthmus.codec import SignCoder
from isthmus.decoders import CodecSpec
from isthmus.decoders.norms import NormScale


def dense_coder(n_input=12, n_code=20, *, norm=True, seed=0):
    """A code of small whole weights: sums of them are exact in any order."""
    rng = np.random.default_rng(seed)
    return SignCoder(
        CodecSpec(
            mean=rng.integers(-8, 8, n_input) / 8,
            n_code=n_code,
            encoder_weight=rng.integers(-8, 9, (n_code, n_input)) / 8 + 1 / 1024,
            decoder_weight=rng.integers(-8, 9, (n_input, n_code)) / 64,
            norm=NormScale(2.0) if norm else None,
        )
    )


def fast_coder(n_input=12, n_code=16, **kwargs):
    """A code whose encoder is a seed."""
    gains = np.linspace(2.0, 0.5, n_input)
    spec = {"frame": "hadamard", "seed": 5, "gains": gains, "decoder_gains": gains / 4}
    return SignCoder(
        CodecSpec(mean=np.linspace(-1, 1, n_input), n_code=n_code, **{**spec, **kwargs})
    )


def some_rows(n_rows, n_input=12, seed=1):
    return np.random.default_rng(seed).normal(size=(n_rows, n_input)).astype(np.float32)
