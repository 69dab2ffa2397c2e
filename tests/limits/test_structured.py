import math

import cases
import numpy as np
import pytest
from helpers import assert_mean_close, unchecked

from isthmus import frames, limits, priors
from isthmus.core import ValueOutOfRange, as_rng

# Sparse Gaussian coordinates: density -> rates 0.25, 0.5, 0.75, 1.
SECTION_4 = {
    0.05: (0.5305, 0.2527, 0.1280, 0.0627),
    0.1: (0.6968, 0.4021, 0.2253, 0.1175),
    0.2: (0.7954, 0.5502, 0.3496, 0.1998),
    0.3: (0.8225, 0.6150, 0.4206, 0.2560),
    0.5: (0.8369, 0.6636, 0.4888, 0.3215),
    0.8: (0.8406, 0.6802, 0.5193, 0.3586),
}
SECTION_5_3 = {
    (0.05, 2): 0.0285,
    (0.1, 2): 0.0557,
    (0.1, 4): 0.0257,
    (0.2, 2): 0.1011,
    (0.3, 2): 0.1363,
    (0.5, 2): 0.1839,
}
SECTION_3 = {"rademacher": 0.6366, "uniform": 0.8488, "gaussian": 1.0, "laplace": 1.27}


@pytest.mark.parametrize(("density", "row"), SECTION_4.items())
def test_table_of_section_4_denoising_decoder(density, row):
    prior = priors.GaussBernoulli(density)
    found = [limits.denoised_limit(prior, rate) for rate in (0.25, 0.5, 0.75, 1.0)]
    assert found == pytest.approx(row, abs=1e-4)


@pytest.mark.parametrize(("case", "value"), SECTION_5_3.items())
def test_tables_of_section_5_3_above_rate_one(case, value):
    density, rate = case
    prior = priors.GaussBernoulli(density)
    assert limits.denoised_limit(prior, rate) == pytest.approx(value, abs=1e-4)


@pytest.mark.parametrize(("family", "value"), SECTION_3.items())
def test_critical_densities_of_section_3(family, value):
    unit = 0.01 if family == "laplace" else 1e-4
    assert limits.critical_density(family) == pytest.approx(value, abs=unit)


def test_critical_density_is_where_the_two_encoders_meet():
    p = limits.critical_density("rademacher")
    own = 1 - priors.SparseRademacher(p).mean_absolute ** 2
    assert own == pytest.approx(limits.isotropic_limit(1.0), rel=1e-13)
    by_prior = limits.critical_density(priors.ScaleMixture([0.5, 0.5], [1.0, 3.0]))
    assert by_prior > 1.0  # every scale mixture: the axes never win
    assert limits.critical_density(priors.Uniform()) == limits.critical_density("uniform")


@pytest.mark.parametrize("rate", [0.1, 0.5, 1.0, 2.0, 7.0])
def test_a_gaussian_gains_nothing_and_everything_else_something(rate):
    linear = limits.isotropic_limit(rate)
    for prior in cases.PRIORS:
        found = limits.denoised_limit(prior, rate)
        if prior in (priors.Gaussian(), priors.GaussBernoulli(1.0)):
            assert found == pytest.approx(linear, rel=1e-9)
        else:
            assert found < linear * (1 - 1e-6)


def test_more_bits_less_error_and_continuous_at_one():
    prior = priors.SparseLaplace(0.3)
    values = [limits.denoised_limit(prior, r) for r in np.linspace(0.1, 3.0, 15)]
    assert np.all(np.diff(values) < 0)
    below, above = (limits.denoised_limit(prior, 1 + e) for e in (-1e-9, 1e-9))
    assert below == pytest.approx(above, rel=1e-7)


def test_scale_cancels():
    small = priors.ScaleMixture([0.9, 0.1], [0.0, 10.0])
    large = priors.ScaleMixture([0.9, 0.1], [0.0, 4000.0])
    first, second = (limits.denoised_limit(p, 0.7) for p in (small, large))
    assert first == pytest.approx(second, rel=1e-9)


@pytest.mark.parametrize("rate", [0.5, 1.0, 2.0])
@pytest.mark.parametrize(
    "prior", [priors.GaussBernoulli(0.3), priors.SparseRademacher(0.5)], ids=repr
)
def test_a_haar_sign_code_reaches_it(prior, rate):
    # 512 coordinates, 200 vectors: standard error 0.5 to 1 %, linear decoding 20 to 60 %
    # above; a bias of 1 % is allowed for the finite dimension.
    d = 512
    rng = as_rng(3)
    frame = frames.haar(round(rate * d), d, rng=rng)
    x = prior.sample((200, d), rng)
    scale = math.sqrt(max(1.0, rate))  # unit rows
    code = np.where(frame.forward(x) >= 0, 1.0, -1.0)
    signal = rate * math.sqrt(2 / math.pi)
    noise = rate * (1 - 2 / math.pi * min(rate, 1.0)) / signal**2
    mean, _ = prior.posterior(scale * frame.adjoint(code) / signal, noise)
    limit = limits.denoised_limit(prior, rate)
    assert_mean_close(((x - mean) ** 2).mean(axis=1), limit, bias=0.01 * limit)


@pytest.mark.parametrize("rate", [0.0, -1.0, math.nan, [0.5, 1.0]])
def test_rates_outside_the_domain(rate):
    with pytest.raises(ValueOutOfRange, match="rate=..."):
        unchecked(limits.denoised_limit)(priors.Gaussian(), rate)


def test_what_is_no_prior():
    with pytest.raises(ValueOutOfRange, match="must be a prior"):
        unchecked(limits.denoised_limit)("gaussian", 1.0)
    with pytest.raises(ValueOutOfRange, match="one of gaussian, laplace"):
        limits.critical_density("cauchy")
