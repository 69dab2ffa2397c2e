"""Randomness as an argument, drawn so that a seed means the same everywhere.

NumPy promises that the raw 64-bit stream of a bit generator never changes, but not
that ``Generator.permutation`` or ``standard_normal`` keep their algorithms. What goes
into a saved model is therefore drawn here from raw 64-bit words alone.
"""

from __future__ import annotations

import numpy as np
from jaxtyping import Float, Int

from isthmus.core.errors import ValueOutOfRange


def as_rng(seed: object) -> np.random.Generator:
    """Generator from a seed, a ``Generator``, a ``RandomState`` or ``None``.

    Args:
        seed: Non-negative integer (counter-based Philox stream), generator, legacy
            ``RandomState`` (one word is drawn from it), or ``None`` for fresh entropy.

    Returns:
        A NumPy generator; generators are handed through.

    Raises:
        ValueOutOfRange: If `seed` is none of these.

    Examples:
        >>> bool(as_rng(7).integers(1000) == as_rng(7).integers(1000))
        True
    """
    if isinstance(seed, np.random.Generator):
        return seed
    if isinstance(seed, np.random.RandomState):
        seed = int(seed.randint(2**31 - 1))
    if seed is None:
        return np.random.Generator(np.random.Philox())
    if isinstance(seed, (int, np.integer)) and not isinstance(seed, bool) and seed >= 0:
        return np.random.Generator(np.random.Philox(int(seed)))
    raise ValueOutOfRange(
        f"`rng` must be a non-negative integer, a NumPy generator or None; got {seed!r}."
    )


def raw_words(rng: np.random.Generator, size: int) -> np.ndarray:
    """Draw ``size`` uniform 64-bit words."""
    return rng.integers(0, 2**64, size=size, dtype=np.uint64)


def random_signs(rng: np.random.Generator, size: int) -> Float[np.ndarray, " size"]:
    """Independent fair ±1, one word each.

    Examples:
        >>> random_signs(as_rng(0), 4).shape
        (4,)
    """
    return np.where(raw_words(rng, size) >> np.uint64(63), -1.0, 1.0)


def random_subset(
    rng: np.random.Generator, size: int, count: int
) -> Int[np.ndarray, " count"]:
    """Draw ``count`` different indices below ``size`` in random order.

    Examples:
        >>> sorted(random_subset(as_rng(0), 5, 5).tolist())
        [0, 1, 2, 3, 4]
    """
    return np.argsort(raw_words(rng, size), kind="stable")[:count].astype(np.int64)


def random_normal(
    rng: np.random.Generator, rows: int, columns: int
) -> Float[np.ndarray, "rows columns"]:
    """Independent standard Gaussians by the Box-Muller transform of raw words."""
    count = rows * columns
    half = (count + 1) // 2
    words = raw_words(rng, 2 * half)
    uniform = ((words >> np.uint64(11)).astype(np.float64) + 0.5) * 2.0**-53
    radius = np.sqrt(-2.0 * np.log(uniform[:half]))
    angle = 2.0 * np.pi * uniform[half:]
    both = np.concatenate([radius * np.cos(angle), radius * np.sin(angle)])
    return both[:count].reshape(rows, columns)
