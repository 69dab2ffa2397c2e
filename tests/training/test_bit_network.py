import numpy as np
import pytest

pytest.importorskip("torch")
from isthmus.training import train_bit_network


def trained(rows, codes, linear, **options):
    settings = {
        "extra": None,
        "weights": None,
        "checked": np.arange(200),
        "hidden": 64,
        "n_steps": 400,
        "rng": np.random.default_rng(0),
    }
    return train_bit_network(linear, codes, rows, **settings | options)


def test_products_of_bits_are_learned_and_noise_is_not():
    rng = np.random.default_rng(0)
    codes = np.where(rng.random((4000, 8)) < 0.5, -1.0, 1.0)
    rows = codes[:, :2] * codes[:, 2:4]  # no linear decoder sees any of it
    found, errors = trained(rows, codes, np.zeros((2, 8)))
    fresh = np.where(rng.random((500, 8)) < 0.5, -1.0, 1.0)
    wanted = fresh[:, :2] * fresh[:, 2:4]
    assert errors[0] == 1.0
    assert np.mean((found.decode(fresh) - wanted) ** 2) < 0.1
    noise = rng.normal(size=(4000, 2))
    kept, errors = trained(noise, codes, np.zeros((2, 8)))
    assert min(errors) > 0.97
    assert np.mean(kept.decode(fresh) ** 2) < 0.05


def test_it_starts_from_the_linear_decoder_and_sees_the_extra_number():
    rng = np.random.default_rng(1)
    codes = np.where(rng.random((3000, 6)) < 0.5, -1.0, 1.0)
    linear = rng.normal(size=(3, 6))
    extra = rng.normal(size=3000)
    rows = codes @ linear.T + np.maximum(extra, 0)[:, None]
    blind, _ = trained(rows, codes, linear)
    found, _ = trained(rows, codes, linear, extra=extra)
    left = np.mean((found.decode(codes, extra) - rows) ** 2)
    assert left < 0.1 * np.mean((blind.decode(codes) - rows) ** 2)
    none, errors = trained(rows, codes, linear, n_steps=1, weights=np.ones(3000))
    assert len(errors) == 2
    np.testing.assert_array_equal(none.linear, linear.astype(np.float32))


def test_the_same_seed_gives_the_same_network():
    rng = np.random.default_rng(2)
    codes = np.where(rng.random((600, 5)) < 0.5, -1.0, 1.0)
    rows = codes[:, :1] * codes[:, 1:2]
    first, second = (
        trained(rows, codes, np.zeros((1, 5)), n_steps=60, rng=np.random.default_rng(3))[0]
        for _ in range(2)
    )
    np.testing.assert_array_equal(first.first, second.first)
