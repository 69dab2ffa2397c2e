import heapq
import itertools
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from limits.oracles import heap_allocation, lloyd_distortion, reverse_water_fill, spectrum
from scipy import integrate
from scipy.optimize import brentq
from scipy.special import ndtr

from isthmus import limits
from isthmus.core import ValueOutOfRange

LLOYD = [1.0, 0.363380, 0.117482, 0.0345478, 0.0095010, 0.0025047, 0.00064424, 0.00016457]
spectra = st.lists(st.floats(1e-3, 1e3), min_size=1, max_size=20).map(np.array)


@pytest.mark.parametrize("bits", range(7))
def test_lloyd_max_values(bits):
    assert limits.lloyd_max_distortion(bits) == pytest.approx(LLOYD[bits], rel=2e-5)


@pytest.mark.parametrize("bits", range(1, 13))
def test_lloyd_max_is_stationary(bits):
    levels, thresholds = limits.lloyd_max_quantiser(bits)
    assert levels.size == 2**bits
    np.testing.assert_allclose(thresholds, (levels[1:] + levels[:-1]) / 2, atol=1e-12)
    knots = np.concatenate([[-np.inf], thresholds, [np.inf]])
    density = np.exp(-(knots**2) / 2) / np.sqrt(2 * np.pi)
    mass = np.where(
        knots[:-1] >= 0, ndtr(-knots[:-1]) - ndtr(-knots[1:]), np.diff(ndtr(knots))
    )
    np.testing.assert_allclose(levels * mass, -np.diff(density), atol=1e-14)


@pytest.mark.parametrize("bits", [1, 2, 3, 4])
def test_lloyd_iteration_ends_at_the_same_distortion(bits):
    grid = np.linspace(-9, 9, 400_001)
    weight = np.exp(-(grid**2) / 2)
    weight /= weight.sum()
    levels = np.linspace(-2, 2, 2**bits)
    for _ in range(400):
        cell = np.searchsorted((levels[1:] + levels[:-1]) / 2, grid)
        levels = np.bincount(cell, weight * grid) / np.bincount(cell, weight)
    distortion = np.sum(weight * (grid - levels[cell]) ** 2)
    assert distortion == pytest.approx(limits.lloyd_max_distortion(bits), rel=2e-5)


def test_many_bits_follow_the_high_resolution_law():
    law = np.pi * np.sqrt(3) / 2 / 4**12
    assert limits.lloyd_max_distortion(12) == pytest.approx(law, rel=2e-3)


@pytest.mark.parametrize("bits", [-1, 13])
def test_quantisers_that_are_none(bits):
    with pytest.raises(ValueOutOfRange, match="from 0 to 12"):
        limits.lloyd_max_distortion(bits)


@pytest.mark.parametrize(
    ("lam", "rate", "coding", "shannon"),
    [
        (np.ones(100), 0.5, 0.6817, 0.5),
        (np.ones(100), 1, 0.3634, 0.25),
        (np.ones(100), 1.5, 0.2404, 0.125),
        (np.ones(100), 2, 0.1175, 0.0625),
        (np.ones(100), 4, 0.0095, 0.0039),
        (np.repeat([4.0, 1.0], 50), 1, 0.2940, 0.2),
        (np.repeat([4.0, 1.0], 50), 2, 0.1003, 0.05),
        (np.arange(1, 101) ** -1.0, 1, 0.1843, 0.1269),
        (np.arange(1, 101) ** -1.0, 2, 0.0614, 0.0317),
        (np.arange(1, 101) ** -2.0, 1, 0.0152, 0.0108),
    ],
)
def test_classical_codecs(lam, rate, coding, shannon):
    bits = round(rate * 100)
    assert limits.transform_coding(lam, bits).nmse == pytest.approx(coding, abs=6e-5)
    assert limits.rate_distortion(lam, bits) == pytest.approx(shannon, abs=6e-5)


@given(spectra, st.floats(0, 100))
def test_rate_distortion_against_a_root_finder(lam, bits):
    def spent(log_theta):
        return 0.5 * np.maximum(np.log2(lam) - log_theta, 0).sum() - bits

    top = np.log2(lam.max())
    theta = 2 ** brentq(spent, top - 2 * bits - 30, top, xtol=1e-14)
    expected = np.minimum(theta, lam).sum() / lam.sum()
    assert limits.rate_distortion(lam, bits) == pytest.approx(expected, rel=1e-9)


