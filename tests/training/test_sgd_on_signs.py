"""Straight-through training on sparse signs: Haar-like below the critical density."""

import numpy as np
import pytest

from isthmus import limits, priors

pytest.importorskip("torch")

from isthmus.training import train_straight_through

SIZE = 64


def trained(density, seed):
    """Held-out loss with the best multiple of B', and the rows' mean largest entry."""
    prior = priors.SparseRademacher(density)
    rows = prior.sample((40_000, SIZE), 0).astype(np.float32)
    found = train_straight_through(
        rows,
        SIZE,
        tied=True,
        temperature=0.1,
        learning_rate=0.02,
        batch_size=64,
        n_steps=6000,
        whitening=np.eye(SIZE),
        rng=seed,
    )
    b = found.encoder_weight.astype(float)
    b /= np.linalg.norm(b, axis=1, keepdims=True)
    test = prior.sample((20_000, SIZE), 1)
    back = np.where(test @ b.T >= 0, 1.0, -1.0) @ b
    alpha = np.sum(back * test) / np.sum(back * back)
    return float(np.mean((alpha * back - test) ** 2)), float(np.abs(b).max(axis=1).mean())


@pytest.mark.slow
def test_rows_localise_above_the_critical_density_only():
    # Two seeds each: .362 .361 | .314 .307 | .199 .215; the noise of SGD is the spread.
    haar = limits.isotropic_limit(1.0)
    found = {p: [trained(p, seed) for seed in (0, 1)] for p in (0.5, 0.7, 0.8)}
    for loss, largest in found[0.5]:
        assert loss == pytest.approx(haar, rel=0.05)
        assert largest < 0.5
    for loss, largest in found[0.7] + found[0.8]:
        assert loss < 0.95 * haar
        assert largest > 0.7
    assert max(found[0.8]) < min(found[0.7])
