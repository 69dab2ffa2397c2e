"""Built-in rows of independent coordinates, always the same."""

from __future__ import annotations

from isthmus.core.random import as_rng, random_normal
from isthmus.data.base import Dataset
from isthmus.data.columns import Choice, chosen
from isthmus.priors import AbstractPrior, GaussBernoulli, SparseRademacher


def gaussian(choice: Choice) -> Dataset:
    """20 000 rows of 64 independent standard Gaussians."""
    return chosen("gaussian", random_normal(as_rng(0), 20_000, 64), choice)


def sparse_gaussian(choice: Choice) -> Dataset:
    """5000 rows of 256 independent sparse Gaussians of density 0.1 and variance 1."""
    return _draws("sparse-gaussian", GaussBernoulli(0.1), choice)


def sparse_rademacher(choice: Choice) -> Dataset:
    """5000 rows of 256 independent sparse signs of density 0.7 and variance 1."""
    return _draws("sparse-rademacher", SparseRademacher(0.7), choice)


def _draws(name: str, prior: AbstractPrior, choice: Choice) -> Dataset:
    return chosen(name, prior.sample((5000, 256), as_rng(0)), choice)
