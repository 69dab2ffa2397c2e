"""The ten ways to an autoencoder that the study of penalties compares."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable

from isthmus.core.random import as_rng
from isthmus.training.penalties import (
    AbstractPenalty,
    Contractive,
    CycleConsistency,
    Denoising,
    Generators,
    HigherOrderContractive,
    Lie1,
    Lie2,
    OrbitAugmentation,
    PenaltySum,
    WeightDecay,
)

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


def _generators(n_input: int, n_code: int, seed: int) -> Generators:
    kind = "full" if n_input < FULL_BELOW else "low-rank"
    return Generators(n_input, n_code, kind=kind, rng=as_rng(seed))


def _weight_decay(weight: float, n_input: int, n_code: int, seed: int) -> AbstractPenalty:
    return WeightDecay(weight)


def _contractive(weight: float, n_input: int, n_code: int, seed: int) -> AbstractPenalty:
    return Contractive(weight)


def _higher_order(weight: float, n_input: int, n_code: int, seed: int) -> AbstractPenalty:
    return HigherOrderContractive(weight, curvature_weight=weight, noise_std=0.1)


def _denoising(weight: float, n_input: int, n_code: int, seed: int) -> AbstractPenalty:
    return Denoising(weight)


def _lie1(weight: float, n_input: int, n_code: int, seed: int) -> AbstractPenalty:
    return Lie1(weight, _generators(n_input, n_code, seed))


def _lie2(weight: float, n_input: int, n_code: int, seed: int) -> AbstractPenalty:
    return Lie2(weight, _generators(n_input, n_code, seed))


def _cycle(weight: float, n_input: int, n_code: int, seed: int) -> AbstractPenalty:
    return CycleConsistency(weight)


def _orbit(weight: float, n_input: int, n_code: int, seed: int) -> AbstractPenalty:
    learnt = _generators(n_input, n_code, seed)
    return PenaltySum(Lie1(1.0, learnt), OrbitAugmentation(1.0, learnt, amount=weight))


METHODS: dict[str, Method] = {
    "pca": Method(None, trained=False, cost=0.01),
    "plain": Method(None),
    "weight decay": Method(_weight_decay, (1e-4, 1e-3, 3e-3, 1e-2), cost=1.5),
    "contractive": Method(_contractive, (1e-4, 1e-3, 1e-2, 1e-1), cost=1.7),
    "higher-order": Method(_higher_order, (1e-4, 1e-3, 1e-2, 1e-1), cost=2.3),
    "denoising": Method(_denoising, (0.1, 0.3, 1.0, 2.0), cost=1.1),
    "lie-1": Method(_lie1, (1.0, 10.0, 100.0, 1000.0), baseline=False, cost=3.5),
    "lie-2": Method(_lie2, (0.1, 1.0, 10.0, 100.0), baseline=False, cost=4.8),
    "cycle": Method(_cycle, (0.01, 0.1, 1.0, 10.0), baseline=False, cost=2.1),
    "orbit": Method(_orbit, (0.03, 0.1, 0.3, 1.0), baseline=False, cost=5.6),
}
