"""The ten ways to an autoencoder that the study of penalties compares."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable

from isthmus.core.random import as_rng
from isthmus.training.penalties import AbstractPenalty, Generators
from isthmus.training.penalties.named import NAMED

FULL_BELOW = 200  # columns; from there generators are of rank 16
Make = Callable[[float, int, int, int], AbstractPenalty]
"""Weight, columns, code length and seed to a penalty."""


@dataclasses.dataclass(frozen=True)
class Method:
    """One way, and what is tried for it.

    Attributes:
        make: Its penalty; None for none.
        weights: Candidates, one of which is chosen on validation rows; of denoising they
            are the noise's standard deviation, of orbit augmentation, beside a lie-1 of
            weight 1 that learns the generators, the size of the moves relative to a row.
            (0.0,) where there is nothing to choose.
        baseline: Whether it is older than the Lie penalties.
        cost: A step's time over that of a plain one, about; orders work and foretells time.
        trained: False for principal components.
    """

    make: Make | None
    weights: tuple[float, ...] = (0.0,)
    baseline: bool = True
    cost: float = 1.0
    trained: bool = True


def _named(name: str, baseline: bool, cost: float) -> Method:
    known = NAMED[name]

    def make(weight: float, n_input: int, n_code: int, seed: int) -> AbstractPenalty:
        kind = "full" if n_input < FULL_BELOW else "low-rank"
        learnt = None
        if known.generators:
            learnt = Generators(n_input, n_code, kind=kind, rng=as_rng(seed))
        return known.make(weight, learnt)

    return Method(make, known.weights, baseline, cost)


METHODS: dict[str, Method] = {
    "pca": Method(None, trained=False, cost=0.01),
    "plain": Method(None),
    "weight decay": _named("weight-decay", True, 1.5),
    "contractive": _named("contractive", True, 1.7),
    "higher-order": _named("higher-order-contractive", True, 2.3),
    "denoising": _named("denoising", True, 1.1),
    "lie-1": _named("lie-1", False, 3.5),
    "lie-2": _named("lie-2", False, 4.8),
    "cycle": _named("cycle-consistency", False, 2.1),
    "orbit": _named("orbit-augmentation", False, 5.6),
}