@given(spectra, st.integers(0, 40))
def test_transform_coding_against_a_heap(lam, bits):
    bits = min(bits, 12 * lam.size)
    table = [limits.lloyd_max_distortion(b) for b in range(13)]
    given_bits = [0] * lam.size
    heap = [(-value * (table[0] - table[1]), i) for i, value in enumerate(lam)]
    heapq.heapify(heap)
    for _ in range(bits):
        _, i = heapq.heappop(heap)
        given_bits[i] += 1
        if given_bits[i] < 12:
            b = given_bits[i]
            heapq.heappush(heap, (-lam[i] * (table[b] - table[b + 1]), i))
    expected = sum(v * table[b] for v, b in zip(lam, given_bits, strict=True)) / lam.sum()
    result = limits.transform_coding(lam, bits)
    assert result.nmse == pytest.approx(expected, rel=1e-12)
    assert result.bits.sum() == bits


def test_greedy_bits_are_optimal(rng):
    table = np.array([limits.lloyd_max_distortion(b) for b in range(8)])
    for bits in range(8):
        lam = rng.exponential(size=3)
        split = (s for s in itertools.product(range(8), repeat=3) if sum(s) == bits)
        best = min(lam @ table[list(s)] for s in split) / lam.sum()
        assert limits.transform_coding(lam, bits).nmse == pytest.approx(best, rel=1e-12)


def test_many_budgets_at_once():
    lam = np.arange(1, 20) ** -1.5
    budgets = np.array([0, 3, 40])
    many = limits.transform_coding(lam, budgets)
    for i, bits in enumerate(budgets):
        one = limits.transform_coding(lam, int(bits))
        assert many.nmse[i] == pytest.approx(one.nmse, rel=1e-14)
        np.testing.assert_array_equal(many.bits[i], one.bits)
    np.testing.assert_array_equal(
        limits.rate_distortion(lam, budgets),
        [limits.rate_distortion(lam, int(b)) for b in budgets],
    )
    assert limits.rate_distortion(lam, 0) == 1.0


@pytest.mark.parametrize("rate", [0, 0.5, 1, 1.5, 2, 3.25])
def test_isotropic_transform_coding_is_the_flat_case(rate):
    flat = limits.transform_coding(np.ones(400), round(400 * rate)).nmse
    assert limits.isotropic_transform_coding(rate) == pytest.approx(flat, rel=1e-12)


def test_bits_outside_the_domain():
    with pytest.raises(ValueOutOfRange, match="at most 12 per direction"):
        limits.transform_coding(np.array([1.0, 0.0]), 13)
    with pytest.raises(ValueOutOfRange, match="at least 0"):
        limits.transform_coding(np.ones(2), -1)
    with pytest.raises(ValueOutOfRange, match="finite and not negative"):
        limits.rate_distortion(np.ones(2), -0.1)
    with pytest.raises(ValueOutOfRange, match="must lie in"):
        limits.isotropic_transform_coding(13)


# Independent routes (oracles.py), written without sight of the implementation.
wild = st.lists(
    st.one_of(st.just(0.0), st.floats(-4, 4).map(lambda e: 10.0**e)),
    min_size=1,
    max_size=12,
).map(np.array)
wild = wild.filter(lambda lam: lam.max() > 0)


def test_seven_bits_correct_the_note():
    # limits.md prints 1.6457e-4, a Lloyd iteration that had not ended: D(b) 4^b must
    # approach pi sqrt(3) / 2 with gaps that about halve from bit to bit.
    found = [limits.lloyd_max_distortion(b) * 4.0**b for b in range(13)]
    assert limits.lloyd_max_distortion(7) == pytest.approx(1.63478e-4, rel=1e-5)
    gaps = math.pi * math.sqrt(3) / 2 - np.array(found)
    ratio = gaps[1:] / gaps[:-1]
    assert np.all(gaps > 0)
    assert np.all(np.diff(ratio) < 0)
    assert ratio[-1] == pytest.approx(0.5, abs=0.005)


@pytest.mark.parametrize("bits", range(6))
def test_plain_lloyd_iteration_with_exact_cells(bits):
    found = limits.lloyd_max_distortion(bits)
    assert found == pytest.approx(lloyd_distortion(bits), rel=1e-10)


def test_one_bit_is_the_sign_limit():
    found = limits.lloyd_max_distortion(1)
    assert found == pytest.approx(1 - 2 / math.pi, rel=1e-13)
    assert found == pytest.approx(limits.isotropic_limit(1.0), rel=1e-13)


def test_distortion_is_convex_and_above_shannon():
    table = np.array([limits.lloyd_max_distortion(b) for b in range(13)])
    assert table[0] == 1
    steps = -np.diff(table)
    assert np.all(steps > 0)
    assert np.all(np.diff(steps) < 0)
    assert np.all(table[1:] > 4.0 ** -np.arange(1, 13))


