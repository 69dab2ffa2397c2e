import math

import cases
import numpy as np
import pytest
from helpers import assert_mean_close

from isthmus import frames, limits, priors
from isthmus.core import ValueOutOfRange, as_rng

# Sparse signs at rate 1: density -> rotation of everything, axes, pairs, best block, size.
# The last row is without its block of one, which is the axes themselves.
SECTION_3 = {
    0.3: (0.3634, 0.7, 0.553, 0.3634, math.inf),
    0.4: (0.3634, 0.6, 0.456, 0.3598, 14),
    0.5: (0.3634, 0.5, 0.375, 0.3468, 6),
    0.6: (0.3634, 0.4, 0.304, 0.3244, 4),
    2 / math.pi: (0.3634, 0.3634, 0.2793, 0.3117, 3),
    0.7: (0.3634, 0.3, 0.237, 0.2828, 2),
    0.9: (0.3634, 0.1, 0.091, 0.2088, 2),
}
UNIT = 1.0001e-4
CALLS = [
    limits.axes_limit,
    limits.givens_limit,
    lambda prior, rate: limits.block_haar_limit(prior, 3, rate),
    limits.best_block,
]


@pytest.mark.parametrize(("density", "row"), SECTION_3.items())
def test_table_of_section_3(density, row):
    prior = priors.SparseRademacher(density)
    haar, axes, pairs, best, block = row
    assert limits.block_haar_limit(prior) == pytest.approx(haar, abs=UNIT)
    assert limits.axes_limit(prior, 1.0) == pytest.approx(axes, abs=UNIT)
    assert limits.givens_limit(prior) == pytest.approx(pairs, abs=UNIT)
    assert limits.block_haar_limit(prior, block) == pytest.approx(best, abs=UNIT)
    found = limits.best_block(prior)
    if density == 0.9:
        assert found.block == 1
        assert found.nmse == pytest.approx(axes, abs=1e-9)
    else:
        assert found.block == block
        assert found.nmse == pytest.approx(best, abs=UNIT)


@pytest.mark.parametrize("density", [1e-3, 0.2, 0.5, 0.9, 1.0])
def test_pairs_of_sparse_signs_in_closed_form(density):
    prior = priors.SparseRademacher(density)
    for rate in (0.3, 1.0):
        closed = 1 - rate * density * (1 + (1 - density) ** 2)
        assert limits.givens_limit(prior, rate) == pytest.approx(closed, abs=1e-13)
    tangent = math.tan(limits.givens_angle(prior))
    assert tangent == pytest.approx(1 - density, abs=1e-6)


def test_pairs_of_scale_mixtures_in_closed_form():
    for prior in cases.PRIORS:
        if isinstance(prior, (priors.ScaleMixture, priors.GaussBernoulli)):
            weights, variances = (np.array(part) for part in prior._components)
            both = np.sqrt(0.5 * np.add.outer(variances, variances))
            psi = math.sqrt(2 / math.pi) * weights @ both @ weights
            closed = 1 - psi**2 / prior.variance
            assert limits.givens_limit(prior) == pytest.approx(closed, abs=1e-12)


def test_pairs_of_laplace_and_uniform_by_hand():
    # int U(a t) U(a) da is (b / 4) / (1 + t), and sqrt(3)/4 (1/2 - t/6).
    angles = np.linspace(0, math.pi / 4, 20001)
    sine, cosine, slope = np.sin(angles), np.cos(angles), np.tan(angles)
    b, edge = math.sqrt(0.5), math.sqrt(3)
    laplace = (cosine + sine) * b - sine * b / (1 + slope)
    uniform = (cosine + sine) * edge / 2 - sine * edge * (0.5 - slope / 6)
    for prior, psi in ((priors.SparseLaplace(1.0), laplace), (priors.Uniform(), uniform)):
        closed = 1 - psi.max() ** 2
        assert limits.givens_limit(prior) == pytest.approx(closed, abs=1e-8)


@pytest.mark.parametrize("prior", cases.PRIORS, ids=repr)
def test_pairs_are_measured_and_never_worse_than_axes(prior):
    # 100 000 pairs: 0.2 to 1 % of psi.
    angle = limits.givens_angle(prior)
    x = prior.sample((100_000, 2), as_rng(2))
    turned = np.abs(math.cos(angle) * x[:, 0] + math.sin(angle) * x[:, 1])
    psi = math.sqrt((1 - limits.givens_limit(prior)) * prior.variance)
    assert_mean_close(turned, psi)
    assert limits.givens_limit(prior, 0.4) <= limits.axes_limit(prior, 0.4) + 1e-15


