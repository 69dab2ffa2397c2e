import math

import numpy as np
import pytest
from helpers import assert_mean_close

from isthmus import frames, limits, priors
from isthmus.core import ValueOutOfRange
from isthmus.decoders import LinearDecoder


@pytest.mark.parametrize("prior", [priors.Gaussian(), priors.GaussBernoulli(0.3)], ids=repr)
@pytest.mark.parametrize("rate", [0.5, 1.0, 3.0])
def test_leaves_the_isotropic_limit_whatever_the_prior(rate, prior):
    # 5 standard errors are about 1 % of the error.
    size = 1024
    frame = frames.dct(int(size * rate), size, rng=0, rounds=2)
    x = prior.sample((60, size), 1)
    x *= math.sqrt(size) / np.linalg.norm(x, axis=1, keepdims=True)
    y = np.where(frame.forward(x) >= 0, 1.0, -1.0)
    each = np.mean((LinearDecoder(frame).decode(y) - x) ** 2, axis=1)
    assert_mean_close(each, limits.isotropic_limit(rate), bias=2 / size)


@pytest.mark.parametrize("rate", [0.5, 2.0])
def test_flipped_bits_shrink_it_to_the_least_squares_multiple(rate):
    size = 1024
    frame = frames.dct(int(size * rate), size, rng=0, rounds=2)
    rng = np.random.default_rng(1)
    x = rng.normal(size=(200, size))
    y = np.where(frame.forward(x) >= 0, 1.0, -1.0)
    y *= np.where(rng.random(y.shape) < 0.2, -1.0, 1.0)
    found = LinearDecoder(frame, flip_probability=0.2).decode(y)
    best = np.sum(found * x) / np.sum(found * found)
    # The best multiple is known to about 1 / sqrt(200 000) / its correlation.
    assert best == pytest.approx(1.0, abs=0.02)


def test_variance_scales():
    frame = frames.haar(4, 4, rng=0)
    y = np.ones((1, 4))
    np.testing.assert_allclose(
        LinearDecoder(frame, variance=9.0).decode(y), 3 * LinearDecoder(frame).decode(y)
    )
    with pytest.raises(ValueOutOfRange, match="variance"):
        LinearDecoder(frame, variance=0.0)