@pytest.mark.parametrize(
    ("name", "bits", "coding", "sign", "shannon"),
    [
        ("white", 50, 0.6817, 0.6817, 0.5),
        ("white", 100, 0.3634, 0.3634, 0.25),
        ("white", 150, 0.2404, 0.2756, 0.125),
        ("white", 200, 0.1175, 0.2220, 0.0625),
        ("white", 400, 0.0095, 0.1249, 0.0039),
        ("two-blocks", 100, 0.2940, 0.3270, 0.2),
        ("two-blocks", 200, 0.1003, 0.1998, 0.05),
        ("k^-1", 100, 0.1843, 0.2421, 0.1269),
        ("k^-1", 200, 0.0614, 0.1479, 0.0317),
        ("ar.95", 100, 0.0342, 0.0995, 0.0249),
        ("ar.95", 200, 0.0114, 0.0606, 0.0062),
        ("k^-2", 100, 0.0152, 0.0610, 0.0108),
    ],
)
def test_three_curves_at_equal_bits(name, bits, coding, sign, shannon):
    lam = spectrum(name)
    found = (
        limits.transform_coding(lam, bits).nmse,
        limits.covariance_limit(lam, bits).nmse,
        limits.rate_distortion(lam, bits),
    )
    assert found == pytest.approx((coding, sign, shannon), abs=5.1e-5)
    assert found[2] < found[0] <= found[1] * (1 + 1e-12)


@given(wild, st.floats(0.01, 60))
def test_rate_distortion_with_empty_directions(lam, bits):
    expected = reverse_water_fill(lam, bits)
    assert limits.rate_distortion(lam, bits) == pytest.approx(expected, rel=1e-9)


def test_rate_distortion_of_a_stationary_process_is_an_integral():
    # AR(1) at high resolution: all water levels lie under the spectrum and
    # D(R) = (1 - a^2) 4^-R (Kolmogorov); the finite section keeps (1 - a^2)^((d-1)/d).
    lam = spectrum("ar.95")
    density = integrate.quad(
        lambda w: math.log((1 - 0.95**2) / (1 + 0.95**2 - 1.9 * math.cos(w))), 0, math.pi
    )[0]
    assert density / math.pi == pytest.approx(math.log(1 - 0.95**2), rel=1e-9)
    expected = (1 - 0.95**2) ** 0.99 * 4.0**-4
    assert limits.rate_distortion(lam, 400) == pytest.approx(expected, rel=1e-11)


@given(wild, st.floats(1e-3, 1e3), st.randoms(use_true_random=False))
def test_rate_distortion_is_convex_decreasing_and_scale_free(lam, scale, random):
    bits = np.linspace(0, 30, 31)
    curve = limits.rate_distortion(lam, bits)
    assert curve[0] == pytest.approx(1, rel=1e-13)
    assert np.all(np.diff(curve) < 0)
    assert np.all(np.diff(curve, 2) > -1e-13)
    order = list(range(lam.size))
    random.shuffle(order)
    other = limits.rate_distortion(scale * lam[order], bits)
    np.testing.assert_allclose(other, curve, rtol=1e-11)
    one = [limits.rate_distortion(lam, float(b)) for b in bits]
    np.testing.assert_allclose(curve, one, rtol=1e-13)


@given(wild, st.integers(0, 30))
def test_bits_belong_to_the_eigenvalues_in_the_given_order(lam, bits):
    bits = min(bits, 12 * int(np.count_nonzero(lam)))
    table = [limits.lloyd_max_distortion(b) for b in range(13)]
    result = limits.transform_coding(lam, bits)
    assert np.issubdtype(result.bits.dtype, np.integer)
    assert result.bits.shape == lam.shape
    assert result.bits.min() >= 0
    assert result.bits.sum() == bits
    spent = sum(v * table[b] for v, b in zip(lam, result.bits, strict=True)) / lam.sum()
    assert result.nmse == pytest.approx(spent, rel=1e-12)
    if result.bits.max() < 12:
        capped = [*table, 0.0]
        assert result.nmse == pytest.approx(
            heap_allocation(lam, bits, capped)[0], rel=1e-12
        )
    larger = lam[:, None] > lam
    assert np.all((result.bits[:, None] >= result.bits)[larger])


@pytest.mark.parametrize("lam", [[1.0], [1.0, 1.0], [9.0, 1.0], [4.0, 0.1, 0.7]])
@pytest.mark.parametrize("bits", range(1, 7))
def test_every_split_of_a_few_bits(lam, bits):
    table = [limits.lloyd_max_distortion(b) for b in range(7)]
    splits = itertools.product(range(bits + 1), repeat=len(lam))
    best = min(
        sum(v * table[b] for v, b in zip(lam, split, strict=True))
        for split in splits
        if sum(split) == bits
    )
    found = limits.transform_coding(np.array(lam), bits).nmse
    assert found == pytest.approx(best / sum(lam), rel=1e-12)


@given(wild, st.integers(1, 30))
def test_transform_coding_never_beats_shannon(lam, bits):
    bits = min(bits, 12 * int(np.count_nonzero(lam)))
    coding = limits.transform_coding(lam, bits).nmse
    assert coding > limits.rate_distortion(lam, bits) * (1 - 1e-12)
