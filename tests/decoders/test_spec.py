import dataclasses

import numpy as np
import pytest

from isthmus.core import DataError, ValueOutOfRange
from isthmus.decoders import CodecSpec
from isthmus.decoders.norms import NormScale

DENSE = {
    "mean": np.arange(3.0),
    "n_code": 2,
    "encoder_weight": np.ones((2, 3)),
    "decoder_weight": np.ones((3, 2)),
}
FAST = {"mean": np.zeros(8), "n_code": 8, "frame": "hadamard", "seed": 3}


@pytest.mark.parametrize(
    ("base", "change", "words"),
    [
        (DENSE, {"n_code": 0}, "n_code"),
        (DENSE, {"n_code": 3}, "encoder_weight.*shape"),
        (DENSE, {"search_flips": 2**31}, "search_flips.*from 0 to 10000"),
        (DENSE, {"frame": "wavelet"}, "one of dense, dct"),
        (DENSE, {"decoder": "oracle"}, "one of linear, columns.*update isthmus"),
        (DENSE, {"mean": np.zeros((3, 1))}, "mean"),
        (DENSE, {"mean": np.array([0.0, np.nan, 0.0])}, "finite"),
        (DENSE, {"mean": np.zeros(0)}, "mean"),
        (DENSE, {"encoder_weight": None}, "must be given with frame='dense'"),
        (DENSE, {"encoder_weight": np.full((2, 3), np.inf)}, "finite"),
        (DENSE, {"decoder_weight": None}, "must have a decoder_weight"),
        (DENSE, {"gains": np.ones(3)}, "no gains"),
        (DENSE, {"decoder_gains": np.ones(3)}, "left out where decoder_weight"),
        (DENSE, {"norm": NormScale(0.0)}, "positive mean length"),
        (DENSE, {"norm": NormScale(1.0, np.ones((2, 2)))}, "coordinates of 3 rows"),
        (FAST, {"encoder_weight": np.ones((8, 8))}, "with no other"),
        (FAST, {"gains": np.ones(7)}, "gains.*shape"),
        (FAST, {"seed": -1}, "seed"),
        (FAST, {"rounds": 0}, "rounds"),
    ],
)
def test_parts_that_make_no_code(base, change, words):
    with pytest.raises(ValueOutOfRange, match=words):
        CodecSpec(**{**base, **change})


SPECS = [
    CodecSpec(**DENSE),
    CodecSpec(**DENSE, norm=NormScale(2.0)),
    CodecSpec(**DENSE, norm=NormScale(2.0, np.ones((3, 1)))),
    CodecSpec(**FAST),
    CodecSpec(**FAST, gains=np.arange(8.0), decoder_gains=np.arange(8.0)),
    CodecSpec(**{**FAST, "seed": 4}),
    CodecSpec(**{**FAST, "rounds": 2}),
]


def test_digests_tell_codes_apart():
    assert len({spec.digest for spec in SPECS}) == len(SPECS)
    assert SPECS[0].digest == CodecSpec(**DENSE).digest


@pytest.mark.parametrize("spec", SPECS)
def test_parts_come_back(spec):
    again = CodecSpec.restored(*spec.parts())
    assert again.digest == spec.digest
    assert again.bits_per_vector == spec.n_code + (0 if spec.norm is None else 16)


@pytest.mark.parametrize("name", ["n_code", "seed", "norm_mean", "mean"])
def test_parts_that_lack_one(name):
    plain, arrays = SPECS[1].parts()
    plain.pop(name, None)
    arrays.pop(name, None)
    with pytest.raises(DataError, match="lacks a part"):
        CodecSpec.restored(plain, arrays)


def test_a_code_cannot_be_changed():
    with pytest.raises(dataclasses.FrozenInstanceError):
        SPECS[0].n_code = 4