@pytest.mark.parametrize("density", [0.01, 0.3, 0.8])
@pytest.mark.parametrize("block", [1, 2, 5, 40, 600, 4096])
def test_blocks_by_counting_the_non_zeros(density, block):
    from scipy.special import gammaln
    from scipy.stats import binom

    count = np.arange(1, block + 1)
    chance = binom.pmf(count, block, density)
    chi = np.exp(gammaln((count + 1) / 2) - gammaln(count / 2)) * math.sqrt(2)
    sphere = math.exp(gammaln(block / 2) - gammaln((block + 1) / 2)) / math.sqrt(math.pi)
    for prior, length in (
        (priors.SparseRademacher(density), np.sqrt(count)),
        (priors.GaussBernoulli(density), chi),
    ):
        psi = sphere * float(chance @ length) / math.sqrt(density)
        found = limits.block_haar_limit(prior, block)
        assert found == pytest.approx(1 - psi**2, abs=1e-9)


@pytest.mark.parametrize("prior", cases.PRIORS, ids=repr)
def test_blocks_of_one_are_the_axes_and_large_ones_follow_the_kurtosis(prior):
    one = limits.block_haar_limit(prior, 1)
    assert one == pytest.approx(limits.axes_limit(prior, 1.0), abs=1e-10)
    k = 2000
    first = prior.excess_kurtosis / (8 * k)
    psi = math.sqrt((1 - limits.block_haar_limit(prior, k)) * math.pi / 2)
    spread = 1 + (prior.moments.fourth / prior.variance**2) ** 2
    assert abs(psi - (1 - first)) < spread / k**2 + 1e-9
    assert limits.best_block(prior).nmse <= limits.block_haar_limit(prior) + 1e-15


def test_random_sparse_rows_follow_the_same_expansion():
    # Rows of a random direction in 20 places. 300 000 of them: 0.14 % of psi at five
    # standard errors 0.7 %, where the expansion's term is 1.0 %; no block rotation.
    prior, k = priors.SparseRademacher(0.7), 20
    rng = as_rng(4)
    row = rng.standard_normal((300_000, k))
    row /= np.linalg.norm(row, axis=1, keepdims=True)
    seen = np.abs(np.einsum("ij,ij->i", row, prior.sample((300_000, k), rng)))
    psi = math.sqrt(2 / math.pi) * (1 - prior.excess_kurtosis / (8 * k))
    assert_mean_close(seen, psi, bias=2e-3 * psi)  # the next term is of order 1 / k^2
    assert_mean_close(seen, math.sqrt(1 - limits.block_haar_limit(prior, k)))


@pytest.mark.parametrize("block", [3, 16])
def test_a_block_rotation_reaches_it(block):
    # 300 rotations of one block each, the best scale being psi: standard error 0.3 %.
    prior = priors.SparseRademacher(0.6)
    rng = as_rng(6)
    limit = limits.block_haar_limit(prior, block)
    psi = math.sqrt(1 - limit)
    errors = []
    for _ in range(300):
        rotation = frames.haar(block, block, rng=rng).to_dense()
        x = prior.sample((200, block), rng)
        code = np.where(x @ rotation.T >= 0, 1.0, -1.0)
        errors.append(np.mean((x - psi * code @ rotation) ** 2))
    assert_mean_close(errors, limit)


@pytest.mark.parametrize("call", CALLS)
@pytest.mark.parametrize("rate", [0.0, 1.01, math.nan])
def test_rates_outside_the_domain(call, rate):
    with pytest.raises(ValueOutOfRange, match=r"must lie in \(0, 1\]"):
        call(priors.Uniform(), rate)


def test_blocks_outside_the_domain():
    for block in (0, 2.5, 5000, math.nan):
        with pytest.raises(ValueOutOfRange, match="from 1 to 4096"):
            limits.block_haar_limit(priors.Uniform(), block)


def test_scale_cancels_and_the_rate_is_linear():
    small = priors.ScaleMixture([0.9, 0.1], [0.0, 10.0])
    large = priors.ScaleMixture([0.9, 0.1], [0.0, 4000.0])
    for call in (*CALLS[:3], lambda *words: limits.best_block(*words).nmse):
        whole, other = call(small, 1.0), call(large, 1.0)
        assert whole == pytest.approx(other, rel=1e-9)
        assert call(small, 0.25) == pytest.approx(1 - 0.25 * (1 - whole), rel=1e-12)
