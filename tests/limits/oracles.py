"""Second routes to the limits: slow, plain, and free of the library's formulas."""

import heapq
import itertools
import math

import numpy as np
from scipy import linalg, optimize, special, stats

ALPHA = math.pi / 2 - 1


def spectrum(name):
    k = np.arange(1, 101.0)
    return {
        "white": lambda: np.ones(100),
        "two-blocks": lambda: np.repeat([4.0, 1.0], 50),
        "k^-1": lambda: 1 / k,
        "k^-2": lambda: k**-2.0,
        "ar.95": lambda: np.linalg.eigvalsh(linalg.toeplitz(0.95 ** (k - 1))),
    }[name]()


def water_fill(eigenvalues, n_code, alpha=ALPHA):
    """Masses minimising sum lam alpha / (mu + alpha), by bisection on the multiplier."""
    lam = np.asarray(eigenvalues, float)
    mu = np.zeros(lam.size)
    top = np.argsort(-lam, kind="stable")[: min(n_code, lam.size)]
    kept = lam[top] / lam.max()

    def masses(log_level):
        return np.maximum(0, np.sqrt(kept * alpha * np.exp(log_level)) - alpha)

    level = optimize.brentq(
        lambda t: masses(t).sum() - n_code, -20, 40 + 2 * math.log(n_code), xtol=1e-14
    )
    mu[top] = masses(level)
    return mu, float(np.sum(lam * alpha / (mu + alpha)) / lam.sum())


def water_fill_all_subsets(eigenvalues, n_code, alpha=ALPHA):
    """The same minimum without assuming which directions stay active (tiny cases)."""
    lam = np.asarray(eigenvalues, float)
    best = math.inf
    for size in range(1, min(n_code, lam.size) + 1):
        for subset in itertools.combinations(range(lam.size), size):
            chosen = list(subset)
            # without mu >= 0 the stationary point is explicit: skip infeasible ones
            root = np.sqrt(lam[chosen])
            if root.sum() == 0:
                continue
            mu = np.zeros(lam.size)
            mu[chosen] = root * (n_code + size * alpha) / root.sum() - alpha
            if mu.min() >= 0:
                best = min(best, np.sum(lam * alpha / (mu + alpha)))
    return float(best / lam.sum())


def reverse_water_fill(eigenvalues, bits):
    lam = np.asarray(eigenvalues, float)
    positive = lam[lam > 0]

    def spent(log_theta):
        return 0.5 * np.maximum(0, np.log2(positive) - log_theta).sum() - bits

    low = np.log2(positive.min()) - 2 * bits / positive.size - 1
    log_theta = optimize.brentq(spent, low, np.log2(positive.max()), xtol=1e-13)
    return float(np.minimum(2.0**log_theta, lam).sum() / lam.sum())


def heap_allocation(eigenvalues, bits, distortion):
    """One bit at a time to the largest decrease; returns the nmse and the bits."""
    given = [0] * len(eigenvalues)
    heap = [(-v * (distortion[0] - distortion[1]), i) for i, v in enumerate(eigenvalues)]
    heapq.heapify(heap)
    for _ in range(bits):
        _, i = heapq.heappop(heap)
        given[i] += 1
        b = given[i]
        gain = eigenvalues[i] * (distortion[b] - distortion[b + 1])
        heapq.heappush(heap, (-gain, i))
    total = sum(v * distortion[b] for v, b in zip(eigenvalues, given, strict=True))
    return total / sum(eigenvalues), given


def cell_moments(edges):
    """Probability and first moment of N(0, 1) on the cells between `edges` >= 0."""
    tail = special.ndtr(-edges)
    density = np.exp(-(edges**2) / 2) / math.sqrt(2 * math.pi)
    return tail[:-1] - tail[1:], density[:-1] - density[1:]


def lloyd_distortion(bits, n_iter=4000):
    """Plain Lloyd iteration on the positive half of a symmetric quantiser."""
    if bits == 0:
        return 1.0
    half = 2 ** (bits - 1)
    levels = stats.norm.isf(0.5 * (1 - (np.arange(half) + 0.5) / half)) * 1.5
    for _ in range(n_iter):
        edges = np.r_[0, (levels[1:] + levels[:-1]) / 2, np.inf]
        mass, moment = cell_moments(edges)
        levels = moment / mass
    return float(1 - 2 * np.sum(moment**2 / mass))


def sign_moments(encoder_weight, covariance):
    """E[y y^T] from orthant angles and E[x y^T], for y = sign(B x)."""
    b = np.asarray(encoder_weight)
    rows = b @ np.linalg.cholesky(covariance)
    scale = np.linalg.norm(rows, axis=1)
    rows /= scale[:, None]
    # half angles from chords: an arccosine loses half the digits near parallel rows
    apart = np.linalg.norm(rows[:, None] - rows, axis=2)
    angle = 2 * np.arctan2(apart, np.linalg.norm(rows[:, None] + rows, axis=2))
    return 1 - 2 * angle / np.pi, math.sqrt(2 / np.pi) * (covariance @ b.T) / scale


def planar_sign_risk(encoder_weight, decoder_weight, covariance):
    """d = 2: the risk as a sum over the arcs of the circle on which sign(B x) is fixed.

    x = root (r cos phi, r sin phi) with root root^T = covariance, E r = sqrt(pi / 2).
    """
    root = np.linalg.cholesky(covariance)
    rows = encoder_weight @ root
    cuts = np.arctan2(-rows[:, 0], rows[:, 1])
    cuts = np.sort(np.r_[cuts, cuts + np.pi] % (2 * np.pi))
    cross = quadratic = 0.0
    for start, end in zip(cuts, np.r_[cuts[1:], cuts[0] + 2 * np.pi], strict=True):
        middle = np.array([np.cos((start + end) / 2), np.sin((start + end) / 2)])
        output = decoder_weight @ np.where(rows @ middle >= 0, 1.0, -1.0)
        direction = np.array([np.sin(end) - np.sin(start), np.cos(start) - np.cos(end)])
        cross += math.sqrt(np.pi / 2) * (root @ direction) @ output
        quadratic += (end - start) * output @ output
    return (np.trace(covariance) + (quadratic - 2 * cross) / (2 * np.pi)) / 2


def random_covariance(rng, n_input, decades=2.0):
    eigenvalues = 10 ** rng.uniform(-decades / 2, decades / 2, n_input)
    q = stats.ortho_group.rvs(n_input, random_state=rng) if n_input > 1 else np.eye(1)
    covariance = (q * eigenvalues) @ q.T
    return (covariance + covariance.T) / 2
