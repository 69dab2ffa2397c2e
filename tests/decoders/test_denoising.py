import math

import numpy as np
import pytest

from isthmus import frames, limits, priors
from isthmus.core import DataError, ValueOutOfRange
from isthmus.decoders import DenoisingDecoder, Gate, fit_gate

# density, rate -> best gate's NMSE; Bayes-optimal beside.
GATES = {(0.1, 1.0): 0.118, (0.3, 1.0): 0.257, (0.1, 0.5): 0.403}


@pytest.mark.parametrize(("case", "value"), GATES.items())
def test_learned_gate_comes_to_the_posterior_mean(case, value):
    density, rate = case
    prior = priors.GaussBernoulli(density)
    rng = np.random.default_rng(0)
    x = prior.sample(200_000, rng)
    noise = (1 - 2 * rate / math.pi) / (2 * rate / math.pi)
    u = 0.3 * (x + math.sqrt(noise) * rng.standard_normal(x.size))
    gate = fit_gate(u, x)
    test = prior.sample(400_000, rng)
    seen = 0.3 * (test + math.sqrt(noise) * rng.standard_normal(test.size))
    left = np.square(gate(seen) - test)
    error = left.std() / math.sqrt(test.size)
    assert abs(left.mean() - value) <= 5 * error + 5e-4
    best = limits.denoised_limit(prior, rate)
    assert abs(left.mean() - best) <= 5 * error + 2e-3 * best


def test_gate_is_never_worse_than_a_multiple():
    rng = np.random.default_rng(0)
    for x in (
        rng.uniform(-1, 1, 5000),
        rng.normal(size=5000),
        np.sign(rng.normal(size=5000)),
    ):
        u = x + rng.normal(size=5000)
        linear = np.mean((x - u * (u @ x) / (u @ u)) ** 2)
        assert np.mean((fit_gate(u, x)(u) - x) ** 2) <= linear * (1 + 1e-9)


def test_learned_decoder_beats_linear_on_a_real_code():
    frame = frames.dct(1024, 1024, rng=0)
    x = priors.GaussBernoulli(0.1).sample((400, 1024), 1)
    x *= 32 / np.linalg.norm(x, axis=1, keepdims=True)
    y = np.where(frame.forward(x) >= 0, 1.0, -1.0)
    decoder = DenoisingDecoder.learned(frame, y[:200], x[:200])
    assert isinstance(decoder.prior, Gate)
    error = np.mean((decoder.decode(y[200:]) - x[200:]) ** 2)
    # Rows of one length and 1024 coordinates: a few per cent below high dimension.
    assert error == pytest.approx(0.118, rel=0.05)


def test_bad_arguments():
    frame = frames.haar(4, 4, rng=0)
    with pytest.raises(ValueOutOfRange, match="one row per code"):
        DenoisingDecoder.learned(frame, np.ones((3, 4)), np.ones((2, 4)))
    with pytest.raises(ValueOutOfRange, match="one shape"):
        fit_gate(np.ones(3), np.ones(4))
    with pytest.raises(DataError, match="not zero throughout"):
        fit_gate(np.zeros(3), np.ones(3))
